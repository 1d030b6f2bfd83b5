/**
 * Makes the tensors of samples: the same ones in every run and on every machine.
 *
 * @module
 */

import {
  bfloat16,
  bool,
  type DType,
  fillUniform,
  float16,
  float32,
  float64,
  int32,
  numelOf,
  type Shape,
} from "@flambeau/core";
import { type Element, elementOf, type HostTensor, hostTensor } from "./host_tensor.ts";

/** Least and largest value of an integer dtype. */
export function integerLimits(dtype: DType): [least: bigint, largest: bigint] {
  const bits = BigInt(8 * dtype.itemsize);
  return dtype.isSigned ? [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n] : [0n, 2n ** bits - 1n];
}

/** Distance from 1 to the next larger value of a float dtype. */
export function epsilonOf(dtype: DType): number {
  switch (dtype) {
    case float64:
      return 2 ** -52;
    case float32:
      return 2 ** -23;
    case float16:
      return 2 ** -10;
    case bfloat16:
      return 2 ** -7;
    default:
      throw new TypeError(`Cannot take the epsilon of ${dtype.name}: it is no float dtype`);
  }
}

/** Makes tensors of one dtype from a stream of random numbers of its own. */
export class Make {
  /** The dtype of what is made, where no other is asked for. */
  readonly dtype: DType;
  readonly #key: readonly [number, number];
  #counter = 0;

  /**
   * A maker at the start of its stream.
   *
   * @param seed Chooses the stream: the name of the primitive.
   */
  constructor(dtype: DType, seed: string) {
    this.dtype = dtype;
    let hash = 0x811c9dc5; // FNV-1a
    for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193) >>> 0;
    this.#key = [hash, 0];
  }

  /**
   * Random values: floats uniform on [low, high), integers from low to high − 1, bools. Unsigned integers start at 0.
   * Where the dtype is coarse a float may round to `high`, so leave room before a pole.
   */
  values(shape: Shape, low: number = -2, high: number = 2, dtype: DType = this.dtype): HostTensor {
    const draws = this.#draw(numelOf(shape));
    if (dtype === bool) return hostTensor(Array.from(draws, (u) => u < 0.5), shape, dtype);
    if (dtype.kind === "float") return hostTensor(draws.map((u) => low + u * (high - low)), shape, dtype);
    const from = dtype.isSigned ? Math.ceil(low) : Math.max(0, Math.ceil(low));
    const span = Math.max(1, Math.ceil(high) - from);
    return hostTensor(draws.map((u) => from + Math.floor(u * span)), shape, dtype);
  }

  /** Random values of either sign whose size is in [least, largest): away from 0, but for integers that start at 1. */
  signed(shape: Shape, least: number = 0.5, largest: number = 2): HostTensor {
    const isInt = this.dtype.kind === "int";
    const sizes = this.values(shape, isInt ? Math.max(1, least) : least, isInt ? largest + 2 : largest);
    if (!this.dtype.isSigned) return sizes;
    const signs = this.#draw(numelOf(shape));
    return hostTensor(
      Array.from(signs, (u, i) => u < 0.5 ? -elementOf(sizes, i) : elementOf(sizes, i)),
      shape,
      this.dtype,
    );
  }

  /** Values that all differ, at least `gap` apart, in random order: the order is clear and no two are equal. */
  distinct(shape: Shape, gap: number = 0.25): HostTensor {
    const n = numelOf(shape);
    const draws = this.#draw(n);
    const ranks = Array.from(draws, (_, i) => i).sort((i, j) => draws[i]! - draws[j]!);
    const step = this.dtype.kind === "float" ? gap : 1;
    const low = this.dtype.isSigned ? -Math.floor(n / 2) : 0;
    const values = new Array<number>(n);
    ranks.forEach((place, rank) => values[place] = (low + rank) * step);
    return hostTensor(values, shape, this.dtype);
  }

  /** A tensor of the given values; a vector when no shape is given. */
  of(
    values: readonly (Element | boolean)[],
    shape: Shape = [values.length],
    dtype: DType = this.dtype,
  ): HostTensor {
    return hostTensor(values, shape, dtype);
  }

  /** Random places from 0 to `size` − 1. */
  places(shape: Shape, size: number, dtype: DType = int32): HostTensor {
    return this.values(shape, 0, size, dtype);
  }

  /** Random truth values. */
  truths(shape: Shape): HostTensor {
    return this.values(shape, 0, 2, bool);
  }

  /**
   * The values of the dtype that kernels stumble over: zeros, ones, halves between integers, the ends of the range, and
   * of floats infinities and NaN.
   */
  edges(): Element[] {
    if (this.dtype === bool) return [0, 1];
    if (this.dtype.kind === "int") {
      const [least, largest] = integerLimits(this.dtype);
      const all = [0n, 1n, 2n, -1n, -2n, 7n, least, least + 1n, largest, largest - 1n];
      return all.filter((value) => this.dtype.isSigned || value >= 0n);
    }
    const tiny = this.dtype === float64 ? 2 ** -1060 : this.dtype === float16 ? 2 ** -20 : 2 ** -130; // subnormal
    const large = this.dtype === float64 ? 1e300 : this.dtype === float16 ? 60000 : 2 ** 120;
    return [
      ...[0, -0, 1, -1, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 3, -3, 8.75, -8.75, 20, -20],
      ...[tiny, -tiny, large, -large, Infinity, -Infinity, NaN],
    ];
  }

  #draw(count: number): Float64Array {
    const out = new Float64Array(count);
    fillUniform(out, { dtype: float32, key: this.#key, counter: this.#counter });
    this.#counter += Math.ceil(count / 4);
    return out;
  }
}
