import type { Operand, Shape } from "@flambeau/core";
import { afterEach, expect, test } from "vitest";
import { AXES, OUTPUTS, WEIGHTS } from "../winograd_matrices.ts";
import type { WasmBackend } from "./backend.ts";
import { winogradLimits } from "./kernels/winograd.ts";
import { devices, empty, noise, operand, run, values } from "./test_support.ts";

const limits = { ...winogradLimits };
afterEach(() => {
  Object.assign(winogradLimits, limits);
});

const size = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

interface Case {
  readonly batch: number;
  /** Of a group, as rows. */
  readonly channels: number;
  readonly rows: number;
  /** Default 1. */
  readonly groups?: number;
  /** Default 1. */
  readonly stride?: 1 | 2;
  /** Height and width; 3 × 3 by default. */
  readonly kernel?: readonly [number, number];
  readonly size: readonly [number, number];
  readonly padding: readonly [number, number];
  /** Default 1, 1. */
  readonly dilation?: readonly [number, number];
}

const CASES: readonly Case[] = [
  { batch: 1, channels: 8, rows: 8, size: [10, 10], padding: [1, 1] },
  { batch: 2, channels: 5, rows: 21, size: [9, 13], padding: [0, 1] },
  { batch: 3, channels: 17, rows: 5, size: [6, 6], padding: [0, 0] },
  { batch: 1, channels: 3, rows: 84, size: [3, 3], padding: [0, 0] },
  { batch: 5, channels: 9, rows: 20, size: [1, 2], padding: [1, 1] },
  { batch: 1, channels: 1, rows: 1, size: [19, 7], padding: [2, 2] },
  { batch: 2, channels: 64, rows: 41, size: [14, 11], padding: [2, 0] },
  { batch: 9, channels: 12, rows: 7, size: [7, 7], padding: [1, 1] },
  { batch: 1, channels: 4, rows: 6, size: [40, 51], padding: [1, 1] },
  { batch: 7, channels: 21, rows: 9, size: [26, 10], padding: [0, 0] },
  { batch: 3, channels: 6, rows: 30, size: [13, 22], padding: [0, 0] },
  { batch: 1, channels: 90, rows: 8, size: [10, 6], padding: [0, 0] },
  { batch: 2, channels: 9, rows: 11, groups: 3, size: [10, 9], padding: [1, 1] },
  { batch: 5, channels: 8, rows: 12, groups: 2, size: [7, 8], padding: [0, 0] },
  { batch: 1, channels: 8, rows: 8, size: [16, 16], padding: [1, 1], stride: 2 },
  { batch: 2, channels: 5, rows: 21, size: [9, 13], padding: [0, 1], stride: 2 },
  { batch: 3, channels: 17, rows: 5, size: [9, 9], padding: [0, 0], stride: 2 },
  { batch: 1, channels: 3, rows: 84, size: [3, 4], padding: [0, 0], stride: 2 },
  { batch: 5, channels: 9, rows: 20, size: [2, 5], padding: [1, 1], stride: 2 },
  { batch: 1, channels: 1, rows: 1, size: [39, 14], padding: [2, 2], stride: 2 },
  { batch: 2, channels: 64, rows: 41, size: [28, 22], padding: [2, 0], stride: 2 },
  { batch: 9, channels: 12, rows: 7, size: [7, 7], padding: [1, 1], stride: 2 },
  { batch: 1, channels: 4, rows: 6, size: [70, 81], padding: [1, 1], stride: 2 },
  { batch: 3, channels: 102, rows: 30, size: [17, 10], padding: [1, 0], stride: 2 },
  { batch: 2, channels: 6, rows: 9, groups: 3, size: [15, 12], padding: [1, 1], stride: 2 },
  { batch: 2, channels: 5, rows: 7, size: [14, 13], padding: [2, 2], kernel: [5, 5] },
  { batch: 1, channels: 13, rows: 21, size: [15, 9], padding: [3, 2], kernel: [6, 5] },
  { batch: 6, channels: 4, rows: 6, size: [9, 14], padding: [0, 2], kernel: [3, 6] },
  { batch: 1, channels: 9, rows: 3, size: [20, 18], padding: [0, 0], kernel: [4, 3] },
  { batch: 2, channels: 8, rows: 9, groups: 2, size: [11, 12], padding: [3, 1], kernel: [6, 4] },
  { batch: 5, channels: 20, rows: 4, size: [9, 9], padding: [0, 0], kernel: [5, 6] },
  { batch: 2, channels: 6, rows: 9, size: [13, 11], padding: [3, 3], kernel: [7, 7] },
  { batch: 1, channels: 4, rows: 21, size: [18, 17], padding: [4, 0], kernel: [9, 8] },
  { batch: 3, channels: 9, rows: 5, size: [12, 14], padding: [1, 5], kernel: [4, 11] },
  { batch: 1, channels: 3, rows: 4, size: [15, 16], padding: [6, 2], kernel: [13, 3] },
  { batch: 2, channels: 4, rows: 5, groups: 2, size: [9, 8], padding: [3, 2], kernel: [7, 4] },
  { batch: 1, channels: 8, rows: 8, size: [16, 16], padding: [2, 2], dilation: [2, 2] },
  { batch: 2, channels: 5, rows: 21, size: [11, 15], padding: [0, 1], dilation: [2, 3] },
  { batch: 3, channels: 9, rows: 4, size: [13, 12], padding: [6, 5], dilation: [6, 5] },
  { batch: 1, channels: 7, rows: 6, size: [17, 41], padding: [0, 3], dilation: [1, 4] },
  { batch: 6, channels: 4, rows: 7, groups: 2, size: [9, 10], padding: [3, 0], dilation: [3, 1] },
  { batch: 2, channels: 5, rows: 9, size: [23, 19], padding: [4, 5], kernel: [5, 7], dilation: [2, 3] },
  { batch: 2, channels: 4, rows: 3, size: [5, 7], padding: [9, 9], dilation: [9, 9] },
];

function shapes(c: Case): { x: Shape; w: Shape; y: Shape } {
  const { groups = 1, stride = 1, kernel = [3, 3], dilation = [1, 1] } = c;
  const out = c.size.map((n, i) =>
    Math.floor((n + 2 * c.padding[i]! - dilation[i]! * (kernel[i]! - 1) - 1) / stride) + 1
  );
  return {
    x: [c.batch, groups * c.channels, ...c.size],
    w: [groups * c.rows, c.channels, ...kernel],
    y: [c.batch, groups * c.rows, ...out],
  };
}

const attrsOf = ({ padding, groups = 1, stride = 1, dilation = [1, 1] }: Case) => ({
  ...{ stride: [stride, stride], padding, dilation, groups },
});

/** The convolution and its gradients in float64. */
function exact(c: Case, x: ArrayLike<number>, w: ArrayLike<number>, g: ArrayLike<number>): number[][] {
  const { x: xs, w: ws, y: ys } = shapes(c);
  const [y, gx, gw] = [ys, xs, ws].map((shape) => new Array<number>(size(shape)).fill(0)) as [
    ...[number[], number[], number[]],
  ];
  let iy = 0;
  for (let n = 0; n < c.batch; n++) {
    for (let o = 0; o < ys[1]!; o++) {
      for (let p = 0; p < ys[2]!; p++) {
        for (let q = 0; q < ys[3]!; q++, iy++) {
          const [high, wide] = [ws[2]!, ws[3]!];
          for (let t = 0; t < high * wide * c.channels; t++) {
            const [k, a, b] = [Math.floor(t / high / wide), Math.floor(t / wide) % high, t % wide];
            const { stride = 1, dilation = [1, 1] } = c;
            const i = p * stride + a * dilation[0] - c.padding[0];
            const j = q * stride + b * dilation[1] - c.padding[1];
            if (i < 0 || j < 0 || i >= c.size[0] || j >= c.size[1]) continue;
            const channel = Math.floor(o / c.rows) * c.channels + k;
            const ix = ((n * xs[1]! + channel) * c.size[0] + i) * c.size[1] + j;
            const iw = o * high * wide * c.channels + t;
            y[iy]! += x[ix]! * w[iw]!;
            gx[ix]! += g[iy]! * w[iw]!;
            gw[iw]! += g[iy]! * x[ix]!;
          }
        }
      }
    }
  }
  return [y, gx, gw];
}

/** The three primitives by the kernels of a device. */
function computed(
  device: WasmBackend,
  c: Case,
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  g: ArrayLike<number>,
): number[][] {
  const { x: xs, w: ws, y: ys } = shapes(c);
  const [dx, dw, dg] = [operand(device, x, xs), operand(device, w, ws), operand(device, g, ys)];
  const outs = [ys, xs, ws].map((shape) => empty(device, shape)) as [Operand, Operand, Operand];
  const attrs = attrsOf(c);
  expect(run(device, "conv", [dx, dw], outs[0], attrs)).toBe(true);
  expect(run(device, "convInputGrad", [dg, dw], outs[1], { ...attrs, inputSize: c.size })).toBe(true);
  expect(run(device, "convWeightGrad", [dg, dx], outs[2], { ...attrs, kernelSize: ws.slice(2) })).toBe(true);
  return outs.map((out) => values(device, out));
}

/** Winograd wherever it can compute at all, or nowhere. */
function force(always: boolean): void {
  Object.assign(
    winogradLimits,
    always
      ? { channels: 1, rows: 1, strided: 1, waste: Infinity, weights: 2 ** 30, cost: Infinity }
      : { channels: Infinity },
  );
}

test.each([1, 2] as const)(
  "winograd: the matrices of an axis compute convolutions that move by %i",
  (stride) => {
    const { image, weight, output } = AXES[stride];
    const dot = (a: readonly number[], b: readonly number[]): number =>
      a.reduce((sum, v, i) => sum + v * b[i]!, 0);
    const d = [...noise(image[0]!.length, 1)];
    const w = [...noise(WEIGHTS, 2)];
    // Products beyond the number of sums are added to the first ones.
    const sums = output.map(() => 0);
    image.forEach((row, i) => sums[i % sums.length]! += dot(row, d) * dot(weight[i]!, w));
    for (let i = 0; i < OUTPUTS; i++) {
      expect(dot(output.map((row) => row[i]!), sums)).toBeCloseTo(
        dot(w, d.slice(stride * i, stride * i + WEIGHTS)),
        12,
      );
    }
  },
);

test("winograd: the convolution and both gradients, in any size", () => {
  force(true);
  for (const c of CASES) {
    const { x: xs, w: ws, y: ys } = shapes(c);
    const [x, w, g] = [noise(size(xs), 1), noise(size(ws), 2), noise(size(ys), 3)];
    const want = exact(c, x, w, g);
    // How many products each result adds up, at most.
    const taps = ws[2]! * ws[3]!;
    const terms = [taps * c.channels, taps * c.rows, c.batch * ys[2]! * ys[3]!];
    for (const [build, device] of devices) {
      computed(device, c, x, w, g).forEach((got, i) => {
        const far = got.findIndex((v, at) =>
          !(Math.abs(v - want[i]![at]!) < 2e-6 * (Math.sqrt(terms[i]!) + 3))
        );
        expect(far, `${build} ${JSON.stringify(c)}, result ${i}`).toBe(-1);
      });
    }
  }
});

const EXACT = [
  [3, 1, 1, 1],
  [3, 2, 1, 1],
  [5, 1, 1, 1],
  [6, 1, 1, 1],
  [7, 1, 1, 3],
  [10, 1, 1, 4],
  [3, 1, 2, 1],
] as const;

test.each(EXACT)(
  "winograd: as exact as sums of products in float32, within a small factor, kernel %i, by %i, dilated by %i",
  (k, stride, d, n) => {
    const odd = { kernel: [k, k], dilation: [d, d], padding: [n, n], stride } as const;
    const c: Case = { batch: 1, channels: 64, rows: 24, size: [16, 16], ...odd };
    const { x: xs, w: ws, y: ys } = shapes(c);
    const [x, w, g] = [noise(size(xs), 4), noise(size(ws), 5), noise(size(ys), 6)];
    const want = exact(c, x, w, g);
    const norm = (list: readonly number[]): number => Math.sqrt(list.reduce((sum, v) => sum + v * v, 0));
    const errors = (got: number[][]): number[] =>
      got.map((list, i) => norm(list.map((v, at) => v - want[i]![at]!)) / norm(want[i]!));
    for (const [build, device] of devices) {
      force(true);
      const tiled = errors(computed(device, c, x, w, g));
      force(false);
      const plain = errors(computed(device, c, x, w, g));
      Object.assign(winogradLimits, limits);
      tiled.forEach((error, i) => {
        expect(error, `${build}, result ${i}`).toBeGreaterThan(0);
        expect(error / plain[i]!, `${build}, result ${i}`).toBeLessThan(4);
        expect(error, `${build}, result ${i}`).toBeLessThan(1e-6);
      });
    }
  },
);

/** What one number among the operands must not do: reach results that it has no part in. */
const ODD: readonly (readonly [where: "x" | "w" | "g", value: number])[] = [
  ["x", NaN],
  ["x", Infinity],
  ["x", -Infinity],
  ["x", 3e38],
  ["x", 1e9],
  ["w", NaN],
  ["w", -Infinity],
  ["w", 3e38],
  ["g", NaN],
  ["g", Infinity],
  ["g", 1e20],
];

test.each(
  [[1, 3, 1, 1], [0, 3, 1, 1], [1, 3, 2, 1], [0, 3, 2, 1], [2, 5, 1, 1], [3, 7, 1, 1], [2, 3, 1, 2]] as const,
)(
  "winograd: NaN, infinities and very large numbers stay in their windows, padding %i, kernel %i, by %i, dilated by %i",
  (n, k, stride, d) => {
    const odd = { padding: [n, n], kernel: [k, k], stride, dilation: [d, d] } as const;
    const c: Case = { batch: 2, channels: 10, rows: 12, size: [10, 14], ...odd };
    const { x: xs, w: ws, y: ys } = shapes(c);
    for (const [build, device] of devices) {
      for (const [where, value] of ODD) {
        const data = { x: noise(size(xs), 7), w: noise(size(ws), 8), g: noise(size(ys), 9) };
        data[where][Math.floor(data[where].length / 3)] = value;
        force(true);
        const got = computed(device, c, data.x, data.w, data.g);
        force(false);
        const want = computed(device, c, data.x, data.w, data.g);
        // The results that the number has no part in are Winograd's own, to rounding.
        const takes = [where !== "g", where !== "x", where !== "w"];
        got.forEach((list, i) => {
          const label = `${build}, ${value} in ${where}, result ${i}`;
          if (takes[i]) expect(list, label).toEqual(want[i]);
          else expect(list.every((v, at) => Math.abs(v - want[i]![at]!) < 1e-4), label).toBe(true);
        });
      }
    }
  },
);
