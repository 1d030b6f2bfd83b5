/**
 * The same tensor laid out in memory in other ways: transposed, with steps and gaps, expanded.
 *
 * @module
 */

import { allocateData, contiguousStrides, type DataArray, numelOf } from "@flambeau/core";
import { eachPlace, type Geometry, type HostTensor, seenBy } from "./host_tensor.ts";

/** How the elements of an operand lie in its memory. */
export type Layout = "contiguous" | "transposed" | "stepped" | "expanded";

/** Every layout. */
export const layouts: readonly Layout[] = ["contiguous", "transposed", "stepped", "expanded"];

/** An operand with the whole of its memory. */
export interface Placed extends Geometry {
  /** What the operand is, in row-major order. It differs from what was placed only in the layout `"expanded"`. */
  readonly tensor: HostTensor;
  /** All elements of the memory. Where no element of the operand lies, bytes of {@linkcode GAP}. */
  readonly memory: DataArray;
}

/** The byte between elements. It must still be there after a kernel has run. */
export const GAP = 0x5a;

/**
 * Lays `x` out.
 *
 * - `transposed`: the first dimension runs fastest, and one element stands in front.
 * - `stepped`: every second element of a tensor of twice the size, in each dimension, from the second on.
 * - `expanded`: the first element of dimension `expand` is repeated by stride 0, so the operand has other values.
 *
 * @param expand The dimension that is repeated; the operand stays contiguous if it does not have it.
 */
export function place(x: HostTensor, layout: Layout, expand: number | null): Placed {
  const { shape, dtype } = x;
  switch (layout) {
    case "contiguous":
      return spread(x, { strides: contiguousStrides(shape), offset: 0 }, numelOf(shape));
    case "transposed": {
      const strides = contiguousStrides([...shape].reverse()).reverse();
      return spread(x, { strides, offset: 1 }, numelOf(shape) + 1);
    }
    case "stepped": {
      const twice = shape.map((size) => 2 * size);
      const steps = contiguousStrides(twice);
      const first = steps.reduce((sum, step, d) => shape[d] === 0 ? sum : sum + step, 0);
      return spread(x, { strides: steps.map((step) => 2 * step), offset: first }, numelOf(twice) + first);
    }
    case "expanded": {
      if (expand === null || expand >= shape.length || shape[expand]! < 2) {
        return spread(x, { strides: contiguousStrides(shape), offset: 0 }, numelOf(shape));
      }
      const kept = shape.map((size, d) => d === expand ? 1 : size);
      const dense = contiguousStrides(shape);
      const line = seenBy(x, kept, { strides: dense, offset: 0 });
      const strides = contiguousStrides(kept).map((step, d) => d === expand ? 0 : step);
      return { tensor: seenBy(line, shape, { strides, offset: 0 }), memory: line.data, strides, offset: 0 };
    }
    default:
      return layout satisfies never;
  }

  function spread(tensor: HostTensor, geometry: Geometry, length: number): Placed {
    const memory = allocateData(dtype, length);
    new Uint8Array(memory.buffer).fill(GAP);
    let i = 0;
    eachPlace(shape, geometry, (at) => memory[at] = tensor.data[i++]!);
    return { tensor, memory, ...geometry };
  }
}

/** True when the layout makes a difference for one of these operands. */
export function differs(placed: readonly Placed[], plain: readonly Placed[]): boolean {
  return placed.some(({ strides, offset, tensor }, i) =>
    offset !== plain[i]!.offset ||
    strides.some((step, d) => tensor.shape[d]! > 1 && step !== plain[i]!.strides[d])
  );
}
