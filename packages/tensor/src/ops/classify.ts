/**
 * Tests of what a value is: NaN, infinite, finite, negative. Results are bool, and never part of a graph.
 *
 * @module
 */

import { bool } from "@flambeau/core";
import { bind } from "../bind.ts";
import { constant, requireTensor } from "../coerce.ts";
import { executeOn } from "../immediate.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { itemSync } from "./data.ts";

function everywhere(x: Tensor, value: boolean): Tensor {
  return executeOn(x.backend, "full", { shape: x.shape, value, dtype: bool });
}

/**
 * True where x is NaN.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.isnan.html
 */
export function isnan(x: Tensor): Tensor {
  requireTensor("isnan", "input", x);
  return x.dtype.kind === "float" ? bind("isnan", [x], null) : everywhere(x, false);
}

/**
 * True where x is +∞ or −∞.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.isinf.html
 */
export function isinf(x: Tensor): Tensor {
  requireTensor("isinf", "input", x);
  return x.dtype.kind === "float" ? bind("isinf", [x], null) : everywhere(x, false);
}

/**
 * True where x is neither infinite nor NaN.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.isfinite.html
 */
export function isfinite(x: Tensor): Tensor {
  requireTensor("isfinite", "input", x);
  if (x.dtype.kind !== "float") return everywhere(x, true);
  // |x| < ∞ is false for NaN too.
  return temporaries(() =>
    bind("lt", [bind("abs", [x], null), constant(Infinity, x.dtype, x.backend)], null)
  );
}

/**
 * True where x is +∞.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.isposinf.html
 */
export function isposinf(x: Tensor): Tensor {
  return isExactly(Infinity, requireTensor("isposinf", "input", x));
}

/**
 * True where x is −∞.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.isneginf.html
 */
export function isneginf(x: Tensor): Tensor {
  return isExactly(-Infinity, requireTensor("isneginf", "input", x));
}

function isExactly(value: number, x: Tensor): Tensor {
  if (x.dtype.kind !== "float") return everywhere(x, false);
  return bind("eq", [x, constant(value, x.dtype, x.backend)], null);
}

/**
 * True everywhere: there are no complex tensors.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.isreal.html
 */
export function isreal(x: Tensor): Tensor {
  return everywhere(requireTensor("isreal", "input", x), true);
}

/**
 * True where the sign bit is set: below 0, −0 and some NaN included.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.signbit.html
 */
export function signbit(x: Tensor): Tensor {
  requireTensor("signbit", "input", x);
  return x.dtype === bool ? everywhere(x, false) : bind("signbit", [x], null);
}

/**
 * True if the only element of `x` is not 0. Reads it on the host.
 *
 * @throws {ShapeError} If `x` has another number of elements.
 * @throws {DeviceError} If the device cannot be read at once.
 */
export function isNonzero(x: Tensor): boolean {
  return Boolean(itemSync(requireTensor("isNonzero", "input", x)));
}
