/**
 * Functions of two tensors, element by element, that are no arithmetic: angles, lengths, signs, exponents, divisors.
 *
 * @module
 */

import { DTypeError, float32, float64, formatType, int32 } from "@flambeau/core";
import { bind, replaceValue } from "../bind.ts";
import { castTo, constant, promote, requireTensor, type Scalar, toFloat } from "../coerce.ts";
import { noGrad } from "../grad_mode.ts";
import { relabel } from "../label.ts";
import { type NamedTuple, namedTuple } from "../named_tuple.ts";
import { binary, binaryFloat, binaryFloatInPlace, binaryInPlace, requireFloatTarget } from "../pointwise.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";

/**
 * Angle in radians of the point with ordinate `x` and abscissa `y`, in (−π, π].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.atan2.html
 */
export function atan2(x: Tensor, y: Tensor): Tensor {
  return binaryFloat("atan2", requireTensor("atan2", "input", x), requireTensor("atan2", "other", y));
}

/** In-place {@linkcode atan2}. */
export function atan2_(x: Tensor, y: Tensor): Tensor {
  return binaryFloatInPlace("atan2", x, requireTensor("atan2_", "other", y));
}

/** Another name of {@linkcode atan2}. */
export const arctan2: typeof atan2 = atan2;

/** Another name of {@linkcode atan2_}. */
export const arctan2_: typeof atan2_ = atan2_;

/**
 * `√(x² + y²)` without overflow. Floats only.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.hypot.html
 */
export function hypot(x: Tensor, y: Tensor): Tensor {
  return binary("hypot", requireTensor("hypot", "input", x), requireTensor("hypot", "other", y));
}

/** In-place {@linkcode hypot}. */
export function hypot_(x: Tensor, y: Tensor): Tensor {
  return binaryInPlace("hypot", x, requireTensor("hypot_", "other", y));
}

/**
 * The size of `x` with the sign of `y`, −0 included.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.copysign.html
 */
export function copysign(x: Tensor, y: Tensor | Scalar): Tensor {
  return binaryFloat("copysign", requireTensor("copysign", "input", x), y);
}

/** In-place {@linkcode copysign}. */
export function copysign_(x: Tensor, y: Tensor | Scalar): Tensor {
  return binaryFloatInPlace("copysign", x, y);
}

/**
 * The next float after `x` toward `y`. float32 and float64 only.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nextafter.html
 */
export function nextafter(x: Tensor, y: Tensor): Tensor {
  return binary("nextafter", requireTensor("nextafter", "input", x), requireTensor("nextafter", "other", y));
}

/** In-place {@linkcode nextafter}. */
export function nextafter_(x: Tensor, y: Tensor): Tensor {
  return binaryInPlace("nextafter", x, requireTensor("nextafter_", "other", y));
}

/**
 * `x · 2ʸ`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.ldexp.html
 */
export function ldexp(x: Tensor, y: Tensor): Tensor {
  requireTensor("ldexp", "input", x);
  requireTensor("ldexp", "other", y);
  return temporaries(() => {
    const factor = bind("exp2", [toFloat(y)], null);
    return relabel(binary("mul", x, factor), "MulBackward0");
  });
}

/** In-place {@linkcode ldexp}. */
export function ldexp_(x: Tensor, y: Tensor): Tensor {
  return replaceValue("ldexp_", requireTensor("ldexp_", "input", x), (before) => ldexp(before, y));
}

/** The two parts that {@linkcode frexp} gives. */
export type MantissaExponent = NamedTuple<
  ["mantissa", "exponent"],
  readonly [mantissa: Tensor, exponent: Tensor]
>;

/**
 * Mantissa in ±[0.5, 1) and int32 exponent of floats: `x = mantissa · 2^exponent`. 0, NaN and infinities keep exponent 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.frexp.html
 */
export function frexp(x: Tensor): MantissaExponent {
  requireFloatTarget("frexp", x);
  return temporaries(() => {
    const wide = castTo(x, x.dtype === float64 ? float64 : float32);
    const exponent = noGrad(() => exponentOf(wide));
    // In two steps: 2^-exponent itself overflows for the smallest numbers.
    const half = bind("truncDivide", [exponent, constant(2, exponent.dtype, x.backend)], null);
    const scaled = bind("mul", [timesPower(wide, half), power(bind("sub", [exponent, half], null))], null);
    const mantissa = relabel(castTo(scaled, x.dtype), "FrexpBackward0");
    return namedTuple(["mantissa", "exponent"], [mantissa, castTo(exponent, int32)]);
  });
}

/** 2^-e. */
function power(e: Tensor): Tensor {
  return bind("exp2", [bind("neg", [e], null)], null);
}

function timesPower(x: Tensor, e: Tensor): Tensor {
  return bind("mul", [x, power(e)], null);
}

/** The exponents of {@linkcode frexp}, as floats. */
function exponentOf(x: Tensor): Tensor {
  const number = (value: number) => constant(value, x.dtype, x.backend);
  const size = bind("abs", [x], null);
  const usual = bind("bitwiseAnd", [
    bind("gt", [size, number(0)], null),
    bind("lt", [size, number(Infinity)], null),
  ], null);
  const safe = bind("where", [usual, size, number(0.5)], null);
  const guess = bind("add", [bind("floor", [bind("log2", [safe], null)], null), number(1)], null);
  // The logarithm may round up to the next integer, or down.
  const half = bind("truncDivide", [guess, number(2)], null);
  const mantissa = timesPower(timesPower(safe, half), bind("sub", [guess, half], null));
  const tooSmall = castTo(bind("lt", [mantissa, number(0.5)], null), x.dtype);
  const tooLarge = castTo(bind("ge", [mantissa, number(1)], null), x.dtype);
  return bind("add", [bind("sub", [guess, tooSmall], null), tooLarge], null);
}

/**
 * `ln(eˣ + eʸ)` without overflow. Floats only.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.logaddexp.html
 */
export function logaddexp(x: Tensor, y: Tensor): Tensor {
  return logOfSum("logaddexp", "exp", 1, "LogaddexpBackward0", x, y);
}

/**
 * `log₂(2ˣ + 2ʸ)` without overflow. Floats only.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.logaddexp2.html
 */
export function logaddexp2(x: Tensor, y: Tensor): Tensor {
  return logOfSum("logaddexp2", "exp2", Math.LOG2E, "Logaddexp2Backward0", x, y);
}

function logOfSum(
  op: string,
  exp: "exp" | "exp2",
  scale: number,
  label: string,
  x: Tensor,
  y: Tensor,
): Tensor {
  requireFloatTarget(op, x);
  requireFloatTarget(op, y);
  return temporaries(() => {
    const [a, b] = promote(op, x, y);
    const zero = constant(0, a.dtype, a.backend);
    // Equal infinities have no difference; maximum alone gives their sum, and half of the gradient to each.
    const difference = bind("where", [bind("eq", [a, b], null), zero, bind("sub", [a, b], null)], null);
    const decay = bind(exp, [bind("neg", [bind("abs", [difference], null)], null)], null);
    const rest = bind("log1p", [decay], null);
    const scaled = scale === 1 ? rest : bind("mul", [rest, constant(scale, a.dtype, a.backend)], null);
    return relabel(bind("add", [bind("maximum", [a, b], null), scaled], null), label);
  });
}

/**
 * 0 where `x < 0`, 1 where `x > 0`, `values` where `x` is 0. Not differentiable.
 *
 * @throws {DTypeError} If dtypes differ.
 * @see https://pytorch.org/docs/stable/generated/torch.heaviside.html
 */
export function heaviside(x: Tensor, values: Tensor): Tensor {
  requireTensor("heaviside", "input", x);
  requireTensor("heaviside", "values", values);
  if (x.dtype !== values.dtype) {
    throw new DTypeError(
      `Cannot heaviside ${formatType(x)} and ${
        formatType(values)
      }: dtypes must match, got ${x.dtype.name} and ` +
        values.dtype.name,
    );
  }
  return temporaries(() =>
    noGrad(() => {
      const zero = constant(0, x.dtype, x.backend);
      const step = castTo(bind("gt", [x, zero], null), x.dtype);
      return bind("where", [bind("eq", [x, zero], null), values, step], null);
    })
  );
}

/** In-place {@linkcode heaviside}. */
export function heaviside_(x: Tensor, values: Tensor): Tensor {
  requireTensor("heaviside_", "input", x);
  return replaceValue("heaviside_", x, (before) => heaviside(before, values));
}

/**
 * Greatest common divisor of integers, >= 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.gcd.html
 */
export function gcd(x: Tensor, y: Tensor): Tensor {
  return binary("gcd", requireTensor("gcd", "input", x), requireTensor("gcd", "other", y));
}

/** In-place {@linkcode gcd}. */
export function gcd_(x: Tensor, y: Tensor): Tensor {
  return binaryInPlace("gcd", x, requireTensor("gcd_", "other", y));
}

/**
 * Least common multiple of integers, >= 0.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.lcm.html
 */
export function lcm(x: Tensor, y: Tensor): Tensor {
  requireTensor("lcm", "input", x);
  requireTensor("lcm", "other", y);
  return temporaries(() => {
    const [a, b] = promote("lcm", x, y);
    const divisor = bind("gcd", [a, b], null);
    const none = bind("logicalNot", [divisor], null); // both are 0
    const safe = bind("where", [none, constant(1, a.dtype, a.backend), divisor], null);
    return bind("abs", [bind("mul", [bind("truncDivide", [a, safe], null), b], null)], null);
  });
}

/** In-place {@linkcode lcm}. */
export function lcm_(x: Tensor, y: Tensor): Tensor {
  return replaceValue("lcm_", requireTensor("lcm_", "input", x), (before) => lcm(before, y));
}
