/**
 * The sizes of a convolution, and how kernels get them.
 *
 * @module
 */

import type { ConvAttrs, Shape } from "@flambeau/core";
import type { Draft } from "../../draft.ts";
import { count } from "../../geometry.ts";

/** Sizes of a convolution, whichever of its three tensors is asked for. */
export interface Geometry {
  readonly images: number;
  readonly groups: number;
  /** Channels of a group, in and out. */
  readonly inside: number;
  readonly outside: number;
  readonly inputSize: Shape;
  readonly outputSize: Shape;
  readonly kernelSize: Shape;
  readonly attrs: ConvAttrs;
}

/** The uniforms of a convolution. */
export function sizes(
  draft: Draft,
  { inside, outside, inputSize, outputSize, kernelSize, attrs }: Geometry,
): void {
  draft.u32("inside", inside).u32("outside", outside)
    .u32("ins", count(inputSize)).u32("outs", count(outputSize)).u32("taps", count(kernelSize))
    .list("in", inputSize).list("out", outputSize).list("tap", kernelSize)
    .list("step", attrs.stride).list("pad", attrs.padding).list("dil", attrs.dilation);
}
