/**
 * Methods of one tensor, element by element.
 *
 * @module
 */

import * as unary from "../ops/unary.ts";
import * as rounding from "../ops/rounding.ts";
import * as classify from "../ops/classify.ts";
import type { Tensor } from "../tensor.ts";
import { CreationMethods } from "./creation.ts";

/** Elementary functions, rounding, tests: `exp`, `abs`, `floor`, `isnan` … and their in-place forms. */
export class UnaryMethods extends CreationMethods {
  /** See {@linkcode unary.neg}. */
  neg(this: Tensor): Tensor {
    return unary.neg(this);
  }
  /** See {@linkcode unary.negative}. */
  negative(this: Tensor): Tensor {
    return unary.negative(this);
  }
  /** See {@linkcode unary.neg_}. */
  neg_(this: Tensor): Tensor {
    return unary.neg_(this);
  }
  /** See {@linkcode unary.negative_}. */
  negative_(this: Tensor): Tensor {
    return unary.negative_(this);
  }
  /** See {@linkcode unary.abs}. */
  abs(this: Tensor): Tensor {
    return unary.abs(this);
  }
  /** See {@linkcode unary.absolute}. */
  absolute(this: Tensor): Tensor {
    return unary.absolute(this);
  }
  /** See {@linkcode unary.abs_}. */
  abs_(this: Tensor): Tensor {
    return unary.abs_(this);
  }
  /** See {@linkcode unary.absolute_}. */
  absolute_(this: Tensor): Tensor {
    return unary.absolute_(this);
  }
  /** See {@linkcode unary.sign}. */
  sign(this: Tensor): Tensor {
    return unary.sign(this);
  }
  /** See {@linkcode unary.sign_}. */
  sign_(this: Tensor): Tensor {
    return unary.sign_(this);
  }
  /** See {@linkcode unary.exp}. */
  exp(this: Tensor): Tensor {
    return unary.exp(this);
  }
  /** See {@linkcode unary.exp_}. */
  exp_(this: Tensor): Tensor {
    return unary.exp_(this);
  }
  /** See {@linkcode unary.exp2}. */
  exp2(this: Tensor): Tensor {
    return unary.exp2(this);
  }
  /** See {@linkcode unary.exp2_}. */
  exp2_(this: Tensor): Tensor {
    return unary.exp2_(this);
  }
  /** See {@linkcode unary.expm1}. */
  expm1(this: Tensor): Tensor {
    return unary.expm1(this);
  }
  /** See {@linkcode unary.expm1_}. */
  expm1_(this: Tensor): Tensor {
    return unary.expm1_(this);
  }
  /** See {@linkcode unary.log}. */
  log(this: Tensor): Tensor {
    return unary.log(this);
  }
  /** See {@linkcode unary.log_}. */
  log_(this: Tensor): Tensor {
    return unary.log_(this);
  }
  /** See {@linkcode unary.log2}. */
  log2(this: Tensor): Tensor {
    return unary.log2(this);
  }
  /** See {@linkcode unary.log2_}. */
  log2_(this: Tensor): Tensor {
    return unary.log2_(this);
  }
  /** See {@linkcode unary.log10}. */
  log10(this: Tensor): Tensor {
    return unary.log10(this);
  }
  /** See {@linkcode unary.log10_}. */
  log10_(this: Tensor): Tensor {
    return unary.log10_(this);
  }
  /** See {@linkcode unary.log1p}. */
  log1p(this: Tensor): Tensor {
    return unary.log1p(this);
  }
  /** See {@linkcode unary.log1p_}. */
  log1p_(this: Tensor): Tensor {
    return unary.log1p_(this);
  }
  /** See {@linkcode unary.sqrt}. */
  sqrt(this: Tensor): Tensor {
    return unary.sqrt(this);
  }
  /** See {@linkcode unary.sqrt_}. */
  sqrt_(this: Tensor): Tensor {
    return unary.sqrt_(this);
  }
  /** See {@linkcode unary.rsqrt}. */
  rsqrt(this: Tensor): Tensor {
    return unary.rsqrt(this);
  }
  /** See {@linkcode unary.rsqrt_}. */
  rsqrt_(this: Tensor): Tensor {
    return unary.rsqrt_(this);
  }
  /** See {@linkcode unary.reciprocal}. */
  reciprocal(this: Tensor): Tensor {
    return unary.reciprocal(this);
  }
  /** See {@linkcode unary.reciprocal_}. */
  reciprocal_(this: Tensor): Tensor {
    return unary.reciprocal_(this);
  }
  /** See {@linkcode unary.sin}. */
  sin(this: Tensor): Tensor {
    return unary.sin(this);
  }
  /** See {@linkcode unary.sin_}. */
  sin_(this: Tensor): Tensor {
    return unary.sin_(this);
  }
  /** See {@linkcode unary.cos}. */
  cos(this: Tensor): Tensor {
    return unary.cos(this);
  }
  /** See {@linkcode unary.cos_}. */
  cos_(this: Tensor): Tensor {
    return unary.cos_(this);
  }
  /** See {@linkcode unary.tan}. */
  tan(this: Tensor): Tensor {
    return unary.tan(this);
  }
  /** See {@linkcode unary.tan_}. */
  tan_(this: Tensor): Tensor {
    return unary.tan_(this);
  }
  /** See {@linkcode unary.asin}. */
  asin(this: Tensor): Tensor {
    return unary.asin(this);
  }
  /** See {@linkcode unary.arcsin}. */
  arcsin(this: Tensor): Tensor {
    return unary.arcsin(this);
  }
  /** See {@linkcode unary.asin_}. */
  asin_(this: Tensor): Tensor {
    return unary.asin_(this);
  }
  /** See {@linkcode unary.arcsin_}. */
  arcsin_(this: Tensor): Tensor {
    return unary.arcsin_(this);
  }
  /** See {@linkcode unary.acos}. */
  acos(this: Tensor): Tensor {
    return unary.acos(this);
  }
  /** See {@linkcode unary.arccos}. */
  arccos(this: Tensor): Tensor {
    return unary.arccos(this);
  }
  /** See {@linkcode unary.acos_}. */
  acos_(this: Tensor): Tensor {
    return unary.acos_(this);
  }
  /** See {@linkcode unary.arccos_}. */
  arccos_(this: Tensor): Tensor {
    return unary.arccos_(this);
  }
  /** See {@linkcode unary.atan}. */
  atan(this: Tensor): Tensor {
    return unary.atan(this);
  }
  /** See {@linkcode unary.arctan}. */
  arctan(this: Tensor): Tensor {
    return unary.arctan(this);
  }
  /** See {@linkcode unary.atan_}. */
  atan_(this: Tensor): Tensor {
    return unary.atan_(this);
  }
  /** See {@linkcode unary.arctan_}. */
  arctan_(this: Tensor): Tensor {
    return unary.arctan_(this);
  }
  /** See {@linkcode unary.sinh}. */
  sinh(this: Tensor): Tensor {
    return unary.sinh(this);
  }
  /** See {@linkcode unary.sinh_}. */
  sinh_(this: Tensor): Tensor {
    return unary.sinh_(this);
  }
  /** See {@linkcode unary.cosh}. */
  cosh(this: Tensor): Tensor {
    return unary.cosh(this);
  }
  /** See {@linkcode unary.cosh_}. */
  cosh_(this: Tensor): Tensor {
    return unary.cosh_(this);
  }
  /** See {@linkcode unary.tanh}. */
  tanh(this: Tensor): Tensor {
    return unary.tanh(this);
  }
  /** See {@linkcode unary.tanh_}. */
  tanh_(this: Tensor): Tensor {
    return unary.tanh_(this);
  }
  /** See {@linkcode unary.asinh}. */
  asinh(this: Tensor): Tensor {
    return unary.asinh(this);
  }
  /** See {@linkcode unary.arcsinh}. */
  arcsinh(this: Tensor): Tensor {
    return unary.arcsinh(this);
  }
  /** See {@linkcode unary.asinh_}. */
  asinh_(this: Tensor): Tensor {
    return unary.asinh_(this);
  }
  /** See {@linkcode unary.arcsinh_}. */
  arcsinh_(this: Tensor): Tensor {
    return unary.arcsinh_(this);
  }
  /** See {@linkcode unary.acosh}. */
  acosh(this: Tensor): Tensor {
    return unary.acosh(this);
  }
  /** See {@linkcode unary.arccosh}. */
  arccosh(this: Tensor): Tensor {
    return unary.arccosh(this);
  }
  /** See {@linkcode unary.acosh_}. */
  acosh_(this: Tensor): Tensor {
    return unary.acosh_(this);
  }
  /** See {@linkcode unary.arccosh_}. */
  arccosh_(this: Tensor): Tensor {
    return unary.arccosh_(this);
  }
  /** See {@linkcode unary.atanh}. */
  atanh(this: Tensor): Tensor {
    return unary.atanh(this);
  }
  /** See {@linkcode unary.arctanh}. */
  arctanh(this: Tensor): Tensor {
    return unary.arctanh(this);
  }
  /** See {@linkcode unary.atanh_}. */
  atanh_(this: Tensor): Tensor {
    return unary.atanh_(this);
  }
  /** See {@linkcode unary.arctanh_}. */
  arctanh_(this: Tensor): Tensor {
    return unary.arctanh_(this);
  }
  /** See {@linkcode unary.sigmoid}. */
  sigmoid(this: Tensor): Tensor {
    return unary.sigmoid(this);
  }
  /** See {@linkcode unary.sigmoid_}. */
  sigmoid_(this: Tensor): Tensor {
    return unary.sigmoid_(this);
  }
  /** See {@linkcode unary.erf}. */
  erf(this: Tensor): Tensor {
    return unary.erf(this);
  }
  /** See {@linkcode unary.erf_}. */
  erf_(this: Tensor): Tensor {
    return unary.erf_(this);
  }
  /** See {@linkcode unary.erfc}. */
  erfc(this: Tensor): Tensor {
    return unary.erfc(this);
  }
  /** See {@linkcode unary.erfc_}. */
  erfc_(this: Tensor): Tensor {
    return unary.erfc_(this);
  }
  /** See {@linkcode unary.erfinv}. */
  erfinv(this: Tensor): Tensor {
    return unary.erfinv(this);
  }
  /** See {@linkcode unary.erfinv_}. */
  erfinv_(this: Tensor): Tensor {
    return unary.erfinv_(this);
  }
  /** See {@linkcode unary.square}. */
  square(this: Tensor): Tensor {
    return unary.square(this);
  }
  /** See {@linkcode unary.square_}. */
  square_(this: Tensor): Tensor {
    return unary.square_(this);
  }
  /** See {@linkcode unary.positive}. */
  positive(this: Tensor): Tensor {
    return unary.positive(this);
  }
  /** See {@linkcode rounding.floor}. */
  floor(this: Tensor): Tensor {
    return rounding.floor(this);
  }
  /** See {@linkcode rounding.floor_}. */
  floor_(this: Tensor): Tensor {
    return rounding.floor_(this);
  }
  /** See {@linkcode rounding.ceil}. */
  ceil(this: Tensor): Tensor {
    return rounding.ceil(this);
  }
  /** See {@linkcode rounding.ceil_}. */
  ceil_(this: Tensor): Tensor {
    return rounding.ceil_(this);
  }
  /** See {@linkcode rounding.round}. */
  round(this: Tensor, options?: rounding.RoundOptions): Tensor {
    return rounding.round(this, options);
  }
  /** See {@linkcode rounding.round_}. */
  round_(this: Tensor, options?: rounding.RoundOptions): Tensor {
    return rounding.round_(this, options);
  }
  /** See {@linkcode rounding.trunc}. */
  trunc(this: Tensor): Tensor {
    return rounding.trunc(this);
  }
  /** See {@linkcode rounding.fix}. */
  fix(this: Tensor): Tensor {
    return rounding.fix(this);
  }
  /** See {@linkcode rounding.trunc_}. */
  trunc_(this: Tensor): Tensor {
    return rounding.trunc_(this);
  }
  /** See {@linkcode rounding.fix_}. */
  fix_(this: Tensor): Tensor {
    return rounding.fix_(this);
  }
  /** See {@linkcode rounding.frac}. */
  frac(this: Tensor): Tensor {
    return rounding.frac(this);
  }
  /** See {@linkcode rounding.frac_}. */
  frac_(this: Tensor): Tensor {
    return rounding.frac_(this);
  }
  /** See {@linkcode classify.isnan}. */
  isnan(this: Tensor): Tensor {
    return classify.isnan(this);
  }
  /** See {@linkcode classify.isinf}. */
  isinf(this: Tensor): Tensor {
    return classify.isinf(this);
  }
  /** See {@linkcode classify.isfinite}. */
  isfinite(this: Tensor): Tensor {
    return classify.isfinite(this);
  }
  /** See {@linkcode classify.isposinf}. */
  isposinf(this: Tensor): Tensor {
    return classify.isposinf(this);
  }
  /** See {@linkcode classify.isneginf}. */
  isneginf(this: Tensor): Tensor {
    return classify.isneginf(this);
  }
  /** See {@linkcode classify.isreal}. */
  isreal(this: Tensor): Tensor {
    return classify.isreal(this);
  }
  /** See {@linkcode classify.signbit}. */
  signbit(this: Tensor): Tensor {
    return classify.signbit(this);
  }
  /** See {@linkcode classify.isNonzero}. */
  isNonzero(this: Tensor): boolean {
    return classify.isNonzero(this);
  }
}
