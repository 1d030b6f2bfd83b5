import { float32, int32, type Operand, type PoolAttrs, type Shape } from "@flambeau/core";
import { afterEach, expect, test } from "vitest";
import { winogradLimits } from "./kernels/winograd.ts";
import { devices, empty, noise, operand, run, values } from "./test_support.ts";

const { channels: winogradChannels } = winogradLimits;
afterEach(() => {
  winogradLimits.channels = winogradChannels;
});

/** Small multiples of 1/8: sums of products of up to 2^12 of them are exact in float32. */
function numbers(shape: Shape, seed: number): number[] {
  return Array.from(noise(size(shape), seed), (v) => Math.round(v * 16) / 8);
}

const size = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

/** Row-major places of `shape` as lists of coordinates. */
function places(shape: Shape): number[][] {
  return Array.from({ length: size(shape) }, (_, i) => {
    const out: number[] = [];
    for (let d = shape.length - 1; d >= 0; d--) {
      out.unshift(i % shape[d]!);
      i = Math.floor(i / shape[d]!);
    }
    return out;
  });
}

function placeOf(shape: Shape, at: readonly number[]): number {
  return at.reduce((place, v, d) => place * shape[d]! + v, 0);
}

interface Case {
  readonly x: Shape;
  readonly w: Shape;
  readonly stride: Shape;
  readonly padding: Shape;
  readonly dilation: Shape;
  readonly groups: number;
}

function outShape({ x, w, stride, padding, dilation }: Case): number[] {
  const spatial = x.slice(2).map((n, i) =>
    Math.floor((n + 2 * padding[i]! - dilation[i]! * (w[i + 2]! - 1) - 1) / stride[i]!) + 1
  );
  return [x[0]!, w[0]!, ...spatial];
}

/** Calls `visit` with the places of every product x · w → y that a convolution adds up. */
function eachProduct(c: Case, visit: (x: number, w: number, y: number) => void): void {
  const y = outShape(c);
  const perGroup = c.w[0]! / c.groups;
  for (const at of places(y)) {
    const [n, o] = at as [number, number];
    for (const [k, ...tap] of places(c.w.slice(1))) {
      const channel = Math.floor(o / perGroup) * c.w[1]! + k!;
      const inside = tap.map((t, i) => at[i + 2]! * c.stride[i]! + t * c.dilation[i]! - c.padding[i]!);
      if (inside.some((v, i) => v < 0 || v >= c.x[i + 2]!)) continue;
      visit(placeOf(c.x, [n, channel, ...inside]), placeOf(c.w, [o, k!, ...tap]), placeOf(y, at));
    }
  }
}

const one = { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 };
const CASES: readonly Case[] = [
  { ...one, x: [1, 1, 5, 5], w: [1, 1, 3, 3] },
  { ...one, x: [2, 3, 9, 13], w: [7, 3, 3, 3] },
  { ...one, x: [2, 3, 9, 13], w: [7, 3, 3, 3], padding: [1, 1] },
  { ...one, x: [2, 4, 8, 8], w: [5, 4, 1, 1] },
  { ...one, x: [1, 3, 17, 15], w: [8, 3, 3, 3], stride: [2, 2], padding: [1, 1] },
  { ...one, x: [1, 2, 16, 19], w: [6, 2, 5, 4], stride: [3, 2], padding: [2, 1] },
  { ...one, x: [1, 2, 12, 11], w: [4, 2, 3, 2], dilation: [2, 3], padding: [2, 0] },
  { ...one, x: [2, 6, 7, 9], w: [6, 1, 3, 3], groups: 6, padding: [1, 1] },
  { ...one, x: [1, 6, 9, 9], w: [12, 1, 3, 3], groups: 6, padding: [1, 1], stride: [2, 2] },
  { ...one, x: [2, 8, 6, 7], w: [12, 4, 3, 3], groups: 2, padding: [1, 0] },
  { ...one, x: [1, 32, 10, 10], w: [13, 32, 3, 3], padding: [1, 1] },
  { ...one, x: [1, 3, 26, 26], w: [4, 3, 3, 3] },
  { ...one, x: [2, 3, 14, 15], w: [300, 3, 3, 3], stride: [2, 3], padding: [1, 0] },
  { ...one, x: [1, 70, 9, 9], w: [6, 70, 3, 3], stride: [2, 2] },
  { ...one, x: [2, 3, 10, 10], w: [3, 3, 3, 3], stride: [3, 2], padding: [1, 1] },
  { ...one, x: [1, 2, 5, 5], w: [5, 2, 2, 2], padding: [3, 3] },
  { ...one, x: [2, 5, 9, 11], w: [5, 1, 3, 3], groups: 5, padding: [1, 1] },
  { ...one, x: [1, 3, 6, 4], w: [3, 1, 3, 3], groups: 3, padding: [1, 1] },
  { ...one, x: [1, 5, 11, 13], w: [5, 1, 3, 3], groups: 5, padding: [2, 2], dilation: [2, 2] },
  { ...one, x: [1, 4, 13, 18], w: [4, 1, 3, 3], groups: 4, padding: [1, 1], stride: [2, 2] },
  {
    ...one,
    x: [1, 4, 13, 18],
    w: [4, 1, 3, 3],
    groups: 4,
    padding: [1, 2],
    stride: [1, 2],
    dilation: [1, 2],
  },
  { ...one, x: [1, 3, 13, 26], w: [3, 1, 2, 3], groups: 3, stride: [2, 3] },
  { ...one, x: [2, 4, 12, 13], w: [8, 1, 5, 5], groups: 4, padding: [2, 2] },
  { ...one, x: [1, 2, 12, 17], w: [2, 1, 4, 9], groups: 2, padding: [2, 3] },
  { ...one, x: [2, 5, 10, 9], w: [2, 5, 3, 3], padding: [1, 1] },
  { ...one, x: [2, 3, 13, 30], w: [3, 1, 7, 7], groups: 3, padding: [3, 3] },
  { ...one, x: [1, 2, 12, 33], w: [2, 1, 5, 8], groups: 2, padding: [2, 3] },
  { ...one, x: [1, 4, 11, 27], w: [2, 2, 4, 3], groups: 2, stride: [2, 1], dilation: [1, 2] },
  { ...one, x: [1, 4, 9, 8], w: [3, 4, 1, 1] },
  { ...one, x: [3, 1, 11, 14], w: [9, 1, 5, 5] },
  { ...one, x: [2, 3, 9, 13], w: [4, 3, 3, 3], padding: [1, 1], stride: [2, 2] },
  { ...one, x: [2, 1, 12, 19], w: [5, 1, 4, 7], padding: [1, 3], dilation: [2, 1], stride: [1, 3] },
  { ...one, x: [2, 3, 20, 17], w: [13, 3, 7, 7], padding: [3, 3], stride: [2, 2] },
  { ...one, x: [1, 3, 13, 21], w: [7, 3, 3, 5], padding: [1, 2], stride: [2, 3], dilation: [1, 2] },
  { ...one, x: [2, 1, 9, 12], w: [32, 1, 3, 3] },
  { ...one, x: [1, 2, 15, 16], w: [125, 2, 3, 4], stride: [1, 2] },
  { ...one, x: [2, 1, 12, 13], w: [6, 1, 5, 5], padding: [2, 2] },
  { ...one, x: [2, 1, 12, 13], w: [40, 1, 5, 5], padding: [2, 2] },
  { ...one, x: [2, 2, 10, 15], w: [24, 2, 3, 3], padding: [1, 1] },
  { ...one, x: [2, 3, 9, 11], w: [5, 3, 3, 5], padding: [0, 2] },
  { ...one, x: [1, 1, 9, 10], w: [12, 1, 2, 4], padding: [1, 3] },
  { ...one, x: [1, 1, 40, 31], w: [8, 1, 3, 3] },
  { ...one, x: [1, 2, 4, 600], w: [16, 2, 3, 3], padding: [1, 1] },
  { ...one, x: [2, 1, 14, 15], w: [16, 1, 3, 3], padding: [2, 2], dilation: [2, 2] },
  { ...one, x: [2, 4, 13, 11], w: [32, 2, 3, 3], padding: [1, 1], groups: 2 },
  { ...one, x: [2, 2, 13, 12], w: [32, 2, 3, 3], padding: [1, 1], stride: [2, 2] },
  { ...one, x: [1, 1, 13, 14], w: [32, 1, 4, 5], stride: [3, 3] },
  { ...one, x: [1, 1, 13, 14], w: [12, 1, 3, 5], padding: [1, 4], stride: [2, 1] },
  { ...one, x: [1, 1, 7, 4], w: [12, 1, 3, 2] },
  { ...one, x: [1, 2, 9, 12], w: [16, 2, 3, 1], stride: [2, 2] },
  { ...one, x: [2, 1, 11, 16], w: [12, 1, 3, 3] },
  { ...one, x: [2, 1, 11, 17], w: [5, 1, 3, 3] },
  { ...one, x: [1, 2, 8, 18], w: [6, 2, 3, 3], padding: [1, 0] },
  { ...one, x: [1, 3, 9, 11], w: [7, 3, 3, 3], padding: [0, 1] },
  { ...one, x: [1, 3, 9, 9], w: [5, 3, 3, 3], padding: [2, 2] },
  { ...one, x: [1, 5, 3, 14], w: [1, 5, 3, 3], padding: [2, 1] },
  { ...one, x: [2, 4, 12, 8], w: [3, 4, 3, 3], padding: [1, 1] },
  { ...one, x: [1, 3, 1, 19], w: [2, 3, 3, 3], padding: [1, 2] },
  { ...one, x: [1, 2, 150, 70], w: [3, 2, 3, 3], padding: [1, 1] },
  { ...one, x: [1, 4, 9, 12], w: [12, 2, 3, 3], padding: [1, 1], groups: 2 },
  { ...one, x: [2, 12, 8, 9], w: [10, 6, 1, 1], groups: 2 },
  { ...one, x: [3, 5, 8, 9], w: [6, 5, 1, 1], stride: [2, 2] },
  { ...one, x: [1, 6, 5, 4], w: [8, 6, 1, 1], padding: [1, 1] },
  { x: [2, 3, 23], w: [6, 3, 3], stride: [2], padding: [1], dilation: [1], groups: 1 },
  { x: [2, 3, 20], w: [5, 3, 4], stride: [2], padding: [1], dilation: [1], groups: 1 },
  {
    x: [1, 2, 5, 6, 7],
    w: [4, 2, 3, 2, 3],
    stride: [1, 2, 1],
    padding: [1, 0, 1],
    dilation: [1, 1, 1],
    groups: 1,
  },
];

test("conv, convInputGrad, convWeightGrad: every geometry in one to three dimensions", () => {
  winogradLimits.channels = Infinity; // it rounds, see winograd.test.ts
  for (const c of CASES) {
    const ys = outShape(c);
    const [x, w, g] = [numbers(c.x, 1), numbers(c.w, 2), numbers(ys, 3)];
    const [y, gx, gw] = [ys, c.x, c.w].map((shape) => new Array<number>(size(shape)).fill(0)) as [
      number[],
      number[],
      number[],
    ];
    eachProduct(c, (ix, iw, iy) => {
      y[iy]! += x[ix]! * w[iw]!;
      gx[ix]! += g[iy]! * w[iw]!;
      gw[iw]! += g[iy]! * x[ix]!;
    });
    const { stride, padding, dilation, groups } = c;
    const attrs = { stride, padding, dilation, groups };
    for (const [build, device] of devices) {
      const label = `${build} ${JSON.stringify(c)}`;
      const [dx, dw, dg] = [operand(device, x, c.x), operand(device, w, c.w), operand(device, g, ys)];
      const out = empty(device, ys);
      expect(run(device, "conv", [dx, dw], out, attrs)).toBe(true);
      expect(values(device, out), label).toEqual(y);
      const outX = empty(device, c.x);
      run(device, "convInputGrad", [dg, dw], outX, { ...attrs, inputSize: c.x.slice(2) });
      expect(values(device, outX), label).toEqual(gx);
      const outW = empty(device, c.w);
      run(device, "convWeightGrad", [dg, dx], outW, { ...attrs, kernelSize: c.w.slice(2) });
      expect(values(device, outW), label).toEqual(gw);
    }
  }
});

test("conv: what is in working memory from other shapes does not leak in", () => {
  for (const [, device] of devices) {
    const poison = operand(device, new Float32Array(40 * 40 * 8).fill(NaN), [1, 8, 40, 40]);
    const w8 = operand(device, numbers([9, 8, 3, 3], 2), [9, 8, 3, 3]);
    run(device, "conv", [poison, w8], empty(device, [1, 9, 40, 40]), { ...one, padding: [1, 1] });
    const c: Case = { ...one, x: [1, 3, 6, 7], w: [7, 3, 3, 3], padding: [1, 1] };
    const [x, w] = [numbers(c.x, 1), numbers(c.w, 2)];
    const y = new Array<number>(size(outShape(c))).fill(0);
    eachProduct(c, (ix, iw, iy) => {
      y[iy]! += x[ix]! * w[iw]!;
    });
    const out = empty(device, outShape(c));
    run(device, "conv", [operand(device, x, c.x), operand(device, w, c.w)], out, { ...one, padding: [1, 1] });
    expect(values(device, out)).toEqual(y);
  }
});

const POOLS: readonly (readonly [x: Shape, attrs: PoolAttrs])[] = (
  [
    [[2, 3, 8, 8], [2, 2], [2, 2], [0, 0], [1, 1]],
    [[1, 2, 7, 19], [2, 2], [2, 2], [0, 0], [1, 1]],
    [[1, 2, 9, 10], [3, 3], [2, 2], [1, 1], [1, 1]],
    [[1, 2, 9, 10], [3, 2], [1, 3], [1, 0], [2, 1]],
    [[2, 3, 12, 22], [3, 3], [1, 1], [1, 1], [1, 1]],
    [[1, 3, 20, 25], [3, 3], [2, 2], [1, 1], [1, 1]],
    [[1, 2, 14, 30], [2, 5], [2, 3], [1, 2], [3, 2]],
    [[2, 2, 8, 14], [2, 2], [2, 2], [0, 0], [1, 1]],
    [[1, 3, 11, 13], [11, 13], [1, 1], [0, 0], [1, 1]],
    [[1, 2, 7, 9], [3, 3], [1, 1], [1, 1], [4, 4]],
    [[1, 2, 14, 19], [3, 4], [3, 4], [1, 2], [1, 1]],
    [[1, 2, 16, 33], [3, 3], [3, 3], [0, 0], [1, 1]],
    [[1, 2, 5, 40], [1, 3], [1, 1], [0, 1], [1, 1]],
    [[2, 2, 11], [3], [2], [1], [1]],
    [[2, 2, 40], [2], [2], [0], [1]],
    [[1, 2, 4, 5, 19], [2, 3, 3], [1, 1, 1], [0, 1, 1], [2, 1, 1]],
    [[1, 2, 5, 6, 7], [2, 3, 2], [2, 1, 2], [1, 1, 0], [1, 1, 1]],
  ] as const
).map(([x, kernelSize, stride, padding, dilation]) =>
  [x, { kernelSize, stride, padding, dilation, ceilMode: false }] as const
);

function pooled(x: Shape, a: PoolAttrs): number[] {
  return x.map((n, i) =>
    i < 2 ? n : Math.floor(
      (n + 2 * a.padding[i - 2]! - a.dilation[i - 2]! * (a.kernelSize[i - 2]! - 1) - 1) / a.stride[i - 2]!,
    ) + 1
  );
}

/** The places of the image in each window, and the window's size with its padding. */
function windows(x: Shape, a: PoolAttrs): { inside: number[][]; padded: number }[] {
  return places(pooled(x, a)).map((at) => {
    const inside: number[][] = [];
    let padded = 1;
    a.kernelSize.forEach((k, i) => {
      const start = at[i + 2]! * a.stride[i]! - a.padding[i]!;
      padded *= Math.min(start + k, x[i + 2]! + a.padding[i]!) - start;
    });
    for (const tap of places(a.kernelSize)) {
      const p = tap.map((t, i) => at[i + 2]! * a.stride[i]! - a.padding[i]! + t * a.dilation[i]!);
      if (p.every((v, i) => v >= 0 && v < x[i + 2]!)) inside.push([at[0]!, at[1]!, ...p]);
    }
    return { inside, padded };
  });
}

/** What a number among those of a pooled image may be. */
const ODD: readonly ((i: number, v: number) => number)[] = [
  (_, v) => v,
  (i, v) => i % 17 === 5 ? NaN : v,
  (i, v) => i % 3 === 1 ? -Infinity : i === 7 ? Infinity : v,
  () => -Infinity,
];

test.each(ODD)("maxPool, maxPoolValues, maxPoolBackward: values, places and NaN, %#", (odd) => {
  for (const [x, attrs] of POOLS) {
    const out = pooled(x, attrs);
    const data = Array.from(noise(size(x), 4), (v, i) => odd(i, Math.round(v * 6)));
    const [want, at] = [[] as number[], [] as number[]];
    for (const { inside } of windows(x, attrs)) {
      let [best, place] = [-Infinity, -1];
      for (const p of inside) {
        const v = data[placeOf(x, p)]!;
        if (v > best || Number.isNaN(v) || place < 0) [best, place] = [v, placeOf(x.slice(2), p.slice(2))];
      }
      want.push(best);
      at.push(place);
    }
    const g = numbers(out, 5);
    const plane = size(x.slice(2));
    const perPlane = size(out.slice(2));
    const back = new Array<number>(size(x)).fill(0);
    at.forEach((place, i) => back[Math.floor(i / perPlane) * plane + place]! += g[i]!);
    for (const [, device] of devices) {
      const [y, indices] = [empty(device, out), empty(device, out, int32)];
      expect(run(device, "maxPool", [operand(device, data, x)], [y, indices], attrs)).toBe(true);
      expect(values(device, y)).toEqual(want);
      expect(values(device, indices)).toEqual(at);
      const alone = empty(device, out);
      expect(run(device, "maxPoolValues", [operand(device, data, x)], alone, attrs)).toBe(true);
      expect(values(device, alone)).toEqual(want);
      const gx = empty(device, x);
      run(device, "maxPoolBackward", [operand(device, g, out), indices], gx, { inputSize: x.slice(2) });
      expect(values(device, gx)).toEqual(back);
    }
  }
});

test("maxPool, maxPoolValues: a NaN wins wherever it is in the image", () => {
  const image = [1, 1, 6, 18];
  for (const [k, stride, padding] of [[2, 2, 0], [3, 1, 1], [3, 2, 1], [3, 3, 0], [2, 1, 0]] as const) {
    const attrs = {
      kernelSize: [k, k],
      stride: [stride, stride],
      padding: [padding, padding],
      dilation: [1, 1],
      ceilMode: false,
    };
    const out = pooled(image, attrs);
    const seen = windows(image, attrs).map(({ inside }) => inside.map((p) => placeOf(image, p)));
    for (const [, device] of devices) {
      const [y, indices, alone] = [empty(device, out), empty(device, out, int32), empty(device, out)];
      for (let at = 0; at < size(image); at++) {
        const x = operand(device, numbers(image, 3).map((v, i) => i === at ? NaN : v), image);
        run(device, "maxPool", [x], [y, indices], attrs);
        run(device, "maxPoolValues", [x], alone, attrs);
        const want = seen.map((places) => places.includes(at));
        expect(values(device, y).map(Number.isNaN)).toEqual(want);
        expect(values(device, alone).map(Number.isNaN)).toEqual(want);
        expect(values(device, indices).map((place) => place === at).filter(Boolean).length)
          .toBe(want.filter(Boolean).length);
      }
    }
  }
});

test("maxPoolBackward: a place outside is an error in words", () => {
  for (const [, device] of devices) {
    const indices: Operand = operand(device, [0, 4, 2, 1], [1, 1, 2, 2], int32);
    expect(() =>
      run(
        device,
        "maxPoolBackward",
        [operand(device, [1, 1, 1, 1], [1, 1, 2, 2]), indices],
        empty(device, [1, 1, 2, 2]),
        {
          inputSize: [2, 2],
        },
      )
    ).toThrow("Cannot maxPoolBackward: places must be in the range [0, 4), got 4");
  }
});

test("avgPool, avgPoolBackward: with padding, without, and with a divisor", () => {
  for (const [x, base] of POOLS) {
    if (base.dilation.some((v) => v !== 1)) continue;
    for (const [countIncludePad, divisor] of [[true, null], [false, null], [true, 3]] as const) {
      const attrs = { ...base, countIncludePad, divisor };
      const out = pooled(x, base);
      const [data, g] = [numbers(x, 6), numbers(out, 7)];
      const back = new Array<number>(size(x)).fill(0);
      const want = windows(x, base).map(({ inside, padded }, i) => {
        const by = divisor ?? (countIncludePad ? padded : inside.length);
        for (const p of inside) back[placeOf(x, p)]! += g[i]! / by;
        return inside.reduce((sum, p) => sum + data[placeOf(x, p)]!, 0) / by;
      });
      for (const [, device] of devices) {
        const y = empty(device, out);
        expect(run(device, "avgPool", [operand(device, data, x)], y, attrs)).toBe(true);
        values(device, y).forEach((v, i) => expect(v).toBeCloseTo(want[i]!, 5));
        const gx = empty(device, x);
        run(device, "avgPoolBackward", [operand(device, g, out)], gx, { ...attrs, inputSize: x.slice(2) });
        values(device, gx).forEach((v, i) => expect(v).toBeCloseTo(back[i]!, 5));
      }
    }
  }
});

test("conv: strided operands are left to contiguous copies", () => {
  for (const [, device] of devices) {
    const x = operand(device, numbers([1, 2, 4, 4], 1), [1, 2, 4, 4], float32, { strides: [32, 1, 8, 2] });
    const w = operand(device, numbers([3, 2, 3, 3], 1), [3, 2, 3, 3]);
    expect(run(device, "conv", [x, w], empty(device, [1, 3, 2, 2]), one)).toBe(false);
  }
});

test("conv: sums over no images or no channels are left to the decomposition", () => {
  for (const [, device] of devices) {
    const none = (shape: Shape): Operand => operand(device, [], shape);
    const [w, y] = [empty(device, [4, 2, 3, 3]), empty(device, [2, 4, 6, 6])];
    const grads: [Operand, Operand] = [none([0, 4, 6, 6]), none([0, 2, 8, 8])];
    expect(run(device, "convWeightGrad", grads, w, { ...one, kernelSize: [3, 3] })).toBe(false);
    expect(run(device, "conv", [none([2, 0, 8, 8]), none([4, 0, 3, 3])], y, one)).toBe(false);
  }
});
