/**
 * The loops of chains, `assembly/generated/chain.ts`: one that looks at each step, one for each of some frequent chains, and
 * those that go by planes and by blocks.
 *
 * @module
 */

import {
  BINARY,
  BYTES_OF_STEP as WORD,
  chainSteps,
  codeOf,
  COMPARE,
  LOGIC,
  loopName,
  UNARY,
} from "./src/chain_codes.ts";

/** Vectors that a chain works on at a time. */
const ACROSS = 8;

/** What a loop of a chain has at a time: so many vectors, or one element in the first lane of one. */
interface ChainLoop {
  readonly across: number;
  readonly isLane: boolean;
}

/** Where the words of a step lie in it, in bytes: two places of an address and a mask each, two numbers, and a place of numbers. */
const [FIRST, SECOND, ONE, TWO, CHANNELS] = [4, 12, 20, 24, 28];

/** What a step loads first, and what becomes of `x`. */
interface StepText {
  readonly loads: keyof typeof LOADS;
  readonly text: string;
}

/** `relu_backward` → `ReluBackward`, the class of an op. */
function classOf(op: string): string {
  return op.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The steps that compute, in the order of {@linkcode chainSteps}. */
function stepTexts(isLane: boolean): readonly StepText[] {
  const texts = new Map<string, StepText>();
  const put = (name: string, loads: StepText["loads"], text: string) => texts.set(name, { loads, text });
  const call = (op: string, x: string, y?: string): string => {
    const made = `changetype<ops.${classOf(op)}>(0)`;
    if (y === undefined) return `${made}.v<f32>(${x})`;
    // A NaN gets the sign that rows give it, which take their last elements one by one.
    const isExtreme = isLane && (op === "maximum" || op === "minimum");
    if (!isExtreme) return `${made}.v<f32>(${x}, ${y})`;
    const lanes = [x, y].map((z) => `f32x4.extract_lane(${z}, 0)`).join(", ");
    return `f32x4.splat(${made}.s<f32>(${lanes}))`;
  };
  for (const op of BINARY) {
    put(`${op}_each`, "each", call(op, "x", "EACH"));
    put(`${op}_one`, "one", call(op, "x", "one"));
    put(`each_${op}`, "each", call(op, "EACH", "x"));
    put(`one_${op}`, "one", call(op, "one", "x"));
    put(`${op}_itself`, "nothing", call(op, "x", "x"));
  }
  for (const op of UNARY) put(op, "nothing", call(op, "x"));
  put("clamp", "two", "f32x4.pmin(f32x4.pmax(x, one), two)");
  put("add_scaled", "scaled", "f32x4.add(x, f32x4.mul(two, EACH))");
  put("scaled_add", "scaled", "f32x4.add(EACH, f32x4.mul(two, x))");
  for (const op of COMPARE) {
    put(`${op}_each`, "each", call(op, "x", "EACH"));
    put(`${op}_one`, "one", call(op, "x", "one"));
  }
  for (const op of LOGIC) put(op, "each", call(op, "x", "EACH"));
  put("logical_not", "nothing", "v128.not(x)");
  put("relu_backward_each", "each", call("relu_backward", "x", "EACH"));
  put("each_relu_backward", "each", call("relu_backward", "EACH", "x"));
  // By a truth in all bits of `x`: lanes of the first or the second.
  put("where_each_each", "both", "v128.bitselect(EACH, OTHER, x)");
  put("where_each_one", "each", "v128.bitselect(EACH, one, x)");
  put("where_one_each", "each", "v128.bitselect(one, EACH, x)");
  put("where_one_one", "two", "v128.bitselect(one, two, x)");
  put("load", "each", "EACH");
  return chainSteps.slice(0, LOAD_TRUTH).map((name) => texts.get(name)!);
}

/** Steps that are more than a formula: bytes become lanes, lanes bytes; what is in registers goes to memory. */
const [LOAD_TRUTH, STORE_TRUTH, STORE] = [codeOf("load_truth"), codeOf("store_truth"), codeOf("store")];

/** What is loaded before an op. */
const LOADS = {
  nothing: [],
  each: [place("q", FIRST), number("one", ONE)],
  both: [place("q", FIRST), place("r", SECOND)],
  one: [number("one", ONE)],
  two: [number("one", ONE), number("two", TWO)],
  scaled: [place("q", FIRST), number("two", TWO)],
} as const satisfies Readonly<Record<string, readonly string[]>>;

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
  const load = all.map((i) => `x${i} = ${loadedTruths("q", i, isLane)};`);
  const save = across === 1
    ? [storedTruths("q", ["x0"], isLane)]
    : Array.from({ length: across / 4 }, (_, i) => {
      const four = all.slice(4 * i, 4 * i + 4).map((k) => `x${k}`);
      return `v128.store(q, bytesOf(${four.join(", ")}), ${16 * i});`;
    });
  const steps = stepTexts(isLane);
  return [
    `  for (; at + ${bytes} <= end; at += ${bytes}) {`,
    "    const begin = from + (at & mask);",
    ...all.map((i) => `    let x${i} = ${read("begin", i)};`),
    `    for (let p = first; p < last; p += ${WORD}) {`,
    "      switch (load<i32>(p)) {",
    ...steps.flatMap(({ loads, text }, code) => [
      `        case ${code}: {`,
      ...LOADS[loads].filter((line) => !/const one/.test(line) || /\bone\b/.test(text)).map((line) =>
        `          ${line}`
      ),
      ...all.map((i) => step(text, i)),
      "          break;",
      "        }",
    ]),
    `        case ${LOAD_TRUTH}: {`,
    `          ${truths}`,
    ...load.map((line) => `          ${line}`),
    "          break;",
    "        }",
    `        case ${STORE_TRUTH}: {`,
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
 * Frequent chains, which get a loop of their own: names of {@linkcode chainSteps}, and behind a colon which slots hold their
 * operands, where these are not in memory (m).
 */
const PROGRAMS: readonly string[] = [
  // Losses of differences, and their gradients for a factor or a tensor: smooth, absolute, squared.
  "sub_each abs store:0 clamp store:1 scaled_add:0 mul_each:1 store",
  "sub_each clamp mul_one store",
  "sub_each clamp mul_each store",
  "sub_each abs store",
  "sub_each sign mul_one store",
  "sub_each sign mul_each store",
  "sub_each mul_itself store",
  "sub_each mul_one mul_one store",
  "sub_each mul_one mul_each store",
  // Gradients of binary cross entropy, and whether all are probabilities.
  "sub_each store:0 load one_sub each_mul clamp each_div:0 mul_one store",
  "sub_each store:0 load one_sub each_mul clamp each_div:0 mul_each store",
  "ge_one store:0 load le_one bitwise_and:0 logical_not store_truth",
  // leakyRelu; its gradient, and prelu; hardtanh, hardswish, hardsigmoid.
  "mul_one maximum_each store",
  "mul_one store:0 load gt_one where_each_each:m,0 store",
  "ge_one store:0 load le_one bitwise_or:0 where_one_each store",
  "add_one clamp each_mul div_one store",
  "clamp mul_one add_one mul_each store:0 load le_one where_each_each:0,m store:0 load lt_one where_one_each:0 store",
  "add_one mul_one clamp store",
  "lt_one store:0 load gt_one bitwise_and:0 store:0 load mul_one store:1 load:0 where_each_one:1 store",
  // softshrink and its gradient; hardshrink and its gradient; threshold, softsign.
  "clamp each_sub store:0 abs gt_one where_each_one:0 store",
  "abs gt_one where_each_one store",
  "abs le_one where_one_each store",
  "le_one where_one_each store",
  "abs add_one each_div store",
  // Between tensors; gradients of where, of clamp between numbers.
  "maximum_each minimum_each store",
  "load_truth where_each_one store",
  "load_truth logical_not where_each_one store",
  "le_one store:0 load ge_one bitwise_and:0 where_each_one store",
  // Sums of a factor's product, with relu; residual connections.
  "mul_one add_each relu store",
  "mul_one add_each store",
  "add_each relu store",
  // addcmul, addcdiv, x + y z, sub with a factor, lerp.
  "mul_each scaled_add store",
  "div_each scaled_add store",
  "mul_each add_each store",
  "mul_one each_sub store",
  "sub_each one_mul each_add store",
  "sub_each store:0 load abs store:1 load mul_each:0 each_add store:2 load one_sub each_mul:0 each_sub store:0 load:1 lt_one where_each_each:2,0 store",
  // x³, the part behind the point; gradients of sigmoid, tanh, sqrt, reciprocal, rsqrt, abs, x².
  "mul_itself mul_each store",
  "trunc each_sub store",
  "one_sub each_mul each_mul store",
  "mul_itself one_sub each_mul store",
  "mul_one each_div store",
  "neg store:0 load mul_itself each_mul:0 store",
  "mul_one store:0 load mul_itself mul_each each_mul:0 store",
  "sign each_mul store",
  "mul_each store:0 load mul_each each_add:0 store",
];

/** A step of a program: its operands are `m` for memory, or numbers of slots. */
interface ProgramStep {
  readonly code: number;
  readonly operands: readonly string[];
}

/** The steps of one of {@linkcode PROGRAMS}. */
function parse(program: string): readonly ProgramStep[] {
  const texts = stepTexts(false);
  return program.split(" ").map((step) => {
    const [name, operands] = step.split(":");
    const code = codeOf(name!);
    const loads = texts[code]?.loads ?? "each";
    const inMemory = { nothing: [], one: [], two: [], each: ["m"], scaled: ["m"], both: ["m", "m"] }[loads];
    return { code, operands: operands?.split(",") ?? inMemory };
  });
}

/** The lines of a loop of a program: what is in registers and in slots has a name for each step. */
function programLoop(steps: readonly ProgramStep[], { across, isLane }: ChainLoop): string[] {
  const all = Array.from({ length: across }, (_, i) => i);
  const bytes = isLane ? 4 : 16 * across;
  const texts = stepTexts(isLane);
  const read = (from: string, i: number): string =>
    `${isLane ? "v128.load32_zero" : "v128.load"}(${from} + at, ${16 * i})`;
  const lines = [`  for (; at + ${bytes} <= end; at += ${bytes}) {`];
  let here = "b";
  const slots = new Map<string, string>();
  if (steps[0]!.code !== LOAD_TRUTH) {
    for (const i of all) lines.push(`    const b${i} = ${read("from", i)};`);
  }
  steps.forEach(({ code, operands: [first, second] }, w) => {
    const find = (operand: string | undefined, base: string, i: number): string =>
      operand === undefined || operand === "m" ? read(base, i) : `${slots.get(operand)}${i}`;
    const truths = `p${w} + (at >> 2)`;
    if (code === STORE && first !== "m") slots.set(first!, here);
    else if (code === STORE) {
      lines.push(...all.map((i) => `    ${stored(`p${w} + at`, `${here}${i}`, i, isLane)}`));
    } else if (code === STORE_TRUTH) {
      lines.push(`    ${storedTruths(truths, all.map((i) => `${here}${i}`), isLane)}`);
    } else {
      for (const i of all) {
        const text = code === LOAD_TRUTH ? loadedTruths(truths, i, isLane) : texts[code]!.text
          .replace(/\bx\b/g, `${here}${i}`).replace(/\bone\b/g, `one${w}`).replace(/\btwo\b/g, `two${w}`)
          .replace("EACH", find(first, `p${w}`, i)).replace("OTHER", find(second, `q${w}`, i));
        lines.push(`    const v${w}_${i} = ${text};`);
      }
      here = `v${w}_`;
    }
  });
  return [...lines, "  }"];
}

/** Writes vector number `i`, or its first lane. */
function stored(to: string, x: string, i: number, isLane: boolean): string {
  return isLane ? `v128.store32_lane(${to}, ${x}, 0);` : `v128.store(${to}, ${x}, ${16 * i});`;
}

/** Writes the truths of four vectors as bytes, of one, or of its first lane. */
function storedTruths(to: string, x: readonly string[], isLane: boolean): string {
  if (isLane) return `store<u8>(${to}, i32x4.extract_lane(${x[0]}, 0) & 1);`;
  if (x.length === 4) return `v128.store(${to}, bytesOf(${x.join(", ")}));`;
  return `v128.store32_lane(${to}, bytesOf(${[x[0], x[0], x[0], x[0]].join(", ")}), 0);`;
}

/** Truths from bytes, for vector number `i`. */
function loadedTruths(from: string, i: number, isLane: boolean): string {
  return isLane
    ? `v128.not(i32x4.eq(v128.load8_splat(${from}), i32x4.splat(0)))`
    : `truths(${from} + ${4 * i})`;
}

/** The text of one of {@linkcode PROGRAMS}: as `chain_f32` for steps that are known. */
function programText(program: string): string[] {
  const steps = parse(program);
  const texts = stepTexts(false);
  const heads = steps.flatMap(({ code, operands: [first, second] }, w) => {
    const text = texts[code]?.text ?? "";
    const lines: string[] = [];
    if (first === "m") lines.push(`  const p${w} = load<usize>(first, ${WORD * w + FIRST});`);
    if (second === "m") lines.push(`  const q${w} = load<usize>(first, ${WORD * w + SECOND});`);
    if (/\bone\b/.test(text)) lines.push(`  const one${w} = v128.load32_splat(first, ${WORD * w + ONE});`);
    if (/\btwo\b/.test(text)) lines.push(`  const two${w} = v128.load32_splat(first, ${WORD * w + TWO});`);
    return lines;
  });
  const name = loopName(
    steps.map(({ code, operands }) => ({
      code,
      operands: operands.map((x) => x === "m" ? x : `s${x}`).join(""),
    })),
  );
  return [
    `/** ${program}. */`,
    `export function ${name}(first: usize, last: usize, from: usize, mask: usize, start: i32, n: i32): void {`,
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
export function chainText(): string {
  const is = (at: number, code: number): string => `load<i32>(first, ${WORD * at}) === ${code}`;
  const address = (at: number): string => `load<usize>(first, ${WORD * at + FIRST}) + at`;
  return [
    "/** Generated by build_chains.ts: pointwise steps over the same elements, one after another while these are in registers. */",
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
    `  if (${is(0, codeOf("mul_one"))} && ${is(1, codeOf("add_one"))}) {`,
    `    if (last - first === ${3 * WORD} && ${is(2, STORE)}) {`,
    `      return affine(from + at, ${address(2)}, n, first, false);`,
    "    }",
    `    if (last - first === ${4 * WORD} && ${is(2, codeOf("relu"))} && ${is(3, STORE)}) {`,
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
