/**
 * Methods that draw random numbers.
 *
 * @module
 */

import type { Args } from "../args.ts";
import type { GeneratorOption } from "../random.ts";
import * as ops from "../ops/random.ts";
import type { Tensor } from "../tensor.ts";
import { ActivationMethods } from "./activation.ts";

/** `normal_`, `uniform_`, `bernoulli`, `multinomial` … */
export class RandomMethods extends ActivationMethods {
  /** See {@linkcode ops.bernoulli}. */
  bernoulli(this: Tensor, ...args: Args<GeneratorOption & { p?: number | null }, ["p"]>): Tensor {
    return ops.bernoulli(this, ...args);
  }
  /** See {@linkcode ops.multinomial}. */
  multinomial(
    this: Tensor,
    numSamples: number,
    ...args: Args<ops.MultinomialOptions, ["replacement"]>
  ): Tensor {
    return ops.multinomial(this, numSamples, ...args);
  }
  /** See {@linkcode ops.uniform_}. */
  uniform_(this: Tensor, ...args: Args<ops.UniformOptions, ["from", "to"]>): Tensor {
    return ops.uniform_(this, ...args);
  }
  /** See {@linkcode ops.normal_}. */
  normal_(this: Tensor, ...args: Args<ops.NormalOptions, ["mean", "std"]>): Tensor {
    return ops.normal_(this, ...args);
  }
  /** See {@linkcode ops.logNormal_}. */
  logNormal_(this: Tensor, ...args: Args<ops.NormalOptions, ["mean", "std"]>): Tensor {
    return ops.logNormal_(this, ...args);
  }
  /** See {@linkcode ops.exponential_}. */
  exponential_(this: Tensor, ...args: Args<GeneratorOption & { lambd?: number }, ["lambd"]>): Tensor {
    return ops.exponential_(this, ...args);
  }
  /** See {@linkcode ops.geometric_}. */
  geometric_(this: Tensor, p: number, options?: GeneratorOption): Tensor {
    return ops.geometric_(this, p, options);
  }
  /** See {@linkcode ops.cauchy_}. */
  cauchy_(this: Tensor, ...args: Args<ops.CauchyOptions, ["median", "sigma"]>): Tensor {
    return ops.cauchy_(this, ...args);
  }
  /** See {@linkcode ops.bernoulli_}. */
  bernoulli_(this: Tensor, ...args: Args<GeneratorOption & { p?: number | Tensor }, ["p"]>): Tensor {
    return ops.bernoulli_(this, ...args);
  }
  /** See {@linkcode ops.random_}. */
  random_(this: Tensor, ...args: Args<ops.RandomBounds, ["from", "to"]>): Tensor {
    return ops.random_(this, ...args);
  }
}
