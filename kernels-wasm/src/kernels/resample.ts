/**
 * Weighted sums of elements at given places along a dimension, and their adjoint, of dense operands.
 *
 * @module
 */

import { float32, formatType, IndexError, int32, type KernelTable } from "@flambeau/core";
import type { WasmDispatch } from "../dispatch.ts";
import { count, isDense, pointer } from "../geometry.ts";
import type { Kernels } from "../module.ts";

/** Elements, before and after, up to which eight rows are turned into working memory. */
const LONGEST = 32768;

/** Weighted sums at places. */
export function resampleKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const entry = kernels.entry("resample_f32");
  return {
    resample([x, index, weight], output, { dim, size }) {
      if (x.dtype !== float32 || index.dtype !== int32) return null;
      if (![x, index, weight, output].every((z) => isDense(z, z.shape))) return null;
      const [outer, inner] = [count(x.shape.slice(0, dim)), count(x.shape.slice(dim + 1))];
      const [from, to, taps] = [x.shape[dim]!, output.shape[dim]!, index.shape[0]!];
      const turned = inner === 1 && from + to <= LONGEST;
      if (turned) kernels.needScratch((from + to) * 32);
      const flags = [Number(size !== null), Number(turned)];
      return kernels.cutChecked(
        entry,
        [
          pointer(x),
          pointer(index),
          pointer(weight),
          pointer(output),
          outer,
          from,
          to,
          taps,
          inner,
          ...flags,
        ],
        {
          units: outer,
          at: 4,
          grain: inner === 1 ? 8 : 1,
          moves: [[0, from * inner * 4], [3, to * inner * 4]],
          cost: outer * index.shape[1]! * inner * (0.2 + taps * 0.15),
        },
        // All parts look at all indices.
        0,
        (at) => {
          throw new IndexError(
            `Cannot resample ${formatType(x)}: index ${
              kernels.indexAt(pointer(index), at, false)
            } is out of bounds for dimension ${dim} with size ${size ?? from}`,
          );
        },
      );
    },
  };
}
