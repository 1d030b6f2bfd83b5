/**
 * Random numbers into dense outputs, by core's recipe of Philox words.
 *
 * @module
 */

import { float32, int32, int64, type KernelTable, type Operand, type RandomAttrs } from "@flambeau/core";
import type { Entry, WasmDispatch } from "../dispatch.ts";
import { count, isDense, pointer } from "../geometry.ts";
import type { Kernels } from "../module.ts";

/** Uniform, normal and integer random numbers. */
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
  const uniform = kernels.entry("random_uniform_f32");
  const normal = kernels.entry("random_normal_f32");
  const narrow = kernels.entry("random_int_i32");
  const wide = kernels.entry("random_int_i64");
  return {
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
