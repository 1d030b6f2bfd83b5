/**
 * Methods that change the shape or the order of elements.
 *
 * @module
 */

import type { DType, Shape } from "@flambeau/core";
import type { Args } from "../args.ts";
import { matrixTranspose, reverseDims, unfoldDim } from "../ops/building.ts";
import * as geometry from "../ops/geometry.ts";
import type { ListArgs } from "../ops/lists.ts";
import * as repeating from "../ops/repeat.ts";
import * as reorder from "../ops/reorder.ts";
import * as slices from "../ops/slice.ts";
import * as transposes from "../ops/transpose.ts";
import * as triangles from "../ops/triangle.ts";
import * as views from "../ops/view.ts";
import type { Tensor } from "../tensor.ts";
import { ArithmeticMethods } from "./arithmetic.ts";

/** `view`, `reshape`, `transpose`, `split`, `repeat`, `flip` … and the in-place forms of views. */
export class ShapeMethods extends ArithmeticMethods {
  /** The matrix transpose; dimensions in reverse order for other ranks. Aliases this tensor. */
  get T(): Tensor {
    return reverseDims(this as unknown as Tensor);
  }
  /** The last two dimensions swapped. Aliases this tensor. */
  get mT(): Tensor {
    return matrixTranspose(this as unknown as Tensor);
  }
  /** See {@linkcode views.view}. */
  view(this: Tensor, ...sizes: ListArgs<"size"> | readonly [dtype: DType | string]): Tensor {
    return views.view(this, ...sizes as ListArgs<"size">);
  }
  /** See {@linkcode views.viewAs}. */
  viewAs(this: Tensor, other: Tensor): Tensor {
    return views.viewAs(this, other);
  }
  /** See {@linkcode views.reshape}. */
  reshape(this: Tensor, ...shape: ListArgs<"shape">): Tensor {
    return views.reshape(this, ...shape);
  }
  /** See {@linkcode views.reshapeAs}. */
  reshapeAs(this: Tensor, other: Tensor): Tensor {
    return views.reshapeAs(this, other);
  }
  /** See {@linkcode views.ravel}. */
  ravel(this: Tensor): Tensor {
    return views.ravel(this);
  }
  /** See {@linkcode views.flatten}. */
  flatten(this: Tensor, ...args: Args<views.FlattenOptions, ["startDim", "endDim"]>): Tensor {
    return views.flatten(this, ...args);
  }
  /** See {@linkcode views.unflatten}. */
  unflatten(this: Tensor, dim: number, sizes: Shape): Tensor {
    return views.unflatten(this, dim, sizes);
  }
  /** See {@linkcode views.unsqueeze}. */
  unsqueeze(this: Tensor, dim: number): Tensor {
    return views.unsqueeze(this, dim);
  }
  /** See {@linkcode geometry.unsqueeze_}. */
  unsqueeze_(this: Tensor, dim: number): Tensor {
    return geometry.unsqueeze_(this, dim);
  }
  /** See {@linkcode views.squeeze}. */
  squeeze(this: Tensor, dim?: number | Shape | { readonly dim: number | Shape }): Tensor {
    return views.squeeze(this, dim);
  }
  /** See {@linkcode geometry.squeeze_}. */
  squeeze_(this: Tensor, dim?: number | Shape | { readonly dim: number | Shape }): Tensor {
    return geometry.squeeze_(this, dim);
  }
  /** See {@linkcode views.expand}. */
  expand(this: Tensor, ...sizes: ListArgs<"size">): Tensor {
    return views.expand(this, ...sizes);
  }
  /** See {@linkcode views.expandAs}. */
  expandAs(this: Tensor, other: Tensor): Tensor {
    return views.expandAs(this, other);
  }
  /** See {@linkcode views.broadcastTo}. */
  broadcastTo(this: Tensor, ...shape: ListArgs<"size">): Tensor {
    return views.broadcastTo(this, ...shape);
  }
  /** See {@linkcode views.asStrided}. */
  asStrided(
    this: Tensor,
    size: Shape,
    stride: Shape,
    storageOffset?: number | null | { readonly storageOffset?: number | null },
  ): Tensor {
    return views.asStrided(this, size, stride, storageOffset);
  }
  /** See {@linkcode geometry.asStrided_}. */
  asStrided_(
    this: Tensor,
    size: Shape,
    stride: Shape,
    storageOffset?: number | null | { readonly storageOffset?: number | null },
  ): Tensor {
    return geometry.asStrided_(this, size, stride, storageOffset);
  }
  /** See {@linkcode unfoldDim}. */
  unfold(this: Tensor, dimension: number, size: number, step: number): Tensor {
    return unfoldDim(this, dimension, size, step);
  }
  /** See {@linkcode views.diagonal}. */
  diagonal(this: Tensor, ...args: Args<views.DiagonalOptions, ["offset", "dim1", "dim2"]>): Tensor {
    return views.diagonal(this, ...args);
  }
  /** See {@linkcode transposes.permute}. */
  permute(this: Tensor, ...dims: ListArgs<"dims">): Tensor {
    return transposes.permute(this, ...dims);
  }
  /** See {@linkcode transposes.transpose}. */
  transpose(this: Tensor, dim0: number, dim1: number): Tensor {
    return transposes.transpose(this, dim0, dim1);
  }
  /** See {@linkcode geometry.transpose_}. */
  transpose_(this: Tensor, dim0: number, dim1: number): Tensor {
    return geometry.transpose_(this, dim0, dim1);
  }
  /** See {@linkcode transposes.swapaxes}. */
  swapaxes(this: Tensor, axis0: number, axis1: number): Tensor {
    return transposes.swapaxes(this, axis0, axis1);
  }
  /** See {@linkcode geometry.swapaxes_}. */
  swapaxes_(this: Tensor, axis0: number, axis1: number): Tensor {
    return geometry.swapaxes_(this, axis0, axis1);
  }
  /** See {@linkcode transposes.swapdims}. */
  swapdims(this: Tensor, dim0: number, dim1: number): Tensor {
    return transposes.swapdims(this, dim0, dim1);
  }
  /** See {@linkcode geometry.swapdims_}. */
  swapdims_(this: Tensor, dim0: number, dim1: number): Tensor {
    return geometry.swapdims_(this, dim0, dim1);
  }
  /** See {@linkcode transposes.t}. */
  t(this: Tensor): Tensor {
    return transposes.t(this);
  }
  /** See {@linkcode geometry.t_}. */
  t_(this: Tensor): Tensor {
    return geometry.t_(this);
  }
  /** See {@linkcode transposes.adjoint}. */
  adjoint(this: Tensor): Tensor {
    return transposes.adjoint(this);
  }
  /** See {@linkcode transposes.movedim}. */
  movedim(this: Tensor, source: number | Shape, destination: number | Shape): Tensor {
    return transposes.movedim(this, source, destination);
  }
  /** See {@linkcode transposes.moveaxis}. */
  moveaxis(this: Tensor, source: number | Shape, destination: number | Shape): Tensor {
    return transposes.moveaxis(this, source, destination);
  }
  /** See {@linkcode slices.narrow}. */
  narrow(this: Tensor, dim: number, start: number | Tensor, length: number): Tensor {
    return slices.narrow(this, dim, start, length);
  }
  /** See {@linkcode slices.narrowCopy}. */
  narrowCopy(this: Tensor, dim: number, start: number | Tensor, length: number): Tensor {
    return slices.narrowCopy(this, dim, start, length);
  }
  /** See {@linkcode slices.select}. */
  select(this: Tensor, dim: number, index: number | Tensor): Tensor {
    return slices.select(this, dim, index);
  }
  /** See {@linkcode slices.split}. */
  split(this: Tensor, splitSize: number | Shape, dim?: number | { readonly dim?: number }): Tensor[] {
    return slices.split(this, splitSize, dim);
  }
  /** See {@linkcode slices.splitWithSizes}. */
  splitWithSizes(this: Tensor, splitSizes: Shape, dim?: number | { readonly dim?: number }): Tensor[] {
    return slices.splitWithSizes(this, splitSizes, dim);
  }
  /** See {@linkcode slices.tensorSplit}. */
  tensorSplit(
    this: Tensor,
    indicesOrSections: number | Shape | Tensor | Partial<slices.TensorSplitOptions>,
    ...args: Args<Pick<slices.TensorSplitOptions, "dim">, ["dim"]>
  ): Tensor[] {
    return slices.tensorSplit(this, indicesOrSections, ...args);
  }
  /** See {@linkcode slices.hsplit}. */
  hsplit(this: Tensor, how: slices.SplitHow): Tensor[] {
    return slices.hsplit(this, how);
  }
  /** See {@linkcode slices.vsplit}. */
  vsplit(this: Tensor, how: slices.SplitHow): Tensor[] {
    return slices.vsplit(this, how);
  }
  /** See {@linkcode slices.dsplit}. */
  dsplit(this: Tensor, how: slices.SplitHow): Tensor[] {
    return slices.dsplit(this, how);
  }
  /** See {@linkcode slices.chunk}. */
  chunk(this: Tensor, chunks: number, dim?: number | { readonly dim?: number }): Tensor[] {
    return slices.chunk(this, chunks, dim);
  }
  /** See {@linkcode slices.unbind}. */
  unbind(this: Tensor, dim?: number | { readonly dim?: number }): Tensor[] {
    return slices.unbind(this, dim);
  }
  /** See {@linkcode repeating.repeat}. */
  repeat(this: Tensor, ...repeats: ListArgs<"repeats">): Tensor {
    return repeating.repeat(this, ...repeats);
  }
  /** See {@linkcode repeating.tile}. */
  tile(this: Tensor, ...dims: ListArgs<"dims">): Tensor {
    return repeating.tile(this, ...dims);
  }
  /** See {@linkcode repeating.repeatInterleave}. */
  repeatInterleave(
    this: Tensor,
    ...args: Args<repeating.RepeatInterleaveOptions, ["repeats", "dim"]>
  ): Tensor {
    return repeating.repeatInterleave(this, ...args);
  }
  /** See {@linkcode reorder.flip}. */
  flip(this: Tensor, ...dims: ListArgs<"dims">): Tensor {
    return reorder.flip(this, ...dims);
  }
  /** See {@linkcode reorder.fliplr}. */
  fliplr(this: Tensor): Tensor {
    return reorder.fliplr(this);
  }
  /** See {@linkcode reorder.flipud}. */
  flipud(this: Tensor): Tensor {
    return reorder.flipud(this);
  }
  /** See {@linkcode reorder.roll}. */
  roll(this: Tensor, ...args: Args<reorder.RollOptions, ["shifts", "dims"]>): Tensor {
    return reorder.roll(this, ...args);
  }
  /** See {@linkcode reorder.rot90}. */
  rot90(this: Tensor, ...args: Args<reorder.Rot90Options, ["k", "dims"]>): Tensor {
    return reorder.rot90(this, ...args);
  }
  /** See {@linkcode triangles.triu}. */
  triu(this: Tensor, diagonal?: number | triangles.TriangleOptions): Tensor {
    return triangles.triu(this, diagonal);
  }
  /** See {@linkcode triangles.triu_}. */
  triu_(this: Tensor, diagonal?: number | triangles.TriangleOptions): Tensor {
    return triangles.triu_(this, diagonal);
  }
  /** See {@linkcode triangles.tril}. */
  tril(this: Tensor, diagonal?: number | triangles.TriangleOptions): Tensor {
    return triangles.tril(this, diagonal);
  }
  /** See {@linkcode triangles.tril_}. */
  tril_(this: Tensor, diagonal?: number | triangles.TriangleOptions): Tensor {
    return triangles.tril_(this, diagonal);
  }
  /** See {@linkcode triangles.diagEmbed}. */
  diagEmbed(this: Tensor, ...args: Args<views.DiagonalOptions, ["offset", "dim1", "dim2"]>): Tensor {
    return triangles.diagEmbed(this, ...args);
  }
}
