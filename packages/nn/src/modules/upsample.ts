/**
 * Resizing: Upsample, UpsamplingNearest2d, UpsamplingBilinear2d.
 *
 * @module
 */

import type { Shape } from "@flambeau/core";
import type { Args, Tensor } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import * as F from "../functional.ts";
import { Module } from "../module.ts";
import { pythonFloat, pythonRepr } from "../python.ts";

/** Options of {@linkcode UpsamplingNearest2d} and {@linkcode UpsamplingBilinear2d}. */
export interface UpsamplingOptions {
  /** Spatial sizes of the output. */
  readonly size?: number | Shape | null;
  /** Factors of the spatial sizes. */
  readonly scaleFactor?: number | readonly number[] | null;
}

/** Options of {@linkcode Upsample}. */
export interface UpsampleOptions extends UpsamplingOptions {
  /** Default `"nearest"`. */
  readonly mode?: F.InterpolateMode;
  /** Whether the centres of the corner elements stay in place. Default false. */
  readonly alignCorners?: boolean | null;
  /** Whether the sizes, not the factors, say where to look. Default false. */
  readonly recomputeScaleFactor?: boolean | null;
}

/**
 * Resizes signals, images and volumes.
 *
 * See {@linkcode F.interpolate}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Upsample.html
 */
export class Upsample extends Module {
  /** Spatial sizes of the output. */
  size: number | Shape | null;
  /** Factors of the spatial sizes. */
  scaleFactor: number | readonly number[] | null;
  /** How new elements are made. */
  mode: F.InterpolateMode;
  /** Whether the centres of the corner elements stay in place. */
  alignCorners: boolean | null;
  /** Whether the sizes, not the factors, say where to look. */
  recomputeScaleFactor: boolean | null;

  /** Makes the module. */
  constructor(
    ...args: Args<UpsampleOptions, ["size", "scaleFactor", "mode", "alignCorners", "recomputeScaleFactor"]>
  ) {
    super();
    const names = ["size", "scaleFactor", "mode", "alignCorners", "recomputeScaleFactor"] as const;
    const options = named<UpsampleOptions>("make Upsample", args, names);
    const { size = null, scaleFactor = null, mode = "nearest", alignCorners = null } = options;
    this.size = size;
    this.scaleFactor = scaleFactor;
    this.mode = mode;
    this.alignCorners = alignCorners;
    this.recomputeScaleFactor = options.recomputeScaleFactor ?? null;
  }

  /** Resizes. */
  override forward(input: Tensor): Tensor {
    const { size, scaleFactor, mode, alignCorners, recomputeScaleFactor } = this;
    return F.interpolate(input, { size, scaleFactor, mode, alignCorners, recomputeScaleFactor });
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    const { size, scaleFactor, mode } = this;
    const floats = typeof scaleFactor === "number"
      ? pythonFloat(scaleFactor)
      : `(${(scaleFactor ?? []).map(pythonFloat).join(", ")})`;
    return `${scaleFactor !== null ? `scale_factor=${floats}` : `size=${pythonRepr(size)}`}, mode=${mode}`;
  }
}

/**
 * {@linkcode Upsample} of images in mode nearest.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.UpsamplingNearest2d.html
 */
export class UpsamplingNearest2d extends Upsample {
  /** Makes the module. */
  constructor(...args: Args<UpsamplingOptions, ["size", "scaleFactor"]>) {
    const options = named<UpsamplingOptions>("make UpsamplingNearest2d", args, ["size", "scaleFactor"]);
    super({ ...options, mode: "nearest" });
  }
}

/**
 * {@linkcode Upsample} of images in mode bilinear with aligned corners.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.UpsamplingBilinear2d.html
 */
export class UpsamplingBilinear2d extends Upsample {
  /** Makes the module. */
  constructor(...args: Args<UpsamplingOptions, ["size", "scaleFactor"]>) {
    const options = named<UpsamplingOptions>("make UpsamplingBilinear2d", args, ["size", "scaleFactor"]);
    super({ ...options, mode: "bilinear", alignCorners: true });
  }
}
