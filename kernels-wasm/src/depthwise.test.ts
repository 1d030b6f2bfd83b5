/**
 * Depthwise convolutions and those of one channel, and their gradients: every kind of kernel, stride, padding, dilation and
 * width, on both builds, on one thread and on two, against plain sums.
 */

import { float32, type Operand, type Shape } from "@flambeau/core";
import { hostKernels } from "@flambeau/reference";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createWasmBackend, type WasmBackend } from "./backend.ts";
import { winogradLimits } from "./kernels/winograd.ts";
import { cutting, type WasmBuild } from "./module.ts";
import { devices, empty, noise, operand, run, values } from "./test_support.ts";
import { starting } from "./threads.ts";
import { canShareMemory } from "./worker_source.ts";

const before = [cutting.least, starting.after, winogradLimits.channels] as const;
beforeAll(() => {
  [cutting.least, starting.after, winogradLimits.channels] = [20, 0, Infinity]; // Winograd's method rounds
});
afterAll(() => {
  [cutting.least, starting.after, winogradLimits.channels] = before;
});

/** Every build alone, and on two threads. */
const targets: readonly (readonly [name: string, device: WasmBackend])[] = devices.flatMap(
  ([build, device]) => {
    const two = (name: WasmBuild): WasmBackend =>
      createWasmBackend({ fallback: hostKernels, build: name, threads: 2 });
    const alone: readonly [string, WasmBackend] = [build, device];
    return canShareMemory() ? [alone, [`${build}, two threads`, two(build)] as const] : [alone];
  },
);

const size = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

/** Small multiples of 1/8: sums of some hundred products are exact, in any order. */
const numbers = (shape: Shape, seed: number): number[] =>
  Array.from(noise(size(shape), seed), (v) => Math.round(v * 16) / 8);

/** Elements before and behind an operand, so that what is read or written there is seen. */
const GAP = 24;

function within(device: WasmBackend, data: ArrayLike<number>, shape: Shape, around: number): Operand {
  const all = new Float32Array(size(shape) + 2 * GAP).fill(around);
  all.set(data, GAP);
  const buffer = operand(device, all, [all.length]).buffer;
  const strides = shape.map((_, d) => size(shape.slice(d + 1)));
  return { buffer, shape, strides, offset: GAP, dtype: float32 };
}

/** The elements of an operand, with −0 as 0; fails where something was written beside them. */
function taken(device: WasmBackend, x: Operand, label: string): number[] {
  const all = values(device, { ...x, shape: [size(x.shape) + 2 * GAP], strides: [1], offset: 0 });
  const beside = [...all.slice(0, GAP), ...all.slice(-GAP)];
  if (beside.some((v) => v !== 77)) throw new Error(`something was written beside the result: ${label}`);
  return all.slice(GAP, -GAP).map((v) => v + 0);
}

interface Geometry {
  readonly kernel: Shape;
  readonly stride: Shape;
  readonly padding: Shape;
  readonly dilation: Shape;
}

const square = (kernel: number, stride: number, padding: number, dilation: number): Geometry => ({
  kernel: [kernel, kernel],
  stride: [stride, stride],
  padding: [padding, padding],
  dilation: [dilation, dilation],
});

/** Channels, groups, output channels. */
const KINDS = [[3, 3, 3], [2, 2, 4], [1, 1, 5], [4, 2, 2], [4, 2, 6]] as const;

/** The convolution and its gradients for the image and the weights, product by product. */
function sums(
  [x, w, g]: readonly [number[], number[], number[]],
  [xs, ws, ys]: readonly [Shape, Shape, Shape],
  { stride, padding, dilation }: Geometry,
  groups: number,
): number[][] {
  const [y, gx, gw] = [ys, xs, ws].map((shape) => new Array<number>(size(shape)).fill(0)) as [
    number[],
    number[],
    number[],
  ];
  const [, c, h, wide] = xs as [number, number, number, number];
  const [many, o, oh, ow] = ys as [number, number, number, number];
  const [, per, kh, kw] = ws as [number, number, number, number];
  for (let iy = 0; iy < y.length; iy++) {
    const [n, out, row, column] = [
      Math.floor(iy / (o * oh * ow)) % many,
      Math.floor(iy / (oh * ow)) % o,
      Math.floor(iy / ow) % oh,
      iy % ow,
    ];
    for (let t = 0; t < per * kh * kw; t++) {
      const channel = Math.floor(out / (o / groups)) * per + Math.floor(t / (kh * kw));
      const top = row * stride[0]! + (Math.floor(t / kw) % kh) * dilation[0]! - padding[0]!;
      const left = column * stride[1]! + (t % kw) * dilation[1]! - padding[1]!;
      if (top < 0 || top >= h || left < 0 || left >= wide) continue;
      const ix = ((n * c + channel) * h + top) * wide + left;
      const iw = out * per * kh * kw + t;
      y[iy]! += x[ix]! * w[iw]!;
      gx[ix]! += g[iy]! * w[iw]!;
      gw[iw]! += g[iy]! * x[ix]!;
    }
  }
  return [y, gx, gw];
}

/** More groups, and more channels in a group, than are added up at once, and numbers that are no multiple of that. */
const MANY = [[4, 4, 4], [9, 9, 9], [6, 6, 12], [5, 1, 2], [14, 2, 2], [7, 7, 21]] as const;

function check(
  image: Shape,
  { kernel, ...rest }: Geometry,
  kind: number,
  kinds: readonly Shape[] = KINDS,
): void {
  const [c, groups, o] = kinds[kind % kinds.length] as [number, number, number];
  const out = image.map((n, i) =>
    Math.floor((n + 2 * rest.padding[i]! - rest.dilation[i]! * (kernel[i]! - 1) - 1) / rest.stride[i]!) + 1
  );
  if (out.some((n) => n < 1)) return;
  const [xs, ws, ys] = [[2, c, ...image], [o, c / groups, ...kernel], [2, o, ...out]];
  const [x, w, g] = [numbers(xs, 1), numbers(ws, 2), numbers(ys, 3)];
  const attrs = { ...rest, groups };
  const grads = [{ ...attrs, inputSize: image }, { ...attrs, kernelSize: kernel }] as const;
  const want = sums([x, w, g], [xs, ws, ys], { kernel, ...rest }, groups);
  for (const [name, device] of targets) {
    const label = `${name} ${JSON.stringify({ xs, ws, ...attrs })}`;
    const [dx, dw, dg] = [within(device, x, xs, NaN), within(device, w, ws, NaN), within(device, g, ys, NaN)];
    const results = [ys, xs, ws].map((shape) =>
      within(device, new Float32Array(size(shape)).fill(77), shape, 77)
    );
    const [y, gx, gw] = results as [Operand, Operand, Operand];
    expect(run(device, "conv", [dx, dw], y, attrs)).toBe(true);
    expect(run(device, "convInputGrad", [dg, dw], gx, grads[0])).toBe(true);
    expect(run(device, "convWeightGrad", [dg, dx], gw, grads[1])).toBe(true);
    expect(results.map((a) => taken(device, a, label)), label).toEqual(want);
    for (const a of [dx, dw, dg, ...results]) device.free(a.buffer);
  }
}

const WIDTHS = Array.from({ length: 20 }, (_, i) => i + 1);

test.each([1, 2, 3])("3 × 3 by %i: widths, heights, paddings, dilations", (stride) => {
  for (const width of WIDTHS) {
    for (const [i, padding] of [1, 0, 2, 3].entries()) {
      for (const dilation of [1, 2]) {
        check([(width * 5 + i) % 9 + 1, width], square(3, stride, padding, dilation), width + i + dilation);
      }
    }
    // With a border of at most 1 images are read where they lie: even and odd heights, every kind.
    for (const [i, height] of [2, 3, 6, 7, 8, 1].entries()) {
      check([height, width], square(3, stride, 1, 1), i);
      check([height, width], { ...square(3, stride, 0, 1), padding: [i % 2, 1 - i % 2] }, i);
      check([height, width], square(3, stride, 0, 1), i + 1);
    }
  }
});

test.each([1, 2, 3])("5 × 5, 7 × 7, 2 × 2, 1 × 1 by %i: widths", (stride) => {
  for (const width of WIDTHS) {
    const height = (width * 3) % 8 + 2;
    check([height, width], square(5, stride, 2, 1), width);
    check([height, width], square(7, stride, 3, 1), width + 1);
    check([height, width], square(2, stride, 0, 1), width + 2);
    check([height, width], square(1, stride, 0, 1), width);
    check([height, width], square(5, stride, 4, 2), width + 1);
    check([height, width], { ...square(4, stride, 1, 1), kernel: [4, 9], padding: [1, 4] }, width + 1);
  }
});

test.each([1, 2])("five rows by %i, and four: widths, heights, paddings, dilations, columns", (stride) => {
  for (const width of WIDTHS) {
    for (const [i, padding] of [2, 0, 1, 3, 4].entries()) {
      check([(width * 5 + i) % 11 + 1, width], square(5, stride, padding, 1), width + i);
      check([(width * 3 + i) % 13 + 1, width], square(4, stride, padding, 1), width + i);
    }
    // Where every second element of every second row of the input's gradient is a convolution: even and odd sizes.
    for (const [i, height] of [2, 7, 8, 1, 15].entries()) {
      check([height, width], square(5, stride, 2, 1), i);
      check([height, width], square(5, stride, 1, 1), i);
      check([height, width], { ...square(5, stride, 2, 1), kernel: [4, 5], padding: [2, 1] }, i);
    }
    const height = (width * 3) % 14 + 5;
    check([height, width], square(5, stride, 4, 2), width);
    check([height, width], { ...square(5, stride, 2, 1), dilation: [3 - stride, 2] }, width + 1);
    for (const [i, columns] of [1, 2, 3, 4, 7].entries()) {
      const padding = [2, columns >> 1];
      check([height, width], { ...square(5, stride, 2, 1), kernel: [5, columns], padding }, width + i);
    }
  }
});

test.each([2, 3])("windows of %i columns side by side: widths, heights, paddings, rows", (columns) => {
  for (let width = 3 * columns; width < 13 * columns; width++) {
    for (const padding of [0, 1, 2, columns + 1]) {
      check([(width * 7 + padding) % 11 + 1, width], square(columns, columns, padding, 1), width);
    }
    const kernel = [width % 4 + 1, columns];
    check([9, width], { ...square(columns, columns, width % 3, 1), kernel }, width);
  }
});

test("gradients of the weights of many channels: widths, strides, paddings, distances of columns", () => {
  for (const width of WIDTHS) {
    const height = (width * 5) % 11 + 1;
    for (const [i, columns] of [5, 3, 7].entries()) {
      for (const by of [1, 2, 3]) {
        const padding = (width + by) % columns;
        check([height, width], square(columns, by, padding, 1), width + i + by, MANY);
        const kernel = [by + 2, columns];
        check(
          [height, width],
          { ...square(1, by, 0, 1), kernel, padding: [1, columns >> 1] },
          width + by,
          MANY,
        );
      }
      const dilation = [i + 1, 2];
      check([height, width], { ...square(columns, 1, columns - 1, 1), dilation }, width + i, MANY);
    }
  }
  // More than is added up at once.
  for (const by of [1, 2]) {
    for (const [i, columns] of [5, 7].entries()) {
      check([41, 83], square(columns, by, 2, 1), i + by, MANY);
      check([83, 41], square(columns, by, 0, 1), i + by, MANY);
    }
  }
});

test("strides, paddings and dilations that differ by dimension; wide rows", () => {
  for (const [i, width] of [5, 8, 11, 16, 19, 36, 53].entries()) {
    const image = [9, width];
    check(image, { kernel: [3, 3], stride: [1, 2], padding: [1, 1], dilation: [1, 1] }, i);
    check(image, { kernel: [3, 3], stride: [2, 1], padding: [1, 1], dilation: [1, 1] }, i);
    check(image, { kernel: [3, 3], stride: [2, 2], padding: [0, 1], dilation: [1, 1] }, i);
    check(image, { kernel: [3, 3], stride: [2, 2], padding: [1, 0], dilation: [1, 1] }, i);
    check(image, { kernel: [3, 3], stride: [2, 4], padding: [2, 1], dilation: [2, 1] }, i);
    check(image, { kernel: [3, 5], stride: [2, 1], padding: [1, 2], dilation: [1, 2] }, i);
    check(image, { kernel: [5, 3], stride: [2, 3], padding: [2, 1], dilation: [1, 1] }, i);
    check(image, square(3, 1, 1, 1), i);
    check(image, square(3, 2, 1, 1), i + 1);
    check(image, square(5, 1, 2, 1), i);
    check(image, square(5, 2, 2, 1), i);
    check(image, square(7, 4, 3, 1), i);
  }
});

const ODDLY: readonly (readonly [high: number, stride: number, image: Shape])[] = [3, 5].flatMap((high) =>
  [[1, 6, 10], [2, 6, 10], [2, 5, 7], [2, 4, 14], [2, 6, 13], [3, 5, 12], [3, 7, 19]].map(
    ([stride, ...image]) => [high, stride!, [1, 1, ...image]] as const,
  )
);

test.each(ODDLY)(
  "what is not finite stays where it belongs at borders: %i rows by %i",
  (high, stride, image) => {
    const reach = (high - 1) / 2;
    const [, , height, width] = image as [number, number, number, number];
    const out = [1, 1, ...[height, width].map((n) => Math.floor((n - 1) / stride) + 1)];
    const attrs = { stride: [stride, stride], padding: [reach, reach], dilation: [1, 1], groups: 1 };
    const w = numbers([1, 1, high, high], 4).map((v) => v + 3);
    const sees = (i: number, at: number): boolean => Math.abs(i * stride - at) <= reach;
    for (const [label, device] of targets) {
      const weights = operand(device, w, [1, 1, high, high]);
      for (let at = 0; at < size(image); at++) {
        const data = numbers(image, 5);
        data[at] = NaN;
        const y = empty(device, out);
        run(device, "conv", [operand(device, data, image), weights], y, attrs);
        const want = values(device, y).map((_, i) =>
          sees(Math.floor(i / out[3]!), Math.floor(at / width)) && sees(i % out[3]!, at % width)
        );
        expect(values(device, y).map(Number.isNaN), `${label} ${at}`).toEqual(want);
      }
      const gx = empty(device, image);
      for (let at = 0; at < size(out); at++) {
        const data = numbers(out, 6);
        data[at] = NaN;
        run(device, "convInputGrad", [operand(device, data, out), weights], gx, {
          ...attrs,
          inputSize: image.slice(2),
        });
        const want = values(device, gx).map((_, i) =>
          sees(Math.floor(at / out[3]!), Math.floor(i / width)) && sees(at % out[3]!, i % width)
        );
        expect(values(device, gx).map(Number.isNaN), `${label} ${at}`).toEqual(want);
      }
    }
  },
);

test.each([1, 2, 3, 4, 5, 7])(
  "gradients of inputs where gradients lie: borders, sizes, what is not finite, no −0: %i rows",
  (high) => {
    for (const stride of high === 3 ? [1, 2, 3] : [1, 2]) {
      for (let padding = 0; padding <= high; padding++) {
        for (const width of [7, 8, 9, 14, 15, 20, 25]) {
          const heights = [high, high + 1, width + 3];
          for (const [i, height] of heights.entries()) {
            check(
              [height, width],
              square(high, stride, padding, 1),
              i,
            );
          }
          const uneven = {
            ...square(high, stride, padding, 1),
            padding: [Math.abs(high - 1 - padding), padding],
          };
          check([width - padding, width], uneven, width);
        }
        const image = [1, 1, high + 4, 19];
        const out = [1, 1, ...image.slice(2).map((n) => Math.floor((n + 2 * padding - high) / stride) + 1)];
        const attrs = { ...square(high, stride, padding, 1), groups: 1, inputSize: image.slice(2) };
        for (const [label, device] of targets) {
          const w = operand(device, new Array(high * high).fill(2), [1, 1, high, high]);
          const gx = empty(device, image);
          run(device, "convInputGrad", [operand(device, new Array(size(out)).fill(-0), out), w], gx, attrs);
          expect(values(device, gx).some((v) => Object.is(v, -0)), label).toBe(false);
          for (let at = 0; at < size(out); at++) {
            const data = numbers(out, 6);
            data[at] = at % 2 ? NaN : Infinity;
            run(device, "convInputGrad", [operand(device, data, out), w], gx, attrs);
            const sees = (i: number, at: number): boolean => {
              const tap = i + padding - at * stride;
              return tap >= 0 && tap < high;
            };
            const want = values(device, gx).map((_, i) =>
              sees(Math.floor(i / 19), Math.floor(at / out[3]!)) && sees(i % 19, at % out[3]!)
            );
            expect(values(device, gx).map((v) => !Number.isFinite(v)), `${label} ${stride} ${padding} ${at}`)
              .toEqual(want);
          }
        }
      }
    }
  },
);
