/**
 * The values of a fused expression as shader text: one `let` each, rounded to its dtype as if it had been stored.
 *
 * @module
 */

import type { DType, FusedExpression, FusedValue, Operand } from "@flambeau/core";
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

/**
 * Writes down an expression; null when a step has no text.
 *
 * @param prefix Stands before all names.
 * @param fold The variable that holds the result of the fold.
 */
export function valuesText(
  { values }: FusedExpression,
  prefix: string,
  fold: string | null = null,
): ValuesText | null {
  const operands: Record<string, Operand> = {};
  const lines: string[] = [];
  const keys: string[] = [];
  const names: string[] = [];
  const uniforms: [name: string, bits: number][] = [];
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
        lines.push(`let ${name} = ${rounded(value.dtype, fold!)};`);
        keys.push(`fold:${value.dtype.name}`);
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
        lines.push(`let ${name} = ${rounded(value.dtype, body)};`);
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
      for (const [name, bits] of uniforms) draft.u32(name, bits);
    },
  };
}

function dtypeOf(value: FusedValue): DType {
  return value.kind === "operand" ? value.operand.dtype : value.dtype;
}
