/**
 * Kernels that compute each element of their results from the elements at the same place of their inputs.
 *
 * @module
 */

import type { Operand } from "@flambeau/core";
import type { GpuDispatch } from "./dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf, mainOver, WORKGROUP } from "./draft.ts";
import { encode, perWord, storageOf, typeOf } from "./element.ts";
import { count, isFlat, type Loops, loopsOf, loopUniforms, placesText } from "./geometry.ts";
import { inParts } from "./split.ts";
import { wgsl } from "./wgsl.ts";

/** What an elementwise kernel is made of. */
export interface Elementwise {
  /** The primitive. */
  readonly op: string;
  /** What the text depends on beside dtypes and geometry. */
  readonly key?: string;
  /** Inputs by the names that they have in the text. */
  readonly inputs: Readonly<Record<string, Operand>>;
  /** Results; all have one shape. */
  readonly outputs: Readonly<Record<string, Operand>>;
  /** Statements that compute `let <output> = …;` from the inputs, which are variables of their names. */
  readonly body: string;
  /** True where only bits are moved. */
  readonly raw?: boolean;
  /** Inputs that the body reads at other places: all of what it may reach. */
  readonly whole?: Readonly<Record<string, Operand>>;
  /** Adds uniforms. */
  readonly uniforms?: (draft: Draft) => void;
}

/** The dispatch of an elementwise kernel, or null when it has too many dimensions. */
export function elementwise(limits: GpuLimits, parts: Elementwise): GpuDispatch | null {
  const names = [...Object.keys(parts.inputs), ...Object.keys(parts.outputs)];
  const operands = [...Object.values(parts.inputs), ...Object.values(parts.outputs)];
  const shape = Object.values(parts.outputs)[0]!.shape;
  const loops = loopsOf(shape, operands);
  if (parts.whole !== undefined) return dispatch(limits, parts, names, operands, loops, count(shape));
  const flat = operands.map(({ buffer, dtype, offset }, q): Operand => ({
    buffer,
    dtype,
    offset,
    shape: loops.sizes,
    strides: loops.steps[q]!,
  }));
  return inParts(limits, flat, loops.sizes.map((_, d) => d), (pieces) => {
    const sizes = pieces[0]?.shape ?? [];
    return dispatch(limits, parts, names, pieces, { sizes: [...sizes], steps: loops.steps }, count(sizes));
  });
}

function dispatch(
  limits: GpuLimits,
  { op, key = "", inputs, outputs, body, raw = false, whole, uniforms }: Elementwise,
  names: readonly string[],
  operands: readonly Operand[],
  loops: Loops,
  n: number,
): GpuDispatch | null {
  const results = Object.keys(outputs);
  const first = Object.keys(inputs).length;
  const flat = isFlat(loops);
  const rank = loops.sizes.length;
  const only = operands[first]!;
  const storage = storageOf(only.dtype, raw);
  const per = perWord(storage);
  const inWords = results.length === 1 && per > 1 && only.offset % per === 0 &&
    (rank === 0 || rank === 1 && loops.steps[first]![0] === 1);
  const draft = new Draft(op, limits).u32("n", n);
  operands.forEach((x, q) => {
    const packed = perWord(storageOf(x.dtype, raw)) > 1;
    const as = q < first ? "read" : packed && !inWords ? "atomic" : "write";
    draft.bind(names[q]!, whole?.[names[q]!] ?? x, { as, raw });
  });
  if (!flat) loopUniforms(draft, "", names, loops);
  uniforms?.(draft);
  const places = flat ? wgsl`${names.map((name) => `let p_${name} = i;`)}` : placesText(rank, "", names, "i");
  const gets = names.slice(0, first).map((name) => `let ${name} = get_${name}(p_${name});`);
  const form = flat ? "flat" : `rank${rank}`;
  if (!inWords) {
    return draft.step(`${key}|${form}`, grid(Math.ceil(n / WORKGROUP)), () =>
      mainOver(wgsl`
        ${places}
        ${gets}
        ${body}
        ${results.map((name) => `put_${name}(p_${name}, ${name});`)}
      `));
  }
  // Each invocation makes one word of the result; what lies behind the last element stays.
  const name = results[0]!;
  const bits = 32 / per;
  return draft.step(`${key}|${form}|words`, grid(Math.ceil(n / per / WORKGROUP)), () =>
    wgsl`
      fn element(i: u32) -> ${typeOf(storage)} {
        ${places}
        ${gets}
        ${body}
        return ${name};
      }

      ${
      mainOf(
        WORKGROUP,
        wgsl`
          let word = group * ${WORKGROUP}u + lane;
          let first = word * ${per}u;
          if (first >= P.n) { return; }
          var bits = 0u;
          var keep = 0u;
          for (var k = 0u; k < ${per}u; k++) {
            if (first + k < P.n) {
              bits |= ${encode(storage, "element(first + k)")} << (k * ${bits}u);
            } else {
              keep |= ${per === 4 ? "0xffu" : "0xffffu"} << (k * ${bits}u);
            }
          }
          put_word_${name}(word, bits, keep);
        `,
      )
    }
    `);
}
