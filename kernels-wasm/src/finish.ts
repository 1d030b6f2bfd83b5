/**
 * What finishes products and convolutions: a bias for each channel and relu, done where results are stored.
 *
 * A device may let a product wait ({@linkcode Finishing}) until the steps come that follow it. Where these add a bias to its
 * whole result, or take relu of it, the kernel of the product does the same to each block while that is in a cache, with the
 * instructions of the single kernels, so that no bit changes. What was given back or overwritten meanwhile is never written.
 *
 * @module
 */

import { float32, type Operand } from "@flambeau/core";
import { type WasmDispatch, writeInts } from "./dispatch.ts";
import { count, isDense, pointer } from "./geometry.ts";
import type { WasmBuffer } from "./heap.ts";
import type { Kernels } from "./module.ts";

/** Where kernels read what to do with their results; zeros mean nothing. See assembly/finish.ts. */
const FINISH = 24512;
const NOTHING: readonly number[] = [0, 0, 0, 0, 0, 0, 0];
const [BASE, BIAS, RELU, PLANES, PLANE] = [0, 1, 3, 5, 6];

/** Elements of a product of matrices from which it may wait, a quarter of those of a convolution: fewer take less than to wait. */
export const finishing: { from: number } = { from: 8192 };

/** Bytes from an address on. */
type Range = readonly [address: number, bytes: number];

/** How the result of a product lies in memory: dense planes, of which each channel has one, image by image. */
export interface Planes {
  /** Number of planes. */
  readonly planes: number;
  /** Elements of a plane. */
  readonly plane: number;
  /** Channels of an image. */
  readonly channels: number;
}

/** A product or convolution of float32 whose kernels finish their results; alone it runs as any other. */
export class Product implements WasmDispatch {
  /** What it reads. */
  readonly reads: readonly Range[];
  /** Where its result goes. */
  readonly output: number;
  /** How that lies there. */
  readonly result: Planes;
  readonly #plain: WasmDispatch;
  readonly #into: (output: number) => WasmDispatch;

  /** @param into The same product into another place; `plain` is that into `output`. */
  constructor(
    inputs: readonly Operand[],
    output: number,
    result: Planes,
    plain: WasmDispatch,
    into: (output: number) => WasmDispatch,
  ) {
    this.reads = inputs.map(rangeOf);
    this.output = output;
    this.result = result;
    this.#plain = plain;
    this.#into = into;
  }

  /** Runs it alone. */
  run(): void {
    this.#plain.run();
  }

  /** Runs it into `output`. */
  runInto(output: number): void {
    if (output === this.output) this.run();
    else this.#into(output).run();
  }
}

/** From the first to the last element. */
function rangeOf(x: Operand): Range {
  let [low, high] = [0, 1];
  x.shape.forEach((size, d) => {
    const by = (size - 1) * x.strides[d]!;
    if (by < 0) low += by;
    else high += by;
  });
  const { itemsize } = x.dtype;
  return [pointer(x) + low * itemsize, (high - low) * itemsize];
}

/** A step that may finish a product: relu, or the addition of a bias. */
export class FinishStep implements WasmDispatch {
  /** The whole result that it reads. */
  readonly from: number;
  /** Address of the bias; 0 for relu. */
  readonly bias: number;
  /** Where its results go. */
  readonly to: number;
  /** The same step as any other. */
  readonly plain: () => WasmDispatch;

  /** @param bias Its address; 0 for relu. */
  constructor(from: number, bias: number, to: number, plain: () => WasmDispatch) {
    this.from = from;
    this.bias = bias;
    this.to = to;
    this.plain = plain;
  }

  /** Runs it alone. */
  run(): void {
    this.plain().run();
  }
}

/** The product of a device that waits, and the steps that finish it. */
export class Finishing {
  readonly #kernels: Kernels;
  #product: Product | null = null;
  #reads: Range[] = [];
  /** Its result, that with the bias, and that of relu; null where there is none, or nobody can read it. */
  #results: (number | null)[] = [];
  #bias = 0;
  /** Where the latest result goes. */
  #latest = 0;
  #hasRelu = false;
  #bytes = 0;

  /** @param kernels The running kernels. */
  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  /** True when a product waits. */
  get waits(): boolean {
    return this.#product !== null;
  }

  /** Lets a product wait. */
  begin(product: Product): void {
    this.#product = product;
    this.#reads = [...product.reads];
    this.#results = [product.output, null, null];
    this.#bias = 0;
    this.#hasRelu = false;
    this.#latest = product.output;
    this.#bytes = 4 * product.result.planes * product.result.plane;
  }

  /** The step of relu over the whole latest result of what waits; null where it is none. */
  relu(x: Operand, output: Operand, plain: () => WasmDispatch): FinishStep | null {
    if (this.#hasRelu || !this.#isLatest(x, output)) return null;
    return new FinishStep(pointer(x), 0, pointer(output), plain);
  }

  /** The step of adding a bias to the whole result of what waits; null where it is none. */
  bias([x, bias]: readonly Operand[], output: Operand, plain: () => WasmDispatch): FinishStep | null {
    if (this.#hasRelu || this.#bias !== 0 || !this.#isLatest(x!, output)) return null;
    const { channels, plane } = this.#product!.result;
    const { shape } = output;
    if (shape.length < 2 || shape[1] !== channels || count(shape.slice(2)) !== plane) return null;
    // Aligned with the last dimension of the result, it has the second of that only.
    const { dtype, shape: sizes, strides } = bias!;
    const at = sizes.length - shape.length + 1;
    if (dtype !== float32 || sizes.some((size, d) => size !== (d === at ? channels : 1))) return null;
    if (channels > 1 && (at < 0 || strides[at] !== 1)) return null;
    return new FinishStep(pointer(x!), pointer(bias!), pointer(output), plain);
  }

  #isLatest(x: Operand, output: Operand): boolean {
    return x.dtype === float32 && this.#product !== null && pointer(x) === this.#latest &&
      isDense(x, output.shape) && isDense(output, output.shape) && 4 * count(output.shape) === this.#bytes;
  }

  /** Lets a step run with what waits; false where it cannot. */
  join({ from, bias, to }: FinishStep): boolean {
    const product = this.#product;
    if (product === null || from !== this.#latest || this.#hasRelu || (bias !== 0 && this.#bias !== 0)) {
      return false;
    }
    const bytes = this.#bytes;
    const own: Range = [bias, 4 * product.result.channels];
    const reads = bias === 0 ? this.#reads : [...this.#reads, own];
    if (bias !== 0 && overlap(own, [product.output, bytes])) return false;
    if (
      to !== from && this.#results.some((place) => place !== null && overlap([place, bytes], [to, bytes]))
    ) {
      return false;
    }
    if (reads.some((range) => overlap(range, [to, bytes]))) return false;
    // What is overwritten before anybody reads it needs not be written.
    this.#results = this.#results.map((place) => place === to ? null : place);
    this.#results[bias === 0 ? 2 : 1] = to;
    this.#reads = reads;
    this.#latest = to;
    if (bias === 0) this.#hasRelu = true;
    else this.#bias = bias;
    return true;
  }

  /** A buffer is about to be given back: what it would have got is not written, what reads it runs first. */
  release({ ptr, bytes }: WasmBuffer): void {
    if (this.#product === null) return;
    if (this.#reads.some((range) => overlap(range, [ptr, bytes]))) return this.settle();
    const own = this.#bytes;
    this.#results = this.#results.map((place) =>
      place !== null && overlap([place, own], [ptr, bytes]) ? null : place
    );
    if (this.#results.every((place) => place === null)) this.#product = null;
  }

  /** Runs what waits. */
  settle(): void {
    const product = this.#product;
    if (product === null) return;
    this.#product = null;
    const [plain, biased, rectified] = this.#results as [number | null, number | null, number | null];
    const bias = biased === null && rectified === null ? 0 : this.#bias;
    if (biased === null && rectified === null) return product.run();
    // Before relu, the result has its bias.
    const kept = this.#bias === 0 ? plain : biased;
    const to = kept ?? rectified!;
    const words = [to, bias, product.result.channels, Number(rectified !== null)];
    words.push(kept === null || rectified === null ? 0 : rectified - kept);
    words.push(product.result.planes, product.result.plane);
    if (plain === null || plain === to) return this.#with(words, () => product.runInto(to));
    product.run();
    this.#with(words, () => finishWhole(this.#kernels, plain));
  }

  #with(words: readonly number[], body: () => void): void {
    const { heap } = this.#kernels;
    writeInts(heap, FINISH, words);
    try {
      body();
    } finally {
      writeInts(heap, FINISH, NOTHING);
    }
  }
}

/** Finishes a whole result, as a pass of its own: that at `from`, or where it is. Does nothing where nothing is to be done. */
export function finishWhole(kernels: Kernels, from: number | null = null): void {
  const word = (i: number): number => kernels.heap.ints[FINISH / 4 + i]!;
  if (word(BIAS) === 0 && word(RELU) === 0) return;
  const [to, planes, plane] = [word(BASE), word(PLANES), word(PLANE)];
  kernels.cut(kernels.entry("finish_f32"), [from ?? to, to, planes, plane, 0], {
    units: planes,
    at: 2,
    cost: planes * plane * 0.15,
    moves: [[0, plane * 4], [1, plane * 4], [4, 1]],
  }).run();
}

/** `step` with kernels that do not finish what they store, and then all of it finished. */
export function finishedAfter(kernels: Kernels, step: WasmDispatch): WasmDispatch {
  const run = (): void => {
    const { heap } = kernels;
    const words = [...heap.ints.subarray(FINISH / 4, FINISH / 4 + NOTHING.length)];
    writeInts(heap, FINISH, NOTHING);
    step.run();
    writeInts(heap, FINISH, words);
    finishWhole(kernels);
  };
  return { run };
}

function overlap([a, aBytes]: Range, [b, bBytes]: Range): boolean {
  return a < b + bBytes && b < a + aBytes;
}
