/**
 * Methods of arithmetic with a second operand.
 *
 * @module
 */

import type { Args } from "../args.ts";
import type { Scalar } from "../coerce.ts";
import * as arithmetic from "../ops/arithmetic.ts";
import * as extremes from "../ops/extremes.ts";
import * as binary from "../ops/binary.ts";
import * as bitwise from "../ops/bitwise.ts";
import type { Tensor } from "../tensor.ts";
import { RandomMethods } from "./random.ts";

/** `add`, `mul`, `clamp`, `atan2`, `bitwiseAnd` … and their in-place forms. */
export class ArithmeticMethods extends RandomMethods {
  /** See {@linkcode arithmetic.add}. */
  add(this: Tensor, y: Tensor | Scalar, options?: arithmetic.AlphaOptions): Tensor {
    return arithmetic.add(this, y, options);
  }
  /** See {@linkcode arithmetic.add_}. */
  add_(this: Tensor, y: Tensor | Scalar, options?: arithmetic.AlphaOptions): Tensor {
    return arithmetic.add_(this, y, options);
  }
  /** See {@linkcode arithmetic.sub}. */
  sub(this: Tensor, y: Tensor | Scalar, options?: arithmetic.AlphaOptions): Tensor {
    return arithmetic.sub(this, y, options);
  }
  /** See {@linkcode arithmetic.subtract}. */
  subtract(this: Tensor, y: Tensor | Scalar, options?: arithmetic.AlphaOptions): Tensor {
    return arithmetic.subtract(this, y, options);
  }
  /** See {@linkcode arithmetic.sub_}. */
  sub_(this: Tensor, y: Tensor | Scalar, options?: arithmetic.AlphaOptions): Tensor {
    return arithmetic.sub_(this, y, options);
  }
  /** See {@linkcode arithmetic.subtract_}. */
  subtract_(this: Tensor, y: Tensor | Scalar, options?: arithmetic.AlphaOptions): Tensor {
    return arithmetic.subtract_(this, y, options);
  }
  /** See {@linkcode arithmetic.mul}. */
  mul(this: Tensor, y: Tensor | Scalar): Tensor {
    return arithmetic.mul(this, y);
  }
  /** See {@linkcode arithmetic.multiply}. */
  multiply(this: Tensor, y: Tensor | Scalar): Tensor {
    return arithmetic.multiply(this, y);
  }
  /** See {@linkcode arithmetic.mul_}. */
  mul_(this: Tensor, y: Tensor | Scalar): Tensor {
    return arithmetic.mul_(this, y);
  }
  /** See {@linkcode arithmetic.multiply_}. */
  multiply_(this: Tensor, y: Tensor | Scalar): Tensor {
    return arithmetic.multiply_(this, y);
  }
  /** See {@linkcode arithmetic.div}. */
  div(this: Tensor, y: Tensor | Scalar, options?: arithmetic.DivOptions): Tensor {
    return arithmetic.div(this, y, options);
  }
  /** See {@linkcode arithmetic.divide}. */
  divide(this: Tensor, y: Tensor | Scalar, options?: arithmetic.DivOptions): Tensor {
    return arithmetic.divide(this, y, options);
  }
  /** See {@linkcode arithmetic.div_}. */
  div_(this: Tensor, y: Tensor | Scalar, options?: arithmetic.DivOptions): Tensor {
    return arithmetic.div_(this, y, options);
  }
  /** See {@linkcode arithmetic.divide_}. */
  divide_(this: Tensor, y: Tensor | Scalar, options?: arithmetic.DivOptions): Tensor {
    return arithmetic.divide_(this, y, options);
  }
  /** See {@linkcode arithmetic.trueDivide}. */
  trueDivide(this: Tensor, y: Tensor | Scalar): Tensor {
    return arithmetic.trueDivide(this, y);
  }
  /** See {@linkcode arithmetic.trueDivide_}. */
  trueDivide_(this: Tensor, y: Tensor | Scalar): Tensor {
    return arithmetic.trueDivide_(this, y);
  }
  /** See {@linkcode arithmetic.floorDivide}. */
  floorDivide(this: Tensor, y: Tensor | Scalar): Tensor {
    return arithmetic.floorDivide(this, y);
  }
  /** See {@linkcode arithmetic.floorDivide_}. */
  floorDivide_(this: Tensor, y: Tensor | Scalar): Tensor {
    return arithmetic.floorDivide_(this, y);
  }
  /** See {@linkcode arithmetic.remainder}. */
  remainder(this: Tensor, y: Tensor | Scalar): Tensor {
    return arithmetic.remainder(this, y);
  }
  /** See {@linkcode arithmetic.remainder_}. */
  remainder_(this: Tensor, y: Tensor | Scalar): Tensor {
    return arithmetic.remainder_(this, y);
  }
  /** See {@linkcode arithmetic.fmod}. */
  fmod(this: Tensor, y: Tensor | Scalar): Tensor {
    return arithmetic.fmod(this, y);
  }
  /** See {@linkcode arithmetic.fmod_}. */
  fmod_(this: Tensor, y: Tensor | Scalar): Tensor {
    return arithmetic.fmod_(this, y);
  }
  /** See {@linkcode arithmetic.pow}. */
  pow(this: Tensor, y: Tensor | Scalar): Tensor {
    return arithmetic.pow(this, y);
  }
  /** See {@linkcode arithmetic.pow_}. */
  pow_(this: Tensor, y: Tensor | Scalar): Tensor {
    return arithmetic.pow_(this, y);
  }
  /** See {@linkcode arithmetic.floatPower}. */
  floatPower(this: Tensor, y: Tensor | Scalar): Tensor {
    return arithmetic.floatPower(this, y);
  }
  /** See {@linkcode arithmetic.floatPower_}. */
  floatPower_(this: Tensor, y: Tensor | Scalar): Tensor {
    return arithmetic.floatPower_(this, y);
  }
  /** See {@linkcode arithmetic.addcmul}. */
  addcmul(this: Tensor, tensor1: Tensor, tensor2: Tensor, options?: arithmetic.ValueOptions): Tensor {
    return arithmetic.addcmul(this, tensor1, tensor2, options);
  }
  /** See {@linkcode arithmetic.addcmul_}. */
  addcmul_(this: Tensor, tensor1: Tensor, tensor2: Tensor, options?: arithmetic.ValueOptions): Tensor {
    return arithmetic.addcmul_(this, tensor1, tensor2, options);
  }
  /** See {@linkcode arithmetic.addcdiv}. */
  addcdiv(this: Tensor, tensor1: Tensor, tensor2: Tensor, options?: arithmetic.ValueOptions): Tensor {
    return arithmetic.addcdiv(this, tensor1, tensor2, options);
  }
  /** See {@linkcode arithmetic.addcdiv_}. */
  addcdiv_(this: Tensor, tensor1: Tensor, tensor2: Tensor, options?: arithmetic.ValueOptions): Tensor {
    return arithmetic.addcdiv_(this, tensor1, tensor2, options);
  }
  /** See {@linkcode arithmetic.lerp}. */
  lerp(this: Tensor, end: Tensor, weight: Tensor | number): Tensor {
    return arithmetic.lerp(this, end, weight);
  }
  /** See {@linkcode arithmetic.lerp_}. */
  lerp_(this: Tensor, end: Tensor, weight: Tensor | number): Tensor {
    return arithmetic.lerp_(this, end, weight);
  }
  /** See {@linkcode extremes.maximum}. */
  maximum(this: Tensor, y: Tensor): Tensor {
    return extremes.maximum(this, y);
  }
  /** See {@linkcode extremes.minimum}. */
  minimum(this: Tensor, y: Tensor): Tensor {
    return extremes.minimum(this, y);
  }
  /** See {@linkcode extremes.fmax}. */
  fmax(this: Tensor, y: Tensor): Tensor {
    return extremes.fmax(this, y);
  }
  /** See {@linkcode extremes.fmin}. */
  fmin(this: Tensor, y: Tensor): Tensor {
    return extremes.fmin(this, y);
  }
  /** See {@linkcode extremes.clamp}. */
  clamp(this: Tensor, ...args: Args<extremes.ClampOptions, ["min", "max"]>): Tensor {
    return extremes.clamp(this, ...args);
  }
  /** See {@linkcode extremes.clip}. */
  clip(this: Tensor, ...args: Args<extremes.ClampOptions, ["min", "max"]>): Tensor {
    return extremes.clip(this, ...args);
  }
  /** See {@linkcode extremes.clamp_}. */
  clamp_(this: Tensor, ...args: Args<extremes.ClampOptions, ["min", "max"]>): Tensor {
    return extremes.clamp_(this, ...args);
  }
  /** See {@linkcode extremes.clip_}. */
  clip_(this: Tensor, ...args: Args<extremes.ClampOptions, ["min", "max"]>): Tensor {
    return extremes.clip_(this, ...args);
  }
  /** See {@linkcode extremes.clampMin}. */
  clampMin(this: Tensor, min: Tensor | Scalar): Tensor {
    return extremes.clampMin(this, min);
  }
  /** See {@linkcode extremes.clampMin_}. */
  clampMin_(this: Tensor, min: Tensor | Scalar): Tensor {
    return extremes.clampMin_(this, min);
  }
  /** See {@linkcode extremes.clampMax}. */
  clampMax(this: Tensor, max: Tensor | Scalar): Tensor {
    return extremes.clampMax(this, max);
  }
  /** See {@linkcode extremes.clampMax_}. */
  clampMax_(this: Tensor, max: Tensor | Scalar): Tensor {
    return extremes.clampMax_(this, max);
  }
  /** See {@linkcode binary.atan2}. */
  atan2(this: Tensor, y: Tensor): Tensor {
    return binary.atan2(this, y);
  }
  /** See {@linkcode binary.arctan2}. */
  arctan2(this: Tensor, y: Tensor): Tensor {
    return binary.arctan2(this, y);
  }
  /** See {@linkcode binary.atan2_}. */
  atan2_(this: Tensor, y: Tensor): Tensor {
    return binary.atan2_(this, y);
  }
  /** See {@linkcode binary.arctan2_}. */
  arctan2_(this: Tensor, y: Tensor): Tensor {
    return binary.arctan2_(this, y);
  }
  /** See {@linkcode binary.hypot}. */
  hypot(this: Tensor, y: Tensor): Tensor {
    return binary.hypot(this, y);
  }
  /** See {@linkcode binary.hypot_}. */
  hypot_(this: Tensor, y: Tensor): Tensor {
    return binary.hypot_(this, y);
  }
  /** See {@linkcode binary.copysign}. */
  copysign(this: Tensor, y: Tensor | Scalar): Tensor {
    return binary.copysign(this, y);
  }
  /** See {@linkcode binary.copysign_}. */
  copysign_(this: Tensor, y: Tensor | Scalar): Tensor {
    return binary.copysign_(this, y);
  }
  /** See {@linkcode binary.nextafter}. */
  nextafter(this: Tensor, y: Tensor): Tensor {
    return binary.nextafter(this, y);
  }
  /** See {@linkcode binary.nextafter_}. */
  nextafter_(this: Tensor, y: Tensor): Tensor {
    return binary.nextafter_(this, y);
  }
  /** See {@linkcode binary.ldexp}. */
  ldexp(this: Tensor, y: Tensor): Tensor {
    return binary.ldexp(this, y);
  }
  /** See {@linkcode binary.ldexp_}. */
  ldexp_(this: Tensor, y: Tensor): Tensor {
    return binary.ldexp_(this, y);
  }
  /** See {@linkcode binary.frexp}. */
  frexp(this: Tensor): binary.MantissaExponent {
    return binary.frexp(this);
  }
  /** See {@linkcode binary.logaddexp}. */
  logaddexp(this: Tensor, y: Tensor): Tensor {
    return binary.logaddexp(this, y);
  }
  /** See {@linkcode binary.logaddexp2}. */
  logaddexp2(this: Tensor, y: Tensor): Tensor {
    return binary.logaddexp2(this, y);
  }
  /** See {@linkcode binary.heaviside}. */
  heaviside(this: Tensor, values: Tensor): Tensor {
    return binary.heaviside(this, values);
  }
  /** See {@linkcode binary.heaviside_}. */
  heaviside_(this: Tensor, values: Tensor): Tensor {
    return binary.heaviside_(this, values);
  }
  /** See {@linkcode binary.gcd}. */
  gcd(this: Tensor, y: Tensor): Tensor {
    return binary.gcd(this, y);
  }
  /** See {@linkcode binary.gcd_}. */
  gcd_(this: Tensor, y: Tensor): Tensor {
    return binary.gcd_(this, y);
  }
  /** See {@linkcode binary.lcm}. */
  lcm(this: Tensor, y: Tensor): Tensor {
    return binary.lcm(this, y);
  }
  /** See {@linkcode binary.lcm_}. */
  lcm_(this: Tensor, y: Tensor): Tensor {
    return binary.lcm_(this, y);
  }
  /** See {@linkcode bitwise.bitwiseNot}. */
  bitwiseNot(this: Tensor): Tensor {
    return bitwise.bitwiseNot(this);
  }
  /** See {@linkcode bitwise.bitwiseNot_}. */
  bitwiseNot_(this: Tensor): Tensor {
    return bitwise.bitwiseNot_(this);
  }
  /** See {@linkcode bitwise.bitwiseAnd}. */
  bitwiseAnd(this: Tensor, y: Tensor | Scalar): Tensor {
    return bitwise.bitwiseAnd(this, y);
  }
  /** See {@linkcode bitwise.bitwiseAnd_}. */
  bitwiseAnd_(this: Tensor, y: Tensor | Scalar): Tensor {
    return bitwise.bitwiseAnd_(this, y);
  }
  /** See {@linkcode bitwise.bitwiseOr}. */
  bitwiseOr(this: Tensor, y: Tensor | Scalar): Tensor {
    return bitwise.bitwiseOr(this, y);
  }
  /** See {@linkcode bitwise.bitwiseOr_}. */
  bitwiseOr_(this: Tensor, y: Tensor | Scalar): Tensor {
    return bitwise.bitwiseOr_(this, y);
  }
  /** See {@linkcode bitwise.bitwiseXor}. */
  bitwiseXor(this: Tensor, y: Tensor | Scalar): Tensor {
    return bitwise.bitwiseXor(this, y);
  }
  /** See {@linkcode bitwise.bitwiseXor_}. */
  bitwiseXor_(this: Tensor, y: Tensor | Scalar): Tensor {
    return bitwise.bitwiseXor_(this, y);
  }
  /** See {@linkcode bitwise.bitwiseLeftShift}. */
  bitwiseLeftShift(this: Tensor, y: Tensor | Scalar): Tensor {
    return bitwise.bitwiseLeftShift(this, y);
  }
  /** See {@linkcode bitwise.bitwiseLeftShift_}. */
  bitwiseLeftShift_(this: Tensor, y: Tensor | Scalar): Tensor {
    return bitwise.bitwiseLeftShift_(this, y);
  }
  /** See {@linkcode bitwise.bitwiseRightShift}. */
  bitwiseRightShift(this: Tensor, y: Tensor | Scalar): Tensor {
    return bitwise.bitwiseRightShift(this, y);
  }
  /** See {@linkcode bitwise.bitwiseRightShift_}. */
  bitwiseRightShift_(this: Tensor, y: Tensor | Scalar): Tensor {
    return bitwise.bitwiseRightShift_(this, y);
  }
}
