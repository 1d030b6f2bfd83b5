/**
 * Discrete Fourier transforms under PyTorch's names: the namespace `torch.fft`.
 *
 * There is no complex dtype: a complex tensor is a float tensor whose last dimension has size 2 and holds real and
 * imaginary parts. Results that are complex in PyTorch have that form. Inputs count as real unless `complex: true` says
 * that they have that form; dimension numbers and sizes then leave the last dimension out, as if it were not there.
 *
 * @example
 * ```ts
 * const spectrum = fft.rfft(x); // [..., n / 2 + 1, 2]
 * const back = fft.irfft(spectrum, { n: x.shape.at(-1), complex: true });
 * ```
 *
 * @module
 */

import {
  DTypeError,
  float32,
  formatShape,
  formatType,
  normalizeDim,
  numelOf,
  type Shape,
  ShapeError,
  ValueError,
} from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind } from "../bind.ts";
import {
  castTo,
  constant,
  defaults,
  dtypeOption,
  requireInteger,
  requireNumber,
  requireTensor,
  toFloat,
} from "../coerce.ts";
import { executeOn } from "../immediate.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { viewAsShape } from "./building.ts";
import { distinctDims, integers } from "./lists.ts";
import { type CreationOptions, fromNumbers, tabulate } from "./making.ts";
import { roll } from "./reorder.ts";

/** What a transform divides by: `"backward"` by n on the inverse, `"ortho"` by √n on both, `"forward"` by n on the other. */
export type FftNorm = "backward" | "ortho" | "forward";

/** Options of transforms along one dimension. */
export interface FftOptions {
  /** Size of the transformed signal: the input is cut or filled with zeros. Default: its size. */
  readonly n?: number | null;
  /** Along which dimension. Default -1. */
  readonly dim?: number;
  /** What is divided by. Default `"backward"`. */
  readonly norm?: FftNorm | null;
  /** The input holds real and imaginary parts in its last dimension. Default false. */
  readonly complex?: boolean;
}

/** Options of transforms along several dimensions. */
export interface FftnOptions {
  /** Sizes of the transformed signal. Default: those of the input. */
  readonly s?: Shape | null;
  /** Along which dimensions. */
  readonly dim?: number | Shape | null;
  /** What is divided by. Default `"backward"`. */
  readonly norm?: FftNorm | null;
  /** The input holds real and imaginary parts in its last dimension. Default false. */
  readonly complex?: boolean;
}

/** Positional options of transforms along one dimension. */
export type FftArgs = Args<FftOptions, ["n", "dim", "norm"]>;

/** Positional options of transforms along several dimensions. */
export type FftnArgs = Args<FftnOptions, ["s", "dim", "norm"]>;

/** A transform along several dimensions, understood. */
interface Plan {
  /** Pairs in the last dimension. */
  readonly x: Tensor;
  readonly dims: readonly number[];
  /** Sizes of the transformed signal. */
  readonly sizes: readonly number[];
  readonly norm: FftNorm;
}

function requireNorm(op: string, norm: FftNorm | null | undefined): FftNorm {
  const given = norm ?? "backward";
  if (!["backward", "ortho", "forward"].includes(given)) {
    throw new ValueError(
      `Cannot ${op}: norm must be backward, ortho or forward, got ${JSON.stringify(given)}`,
    );
  }
  return given;
}

/** Floats that can be transformed, with the sizes of the signal's dimensions. */
function signal(op: string, x: Tensor, complex: boolean): { floats: Tensor; shape: Shape } {
  requireTensor(op, "input", x);
  if (complex && x.shape[x.shape.length - 1] !== 2) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)}: the last size must be 2, for complex pairs, got ${
        formatShape(x.shape)
      }`,
    );
  }
  const shape = complex ? x.shape.slice(0, -1) : x.shape;
  if (shape.length === 0) {
    throw new ShapeError(`Cannot ${op} ${formatType(x)}: it must have at least one dimension, got a scalar`);
  }
  const floats = toFloat(x);
  return { floats: floats.dtype.itemsize < 4 ? castTo(floats, float32) : floats, shape };
}

function requireSize(op: string, x: Tensor, n: number): number {
  if (requireInteger(op, "n", n) < 1) {
    throw new ValueError(
      `Cannot ${op} ${formatType(x)}: the number of data points must be positive, got ${n}`,
    );
  }
  return n;
}

/** Real numbers as pairs with imaginary part 0; or both parts given. */
function pairs(real: Tensor, imaginary?: Tensor): Tensor {
  const rank = real.shape.length;
  const column = (y: Tensor) => viewAsShape(y, [...y.shape, 1]);
  if (imaginary !== undefined) return bind("concat", [column(real), column(imaginary)], { dim: rank });
  const zeros = real.shape.map(() => 0);
  return bind("pad", [column(real)], { low: [...zeros, 0], high: [...zeros, 1], value: 0 });
}

/** Real (0) or imaginary (1) parts. */
function part(x: Tensor, which: 0 | 1): Tensor {
  const last = x.shape.length - 1;
  const piece = bind("slice", [x], {
    starts: x.shape.map((_, d) => d === last ? which : 0),
    stops: x.shape.map((size, d) => d === last ? which + 1 : size),
    steps: x.shape.map(() => 1),
  });
  return viewAsShape(piece, x.shape.slice(0, -1));
}

/** The same pairs with imaginary parts of the other sign. */
function conjugate(x: Tensor): Tensor {
  return pairs(part(x, 0), bind("neg", [part(x, 1)], null));
}

/** Cut, or filled with zeros, to `size` along `dim`. */
function resized(x: Tensor, dim: number, size: number): Tensor {
  if (x.shape[dim] === size) return x;
  return bind("pad", [x], {
    low: x.shape.map(() => 0),
    high: x.shape.map((own, d) => d === dim ? size - own : 0),
    value: 0,
  });
}

/** `x` divided as `norm` says for a signal of `n` elements; `inverse`: in the direction of the inverse transform. */
function scaled(x: Tensor, n: number, norm: FftNorm, inverse: boolean): Tensor {
  const factor = norm === "ortho" ? 1 / Math.sqrt(n) : (norm === "backward") === inverse ? 1 / n : 1;
  return factor === 1 ? x : bind("mul", [x, constant(factor, x.dtype, x.backend)], null);
}

/** Complex to complex. */
function transform({ x, dims, sizes, norm }: Plan, inverse: boolean): Tensor {
  let y = x;
  dims.forEach((dim, i) => {
    y = resized(y, dim, sizes[i]!);
  });
  if (numelOf(y.shape) > 0) { for (const dim of dims) y = bind("fft", [y], { dim, inverse }); }
  return scaled(y, sizes.reduce((n, size) => n * size, 1), norm, inverse);
}

function along(
  op: string,
  x: Tensor,
  args: readonly unknown[],
): { floats: Tensor; dim: number; n: number | null; norm: FftNorm; complex: boolean } {
  const { n = null, dim = -1, norm, complex = false } = named<FftOptions>(op, args, ["n", "dim", "norm"], [
    "complex",
  ]);
  const { floats, shape } = signal(op, x, complex);
  return {
    floats,
    dim: normalizeDim(op, dim, shape.length),
    n: n === null ? null : requireSize(op, x, n),
    norm: requireNorm(op, norm),
    complex,
  };
}

function complexOneDim(
  op: string,
  x: Tensor,
  args: readonly unknown[],
  inverse: boolean,
  name: string,
): Tensor {
  return temporaries(() => {
    const { floats, dim, n, norm, complex } = along(op, x, args);
    const size = requireSize(op, x, n ?? floats.shape[dim]!);
    return relabel(
      transform({ x: complex ? floats : pairs(floats), dims: [dim], sizes: [size], norm }, inverse),
      name,
    );
  });
}

/**
 * The discrete Fourier transform along one dimension → pairs.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.fft.fft.html
 */
export function fft(x: Tensor, ...args: FftArgs): Tensor {
  return complexOneDim("fft", x, args, false, "FftC2CBackward0");
}

/**
 * The inverse of {@linkcode fft} → pairs.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.fft.ifft.html
 */
export function ifft(x: Tensor, ...args: FftArgs): Tensor {
  return complexOneDim("ifft", x, args, true, "FftC2CBackward0");
}

/** Real to the first half of a Hermitian spectrum, and its conjugate for the inverse direction. */
function realTransform({ x, dims, sizes, norm }: Plan, inverse: boolean): Tensor {
  const last = dims[dims.length - 1]!;
  let y = x;
  dims.forEach((dim, i) => {
    y = resized(y, dim, sizes[i]!);
  });
  let z = pairs(y);
  if (numelOf(z.shape) > 0) z = bind("fft", [z], { dim: last, inverse });
  z = resized(z, last, Math.floor(sizes[sizes.length - 1]! / 2) + 1);
  if (numelOf(z.shape) > 0) { for (const dim of dims.slice(0, -1)) z = bind("fft", [z], { dim, inverse }); }
  return scaled(z, sizes.reduce((n, size) => n * size, 1), norm, inverse);
}

function realOneDim(op: string, x: Tensor, args: readonly unknown[], inverse: boolean): Tensor {
  return temporaries(() => {
    const { floats, dim, n, norm, complex } = along(op, x, args);
    if (complex) throw new DTypeError(`Cannot ${op} ${formatType(x)}: it must be real, got complex pairs`);
    const size = requireSize(op, x, n ?? floats.shape[dim]!);
    return relabel(
      realTransform({ x: floats, dims: [dim], sizes: [size], norm }, inverse),
      "FftR2CBackward0",
    );
  });
}

/**
 * The transform of a real signal: only the first n / 2 + 1 places, because the others are their conjugates → pairs.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.fft.rfft.html
 */
export function rfft(x: Tensor, ...args: FftArgs): Tensor {
  return realOneDim("rfft", x, args, false);
}

/**
 * The inverse of {@linkcode hfft}: the conjugate of {@linkcode rfft}, divided by n → pairs.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.fft.ihfft.html
 */
export function ihfft(x: Tensor, ...args: FftArgs): Tensor {
  return realOneDim("ihfft", x, args, true);
}

/**
 * The first half of a Hermitian spectrum to a real signal of `sizes`: what lies beyond the half, and the imaginary part
 * of what is its own mirror image, plays no part.
 */
function toReal({ x, dims, sizes, norm }: Plan, inverse: boolean): Tensor {
  const last = dims[dims.length - 1]!;
  const n = sizes[sizes.length - 1]!;
  const half = Math.floor(n / 2) + 1;
  let y = x;
  dims.slice(0, -1).forEach((dim, i) => {
    y = resized(y, dim, sizes[i]!);
  });
  y = resized(y, last, half);
  if (numelOf(y.shape) > 0) { for (const dim of dims.slice(0, -1)) y = bind("fft", [y], { dim, inverse }); }
  // Σ over all places of a Hermitian spectrum = real part of Σ over the half, inner places counted twice.
  const weights = weightsOf(y, n, half);
  const ones = y.shape.slice(last + 1).map(() => 1);
  const weighted = bind("mul", [y, viewAsShape(weights, [half, ...ones])], null);
  const full = resized(weighted, last, n);
  const out = numelOf(full.shape) > 0 ? bind("fft", [full], { dim: last, inverse }) : full;
  const real = bind("copy", [part(out, 0)], null);
  return scaled(real, sizes.reduce((p, size) => p * size, 1), norm, inverse);
}

/** 1 for places that are their own mirror image, 2 for others. */
function weightsOf(like: Tensor, n: number, half: number): Tensor {
  const places = executeOn(like.backend, "iota", { start: 0, step: 1, size: half, dtype: like.dtype });
  const number = (value: number) => constant(value, like.dtype, like.backend);
  const first = bind("eq", [places, number(0)], null);
  const middle = bind("eq", [places, number(n / 2)], null);
  const own = bind("bitwiseOr", [first, middle], null);
  return bind("where", [own, number(1), number(2)], null);
}

function toRealOneDim(op: string, x: Tensor, args: readonly unknown[], inverse: boolean): Tensor {
  return temporaries(() => {
    const { floats, dim, n, norm, complex } = along(op, x, args);
    const size = requireSize(op, x, n ?? 2 * (floats.shape[dim]! - 1));
    const plan = { x: complex ? floats : pairs(floats), dims: [dim], sizes: [size], norm };
    return relabel(toReal(plan, inverse), "FftC2RBackward0");
  });
}

/**
 * The inverse of {@linkcode rfft}: the first half of a Hermitian spectrum to a real signal of size `n` (default: twice
 * the input's size less one).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.fft.irfft.html
 */
export function irfft(x: Tensor, ...args: FftArgs): Tensor {
  return toRealOneDim("irfft", x, args, true);
}

/**
 * The transform of a Hermitian signal, given by its first half, to a real spectrum.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.fft.hfft.html
 */
export function hfft(x: Tensor, ...args: FftArgs): Tensor {
  return toRealOneDim("hfft", x, args, false);
}

/** Reads the options of a transform along several dimensions. `lastHalf`: the last size of the input is a half spectrum's. */
function several(
  op: string,
  x: Tensor,
  args: readonly unknown[],
  fallback: Shape | null,
  lastHalf: boolean,
): Plan & { readonly complex: boolean } {
  const { s = null, dim = fallback, norm, complex = false } = named<FftnOptions>(op, args, [
    "s",
    "dim",
    "norm",
  ], ["complex"]);
  const { floats, shape } = signal(op, x, complex);
  const rank = shape.length;
  const given = s === null ? null : integers(op, "s", s);
  const listed = dim === null
    ? (given === null ? shape.map((_, d) => d) : given.map((_, i) => rank - given.length + i))
    : distinctDims(op, integers(op, "dim", dim), rank);
  if (listed.some((d) => d < 0) || (given !== null && given.length !== listed.length)) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)}: s and dim must have as many entries, at most ${rank}, got ${
        formatShape(given ?? [])
      } and ${formatShape(listed)}`,
    );
  }
  if (listed.length === 0) {
    throw new ValueError(`Cannot ${op} ${formatType(x)}: at least one axis must be transformed, got none`);
  }
  const sizes = listed.map((d, i) => {
    const own = lastHalf && i === listed.length - 1 ? 2 * (shape[d]! - 1) : shape[d]!;
    const size = given === null || given[i] === -1 ? own : given[i]!;
    return requireSize(op, x, size);
  });
  return { x: floats, dims: listed, sizes, norm: requireNorm(op, norm), complex };
}

const PLANE: Shape = [-2, -1];

function complexSeveral(
  op: string,
  x: Tensor,
  args: readonly unknown[],
  fallback: Shape | null,
  inverse: boolean,
): Tensor {
  return temporaries(() => {
    const plan = several(op, x, args, fallback, false);
    return relabel(
      transform({ ...plan, x: plan.complex ? plan.x : pairs(plan.x) }, inverse),
      "FftC2CBackward0",
    );
  });
}

function realSeveral(
  op: string,
  x: Tensor,
  args: readonly unknown[],
  fallback: Shape | null,
  inverse: boolean,
): Tensor {
  return temporaries(() => {
    const plan = several(op, x, args, fallback, false);
    if (plan.complex) {
      throw new DTypeError(`Cannot ${op} ${formatType(x)}: it must be real, got complex pairs`);
    }
    return relabel(realTransform(plan, inverse), "FftR2CBackward0");
  });
}

function toRealSeveral(
  op: string,
  x: Tensor,
  args: readonly unknown[],
  fallback: Shape | null,
  inverse: boolean,
): Tensor {
  return temporaries(() => {
    const plan = several(op, x, args, fallback, true);
    return relabel(toReal({ ...plan, x: plan.complex ? plan.x : pairs(plan.x) }, inverse), "FftC2RBackward0");
  });
}

/** {@linkcode fft} along the last two dimensions, or two others → pairs. */
export function fft2(x: Tensor, ...args: FftnArgs): Tensor {
  return complexSeveral("fft2", x, args, PLANE, false);
}

/** {@linkcode ifft} along the last two dimensions, or two others → pairs. */
export function ifft2(x: Tensor, ...args: FftnArgs): Tensor {
  return complexSeveral("ifft2", x, args, PLANE, true);
}

/** {@linkcode fft} along all dimensions, or those given → pairs. */
export function fftn(x: Tensor, ...args: FftnArgs): Tensor {
  return complexSeveral("fftn", x, args, null, false);
}

/** {@linkcode ifft} along all dimensions, or those given → pairs. */
export function ifftn(x: Tensor, ...args: FftnArgs): Tensor {
  return complexSeveral("ifftn", x, args, null, true);
}

/** {@linkcode rfft} along the last of two dimensions, and {@linkcode fft} along the other → pairs. */
export function rfft2(x: Tensor, ...args: FftnArgs): Tensor {
  return realSeveral("rfft2", x, args, PLANE, false);
}

/** {@linkcode rfft} along the last of some dimensions, and {@linkcode fft} along the others → pairs. */
export function rfftn(x: Tensor, ...args: FftnArgs): Tensor {
  return realSeveral("rfftn", x, args, null, false);
}

/** The inverse of {@linkcode rfft2} → real. */
export function irfft2(x: Tensor, ...args: FftnArgs): Tensor {
  return toRealSeveral("irfft2", x, args, PLANE, true);
}

/** The inverse of {@linkcode rfftn} → real. */
export function irfftn(x: Tensor, ...args: FftnArgs): Tensor {
  return toRealSeveral("irfftn", x, args, null, true);
}

/** {@linkcode hfft} along the last of two dimensions, and {@linkcode fft} along the other → real. */
export function hfft2(x: Tensor, ...args: FftnArgs): Tensor {
  return toRealSeveral("hfft2", x, args, PLANE, false);
}

/** {@linkcode hfft} along the last of some dimensions, and {@linkcode fft} along the others → real. */
export function hfftn(x: Tensor, ...args: FftnArgs): Tensor {
  return toRealSeveral("hfftn", x, args, null, false);
}

/** The inverse of {@linkcode hfft2} → pairs. */
export function ihfft2(x: Tensor, ...args: FftnArgs): Tensor {
  return realSeveral("ihfft2", x, args, PLANE, true);
}

/** The inverse of {@linkcode hfftn} → pairs. */
export function ihfftn(x: Tensor, ...args: FftnArgs): Tensor {
  return realSeveral("ihfftn", x, args, null, true);
}

function shifted(
  op: string,
  x: Tensor,
  dim: number | Shape | null | { readonly dim?: number | Shape | null } | undefined,
  forward: boolean,
): Tensor {
  requireTensor(op, "input", x);
  const given = typeof dim === "object" && dim !== null && !Array.isArray(dim)
    ? (dim as { dim?: number | Shape | null }).dim
    : dim as number | Shape | null | undefined;
  const dims = given === null || given === undefined
    ? x.shape.map((_, d) => d)
    : distinctDims(op, integers(op, "dim", given), x.shape.length);
  if (dims.length === 0) return bind("copy", [x], null);
  return roll(x, dims.map((d) => forward ? Math.floor(x.shape[d]! / 2) : Math.ceil(x.shape[d]! / 2)), dims);
}

/**
 * The place of frequency 0 moved to the middle of the dimensions (default: all; give those of the signal for pairs).
 *
 * @see https://pytorch.org/docs/stable/generated/torch.fft.fftshift.html
 */
export function fftshift(
  x: Tensor,
  dim?: number | Shape | null | { readonly dim?: number | Shape | null },
): Tensor {
  return shifted("fftshift", x, dim, true);
}

/** The inverse of {@linkcode fftshift}. */
export function ifftshift(
  x: Tensor,
  dim?: number | Shape | null | { readonly dim?: number | Shape | null },
): Tensor {
  return shifted("ifftshift", x, dim, false);
}

/** Options of {@linkcode fftfreq} and {@linkcode rfftfreq}. */
export interface FreqOptions extends CreationOptions {
  /** Time between samples. Default 1. */
  readonly d?: number;
}

/** Bins by number, as frequencies of a signal of `n` samples. */
function frequencies(
  op: string,
  n: number,
  args: Args<FreqOptions, ["d"]>,
  count: number,
  bin: (i: number) => number,
): Tensor {
  const options = named<FreqOptions>(op, args, ["d"], ["dtype", "device", "requiresGrad"]);
  const span = n * requireNumber(op, "d", options.d ?? 1);
  const dtype = dtypeOption(options.dtype) ?? defaults.dtype;
  if (dtype.kind !== "float") {
    throw new DTypeError(`Cannot ${op} of ${dtype.name}: it must have a float dtype, got ${dtype.name}`);
  }
  return fromNumbers(tabulate(op, count, (i) => bin(i) / span), [count], dtype, options);
}

/**
 * The frequencies of what {@linkcode fft} gives for `n` samples: `[0, 1, …, −2, −1] / (n · d)`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.fft.fftfreq.html
 */
export function fftfreq(n: number, ...args: Args<FreqOptions, ["d"]>): Tensor {
  return frequencies("fftfreq", n, args, n, (i) => i < n / 2 ? i : i - n);
}

/**
 * The frequencies of what {@linkcode rfft} gives for `n` samples: `[0, 1, …, ⌊n / 2⌋] / (n · d)`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.fft.rfftfreq.html
 */
export function rfftfreq(n: number, ...args: Args<FreqOptions, ["d"]>): Tensor {
  return frequencies("rfftfreq", n, args, Math.floor(n / 2) + 1, (i) => i);
}

/** The complex conjugate of pairs. */
export function conj(x: Tensor): Tensor {
  signal("conj", x, true);
  return temporaries(() => conjugate(x));
}

/** The product of pairs; shapes broadcast. */
export function complexMul(x: Tensor, y: Tensor): Tensor {
  signal("complexMul", x, true);
  signal("complexMul", y, true);
  return temporaries(() => {
    const [a, b, c, d] = [part(x, 0), part(x, 1), part(y, 0), part(y, 1)];
    const times = (p: Tensor, q: Tensor) => bind("mul", [p, q], null);
    return pairs(
      bind("sub", [times(a, c), times(b, d)], null),
      bind("add", [times(a, d), times(b, c)], null),
    );
  });
}

/** The size √(re² + im²) of pairs, without the last dimension. */
export function complexAbs(x: Tensor): Tensor {
  signal("complexAbs", x, true);
  return temporaries(() => bind("hypot", [part(x, 0), part(x, 1)], null));
}
