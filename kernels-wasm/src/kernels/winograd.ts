/**
 * When a convolution with kernels of 3 × 3 or more runs by Winograd's method, and the calls that it is made of.
 *
 * @module
 */

import { Call, META, type WasmDispatch, writeInts } from "../dispatch.ts";
import { count } from "../geometry.ts";
import { type Cut, cutting, type Kernels } from "../module.ts";
import { withSums } from "../partial_sums.ts";

/** A convolution of one group of images' channels with kernels of 3 × 3 or more. */
export interface WinogradGeometry {
  /** Images. */
  readonly batch: number;
  /** Groups that images and results consist of. */
  readonly groups: number;
  /** Channels of a group of the result; of the gradient where the weight's gradient is computed. */
  readonly rows: number;
  /** Channels of a group of the image. */
  readonly channels: number;
  /** Height and width of the image. */
  readonly size: readonly [height: number, width: number];
  /** Zeros above and before it. */
  readonly padding: readonly [above: number, before: number];
  /** Height and width of the result. */
  readonly out: readonly [height: number, width: number];
  /** How far the kernels move: 1 where they are not of 3 × 3. */
  readonly stride: 1 | 2;
  /** Height and width of the kernels: each block of 3 × 3 counts as a channel. */
  readonly kernel: readonly [height: number, width: number];
  /** Elements from tap to tap: more than 1 only where the kernels move by 1. */
  readonly dilation: readonly [down: number, across: number];
}

/** Where Winograd pays, by measurement. */
export const winogradLimits: {
  channels: number;
  rows: number;
  strided: number;
  waste: number;
  weights: number;
  cost: number;
} = {
  /** Least channels of the image: with fewer, transforms cost more than products. */
  channels: 8,
  /** Least channels of the result. */
  rows: 8,
  /** Least channels of either where kernels move by 2. */
  strided: 16,
  /** Most elements of whole tiles for one element of the result, where the cost is not compared or kernels move by 2. */
  waste: 2,
  /** Most transformed weights, in bytes. */
  weights: 2 ** 26,
  /** Most that it may cost for what plain products cost, but for dense kernels of 3 × 3 that move by 1. */
  cost: 1,
};

/** Products that the transform of a tile costs as much as, for each channel of the image, of the result, and each weight. */
const TRANSFORM = { image: 900, result: 900, weight: 450 };
/** The same where kernels move by 2, to compare with products of another kind. */
const STRIDED = { image: 1100, result: 550, weight: 500 };
const BLOCKS = { image: 500, result: 500, weight: 425 };

/** What {@linkcode Winograd} makes of weights: see assembly/winograd.ts. */
const TURNED = 1;
const DEEP = 2;
const APART = 3;

/** Products of a tile for each pair of channels, elements from tile to tile of the image, and what the last one has more. */
const TILE = { 1: { products: 36, step: 4, overlap: 2 }, 2: { products: 81, step: 8, overlap: 1 } } as const;

const { ceil } = Math;

/** True when `g` should run by Winograd's method. */
export function isWinogradBetter(g: WinogradGeometry): boolean {
  const { channels, rows, strided, waste, weights, cost } = winogradLimits;
  const [height, width] = g.out;
  if (g.batch * height * width === 0 || g.channels < channels || g.rows < rows) return false;
  if (g.stride === 2 && Math.min(g.channels, g.rows) < strided) return false;
  const blocks = blocksOf(g);
  if (g.padding.some((v) => v < 0) || g.channels * g.rows * blocks * TILE[g.stride].products * 4 > weights) {
    return false;
  }
  const isPlain = g.stride === 1 && blocks * count(g.dilation) === 1;
  if ((isPlain || g.stride === 2) && 16 * tilesOf(g) > waste * height * width) return false;
  if (isPlain) return true;
  const { image, result, weight } = g.stride === 2 ? STRIDED : BLOCKS;
  const tile = productsOf(g) + blocks * image / g.rows + result / g.channels;
  const direct = count(g.kernel) * g.batch * height * width;
  return g.batch * tilesOf(g) * tile + blocks * weight <= cost * direct;
}

/** Products of a tile for each pair of channels: blocks that lack rows or columns have none at one of six points. */
function productsOf({ stride, kernel }: WinogradGeometry): number {
  const [down, across] = kernel.map((n) => 6 * ceil(n / 3) - (n % 3 === 0 ? 0 : 1));
  return stride === 2 ? TILE[2].products : down! * across!;
}

/** Blocks of 3 × 3 that a kernel consists of. */
function blocksOf({ kernel: [height, width] }: WinogradGeometry): number {
  return ceil(height / 3) * ceil(width / 3);
}

/** Tiles of an image: with dilation, of as many results as there are places for the first tap. */
function tilesOf({ out, dilation }: WinogradGeometry): number {
  return count(dilation) * ceil(out[0] / dilation[0] / 4) * ceil(out[1] / dilation[1] / 4);
}

/** Elements of an image, and of a result, with all groups. */
const imageOf = (g: WinogradGeometry): number => g.groups * g.channels * count(g.size);
const resultOf = (g: WinogradGeometry): number => g.groups * g.rows * count(g.out);

/** A step that finds out as it runs whether its results may be used. */
export interface Trial {
  /** Runs the step; false where its results must not be used. */
  attempt(): boolean;
}

/**
 * Steps by Winograd's method and then `finish`, or `otherwise` instead of them all where one met inputs that are not finite, or
 * too large beside others.
 */
export function tryAll(
  trials: readonly Trial[],
  otherwise: WasmDispatch,
  finish: () => void = () => {},
): WasmDispatch {
  const run = (): void => {
    if (trials.every((trial) => trial.attempt())) finish();
    else otherwise.run();
  };
  return { run };
}

function metaOf(g: WinogradGeometry): number[] {
  const [image, result] = [imageOf(g), resultOf(g)];
  const sizes = [...g.size, ...g.padding, ...g.out];
  return [g.rows, g.channels, ...sizes, image, result, g.stride, ...g.kernel, ...g.dilation];
}

/**
 * The convolution of x with w to o.
 *
 * @param pointers Of x, w and o.
 * @param weights Elements from one channel of the result to the next in w, from one of the image to the next, and whether
 *   the kernels are turned around, which those that move by 2 cannot be.
 */
export function winograd(
  kernels: Kernels,
  pointers: readonly [x: number, w: number, o: number],
  weights: readonly [row: number, channel: number, isTurned: boolean],
  g: WinogradGeometry,
): Trial {
  const { rows, out, stride, kernel, dilation } = g;
  const scratch = kernels.entry("winograd_scratch");
  kernels.needScratch(scratch.fn(rows, g.channels, ...out, stride, ...kernel, ...dilation));
  const [row, channel, isTurned] = weights;
  const mode = g.stride === 2 ? DEEP : isTurned ? TURNED : 0;
  return new Winograd(kernels, pointers, [row, channel, mode], g, metaOf(g));
}

/** Most tiles of an image whose input gradient is added up from tiles: they are transformed at once. */
const MOST_TILES = { 1: 64, 2: 256 } as const;

/**
 * True when the gradient for the input of the convolution `g` should be added up from tiles of its result, rather than be a
 * convolution over tiles of the input, which are more where nothing is padded.
 */
export function isBackBetter(g: WinogradGeometry): boolean {
  const [tiles, other] = [tilesOf(g), tilesOf({ ...g, out: g.size })];
  return isWinogradBetter(g) && blocksOf(g) * count(g.dilation) === 1 && tiles <= MOST_TILES[g.stride] &&
    (g.stride === 2 || 1.15 * tiles < other);
}

/**
 * The gradient for the input of the convolution `g`.
 *
 * @param pointers Of the gradient of the result, w and the gradient for the input.
 */
export function winogradBack(
  kernels: Kernels,
  pointers: readonly [x: number, w: number, o: number],
  g: WinogradGeometry,
): Trial {
  const back = { ...g, rows: g.channels, channels: g.rows };
  const { step, overlap } = TILE[g.stride];
  const [high, wide] = [0, 1].map((i) =>
    Math.max(step * ceil(g.out[i]! / 4) + overlap, g.padding[i]! + g.size[i]!)
  );
  const scratch = kernels.entry("winograd_back_scratch");
  kernels.needScratch(scratch.fn(back.rows, back.channels, ...g.out, high! * wide!, g.stride));
  const meta = metaOf(g);
  meta.splice(0, 2, back.rows, back.channels);
  const mode = g.stride === 2 ? APART : 0;
  return new Winograd(kernels, pointers, [9, 9 * back.rows, mode], back, meta, true);
}

class Winograd implements Trial {
  readonly #kernels: Kernels;
  readonly #pointers: readonly [x: number, w: number, o: number];
  readonly #weights: readonly [row: number, channel: number, mode: number];
  readonly #g: WinogradGeometry;
  /** Channels in panels of four, each as often as its kernels have blocks. */
  readonly #steps: number;
  readonly #bytes: number;
  readonly #meta: readonly number[];
  readonly #isBack: boolean;

  constructor(
    kernels: Kernels,
    pointers: readonly [x: number, w: number, o: number],
    weights: readonly [row: number, channel: number, mode: number],
    g: WinogradGeometry,
    meta: readonly number[],
    isBack = false,
  ) {
    this.#kernels = kernels;
    this.#pointers = pointers;
    this.#weights = weights;
    this.#g = g;
    this.#steps = ceil(g.channels / 4) * 4 * blocksOf(g);
    this.#bytes = kernels.entry("winograd_weights_size").fn(g.rows, this.#steps, weights[2]);
    this.#meta = meta;
    this.#isBack = isBack;
  }

  attempt(): boolean {
    const { heap } = this.#kernels;
    writeInts(heap, META, this.#meta);
    const block = heap.reserve(this.#bytes);
    try {
      this.#transform(block.start);
      return this.#multiply(block.start);
    } finally {
      heap.unreserve(block);
    }
  }

  /** Transforms the weights into `u`, once for all parts. */
  #transform(u: number): void {
    const { rows, channels } = this.#g;
    const [, w] = this.#pointers;
    const cost = rows * this.#steps * TRANSFORM.weight / 25;
    const args = [w, u, rows, channels, ...this.#weights, 0, rows];
    this.#run("winograd_weights_f32", args, { units: rows, at: 8, grain: 20, cost, moves: [[7, 1]] });
  }

  #multiply(u: number): boolean {
    const { batch, rows, channels, out, stride } = this.#g;
    const products = productsOf(this.#g);
    const steps = this.#steps;
    const tiles = tilesOf(this.#g);
    const groups = batch * ceil(tiles / 4);
    const cost = 4 * groups *
      (products * rows * channels + steps * TRANSFORM.image + rows * TRANSFORM.result) / 25;
    const [x, , o] = this.#pointers;
    const threads = this.#kernels.pool?.threads ?? 1;
    const deep = (this.#weights[2] === DEEP ? 4 : 1) * steps;
    const plane = count(this.#isBack ? this.#g.size : out);
    // One part for each thread: every one of them transforms all tiles.
    const most = Math.min(cost, 20 * cutting.least);
    const byRows = {
      units: rows,
      at: 3,
      grain: 20,
      cost: most,
      moves: [[1, deep * 4], [2, plane * 4]],
    } as const;
    // Parts of the images share the weights, parts of the rows share the images: the longer side is cut.
    const isWide = groups >= 2 * threads && (stride === 2 ? 4 : 8) * groups >= rows;
    let results: readonly number[];
    if (this.#isBack) {
      const { groups } = this.#g;
      const moves = [[0, groups * channels * count(out) * 4], [2, groups * rows * plane * 4]] as const;
      const byImages = { units: batch, at: 4, cost, moves };
      const cut = isWide && batch >= threads ? byImages : byRows;
      results = this.#run("winograd_back_f32", [x, u, o, rows, batch], cut);
    } else {
      const byTiles = { units: groups, at: 5, grain: 2, cost, moves: [[4, 1]] } as const;
      results = this.#run("winograd_f32", [x, u, o, rows, 0, groups], isWide ? byTiles : byRows);
    }
    return results.every((status) => status === -1);
  }

  #run(name: string, args: readonly number[], cut: Cut): readonly number[] {
    const calls = this.#kernels.partsOf(this.#kernels.entry(name), args, cut);
    return calls.length === 1 ? [calls[0]!.call()] : this.#kernels.pool!.run(calls);
  }
}

/**
 * The gradient for the weight, from the gradient g of the result and the image x.
 *
 * @param pointers Of g, x and the gradient.
 */
export function winogradWeightGrad(
  kernels: Kernels,
  pointers: readonly [g: number, x: number, o: number],
  g: WinogradGeometry,
): Trial {
  const { batch, rows, channels, out } = g;
  const scratch = kernels.entry("winograd_weight_grad_scratch");
  kernels.needScratch(scratch.fn(rows, channels, ...out, g.stride, ...g.kernel, ...g.dilation));
  const entry = kernels.entry("winograd_weight_grad_f32");
  const args = [...pointers, batch, channels];
  const tiles = tilesOf(g);
  const steps = channels * blocksOf(g);
  const cost = batch * tiles *
      (productsOf(g) * rows * channels + steps * TRANSFORM.image + rows * TRANSFORM.result) /
      25 +
    rows * steps * TRANSFORM.weight / 25;
  const threads = kernels.pool?.threads ?? 1;
  const [image, result, weights] = [imageOf(g), resultOf(g), rows * channels * count(g.kernel)];
  const sums = batch >= 2 * threads
    ? withSums(
      kernels,
      kernels.partsOf(entry, args, {
        ...{ units: batch, at: 3, cost, grain: ceil(batch / threads) },
        moves: [[0, result * 4], [1, image * 4]],
      }),
      [[2, weights]],
    )
    : kernels.cut(entry, args, {
      ...{ units: channels, at: 4, cost, grain: ceil(channels / threads / 8) * 8 },
      moves: [[1, g.size[0] * g.size[1] * 4], [2, count(g.kernel) * 4]],
    });
  const finite = new Call(kernels.entry("all_finite_f32"), [pointers[2], weights]);
  const meta = metaOf(g);
  return {
    attempt(): boolean {
      writeInts(kernels.heap, META, meta);
      sums.run();
      return finite.call() === -1;
    },
  };
}
