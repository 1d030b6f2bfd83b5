/**
 * The steps of chains in the order of their numbers: `build_chains.ts` writes what each does, `chain_program.ts` asks for them.
 *
 * @module
 */

/** Ops of two operands that have five forms, one after another, and comparisons, which have the first two. */
export const BINARY: readonly string[] = ["add", "sub", "mul", "div", "maximum", "minimum"];
export const COMPARE: readonly string[] = ["eq", "ne", "lt", "le", "gt", "ge"];
export const LOGIC: readonly string[] = ["bitwise_and", "bitwise_or", "bitwise_xor"];
/** Ops of what is in registers alone. */
export const UNARY: readonly string[] = [
  ...["relu", "neg", "abs", "sqrt", "rsqrt", "reciprocal", "sign", "floor", "ceil", "round", "trunc"],
  "logical_not",
];

/** Forms of an op: elements or one number behind or before what is in registers, or that with itself. */
export const FORMS = { andEach: 0, andOne: 1, eachAnd: 2, oneAnd: 3, itself: 4 } as const;

/** Names of all steps. What is in registers stands on the left side of a name that begins with its op. */
export const chainSteps: readonly string[] = [
  ...BINARY.flatMap((op) => [`${op}_each`, `${op}_one`, `each_${op}`, `one_${op}`, `${op}_itself`]),
  ...UNARY.slice(0, 4),
  ...["clamp", "add_scaled", "scaled_add"],
  ...UNARY.slice(4, -1),
  ...COMPARE.flatMap((op) => [`${op}_each`, `${op}_one`]),
  ...LOGIC,
  "logical_not",
  ...["relu_backward_each", "each_relu_backward"],
  ...["where_each_each", "where_each_one", "where_one_each", "where_one_one"],
  ...["load", "load_truth", "store_truth", "store"],
];

/** The number of a step. */
export function codeOf(step: string): number {
  const code = chainSteps.indexOf(step);
  if (code < 0) throw new Error(`Cannot build a chain: there must be a step of each name, got "${step}"`);
  return code;
}

/** Bytes of a step in memory: its number, two addresses with a mask each, two numbers, and where one for each channel lies. */
export const BYTES_OF_STEP = 32;

/** The loop of its own that a chain of these steps has if it is frequent: `operands` are `m` for memory or `s0`, `s1` … for slots. */
export function loopName(steps: readonly { readonly code: number; readonly operands: string }[]): string {
  return `chain_${steps.map(({ code, operands }) => `${code}${operands}`).join("_")}`;
}
