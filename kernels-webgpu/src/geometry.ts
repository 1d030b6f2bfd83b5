/**
 * Geometry of operands for kernels: loops over several operands at once, and the text that walks them.
 *
 * @module
 */

import type { Operand, Shape } from "@flambeau/core";
import type { Draft } from "./draft.ts";
import { wgsl } from "./wgsl.ts";

/** Sizes and, for each operand, steps: dimensions of size 1 are gone and neighbours that run on are one. */
export interface Loops {
  /** Sizes, outermost first; none for one element. */
  readonly sizes: number[];
  /** Steps in elements, for each operand, for each dimension. */
  readonly steps: number[][];
}

/** Number of elements. */
export function count(shape: Shape): number {
  let n = 1;
  for (let i = 0; i < shape.length; i++) n *= shape[i]!;
  return n;
}

/** True when the elements lie in row-major order without gaps. */
export function isDense(x: Operand): boolean {
  if (x.shape.includes(0)) return true;
  let step = 1;
  for (let d = x.shape.length - 1; d >= 0; d--) {
    if (x.shape[d] !== 1 && x.strides[d] !== step) return false;
    step *= x.shape[d]!;
  }
  return true;
}

/** True when a result lies where one of the inputs does: kernels that read after they wrote do not take that. */
export function isInPlace(outputs: readonly Operand[], inputs: readonly Operand[]): boolean {
  return outputs.some((o) => inputs.some((x) => x.buffer === o.buffer && x.offset === o.offset));
}

/** The steps of an operand in the dimensions of `shape`, to which it broadcasts. */
export function stepsIn(x: { readonly shape: Shape; readonly strides: Shape }, shape: Shape): number[] {
  const lead = shape.length - x.shape.length;
  return shape.map((_, d) => d < lead || x.shape[d - lead] === 1 ? 0 : x.strides[d - lead]!);
}

/** Loops over `sizes` with `steps` for each operand: size 1 goes, neighbours melt. */
export function melt(sizes: Shape, steps: readonly Shape[]): Loops {
  const out: Loops = { sizes: [], steps: steps.map(() => []) };
  for (let d = 0; d < sizes.length; d++) {
    const size = sizes[d]!;
    if (size === 1) continue;
    const last = out.sizes.length - 1;
    if (last >= 0 && steps.every((list, q) => out.steps[q]![last] === list[d]! * size)) {
      out.sizes[last]! *= size;
      steps.forEach((list, q) => out.steps[q]![last] = list[d]!);
    } else {
      out.sizes.push(size);
      steps.forEach((list, q) => out.steps[q]!.push(list[d]!));
    }
  }
  return out;
}

/** The loops over `shape` for operands that broadcast to it. */
export function loopsOf(shape: Shape, operands: readonly Operand[]): Loops {
  return melt(shape, operands.map((x) => stepsIn(x, shape)));
}

/** True when the loops of these operands are one walk, element after element. */
export function isFlat(loops: Loops): boolean {
  return loops.sizes.length === 0 || loops.sizes.length === 1 && loops.steps.every(([step]) => step === 1);
}

/** Puts sizes and steps into uniforms: `P.<prefix>size1` … and `P.<prefix><name>0` … */
export function loopUniforms(draft: Draft, prefix: string, names: readonly string[], loops: Loops): void {
  loops.sizes.slice(1).forEach((size, d) => draft.u32(`${prefix}size${d + 1}`, size));
  loops.steps.forEach((list, q) => draft.list(`${prefix}${names[q]}`, list));
}

/**
 * Text that turns the number `from` into places of operands: `let p_<name> = …;`. The uniforms are those of
 * {@linkcode loopUniforms}.
 */
export function placesText(
  rank: number,
  prefix: string,
  names: readonly string[],
  from: string,
  place: (name: string) => string = (name) => `p_${name}`,
): string {
  const lines: string[] = [];
  let rest = from;
  for (let d = rank - 1; d > 0; d--) {
    lines.push(`let ${prefix}c${d} = ${rest} % P.${prefix}size${d};`);
    lines.push(`let ${prefix}r${d} = ${rest} / P.${prefix}size${d};`);
    rest = `${prefix}r${d}`;
  }
  if (rank > 0) lines.push(`let ${prefix}c0 = ${rest};`);
  for (const name of names) {
    const terms = Array.from({ length: rank }, (_, d) => `${prefix}c${d} * P.${prefix}${name}${d}`);
    lines.push(`let ${place(name)} = ${terms.join(" + ") || "0u"};`);
  }
  return wgsl`${lines}`;
}
