/**
 * Methods that read and write elements by their places.
 *
 * @module
 */

import type { Args } from "../args.ts";
import type { Scalar } from "../coerce.ts";
import * as gathering from "../ops/gather.ts";
import * as writes from "../ops/index_write.ts";
import * as indexing from "../ops/indexing.ts";
import * as masks from "../ops/masked.ts";
import * as places from "../ops/nonzero.ts";
import * as partWrites from "../ops/part_write.ts";
import type { ReduceName } from "../ops/reduce_names.ts";
import * as scattering from "../ops/scatter.ts";
import type { DiagonalOptions } from "../ops/view.ts";
import type { Tensor } from "../tensor.ts";
import { ShapeMethods } from "./shape.ts";

/** `index`, `setIndex`, `gather`, `scatter`, `maskedFill` … and their in-place forms. */
export class IndexingMethods extends ShapeMethods {
  /** See {@linkcode indexing.index}. */
  index(this: Tensor, ...items: readonly indexing.Index[]): Tensor {
    return indexing.index(this, ...items);
  }
  /** See {@linkcode indexing.setIndex}. */
  setIndex(this: Tensor, items: readonly indexing.Index[] | indexing.Index, value: Tensor | Scalar): Tensor {
    return indexing.setIndex(this, items, value);
  }
  /** See {@linkcode indexing.index_}. */
  index_(this: Tensor, items: readonly indexing.Index[] | indexing.Index, value: Tensor | Scalar): Tensor {
    return indexing.index_(this, items, value);
  }
  /** See {@linkcode indexing.indexPut}. */
  indexPut(
    this: Tensor,
    indices: readonly (indexing.Index | null)[],
    values: Tensor,
    accumulate?: boolean | indexing.IndexPutOptions,
  ): Tensor {
    return indexing.indexPut(this, indices, values, accumulate);
  }
  /** See {@linkcode indexing.indexPut_}. */
  indexPut_(
    this: Tensor,
    indices: readonly (indexing.Index | null)[],
    values: Tensor,
    accumulate?: boolean | indexing.IndexPutOptions,
  ): Tensor {
    return indexing.indexPut_(this, indices, values, accumulate);
  }
  /** See {@linkcode gathering.gather}. */
  gather(this: Tensor, dim: number, index: Tensor, options?: gathering.GatherOptions): Tensor {
    return gathering.gather(this, dim, index, options);
  }
  /** See {@linkcode gathering.indexSelect}. */
  indexSelect(this: Tensor, dim: number, index: Tensor): Tensor {
    return gathering.indexSelect(this, dim, index);
  }
  /** See {@linkcode gathering.take}. */
  take(this: Tensor, index: Tensor): Tensor {
    return gathering.take(this, index);
  }
  /** See {@linkcode gathering.takeAlongDim}. */
  takeAlongDim(
    this: Tensor,
    indices: Tensor,
    dim?: number | null | { readonly dim?: number | null },
  ): Tensor {
    return gathering.takeAlongDim(this, indices, dim);
  }
  /** See {@linkcode scattering.scatter}. */
  scatter(
    this: Tensor,
    dim: number,
    index: Tensor,
    src: Tensor | Scalar | scattering.ScatterOperands,
    options?: scattering.ScatterOptions,
  ): Tensor {
    return scattering.scatter(this, dim, index, src, options);
  }
  /** See {@linkcode scattering.scatter_}. */
  scatter_(
    this: Tensor,
    dim: number,
    index: Tensor,
    src: Tensor | Scalar | scattering.ScatterOperands,
    options?: scattering.ScatterOptions,
  ): Tensor {
    return scattering.scatter_(this, dim, index, src, options);
  }
  /** See {@linkcode scattering.scatterAdd}. */
  scatterAdd(this: Tensor, dim: number, index: Tensor, src: Tensor): Tensor {
    return scattering.scatterAdd(this, dim, index, src);
  }
  /** See {@linkcode scattering.scatterAdd_}. */
  scatterAdd_(this: Tensor, dim: number, index: Tensor, src: Tensor): Tensor {
    return scattering.scatterAdd_(this, dim, index, src);
  }
  /** See {@linkcode scattering.scatterReduce}. */
  scatterReduce(
    this: Tensor,
    dim: number,
    index: Tensor,
    src: Tensor,
    reduce: ReduceName,
    ...args: Args<scattering.IncludeSelfOptions, []>
  ): Tensor {
    return scattering.scatterReduce(this, dim, index, src, reduce, ...args);
  }
  /** See {@linkcode scattering.scatterReduce_}. */
  scatterReduce_(
    this: Tensor,
    dim: number,
    index: Tensor,
    src: Tensor,
    reduce: ReduceName,
    ...args: Args<scattering.IncludeSelfOptions, []>
  ): Tensor {
    return scattering.scatterReduce_(this, dim, index, src, reduce, ...args);
  }
  /** See {@linkcode scattering.put}. */
  put(
    this: Tensor,
    index: Tensor,
    source: Tensor,
    ...args: Args<scattering.PutOptions, ["accumulate"]>
  ): Tensor {
    return scattering.put(this, index, source, ...args);
  }
  /** See {@linkcode scattering.put_}. */
  put_(
    this: Tensor,
    index: Tensor,
    source: Tensor,
    ...args: Args<scattering.PutOptions, ["accumulate"]>
  ): Tensor {
    return scattering.put_(this, index, source, ...args);
  }
  /** See {@linkcode writes.indexAdd}. */
  indexAdd(
    this: Tensor,
    dim: number,
    index: Tensor,
    source: Tensor,
    options?: writes.IndexAddOptions,
  ): Tensor {
    return writes.indexAdd(this, dim, index, source, options);
  }
  /** See {@linkcode writes.indexAdd_}. */
  indexAdd_(
    this: Tensor,
    dim: number,
    index: Tensor,
    source: Tensor,
    options?: writes.IndexAddOptions,
  ): Tensor {
    return writes.indexAdd_(this, dim, index, source, options);
  }
  /** See {@linkcode writes.indexCopy}. */
  indexCopy(this: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
    return writes.indexCopy(this, dim, index, source);
  }
  /** See {@linkcode writes.indexCopy_}. */
  indexCopy_(this: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
    return writes.indexCopy_(this, dim, index, source);
  }
  /** See {@linkcode writes.indexFill}. */
  indexFill(this: Tensor, dim: number, index: Tensor, value: Scalar | Tensor): Tensor {
    return writes.indexFill(this, dim, index, value);
  }
  /** See {@linkcode writes.indexFill_}. */
  indexFill_(this: Tensor, dim: number, index: Tensor, value: Scalar | Tensor): Tensor {
    return writes.indexFill_(this, dim, index, value);
  }
  /** See {@linkcode writes.indexReduce}. */
  indexReduce(
    this: Tensor,
    dim: number,
    index: Tensor,
    source: Tensor,
    reduce: Exclude<ReduceName, "sum">,
    ...args: Args<scattering.IncludeSelfOptions, []>
  ): Tensor {
    return writes.indexReduce(this, dim, index, source, reduce, ...args);
  }
  /** See {@linkcode writes.indexReduce_}. */
  indexReduce_(
    this: Tensor,
    dim: number,
    index: Tensor,
    source: Tensor,
    reduce: Exclude<ReduceName, "sum">,
    ...args: Args<scattering.IncludeSelfOptions, []>
  ): Tensor {
    return writes.indexReduce_(this, dim, index, source, reduce, ...args);
  }
  /** See {@linkcode places.nonzero}. */
  nonzero(this: Tensor, options?: { readonly asTuple?: false }): Tensor;
  /** The form that gives one tensor per dimension. */
  nonzero(this: Tensor, options: { readonly asTuple: true }): Tensor[];
  /** Implementation of both forms. */
  nonzero(this: Tensor, options?: { readonly asTuple?: boolean }): Tensor | Tensor[] {
    return places.nonzero(this, options as { readonly asTuple?: false });
  }
  /** See {@linkcode places.argwhere}. */
  argwhere(this: Tensor): Tensor {
    return places.argwhere(this);
  }
  /** See {@linkcode masks.maskedFill}. */
  maskedFill(this: Tensor, mask: Tensor, value: Scalar | Tensor): Tensor {
    return masks.maskedFill(this, mask, value);
  }
  /** See {@linkcode masks.maskedFill_}. */
  maskedFill_(this: Tensor, mask: Tensor, value: Scalar | Tensor): Tensor {
    return masks.maskedFill_(this, mask, value);
  }
  /** See {@linkcode masks.maskedSelect}. */
  maskedSelect(this: Tensor, mask: Tensor): Tensor {
    return masks.maskedSelect(this, mask);
  }
  /** See {@linkcode masks.maskedScatter}. */
  maskedScatter(this: Tensor, mask: Tensor, source: Tensor): Tensor {
    return masks.maskedScatter(this, mask, source);
  }
  /** See {@linkcode masks.maskedScatter_}. */
  maskedScatter_(this: Tensor, mask: Tensor, source: Tensor): Tensor {
    return masks.maskedScatter_(this, mask, source);
  }
  /** See {@linkcode partWrites.selectScatter}. */
  selectScatter(this: Tensor, src: Tensor, dim: number, index: number): Tensor {
    return partWrites.selectScatter(this, src, dim, index);
  }
  /** See {@linkcode partWrites.sliceScatter}. */
  sliceScatter(
    this: Tensor,
    src: Tensor,
    ...args: Args<partWrites.SliceScatterOptions, ["dim", "start", "end", "step"]>
  ): Tensor {
    return partWrites.sliceScatter(this, src, ...args);
  }
  /** See {@linkcode partWrites.diagonalScatter}. */
  diagonalScatter(
    this: Tensor,
    src: Tensor,
    ...args: Args<DiagonalOptions, ["offset", "dim1", "dim2"]>
  ): Tensor {
    return partWrites.diagonalScatter(this, src, ...args);
  }
  /** See {@linkcode partWrites.fillDiagonal_}. */
  fillDiagonal_(this: Tensor, ...args: Args<partWrites.FillDiagonalOptions, ["fillValue", "wrap"]>): Tensor {
    return partWrites.fillDiagonal_(this, ...args);
  }
}
