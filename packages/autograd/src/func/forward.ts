/**
 * Forward mode as a function transform: `jvp`.
 *
 * @module
 */

import { formatType, GradError, shapesEqual } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { castTo } from "@flambeau/tensor/internal";
import { zeros } from "../math.ts";
import { JvpLevel } from "./jvp_level.ts";
import { at, resolve, run } from "./level.ts";
import { type AuxOption, requireFloat, requireTensors, splitAux } from "./reverse.ts";
import { leavesOf, mapLeaves, mapTensors, sameStructure } from "./tree.ts";

/**
 * The result of `f` and its derivative along `tangents`: `J v`, in the structure of the result, computed together with it.
 *
 * @param primals The arguments of `f`.
 * @param tangents A direction for each argument, of the same structure and shapes.
 * @throws {GradError} If the tangents do not go with the primals.
 * @see https://pytorch.org/docs/stable/generated/torch.func.jvp.html
 *
 * @example
 * ```ts
 * const [y, slope] = torch.func.jvp((x: Tensor) => x.sin(), [x], [v]);
 * ```
 */
export function jvp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  primals: A,
  tangents: A,
  options?: AuxOption & { readonly hasAux?: false },
): [output: R, tangent: R];
/** For functions that give a list of their result and something else. */
export function jvp<A extends readonly unknown[], R, X>(
  f: (...args: A) => readonly [output: R, aux: X],
  primals: A,
  tangents: A,
  options: AuxOption & { readonly hasAux: true },
): [output: R, tangent: R, aux: X];
/** Implementation of both forms. */
export function jvp(
  f: (...args: never[]) => unknown,
  primals: readonly unknown[],
  tangents: readonly unknown[],
  options: AuxOption = {},
): unknown[] {
  const { hasAux = false } = options;
  if (!Array.isArray(primals) || !Array.isArray(tangents) || !sameStructure(primals, tangents)) {
    throw new GradError("Cannot jvp: primals and tangents must be lists of the same structure");
  }
  const directions = leavesOf(tangents);
  const level = new JvpLevel();
  let next = 0;
  const dualOf = (leaf: unknown): Tensor => {
    const x = resolve(requireFloat("jvp", leaf));
    const t = resolve(requireFloat("jvp", directions[next++]));
    if (!shapesEqual(t.shape, x.shape)) {
      throw new GradError(
        `Cannot jvp: the tangent of ${formatType(x)} must have its shape, got ${formatType(t)}`,
      );
    }
    return level.wrap(x, at(level.parent, () => castTo(t, x.dtype)), null);
  };
  return run(level, () => {
    const duals = mapLeaves(primals, dualOf) as readonly unknown[];
    const result = f(...duals as never[]);
    if (result instanceof Promise) return result as never;
    const [output, aux] = splitAux("jvp", result, hasAux);
    requireTensors("jvp", output);
    const outside = (x: Tensor) => level.outside(resolve(x));
    const slope = mapTensors(output, (given) => {
      const y = resolve(given);
      return level.tangentOf(y) ?? at(level.parent, () => zeros(level.outside(y), y.shape));
    });
    const made = [mapTensors(output, outside), slope];
    return hasAux ? [...made, mapTensors(aux, outside)] : made;
  });
}
