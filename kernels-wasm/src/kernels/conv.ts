/**
 * Convolutions and their gradients, and pooling, of dense float32 operands with one to three spatial dimensions.
 *
 * @module
 */

import {
  type ConvAttrs,
  float32,
  IndexError,
  int32,
  type KernelTable,
  type Operand,
  type PoolAttrs,
  type Shape,
} from "@flambeau/core";
import { type Entry, Job, MetaCall, type WasmDispatch } from "../dispatch.ts";
import { finishedAfter, finishing, finishWhole, Product } from "../finish.ts";
import { count, isDense, pointer } from "../geometry.ts";
import type { Cut, Kernels } from "../module.ts";
import { withSums } from "../partial_sums.ts";
import {
  isBackBetter,
  isWinogradBetter,
  type Trial,
  tryAll,
  winograd,
  winogradBack,
  type WinogradGeometry,
  winogradWeightGrad,
} from "./winograd.ts";

/** Three numbers for depth, height and width: those of fewer dimensions stand last, `fill` before them. */
function three(values: Shape, fill: number): number[] {
  return [...Array<number>(3 - values.length).fill(fill), ...values];
}

/** All numbers of one convolution that is computed as a product; three for each dimension. */
interface Geometry {
  readonly batch: number;
  readonly groups: number;
  /** Output channels of a group. */
  readonly rows: number;
  /** Channels of a group's image. */
  readonly channels: number;
  readonly size: number[];
  /** Where the image begins in the padded one. */
  readonly low: number[];
  /** Distance of its elements there. */
  readonly spread: number[];
  readonly kernel: number[];
  readonly dilation: number[];
  readonly out: number[];
  readonly stride: number[];
}

/** Dense and not empty: sums over nothing are left to the decomposition. */
function areDense(...operands: Operand[]): boolean {
  return operands.every((x) => x.dtype === float32 && isDense(x, x.shape) && !x.shape.includes(0));
}

/** Into how many parts rows of the padded image are split: where pixels are so far apart, so that they become neighbours. */
function splitOf(g: Geometry): number {
  // Few rows are computed where the image lies, unless windows overlap so much that splitting pays.
  if (g.rows < 4) return g.stride[2] === 2 && g.kernel[2]! > 2 ? 2 : 1;
  return g.kernel[2] === 1 ? 1 : g.stride[2]!;
}

/**
 * The call of `name` with its geometry in the block of metadata, or null where 32 bits do not hold its sizes.
 *
 * @param pointers Of the operands, the result last.
 */
function convolution(
  kernels: Kernels,
  name: string,
  pointers: readonly number[],
  g: Geometry,
): WasmDispatch | null {
  const read = g.out.map((n, i) => (n - 1) * g.stride[i]! + (g.kernel[i]! - 1) * g.dilation[i]! + 1);
  const split = splitOf(g);
  const direct = split === 1 &&
    read.every((n, i) => g.low[i] === 0 && g.spread[i] === 1 && n <= g.size[i]!);
  // The gradient of the input is taken out of the padded image whole, also where no window reads it.
  const adds = name === "conv_input_grad_f32";
  const needed = adds ? read.map((n, i) => Math.max(n, g.low[i]! + g.size[i]!)) : read;
  const padded = direct ? g.size : needed.map((n, i) => i === 2 ? Math.ceil(n / split) * split : n);
  const taps = g.channels * count(g.kernel);
  // Planes that are added up are made apart, and those of few columns as 8.
  const isBack = name === "conv_input_grad_back_f32";
  const image = isBack ? g.size[1]! * Math.max(8, g.size[2]!) : direct ? 0 : g.channels * count(padded);
  const { batch, groups } = g;
  const sizes = [batch * g.channels * count(g.size), g.rows * taps, batch * g.rows * count(g.out)];
  if (!sizes.every((size) => groups * size < 2 ** 29) || image + taps * g.rows > 2 ** 27) return null;
  const scratch = kernels.entry(adds ? "conv_input_grad_scratch" : "conv_scratch");
  kernels.needScratch(scratch.fn(g.rows, taps, count(g.out), image));
  const meta = [
    ...[g.batch, g.groups, g.rows, g.channels],
    ...[g.size, g.low, g.spread, padded, g.kernel, g.dilation, g.out, g.stride].flat(),
    ...[direct ? 1 : 0, split],
  ];
  return new MetaCall(cutConvolution(kernels, name, pointers, g), meta, kernels.heap);
}

/** The call of a convolution on several threads: by images, groups, or what else its parts may be. */
function cutConvolution(
  kernels: Kernels,
  name: string,
  pointers: readonly number[],
  g: Geometry,
): WasmDispatch {
  const entry = kernels.entry(name);
  const taps = g.channels * count(g.kernel);
  const pixels = count(g.out);
  const volume = g.channels * count(g.size);
  const products = g.rows * taps * pixels;
  // Few rows read the image once for each; others copy every element of the gathered matrix first.
  const isBack = name === "conv_input_grad_back_f32";
  const cost = g.batch * g.groups * (isBack ? 0.4 : 1) *
    (products / 25 + taps * pixels * (g.rows < 4 ? 0.2 : 0.5));
  const threads = kernels.pool?.threads ?? 1;
  const isWeightGrad = name === "conv_weight_grad_f32";
  const isAdded = name === "conv_input_grad_f32" || isBack;
  // What one image and one group take in each operand, in bytes.
  const [image, product, weights] = [volume * 4, g.rows * pixels * 4, g.rows * taps * 4];
  const steps = isWeightGrad
    ? [product, image, weights]
    : isAdded
    ? [product, weights, image]
    : [image, weights, product];
  const shared = isWeightGrad ? 2 : 1;
  const tail = isWeightGrad ? [0, taps, 0, pixels] : isAdded ? [g.channels] : [g.rows, 0, pixels];
  const args = [...pointers, g.batch, g.groups, ...tail];
  const byGroups = {
    units: g.groups,
    at: 4,
    // Four planes at a time, where parts are not too few for it.
    grain: isWeightGrad && g.groups >= 4 * threads ? 4 : 1,
    cost,
    moves: steps.map((step, i) => [i, step] as const),
  };
  const byImages = {
    units: g.batch,
    at: 3,
    cost,
    moves: steps.flatMap((step, i) => i === shared ? [] : [[i, step * g.groups] as const]),
  };
  if (g.groups >= 2 * threads) return kernels.cut(entry, args, byGroups);
  if (isWeightGrad) return cutWeightGrad(kernels, entry, args, g, byImages);
  if (g.batch >= threads || (isAdded && g.channels === 1)) {
    return kernels.cut(entry, args, byImages);
  }
  if (isAdded) {
    const moves = [[1, count(g.kernel) * 4], [2, count(g.size) * 4]] as const;
    return kernels.cut(entry, args, { units: g.channels, at: 5, cost, moves });
  }
  if (g.rows > pixels) {
    const row = name === "conv_f32" ? taps * 4 : count(g.kernel) * 4;
    return kernels.cut(entry, args, {
      units: g.rows,
      at: 5,
      grain: 20,
      cost,
      moves: [[1, row], [2, pixels * 4]],
    });
  }
  // Few channels are made of whole rows of pixels.
  const grain = g.rows < 4 && g.out[0] === 1 && g.out[1]! >= 8 ? 2 * g.out[2]! : 8;
  const step = kernels.cut(entry, args, { units: pixels, at: 7, grain, cost, moves: [[2, 4], [6, 1]] });
  // Tiles at the edge of a part reach into the next.
  return taps <= FEW_TAPS && step instanceof Job ? finishedAfter(kernels, step) : step;
}

/** The gradient of weights: every thread has images of its own and sums of its own, which are added at the end. */
function cutWeightGrad(
  kernels: Kernels,
  entry: Entry,
  args: readonly number[],
  g: Geometry,
  byImages: Cut,
): WasmDispatch {
  const taps = g.channels * count(g.kernel);
  const size = g.groups * g.rows * taps;
  if (g.batch < 4 && g.rows >= 4) {
    const pixels = count(g.out);
    // Parts of the taps pack the same gradient, parts of the pixels have sums of their own: the larger operand is shared.
    if (pixels > 4 * taps) {
      const cut = { units: pixels, at: 8, grain: 256, cost: byImages.cost, moves: [[7, 1]] as const };
      return withSums(kernels, kernels.partsOf(entry, args, cut), [[2, size]]);
    }
    return kernels.cut(entry, args, {
      units: taps,
      at: 6,
      grain: 8,
      cost: byImages.cost,
      moves: [[2, 4], [5, 1]],
    });
  }
  const parts = kernels.partsOf(entry, args, byImages);
  return withSums(kernels, parts, [[2, size]]);
}

/** Widest image whose rows the working memory of assembly/back.ts holds. */
const MOST_COLUMNS = 16384;

/** Sizes of the square kernels whose gradients of the input assembly/back.ts makes, by their stride. */
const BACKS: Readonly<Record<number, readonly number[]>> = { 1: [3, 5], 2: [1, 2, 3, 4, 5, 7], 3: [3] };

/** Whether planes of the input's gradient are made where the gradient lies: few, of kernels that there are bodies for. */
function isNear({ rows, channels, size, low, kernel, dilation, out, stride }: Geometry): boolean {
  const [, by] = stride as [number, number];
  const [, high] = kernel as [number, number];
  const [, above, left] = low as [number, number, number];
  const has = (BACKS[by] ?? []).includes(high) && rows * channels < 4 && size[0]! * out[0]! === 1 &&
    low[0] === 0 &&
    String([stride, kernel, dilation]) === String([1, by, by, 1, high, high, 1, 1, 1]) &&
    (by > 1 || size[2]! >= 8) && Math.max(size[2]!, out[2]!) <= MOST_COLUMNS;
  // Pairs of columns whose first is outside have bodies from 2 × 2 on.
  if (by > 1 || !has) return has && (high > 1 || left % 2 === 0);
  // Others are convolutions with turned weights, which read the gradient where it lies too.
  return rows * channels === 1 && Math.max(above, left) < high && (high === 5 || Math.min(above, left) === 0);
}

/** Most taps of convolutions that read the image tap by tap. */
const FEW_TAPS = 32;

/**
 * What {@linkcode isTurnedBetter} compares, in products, by measurement: how long those take of channels so few that nothing is
 * gathered (less as sums; else the fewer taps, the more copying weighs), what gathering an element costs, what making and adding
 * one to its place does. With 8 channels and more, where Winograd's method mostly takes the place of both, the choice is rough.
 */
const COSTS = {
  sum: 1,
  few: (taps: number): number => 1.35 + 5 / taps,
  gather: 4,
  spread: 7,
  spreadMany: 13,
};

/** Most elements of an image that sums, which go down its columns, read as fast. */
const MOST_OF_SUMS = 2 ** 21;

/** Whether few planes are sums over planes of the image times kernels of 3 × 3 that move by 1: `isSum` in assembly/conv.ts. */
function isSum({ size, low, spread, kernel, dilation, out, stride }: Geometry): boolean {
  const [, above, left] = low as [number, number, number];
  const n = out[2]!;
  return String([kernel, stride, spread, dilation]) === "1,3,3,1,1,1,1,1,1,1,1,1" && size[0] === 1 &&
    Math.min(above, left) >= 0 && Math.max(above, left) <= 2 && n >= 8 && n <= 16384 &&
    (left < 2 || n % 4 !== 1);
}

/**
 * True when the gradient of the input is cheaper as a convolution with `turned` weights, which covers every element of the
 * input, than as a product for the elements of the output whose columns are then added up.
 */
function isTurnedBetter(turned: Geometry): boolean {
  const { rows: channels, channels: rows, size, kernel, out } = turned;
  const [covered, read] = [count(out) * rows, count(size) * channels];
  if (channels >= 8) return covered * Math.ceil(channels / 5) * 5 <= read * (rows + COSTS.spreadMany);
  if (channels >= 4) return covered * (channels + COSTS.gather) <= read * (rows + COSTS.spread);
  if (out[0]! * kernel[0]! > 1 || kernel[1] === 1 || out[2]! < 4) return false;
  const isFast = isSum(turned) && rows * count(size) <= MOST_OF_SUMS;
  return covered * channels * (isFast ? COSTS.sum : COSTS.few(count(kernel))) <= read * (rows + COSTS.spread);
}

/** The geometry for Winograd's method, where it computes this kind of convolution and pays; else null. */
function winogradOf(g: Geometry): WinogradGeometry | null {
  const stride = g.stride[1] === 2 ? 2 : 1;
  const [depth, height, width] = g.kernel as [number, number, number];
  const isPlain = g.size[0] === 1 && depth === 1 && Math.min(height, width) >= 3 &&
    (stride === 1 || Math.max(height, width) === 3) && String(g.stride) === `1,${stride},${stride}` &&
    g.spread.every((v) => v === 1) && (stride === 1 || count(g.dilation) === 1);
  if (!isPlain) return null;
  const plane = (list: readonly number[]): [number, number] => [list[1]!, list[2]!];
  const { batch, groups, rows, channels } = g;
  const sizes = { size: plane(g.size), padding: plane(g.low), out: plane(g.out) };
  const geometry: WinogradGeometry = {
    batch,
    groups,
    rows,
    channels,
    ...sizes,
    stride,
    kernel: [height, width],
    dilation: plane(g.dilation),
  };
  return isWinogradBetter(geometry) ? geometry : null;
}

/** The steps that `make` makes for each group: the pointers go on by the bytes of a group's part. */
function eachGroup<P extends readonly number[]>(
  groups: number,
  pointers: P,
  parts: readonly number[],
  make: (pointers: P) => Trial,
): Trial[] {
  return Array.from(
    { length: groups },
    (_, i) => make(pointers.map((p, k) => p + 4 * i * parts[k]!) as unknown as P),
  );
}

/** The convolution that `make` makes into an address, as one that a bias and relu may finish. */
function finishable(
  inputs: readonly Operand[],
  output: Operand,
  make: (to: number) => WasmDispatch | null,
): WasmDispatch | null {
  const plain = make(pointer(output));
  if (plain === null) return null;
  const [images, channels] = output.shape as [number, number];
  const result = { planes: images * channels, plane: count(output.shape.slice(2)), channels };
  if (result.planes * result.plane < 4 * finishing.from) return plain;
  return new Product(inputs, pointer(output), result, plain, (to) => make(to)!);
}

/** What the three primitives share: geometry of the image, the kernel and the stride. */
function shared(attrs: ConvAttrs): Pick<Geometry, "groups" | "dilation"> {
  return { groups: attrs.groups, dilation: three(attrs.dilation, 1) };
}

function poolMeta(size: Shape, out: Shape, attrs: PoolAttrs): number[] {
  return [
    three(size, 1),
    three(out, 1),
    three(attrs.kernelSize, 1),
    three(attrs.stride, 1),
    three(attrs.padding, 0),
    three(attrs.dilation, 1),
  ].flat();
}

/** Bytes of working memory for pooling: the rows that windows span, with places beside them, and a list of these; or a row. */
function poolScratch(meta: readonly number[]): number {
  const [columns, deep, high] = [meta[5]!, meta[6]!, meta[7]!];
  const rows = deep * ((high - 1) * meta[16]! + 1);
  const width = meta[2]!;
  return 4 * Math.max(width, Math.ceil(deep * high / 4) * 4 + 2 * rows * Math.ceil(columns / 4) * 4);
}

/** Convolutions, their gradients, and pooling. */
export function convKernels(kernels: Kernels): Partial<KernelTable<WasmDispatch>> {
  const averages = (
    name: string,
    args: readonly number[],
    [from, to]: readonly [Operand, Operand],
    attrs: PoolAttrs,
    meta: readonly number[],
  ): WasmDispatch => {
    const sizes = [count(from.shape.slice(2)), count(to.shape.slice(2))] as const;
    kernels.needScratch(poolScratch(meta));
    const step = kernels.cut(kernels.entry(name), args, {
      units: args[2]!,
      at: 2,
      cost: args[2]! * (Math.min(...sizes) * Math.max(...attrs.kernelSize) * 0.3 + Math.max(...sizes) * 0.1),
      moves: [[0, sizes[0] * 4], [1, sizes[1] * 4]],
    });
    return new MetaCall(step, meta, kernels.heap);
  };
  return {
    conv([x, weight], output, attrs) {
      if (!areDense(x, weight, output)) return null;
      const g: Geometry = {
        ...shared(attrs),
        batch: x.shape[0]!,
        rows: weight.shape[0]! / attrs.groups,
        channels: weight.shape[1]!,
        size: three(x.shape.slice(2), 1),
        low: three(attrs.padding, 0),
        spread: [1, 1, 1],
        kernel: three(weight.shape.slice(2), 1),
        out: three(output.shape.slice(2), 1),
        stride: three(attrs.stride, 1),
      };
      const [from, by] = [pointer(x), pointer(weight)];
      const make = (to: number): WasmDispatch | null => {
        const pointers = [from, by, to] as const;
        const direct = convolution(kernels, "conv_f32", pointers, g);
        const tiled = winogradOf(g);
        if (direct === null || tiled === null) return direct;
        const { channels, rows } = tiled;
        const taps = count(tiled.kernel);
        const parts = [channels * count(tiled.size), rows * channels * taps, rows * count(tiled.out)];
        const trials = eachGroup(
          attrs.groups,
          pointers,
          parts,
          (p) => winograd(kernels, p, [taps * channels, taps, false], tiled),
        );
        return tryAll(trials, direct);
      };
      return finishable([x, weight], output, make);
    },
    convInputGrad([g, weight], output, attrs) {
      if (!areDense(g, weight, output)) return null;
      const kernel = three(weight.shape.slice(2), 1);
      const dilation = three(attrs.dilation, 1);
      const padding = three(attrs.padding, 0);
      const rows = weight.shape[0]! / attrs.groups;
      const sizes = [three(attrs.inputSize, 1), three(g.shape.slice(2), 1)] as const;
      const common = { ...shared(attrs), batch: g.shape[0]!, kernel };
      const turned: Geometry = {
        ...common,
        rows: weight.shape[1]!,
        channels: rows,
        size: sizes[1],
        low: kernel.map((k, i) => (k - 1) * dilation[i]! - padding[i]!),
        spread: three(attrs.stride, 1),
        out: sizes[0],
        stride: [1, 1, 1],
      };
      const own: Geometry = {
        ...common,
        rows,
        channels: turned.rows,
        size: sizes[0],
        low: padding,
        spread: [1, 1, 1],
        out: sizes[1],
        stride: turned.spread,
      };
      const isPlain = count(kernel) * count(own.stride) === 1;
      const near = isNear(own);
      const isAdded = rows >= 4 && !isPlain && !isTurnedBetter(turned);
      const back = winogradOf(own);
      const tiled = winogradOf(turned);
      const isBack = back !== null && isBackBetter(back);
      const taps = count(kernel);
      const parts = [rows * count(own.out), rows * own.channels * taps, own.channels * count(own.size)];
      const [from, by] = [pointer(g), pointer(weight)];
      const make = (to: number): WasmDispatch | null => {
        const pointers = [from, by, to] as const;
        if (near) return convolution(kernels, "conv_input_grad_back_f32", pointers, own);
        const direct = isAdded
          ? convolution(kernels, "conv_input_grad_f32", pointers, own)
          : convolution(kernels, "conv_input_grad_turned_f32", pointers, turned);
        if (direct === null || (!isBack && tiled === null)) return direct;
        const trials = eachGroup(
          attrs.groups,
          pointers,
          parts,
          (p) =>
            isBack
              ? winogradBack(kernels, p, back)
              : winograd(kernels, p, [taps, taps * own.channels, true], tiled!),
        );
        return tryAll(trials, direct, isBack ? () => finishWhole(kernels) : undefined);
      };
      return finishable([g, weight], output, make);
    },
    convWeightGrad([g, x], output, attrs) {
      if (!areDense(g, x, output)) return null;
      const geometry: Geometry = {
        ...shared(attrs),
        batch: x.shape[0]!,
        rows: g.shape[1]! / attrs.groups,
        channels: x.shape[1]! / attrs.groups,
        size: three(x.shape.slice(2), 1),
        low: three(attrs.padding, 0),
        spread: [1, 1, 1],
        kernel: three(attrs.kernelSize, 1),
        out: three(g.shape.slice(2), 1),
        stride: three(attrs.stride, 1),
      };
      const direct = convolution(kernels, "conv_weight_grad_f32", [g, x, output].map(pointer), geometry);
      const tiled = winogradOf(geometry);
      if (direct === null || tiled === null) return direct;
      const pointers = [pointer(g), pointer(x), pointer(output)] as const;
      const { channels, rows } = tiled;
      const taps = count(tiled.kernel);
      const parts = [rows * count(tiled.out), channels * count(tiled.size), rows * channels * taps];
      const trials = eachGroup(
        attrs.groups,
        pointers,
        parts,
        (p) => winogradWeightGrad(kernels, p, tiled),
      );
      return tryAll(trials, direct);
    },
    maxPool([x], [values, indices], attrs) {
      if (!areDense(x, values) || indices.dtype !== int32 || !isDense(indices, indices.shape)) return null;
      const meta = poolMeta(x.shape.slice(2), values.shape.slice(2), attrs);
      const planes = x.shape[0]! * x.shape[1]!;
      const args = [pointer(x), pointer(values), pointer(indices), planes];
      const sizes = [count(x.shape.slice(2)), count(values.shape.slice(2))] as const;
      kernels.needScratch(poolScratch(meta));
      const step = kernels.cut(kernels.entry("max_pool_f32"), args, {
        units: planes,
        at: 3,
        cost: planes * (sizes[1] * Math.max(...attrs.kernelSize) * 0.2 + sizes[0] * 0.1),
        moves: [[0, sizes[0] * 4], [1, sizes[1] * 4], [2, sizes[1] * 4]],
      });
      return new MetaCall(step, meta, kernels.heap);
    },
    maxPoolValues([x], output, attrs) {
      if (!areDense(x, output)) return null;
      const meta = poolMeta(x.shape.slice(2), output.shape.slice(2), attrs);
      const planes = x.shape[0]! * x.shape[1]!;
      const sizes = [count(x.shape.slice(2)), count(output.shape.slice(2))] as const;
      kernels.needScratch(poolScratch(meta));
      const step = kernels.cut(kernels.entry("max_pool_values_f32"), [pointer(x), pointer(output), planes], {
        units: planes,
        at: 2,
        cost: planes * (sizes[1] * Math.max(...attrs.kernelSize) * 0.15 + sizes[0] * 0.05),
        moves: [[0, sizes[0] * 4], [1, sizes[1] * 4]],
      });
      return new MetaCall(step, meta, kernels.heap);
    },
    maxPoolBackward([g, indices], output, attrs) {
      if (!areDense(g, output) || indices.dtype !== int32 || !isDense(indices, indices.shape)) return null;
      const size = count(attrs.inputSize);
      const windows = count(g.shape.slice(2));
      const planes = g.shape[0]! * g.shape[1]!;
      // Where the windows are not known: if each is twice as wide and high as what it came from, they may tile the image.
      const [height, width] = g.shape.slice(2);
      const isTiled = g.shape.length === 4 && attrs.inputSize[0] === 2 * height! &&
        attrs.inputSize[1] === 2 * width!;
      const args = [...[g, indices, output].map(pointer), planes, windows, size, isTiled ? width! : 0];
      return kernels.cutChecked(
        kernels.entry("max_pool_backward_f32"),
        args,
        {
          units: planes,
          at: 3,
          cost: planes * (windows + size * 0.2),
          moves: [[0, windows * 4], [1, windows * 4], [2, size * 4]],
        },
        windows,
        (status) => {
          const place = kernels.indexAt(pointer(indices), status, false);
          throw new IndexError(
            `Cannot maxPoolBackward: places must be in the range [0, ${size}), got ${place}`,
          );
        },
      );
    },
    avgPool([x], output, attrs) {
      if (!areDense(x, output)) return null;
      const meta = poolMeta(x.shape.slice(2), output.shape.slice(2), attrs);
      const planes = x.shape[0]! * x.shape[1]!;
      const args = [pointer(x), pointer(output), planes, attrs.countIncludePad ? 1 : 0, attrs.divisor ?? 0];
      return averages("avg_pool_f32", args, [x, output], attrs, meta);
    },
    avgPoolBackward([g], output, attrs) {
      if (!areDense(g, output)) return null;
      const meta = poolMeta(attrs.inputSize, g.shape.slice(2), attrs);
      const planes = g.shape[0]! * g.shape[1]!;
      const args = [pointer(g), pointer(output), planes, attrs.countIncludePad ? 1 : 0, attrs.divisor ?? 0];
      return averages("avg_pool_backward_f32", args, [g, output], attrs, meta);
    },
  };
}
