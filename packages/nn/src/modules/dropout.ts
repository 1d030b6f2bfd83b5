/**
 * Dropout and its kin: random zeros while training.
 *
 * @module
 */

import { ValueError } from "@flambeau/core";
import type { Args, Tensor } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import * as F from "../functional.ts";
import { Module } from "../module.ts";
import { pythonFloat, pythonRepr } from "../python.ts";

/** Options of {@linkcode Dropout} and its kin. */
export interface DropoutModuleOptions {
  /** Probability that an element becomes 0. Default 0.5. */
  readonly p?: number;
  /** Whether the input is overwritten. Default false. */
  readonly inplace?: boolean;
}

/** Positional options of {@linkcode Dropout} and its kin. */
export type DropoutModuleArgs = Args<DropoutModuleOptions, ["p", "inplace"]>;

/** What all dropouts are: a probability. */
export abstract class DropoutNd extends Module {
  /** Probability that an element becomes 0. */
  p: number;
  /** Whether the input is overwritten. */
  inplace: boolean;

  /** Reads the options. */
  constructor(name: string, args: readonly unknown[]) {
    super();
    const { p = 0.5, inplace = false } = named<DropoutModuleOptions>(`make ${name}`, args, ["p", "inplace"]);
    if (!(p >= 0 && p <= 1)) {
      throw new ValueError(`Cannot make ${name}: the dropout probability must be in [0, 1], got ${p}`);
    }
    this.p = p;
    this.inplace = inplace;
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `p=${pythonFloat(this.p)}, inplace=${pythonRepr(this.inplace)}`;
  }
}

/**
 * Sets random elements to 0 and scales the others by `1 / (1 - p)`, while training.
 *
 * @see Hinton et al. 2012, https://arxiv.org/abs/1207.0580
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout.html
 */
export class Dropout extends DropoutNd {
  /** Makes the module. */
  constructor(...args: DropoutModuleArgs) {
    super("Dropout", args);
  }

  /** Drops elements. */
  override forward(input: Tensor): Tensor {
    return F.dropout(input, this.p, this.training, this.inplace);
  }
}

/**
 * {@linkcode Dropout} of whole channels of `[N, C, L]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout1d.html
 */
export class Dropout1d extends DropoutNd {
  /** Makes the module. */
  constructor(...args: DropoutModuleArgs) {
    super("Dropout1d", args);
  }

  /** Drops channels. */
  override forward(input: Tensor): Tensor {
    return F.dropout1d(input, this.p, this.training, this.inplace);
  }
}

/**
 * {@linkcode Dropout} of whole channels of `[N, C, H, W]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout2d.html
 */
export class Dropout2d extends DropoutNd {
  /** Makes the module. */
  constructor(...args: DropoutModuleArgs) {
    super("Dropout2d", args);
  }

  /** Drops channels. */
  override forward(input: Tensor): Tensor {
    return F.dropout2d(input, this.p, this.training, this.inplace);
  }
}

/**
 * {@linkcode Dropout} of whole channels of `[N, C, D, H, W]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Dropout3d.html
 */
export class Dropout3d extends DropoutNd {
  /** Makes the module. */
  constructor(...args: DropoutModuleArgs) {
    super("Dropout3d", args);
  }

  /** Drops channels. */
  override forward(input: Tensor): Tensor {
    return F.dropout3d(input, this.p, this.training, this.inplace);
  }
}

/**
 * Dropout that keeps mean and variance of {@linkcode SELU}'s outputs.
 *
 * @see Klambauer et al. 2017, https://arxiv.org/abs/1706.02515
 */
export class AlphaDropout extends DropoutNd {
  /** Makes the module. */
  constructor(...args: DropoutModuleArgs) {
    super("AlphaDropout", args);
  }

  /** Drops elements. */
  override forward(input: Tensor): Tensor {
    return F.alphaDropout(input, this.p, this.training);
  }
}

/**
 * {@linkcode AlphaDropout} of whole channels.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.FeatureAlphaDropout.html
 */
export class FeatureAlphaDropout extends DropoutNd {
  /** Makes the module. */
  constructor(...args: DropoutModuleArgs) {
    super("FeatureAlphaDropout", args);
  }

  /** Drops channels. */
  override forward(input: Tensor): Tensor {
    return F.featureAlphaDropout(input, this.p, this.training);
  }
}
