/**
 * Builds the kernels: `assembly/index.ts` → `src/generated/relaxed.wasm`, the same as text in `kernels.ts`, and what becomes
 * of it without the relaxed instructions, `simd.wasm`.
 *
 * Run: `deno task build:kernels`. With `--check` nothing is written, and stale files are an error: the compiler's
 * output is the same bytes on every machine.
 *
 * Before compiling it writes `assembly/generated/pointwise.ts`, one export for each pointwise op and element type, and
 * `assembly/generated/chain.ts`, a loop that runs several of them.
 *
 * @module
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
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
  maximum: ["Maximum", ALL],
  minimum: ["Minimum", ALL],
  bitwise_and: ["BitwiseAnd", INTS],
  bitwise_or: ["BitwiseOr", INTS],
  bitwise_xor: ["BitwiseXor", INTS],
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
};
/** Conversions that kernels do; the rest is for the host. */
const CASTS: readonly (readonly [from: string, to: string])[] = [
  ["f32", "f64"],
  ["f64", "f32"],
  ...["f32", "f64"].flatMap((to) => INTS.map((from) => [from, to] as const)),
  ...INTS.flatMap((from) => INTS.filter((to) => to !== from).map((to) => [from, to] as const)),
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
      `  p.cast<${from}, ${to}>(a, o, n, sa, so);`,
      "}",
    );
  }
  for (const from of FLOATS) {
    for (const to of INTS) {
      const name = `cast_${from}_${to}`;
      lines.push(
        `export function ${name}(${row1}): void {`,
        `  p.truncate<${from}, ${to}>(a, o, n, sa, so);`,
        "}",
      );
    }
  }
  return [
    "/** Generated by build.ts: one export for each pointwise op and element type. */",
    "",
    'import * as ops from "../ops";',
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

/** Vectors that a chain works on at a time. */
const ACROSS = 8;

/** What a loop of a chain has at a time: so many vectors, or one element. */
interface ChainLoop {
  readonly across: number;
  readonly isScalar: boolean;
}

/** Ops of chains: what is loaded first, and what becomes of `x`. `src/chain.ts` knows their numbers. */
function chainOps(isScalar: boolean): (readonly [loads: string, text: string])[] {
  const ops: [string, string][] = [];
  const form = isScalar ? "s" : "v";
  for (const op of ["Add", "Sub", "Mul", "Div", "Maximum", "Minimum"]) {
    const call = `changetype<ops.${op}>(0).${form}<f32>`;
    ops.push(["each", `${call}(x, EACH)`], ["one", `${call}(x, one)`]);
    ops.push(["each", `${call}(EACH, x)`], ["one", `${call}(one, x)`], ["", `${call}(x, x)`]);
  }
  for (const op of ["Relu", "Neg", "Abs", "Sqrt"]) ops.push(["", `changetype<ops.${op}>(0).${form}<f32>(x)`]);
  ops.push(["two", isScalar ? "clampOne(x, one, two)" : "f32x4.pmin(f32x4.pmax(x, one), two)"]);
  ops.push(["scaled", isScalar ? "x + two * EACH" : "f32x4.add(x, f32x4.mul(two, EACH))"]);
  ops.push(["scaled", isScalar ? "EACH + two * x" : "f32x4.add(EACH, f32x4.mul(two, x))"]);
  return ops;
}

/** The lines of a loop that takes elements through the steps of a chain. */
function chainLoop({ across, isScalar }: ChainLoop): string[] {
  const all = Array.from({ length: across }, (_, i) => i);
  const [read, number, write, bytes] = isScalar
    ? ["load<f32>", "load<f32>", "store<f32>", 4]
    : ["v128.load", "v128.load32_splat", "v128.store", 16 * across];
  const loads: Readonly<Record<string, readonly string[]>> = {
    "": [],
    each: ["const q = load<usize>(p, 4) + at;"],
    one: [`const one = ${number}(p, 4);`],
    two: [`const one = ${number}(p, 4);`, `const two = ${number}(p, 8);`],
    scaled: ["const q = load<usize>(p, 4) + at;", `const two = ${number}(p, 8);`],
  };
  const step = (text: string, i: number): string =>
    `          x${i} = ${text.replace(/\bx\b/g, `x${i}`).replace("EACH", `${read}(q, ${16 * i})`)};`;
  return [
    `  for (; at + ${bytes} <= end; at += ${bytes}) {`,
    ...all.map((i) => `    let x${i} = ${read}(from + at, ${16 * i});`),
    "    for (let p = first; p < last; p += 16) {",
    "      switch (load<i32>(p)) {",
    ...chainOps(isScalar).flatMap(([kind, text], code) => [
      `        case ${code}: {`,
      ...loads[kind]!.map((line) => `          ${line}`),
      ...all.map((i) => step(text, i)),
      "          break;",
      "        }",
    ]),
    "        default: {",
    "          const q = load<usize>(p, 4) + at;",
    ...all.map((i) => `          ${write}(q, x${i}, ${16 * i});`),
    "        }",
    "      }",
    "    }",
    "  }",
  ];
}

/** Numbers of ops in {@linkcode chainOps}: with one number after what is in registers, and relu. */
function codeOf(op: "add" | "mul"): number {
  return op === "add" ? 1 : 11;
}
const RELU = 30;

/** The lines of the most frequent chain, of a factor, a term and perhaps relu, without a look at each step. */
function affineLoop(): string[] {
  const all = Array.from({ length: ACROSS }, (_, i) => i);
  const value = (i: number): string => {
    const sum = `f32x4.add(f32x4.mul(v128.load(x, ${16 * i}), a), b)`;
    return `v128.store(o, relu ? f32x4.pmax(${sum}, zero) : ${sum}, ${16 * i});`;
  };
  return [
    "// @ts-ignore: decorator",
    "@inline",
    "function affine(x: usize, o: usize, n: i32, steps: usize, relu: bool): void {",
    "  const a = v128.load32_splat(steps, 4);",
    "  const b = v128.load32_splat(steps, 20);",
    "  const zero = f32x4.splat(0);",
    `  for (; n >= ${4 * ACROSS}; n -= ${4 * ACROSS}) {`,
    ...all.map((i) => `    ${value(i)}`),
    `    x += ${16 * ACROSS};`,
    `    o += ${16 * ACROSS};`,
    "  }",
    "  for (; n >= 4; n -= 4) {",
    `    ${value(0)}`,
    "    x += 16;",
    "    o += 16;",
    "  }",
    "  for (; n > 0; n--) {",
    "    const y = load<f32>(x) * f32x4.extract_lane(a, 0) + f32x4.extract_lane(b, 0);",
    "    store<f32>(o, relu ? changetype<ops.Relu>(0).s<f32>(y) : y);",
    "    x += 4;",
    "    o += 4;",
    "  }",
    "}",
    "",
  ];
}

/** The text of `assembly/generated/chain.ts`. */
function chainText(): string {
  const store = chainOps(false).length;
  return [
    "/** Generated by build.ts: pointwise steps over the same elements, one after another while these are in registers. */",
    "",
    'import { scratch } from "../memory";',
    'import * as ops from "../ops";',
    "",
    "// @ts-ignore: decorator",
    "@inline",
    "function clampOne(x: f32, low: f32, high: f32): f32 {",
    "  if (x < low) x = low;",
    "  return high < x ? high : x;",
    "}",
    "",
    ...affineLoop(),
    "/**",
    " * Runs the steps at `first` … `last` (16 bytes each: number of the op, address or number, number) over `n` elements",
    " * from number `start` on, which are loaded at `from`. Numbers beyond those of ops write what has become of them.",
    " */",
    "export function chain_f32(first: usize, last: usize, from: usize, start: i32, n: i32): void {",
    "  let at = <usize>start << 2;",
    "  const end = at + (<usize>n << 2);",
    `  if (load<i32>(first) === ${codeOf("mul")} && load<i32>(first, 16) === ${codeOf("add")}) {`,
    `    if (last - first === 48 && load<i32>(first, 32) === ${store}) {`,
    "      return affine(from + at, load<usize>(first, 36) + at, n, first, false);",
    "    }",
    `    if (last - first === 64 && load<i32>(first, 32) === ${RELU} && load<i32>(first, 48) === ${store}) {`,
    "      return affine(from + at, load<usize>(first, 52) + at, n, first, true);",
    "    }",
    "  }",
    ...chainLoop({ across: ACROSS, isScalar: false }),
    ...chainLoop({ across: 1, isScalar: false }),
    ...chainLoop({ across: 1, isScalar: true }),
    "}",
    "",
    "/**",
    " * As {@linkcode chain_f32} for planes `start` to `start` + `planes` of `n` elements. A step whose last word is an address",
    " * takes its number from there, channel after channel; the steps are copied, because others read them too.",
    " */",
    "export function chain_planes_f32(",
    "  first: usize,",
    "  last: usize,",
    "  from: usize,",
    "  n: i32,",
    "  channels: i32,",
    "  start: i32,",
    "  planes: i32,",
    "): void {",
    "  const end = scratch + (last - first);",
    "  memory.copy(scratch, first, last - first);",
    "  for (let i = start; i < start + planes; i++) {",
    "    const channel = <usize>(i % channels) << 2;",
    "    for (let p = scratch; p < end; p += 16) {",
    "      const numbers = load<usize>(p, 12);",
    "      if (numbers) store<u32>(p, load<u32>(numbers + channel), 4);",
    "    }",
    "    chain_f32(scratch, end, from, i * n, n);",
    "  }",
    "}",
    "",
  ].join("\n");
}

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
writeFileSync(join(HERE, "assembly/generated/tiles.ts"), tilesText());
writeFileSync(join(HERE, "assembly/generated/windows.ts"), windowsText());
writeFileSync(join(HERE, "assembly/generated/winograd_tiles.ts"), winogradText());
put("assembly/generated/chain.ts", chainText());

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
