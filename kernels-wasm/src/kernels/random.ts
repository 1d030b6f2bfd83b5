/**
 * Random numbers into dense outputs, by core's recipe of Philox words; dropout by them.
 *
 * @module
 */

import { float32, int32, int64, type KernelTable, type Operand, type RandomAttrs } from "@flambeau/core";
import type { Entry, WasmDispatch } from "../dispatch.ts";
import { count, isDense, pointer } from "../geometry.ts";
import type { Kernels } from "../module.ts";

/** Uniform, normal and integer random numbers, and dropout. */
export function randomKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const scratchBytes = kernels.entry("random_scratch").fn();
  const call = (entry: Entry, output: Operand, attrs: RandomAttrs, tail: readonly number[]): WasmDispatch => {
    kernels.needScratch(scratchBytes);
    const [k0, k1] = attrs.key;
    const n = count(output.shape);
    const { itemsize } = output.dtype;
    // A block of the generator is four words.
    return kernels.cut(entry, [pointer(output), n, k0 | 0, k1 | 0, attrs.counter, ...tail], {
      units: n,
      at: 1,
      grain: 256,
      cost: n * 2,
      moves: [[0, itemsize], [4, 0.25]],
    });
  };
  const dropout = kernels.entry("dropout_f32");
  const uniform = kernels.entry("random_uniform_f32");
  const normal = kernels.entry("random_normal_f32");
  const narrow = kernels.entry("random_int_i32");
  const wide = kernels.entry("random_int_i64");
  return {
    dropout([x], [y, kept], { key: [k0, k1], counter, p, scale }) {
      const { shape } = x;
      if (x.dtype !== float32 || ![x, y, kept].every((operand) => isDense(operand, shape))) return null;
      kernels.needScratch(scratchBytes);
      const n = count(shape);
      const args = [pointer(x), pointer(y), pointer(kept), n, k0 | 0, k1 | 0, counter, p, scale];
      return kernels.cut(dropout, args, {
        units: n,
        at: 3,
        grain: 256,
        cost: n * 1.2,
        moves: [[0, 4], [1, 4], [2, 1], [6, 0.25]],
      });
    },
    randomUniform(_, output, attrs) {
      if (output.dtype !== float32 || !isDense(output, output.shape)) return null;
      return call(uniform, output, attrs, []);
    },
    randomNormal(_, output, attrs) {
      if (output.dtype !== float32 || !isDense(output, output.shape)) return null;
      return call(normal, output, attrs, []);
    },
    randomInt(_, output, attrs) {
      const { dtype } = output;
      const span = attrs.high - attrs.low;
      if ((dtype !== int32 && dtype !== int64) || span > 2 ** 32 || !isDense(output, output.shape)) {
        return null;
      }
      return call(dtype === int32 ? narrow : wide, output, attrs, [attrs.low, span]);
    },
  };
}
