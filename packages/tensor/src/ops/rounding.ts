/**
 * Rounding to integers, and what is left of it. Integers are their own result; bools are refused.
 *
 * @module
 */

import { DTypeError, formatType } from "@flambeau/core";
import { bind, bindInto, replaceValue } from "../bind.ts";
import { constant, requireInteger, requireTensor } from "../coerce.ts";
import { relabel } from "../label.ts";
import { requireFloatTarget } from "../pointwise.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";

type RoundingName = "floor" | "ceil" | "round" | "trunc";

function rounded(name: RoundingName, x: Tensor): Tensor {
  return isWhole(name, x) ? bind("copy", [x], null) : bind(name, [x], null);
}

function roundedInPlace(name: RoundingName, x: Tensor): Tensor {
  if (!isWhole(`${name}_`, x)) bindInto([x], name, [x], null);
  return x;
}

function isWhole(op: string, x: Tensor): boolean {
  requireTensor(op, "input", x);
  if (x.dtype.kind === "bool") {
    throw new DTypeError(`Cannot ${op} ${formatType(x)}: it must have an integer or float dtype, got bool`);
  }
  return x.dtype.kind === "int";
}

/**
 * Largest integer not above x.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.floor.html
 */
export function floor(x: Tensor): Tensor {
  return rounded("floor", x);
}

/** In-place {@linkcode floor}. */
export function floor_(x: Tensor): Tensor {
  return roundedInPlace("floor", x);
}

/**
 * Smallest integer not below x.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.ceil.html
 */
export function ceil(x: Tensor): Tensor {
  return rounded("ceil", x);
}

/** In-place {@linkcode ceil}. */
export function ceil_(x: Tensor): Tensor {
  return roundedInPlace("ceil", x);
}

/** Options of {@linkcode round}. */
export interface RoundOptions {
  /** Digits to keep after the point; negative ones round before it. Default 0. */
  readonly decimals?: number;
}

/**
 * Nearest integer, halves to even; or the nearest multiple of 10^−decimals.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.round.html
 */
export function round(x: Tensor, options?: RoundOptions): Tensor {
  const decimals = requireInteger("round", "decimals", options?.decimals ?? 0);
  if (decimals === 0 || isWhole("round", x)) return rounded("round", x);
  const scale = constant(10 ** Math.abs(decimals), x.dtype, x.backend);
  const [to, from] = decimals > 0 ? ["mul", "div"] as const : ["div", "mul"] as const;
  return temporaries(() => {
    const units = bind("round", [bind(to, [x, scale], null)], null);
    return relabel(bind(from, [units, scale], null), "RoundBackward1");
  });
}

/** In-place {@linkcode round}. */
export function round_(x: Tensor, options?: RoundOptions): Tensor {
  if ((options?.decimals ?? 0) === 0) return roundedInPlace("round", x);
  return replaceValue("round_", requireTensor("round_", "input", x), (before) => round(before, options));
}

/**
 * Integer part: rounded toward 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.trunc.html
 */
export function trunc(x: Tensor): Tensor {
  return rounded("trunc", x);
}

/** In-place {@linkcode trunc}. */
export function trunc_(x: Tensor): Tensor {
  return roundedInPlace("trunc", x);
}

/** Another name of {@linkcode trunc}. */
export const fix: typeof trunc = trunc;

/** Another name of {@linkcode trunc_}. */
export const fix_: typeof trunc_ = trunc_;

/**
 * Fractional part x − trunc(x), with the sign of x. Floats only.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.frac.html
 */
export function frac(x: Tensor): Tensor {
  requireFloatTarget("frac", x);
  return temporaries(() => relabel(bind("sub", [x, bind("trunc", [x], null)], null), "FracBackward0"));
}

/** In-place {@linkcode frac}. */
export function frac_(x: Tensor): Tensor {
  requireFloatTarget("frac_", x);
  return replaceValue("frac_", x, frac);
}
