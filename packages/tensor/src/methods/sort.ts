/**
 * Methods that sort, search and count.
 *
 * @module
 */

import type { Args } from "../args.ts";
import type { ValuesIndices } from "../named_tuple.ts";
import * as sorting from "../ops/sort.ts";
import * as distinct from "../ops/unique.ts";
import * as counting from "../ops/histogram.ts";
import type { Tensor } from "../tensor.ts";
import { CumulativeMethods } from "./cumulative.ts";

/** `sort`, `topk`, `unique`, `histc` … */
export class SortMethods extends CumulativeMethods {
  /** See {@linkcode sorting.sort}. */
  sort(this: Tensor, ...args: Args<sorting.SortOptions, ["dim", "descending", "stable"]>): ValuesIndices {
    return sorting.sort(this, ...args);
  }
  /** See {@linkcode sorting.argsort}. */
  argsort(this: Tensor, ...args: Args<sorting.SortOptions, ["dim", "descending", "stable"]>): Tensor {
    return sorting.argsort(this, ...args);
  }
  /** See {@linkcode sorting.msort}. */
  msort(this: Tensor): Tensor {
    return sorting.msort(this);
  }
  /** See {@linkcode sorting.topk}. */
  topk(
    this: Tensor,
    k: number,
    ...args: Args<sorting.TopkOptions, ["dim", "largest", "sorted"]>
  ): ValuesIndices {
    return sorting.topk(this, k, ...args);
  }
  /** See {@linkcode distinct.unique}. */
  unique(
    this: Tensor,
    ...args: Args<distinct.UniqueOptions & { returnInverse?: false; returnCounts?: false }, ["sorted"]>
  ): Tensor;
  /** See {@linkcode distinct.unique}. */
  unique(
    this: Tensor,
    ...args: Args<distinct.UniqueOptions, ["sorted", "returnInverse", "returnCounts", "dim"]>
  ): Tensor[];
  /** Implementation of all forms. */
  unique(this: Tensor, ...args: readonly unknown[]): Tensor | Tensor[] {
    return (distinct.unique as (...args: unknown[]) => Tensor | Tensor[])(this, ...args);
  }
  /** See {@linkcode distinct.uniqueConsecutive}. */
  uniqueConsecutive(
    this: Tensor,
    ...args: Args<distinct.ConsecutiveOptions & { returnInverse?: false; returnCounts?: false }, []>
  ): Tensor;
  /** See {@linkcode distinct.uniqueConsecutive}. */
  uniqueConsecutive(
    this: Tensor,
    ...args: Args<distinct.ConsecutiveOptions, ["returnInverse", "returnCounts", "dim"]>
  ): Tensor[];
  /** Implementation of all forms. */
  uniqueConsecutive(this: Tensor, ...args: readonly unknown[]): Tensor | Tensor[] {
    return (distinct.uniqueConsecutive as (...args: unknown[]) => Tensor | Tensor[])(this, ...args);
  }
  /** See {@linkcode counting.bincount}. */
  bincount(this: Tensor, ...args: Args<counting.BincountOptions, ["weights", "minlength"]>): Tensor {
    return counting.bincount(this, ...args);
  }
  /** See {@linkcode counting.histc}. */
  histc(this: Tensor, ...args: Args<counting.HistcOptions, ["bins", "min", "max"]>): Tensor {
    return counting.histc(this, ...args);
  }
  /** See {@linkcode counting.histogram}. */
  histogram(this: Tensor, bins: number | Tensor, options?: counting.HistogramOptions): counting.Histogram {
    return counting.histogram(this, bins, options);
  }
}
