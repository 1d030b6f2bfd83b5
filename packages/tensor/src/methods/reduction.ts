/**
 * Methods that reduce dimensions.
 *
 * @module
 */

import type { Shape } from "@flambeau/core";
import type { Args } from "../args.ts";
import type { ValuesIndices } from "../named_tuple.ts";
import type { LineOptions, ReduceOptions } from "../ops/reducing.ts";
import type { ListArgs } from "../ops/lists.ts";
import * as reduction from "../ops/reduction.ts";
import * as selection from "../ops/selection.ts";
import * as statistics from "../ops/statistics.ts";
import * as norms from "../ops/norms.ts";
import type { Tensor } from "../tensor.ts";
import { ComparisonMethods } from "./comparison.ts";

/** `sum`, `mean`, `max`, `argmax`, `median`, `std`, `norm` … */
export class ReductionMethods extends ComparisonMethods {
  /** See {@linkcode statistics.var}. */
  var(this: Tensor, ...args: statistics.SpreadArgs): Tensor {
    return statistics.var(this, ...args);
  }
  /** See {@linkcode reduction.sum}. */
  sum(this: Tensor, ...args: Args<reduction.SumOptions, ["dim", "keepdim"]>): Tensor {
    return reduction.sum(this, ...args);
  }
  /** See {@linkcode reduction.nansum}. */
  nansum(this: Tensor, ...args: Args<reduction.SumOptions, ["dim", "keepdim"]>): Tensor {
    return reduction.nansum(this, ...args);
  }
  /** See {@linkcode reduction.mean}. */
  mean(this: Tensor, ...args: Args<reduction.SumOptions, ["dim", "keepdim"]>): Tensor {
    return reduction.mean(this, ...args);
  }
  /** See {@linkcode reduction.nanmean}. */
  nanmean(this: Tensor, ...args: Args<reduction.SumOptions, ["dim", "keepdim"]>): Tensor {
    return reduction.nanmean(this, ...args);
  }
  /** See {@linkcode reduction.prod}. */
  prod(this: Tensor, ...args: Args<reduction.ProdOptions, ["dim", "keepdim"]>): Tensor {
    return reduction.prod(this, ...args);
  }
  /** See {@linkcode reduction.amax}. */
  amax(this: Tensor, ...args: Args<ReduceOptions, ["dim", "keepdim"]>): Tensor {
    return reduction.amax(this, ...args);
  }
  /** See {@linkcode reduction.amin}. */
  amin(this: Tensor, ...args: Args<ReduceOptions, ["dim", "keepdim"]>): Tensor {
    return reduction.amin(this, ...args);
  }
  /** See {@linkcode reduction.aminmax}. */
  aminmax(this: Tensor, options?: LineOptions): reduction.MinMax {
    return reduction.aminmax(this, options);
  }
  /** See {@linkcode reduction.any}. */
  any(this: Tensor, ...args: Args<ReduceOptions, ["dim", "keepdim"]>): Tensor {
    return reduction.any(this, ...args);
  }
  /** See {@linkcode reduction.all}. */
  all(this: Tensor, ...args: Args<ReduceOptions, ["dim", "keepdim"]>): Tensor {
    return reduction.all(this, ...args);
  }
  /** See {@linkcode reduction.countNonzero}. */
  countNonzero(this: Tensor, ...args: Args<{ dim: number | Shape | null }, ["dim"]>): Tensor {
    return reduction.countNonzero(this, ...args);
  }
  /** See {@linkcode reduction.logsumexp}. */
  logsumexp(this: Tensor, ...args: Args<ReduceOptions, ["dim", "keepdim"]>): Tensor {
    return reduction.logsumexp(this, ...args);
  }
  /** See {@linkcode reduction.sumToSize}. */
  sumToSize(this: Tensor, ...size: ListArgs<"size">): Tensor {
    return reduction.sumToSize(this, ...size);
  }
  /** See {@linkcode selection.max}. */
  max(this: Tensor): Tensor;
  /** See {@linkcode selection.max}. */
  max(this: Tensor, other: Tensor): Tensor;
  /** See {@linkcode selection.max}. */
  max(this: Tensor, dim: number, keepdim?: boolean | { readonly keepdim?: boolean }): ValuesIndices;
  /** See {@linkcode selection.max}. */
  max(this: Tensor, options: { readonly dim: number; readonly keepdim?: boolean }): ValuesIndices;
  /** Implementation of all forms. */
  max(this: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices {
    return (selection.max as (...args: unknown[]) => Tensor | ValuesIndices)(this, ...args);
  }
  /** See {@linkcode selection.min}. */
  min(this: Tensor): Tensor;
  /** See {@linkcode selection.min}. */
  min(this: Tensor, other: Tensor): Tensor;
  /** See {@linkcode selection.min}. */
  min(this: Tensor, dim: number, keepdim?: boolean | { readonly keepdim?: boolean }): ValuesIndices;
  /** See {@linkcode selection.min}. */
  min(this: Tensor, options: { readonly dim: number; readonly keepdim?: boolean }): ValuesIndices;
  /** Implementation of all forms. */
  min(this: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices {
    return (selection.min as (...args: unknown[]) => Tensor | ValuesIndices)(this, ...args);
  }
  /** See {@linkcode selection.argmax}. */
  argmax(this: Tensor, ...args: Args<LineOptions, ["dim", "keepdim"]>): Tensor {
    return selection.argmax(this, ...args);
  }
  /** See {@linkcode selection.argmin}. */
  argmin(this: Tensor, ...args: Args<LineOptions, ["dim", "keepdim"]>): Tensor {
    return selection.argmin(this, ...args);
  }
  /** See {@linkcode selection.kthvalue}. */
  kthvalue(this: Tensor, k: number, ...args: Args<selection.KthOptions, ["dim", "keepdim"]>): ValuesIndices {
    return selection.kthvalue(this, k, ...args);
  }
  /** See {@linkcode selection.median}. */
  median(this: Tensor): Tensor;
  /** See {@linkcode selection.median}. */
  median(this: Tensor, dim: number, keepdim?: boolean | { readonly keepdim?: boolean }): ValuesIndices;
  /** See {@linkcode selection.median}. */
  median(this: Tensor, options: { readonly dim: number; readonly keepdim?: boolean }): ValuesIndices;
  /** Implementation of all forms. */
  median(this: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices {
    return (selection.median as (...args: unknown[]) => Tensor | ValuesIndices)(this, ...args);
  }
  /** See {@linkcode selection.nanmedian}. */
  nanmedian(this: Tensor): Tensor;
  /** See {@linkcode selection.nanmedian}. */
  nanmedian(this: Tensor, dim: number, keepdim?: boolean | { readonly keepdim?: boolean }): ValuesIndices;
  /** See {@linkcode selection.nanmedian}. */
  nanmedian(this: Tensor, options: { readonly dim: number; readonly keepdim?: boolean }): ValuesIndices;
  /** Implementation of all forms. */
  nanmedian(this: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices {
    return (selection.nanmedian as (...args: unknown[]) => Tensor | ValuesIndices)(this, ...args);
  }
  /** See {@linkcode selection.mode}. */
  mode(this: Tensor, ...args: Args<selection.KthOptions, ["dim", "keepdim"]>): ValuesIndices {
    return selection.mode(this, ...args);
  }
  /** See {@linkcode statistics.std}. */
  std(this: Tensor, ...args: statistics.SpreadArgs): Tensor {
    return statistics.std(this, ...args);
  }
  /** See {@linkcode statistics.varMean}. */
  varMean(this: Tensor, ...args: statistics.SpreadArgs): [variance: Tensor, mean: Tensor] {
    return statistics.varMean(this, ...args);
  }
  /** See {@linkcode statistics.stdMean}. */
  stdMean(this: Tensor, ...args: statistics.SpreadArgs): [std: Tensor, mean: Tensor] {
    return statistics.stdMean(this, ...args);
  }
  /** See {@linkcode statistics.quantile}. */
  quantile(
    this: Tensor,
    q: number | Tensor,
    ...args: Args<statistics.QuantileOptions, ["dim", "keepdim"]>
  ): Tensor {
    return statistics.quantile(this, q, ...args);
  }
  /** See {@linkcode statistics.nanquantile}. */
  nanquantile(
    this: Tensor,
    q: number | Tensor,
    ...args: Args<statistics.QuantileOptions, ["dim", "keepdim"]>
  ): Tensor {
    return statistics.nanquantile(this, q, ...args);
  }
  /** See {@linkcode statistics.cov}. */
  cov(this: Tensor, options?: statistics.CovOptions): Tensor {
    return statistics.cov(this, options);
  }
  /** See {@linkcode statistics.corrcoef}. */
  corrcoef(this: Tensor): Tensor {
    return statistics.corrcoef(this);
  }
  /** See {@linkcode norms.norm}. */
  norm(this: Tensor, ...args: Args<norms.NormOptions, ["p", "dim", "keepdim"]>): Tensor {
    return norms.norm(this, ...args);
  }
  /** See {@linkcode norms.dist}. */
  dist(this: Tensor, other: Tensor, ...args: Args<{ p: number }, ["p"]>): Tensor {
    return norms.dist(this, other, ...args);
  }
  /** See {@linkcode norms.renorm}. */
  renorm(this: Tensor, p: number, dim: number, maxnorm: number): Tensor {
    return norms.renorm(this, p, dim, maxnorm);
  }
  /** See {@linkcode norms.renorm_}. */
  renorm_(this: Tensor, p: number, dim: number, maxnorm: number): Tensor {
    return norms.renorm_(this, p, dim, maxnorm);
  }
}
