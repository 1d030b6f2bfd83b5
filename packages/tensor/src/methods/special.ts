/**
 * Methods of special functions and formulas.
 *
 * @module
 */

import type { Args } from "../args.ts";
import type { Scalar } from "../coerce.ts";
import * as formulas from "../ops/formulas.ts";
import * as specialFunctions from "../ops/special_functions.ts";
import type { Tensor } from "../tensor.ts";
import { SortMethods } from "./sort.ts";

/** `lgamma`, `logit`, `nanToNum`, `xlogy` … */
export class SpecialMethods extends SortMethods {
  /** See {@linkcode specialFunctions.polygamma}. */
  polygamma(this: Tensor, n: number): Tensor {
    return specialFunctions.polygamma(n, this);
  }
  /** See {@linkcode formulas.deg2rad}. */
  deg2rad(this: Tensor): Tensor {
    return formulas.deg2rad(this);
  }
  /** See {@linkcode formulas.deg2rad_}. */
  deg2rad_(this: Tensor): Tensor {
    return formulas.deg2rad_(this);
  }
  /** See {@linkcode formulas.rad2deg}. */
  rad2deg(this: Tensor): Tensor {
    return formulas.rad2deg(this);
  }
  /** See {@linkcode formulas.rad2deg_}. */
  rad2deg_(this: Tensor): Tensor {
    return formulas.rad2deg_(this);
  }
  /** See {@linkcode formulas.sgn}. */
  sgn(this: Tensor): Tensor {
    return formulas.sgn(this);
  }
  /** See {@linkcode formulas.sgn_}. */
  sgn_(this: Tensor): Tensor {
    return formulas.sgn_(this);
  }
  /** See {@linkcode formulas.nanToNum}. */
  nanToNum(this: Tensor, ...args: Args<formulas.NanToNumOptions, ["nan", "posinf", "neginf"]>): Tensor {
    return formulas.nanToNum(this, ...args);
  }
  /** See {@linkcode formulas.nanToNum_}. */
  nanToNum_(this: Tensor, ...args: Args<formulas.NanToNumOptions, ["nan", "posinf", "neginf"]>): Tensor {
    return formulas.nanToNum_(this, ...args);
  }
  /** See {@linkcode formulas.logit}. */
  logit(this: Tensor, ...args: Args<{ eps: number | null }, ["eps"]>): Tensor {
    return formulas.logit(this, ...args);
  }
  /** See {@linkcode formulas.logit_}. */
  logit_(this: Tensor, ...args: Args<{ eps: number | null }, ["eps"]>): Tensor {
    return formulas.logit_(this, ...args);
  }
  /** See {@linkcode formulas.sinc}. */
  sinc(this: Tensor): Tensor {
    return formulas.sinc(this);
  }
  /** See {@linkcode formulas.sinc_}. */
  sinc_(this: Tensor): Tensor {
    return formulas.sinc_(this);
  }
  /** See {@linkcode formulas.mvlgamma}. */
  mvlgamma(this: Tensor, p: number | { readonly p: number }): Tensor {
    return formulas.mvlgamma(this, p);
  }
  /** See {@linkcode formulas.mvlgamma_}. */
  mvlgamma_(this: Tensor, p: number | { readonly p: number }): Tensor {
    return formulas.mvlgamma_(this, p);
  }
  /** See {@linkcode specialFunctions.lgamma}. */
  lgamma(this: Tensor): Tensor {
    return specialFunctions.lgamma(this);
  }
  /** See {@linkcode specialFunctions.lgamma_}. */
  lgamma_(this: Tensor): Tensor {
    return specialFunctions.lgamma_(this);
  }
  /** See {@linkcode specialFunctions.digamma}. */
  digamma(this: Tensor): Tensor {
    return specialFunctions.digamma(this);
  }
  /** See {@linkcode specialFunctions.digamma_}. */
  digamma_(this: Tensor): Tensor {
    return specialFunctions.digamma_(this);
  }
  /** See {@linkcode specialFunctions.i0}. */
  i0(this: Tensor): Tensor {
    return specialFunctions.i0(this);
  }
  /** See {@linkcode specialFunctions.i0_}. */
  i0_(this: Tensor): Tensor {
    return specialFunctions.i0_(this);
  }
  /** See {@linkcode specialFunctions.igamma}. */
  igamma(this: Tensor, y: Tensor): Tensor {
    return specialFunctions.igamma(this, y);
  }
  /** See {@linkcode specialFunctions.igamma_}. */
  igamma_(this: Tensor, y: Tensor): Tensor {
    return specialFunctions.igamma_(this, y);
  }
  /** See {@linkcode specialFunctions.igammac}. */
  igammac(this: Tensor, y: Tensor): Tensor {
    return specialFunctions.igammac(this, y);
  }
  /** See {@linkcode specialFunctions.igammac_}. */
  igammac_(this: Tensor, y: Tensor): Tensor {
    return specialFunctions.igammac_(this, y);
  }
  /** See {@linkcode specialFunctions.polygamma_}. */
  polygamma_(this: Tensor, n: number): Tensor {
    return specialFunctions.polygamma_(this, n);
  }
  /** See {@linkcode specialFunctions.xlogy}. */
  xlogy(this: Tensor, y: Tensor | Scalar): Tensor {
    return specialFunctions.xlogy(this, y);
  }
  /** See {@linkcode specialFunctions.xlogy_}. */
  xlogy_(this: Tensor, y: Tensor | Scalar): Tensor {
    return specialFunctions.xlogy_(this, y);
  }
}
