/**
 * Resizing: interpolate.
 *
 * All modes work dimension by dimension: each output element is a weighted sum of a few input elements along the
 * dimension. Places and weights are computed on the host, once for each dimension.
 *
 * @module
 */

import { formatType, NotImplementedError, numelOf, type Shape, ShapeError, ValueError } from "@flambeau/core";
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  type Args,
  type Tensor,
  tensor,
} from "@flambeau/tensor";
import { bind, named, relabel, requireTensor, temporaries } from "@flambeau/tensor/internal";

/** How new elements are made from old ones. */
export type InterpolateMode =
  | "nearest"
  | "nearest-exact"
  | "linear"
  | "bilinear"
  | "bicubic"
  | "trilinear"
  | "area";

/** Options of {@linkcode interpolate}. */
export interface InterpolateOptions {
  /** Spatial sizes of the output. */
  readonly size?: number | Shape | null;
  /** Factors of the spatial sizes. */
  readonly scaleFactor?: number | readonly number[] | null;
  /** Default `"nearest"`. */
  readonly mode?: InterpolateMode;
  /** Whether the centres of the corner elements stay in place, instead of the edges. Default false. */
  readonly alignCorners?: boolean | null;
  /** Whether the sizes, not the given factors, say where to look. Default false. */
  readonly recomputeScaleFactor?: boolean | null;
  /** Whether shrinking looks at all elements in between; for `"bilinear"` and `"bicubic"`. Default false. */
  readonly antialias?: boolean;
}

/** Which inputs one output element is made of: `indices[k][i]` with weight `weights[k][i]`, for output `i` and tap `k`. */
interface Taps {
  readonly indices: readonly (readonly number[])[];
  readonly weights: readonly (readonly number[])[] | null;
}

/** Geometry of one dimension. */
interface Line {
  readonly input: number;
  readonly output: number;
  /** The factor that was given, or null when the sizes say where to look. */
  readonly factor: number | null;
  readonly alignCorners: boolean;
}

const RANKS: Readonly<Record<InterpolateMode, readonly number[]>> = {
  nearest: [3, 4, 5],
  "nearest-exact": [3, 4, 5],
  area: [3, 4, 5],
  linear: [3],
  bilinear: [4],
  bicubic: [4],
  trilinear: [5],
};

const NAMES = ["size", "scaleFactor", "mode", "alignCorners", "recomputeScaleFactor", "antialias"] as const;

/**
 * Resizes signals, images and volumes.
 *
 * Shapes: `[N, C, …]` with 1 to 3 spatial dimensions (linear: 1, bilinear and bicubic: 2, trilinear: 3).
 *
 * @throws {ValueError} If not exactly one of `size` and `scaleFactor` is given, or an option does not go with the mode.
 * @throws {ShapeError} If the rank does not go with the mode.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html
 *
 * @example
 * ```ts
 * const big = interpolate(images, { scaleFactor: 2, mode: "bilinear" });
 * ```
 */
export function interpolate(
  input: Tensor,
  ...args: Args<
    InterpolateOptions,
    ["size", "scaleFactor", "mode", "alignCorners", "recomputeScaleFactor", "antialias"]
  >
): Tensor {
  requireTensor("interpolate", "input", input);
  const options = named<InterpolateOptions>("interpolate", args, NAMES);
  const { mode = "nearest", alignCorners = null, antialias = false } = options;
  const what = `Cannot interpolate ${formatType(input)}`;
  if (!(mode in RANKS)) {
    throw new ValueError(
      `${what}: mode must be one of ${Object.keys(RANKS).join(", ")}, got ${JSON.stringify(mode)}`,
    );
  }
  if (!RANKS[mode].includes(input.ndim)) {
    throw new ShapeError(
      `${what}: mode ${mode} takes ${RANKS[mode].join(", ")} dimensions, got ${input.ndim}`,
    );
  }
  const linear = !["nearest", "nearest-exact", "area"].includes(mode);
  if (alignCorners !== null && !linear) {
    throw new ValueError(`${what}: alignCorners must be left out for mode ${mode}, got ${alignCorners}`);
  }
  if (antialias && mode !== "bilinear" && mode !== "bicubic") {
    throw new ValueError(`${what}: antialias must be false for mode ${mode}, got true`);
  }
  const { sizes, factors } = outputOf(what, input, options);
  if (mode === "area") {
    const pool = [adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d][sizes.length - 1]!;
    return pool(input, sizes);
  }
  return temporaries(() => {
    let out = input;
    // Elements are harder to gather than rows: images that grow begin with their rows, others with their columns.
    const dims = sizes.map((_, d) => d);
    if (numelOf(sizes) > numelOf(input.shape.slice(2))) dims.reverse();
    dims.forEach((d) => {
      const output = sizes[d]!;
      const line = {
        input: input.shape[d + 2]!,
        output,
        factor: factors[d]!,
        alignCorners: alignCorners === true,
      };
      out = alongDim(out, d + 2, tapsOf(line, mode, antialias));
    });
    return relabel(out, `Upsample${labelOf(mode)}${sizes.length}DBackward0`);
  });
}

function labelOf(mode: InterpolateMode): string {
  return mode.split("-").map((word) => word[0]!.toUpperCase() + word.slice(1)).join("");
}

/** Sizes of the output, and the factors that say where to look, or null where the sizes do. */
function outputOf(
  what: string,
  input: Tensor,
  { size = null, scaleFactor = null, recomputeScaleFactor }: InterpolateOptions,
): { sizes: number[]; factors: (number | null)[] } {
  const spatial = input.shape.slice(2);
  if ((size === null) === (scaleFactor === null)) {
    throw new ValueError(
      `${what}: exactly one of size and scaleFactor must be given, got ${size === null ? "none" : "both"}`,
    );
  }
  if (recomputeScaleFactor === true && size !== null) {
    throw new ValueError(`${what}: recomputeScaleFactor must be left out where size is given`);
  }
  const given = (size ?? scaleFactor)!;
  const list = typeof given === "number" ? spatial.map(() => given) : [...given];
  if (list.length !== spatial.length) {
    throw new ShapeError(`${what}: there must be ${spatial.length} sizes or factors, got ${list.length}`);
  }
  const sizes = size !== null ? list : list.map((factor, d) => Math.floor(spatial[d]! * factor));
  if (sizes.some((n) => !(Number.isInteger(n) && n > 0)) || spatial.includes(0)) {
    throw new ShapeError(`${what}: input and output sizes must be greater than 0, got [${sizes.join(", ")}]`);
  }
  return {
    sizes,
    factors: list.map((factor) => size !== null || recomputeScaleFactor === true ? null : factor),
  };
}

/** The weighted sums along one dimension. */
function alongDim(x: Tensor, dim: number, { indices, weights }: Taps): Tensor {
  const { device } = x;
  if (weights === null) {
    return bind("indexSelect", [x, tensor([...indices[0]!], { dtype: "int32", device })], { dim });
  }
  const index = tensor(indices.map((row) => [...row]), { dtype: "int32", device });
  const weight = tensor(weights.map((row) => [...row]), { dtype: x.dtype, device });
  return bind("resample", [x, index, weight], { dim, size: null });
}

function tapsOf(line: Line, mode: InterpolateMode, antialias: boolean): Taps {
  if (mode === "nearest" || mode === "nearest-exact") return nearestTaps(line, mode === "nearest-exact");
  if (antialias) return smoothTaps(line, mode === "bicubic" ? { radius: 2, filter: cubicFilter } : triangle);
  return mode === "bicubic" ? cubicTaps(line) : linearTaps(line);
}

function outputs({ output }: Line): number[] {
  return Array.from({ length: output }, (_, i) => i);
}

/** Steps in the input for one in the output. */
function stepOf({ input, output, factor, alignCorners }: Line): number {
  if (alignCorners) return output > 1 ? (input - 1) / (output - 1) : 0;
  return factor !== null && factor > 0 ? 1 / factor : input / output;
}

/** Where output element `i` lies in the input. */
function placeOf(line: Line, i: number): number {
  const step = stepOf(line);
  return line.alignCorners ? step * i : step * (i + 0.5) - 0.5;
}

/** As PyTorch, in single precision: the choice between two elements hangs on it. */
function nearestTaps(line: Line, exact: boolean): Taps {
  const step = Math.fround(stepOf(line));
  const place = (i: number) => Math.floor(Math.fround((exact ? i + 0.5 : i) * step));
  return { indices: [outputs(line).map((i) => Math.min(place(i), line.input - 1))], weights: null };
}

function linearTaps(line: Line): Taps {
  const places = outputs(line).map((i) => Math.max(placeOf(line, i), 0));
  const low = places.map((place) => Math.min(Math.floor(place), line.input - 1));
  const share = places.map((place, i) => place - low[i]!);
  return {
    indices: [low, low.map((index) => Math.min(index + 1, line.input - 1))],
    weights: [share.map((t) => 1 - t), share],
  };
}

/** Weights of four neighbours by cubic convolution with a = -0.75. */
function cubicWeights(t: number): [number, number, number, number] {
  const a = -0.75;
  const near = (x: number) => ((a + 2) * x - (a + 3)) * x * x + 1;
  const far = (x: number) => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
}

function cubicTaps(line: Line): Taps {
  const places = outputs(line).map((i) => placeOf(line, i));
  const weights = places.map((place) => cubicWeights(place - Math.floor(place)));
  const index = (place: number, k: number) =>
    Math.min(Math.max(Math.floor(place) - 1 + k, 0), line.input - 1);
  const taps = [0, 1, 2, 3] as const;
  return {
    indices: taps.map((k) => places.map((place) => index(place, k))),
    weights: taps.map((k) => weights.map((four) => four[k])),
  };
}

interface Filter {
  readonly radius: number;
  readonly filter: (x: number) => number;
}

const triangle: Filter = { radius: 1, filter: (x) => Math.max(0, 1 - Math.abs(x)) };

/** Cubic convolution with a = -0.5, as image libraries use it for shrinking. */
function cubicFilter(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
}

/** A filter as wide as the step, normalized at the borders. */
function smoothTaps(line: Line, { radius, filter }: Filter): Taps {
  const step = stepOf(line);
  const support = radius * Math.max(step, 1);
  const sharpness = step >= 1 ? 1 / step : 1;
  const rows = outputs(line).map((i) => {
    const centre = step * (i + 0.5);
    const start = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), line.input);
    const raw = Array.from({ length: end - start }, (_, j) => filter((j + start - centre + 0.5) * sharpness));
    const total = raw.reduce((a, b) => a + b, 0);
    return { start, weights: raw.map((weight) => total === 0 ? weight : weight / total) };
  });
  const width = Math.max(...rows.map(({ weights }) => weights.length));
  if (width > 4096) {
    throw new NotImplementedError(
      `Cannot interpolate with antialias: a window of ${width} elements is too wide`,
    );
  }
  const taps = Array.from({ length: width }, (_, k) => k);
  return {
    indices: taps.map((k) => rows.map(({ start }) => Math.min(start + k, line.input - 1))),
    weights: taps.map((k) => rows.map(({ weights }) => weights[k] ?? 0)),
  };
}
