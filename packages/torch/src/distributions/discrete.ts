/**
 * Distributions over choices: Bernoulli, Categorical.
 *
 * @module
 */

import { type Shape, ValueError } from "@flambeau/core";
import { arange, bernoulli, finfo, fullLike, multinomial, Tensor } from "@flambeau/tensor";
import { isOptions, temporaries } from "@flambeau/tensor/internal";
import { functional } from "@flambeau/nn";
import {
  broadcastParameters,
  Distribution,
  type DistributionOptions,
  type Parameter,
} from "./distribution.ts";

/** Options of distributions over choices. One of `probs` and `logits` must be given. */
export interface ChoiceOptions<P = Parameter> extends DistributionOptions {
  /** Probabilities. */
  readonly probs?: P | null;
  /** Their logarithms, up to what normalizing them takes away. */
  readonly logits?: P | null;
}

/** The arguments of both constructors in one form. */
function choice<P>(
  name: string,
  first: P | ChoiceOptions<P> | null | undefined,
  options: ChoiceOptions<P>,
): ChoiceOptions<P> {
  const all = isOptions(first)
    ? first as ChoiceOptions<P>
    : { ...options, probs: (first ?? null) as P | null };
  if (((all.probs ?? null) === null) === ((all.logits ?? null) === null)) {
    throw new ValueError(`Cannot make ${name}: one of probs and logits must be given, got neither or both`);
  }
  return all;
}

/** Probabilities away from 0 and 1, such that their logarithms are finite. */
function clamped(probs: Tensor): Tensor {
  const { eps } = finfo(probs.dtype);
  return probs.clamp(eps, 1 - eps);
}

/**
 * 1 with probability `probs`, else 0.
 *
 * @see https://pytorch.org/docs/stable/distributions.html#bernoulli
 *
 * @example
 * ```ts
 * const coin = new torch.distributions.Bernoulli(0.3);
 * const same = new torch.distributions.Bernoulli({ logits: Math.log(0.3 / 0.7) });
 * ```
 */
export class Bernoulli extends Distribution {
  /** The probability of 1. */
  readonly probs: Tensor;
  /** Its log-odds, `ln(p / (1 − p))`. */
  readonly logits: Tensor;
  readonly #given: "probs" | "logits";

  /**
   * Makes a batch of distributions.
   *
   * @throws {ValueError} If not one of `probs` and `logits` is given, or a probability is outside of [0, 1].
   */
  constructor(probs: Parameter | ChoiceOptions, options: ChoiceOptions = {}) {
    const all = choice("Bernoulli", probs, options);
    const given = broadcastParameters((all.probs ?? all.logits)!)[0]!;
    super(given.shape, [], all);
    if ((all.probs ?? null) !== null) {
      this.#given = "probs";
      this.probs = given;
      this.check("probs", given, "in [0, 1]", () => given.ge(0).logicalAnd(given.le(1)));
      this.logits = temporaries(() => {
        const p = clamped(given);
        return p.log().sub(p.neg().log1p());
      });
    } else {
      this.#given = "logits";
      this.logits = given;
      this.check("logits", given, "numbers", () => given.isnan().logicalNot());
      this.probs = given.sigmoid();
    }
  }

  /** `probs`. */
  override get mean(): Tensor {
    return this.probs;
  }

  /** `probs · (1 − probs)`. */
  override get variance(): Tensor {
    return temporaries(() => this.probs.neg().add(1).mul(this.probs));
  }

  /** 1 where it is more likely than 0; NaN where both are as likely. */
  override get mode(): Tensor {
    return temporaries(() => this.probs.ge(0.5).to(this.probs.dtype).maskedFill(this.probs.eq(0.5), NaN));
  }

  /** Zeros and ones. */
  override sample(sampleShape: Shape = []): Tensor {
    return temporaries(() => bernoulli(this.probs.detach().expand(this.extendedShape(sampleShape))));
  }

  /** `ln p` at 1, `ln(1 − p)` at 0. */
  override logProb(value: Tensor): Tensor {
    this.checkValue(value, "0 or 1", () => value.eq(0).logicalOr(value.eq(1)));
    return temporaries(() => crossEntropy(this.logits, value.to(this.logits.dtype)).neg());
  }

  /** `−p ln p − (1 − p) ln(1 − p)`. */
  override entropy(): Tensor {
    return temporaries(() => crossEntropy(this.logits, this.probs));
  }

  protected override parameters(): Record<string, Tensor> {
    return { [this.#given]: this[this.#given] };
  }
}

/** Binary cross entropy of two tensors that broadcast. */
function crossEntropy(logits: Tensor, target: Tensor): Tensor {
  const [x, y] = broadcastParameters(logits, target) as [Tensor, Tensor];
  return functional.binaryCrossEntropyWithLogits(x, y, { reduction: "none" });
}

/**
 * One of the numbers 0, 1, … as often as the last dimension of `probs` says.
 *
 * Shapes: probs or logits `[…, K]` → batch `[…]`. Samples are int32.
 *
 * @see https://pytorch.org/docs/stable/distributions.html#categorical
 *
 * @example
 * ```ts
 * const policy = new torch.distributions.Categorical({ logits: net(state) });
 * const action = policy.sample();
 * const loss = policy.logProb(action).mul(reward).neg();
 * ```
 */
export class Categorical extends Distribution {
  /** Probabilities that sum to 1 along the last dimension. */
  readonly probs: Tensor;
  /** Their logarithms. */
  readonly logits: Tensor;
  readonly #given: "probs" | "logits";

  /**
   * Makes a batch of distributions.
   *
   * @param probs Weights of at least 0, which are normalized; or options.
   * @throws {ValueError} If not one of `probs` and `logits` is given, it has no dimension, or a weight is negative.
   */
  constructor(probs: Tensor | ChoiceOptions<Tensor>, options: ChoiceOptions<Tensor> = {}) {
    const all = choice("Categorical", probs, options);
    const given = (all.probs ?? all.logits)!;
    if (!(given instanceof Tensor) || given.ndim === 0) {
      throw new ValueError(
        "Cannot make Categorical: its parameter must be a tensor with at least one dimension",
      );
    }
    super(given.shape.slice(0, -1), [], all);
    if ((all.probs ?? null) !== null) {
      this.#given = "probs";
      this.check("probs", given, "at least 0 with a sum above 0", () => {
        return given.ge(0).all(-1).logicalAnd(given.sum(-1).gt(0));
      });
      this.probs = temporaries(() => given.div(given.sum(-1, true)));
      this.logits = temporaries(() => clamped(this.probs).log());
    } else {
      this.#given = "logits";
      this.check("logits", given, "numbers", () => given.isnan().logicalNot());
      this.logits = temporaries(() => given.sub(given.logsumexp(-1, true)));
      this.probs = this.logits.softmax(-1);
    }
  }

  /** How many outcomes there are. */
  get numEvents(): number {
    return this.probs.shape.at(-1)!;
  }

  /** NaN: outcomes are names, not amounts. */
  override get mean(): Tensor {
    return temporaries(() => fullLike(this.probs.select(-1, 0), NaN));
  }

  /** NaN, as the mean. */
  override get variance(): Tensor {
    return this.mean;
  }

  /** The likeliest outcome. */
  override get mode(): Tensor {
    return this.probs.argmax(-1);
  }

  /** Numbers of outcomes. */
  override sample(sampleShape: Shape = []): Tensor {
    const shape = this.extendedShape(sampleShape);
    const count = sampleShape.reduce((product, size) => product * size, 1);
    return temporaries(() => {
      const rows = this.probs.detach().reshape([-1, this.numEvents]);
      return multinomial(rows, count, true).t().reshape(shape);
    });
  }

  /** The logarithm of the probability of the outcomes. */
  override logProb(value: Tensor): Tensor {
    this.checkValue(
      value,
      `a whole number in [0, ${this.numEvents})`,
      () => value.ge(0).logicalAnd(value.lt(this.numEvents)).logicalAnd(value.eq(value.floor())),
    );
    return temporaries(() => {
      const [index, reference] = [value.int().unsqueeze(-1), this.logits];
      const shape = broadcastParameters(index, reference)[1]!.shape;
      return reference.expand(shape).gather(-1, index.expand([...shape.slice(0, -1), 1])).squeeze(-1);
    });
  }

  /** `−Σ p ln p`. */
  override entropy(): Tensor {
    return temporaries(() => {
      const { min } = finfo(this.logits.dtype);
      return this.logits.clamp({ min }).mul(this.probs).sum(-1).neg();
    });
  }

  /** All outcomes, along a new first dimension. */
  enumerateSupport(): Tensor {
    const { length } = this.batchShape;
    return temporaries(() =>
      arange(this.numEvents, { device: this.probs.device }).reshape([
        -1,
        ...new Array<number>(length).fill(1),
      ])
        .expand([-1, ...this.batchShape]).clone()
    );
  }

  protected override parameters(): Record<string, Tensor> {
    return { [this.#given]: this[this.#given] };
  }
}
