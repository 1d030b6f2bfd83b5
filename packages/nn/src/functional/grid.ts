/**
 * Sampling at given places: gridSample, affineGrid.
 *
 * @module
 */

import { formatShape, formatType, int32, type Shape, ShapeError, ValueError } from "@flambeau/core";
import {
  abs,
  add,
  type Args,
  clamp,
  contiguous,
  detach,
  div,
  expand,
  floor,
  ge,
  le,
  linspace,
  logicalAnd,
  mul,
  permute,
  remainder,
  reshape,
  round,
  select,
  sign,
  sub,
  type Tensor,
  unsqueeze,
  where,
  zeros,
} from "@flambeau/tensor";
import { bind, castTo, named, relabel, requireTensor, temporaries } from "@flambeau/tensor/internal";

/** How {@linkcode gridSample} makes an element of its neighbours. */
export type GridSampleMode = "bilinear" | "nearest" | "bicubic";

/** What {@linkcode gridSample} sees outside of the input. */
export type GridPaddingMode = "zeros" | "border" | "reflection";

/** Options of {@linkcode gridSample}. */
export interface GridSampleOptions {
  /** Default `"bilinear"`: linear in each of the dimensions. */
  readonly mode?: GridSampleMode;
  /** Default `"zeros"`. */
  readonly paddingMode?: GridPaddingMode;
  /** Whether -1 and 1 are the centres of the corner elements, instead of their edges. Default false. */
  readonly alignCorners?: boolean | null;
}

/** One dimension that is sampled: its size, and where to look in it, `[N, P]`. */
interface Axis {
  readonly size: number;
  readonly place: Tensor;
}

const MODES: readonly string[] = ["bilinear", "nearest", "bicubic"];
const PADDINGS: readonly string[] = ["zeros", "border", "reflection"];

/**
 * Elements of `input` at the places that `grid` names, from -1 to 1, x first.
 *
 * Shapes: input `[N, C, H, W]` and grid `[N, H′, W′, 2]` → `[N, C, H′, W′]`, or input `[N, C, D, H, W]` and grid
 * `[N, D′, H′, W′, 3]` → `[N, C, D′, H′, W′]`.
 *
 * @throws {ShapeError} If shapes do not fit.
 * @throws {ValueError} If a mode is not known or not for volumes.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.grid_sample.html
 */
export function gridSample(
  input: Tensor,
  grid: Tensor,
  ...args: Args<GridSampleOptions, ["mode", "paddingMode", "alignCorners"]>
): Tensor {
  requireTensor("gridSample", "input", input);
  requireTensor("gridSample", "grid", grid);
  const names = ["mode", "paddingMode", "alignCorners"] as const;
  const options = named<GridSampleOptions>("gridSample", args, names);
  const { mode = "bilinear", paddingMode = "zeros", alignCorners } = options;
  const what = `Cannot gridSample ${formatType(input)} at ${formatType(grid)}`;
  const n = input.ndim - 2;
  if (n !== 2 && n !== 3) {
    throw new ShapeError(`${what}: input must have 4 or 5 dimensions, got ${input.ndim}`);
  }
  if (grid.ndim !== input.ndim || grid.shape.at(-1) !== n || grid.shape[0] !== input.shape[0]) {
    throw new ShapeError(
      `${what}: grid must be [${input.shape[0]}, …, ${n}] with ${input.ndim} dimensions, ` +
        `got ${formatShape(grid.shape)}`,
    );
  }
  if (!MODES.includes(mode)) {
    throw new ValueError(`${what}: mode must be one of ${MODES.join(", ")}, got ${mode}`);
  }
  if (!PADDINGS.includes(paddingMode)) {
    throw new ValueError(`${what}: paddingMode must be one of ${PADDINGS.join(", ")}, got ${paddingMode}`);
  }
  if (mode === "bicubic" && n === 3) throw new ValueError(`${what}: mode bicubic takes 4 dimensions, got 5`);
  if (input.shape.slice(2).includes(0)) throw new ShapeError(`${what}: input must not be empty`);
  const aligned = alignCorners === true;
  return temporaries(() => {
    const [batch, channels] = input.shape as [number, number];
    const points = reshape(grid, [batch, -1, n]);
    // The last coordinate of the grid is that of the first spatial dimension.
    const axes = input.shape.slice(2).map((size, d): Axis => ({
      size,
      place: unnormalized(select(points, 2, n - 1 - d), size, aligned),
    }));
    const source: Source = {
      rows: reshape(input, [batch, channels, -1]),
      sizes: axes.map(({ size }) => size),
      padding: paddingMode,
      aligned,
    };
    const sampled = mode === "bicubic"
      ? sampleCubic(source, axes)
      : mode === "nearest"
      ? sampleNearest(source, axes)
      : sampleLinear(source, axes);
    const out = reshape(sampled, [batch, channels, ...grid.shape.slice(1, -1)]);
    return relabel(out, `GridSampler${n}DBackward0`);
  });
}

/** The input with one flat spatial dimension, and what lies around it. */
interface Source {
  readonly rows: Tensor;
  readonly sizes: Shape;
  readonly padding: GridPaddingMode;
  readonly aligned: boolean;
}

/** From -1 … 1 to places in the dimension. */
function unnormalized(x: Tensor, size: number, aligned: boolean): Tensor {
  return aligned ? mul(add(x, 1), (size - 1) / 2) : div(sub(mul(add(x, 1), size), 1), 2);
}

/** Places brought inside as the padding mode says; those of zeros stay outside. */
function padded(place: Tensor, size: number, { padding, aligned }: Source): Tensor {
  if (padding === "zeros") return place;
  const inside = padding === "border"
    ? place
    : aligned
    ? reflected(place, 0, 2 * (size - 1))
    : reflected(place, -1, 2 * size - 1);
  return clamp(inside, 0, size - 1);
}

/** Reflects at half of the ends, which are doubled so that they are integers. */
function reflected(place: Tensor, twiceLow: number, twiceHigh: number): Tensor {
  if (twiceLow === twiceHigh) return mul(place, 0);
  const low = twiceLow / 2;
  const span = (twiceHigh - twiceLow) / 2;
  const distance = abs(sub(place, low));
  const flips = floor(div(detach(distance), span));
  const extra = sub(distance, mul(flips, span));
  const even = le(remainder(flips, 2), 0.5);
  return add(where(even, extra, sub(span, extra)), low);
}

/** The elements at whole places, `[N, C, P]`; 0 where a place lies outside. */
function elementsAt({ rows, sizes }: Source, places: readonly Tensor[]): Tensor {
  let inside: Tensor | null = null;
  let flat: Tensor | null = null;
  places.forEach((place, d) => {
    const size = sizes[d]!;
    const here = logicalAnd(ge(place, 0), le(place, size - 1));
    inside = inside === null ? here : logicalAnd(inside, here);
    const index = castTo(where(here, place, 0), int32);
    flat = flat === null ? index : add(mul(flat, size), index);
  });
  const index = unsqueeze(flat!, 1);
  const shape = [rows.shape[0]!, rows.shape[1]!, index.shape[2]!];
  return where(unsqueeze(inside!, 1), bind("gather", [rows, expand(index, shape)], { dim: 2 }), 0);
}

function sampleNearest(source: Source, axes: readonly Axis[]): Tensor {
  const nearest = elementsAt(
    source,
    axes.map(({ place, size }) => round(padded(detach(place), size, source))),
  );
  // The grid has a gradient, which is 0: signs are finite everywhere and their gradient is 0.
  const factors = axes.map(({ place }) => add(mul(sign(place), 0), 1));
  return mul(nearest, unsqueeze(factors.reduce((a, b) => mul(a, b)), 1));
}

function sampleLinear(source: Source, axes: readonly Axis[]): Tensor {
  const sides = axes.map(({ place, size }) => {
    const at = padded(place, size, source);
    const low = floor(detach(at));
    const share = sub(at, low);
    return [{ place: low, weight: sub(1, share) }, { place: add(low, 1), weight: share }];
  });
  return weightedSum(source, sides);
}

function sampleCubic(source: Source, axes: readonly Axis[]): Tensor {
  const sides = axes.map(({ place, size }) => {
    const low = floor(detach(place));
    const weights = cubicWeights(sub(place, low));
    return weights.map((weight, k) => ({ place: padded(add(low, k - 1), size, source), weight }));
  });
  return weightedSum(source, sides);
}

/** Weights of four neighbours by cubic convolution with a = -0.75. */
function cubicWeights(t: Tensor): Tensor[] {
  const a = -0.75;
  const near = (x: Tensor) => add(mul(mul(sub(mul(x, a + 2), a + 3), x), x), 1);
  const far = (x: Tensor) => sub(mul(add(mul(sub(mul(x, a), 5 * a), x), 8 * a), x), 4 * a);
  const rest = sub(1, t);
  return [far(add(t, 1)), near(t), near(rest), far(add(rest, 1))];
}

interface Side {
  readonly place: Tensor;
  readonly weight: Tensor;
}

/** Sum over all combinations of one side from each axis. */
function weightedSum(source: Source, sides: readonly (readonly Side[])[]): Tensor {
  let combinations: Side[][] = [[]];
  for (const side of sides) combinations = combinations.flatMap((some) => side.map((one) => [...some, one]));
  let total: Tensor | null = null;
  for (const combination of combinations) {
    const weight = combination.map((side) => side.weight).reduce((a, b) => mul(a, b));
    const part = mul(elementsAt(source, combination.map(({ place }) => place)), unsqueeze(weight, 1));
    total = total === null ? part : add(total, part);
  }
  return total!;
}

/**
 * The grid of places for {@linkcode gridSample} that an affine transformation gives.
 *
 * Shapes: theta `[N, 2, 3]` and size `[N, C, H, W]` → `[N, H, W, 2]`, or theta `[N, 3, 4]` and size `[N, C, D, H, W]` →
 * `[N, D, H, W, 3]`.
 *
 * @param alignCorners Whether -1 and 1 are the centres of the corner elements, instead of their edges. Default false.
 * @throws {ShapeError} If shapes do not fit.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.affine_grid.html
 */
export function affineGrid(
  theta: Tensor,
  size: Shape,
  alignCorners?: boolean | null | { readonly alignCorners?: boolean | null },
): Tensor {
  requireTensor("affineGrid", "theta", theta);
  const n = size.length - 2;
  const what = `Cannot affineGrid ${formatType(theta)} for size ${formatShape(size)}`;
  if (n !== 2 && n !== 3 || size.some((s) => !(s > 0))) {
    throw new ShapeError(`${what}: size must be 4 or 5 positive integers`);
  }
  if (theta.ndim !== 3 || theta.shape[0] !== size[0] || theta.shape[1] !== n || theta.shape[2] !== n + 1) {
    throw new ShapeError(
      `${what}: theta must be [${size[0]}, ${n}, ${n + 1}], got ${formatShape(theta.shape)}`,
    );
  }
  const aligned =
    (typeof alignCorners === "object" && alignCorners !== null ? alignCorners.alignCorners : alignCorners) ===
      true;
  return temporaries(() => {
    const spatial = size.slice(2);
    const axes = spatial.map((_, d) => d);
    // What a column of theta is multiplied by lies along one dimension: only the last sum is as large as the grid.
    const column = (c: number) => reshape(select(theta, 2, c), [size[0]!, n, ...axes.map(() => 1)]);
    let places = column(n);
    axes.forEach((d) => {
      const count = spatial[d]!;
      const line = count === 1 ? zeros([1], { dtype: theta.dtype, device: theta.device }) : mul(
        linspace(-1, 1, count, { dtype: theta.dtype, device: theta.device }),
        aligned ? 1 : (count - 1) / count,
      );
      // The last coordinate of the grid is that of the first spatial dimension.
      places = add(places, mul(column(n - 1 - d), reshape(line, axes.map((i) => i === d ? -1 : 1))));
    });
    const last = permute(places, [0, ...axes.map((d) => d + 2), 1]);
    return relabel(contiguous(last), "AffineGridGeneratorBackward0");
  });
}
