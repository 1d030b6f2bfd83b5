/**
 * Shape rules of convolution and pooling: windows that slide over the dimensions after `[N, C, …]`.
 *
 * @module
 */

import type { Aval } from "../backend.ts";
import { int32 } from "../dtype.ts";
import { ShapeError, ValueError } from "../errors.ts";
import type { ConvAttrs, FusedPrimitives, Name, PoolAttrs } from "../primitives.ts";
import { formatShape, type Shape, shapesEqual } from "../shape.ts";
import {
  checkDim,
  checkIndex,
  checkShapeIs,
  checkSizes,
  checkValues,
  type RulesOf,
  shapeError,
  valueError,
  withSize,
} from "./checks.ts";

/**
 * Places of a convolution's window along one dimension: `⌊(size + 2 padding − dilation (kernel − 1) − 1) / stride⌋ + 1`;
 * 0 or less when the window does not fit.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
 */
export function convOutputSize(
  size: number,
  kernel: number,
  stride: number = 1,
  padding: number = 0,
  dilation: number = 1,
): number {
  return Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

/**
 * Places of a pooling window along one dimension; 0 or less when the window does not fit.
 *
 * As {@linkcode convOutputSize}, but with `ceilMode` rounded up; then a last window that would start in the padding
 * behind the input is left out.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
 */
export function poolOutputSize(
  size: number,
  kernel: number,
  stride: number = kernel,
  padding: number = 0,
  dilation: number = 1,
  ceilMode: boolean = false,
): number {
  if (!ceilMode) return convOutputSize(size, kernel, stride, padding, dilation);
  const places = Math.ceil((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
  return (places - 1) * stride >= size + padding ? places - 1 : places;
}

/** Rules of the window primitives. */
export const windowRules: RulesOf<
  Pick<
    FusedPrimitives<unknown>,
    | "conv"
    | "convInputGrad"
    | "convWeightGrad"
    | "maxPool"
    | "maxPoolValues"
    | "maxPoolBackward"
    | "avgPool"
    | "avgPoolBackward"
    | "resample"
  >
> = {
  conv(inputs, attrs) {
    const [x, weight] = inputs;
    checkValues("conv", inputs);
    const spatial = spatialOf("conv", inputs, x);
    const [outChannels, channels] = checkWeight("conv", inputs, weight, attrs, spatial.length);
    if (x.shape[1] !== channels) {
      throw shapeError("conv", inputs, `x must have ${channels} channels`, `${x.shape[1]}`);
    }
    const sizes = convSizes("conv", inputs, spatial, weight.shape.slice(2), attrs);
    return { shape: [x.shape[0]!, outChannels, ...sizes], dtype: x.dtype };
  },

  convInputGrad(inputs, attrs) {
    const [g, weight] = inputs;
    checkValues("convInputGrad", inputs);
    const spatial = spatialOf("convInputGrad", inputs, g);
    const [outChannels, channels] = checkWeight("convInputGrad", inputs, weight, attrs, spatial.length);
    checkSizes("convInputGrad", inputs, "inputSize", attrs.inputSize, spatial.length, 0);
    const sizes = convSizes("convInputGrad", inputs, attrs.inputSize, weight.shape.slice(2), attrs);
    checkShapeIs("convInputGrad", inputs, "g", g, [g.shape[0]!, outChannels, ...sizes]);
    return { shape: [g.shape[0]!, channels, ...attrs.inputSize], dtype: g.dtype };
  },

  convWeightGrad(inputs, attrs) {
    const [g, x] = inputs;
    const { groups, kernelSize } = attrs;
    checkValues("convWeightGrad", inputs);
    const spatial = spatialOf("convWeightGrad", inputs, x);
    checkConvAttrs("convWeightGrad", inputs, attrs, spatial.length);
    checkSizes("convWeightGrad", inputs, "kernelSize", kernelSize, spatial.length, 1);
    const [outChannels, channels] = [g.shape[1]!, x.shape[1]!];
    const sizes = convSizes("convWeightGrad", inputs, spatial, kernelSize, attrs);
    checkShapeIs("convWeightGrad", inputs, "g", g, [x.shape[0]!, outChannels, ...sizes]);
    if (channels % groups !== 0 || outChannels % groups !== 0) {
      throw shapeError(
        "convWeightGrad",
        inputs,
        `channels must be divisible by ${groups} groups`,
        `${outChannels} and ${channels}`,
      );
    }
    return { shape: [outChannels, channels / groups, ...kernelSize], dtype: g.dtype };
  },

  maxPool(inputs, attrs) {
    const [x] = inputs;
    checkValues("maxPool", inputs);
    const shape = pooledShape("maxPool", inputs, x.shape.slice(0, 2), spatialOf("maxPool", inputs, x), attrs);
    return [{ shape, dtype: x.dtype }, { shape, dtype: int32 }];
  },

  maxPoolValues(inputs, attrs) {
    const [x] = inputs;
    checkValues("maxPoolValues", inputs);
    const spatial = spatialOf("maxPoolValues", inputs, x);
    const shape = pooledShape("maxPoolValues", inputs, x.shape.slice(0, 2), spatial, attrs);
    return { shape, dtype: x.dtype };
  },

  maxPoolBackward(inputs, attrs) {
    const [g, indices] = inputs;
    const { inputSize } = attrs;
    checkValues("maxPoolBackward", [g]);
    checkIndex("maxPoolBackward", indices, "indices");
    const spatial = spatialOf("maxPoolBackward", inputs, g);
    checkShapeIs("maxPoolBackward", inputs, "indices", indices, g.shape);
    checkSizes("maxPoolBackward", inputs, "inputSize", inputSize, spatial.length, 0);
    if ("kernelSize" in attrs) {
      const pooled = pooledShape("maxPoolBackward", inputs, g.shape.slice(0, 2), inputSize, attrs);
      checkShapeIs("maxPoolBackward", inputs, "g", g, pooled);
    }
    return { shape: [g.shape[0]!, g.shape[1]!, ...inputSize], dtype: g.dtype };
  },

  avgPool(inputs, attrs) {
    const [x] = inputs;
    checkValues("avgPool", inputs);
    const spatial = spatialOf("avgPool", inputs, x);
    checkMean("avgPool", attrs);
    return { shape: pooledShape("avgPool", inputs, x.shape.slice(0, 2), spatial, attrs), dtype: x.dtype };
  },

  avgPoolBackward(inputs, attrs) {
    const [g] = inputs;
    const { inputSize } = attrs;
    checkValues("avgPoolBackward", inputs);
    const rank = spatialOf("avgPoolBackward", inputs, g).length;
    checkMean("avgPoolBackward", attrs);
    checkSizes("avgPoolBackward", inputs, "inputSize", inputSize, rank, 0);
    const leading = g.shape.slice(0, 2);
    const pooled = pooledShape("avgPoolBackward", inputs, leading, inputSize, attrs);
    checkShapeIs("avgPoolBackward", inputs, "g", g, pooled);
    return { shape: [...leading, ...inputSize], dtype: g.dtype };
  },

  resample(inputs, { dim, size }) {
    const [x, index, weight] = inputs;
    checkValues("resample", [x, weight]);
    checkIndex("resample", index);
    checkDim("resample", x, dim);
    if (index.shape.length !== 2 || index.shape[0] === 0) {
      throw shapeError("resample", inputs, "index must be [K, n] with K >= 1", formatShape(index.shape));
    }
    checkShapeIs("resample", inputs, "weight", weight, index.shape);
    const n = index.shape[1]!;
    if (size === null) return { shape: withSize(x.shape, dim, n), dtype: x.dtype };
    if (x.shape[dim] !== n) {
      throw shapeError("resample", inputs, `x must have ${n} elements along dim ${dim}`, `${x.shape[dim]}`);
    }
    if (!(Number.isInteger(size) && size >= 0)) {
      throw valueError("resample", inputs, "size must be an integer >= 0", `${size}`);
    }
    return { shape: withSize(x.shape, dim, size), dtype: x.dtype };
  },
};

/** The sizes after `[N, C, …]`: one to three. */
function spatialOf(op: Name, inputs: readonly Aval[], x: Aval): Shape {
  const rank = x.shape.length;
  if (rank < 3 || rank > 5) {
    throw shapeError(op, inputs, "shapes must be [N, C, …] with 1 to 3 spatial sizes", formatShape(x.shape));
  }
  return x.shape.slice(2);
}

function checkConvAttrs(op: Name, inputs: readonly Aval[], attrs: ConvAttrs, rank: number): void {
  checkSizes(op, inputs, "stride", attrs.stride, rank, 1);
  checkSizes(op, inputs, "padding", attrs.padding, rank, 0);
  checkSizes(op, inputs, "dilation", attrs.dilation, rank, 1);
  if (!Number.isInteger(attrs.groups) || attrs.groups < 1) {
    throw new ValueError(`Cannot ${op}: groups must be an integer >= 1, got ${attrs.groups}`);
  }
}

/** The weight is `[O, C / groups, …]`; answers O and C. */
function checkWeight(
  op: Name,
  inputs: readonly Aval[],
  weight: Aval,
  attrs: ConvAttrs,
  rank: number,
): [outChannels: number, channels: number] {
  checkConvAttrs(op, inputs, attrs, rank);
  if (weight.shape.length !== rank + 2) {
    throw shapeError(op, inputs, `weight must have rank ${rank + 2}`, `rank ${weight.shape.length}`);
  }
  const outChannels = weight.shape[0]!;
  if (outChannels % attrs.groups !== 0) {
    throw shapeError(
      op,
      inputs,
      `the output channels must be divisible by ${attrs.groups} groups`,
      `${outChannels}`,
    );
  }
  return [outChannels, weight.shape[1]! * attrs.groups];
}

function convSizes(
  op: Name,
  inputs: readonly Aval[],
  spatial: Shape,
  kernel: Shape,
  { stride, padding, dilation }: ConvAttrs,
): number[] {
  return spatial.map((size, i) => {
    const extent = dilation[i]! * (kernel[i]! - 1) + 1;
    const padded = size + 2 * padding[i]!;
    if (kernel[i]! < 1 || extent > padded) {
      throw shapeError(
        op,
        inputs,
        "the kernel must have sizes >= 1 that fit into the padded input",
        `${extent} over ${padded} at spatial dimension ${i}`,
      );
    }
    return convOutputSize(size, kernel[i]!, stride[i]!, padding[i]!, dilation[i]!);
  });
}

function pooledShape(
  op: Name,
  inputs: readonly Aval[],
  leading: Shape,
  spatial: Shape,
  attrs: PoolAttrs,
): number[] {
  const { kernelSize, stride, padding, dilation, ceilMode } = attrs;
  const rank = spatial.length;
  checkSizes(op, inputs, "kernelSize", kernelSize, rank, 1);
  checkSizes(op, inputs, "stride", stride, rank, 1);
  checkSizes(op, inputs, "padding", padding, rank, 0);
  checkSizes(op, inputs, "dilation", dilation, rank, 1);
  const sizes = spatial.map((size, i) => {
    if (padding[i]! > kernelSize[i]! / 2) {
      throw new ValueError(
        `Cannot ${op} with kernel size ${formatShape(kernelSize)}: ` +
          `the padding must be at most half of the kernel size, got ${formatShape(padding)}`,
      );
    }
    return poolOutputSize(size, kernelSize[i]!, stride[i]!, padding[i]!, dilation[i]!, ceilMode);
  });
  if (sizes.some((size) => size < 1)) {
    throw shapeError(
      op,
      inputs,
      `the window ${formatShape(kernelSize)} must fit into the padded input`,
      `output size ${formatShape(sizes)}`,
    );
  }
  return [...leading, ...sizes];
}

function checkMean(op: Name, { dilation, divisor }: PoolAttrs & { readonly divisor: number | null }): void {
  if (!shapesEqual(dilation, dilation.map(() => 1))) {
    throw new ShapeError(`Cannot ${op}: the dilation must be 1, got ${formatShape(dilation)}`);
  }
  if (divisor === 0 || Number.isNaN(divisor)) {
    throw new ValueError(`Cannot ${op}: the divisor must not be zero, got ${divisor}`);
  }
}
