/**
 * Views in place: `transpose_`, `squeeze_`, `unsqueeze_` … give a tensor another geometry over its own memory.
 *
 * @module
 */

import { formatType, GradError, type Shape } from "@flambeau/core";
import { gradMode } from "../grad_mode.ts";
import { makeTensor } from "../handle.ts";
import { relabel } from "../label.ts";
import { tape } from "../tape.ts";
import type { Tensor } from "../tensor.ts";
import { swapaxes, t, transpose } from "./transpose.ts";
import { asStrided, squeeze, unsqueeze } from "./view.ts";

/** Gives `x` the geometry and the history of `make(x)`, a view of it. `name` is that of its step. */
function become(op: string, x: Tensor, name: string, make: (before: Tensor) => Tensor): Tensor {
  if (gradMode.enabled && tape.current !== null && x.requiresGrad && (x.isLeaf || x.base?.isLeaf)) {
    throw new GradError(
      `Cannot ${op} ${formatType(x)}: a ${
        x.isLeaf ? "" : "view of a "
      }leaf Variable that requires grad is being used in an in-place operation; work on a clone(), or inside noGrad()`,
    );
  }
  const before = makeTensor(x.storage, x.shape, x.strides, x.offset, x.dtype);
  before.base = x.base;
  before.gradMeta = x.gradMeta;
  before.lifted = x.lifted;
  const after = make(before);
  x.shape = after.shape;
  x.strides = after.strides;
  x.offset = after.offset;
  x.lifted = after.lifted;
  if (after.gradFn !== null) x.gradMeta = relabel(after, x.base === null ? name : after.gradFn.name).gradMeta;
  // Unrecorded: the node of a view, which made the old geometry, gives way to one that makes the new geometry of the base.
  else if (x.base !== null && x.gradMeta !== null && x.gradMeta.node !== null) x.gradMeta.rebases = -1;
  x.storage.version++;
  return x;
}

/** In-place {@linkcode transpose}: `x` itself gets the other geometry. */
export function transpose_(x: Tensor, dim0: number, dim1: number): Tensor {
  return become("transpose_", x, "TransposeBackward1", (before) => transpose(before, dim0, dim1));
}

/** Alias of {@linkcode transpose_}. */
export function swapaxes_(x: Tensor, axis0: number, axis1: number): Tensor {
  return become("swapaxes_", x, "TransposeBackward1", (before) => swapaxes(before, axis0, axis1));
}

/** Alias of {@linkcode transpose_}. */
export function swapdims_(x: Tensor, dim0: number, dim1: number): Tensor {
  return become("swapdims_", x, "TransposeBackward1", (before) => transpose(before, dim0, dim1));
}

/** In-place {@linkcode t}: `x` itself gets the other geometry. */
export function t_(x: Tensor): Tensor {
  return become("t_", x, "TBackward1", t);
}

/** In-place {@linkcode squeeze}: `x` itself loses its dimensions of size 1. */
export function squeeze_(x: Tensor, dim?: number | Shape | { readonly dim: number | Shape }): Tensor {
  return become(
    "squeeze_",
    x,
    dim === undefined ? "SqueezeBackward2" : "SqueezeBackward3",
    (before) => squeeze(before, dim),
  );
}

/** In-place {@linkcode unsqueeze}: `x` itself gets a dimension of size 1. */
export function unsqueeze_(x: Tensor, dim: number): Tensor {
  return become("unsqueeze_", x, "UnsqueezeBackward1", (before) => unsqueeze(before, dim));
}

/** In-place {@linkcode asStrided}: `x` itself gets the geometry. */
export function asStrided_(
  x: Tensor,
  size: Shape,
  stride: Shape,
  storageOffset?: number | null | { readonly storageOffset?: number | null },
): Tensor {
  return become(
    "asStrided_",
    x,
    "AsStridedBackward1",
    (before) => asStrided(before, size, stride, storageOffset),
  );
}
