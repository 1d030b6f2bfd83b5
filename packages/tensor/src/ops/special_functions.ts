/**
 * Special functions: gamma and its kin, Bessel functions, the normal distribution, entropies.
 *
 * @module
 */

import { formatType, ValueError } from "@flambeau/core";
import { bind, replaceValue } from "../bind.ts";
import { constant, promoteFloat, requireInteger, requireTensor, type Scalar, toFloat } from "../coerce.ts";
import { relabel } from "../label.ts";
import {
  binary,
  binaryFloat,
  binaryInPlace,
  requireFloatTarget,
  unaryFloat,
  unaryFloatInPlace,
} from "../pointwise.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { like } from "./reducing.ts";

/**
 * ln |Γ(x)|.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.lgamma.html
 */
export function lgamma(x: Tensor): Tensor {
  return unaryFloat("lgamma", x);
}

/** In-place {@linkcode lgamma}. */
export function lgamma_(x: Tensor): Tensor {
  return unaryFloatInPlace("lgamma", x);
}

/**
 * ψ(x), the derivative of {@linkcode lgamma}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.digamma.html
 */
export function digamma(x: Tensor): Tensor {
  return unaryFloat("digamma", x);
}

/** In-place {@linkcode digamma}. */
export function digamma_(x: Tensor): Tensor {
  return unaryFloatInPlace("digamma", x);
}

/**
 * Modified Bessel function of the first kind, order 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.i0.html
 */
export function i0(x: Tensor): Tensor {
  return unaryFloat("i0", x);
}

/** In-place {@linkcode i0}. */
export function i0_(x: Tensor): Tensor {
  return unaryFloatInPlace("i0", x);
}

/**
 * e^−|x| · {@linkcode i0}(x).
 *
 * @see https://pytorch.org/docs/stable/special.html
 */
export function i0e(x: Tensor): Tensor {
  return unaryFloat("i0e", x);
}

/**
 * Modified Bessel function of the first kind, order 1.
 *
 * @see https://pytorch.org/docs/stable/special.html
 */
export function i1(x: Tensor): Tensor {
  return unaryFloat("i1", x);
}

/**
 * e^−|x| · {@linkcode i1}(x).
 *
 * @see https://pytorch.org/docs/stable/special.html
 */
export function i1e(x: Tensor): Tensor {
  return unaryFloat("i1e", x);
}

/**
 * e^(x²) · erfc(x).
 *
 * @see https://pytorch.org/docs/stable/special.html
 */
export function erfcx(x: Tensor): Tensor {
  return unaryFloat("erfcx", x);
}

/**
 * The value below which the share x of the standard normal distribution lies.
 *
 * @see https://pytorch.org/docs/stable/special.html
 */
export function ndtri(x: Tensor): Tensor {
  return unaryFloat("ndtri", x);
}

/**
 * ln of {@linkcode ndtr}, accurate far below 0.
 *
 * @see https://pytorch.org/docs/stable/special.html
 */
export function logNdtr(x: Tensor): Tensor {
  return unaryFloat("logNdtr", x);
}

/**
 * Regularized lower incomplete gamma function P(x, y). Differentiable in y.
 *
 * @see https://pytorch.org/docs/stable/special.html
 */
export function igamma(x: Tensor, y: Tensor): Tensor {
  return binary("igamma", requireTensor("igamma", "input", x), requireTensor("igamma", "other", y));
}

/** In-place {@linkcode igamma}. */
export function igamma_(x: Tensor, y: Tensor): Tensor {
  return binaryInPlace("igamma", x, requireTensor("igamma_", "other", y));
}

/**
 * Regularized upper incomplete gamma function Q(x, y) = 1 − P(x, y). Differentiable in y.
 *
 * @see https://pytorch.org/docs/stable/special.html
 */
export function igammac(x: Tensor, y: Tensor): Tensor {
  return binary("igammac", requireTensor("igammac", "input", x), requireTensor("igammac", "other", y));
}

/** In-place {@linkcode igammac}. */
export function igammac_(x: Tensor, y: Tensor): Tensor {
  return binaryInPlace("igammac", x, requireTensor("igammac_", "other", y));
}

/**
 * Hurwitz zeta function ζ(x, y) = Σ (k + y)^−x. Differentiable in y.
 *
 * @see https://pytorch.org/docs/stable/special.html
 */
export function zeta(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return binaryFloat("zeta", x, y);
}

/**
 * The n-th derivative of {@linkcode digamma}: (−1)ⁿ⁺¹ · n! · ζ(n + 1, x) for n >= 1.
 *
 * @throws {ValueError} If `n` is negative.
 * @see https://pytorch.org/docs/stable/generated/torch.polygamma.html
 */
export function polygamma(n: number, x: Tensor): Tensor {
  requireTensor("polygamma", "input", x);
  const order = requireInteger("polygamma", "n", n);
  if (order < 0) throw new ValueError(`Cannot polygamma ${formatType(x)}: n must be >= 0, got ${order}`);
  if (order === 0) return unaryFloat("digamma", x);
  let factor = order % 2 === 0 ? -1 : 1;
  for (let k = 2; k <= order; k++) factor *= k;
  return temporaries(() => {
    const values = toFloat(x);
    const series = bind("zeta", [like(values, order + 1), values], null);
    const sum = order === 1 ? limited(values, series) : series;
    return relabel(bind("mul", [sum, like(values, factor)], null), "PolygammaBackward0");
  });
}

/** ζ(2, x), `series`, with the limits of the trigamma function: 0 at ∞, none at −∞. Its slope there stays that of ζ. */
function limited(x: Tensor, series: Tensor): Tensor {
  const at = (place: number, value: number, other: Tensor): Tensor =>
    bind("where", [bind("eq", [x, like(x, place)], null), like(x, value), other], null);
  return bind("add", [at(Infinity, 0, series), at(-Infinity, NaN, like(x, 0))], null);
}

/** In-place {@linkcode polygamma}, as the method `x.polygamma_(n)`. */
export function polygamma_(x: Tensor, n: number): Tensor {
  requireFloatTarget("polygamma_", x);
  return replaceValue("polygamma_", x, (before) => polygamma(n, before));
}

/**
 * The share of the standard normal distribution below x.
 *
 * @see https://pytorch.org/docs/stable/special.html
 */
export function ndtr(x: Tensor): Tensor {
  requireTensor("ndtr", "input", x);
  return temporaries(() => {
    const values = toFloat(x);
    const scaled = bind("mul", [values, like(values, -Math.SQRT1_2)], null);
    return relabel(
      bind("mul", [bind("erfc", [scaled], null), like(values, 0.5)], null),
      "SpecialNdtrBackward0",
    );
  });
}

/**
 * −x ln x; 0 at 0 and −∞ below. The gradient −(1 + ln x) is infinite at 0 and NaN below.
 *
 * @see https://pytorch.org/docs/stable/special.html
 */
export function entr(x: Tensor): Tensor {
  requireTensor("entr", "input", x);
  return temporaries(() => {
    const values = toFloat(x);
    const where = (cond: Tensor, a: Tensor, b: Tensor) => bind("where", [cond, a, b], null);
    const one = like(values, 1);
    const zero = bind("eq", [values, like(values, 0)], null);
    const infinite = bind("eq", [values, like(values, Infinity)], null);
    const safe = where(bind("bitwiseOr", [zero, infinite], null), one, values);
    const inside = bind("neg", [bind("mul", [safe, bind("log", [safe], null)], null)], null);
    const negative = bind("lt", [values, like(values, 0)], null);
    // √x is 0 at 0 and as steep there (−0 becomes 0, or the slope would have its sign), −x² is −∞ at ∞ and as steep.
    const atZero = bind("sqrt", [bind("add", [where(zero, values, one), like(values, 0)], null)], null);
    const far = where(infinite, values, one);
    const atInfinity = bind("neg", [bind("mul", [far, far], null)], null);
    const finite = where(negative, like(values, -Infinity), inside);
    const y = where(zero, atZero, where(infinite, atInfinity, finite));
    return relabel(y, "SpecialEntrBackward0");
  });
}

function timesLog(
  op: string,
  log: "log" | "log1p",
  x: Tensor | Scalar,
  y: Tensor | Scalar,
  label: string,
): Tensor {
  return temporaries(() => {
    const [a, b] = promoteFloat(op, x, y);
    const number = (value: number) => constant(value, a.dtype, a.backend);
    // 0 · ln y is 0 even where ln y is infinite or not defined.
    const least = number(log === "log" ? 0 : -1);
    const outside = bind(
      "bitwiseOr",
      [bind("le", [b, least], null), bind("eq", [b, number(Infinity)], null)],
      null,
    );
    const nothing = bind("bitwiseAnd", [bind("eq", [a, number(0)], null), outside], null);
    const safe = bind("where", [nothing, number(1), b], null);
    const product = bind("mul", [a, bind(log, [safe], null)], null);
    return relabel(bind("where", [nothing, number(0), product], null), label);
  });
}

/**
 * x · ln y; 0 where x is 0, unless y is NaN.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.xlogy.html
 */
export function xlogy(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return timesLog("xlogy", "log", x, y, "XlogyBackward0");
}

/** In-place {@linkcode xlogy}. */
export function xlogy_(x: Tensor, y: Tensor | Scalar): Tensor {
  requireFloatTarget("xlogy_", x);
  return replaceValue("xlogy_", x, (before) => xlogy(before, y));
}

/**
 * x · ln(1 + y); 0 where x is 0, unless y is NaN.
 *
 * @see https://pytorch.org/docs/stable/special.html
 */
export function xlog1py(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return timesLog("xlog1py", "log1p", x, y, "SpecialXlog1PyBackward0");
}
