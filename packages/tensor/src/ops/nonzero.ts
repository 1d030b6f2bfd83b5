/**
 * Places of what is not 0.
 *
 * @module
 */

import { bind } from "../bind.ts";
import { requireTensor } from "../coerce.ts";
import type { Tensor } from "../tensor.ts";
import { truthCount } from "./truth_count.ts";

/**
 * Row-major places of the elements that are not 0 → int32 `[count, rank]`; or one tensor `[count]` per dimension.
 *
 * The size of the result depends on the values, which are read on the host.
 *
 * @throws {DeviceError} If the device cannot be read at once.
 * @see https://pytorch.org/docs/stable/generated/torch.nonzero.html
 */
export function nonzero(x: Tensor, options?: { readonly asTuple?: false }): Tensor;
/** The form that gives one tensor per dimension. */
export function nonzero(x: Tensor, options: { readonly asTuple: true }): Tensor[];
/** Implementation of both forms. */
export function nonzero(x: Tensor, options?: { readonly asTuple?: boolean }): Tensor | Tensor[] {
  requireTensor("nonzero", "input", x);
  if (options?.asTuple !== true) return bind("nonzero", [x], { count: truthCount(x) });
  const list = x.shape.length > 0 ? x : bind("view", [x], { shape: [1] });
  const places = bind("nonzero", [list], { count: truthCount(list) });
  const size = places.shape[0]!;
  return list.shape.map((_, dim) => {
    const column = bind("slice", [places], { starts: [0, dim], stops: [size, dim + 1], steps: [1, 1] });
    return bind("view", [column], { shape: [size] });
  });
}

/** Row-major places of the elements that are not 0 → int32 `[count, rank]`; as {@linkcode nonzero}. */
export function argwhere(x: Tensor): Tensor {
  return nonzero(x);
}
