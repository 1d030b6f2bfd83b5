/**
 * Matrix products: Identity, Linear, Bilinear.
 *
 * @module
 */

import { Tensor } from "@flambeau/tensor";
import { isOptions } from "@flambeau/tensor/internal";
import * as F from "../functional.ts";
import { calculateFanInAndFanOut, kaimingUniform_, uniform_ } from "../init.ts";
import { Module } from "../module.ts";
import type { Parameter } from "../parameter.ts";
import { pythonRepr } from "../python.ts";
import {
  FACTORY_NAMES,
  type FactoryOptions,
  makeParameter,
  type ModuleArgs,
  requireSize,
  settingsOf,
} from "./factory.ts";

/**
 * Gives what it gets. Takes and ignores any arguments of its constructor.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Identity.html
 */
export class Identity extends Module {
  /** Makes the module; all arguments are ignored. */
  constructor(..._ignored: readonly unknown[]) {
    super();
  }

  /** Gives `input`. */
  override forward(input: Tensor): Tensor {
    return input;
  }
}

/** Options of {@linkcode Linear} and {@linkcode Bilinear}. */
export interface LinearOptions extends FactoryOptions {
  /** Whether it adds a learned vector. Default true. */
  readonly bias?: boolean;
}

const OPTIONS = ["bias", ...FACTORY_NAMES] as const;

/** Sizes of {@linkcode Linear}. */
export interface LinearSizes {
  /** Size of the last dimension of the input. */
  readonly inFeatures: number;
  /** Size of the last dimension of the output. */
  readonly outFeatures: number;
}

/** Sizes of {@linkcode Bilinear}. */
export interface BilinearSizes {
  /** Size of the last dimension of the first input. */
  readonly in1Features: number;
  /** Size of the last dimension of the second input. */
  readonly in2Features: number;
  /** Size of the last dimension of the output. */
  readonly outFeatures: number;
}

/** Fills a bias as PyTorch does: uniformly within 1 / √fanIn. */
export function resetBias(bias: Tensor | null, weight: Tensor): void {
  if (bias === null) return;
  const [fanIn] = calculateFanInAndFanOut(weight);
  const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0;
  uniform_(bias, -bound, bound);
}

/**
 * `input @ weightᵀ + bias`.
 *
 * Shapes: input `[…, inFeatures]`, weight `[outFeatures, inFeatures]`, bias `[outFeatures]` → `[…, outFeatures]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Linear.html
 *
 * @example
 * ```ts
 * const layer = new nn.Linear(20, 30);
 * const y = layer(torch.randn([128, 20])); // float32[128, 30]
 * ```
 */
export class Linear extends Module<[input: Tensor | { readonly input: Tensor }], Tensor> {
  /** Size of the last dimension of the input. */
  inFeatures: number;
  /** Size of the last dimension of the output. */
  outFeatures: number;
  /** The matrix, `[outFeatures, inFeatures]`. */
  weight: Parameter;
  /** What is added, `[outFeatures]`. */
  bias: Parameter | null;

  /** Makes the layer with random parameters, uniform within 1 / √inFeatures. */
  constructor(
    ...args: ModuleArgs<
      [inFeatures: number, outFeatures: number],
      LinearSizes,
      LinearOptions,
      ["bias", "device", "dtype"]
    >
  ) {
    super();
    const settings = settingsOf<LinearSizes, LinearOptions>(
      "Linear",
      args,
      ["inFeatures", "outFeatures"],
      OPTIONS,
    );
    const { inFeatures, outFeatures, bias = true, ...factory } = settings;
    this.inFeatures = requireSize("Linear", "inFeatures", inFeatures);
    this.outFeatures = requireSize("Linear", "outFeatures", outFeatures);
    this.weight = makeParameter([outFeatures, inFeatures], factory);
    this.bias = bias ? makeParameter([outFeatures], factory) : null;
    this.resetParameters();
  }

  /** Fills the parameters anew. */
  resetParameters(): void {
    kaimingUniform_(this.weight, Math.sqrt(5));
    resetBias(this.bias, this.weight);
  }

  /** Computes `input @ weightᵀ + bias`. */
  override forward(input: Tensor | { readonly input: Tensor }): Tensor {
    const x = !(input instanceof Tensor) && isOptions(input) ? input.input : input;
    return F.linear(x as Tensor, this.weight, this.bias);
  }

  /** Sizes, as PyTorch prints them. */
  override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, bias=${
      pythonRepr(this.bias !== null)
    }`;
  }
}

/**
 * `input1ᵀ A input2 + bias`, one matrix A for each output.
 *
 * Shapes: inputs `[…, in1Features]` and `[…, in2Features]`, weight `[outFeatures, in1Features, in2Features]` →
 * `[…, outFeatures]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Bilinear.html
 */
export class Bilinear extends Module<[input1: Tensor, input2: Tensor], Tensor> {
  /** Size of the last dimension of the first input. */
  in1Features: number;
  /** Size of the last dimension of the second input. */
  in2Features: number;
  /** Size of the last dimension of the output. */
  outFeatures: number;
  /** The matrices, `[outFeatures, in1Features, in2Features]`. */
  weight: Parameter;
  /** What is added, `[outFeatures]`. */
  bias: Parameter | null;

  /** Makes the layer with random parameters, uniform within 1 / √in1Features. */
  constructor(
    ...args: ModuleArgs<
      [in1Features: number, in2Features: number, outFeatures: number],
      BilinearSizes,
      LinearOptions,
      ["bias", "device", "dtype"]
    >
  ) {
    super();
    const sizes = ["in1Features", "in2Features", "outFeatures"] as const;
    const settings = settingsOf<BilinearSizes, LinearOptions>("Bilinear", args, sizes, OPTIONS);
    const { in1Features, in2Features, outFeatures, bias = true, ...factory } = settings;
    this.in1Features = requireSize("Bilinear", "in1Features", in1Features, 1);
    this.in2Features = requireSize("Bilinear", "in2Features", in2Features);
    this.outFeatures = requireSize("Bilinear", "outFeatures", outFeatures);
    this.weight = makeParameter([outFeatures, in1Features, in2Features], factory);
    this.bias = bias ? makeParameter([outFeatures], factory) : null;
    this.resetParameters();
  }

  /** Fills the parameters anew. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.weight.shape[1]!);
    uniform_(this.weight, -bound, bound);
    if (this.bias !== null) uniform_(this.bias, -bound, bound);
  }

  /** Computes the form. */
  override forward(input1: Tensor, input2: Tensor): Tensor {
    return F.bilinear(input1, input2, this.weight, this.bias);
  }

  /** Sizes, as PyTorch prints them. */
  override extraRepr(): string {
    return `in1_features=${this.in1Features}, in2_features=${this.in2Features}, ` +
      `out_features=${this.outFeatures}, bias=${pythonRepr(this.bias !== null)}`;
  }
}
