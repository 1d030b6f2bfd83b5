/**
 * Short-time Fourier transforms: spectra of overlapping windows, and back.
 *
 * Complex results and inputs are float tensors with a last dimension of 2.
 *
 * @module
 */

import { formatShape, formatType, int32, ShapeError, ValueError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind } from "../bind.ts";
import { constant, requireInteger, requireTensor } from "../coerce.ts";
import { noGrad } from "../grad_mode.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { canRead } from "../transform.ts";
import { expandTo, owned, permuteTo, sliceDim, viewAsShape } from "./building.ts";
import { fromData, itemSync } from "./data.ts";
import { fft, irfft, rfft } from "./fft.ts";
import { required } from "./lists.ts";
import { pad, type PadMode } from "./pad.ts";

/** Options of {@linkcode stft} and {@linkcode istft}. */
export interface StftBaseOptions {
  /** Size of the transform. */
  readonly nFft: number;
  /** Step from window to window. Default ⌊nFft / 4⌋. */
  readonly hopLength: number | null;
  /** Size of the window, at most `nFft`. Default `nFft`. */
  readonly winLength: number | null;
  /** The window, `[winLength]`. Default: ones. */
  readonly window: Tensor | null;
  /** Windows are centered on multiples of the step; else they begin there. Default true. */
  readonly center: boolean;
  /** Divide by √nFft (multiply, on the way back). Default false. */
  readonly normalized: boolean;
  /** Only the first nFft / 2 + 1 frequencies. Default true. */
  readonly onesided: boolean | null;
}

/** Options of {@linkcode stft}. */
export interface StftOptions extends StftBaseOptions {
  /** How the signal is continued at its ends when centered. Default `"reflect"`. */
  readonly padMode: PadMode;
  /** Accepted; the result always has real and imaginary parts in a last dimension. */
  readonly returnComplex: boolean | null;
}

/** Options of {@linkcode istft}. */
export interface IstftOptions extends StftBaseOptions {
  /** Size of the signal. Default: as far as the windows reach. */
  readonly length: number | null;
  /** Accepted; must be false. */
  readonly returnComplex: boolean;
}

/** The window in the middle of `size` places, in the dtype of `x`. */
function windowOf(op: string, x: Tensor, options: Partial<StftBaseOptions>, size: number): Tensor {
  const length = requireInteger(op, "winLength", options.winLength ?? size);
  if (length < 1 || length > size) {
    throw new ValueError(`Cannot ${op}: winLength must be from 1 to nFft ${size}, got ${length}`);
  }
  const given = options.window ?? null;
  if (
    given !== null && (requireTensor(op, "window", given).shape.length !== 1 || given.shape[0] !== length)
  ) {
    throw new ShapeError(`Cannot ${op}: window must have shape [${length}], got ${formatShape(given.shape)}`);
  }
  const window = given ?? expandTo(op, constant(1, x.dtype, x.backend), [length]);
  const before = Math.floor((size - length) / 2);
  if (length === size) return window;
  return bind("pad", [window], { low: [before], high: [size - length - before], value: 0 });
}

/**
 * Spectra of windows of a signal.
 *
 * Shapes: x `[…, T]` with at most one leading dimension → `[…, frequencies, windows, 2]`.
 *
 * @throws {ShapeError} If the signal is shorter than a window.
 * @see https://pytorch.org/docs/stable/generated/torch.stft.html
 */
export function stft(
  x: Tensor,
  ...args: Args<
    StftOptions,
    [
      "nFft",
      "hopLength",
      "winLength",
      "window",
      "center",
      "padMode",
      "normalized",
      "onesided",
      "returnComplex",
    ]
  >
): Tensor {
  requireTensor("stft", "input", x);
  const options = named<StftOptions>("stft", args, [
    "nFft",
    "hopLength",
    "winLength",
    "window",
    "center",
    "padMode",
    "normalized",
    "onesided",
    "returnComplex",
  ]);
  const size = requireInteger("stft", "nFft", required("stft", "nFft", options.nFft));
  const hop = requireInteger("stft", "hopLength", options.hopLength ?? Math.floor(size / 4));
  const { center = true, padMode = "reflect", normalized = false } = options;
  if (x.shape.length < 1 || x.shape.length > 2 || x.dtype.kind !== "float") {
    throw new ShapeError(
      `Cannot stft ${formatType(x)}: it must be a float signal [T] or [B, T], got ${formatType(x)}`,
    );
  }
  return temporaries(() => {
    const batched = x.shape.length === 2 ? x : viewAsShape(x, [1, x.shape[0]!]);
    const half = Math.floor(size / 2);
    const padded = center
      ? owned(
        viewAsShape(pad(viewAsShape(batched, [1, ...batched.shape]), [half, half], padMode), [
          batched.shape[0]!,
          batched.shape[1]! + 2 * half,
        ]),
      )
      : batched;
    const length = padded.shape[1]!;
    if (size < 1 || size > length || hop < 1) {
      throw new ShapeError(
        `Cannot stft ${
          formatType(x)
        }: nFft must be from 1 to ${length} and hopLength positive, got ${size} and ${hop}`,
      );
    }
    const windows = 1 + Math.floor((length - size) / hop);
    const places = Int32Array.from(
      { length: windows * size },
      (_, i) => Math.floor(i / size) * hop + i % size,
    );
    const index = fromData(places, [places.length], int32, x.device);
    const frames = viewAsShape(bind("indexSelect", [padded, index], { dim: 1 }), [
      batched.shape[0]!,
      windows,
      size,
    ]);
    const shaped = bind("mul", [frames, windowOf("stft", x, options, size)], null);
    const norm = normalized ? "ortho" as const : "backward" as const;
    const spectra = options.onesided ?? true ? rfft(shaped, { norm }) : fft(shaped, { norm });
    const turned = bind("copy", [permuteTo(spectra, [0, 2, 1, 3])], null);
    return x.shape.length === 2 ? turned : owned(viewAsShape(turned, turned.shape.slice(1)));
  });
}

/**
 * The signal whose {@linkcode stft} comes closest to these spectra: windows are added where they overlap, and divided by
 * the sum of the squared windows.
 *
 * Shapes: x `[…, frequencies, windows, 2]` with at most one leading dimension → `[…, T]`.
 *
 * @throws {ValueError} If the squared windows do not sum to more than 0 everywhere.
 * @see https://pytorch.org/docs/stable/generated/torch.istft.html
 */
export function istft(
  x: Tensor,
  ...args: Args<
    IstftOptions,
    [
      "nFft",
      "hopLength",
      "winLength",
      "window",
      "center",
      "normalized",
      "onesided",
      "length",
      "returnComplex",
    ]
  >
): Tensor {
  requireTensor("istft", "input", x);
  const options = named<IstftOptions>("istft", args, [
    "nFft",
    "hopLength",
    "winLength",
    "window",
    "center",
    "normalized",
    "onesided",
    "length",
    "returnComplex",
  ]);
  const size = requireInteger("istft", "nFft", required("istft", "nFft", options.nFft));
  const hop = requireInteger("istft", "hopLength", options.hopLength ?? Math.floor(size / 4));
  const { center = true, normalized = false, length = null } = options;
  const rank = x.shape.length;
  const [frequencies, windows, two] = x.shape.slice(-3);
  const onesided = options.onesided ?? frequencies !== size;
  const expected = onesided ? Math.floor(size / 2) + 1 : size;
  if (rank < 3 || rank > 4 || two !== 2 || frequencies !== expected || windows === 0) {
    throw new ShapeError(
      `Cannot istft ${formatType(x)}: it must be [${expected}, windows, 2] with or without a batch, got ${
        formatShape(x.shape)
      }`,
    );
  }
  return temporaries(() => {
    const batched = rank === 4 ? x : viewAsShape(x, [1, ...x.shape]);
    const spectra = permuteTo(batched, [0, 2, 1, 3]);
    const norm = normalized ? "ortho" as const : "backward" as const;
    // The second half of a whole spectrum plays no part, as in PyTorch: the signal is real.
    const half = sliceDim(spectra, 2, 0, Math.floor(size / 2) + 1);
    const signals = irfft(half, { n: size, norm, complex: true });
    const window = windowOf("istft", x, options, size);
    const shaped = bind("mul", [signals, window], null);
    const total = size + hop * (windows! - 1);
    const places = Int32Array.from(
      { length: windows! * size },
      (_, i) => Math.floor(i / size) * hop + i % size,
    );
    const index = fromData(places, [places.length], int32, x.device);
    const batch = batched.shape[0]!;
    const summed = (y: Tensor, rows: number) => {
      const zeros = expandTo("istft", constant(0, x.dtype, x.backend), [rows, total]);
      return bind("indexReduce", [zeros, index, viewAsShape(y, [rows, windows! * size])], {
        dim: 1,
        reduce: "sum",
      });
    };
    const squares = bind("mul", [window, window], null);
    const weights = summed(bind("copy", [expandTo("istft", squares, [windows!, size])], null), 1);
    const start = center ? Math.floor(size / 2) : 0;
    const end = length === null
      ? total - (center ? start : 0)
      : start + requireInteger("istft", "length", length);
    const stop = Math.min(end, total);
    const y = sliceDim(summed(shaped, batch), 1, start, stop);
    const divisor = sliceDim(weights, 1, start, stop);
    requireCovered(divisor);
    const signal = bind("div", [y, divisor], null);
    const out = end > stop ? bind("pad", [signal], { low: [0, 0], high: [0, end - stop], value: 0 }) : signal;
    return rank === 4 ? out : owned(viewAsShape(out, out.shape.slice(1)));
  });
}

/** Checks that no place is left out by all windows, where the device can be read at once. */
function requireCovered(weights: Tensor): void {
  if (!canRead(weights) || weights.shape.includes(0)) return;
  const least = noGrad(() =>
    Number(itemSync(bind("amin", [bind("abs", [weights], null)], { dims: [0, 1], keepdim: false })))
  );
  if (least <= 1e-11) {
    throw new ValueError(
      `Cannot istft: the squared windows must sum to more than 0 everywhere, got a window overlap add min of ${least}`,
    );
  }
}
