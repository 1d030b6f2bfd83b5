/**
 * Distributions over real numbers: Normal, Laplace, Uniform, Exponential.
 *
 * @module
 */

import type { Shape } from "@flambeau/core";
import { finfo, fullLike, rand, randn, type Tensor, zerosLike } from "@flambeau/tensor";
import { temporaries } from "@flambeau/tensor/internal";
import {
  broadcastParameters,
  Distribution,
  type DistributionOptions,
  type Parameter,
} from "./distribution.ts";

const LOG_SQRT_2PI = Math.log(Math.sqrt(2 * Math.PI));

/** Random numbers like those of `x`, of another shape. */
function like(x: Tensor): { readonly dtype: Tensor["dtype"]; readonly device: Tensor["device"] } {
  return { dtype: x.dtype, device: x.device };
}

/**
 * The normal distribution with mean `loc` and standard deviation `scale`.
 *
 * @see https://pytorch.org/docs/stable/distributions.html#normal
 *
 * @example
 * ```ts
 * const normal = new torch.distributions.Normal(0, 1);
 * normal.logProb(torch.tensor(0)); // -0.9189
 * ```
 */
export class Normal extends Distribution {
  /** The mean. */
  readonly loc: Tensor;
  /** The standard deviation. */
  readonly scale: Tensor;

  /**
   * Makes a batch of distributions; the parameters broadcast.
   *
   * @throws {ValueError} If a scale is not positive.
   */
  constructor(loc: Parameter, scale: Parameter, options: DistributionOptions = {}) {
    const [mean, deviation] = broadcastParameters(loc, scale) as [Tensor, Tensor];
    super(mean.shape, [], options);
    this.loc = mean;
    this.scale = deviation;
    this.check("loc", mean, "a number", () => mean.isnan().logicalNot());
    this.check("scale", deviation, "positive", () => deviation.gt(0));
  }

  /** `loc`. */
  override get mean(): Tensor {
    return this.loc;
  }

  /** `scale²`. */
  override get variance(): Tensor {
    return this.scale.square();
  }

  /** `loc`. */
  override get mode(): Tensor {
    return this.loc;
  }

  /** `loc + scale · ε` with ε from the standard normal distribution. */
  override rsample(sampleShape: Shape = []): Tensor {
    const shape = this.extendedShape(sampleShape);
    return temporaries(() => randn(shape, like(this.loc)).mul(this.scale).add(this.loc));
  }

  /** `−(x − loc)² / 2 scale² − ln scale − ln √2π`. */
  override logProb(value: Tensor): Tensor {
    this.checkValue(value, "a number", () => value.isnan().logicalNot());
    return temporaries(() =>
      value.sub(this.loc).square().neg().div(this.scale.square().mul(2)).sub(this.scale.log()).sub(
        LOG_SQRT_2PI,
      )
    );
  }

  /** `½ (1 + erf((x − loc) / scale √2))`. */
  override cdf(value: Tensor): Tensor {
    return temporaries(() => value.sub(this.loc).div(this.scale).div(Math.SQRT2).erf().add(1).mul(0.5));
  }

  /** The inverse of `cdf`. */
  override icdf(value: Tensor): Tensor {
    return temporaries(() => value.mul(2).sub(1).erfinv().mul(this.scale).mul(Math.SQRT2).add(this.loc));
  }

  /** `½ + ln √2π + ln scale`. */
  override entropy(): Tensor {
    return temporaries(() => this.scale.log().add(0.5 + LOG_SQRT_2PI));
  }

  protected override parameters(): Record<string, Tensor> {
    return { loc: this.loc, scale: this.scale };
  }
}

/**
 * The Laplace distribution: `exp(−|x − loc| / scale) / 2 scale`.
 *
 * @see https://pytorch.org/docs/stable/distributions.html#laplace
 */
export class Laplace extends Distribution {
  /** The mean. */
  readonly loc: Tensor;
  /** The mean distance from it. */
  readonly scale: Tensor;

  /**
   * Makes a batch of distributions; the parameters broadcast.
   *
   * @throws {ValueError} If a scale is not positive.
   */
  constructor(loc: Parameter, scale: Parameter, options: DistributionOptions = {}) {
    const [mean, distance] = broadcastParameters(loc, scale) as [Tensor, Tensor];
    super(mean.shape, [], options);
    this.loc = mean;
    this.scale = distance;
    this.check("loc", mean, "a number", () => mean.isnan().logicalNot());
    this.check("scale", distance, "positive", () => distance.gt(0));
  }

  /** `loc`. */
  override get mean(): Tensor {
    return this.loc;
  }

  /** `2 scale²`. */
  override get variance(): Tensor {
    return temporaries(() => this.scale.square().mul(2));
  }

  /** `loc`. */
  override get mode(): Tensor {
    return this.loc;
  }

  /** The inverse of `cdf` at uniform random numbers. */
  override rsample(sampleShape: Shape = []): Tensor {
    const shape = this.extendedShape(sampleShape);
    const { eps } = finfo(this.loc.dtype);
    // Between -1 and 1 without the ends, where the logarithm is infinite.
    return temporaries(() => this.#at(rand(shape, like(this.loc)).mul(2 - 2 * eps).sub(1 - eps)));
  }

  /** `loc − scale · sign(u) · ln(1 − |u|)`. */
  #at(u: Tensor): Tensor {
    return this.loc.sub(u.abs().neg().log1p().mul(u.sign()).mul(this.scale));
  }

  /** `−ln 2 scale − |x − loc| / scale`. */
  override logProb(value: Tensor): Tensor {
    this.checkValue(value, "a number", () => value.isnan().logicalNot());
    return temporaries(() => this.scale.mul(2).log().neg().sub(value.sub(this.loc).abs().div(this.scale)));
  }

  /** `½ − ½ sign(x − loc) (exp(−|x − loc| / scale) − 1)`. */
  override cdf(value: Tensor): Tensor {
    return temporaries(() => {
      const from = value.sub(this.loc);
      return from.sign().mul(from.abs().neg().div(this.scale).expm1()).mul(-0.5).add(0.5);
    });
  }

  /** The inverse of `cdf`. */
  override icdf(value: Tensor): Tensor {
    return temporaries(() => this.#at(value.mul(2).sub(1)));
  }

  /** `1 + ln 2 scale`. */
  override entropy(): Tensor {
    return temporaries(() => this.scale.mul(2).log().add(1));
  }

  protected override parameters(): Record<string, Tensor> {
    return { loc: this.loc, scale: this.scale };
  }
}

/**
 * The uniform distribution over `[low, high)`.
 *
 * @see https://pytorch.org/docs/stable/distributions.html#uniform
 */
export class Uniform extends Distribution {
  /** The lower end. */
  readonly low: Tensor;
  /** The upper end. */
  readonly high: Tensor;

  /**
   * Makes a batch of distributions; the parameters broadcast.
   *
   * @throws {ValueError} If an upper end is not above its lower end.
   */
  constructor(low: Parameter, high: Parameter, options: DistributionOptions = {}) {
    const [from, to] = broadcastParameters(low, high) as [Tensor, Tensor];
    super(from.shape, [], options);
    this.low = from;
    this.high = to;
    this.check("high", to, "above low", () => from.lt(to));
  }

  /** The middle. */
  override get mean(): Tensor {
    return temporaries(() => this.high.add(this.low).div(2));
  }

  /** `(high − low)² / 12`. */
  override get variance(): Tensor {
    return temporaries(() => this.high.sub(this.low).square().div(12));
  }

  /** NaN: no outcome is more likely than another. */
  override get mode(): Tensor {
    return fullLike(this.high, NaN);
  }

  /** `low + (high − low) · u`. */
  override rsample(sampleShape: Shape = []): Tensor {
    const shape = this.extendedShape(sampleShape);
    return temporaries(() => rand(shape, like(this.low)).mul(this.high.sub(this.low)).add(this.low));
  }

  /** `−ln(high − low)` inside; negative infinity at `high`, and outside of values that are not checked. */
  override logProb(value: Tensor): Tensor {
    this.checkValue(value, "in [low, high]", () => this.low.le(value).logicalAnd(value.le(this.high)));
    return temporaries(() => {
      const inside = this.low.le(value).mul(this.high.gt(value)).to(this.low.dtype);
      return inside.log().sub(this.high.sub(this.low).log());
    });
  }

  /** The part of the interval below. */
  override cdf(value: Tensor): Tensor {
    return temporaries(() => value.sub(this.low).div(this.high.sub(this.low)).clamp(0, 1));
  }

  /** The inverse of `cdf`. */
  override icdf(value: Tensor): Tensor {
    return temporaries(() => value.mul(this.high.sub(this.low)).add(this.low));
  }

  /** `ln(high − low)`. */
  override entropy(): Tensor {
    return temporaries(() => this.high.sub(this.low).log());
  }

  protected override parameters(): Record<string, Tensor> {
    return { low: this.low, high: this.high };
  }
}

/**
 * The exponential distribution: `rate · exp(−rate · x)` for `x ≥ 0`.
 *
 * @see https://pytorch.org/docs/stable/distributions.html#exponential
 */
export class Exponential extends Distribution {
  /** One over the mean. */
  readonly rate: Tensor;

  /**
   * Makes a batch of distributions.
   *
   * @throws {ValueError} If a rate is not positive.
   */
  constructor(rate: Parameter, options: DistributionOptions = {}) {
    const [each] = broadcastParameters(rate) as [Tensor];
    super(each.shape, [], options);
    this.rate = each;
    this.check("rate", each, "positive", () => each.gt(0));
  }

  /** `1 / rate`. */
  override get mean(): Tensor {
    return this.rate.reciprocal();
  }

  /** `1 / rate²`. */
  override get variance(): Tensor {
    return this.rate.pow(-2);
  }

  /** 0. */
  override get mode(): Tensor {
    return zerosLike(this.rate);
  }

  /** `−ln(1 − u) / rate`. */
  override rsample(sampleShape: Shape = []): Tensor {
    const shape = this.extendedShape(sampleShape);
    return temporaries(() => rand(shape, like(this.rate)).neg().log1p().neg().div(this.rate));
  }

  /** `ln rate − rate · x`. */
  override logProb(value: Tensor): Tensor {
    this.checkValue(value, "at least 0", () => value.ge(0));
    return temporaries(() => this.rate.log().sub(this.rate.mul(value)));
  }

  /** `1 − exp(−rate · x)`. */
  override cdf(value: Tensor): Tensor {
    return temporaries(() => this.rate.mul(value).neg().expm1().neg());
  }

  /** The inverse of `cdf`. */
  override icdf(value: Tensor): Tensor {
    return temporaries(() => value.neg().log1p().neg().div(this.rate));
  }

  /** `1 − ln rate`. */
  override entropy(): Tensor {
    return temporaries(() => this.rate.log().neg().add(1));
  }

  protected override parameters(): Record<string, Tensor> {
    return { rate: this.rate };
  }
}
