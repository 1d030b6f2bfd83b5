/**
 * The values of a fused expression as shader text: one `let` each, rounded to its dtype as if it had been stored.
 *
 * @module
 */

import { type DType, float32, type FusedExpression, type FusedValue, type Operand } from "@flambeau/core";
import type { Draft } from "../draft.ts";
import { decode, encode, perWord, storageOf } from "../element.ts";
import { scalarBits } from "../kernels/data.ts";
import { inputNames, pointwiseText } from "../kernels/pointwise.ts";

/** Text for the values of an expression, with what it needs. */
export interface ValuesText {
  /** Operands by their names in the text, which expects each element in a variable of that name. */
  readonly operands: Readonly<Record<string, Operand>>;
  /** Statements that define `<prefix>v0`, `<prefix>v1`, … */
  readonly lines: readonly string[];
  /** What the text depends on. */
  readonly key: string;
  /** Primitives, in order. */
  readonly names: readonly string[];
  /** Adds uniforms. */
  readonly uniforms: (draft: Draft) => void;
}

/** A value of `dtype` as it is after it was stored. */
export function rounded(dtype: DType, value: string): string {
  const storage = storageOf(dtype, false);
  if (perWord(storage) === 1 || dtype.kind === "bool") return value;
  return decode(storage, encode(storage, value));
}

/** Primitives that no compiler joins with what follows: they choose, or work on bits. */
const EXACT: ReadonlySet<string> = new Set([
  ...[
    "copy",
    "cast",
    "where",
    "neg",
    "abs",
    "sign",
    "relu",
    "reluBackward",
    "clamp",
    "maximum",
    "minimum",
    "copysign",
  ],
  ...["floor", "ceil", "round", "trunc"],
]);

/**
 * Writes down an expression; null when a step has no text.
 *
 * @param prefix Stands before all names.
 * Compilers may join floating point steps: `x + y - x` may become `y`, and `x * y + z` be rounded once. What other steps
 * use therefore passes through an operation on its bits with a uniform 0, of which compilers know nothing.
 *
 * @param fold The variable that holds the result of the fold or the product.
 * @param used The value that text outside of the expression computes with, if any.
 */
export function valuesText(
  { values }: FusedExpression,
  prefix: string,
  fold: string | null = null,
  used: number | null = null,
): ValuesText | null {
  const isUsed = new Set(values.flatMap((value) => value.kind === "step" ? value.inputs : []));
  if (used !== null) isUsed.add(used);
  const operands: Record<string, Operand> = {};
  const lines: string[] = [];
  const keys: string[] = [];
  const names: string[] = [];
  const uniforms: [name: string, bits: number][] = [];
  let keeps = false;
  const keep = (i: number, dtype: DType, text: string): string => {
    if (!isUsed.has(i) || dtype !== float32) return rounded(dtype, text);
    keeps = true;
    return `bitcast<f32>(bitcast<u32>(${text}) | P.${prefix}zero)`;
  };
  for (const [i, value] of values.entries()) {
    const name = `${prefix}v${i}`;
    switch (value.kind) {
      case "operand":
        operands[name] = value.operand;
        keys.push(value.operand.dtype.name);
        break;
      case "scalar": {
        const { dtype } = value;
        uniforms.push([`${prefix}c${i}`, scalarBits(dtype, value.value)]);
        const type = dtype.kind === "float" ? "f32" : "i32";
        lines.push(`let ${name} = ${rounded(dtype, `bitcast<${type}>(P.${prefix}c${i})`)};`);
        keys.push(`=${dtype.name}`);
        break;
      }
      case "fold":
        names.push(value.name);
        lines.push(`let ${name} = ${keep(i, value.dtype, fold!)};`);
        keys.push(`fold:${value.dtype.name}`);
        break;
      case "product":
        lines.push(`let ${name} = ${keep(i, value.dtype, fold!)};`);
        keys.push(`product:${value.dtype.name}`);
        break;
      case "step": {
        const text = pointwiseText(value.name, dtypeOf(values[value.inputs[0]!]!), value.dtype, value.attrs);
        if (text === null) return null;
        const known = inputNames(value.name);
        const body = text.value.replace(/\bP\.(\w+)/g, (_, uniform) => `P.${prefix}${uniform}${i}`)
          .replace(/(?<![.\w])[a-z]+\b(?![.(\w])/g, (word) => {
            const at = known.indexOf(word);
            return at < 0 ? word : `${prefix}v${value.inputs[at]}`;
          });
        for (const [uniform, bits] of text.uniforms) uniforms.push([`${prefix}${uniform}${i}`, bits]);
        names.push(value.name);
        const kept = EXACT.has(value.name) ? rounded(value.dtype, body) : keep(i, value.dtype, body);
        lines.push(`let ${name} = ${kept};`);
        keys.push(`${value.name}:${text.key}(${value.inputs.join()})${value.dtype.name}`);
        break;
      }
    }
  }
  return {
    operands,
    lines,
    key: keys.join(" "),
    names,
    uniforms: (draft) => {
      if (keeps) draft.u32(`${prefix}zero`, 0);
      for (const [name, bits] of uniforms) draft.u32(name, bits);
    },
  };
}

function dtypeOf(value: FusedValue): DType {
  return value.kind === "operand" ? value.operand.dtype : value.dtype;
}
