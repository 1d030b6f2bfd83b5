/**
 * Builds the kernels: `assembly/index.ts` → `src/generated/relaxed.wasm`, the same as text in `kernels.ts`, and what becomes
 * of it without the relaxed instructions, `simd.wasm`.
 *
 * Run: `deno task build:kernels`. With `--check` nothing is written, and stale files are an error: the compiler's
 * output is the same bytes on every machine.
 *
 * Before compiling it writes `assembly/generated/pointwise.ts`, one export for each pointwise op and element type, and what
 * the files `build_*.ts` beside it make.
 *
 * @module
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { backsText } from "./build_backs.ts";
import { chainText } from "./build_chains.ts";
import { fewText } from "./build_few.ts";
import { lanesText } from "./build_lanes.ts";
import { tilesText } from "./build_tiles.ts";
import { windowsText } from "./build_windows.ts";
import { winogradText } from "./build_winograd.ts";
import { pack, unpack } from "./src/packed.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
const CHECK = process.argv.includes("--check");

/** Suffix of an export → type in AssemblyScript. */
const TYPES: Readonly<Record<string, string>> = {
  f32: "f32",
  f64: "f64",
  i32: "i32",
  i64: "i64",
  i16: "i16",
  i8: "i8",
  u8: "u8",
};
const FLOATS = ["f32", "f64"];
const INTS = ["i32", "i64", "i16", "i8", "u8"];
const ALL = [...FLOATS, ...INTS];

/** Export prefix → class of the op and element types, by template. */
const UNARY: Readonly<Record<string, readonly [op: string, types: readonly string[]]>> = {
  neg: ["Neg", ALL],
  abs: ["Abs", ALL],
  sign: ["Sign", ALL],
  sqrt: ["Sqrt", FLOATS],
  rsqrt: ["Rsqrt", FLOATS],
  reciprocal: ["Reciprocal", FLOATS],
  floor: ["Floor", FLOATS],
  ceil: ["Ceil", FLOATS],
  round: ["Round", FLOATS],
  trunc: ["Trunc", FLOATS],
  relu: ["Relu", ALL],
  bitwise_not: ["BitwiseNot", INTS],
  ...Object.fromEntries(
    [
      ...[
        "Exp",
        "Log",
        "Tanh",
        "Sigmoid",
        "Silu",
        "Erf",
        "Gelu",
        "GeluTanh",
        "Exp2",
        "Expm1",
        "Log2",
        "Log10",
      ],
      ...[
        "Log1p",
        "Sin",
        "Cos",
        "Tan",
        "Asin",
        "Acos",
        "Atan",
        "Sinh",
        "Cosh",
        "Asinh",
        "Acosh",
        "Atanh",
        "Erfc",
      ],
    ].map((op) => [snake(op), [op, ["f32"]] as const]),
  ),
};
/** Ops of {@linkcode UNARY} with a faster form for ordinary values. */
const GUARDED: ReadonlySet<string> = new Set([
  ...["Exp", "Exp2", "Log", "Log2", "Log10", "Sigmoid", "Silu", "Gelu", "GeluTanh", "Sin", "Cos"],
]);
/** Cheap ops, whose float32 rows go by whole cache lines: memory is what limits them, if the loop does not. */
const WIDE: ReadonlySet<string> = new Set([
  ...["Neg", "Abs", "Relu", "Add", "Sub", "Mul", "Div", "Maximum", "Minimum", "ReluBackward"],
]);
const BINARY: typeof UNARY = {
  add: ["Add", ALL],
  sub: ["Sub", ALL],
  mul: ["Mul", ALL],
  div: ["Div", FLOATS],
  pow: ["Pow", ["f32"]],
  remainder: ["Remainder", ["f32", "f64", "i32", "i64"]],
  fmod: ["Fmod", ["f32", "f64", "i32", "i64"]],
  floor_divide: ["FloorDivide", ["f32", "f64", "i32", "i64"]],
  trunc_divide: ["TruncDivide", ["f32", "f64", "i32", "i64"]],
  atan2: ["Atan2", ["f32"]],
  hypot: ["Hypot", ["f32"]],
  copysign: ["Copysign", FLOATS],
  maximum: ["Maximum", ALL],
  minimum: ["Minimum", ALL],
  bitwise_and: ["BitwiseAnd", INTS],
  bitwise_or: ["BitwiseOr", INTS],
  bitwise_xor: ["BitwiseXor", INTS],
  left_shift: ["LeftShift", ["i32", "i64"]],
  right_shift: ["RightShift", ["i32", "i64"]],
  relu_backward: ["ReluBackward", FLOATS],
  gelu_backward: ["GeluBackward", ["f32"]],
  gelu_tanh_backward: ["GeluTanhBackward", ["f32"]],
};
const COMPARE: typeof UNARY = {
  eq: ["Eq", ALL],
  ne: ["Ne", ALL],
  lt: ["Lt", ALL],
  le: ["Le", ALL],
  gt: ["Gt", ALL],
  ge: ["Ge", ALL],
};
const TEST: typeof UNARY = {
  logical_not: ["LogicalNot", ALL],
  truth: ["Truth", ALL],
  isnan: ["Isnan", FLOATS],
  isinf: ["Isinf", FLOATS],
  signbit: ["Signbit", [...FLOATS, "i32", "i64"]],
};
/** Conversions that kernels do; the rest is for the host. */
const CASTS: readonly (readonly [from: string, to: string])[] = [
  ["f32", "f64"],
  ["f64", "f32"],
  ...["f32", "f64"].flatMap((to) => INTS.map((from) => [from, to] as const)),
  // Low bytes are the same for both signs.
  ...INTS.flatMap((from) =>
    INTS.filter((to) => to !== from && to !== "i8" && !(to === "u8" && from === "i8")).map((to) =>
      [from, to] as const
    )
  ),
];

/** `GeluTanh` → `gelu_tanh`. */
function snake(name: string): string {
  return name.replace(/(?<!^)([A-Z])/g, "_$1").toLowerCase();
}

/** The loop template of an op for a type. */
function loopOf(template: string, op: string, type: string): string {
  if (GUARDED.has(op)) return "guarded";
  return WIDE.has(op) && type === "f32" ? `${template}Wide` : template;
}

/** The text of `assembly/generated/pointwise.ts`. */
function pointwiseExports(): string {
  const lines: string[] = [];
  const row1 = "a: usize, o: usize, n: i32, sa: i32, so: i32";
  const row2 = "a: usize, b: usize, o: usize, n: i32, sa: i32, sb: i32, so: i32";
  const templates = [["unary", UNARY], ["binary", BINARY], ["compare", COMPARE], ["test", TEST]] as const;
  for (const [template, table] of templates) {
    const one = template === "unary" || template === "test";
    for (const [prefix, [op, types]] of Object.entries(table)) {
      for (const type of types) {
        lines.push(
          `export function ${prefix}_${type}(${one ? row1 : row2}): void {`,
          `  p.${loopOf(template, op, type)}<${TYPES[type]}, ops.${op}>(${
            one ? "a, o, n, sa, so" : "a, b, o, n, sa, sb, so"
          });`,
          "}",
        );
      }
    }
  }
  for (const bits of [8, 16, 32, 64]) {
    lines.push(
      `export function where_${bits}(c: usize, ${row2.replace("n: i32,", "n: i32, sc: i32,")}): void {`,
      `  p.where<u${bits}>(c, a, b, o, n, sc, sa, sb, so);`,
      "}",
    );
  }
  for (const [from, to] of CASTS) {
    lines.push(
      `export function cast_${from}_${to}(${row1}): void {`,
      `  c.cast<${from}, ${to}>(a, o, n, sa, so);`,
      "}",
    );
  }
  for (const from of FLOATS) {
    for (const to of INTS) {
      const name = `cast_${from}_${to}`;
      lines.push(
        `export function ${name}(${row1}): void {`,
        `  c.truncate<${from}, ${to}>(a, o, n, sa, so);`,
        "}",
      );
    }
  }
  return [
    "/** Generated by build.ts: one export for each pointwise op and element type. */",
    "",
    'import * as ops from "../ops";',
    'import * as c from "../cast";',
    'import * as p from "../pointwise";',
    "",
    ...lines,
    "",
  ].join("\n");
}

/** Neither `-O3` nor `--converge`: both nest the products of the micro-kernels until V8 spills (59 → 37 GFLOP/s). */
const KERNELS = [
  ...["--optimizeLevel", "2", "--shrinkLevel", "0", "--initialMemory", "2", "--maximumMemory", "65536"],
  ...["--importTable", "--enable", "simd", "--enable", "relaxed-simd"],
];
const UNPACKER = ["--optimizeLevel", "3", "--shrinkLevel", "2", "--initialMemory", "1"];

const stale: string[] = [];

/** Writes a generated file, or notes that it is stale. */
function put(path: string, content: string | Uint8Array): void {
  const full = join(HERE, path);
  if (CHECK) {
    let old: Uint8Array | null = null;
    try {
      old = readFileSync(full);
    } catch {
      // A missing file is a stale one.
    }
    const now = typeof content === "string" ? new TextEncoder().encode(content) : content;
    if (old === null || old.length !== now.length || !now.every((byte, i) => byte === old[i])) {
      stale.push(path);
    }
    return;
  }
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, content);
}

put("assembly/generated/pointwise.ts", pointwiseExports());
// Long, and not in git: made whenever the kernels are compiled.
writeFileSync(join(HERE, "assembly/generated/backs.ts"), backsText());
writeFileSync(join(HERE, "assembly/generated/chain.ts"), chainText());
writeFileSync(join(HERE, "assembly/generated/few.ts"), fewText());
writeFileSync(join(HERE, "assembly/generated/lanes.ts"), lanesText());
writeFileSync(join(HERE, "assembly/generated/tiles.ts"), tilesText());
writeFileSync(join(HERE, "assembly/generated/windows.ts"), windowsText());
writeFileSync(join(HERE, "assembly/generated/winograd_tiles.ts"), winogradText());

/** The bytes that the compiler makes of a file in `assembly`. */
async function compile(file: string, flags: readonly string[]): Promise<Uint8Array> {
  let binary: Uint8Array | null = null;
  const { error, stderr } = await asc.main(
    [
      ...[file, "--baseDir", join(HERE, "assembly"), "--outFile", "out.wasm"],
      ...["--runtime", "stub", "--noAssert", "--importMemory", ...flags],
    ],
    {
      writeFile(_file: string, content: string | Uint8Array): void {
        if (typeof content !== "string") binary = content;
      },
    },
  );
  if (error !== null || binary === null) {
    console.error(stderr.toString());
    throw error ?? new Error(`Cannot build ${file}: the compiler wrote nothing`);
  }
  return binary;
}

const relaxed = await compile("index.ts", KERNELS);
const packed = pack(relaxed, await compile("unpack.ts", UNPACKER));
const simd = unpack(packed, false);
put("src/generated/relaxed.wasm", relaxed);
put("src/generated/simd.wasm", simd);
put(
  "src/generated/kernels.ts",
  [
    "/**",
    " * The kernels as text: `relaxed.wasm`. Generated by build.ts; do not edit.",
    " *",
    " * @module",
    " */",
    "",
    'import type { PackedModule } from "../packed.ts";',
    "",
    "/** The WebAssembly module. */",
    "// deno-fmt-ignore",
    `export const kernels: PackedModule = ${JSON.stringify(packed)};`,
    "",
  ].join("\n"),
);
if (!CHECK) console.log(`relaxed: ${relaxed.length} bytes, simd: ${simd.length} bytes`);

if (stale.length > 0) {
  console.error(`Stale generated files: ${stale.join(", ")}. Run: deno task build:kernels`);
  process.exit(1);
}
