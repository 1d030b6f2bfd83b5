/**
 * Several distributions as one over all of them.
 *
 * @module
 */

import { type Shape, ValueError } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { temporaries } from "@flambeau/tensor/internal";
import { Distribution, type DistributionOptions } from "./distribution.ts";

/**
 * Makes the last dimensions of a batch part of the outcome: their log-probabilities are summed.
 *
 * @see https://pytorch.org/docs/stable/distributions.html#independent
 *
 * @example
 * ```ts
 * const normal = new Normal(torch.zeros([2, 3]), torch.ones([2, 3])); // batch [2, 3]
 * const vectors = new Independent(normal, 1); // batch [2], outcomes [3]
 * ```
 */
export class Independent extends Distribution {
  /** The distributions. */
  readonly baseDist: Distribution;
  /** How many dimensions of their batch are part of the outcome. */
  readonly reinterpretedBatchNdims: number;

  /**
   * Takes the last `reinterpretedBatchNdims` dimensions of the batch into the outcome.
   *
   * @throws {ValueError} If the batch has fewer dimensions.
   */
  constructor(base: Distribution, reinterpretedBatchNdims: number, options: DistributionOptions = {}) {
    const rest = base.batchShape.length - reinterpretedBatchNdims;
    if (!Number.isInteger(reinterpretedBatchNdims) || reinterpretedBatchNdims < 0 || rest < 0) {
      throw new ValueError(
        `Cannot make Independent: reinterpretedBatchNdims must be an integer from 0 to ${base.batchShape.length}, got ${reinterpretedBatchNdims}`,
      );
    }
    super(base.batchShape.slice(0, rest), [...base.batchShape.slice(rest), ...base.eventShape], options);
    this.baseDist = base;
    this.reinterpretedBatchNdims = reinterpretedBatchNdims;
  }

  /** As of the distributions. */
  override get mean(): Tensor {
    return this.baseDist.mean;
  }

  /** As of the distributions. */
  override get variance(): Tensor {
    return this.baseDist.variance;
  }

  /** As of the distributions. */
  override get mode(): Tensor {
    return this.baseDist.mode;
  }

  /** As of the distributions. */
  override sample(sampleShape: Shape = []): Tensor {
    return this.baseDist.sample(sampleShape);
  }

  /** As of the distributions. */
  override rsample(sampleShape: Shape = []): Tensor {
    return this.baseDist.rsample(sampleShape);
  }

  /** The sum of those of the distributions. */
  override logProb(value: Tensor): Tensor {
    return temporaries(() => sumRightmost(this.baseDist.logProb(value), this.reinterpretedBatchNdims));
  }

  /** The sum of those of the distributions. */
  override entropy(): Tensor {
    return temporaries(() => sumRightmost(this.baseDist.entropy(), this.reinterpretedBatchNdims));
  }

  /** The distributions and the number of dimensions, as PyTorch prints them. */
  override toString(): string {
    return `Independent(${this.baseDist}, ${this.reinterpretedBatchNdims})`;
  }

  protected override parameters(): Record<string, never> {
    return {};
  }
}

/** The sum over the last `count` dimensions. */
export function sumRightmost(x: Tensor, count: number): Tensor {
  return count === 0 ? x : x.sum(Array.from({ length: count }, (_, i) => -1 - i));
}
