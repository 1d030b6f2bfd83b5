/**
 * Linear algebra methods.
 *
 * @module
 */

import type { Args } from "../args.ts";
import * as factors from "../ops/linalg/factor.ts";
import * as powers from "../ops/linalg/powers.ts";
import * as solving from "../ops/linalg/solve.ts";
import * as windows from "../ops/stft.ts";
import type { Tensor } from "../tensor.ts";
import { MatmulMethods } from "./matmul.ts";

/** `inverse`, `det`, `matrixPower`, `choleskySolve`, `stft` … */
export class LinalgMethods extends MatmulMethods {
  /** See {@linkcode factors.choleskySolve}. */
  choleskySolve(this: Tensor, factor: Tensor, upper?: boolean | factors.CholeskyOptions): Tensor {
    return factors.choleskySolve(this, factor, upper);
  }
  /** See {@linkcode factors.choleskyInverse}. */
  choleskyInverse(this: Tensor, upper?: boolean | factors.CholeskyOptions): Tensor {
    return factors.choleskyInverse(this, upper);
  }
  /** See {@linkcode solving.det}. */
  det(this: Tensor): Tensor {
    return solving.det(this);
  }
  /** See {@linkcode solving.slogdet}. */
  slogdet(this: Tensor): solving.Slogdet {
    return solving.slogdet(this);
  }
  /** See {@linkcode solving.logdet}. */
  logdet(this: Tensor): Tensor {
    return solving.logdet(this);
  }
  /** See {@linkcode solving.inv}. */
  inverse(this: Tensor): Tensor {
    return solving.inv(this);
  }
  /** See {@linkcode solving.pinv}. */
  pinverse(this: Tensor, rcond: number = 1e-15): Tensor {
    return solving.pinv(this, { rtol: rcond });
  }
  /** See {@linkcode powers.matrixPower}. */
  matrixPower(this: Tensor, n: number | { readonly n: number }): Tensor {
    return powers.matrixPower(this, n);
  }
  /** See {@linkcode powers.matrixExp}. */
  matrixExp(this: Tensor): Tensor {
    return powers.matrixExp(this);
  }
  /** See {@linkcode windows.stft}. */
  stft(
    this: Tensor,
    ...args: Args<
      windows.StftOptions,
      [
        "nFft",
        "hopLength",
        "winLength",
        "window",
        "center",
        "padMode",
        "normalized",
        "onesided",
        "returnComplex",
      ]
    >
  ): Tensor {
    return windows.stft(this, ...args);
  }
  /** See {@linkcode windows.istft}. */
  istft(
    this: Tensor,
    ...args: Args<
      windows.IstftOptions,
      [
        "nFft",
        "hopLength",
        "winLength",
        "window",
        "center",
        "normalized",
        "onesided",
        "length",
        "returnComplex",
      ]
    >
  ): Tensor {
    return windows.istft(this, ...args);
  }
}
