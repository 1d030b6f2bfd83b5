/**
 * Functions of one tensor that are formulas of elementary ones.
 *
 * @module
 */

import { formatType, ValueError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind, replaceValue } from "../bind.ts";
import { constant, requireNumber, requireTensor, toFloat } from "../coerce.ts";
import { relabel } from "../label.ts";
import { requireFloatTarget, unary, unaryInPlace } from "../pointwise.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { finfo } from "./dtype.ts";
import { like } from "./reducing.ts";

/** `x` times a number, in floats. */
function times(op: string, x: Tensor, factor: number): Tensor {
  requireTensor(op, "input", x);
  return temporaries(() => {
    const values = toFloat(x);
    return bind("mul", [values, like(values, factor)], null);
  });
}

/**
 * Degrees to radians.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.deg2rad.html
 */
export function deg2rad(x: Tensor): Tensor {
  return times("deg2rad", x, Math.PI / 180);
}

/** In-place {@linkcode deg2rad}. */
export function deg2rad_(x: Tensor): Tensor {
  requireFloatTarget("deg2rad_", x);
  return replaceValue("deg2rad_", x, deg2rad);
}

/**
 * Radians to degrees.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.rad2deg.html
 */
export function rad2deg(x: Tensor): Tensor {
  return times("rad2deg", x, 180 / Math.PI);
}

/** In-place {@linkcode rad2deg}. */
export function rad2deg_(x: Tensor): Tensor {
  requireFloatTarget("rad2deg_", x);
  return replaceValue("rad2deg_", x, rad2deg);
}

/**
 * −1, 0 or 1 by the sign of x: the same as `sign`, there being no complex tensors.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.sgn.html
 */
export function sgn(x: Tensor): Tensor {
  return relabel(unary("sign", x), "SgnBackward0");
}

/** In-place {@linkcode sgn}. */
export function sgn_(x: Tensor): Tensor {
  return relabel(unaryInPlace("sign", x), "SgnBackward0");
}

/** Options of {@linkcode nanToNum}. */
export interface NanToNumOptions {
  /** What NaN becomes. Default 0. */
  readonly nan?: number | null;
  /** What +∞ becomes. Default: the largest number of the dtype. */
  readonly posinf?: number | null;
  /** What −∞ becomes. Default: the smallest number of the dtype. */
  readonly neginf?: number | null;
}

/**
 * Numbers in place of NaN and infinities, whose gradient is 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nan_to_num.html
 */
export function nanToNum(x: Tensor, ...args: Args<NanToNumOptions, ["nan", "posinf", "neginf"]>): Tensor {
  requireTensor("nanToNum", "input", x);
  const options = named<NanToNumOptions>("nanToNum", args, ["nan", "posinf", "neginf"]);
  if (x.dtype.kind !== "float") return bind("copy", [x], null);
  const { max, min } = finfo(x.dtype);
  const replacing = (where: Tensor, value: number, rest: Tensor) =>
    bind("where", [where, like(x, value), rest], null);
  return temporaries(() => {
    const numbers = replacing(bind("isnan", [x], null), options.nan ?? 0, x);
    const below = replacing(bind("eq", [x, like(x, Infinity)], null), options.posinf ?? max, numbers);
    const y = replacing(bind("eq", [x, like(x, -Infinity)], null), options.neginf ?? min, below);
    return relabel(y, "NanToNumBackward0");
  });
}

/** In-place {@linkcode nanToNum}. */
export function nanToNum_(x: Tensor, ...args: Args<NanToNumOptions, ["nan", "posinf", "neginf"]>): Tensor {
  requireTensor("nanToNum_", "input", x);
  return replaceValue("nanToNum_", x, (before) => nanToNum(before, ...args));
}

/**
 * ln(x / (1 − x)), the inverse of sigmoid; with `eps`, of x limited to [eps, 1 − eps].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.logit.html
 */
export function logit(x: Tensor, ...args: Args<{ eps: number | null }, ["eps"]>): Tensor {
  requireTensor("logit", "input", x);
  const { eps = null } = named<{ eps: number | null }>("logit", args, ["eps"]);
  if (eps !== null) requireNumber("logit", "eps", eps);
  return temporaries(() => {
    const values = toFloat(x);
    const p = eps === null ? values : bind("clamp", [values], { min: eps, max: 1 - eps });
    const odds = bind("div", [p, bind("sub", [like(p, 1), p], null)], null);
    return relabel(bind("log", [odds], null), "LogitBackward0");
  });
}

/** In-place {@linkcode logit}. */
export function logit_(x: Tensor, ...args: Args<{ eps: number | null }, ["eps"]>): Tensor {
  requireFloatTarget("logit_", x);
  return replaceValue("logit_", x, (before) => logit(before, ...args));
}

/**
 * sin(πx) / (πx), and 1 at 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.sinc.html
 */
export function sinc(x: Tensor): Tensor {
  requireTensor("sinc", "input", x);
  return temporaries(() => {
    const values = toFloat(x);
    const zero = bind("eq", [values, like(values, 0)], null);
    const safe = bind("where", [zero, like(values, 1), values], null);
    const angle = bind("mul", [safe, like(values, Math.PI)], null);
    const quotient = bind("div", [bind("sin", [angle], null), angle], null);
    return relabel(bind("where", [zero, like(values, 1), quotient], null), "SincBackward0");
  });
}

/** In-place {@linkcode sinc}. */
export function sinc_(x: Tensor): Tensor {
  requireFloatTarget("sinc_", x);
  return replaceValue("sinc_", x, sinc);
}

/**
 * ln of the multivariate gamma function of dimension `p`: `p (p − 1) / 4 · ln π + Σ lgamma(x − j / 2)` for j = 0 … p − 1.
 *
 * @throws {ValueError} If `p` is below 1.
 * @see https://pytorch.org/docs/stable/generated/torch.special.multigammaln.html
 */
export function mvlgamma(x: Tensor, p: number | { readonly p: number }): Tensor {
  requireTensor("mvlgamma", "input", x);
  const dimension = requireNumber("mvlgamma", "p", typeof p === "object" ? p.p : p);
  if (!Number.isInteger(dimension) || dimension < 1) {
    throw new ValueError(`Cannot mvlgamma ${formatType(x)}: p must be an integer >= 1, got ${dimension}`);
  }
  return temporaries(() => {
    const values = toFloat(x);
    let sum = bind("lgamma", [values], null);
    for (let j = 1; j < dimension; j++) {
      sum = bind(
        "add",
        [sum, bind("lgamma", [bind("sub", [values, like(values, j / 2)], null)], null)],
        null,
      );
    }
    const offset = constant(
      (dimension * (dimension - 1) / 4) * Math.log(Math.PI),
      values.dtype,
      values.backend,
    );
    return relabel(bind("add", [sum, offset], null), "MvlgammaBackward0");
  });
}

/** In-place {@linkcode mvlgamma}. */
export function mvlgamma_(x: Tensor, p: number | { readonly p: number }): Tensor {
  requireFloatTarget("mvlgamma_", x);
  return replaceValue("mvlgamma_", x, (before) => mvlgamma(before, p));
}
