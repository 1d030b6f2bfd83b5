/**
 * Jobs whose parts add to the same numbers: each part but the first has sums of its own, added to the first's at the end.
 *
 * @module
 */

import { Call, Job, type WasmDispatch } from "./dispatch.ts";
import type { Kernels } from "./module.ts";

/**
 * A job of `parts` that all write the same results.
 *
 * @param results For each of these float32 results, the argument that points to it and its number of elements.
 */
export function withSums(
  kernels: Kernels,
  parts: readonly Call[],
  results: readonly (readonly [argument: number, size: number])[],
): WasmDispatch {
  const [first, ...others] = parts as [Call, ...Call[]];
  if (others.length === 0) return first;
  return new SummedJob(kernels, first, others, results);
}

class SummedJob implements WasmDispatch {
  readonly #kernels: Kernels;
  readonly #first: Call;
  readonly #others: readonly Call[];
  readonly #results: readonly (readonly [argument: number, size: number])[];

  constructor(
    kernels: Kernels,
    first: Call,
    others: readonly Call[],
    results: readonly (readonly [argument: number, size: number])[],
  ) {
    this.#kernels = kernels;
    this.#first = first;
    this.#others = others;
    this.#results = results;
  }

  run(): void {
    const { heap, pool } = this.#kernels;
    const add = this.#kernels.entry("add_f32").fn;
    const one = this.#results.reduce((bytes, [, size]) => bytes + ((size * 4 + 63) & ~63), 0);
    const block = heap.reserve(one * this.#others.length);
    try {
      let at = block.start;
      const sums: number[][] = [];
      const calls = this.#others.map((call) => {
        const args = [...call.args];
        for (const [argument, size] of this.#results) {
          sums.push([this.#first.args[argument]!, at, size]);
          args[argument] = at;
          at += (size * 4 + 63) & ~63;
        }
        return new Call(call.entry, args);
      });
      new Job(pool!, [this.#first, ...calls]).run();
      for (const [to, from, size] of sums as [number, number, number][]) add(to, from, to, size, 1, 1, 1);
    } finally {
      heap.unreserve(block);
    }
  }
}
