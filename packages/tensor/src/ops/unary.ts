/**
 * Elementary functions of one tensor, element by element.
 *
 * Results have the shape of the input. Functions whose results are fractions turn integers and bools into the default
 * float; in place they refuse them. Names ending in `_` write into their input and give it back.
 *
 * @module
 */

import { DTypeError, formatType, int32 } from "@flambeau/core";
import { bind, bindInto } from "../bind.ts";
import { requireTensor } from "../coerce.ts";
import { relabel } from "../label.ts";
import { unary, unaryFloat, unaryFloatInPlace, unaryInPlace } from "../pointwise.ts";
import type { Tensor } from "../tensor.ts";

/**
 * −x.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.neg.html
 */
export function neg(x: Tensor): Tensor {
  return unary("neg", x);
}

/** In-place {@linkcode neg}. */
export function neg_(x: Tensor): Tensor {
  return unaryInPlace("neg", x);
}

/** Another name of {@linkcode neg}. */
export const negative: typeof neg = neg;

/** Another name of {@linkcode neg_}. */
export const negative_: typeof neg_ = neg_;

/**
 * |x|. Gradient 0 at 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.abs.html
 */
export function abs(x: Tensor): Tensor {
  return unary("abs", x);
}

/** In-place {@linkcode abs}. */
export function abs_(x: Tensor): Tensor {
  return unaryInPlace("abs", x);
}

/** Another name of {@linkcode abs}. */
export const absolute: typeof abs = abs;

/** Another name of {@linkcode abs_}. */
export const absolute_: typeof abs_ = abs_;

/**
 * −1, 0 or 1 by the sign of x; NaN stays out: it gives 0. Gradient 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.sign.html
 */
export function sign(x: Tensor): Tensor {
  return unary("sign", x);
}

/** In-place {@linkcode sign}. */
export function sign_(x: Tensor): Tensor {
  return unaryInPlace("sign", x);
}

/**
 * eˣ.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.exp.html
 */
export function exp(x: Tensor): Tensor {
  return unaryFloat("exp", x);
}

/** In-place {@linkcode exp}. */
export function exp_(x: Tensor): Tensor {
  return unaryFloatInPlace("exp", x);
}

/**
 * 2ˣ.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.exp2.html
 */
export function exp2(x: Tensor): Tensor {
  return unaryFloat("exp2", x);
}

/** In-place {@linkcode exp2}. */
export function exp2_(x: Tensor): Tensor {
  return unaryFloatInPlace("exp2", x);
}

/**
 * eˣ − 1, accurate near 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.expm1.html
 */
export function expm1(x: Tensor): Tensor {
  return unaryFloat("expm1", x);
}

/** In-place {@linkcode expm1}. */
export function expm1_(x: Tensor): Tensor {
  return unaryFloatInPlace("expm1", x);
}

/**
 * Natural logarithm; NaN below 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.log.html
 */
export function log(x: Tensor): Tensor {
  return unaryFloat("log", x);
}

/** In-place {@linkcode log}. */
export function log_(x: Tensor): Tensor {
  return unaryFloatInPlace("log", x);
}

/**
 * Logarithm to base 2.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.log2.html
 */
export function log2(x: Tensor): Tensor {
  return unaryFloat("log2", x);
}

/** In-place {@linkcode log2}. */
export function log2_(x: Tensor): Tensor {
  return unaryFloatInPlace("log2", x);
}

/**
 * Logarithm to base 10.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.log10.html
 */
export function log10(x: Tensor): Tensor {
  return unaryFloat("log10", x);
}

/** In-place {@linkcode log10}. */
export function log10_(x: Tensor): Tensor {
  return unaryFloatInPlace("log10", x);
}

/**
 * ln(1 + x), accurate near 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.log1p.html
 */
export function log1p(x: Tensor): Tensor {
  return unaryFloat("log1p", x);
}

/** In-place {@linkcode log1p}. */
export function log1p_(x: Tensor): Tensor {
  return unaryFloatInPlace("log1p", x);
}

/**
 * √x; NaN below 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.sqrt.html
 */
export function sqrt(x: Tensor): Tensor {
  return unaryFloat("sqrt", x);
}

/** In-place {@linkcode sqrt}. */
export function sqrt_(x: Tensor): Tensor {
  return unaryFloatInPlace("sqrt", x);
}

/**
 * 1 / √x.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.rsqrt.html
 */
export function rsqrt(x: Tensor): Tensor {
  return unaryFloat("rsqrt", x);
}

/** In-place {@linkcode rsqrt}. */
export function rsqrt_(x: Tensor): Tensor {
  return unaryFloatInPlace("rsqrt", x);
}

/**
 * 1 / x.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.reciprocal.html
 */
export function reciprocal(x: Tensor): Tensor {
  return unaryFloat("reciprocal", x);
}

/** In-place {@linkcode reciprocal}. */
export function reciprocal_(x: Tensor): Tensor {
  return unaryFloatInPlace("reciprocal", x);
}

/**
 * Sine of x in radians.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.sin.html
 */
export function sin(x: Tensor): Tensor {
  return unaryFloat("sin", x);
}

/** In-place {@linkcode sin}. */
export function sin_(x: Tensor): Tensor {
  return unaryFloatInPlace("sin", x);
}

/**
 * Cosine of x in radians.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.cos.html
 */
export function cos(x: Tensor): Tensor {
  return unaryFloat("cos", x);
}

/** In-place {@linkcode cos}. */
export function cos_(x: Tensor): Tensor {
  return unaryFloatInPlace("cos", x);
}

/**
 * Tangent of x in radians.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.tan.html
 */
export function tan(x: Tensor): Tensor {
  return unaryFloat("tan", x);
}

/** In-place {@linkcode tan}. */
export function tan_(x: Tensor): Tensor {
  return unaryFloatInPlace("tan", x);
}

/**
 * Arc sine, in radians.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.asin.html
 */
export function asin(x: Tensor): Tensor {
  return unaryFloat("asin", x);
}

/** In-place {@linkcode asin}. */
export function asin_(x: Tensor): Tensor {
  return unaryFloatInPlace("asin", x);
}

/** Another name of {@linkcode asin}. */
export const arcsin: typeof asin = asin;

/** Another name of {@linkcode asin_}. */
export const arcsin_: typeof asin_ = asin_;

/**
 * Arc cosine, in radians.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.acos.html
 */
export function acos(x: Tensor): Tensor {
  return unaryFloat("acos", x);
}

/** In-place {@linkcode acos}. */
export function acos_(x: Tensor): Tensor {
  return unaryFloatInPlace("acos", x);
}

/** Another name of {@linkcode acos}. */
export const arccos: typeof acos = acos;

/** Another name of {@linkcode acos_}. */
export const arccos_: typeof acos_ = acos_;

/**
 * Arc tangent, in radians.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.atan.html
 */
export function atan(x: Tensor): Tensor {
  return unaryFloat("atan", x);
}

/** In-place {@linkcode atan}. */
export function atan_(x: Tensor): Tensor {
  return unaryFloatInPlace("atan", x);
}

/** Another name of {@linkcode atan}. */
export const arctan: typeof atan = atan;

/** Another name of {@linkcode atan_}. */
export const arctan_: typeof atan_ = atan_;

/**
 * Hyperbolic sine.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.sinh.html
 */
export function sinh(x: Tensor): Tensor {
  return unaryFloat("sinh", x);
}

/** In-place {@linkcode sinh}. */
export function sinh_(x: Tensor): Tensor {
  return unaryFloatInPlace("sinh", x);
}

/**
 * Hyperbolic cosine.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.cosh.html
 */
export function cosh(x: Tensor): Tensor {
  return unaryFloat("cosh", x);
}

/** In-place {@linkcode cosh}. */
export function cosh_(x: Tensor): Tensor {
  return unaryFloatInPlace("cosh", x);
}

/**
 * Hyperbolic tangent.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.tanh.html
 */
export function tanh(x: Tensor): Tensor {
  return unaryFloat("tanh", x);
}

/** In-place {@linkcode tanh}. */
export function tanh_(x: Tensor): Tensor {
  return unaryFloatInPlace("tanh", x);
}

/**
 * Inverse hyperbolic sine.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.asinh.html
 */
export function asinh(x: Tensor): Tensor {
  return unaryFloat("asinh", x);
}

/** In-place {@linkcode asinh}. */
export function asinh_(x: Tensor): Tensor {
  return unaryFloatInPlace("asinh", x);
}

/** Another name of {@linkcode asinh}. */
export const arcsinh: typeof asinh = asinh;

/** Another name of {@linkcode asinh_}. */
export const arcsinh_: typeof asinh_ = asinh_;

/**
 * Inverse hyperbolic cosine.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.acosh.html
 */
export function acosh(x: Tensor): Tensor {
  return unaryFloat("acosh", x);
}

/** In-place {@linkcode acosh}. */
export function acosh_(x: Tensor): Tensor {
  return unaryFloatInPlace("acosh", x);
}

/** Another name of {@linkcode acosh}. */
export const arccosh: typeof acosh = acosh;

/** Another name of {@linkcode acosh_}. */
export const arccosh_: typeof acosh_ = acosh_;

/**
 * Inverse hyperbolic tangent.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.atanh.html
 */
export function atanh(x: Tensor): Tensor {
  return unaryFloat("atanh", x);
}

/** In-place {@linkcode atanh}. */
export function atanh_(x: Tensor): Tensor {
  return unaryFloatInPlace("atanh", x);
}

/** Another name of {@linkcode atanh}. */
export const arctanh: typeof atanh = atanh;

/** Another name of {@linkcode atanh_}. */
export const arctanh_: typeof atanh_ = atanh_;

/**
 * 1 / (1 + e⁻ˣ).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.sigmoid.html
 */
export function sigmoid(x: Tensor): Tensor {
  return unaryFloat("sigmoid", x);
}

/** In-place {@linkcode sigmoid}. */
export function sigmoid_(x: Tensor): Tensor {
  return unaryFloatInPlace("sigmoid", x);
}

/**
 * Error function, 2/√π ∫₀ˣ e^(−t²) dt.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.erf.html
 */
export function erf(x: Tensor): Tensor {
  return unaryFloat("erf", x);
}

/** In-place {@linkcode erf}. */
export function erf_(x: Tensor): Tensor {
  return unaryFloatInPlace("erf", x);
}

/**
 * 1 − erf(x), accurate for large x.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.erfc.html
 */
export function erfc(x: Tensor): Tensor {
  return unaryFloat("erfc", x);
}

/** In-place {@linkcode erfc}. */
export function erfc_(x: Tensor): Tensor {
  return unaryFloatInPlace("erfc", x);
}

/**
 * Inverse of the error function on (−1, 1).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.erfinv.html
 */
export function erfinv(x: Tensor): Tensor {
  return unaryFloat("erfinv", x);
}

/** In-place {@linkcode erfinv}. */
export function erfinv_(x: Tensor): Tensor {
  return unaryFloatInPlace("erfinv", x);
}

/**
 * x². Bools become int32.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.square.html
 */
export function square(x: Tensor): Tensor {
  if (requireTensor("square", "input", x).dtype.kind === "bool") return bind("cast", [x], { dtype: int32 });
  return relabel(bind("mul", [x, x], null), "PowBackward0");
}

/** In-place {@linkcode square}. */
export function square_(x: Tensor): Tensor {
  requireTensor("square_", "input", x);
  bindInto([x], "mul", [x, x], null);
  return relabel(x, "PowBackward0");
}

/**
 * `x` itself; refuses bools.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.positive.html
 */
export function positive(x: Tensor): Tensor {
  if (requireTensor("positive", "input", x).dtype.kind === "bool") {
    throw new DTypeError(
      `Cannot positive ${formatType(x)}: it must have an integer or float dtype, got bool`,
    );
  }
  return x;
}
