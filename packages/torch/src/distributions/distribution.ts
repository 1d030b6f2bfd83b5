/**
 * What all probability distributions have in common.
 *
 * @module
 */

import { formatShape, NotImplementedError, type Shape, tryBroadcast, ValueError } from "@flambeau/core";
import { broadcastTensors, noGrad, Tensor, tensor } from "@flambeau/tensor";
import { canRead, defaults, temporaries } from "@flambeau/tensor/internal";

/** A parameter of a distribution: a tensor, or a number for all. */
export type Parameter = Tensor | number;

/** Options of all distributions. */
export interface DistributionOptions {
  /** Whether parameters and values are checked, where the device can be read at once. Default true. */
  readonly validateArgs?: boolean;
}

/**
 * A batch of probability distributions.
 *
 * Samples have the shape `sampleShape + batchShape + eventShape`: how often, which distribution of the batch, and where
 * in one outcome.
 *
 * @see https://pytorch.org/docs/stable/distributions.html
 */
export abstract class Distribution {
  /** Sizes of the batch. */
  readonly batchShape: Shape;
  /** Sizes of one outcome; `[]` for numbers. */
  readonly eventShape: Shape;
  /** Whether parameters and values are checked. */
  readonly validateArgs: boolean;

  /** For subclasses. */
  constructor(batchShape: Shape, eventShape: Shape, options: DistributionOptions = {}) {
    this.batchShape = batchShape;
    this.eventShape = eventShape;
    this.validateArgs = options.validateArgs ?? true;
  }

  /** What samples are around. */
  abstract get mean(): Tensor;

  /** The mean square of the distance from the mean. */
  abstract get variance(): Tensor;

  /** The most likely outcome. */
  abstract get mode(): Tensor;

  /** The logarithm of the density, or of the probability, at `value`. */
  abstract logProb(value: Tensor): Tensor;

  /** The expected value of `-logProb`, in nats. */
  abstract entropy(): Tensor;

  /** The parameters to print, by name. */
  protected abstract parameters(): Readonly<Record<string, Tensor | Distribution | number>>;

  /** The square root of the variance. */
  get stddev(): Tensor {
    return this.variance.sqrt();
  }

  /** Samples through which no gradient flows. */
  sample(sampleShape: Shape = []): Tensor {
    return noGrad(() => this.rsample(sampleShape));
  }

  /**
   * Samples through which gradients flow to the parameters.
   *
   * @throws {NotImplementedError} If the distribution has no such samples, as those over integers.
   */
  rsample(_sampleShape: Shape = []): Tensor {
    throw new NotImplementedError(
      `Cannot rsample ${this.constructor.name}: its samples have no gradient; use sample() and logProb()`,
    );
  }

  /**
   * The probability of an outcome of at most `value`.
   *
   * @throws {NotImplementedError} If it is not known in closed form.
   */
  cdf(_value: Tensor): Tensor {
    throw new NotImplementedError(`Cannot cdf of ${this.constructor.name}: it has none in closed form`);
  }

  /**
   * The inverse of {@linkcode cdf}.
   *
   * @throws {NotImplementedError} If it is not known in closed form.
   */
  icdf(_value: Tensor): Tensor {
    throw new NotImplementedError(`Cannot icdf of ${this.constructor.name}: it has none in closed form`);
  }

  /** The exponential of the entropy. */
  perplexity(): Tensor {
    return temporaries(() => this.entropy().exp());
  }

  /** The name with the parameters, as PyTorch prints them: values of numbers, sizes of the others. */
  toString(): string {
    const list = Object.entries(this.parameters()).map(([name, value]) => `${name}: ${describe(value)}`);
    return `${this.constructor.name}(${list.join(", ")})`;
  }

  /** The shape of samples. */
  protected extendedShape(sampleShape: Shape): Shape {
    return [...sampleShape, ...this.batchShape, ...this.eventShape];
  }

  /**
   * Checks a parameter.
   *
   * @param ok Where the parameter is allowed.
   * @throws {ValueError} If it is not allowed somewhere.
   */
  protected check(name: string, value: Tensor, rule: string, ok: () => Tensor): void {
    if (!this.validateArgs || allTrue(value, ok)) return;
    throw new ValueError(`Cannot make ${this.constructor.name}: ${name} must be ${rule}, got others`);
  }

  /**
   * Checks a value that comes from outside.
   *
   * @param ok Where the value is a possible outcome.
   * @throws {ValueError} If the shape does not broadcast, or a value is impossible.
   */
  protected checkValue(value: Tensor, rule: string, ok: () => Tensor): void {
    if (!this.validateArgs) return;
    const own = this.extendedShape([]);
    if (tryBroadcast(value.shape, own) === null) {
      throw new ValueError(
        `Cannot use a value of shape ${formatShape(value.shape)} with ${this}: it must broadcast with ${
          formatShape(own)
        }`,
      );
    }
    if (allTrue(value, ok)) return;
    throw new ValueError(`Cannot use the value with ${this}: it must be ${rule}, got others`);
  }
}

for (const inspector of ["Deno.customInspect", "nodejs.util.inspect.custom"]) {
  Object.defineProperty(Distribution.prototype, Symbol.for(inspector), {
    value(this: Distribution): string {
      return this.toString();
    },
    enumerable: false,
    configurable: true,
    writable: true,
  });
}

function allTrue(value: Tensor, ok: () => Tensor): boolean {
  return !canRead(value) || noGrad(() => temporaries(() => ok().all()).itemSync() as unknown as boolean);
}

function describe(value: Tensor | Distribution | number): string {
  if (!(value instanceof Tensor)) return String(value);
  if (value.ndim > 0 || !canRead(value)) return `torch.Size([${value.shape.join(", ")}])`;
  const number = value.itemSync();
  return Number.isInteger(number) ? number.toFixed(1) : String(number);
}

/** Parameters in one shape; numbers have the dtype of the tensors, or the default one. */
export function broadcastParameters(...given: readonly Parameter[]): Tensor[] {
  const like = given.find((x) => x instanceof Tensor);
  const options = { dtype: like?.dtype ?? defaults.dtype, device: like?.device ?? null };
  return broadcastTensors(given.map((x) => x instanceof Tensor ? x : tensor(x, options)));
}
