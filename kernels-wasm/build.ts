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
  hypot: ["Hypot", ["f32"]],
  copysign: ["Copysign", FLOATS],
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

/** What a loop of a chain has at a time: so many vectors, or one element in the first lane of one. */
interface ChainLoop {
  readonly across: number;
  readonly isLane: boolean;
}

/** Bytes of a step of a chain: its number, two places of an address and a mask each, two numbers, and a place of numbers. */
const WORD = 32;
const [FIRST, SECOND, ONE, TWO, CHANNELS] = [4, 12, 20, 24, 28];

/** Ops of chains: what is loaded first, and what becomes of `x`. `src/chain.ts` knows their numbers. */
function chainOps(isLane: boolean): (readonly [loads: string, text: string])[] {
  const ops: [string, string][] = [];
  const call = (op: string, x: string, y?: string): string => {
    if (y === undefined) return `changetype<ops.${op}>(0).v<f32>(${x})`;
    // A NaN gets the sign that rows give it, which take their last elements one by one.
    const isExtreme = isLane && (op === "Maximum" || op === "Minimum");
    if (!isExtreme) return `changetype<ops.${op}>(0).v<f32>(${x}, ${y})`;
    const lanes = [x, y].map((z) => `f32x4.extract_lane(${z}, 0)`).join(", ");
    return `f32x4.splat(changetype<ops.${op}>(0).s<f32>(${lanes}))`;
  };
  for (const op of ["Add", "Sub", "Mul", "Div", "Maximum", "Minimum"]) {
    ops.push(["each", call(op, "x", "EACH")], ["one", call(op, "x", "one")]);
    ops.push(["each", call(op, "EACH", "x")], ["one", call(op, "one", "x")], ["", call(op, "x", "x")]);
  }
  for (const op of ["Relu", "Neg", "Abs", "Sqrt"]) ops.push(["", call(op, "x")]);
  ops.push(["two", "f32x4.pmin(f32x4.pmax(x, one), two)"]);
  ops.push(["scaled", "f32x4.add(x, f32x4.mul(two, EACH))"]);
  ops.push(["scaled", "f32x4.add(EACH, f32x4.mul(two, x))"]);
  for (const op of ["Rsqrt", "Reciprocal", "Sign", "Floor", "Ceil", "Round", "Trunc"]) {
    ops.push(["", call(op, "x")]);
  }
  for (const op of ["Eq", "Ne", "Lt", "Le", "Gt", "Ge"]) {
    ops.push(["each", call(op, "x", "EACH")], ["one", call(op, "x", "one")]);
  }
  for (const op of ["BitwiseAnd", "BitwiseOr", "BitwiseXor"]) ops.push(["each", call(op, "x", "EACH")]);
  ops.push(["", "v128.not(x)"]);
  ops.push(["each", call("ReluBackward", "x", "EACH")], ["each", call("ReluBackward", "EACH", "x")]);
  // By a truth in all bits of `x`: lanes of the first or the second.
  ops.push(["both", "v128.bitselect(EACH, OTHER, x)"], ["each", "v128.bitselect(EACH, one, x)"]);
  ops.push(["each", "v128.bitselect(one, EACH, x)"], ["two", "v128.bitselect(one, two, x)"]);
  ops.push(["each", "EACH"]);
  return ops;
}

/** What is loaded before an op. */
const LOADS: Readonly<Record<string, readonly string[]>> = {
  "": [],
  each: [place("q", FIRST), number("one", ONE)],
  both: [place("q", FIRST), place("r", SECOND)],
  one: [number("one", ONE)],
  two: [number("one", ONE), number("two", TWO)],
  scaled: [place("q", FIRST), number("two", TWO)],
};

function place(name: string, at: number): string {
  return `const ${name} = load<usize>(p, ${at}) + (at & load<usize>(p, ${at + 4}));`;
}

function number(name: string, at: number): string {
  return `const ${name} = v128.load32_splat(p, ${at});`;
}

/** The lines of a loop that takes elements through the steps of a chain. */
function chainLoop({ across, isLane }: ChainLoop): string[] {
  const all = Array.from({ length: across }, (_, i) => i);
  const bytes = isLane ? 4 : 16 * across;
  const read = (from: string, i: number): string =>
    `${isLane ? "v128.load32_zero" : "v128.load"}(${from}, ${16 * i})`;
  const write = (i: number): string =>
    isLane ? "v128.store32_lane(q, x0, 0);" : `v128.store(q, x${i}, ${16 * i});`;
  const step = (text: string, i: number): string =>
    `          x${i} = ${
      text.replace(/\bx\b/g, `x${i}`).replace("EACH", read("q", i)).replace("OTHER", read("r", i))
    };`;
  const truths = place("q", FIRST).replace("+ (", "+ ((").replace("))", ")) >> 2)");
  const load = isLane
    ? ["x0 = v128.not(i32x4.eq(v128.load8_splat(q), i32x4.splat(0)));"]
    : all.flatMap((i) => [`x${i} = truths(q + ${4 * i});`]);
  const save = isLane
    ? ["store<u8>(q, i32x4.extract_lane(x0, 0) & 1);"]
    : across === 1
    ? ["v128.store32_lane(q, bytesOf(x0, x0, x0, x0), 0);"]
    : Array.from(
      { length: across / 4 },
      (_, i) => `v128.store(q, bytesOf(x${4 * i}, x${4 * i + 1}, x${4 * i + 2}, x${4 * i + 3}), ${16 * i});`,
    );
  const ops = chainOps(isLane);
  return [
    `  for (; at + ${bytes} <= end; at += ${bytes}) {`,
    "    const begin = from + (at & mask);",
    ...all.map((i) => `    let x${i} = ${read("begin", i)};`),
    `    for (let p = first; p < last; p += ${WORD}) {`,
    "      switch (load<i32>(p)) {",
    ...ops.flatMap(([kind, text], code) => [
      `        case ${code}: {`,
      ...LOADS[kind]!.filter((line) => !/const one/.test(line) || /\bone\b/.test(text)).map((line) =>
        `          ${line}`
      ),
      ...all.map((i) => step(text, i)),
      "          break;",
      "        }",
    ]),
    `        case ${ops.length}: {`,
    `          ${truths}`,
    ...load.map((line) => `          ${line}`),
    "          break;",
    "        }",
    `        case ${ops.length + 1}: {`,
    `          ${truths}`,
    ...save.map((line) => `          ${line}`),
    "          break;",
    "        }",
    "        default: {",
    `          ${place("q", FIRST)}`,
    ...all.map((i) => `          ${write(i)}`),
    "        }",
    "      }",
    "    }",
    "  }",
  ];
}

/**
 * Frequent chains, which get a loop of their own: their steps as {@linkcode chainOps} numbers them, each with where its
 * operands lie, memory (m) or a slot (s and its number). `src/chain.ts` finds them by these names.
 */
const PROGRAMS: readonly string[] = [
  // Losses of differences, and their gradients for a factor or a tensor: smooth, absolute, squared.
  ...["5m_32_69s0_34_69s1_36s0_10s1_69m", "5m_34_11_69m", "5m_34_10m_69m"],
  ...["5m_32_69m", "5m_39_11_69m", "5m_39_10m_69m", "5m_14_69m", "5m_11_11_69m", "5m_11_10m_69m"],
  // Gradients of binary cross entropy, and whether all are probabilities.
  ...["5m_69s0_66m_8_12m_34_17s0_11_69m", "5m_69s0_66m_8_12m_34_17s0_10m_69m", "55_69s0_66m_51_56s0_59_68m"],
  // leakyRelu; its gradient, and prelu; hardtanh, hardswish, hardsigmoid.
  ...["11_20m_69m", "11_69s0_66m_53_62ms0_69m", "55_69s0_66m_51_57s0_64m_69m"],
  ...["1_34_12m_16_69m", "34_11_1_10m_69s0_66m_51_62s0m_69s0_66m_49_64s0_69m"],
  ...["1_11_34_69m", "49_69s0_66m_53_56s0_69s0_66m_11_69s1_66s0_63s1_69m"],
  // softshrink and its gradient; hardshrink and its gradient; threshold, softsign.
  ...["34_7m_69s0_32_53_63s0_69m", "32_53_63m_69m", "32_51_64m_69m", "51_64m_69m", "32_1_17m_69m"],
  // Between tensors; gradients of where, of clamp between numbers.
  ...["20m_25m_69m", "67m_63m_69m", "67m_59_63m_69m", "51_69s0_66m_55_56s0_63m_69m"],
  // addcmul, addcdiv, x + y z, sub with a factor, lerp.
  ...["10m_36m_69m", "15m_36m_69m", "10m_0m_69m", "11_7m_69m", "5m_13_2m_69m"],
  "5m_69s0_66m_32_69s1_66m_10s0_2m_69s2_66m_8_12s0_7m_69s0_66s1_49_62s2s0_69m",
  // x³, the part behind the point; gradients of sigmoid, tanh, sqrt, reciprocal, rsqrt, abs, x².
  ...["14_10m_69m", "43_7m_69m", "8_12m_12m_69m", "14_8_12m_69m", "11_17m_69m", "31_69s0_66m_14_12s0_69m"],
  ...["11_69s0_66m_14_10m_12s0_69m", "39_12m_69m", "10m_69s0_66m_10m_2s0_69m"],
];

/** The lines of a loop of a program: what is in registers and in slots has a name for each step. */
function programLoop(steps: readonly string[], { across, isLane }: ChainLoop): string[] {
  const all = Array.from({ length: across }, (_, i) => i);
  const bytes = isLane ? 4 : 16 * across;
  const ops = chainOps(isLane);
  const read = (from: string, i: number): string =>
    `${isLane ? "v128.load32_zero" : "v128.load"}(${from} + at, ${16 * i})`;
  const lines = [`  for (; at + ${bytes} <= end; at += ${bytes}) {`];
  let here = "b";
  const slots = new Map<string, string>();
  const isTruth = Number.parseInt(steps[0]!) === ops.length;
  if (!isTruth) { for (const i of all) lines.push(`    const b${i} = ${read("from", i)};`); }
  steps.forEach((step, w) => {
    const [, code, first, second] = /^(\d+)(m|s\d+)?(m|s\d+)?$/.exec(step)!;
    const find = (at: string | undefined, base: string, i: number): string =>
      at === undefined || at === "m" ? read(base, i) : `${slots.get(at)}${i}`;
    const op = ops[Number(code)];
    const truths = `p${w} + (at >> 2)`;
    const kind = Number(code) - ops.length;
    if (kind === 2 && first !== "m") {
      slots.set(first!, here);
      return;
    }
    if (kind === 1 && isLane) {
      lines.push(`    store<u8>(${truths}, i32x4.extract_lane(${here}0, 0) & 1);`);
    } else if (kind === 1) {
      const four = all.map((i) => `${here}${i}`);
      if (across === 4) lines.push(`    v128.store(${truths}, bytesOf(${four.join(", ")}));`);
      else {lines.push(
          `    v128.store32_lane(${truths}, bytesOf(${here}0, ${here}0, ${here}0, ${here}0), 0);`,
        );}
    } else if (kind === 2) {
      for (const i of all) {
        lines.push(
          isLane
            ? `    v128.store32_lane(p${w} + at, ${here}0, 0);`
            : `    v128.store(p${w} + at, ${here}${i}, ${16 * i});`,
        );
      }
    } else {
      for (const i of all) {
        const text = op !== undefined
          ? op[1].replace(/\bx\b/g, `${here}${i}`).replace("EACH", find(first, `p${w}`, i))
            .replace("OTHER", find(second, `q${w}`, i)).replace(/\bone\b/g, `one${w}`).replace(
              /\btwo\b/g,
              `two${w}`,
            )
          : isLane
          ? `v128.not(i32x4.eq(v128.load8_splat(${truths}), i32x4.splat(0)))`
          : `truths(${truths} + ${4 * i})`;
        lines.push(`    const v${w}_${i} = ${text};`);
      }
      here = `v${w}_`;
    }
  });
  return [...lines, "  }"];
}

/** The text of one of {@linkcode PROGRAMS}: as `chain_f32` for steps that are known. */
function programText(name: string): string[] {
  const steps = name.split("_");
  const heads = steps.flatMap((step, w) => {
    const [, code, first, second] = /^(\d+)(m|s\d+)?(m|s\d+)?$/.exec(step)!;
    const text = chainOps(false)[Number(code)]?.[1] ?? "";
    const lines: string[] = [];
    if (first === "m") lines.push(`  const p${w} = load<usize>(first, ${WORD * w + FIRST});`);
    if (second === "m") lines.push(`  const q${w} = load<usize>(first, ${WORD * w + SECOND});`);
    if (/\bone\b/.test(text)) lines.push(`  const one${w} = v128.load32_splat(first, ${WORD * w + ONE});`);
    if (/\btwo\b/.test(text)) lines.push(`  const two${w} = v128.load32_splat(first, ${WORD * w + TWO});`);
    return lines;
  });
  return [
    `export function chain_${name}(first: usize, last: usize, from: usize, mask: usize, start: i32, n: i32): void {`,
    "  let at = <usize>start << 2;",
    "  const end = at + (<usize>n << 2);",
    ...heads,
    ...programLoop(steps, { across: 4, isLane: false }),
    ...programLoop(steps, { across: 1, isLane: false }),
    ...programLoop(steps, { across: 1, isLane: true }),
    "}",
    "",
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
    `  const a = v128.load32_splat(steps, ${ONE});`,
    `  const b = v128.load32_splat(steps, ${WORD + ONE});`,
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
  const store = chainOps(false).length + 2;
  const is = (at: number, code: number): string => `load<i32>(first, ${WORD * at}) === ${code}`;
  const address = (at: number): string => `load<usize>(first, ${WORD * at + FIRST}) + at`;
  return [
    "/** Generated by build.ts: pointwise steps over the same elements, one after another while these are in registers. */",
    "",
    'import { scratch } from "../memory";',
    'import * as ops from "../ops";',
    "",
    "/** Four truths of a byte each, in all bits of the lanes. */",
    "// @ts-ignore: decorator",
    "@inline",
    "function truths(q: usize): v128 {",
    "  const wide = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(q)));",
    "  return i32x4.ne(wide, i32x4.splat(0));",
    "}",
    "",
    "/** Sixteen truths as bytes. */",
    "// @ts-ignore: decorator",
    "@inline",
    "function bytesOf(a: v128, b: v128, c: v128, d: v128): v128 {",
    "  const bytes = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));",
    "  return v128.and(bytes, i8x16.splat(1));",
    "}",
    "",
    ...affineLoop(),
    "/**",
    ` * Runs the steps at \`first\` … \`last\` (${WORD} bytes each) over \`n\` elements from number \`start\` on, which are loaded at`,
    " * `from`. Of each address counts what the mask beside it leaves. Numbers beyond those of ops write what has become of them.",
    " */",
    "export function chain_f32(first: usize, last: usize, from: usize, mask: usize, start: i32, n: i32): void {",
    "  let at = <usize>start << 2;",
    "  const end = at + (<usize>n << 2);",
    `  if (${is(0, codeOf("mul"))} && ${is(1, codeOf("add"))}) {`,
    `    if (last - first === ${3 * WORD} && ${is(2, store)}) {`,
    `      return affine(from + at, ${address(2)}, n, first, false);`,
    "    }",
    `    if (last - first === ${4 * WORD} && ${is(2, RELU)} && ${is(3, store)}) {`,
    `      return affine(from + at, ${address(3)}, n, first, true);`,
    "    }",
    "  }",
    ...chainLoop({ across: ACROSS, isLane: false }),
    ...chainLoop({ across: 1, isLane: false }),
    ...chainLoop({ across: 1, isLane: true }),
    "}",
    "",
    ...PROGRAMS.flatMap(programText),
    "/** Moves an address that counts from the end of the steps to where these lie now. */",
    "// @ts-ignore: decorator",
    "@inline",
    "function move(p: usize, slots: usize): void {",
    "  const mask = load<i32>(p, 4);",
    "  if (mask > 0) store<usize>(p, load<usize>(p) + slots);",
    "}",
    "",
    "/**",
    " * As {@linkcode chain_f32} for planes `start` to `start` + `planes` of `n` elements. A step whose last word is an address",
    " * takes its number from there, channel after channel; the steps are copied, because others read them too. Behind them lies",
    " * what addresses with a mask above 0 mean.",
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
    `  for (let p = scratch; p < end; p += ${WORD}) {`,
    `    move(p + ${FIRST}, end);`,
    `    move(p + ${SECOND}, end);`,
    "  }",
    "  for (let i = start; i < start + planes; i++) {",
    "    const channel = <usize>(i % channels) << 2;",
    `    for (let p = scratch; p < end; p += ${WORD}) {`,
    `      const numbers = load<usize>(p, ${CHANNELS});`,
    `      if (numbers) store<u32>(p, load<u32>(numbers + channel), ${ONE});`,
    "    }",
    "    chain_f32(scratch, end, from, -1, i * n, n);",
    "  }",
    "}",
    "",
    "// @ts-ignore: decorator",
    "@inline",
    "function placeAt(p: usize, at: usize): usize {",
    "  return load<usize>(p) + (at & load<usize>(p, 4));",
    "}",
    "",
    "// @ts-ignore: decorator",
    "@inline",
    "function stepOf(p: usize): i32 {",
    "  return i32(load<i32>(p, 4) !== 0);",
    "}",
    "",
    "/**",
    " * Runs parts one after another over blocks of elements, which stay in a cache: chains, and rows of kernels through the",
    " * table. The steps of the chains lie at `first` … `last`, the parts behind them to `end`; of a chain where its steps begin",
    " * and end, counted from `first`, and where it begins to read; of a row its place in the table, its operands, and its result.",
    " */",
    "export function blocks_f32(first: usize, last: usize, end: usize, block: i32, start: i32, n: i32): void {",
    "  const parts = scratch + (last - first);",
    "  const slots = scratch + (end - first);",
    "  memory.copy(scratch, first, end - first);",
    `  for (let p = scratch; p < slots; p += ${WORD}) {`,
    `    move(p + ${FIRST}, slots);`,
    `    move(p + ${SECOND}, slots);`,
    `    if (p >= parts && load<i32>(p) > 0) move(p + ${ONE}, slots);`,
    "  }",
    "  for (const stop = start + n; start < stop; start += block) {",
    "    const m = min(block, stop - start);",
    "    const at = <usize>start << 2;",
    `    for (let p = parts; p < slots; p += ${WORD}) {`,
    "      const fn = load<i32>(p);",
    "      if (fn === 0) {",
    `        chain_f32(scratch + load<usize>(p, ${ONE}), scratch + load<usize>(p, ${TWO}), load<usize>(p, ${FIRST}), load<usize>(p, ${
      FIRST + 4
    }), start, m);`,
    `      } else if (load<i32>(p, ${CHANNELS})) {`,
    `        call_indirect<void>(fn, placeAt(p + ${FIRST}, at), placeAt(p + ${SECOND}, at), placeAt(p + ${ONE}, at), m, stepOf(p + ${FIRST}), stepOf(p + ${SECOND}), 1);`,
    `      } else call_indirect<void>(fn, placeAt(p + ${FIRST}, at), placeAt(p + ${ONE}, at), m, stepOf(p + ${FIRST}), 1);`,
    "    }",
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
