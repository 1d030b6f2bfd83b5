import { type CrossEntropyAttrs, float32, int32, int64, type Operand, type Shape } from "@flambeau/core";
import { expect, test } from "vitest";
import { devices, empty, noise, operand, run, values } from "./test_support.ts";

const size = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
const data = (shape: Shape, seed: number, scale = 3): number[] =>
  Array.from(noise(size(shape), seed), (v) => Math.fround(v * scale));

function close(got: number[], want: number[], tolerance: number, label = ""): void {
  expect(got.length).toBe(want.length);
  got.forEach((v, i) => {
    if (Object.is(v, want[i])) return;
    expect(Math.abs(v - want[i]!), `${label} at ${i}: ${v}, ${want[i]}`).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(want[i]!)),
    );
  });
}

/** The lines along `dim`, as lists of places. */
function lines(shape: Shape, dim: number): number[][] {
  const inner = size(shape.slice(dim + 1));
  const n = shape[dim]!;
  return Array.from({ length: size(shape) / n }, (_, i) => {
    const start = Math.floor(i / inner) * inner * n + i % inner;
    return Array.from({ length: n }, (_, k) => start + k * inner);
  });
}

const SHAPES: readonly (readonly [Shape, number])[] = [
  ...[1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 33, 100].map((n) => [[3, n], 1] as const),
  [[7, 3], 0],
  [[2, 9, 5], 1],
  [[2, 3, 8], 1],
  [[3, 1030], 0],
  [[4, 2, 6], 2],
  [[2, 600], 1],
  [[3, 131], 1],
];

test("softmax, logSoftmax and their gradients: by definition, along any dim, without overflow", () => {
  for (const [shape, dim] of SHAPES) {
    const x = data(shape, 1, 30).map((v, i) => i === 2 ? -Infinity : Math.fround(v + 1000));
    const g = data(shape, 2);
    const [soft, logs, gSoft, gLog] = [[], [], [], []] as number[][] as [
      number[],
      number[],
      number[],
      number[],
    ];
    for (const line of lines(shape, dim)) {
      const m = Math.max(...line.map((i) => x[i]!));
      const sum = line.reduce((s, i) => s + Math.exp(x[i]! - m), 0);
      for (const i of line) {
        soft[i] = Math.exp(x[i]! - m) / sum;
        logs[i] = x[i]! - m - Math.log(sum);
      }
      const dot = line.reduce((s, i) => s + g[i]! * soft[i]!, 0);
      const total = line.reduce((s, i) => s + g[i]!, 0);
      for (const i of line) {
        gSoft[i] = soft[i]! * (g[i]! - dot);
        gLog[i] = g[i]! - soft[i]! * total;
      }
    }
    for (const [, device] of devices) {
      const input = operand(device, x, shape);
      const [y, l, o] = [empty(device, shape), empty(device, shape), empty(device, shape)];
      if (shape[dim] === 1 && x.includes(-Infinity)) continue;
      expect(run(device, "softmax", [input], y, { dim })).toBe(true);
      close(values(device, y), soft, 1e-6, `softmax ${shape} ${dim}`);
      run(device, "logSoftmax", [input], l, { dim });
      close(values(device, l), logs, 1e-6, `logSoftmax ${shape} ${dim}`);
      run(device, "softmaxBackward", [operand(device, g, shape), y], o, { dim });
      close(values(device, o), gSoft, 2e-6);
      run(device, "logSoftmaxBackward", [operand(device, g, shape), l], o, { dim });
      close(values(device, o), gLog, 1e-5);
    }
  }
});

test("softmax: a row with NaN or of −∞ only is NaN", () => {
  for (const [, device] of devices) {
    for (const n of [3, 4, 9]) {
      const x = new Float32Array(3 * n).fill(1);
      x.fill(-Infinity, n, 2 * n);
      x[n - 1] = NaN;
      for (const name of ["softmax", "logSoftmax"] as const) {
        const out = empty(device, [3, n]);
        run(device, name, [operand(device, x, [3, n])], out, { dim: 1 });
        const got = values(device, out);
        expect(got.slice(0, 2 * n).every(Number.isNaN)).toBe(true);
        expect(
          got.slice(2 * n).every((v) => Math.abs(v - (name === "softmax" ? 1 / n : -Math.log(n))) < 1e-6),
        ).toBe(true);
      }
    }
  }
});

test("softmax: rows whose largest elements come late, hide among −∞ or lie far from 0", () => {
  const n = 300;
  const row = data([n], 1, 3);
  const rows: number[][] = [
    row.map((v, i) => i === 200 ? v + 90 : v), // beyond the power of two that the beginning gives
    row.map((v, i) => i === 299 ? v + 20 : v),
    row.map((v, i) => i < 100 ? -Infinity : v),
    row.map((v, i) => i > 100 ? -Infinity : v),
    row.map((v) => v - 3e4),
    row.map((v) => v + 900),
    row.map((v) => v * 100),
    row.map((v, i) => i === 0 ? Infinity : v),
    row.map((v, i) => i === 250 ? Infinity : v),
    row.map((v, i) => i === 250 ? NaN : v),
  ].map((values) => values.map(Math.fround));
  for (const values_ of rows) {
    const m = Math.max(...values_);
    const sum = values_.reduce((s, v) => s + Math.exp(v - m), 0);
    for (const [, device] of devices) {
      const x = operand(device, values_, [1, n]);
      const y = empty(device, [1, n]);
      run(device, "softmax", [x], y, { dim: 1 });
      close(values(device, y), values_.map((v) => Math.exp(v - m) / sum), 1e-6);
      run(device, "logSoftmax", [x], y, { dim: 1 });
      close(values(device, y), values_.map((v) => v - m - Math.log(sum)), 1e-6);
      run(device, "softmax", [x], x, { dim: 1 });
      close(values(device, x), values_.map((v) => Math.exp(v - m) / sum), 1e-6);
    }
  }
});

test("logSoftmax: never above 0, and 0 where one element outweighs all others", () => {
  const n = 300;
  for (const [, device] of devices) {
    for (let seed = 1; seed < 40; seed++) {
      const x = data([n], seed, 5).map((v, i) => i === 5 * seed ? v + seed : v).map(Math.fround);
      const y = empty(device, [1, n]);
      run(device, "logSoftmax", [operand(device, x, [1, n])], y, { dim: 1 });
      const got = values(device, y);
      expect(Math.max(...got)).toBeLessThanOrEqual(0);
      if (seed > 30) expect(got[5 * seed]! + 0).toBe(0);
    }
  }
});

/** Mean, 1/σ and normalized elements over groups of places. */
function normalize(
  x: number[],
  groups: number[][],
  eps: number,
): { mean: number[]; rstd: number[]; h: number[] } {
  const [mean, rstd, h] = [[], [], []] as number[][] as [number[], number[], number[]];
  for (const group of groups) {
    const mu = group.reduce((s, i) => s + x[i]!, 0) / group.length;
    const r = 1 / Math.sqrt(group.reduce((s, i) => s + (x[i]! - mu) ** 2, 0) / group.length + eps);
    mean.push(mu);
    rstd.push(r);
    for (const i of group) h[i] = (x[i]! - mu) * r;
  }
  return { mean, rstd, h };
}

/** Runs a normalization and its gradient over `groups`, where element i has weight number `weightOf(i)`. */
function checkNorm(
  names: readonly [
    "layerNorm" | "batchNorm" | "groupNorm",
    "layerNormBackward" | "batchNormBackward" | "groupNormBackward",
  ],
  shape: Shape,
  weightShape: Shape,
  statShape: Shape,
  groups: number[][],
  weightOf: (i: number) => number,
  bend: (v: number, i: number) => number = (v) => v + 5,
): void {
  const eps = 1e-5;
  const x = data(shape, 1).map((v, i) => Math.fround(bend(v, i)));
  const [g, w, b] = [data(shape, 2), data(weightShape, 3), data(weightShape, 4)];
  const { mean, rstd, h } = normalize(x, groups, eps);
  const y = h.map((v, i) => v * w[weightOf(i)]! + b[weightOf(i)]!);
  const [gx, gw, gb] = [[], w.map(() => 0), w.map(() => 0)] as number[][] as [number[], number[], number[]];
  groups.forEach((group, k) => {
    const u = (i: number): number => g[i]! * w[weightOf(i)]!;
    const c1 = group.reduce((s, i) => s + u(i), 0) / group.length;
    const c2 = group.reduce((s, i) => s + u(i) * h[i]!, 0) / group.length;
    for (const i of group) {
      gx[i] = rstd[k]! * (u(i) - c1 - h[i]! * c2);
      gw[weightOf(i)]! += g[i]! * h[i]!;
      gb[weightOf(i)]! += g[i]!;
    }
  });
  for (const [build, device] of devices) {
    const label = `${names[0]} ${build} ${JSON.stringify(shape)}`;
    const [dx, dg, dw, db] = [
      operand(device, x, shape),
      operand(device, g, shape),
      operand(device, w, weightShape),
      operand(device, b, weightShape),
    ];
    const outs = [empty(device, shape), empty(device, statShape), empty(device, statShape)] as const;
    expect(run(device, names[0] as "layerNorm", [dx, dw, db], outs, { eps })).toBe(true);
    close(values(device, outs[0]), y, 2e-5, label);
    close(values(device, outs[1]), mean, 1e-6, label);
    close(values(device, outs[2]), rstd, 1e-5, label);
    const grads = [empty(device, shape), empty(device, weightShape), empty(device, weightShape)] as const;
    expect(run(device, names[1] as "layerNormBackward", [dg, dx, dw, outs[1], outs[2]], grads, null)).toBe(
      true,
    );
    [gx, gw, gb].forEach((want, k) => close(values(device, grads[k]!), want, 5e-5, `${label} gradient ${k}`));
  }
}

test("layerNorm, layerNormBackward: by definition, for every remainder and many rows", () => {
  for (const n of [1, 3, 4, 5, 15, 16, 17, 33, 100]) {
    if (n === 1) continue; // 1/σ is 1/√eps there, and rounding of x − mean is all that is left
    const rows = n === 5 ? 200 : 3;
    checkNorm(
      ["layerNorm", "layerNormBackward"],
      [rows, n],
      [n],
      [rows, 1],
      lines([rows, n], 1),
      (i) => i % n,
    );
  }
  checkNorm(
    ["layerNorm", "layerNormBackward"],
    [2, 3, 4, 5],
    [4, 5],
    [2, 3, 1, 1],
    lines([6, 20], 1),
    (i) => i % 20,
  );
});

test("layerNorm: elements that lie far from the first ones, and all far from 0", () => {
  const [rows, n] = [3, 200];
  for (
    const bend of [
      (v: number, i: number) => i % n < 20 ? 1000 + v : v,
      (v: number) => 100 + v,
      (v: number, i: number) => i % n === 0 ? -500 : v,
    ]
  ) {
    checkNorm(
      ["layerNorm", "layerNormBackward"],
      [rows, n],
      [n],
      [rows, 1],
      lines([rows, n], 1),
      (i) => i % n,
      bend,
    );
  }
});

test("groupNorm, groupNormBackward: by definition, for channels with and without space", () => {
  for (const shape of [[2, 3, 2, 7], [3, 2, 5, 1], [2, 1, 3, 49], [1, 4, 1, 33], [5, 2, 4, 8]] as const) {
    const [, groups, channels, inner] = shape;
    checkNorm(
      ["groupNorm", "groupNormBackward"],
      shape,
      [groups, channels],
      [shape[0], groups, 1, 1],
      lines([shape[0] * groups, channels * inner], 1),
      (i) => Math.floor(i / inner) % (groups * channels),
    );
  }
});

test("batchNorm, batchNormBackward: by definition, with and without spatial dimensions", () => {
  for (
    const shape of [
      [8, 5],
      [70, 19],
      [5, 1030],
      [3, 2],
      [4, 3, 7],
      [9, 2, 2],
      [2, 3, 5, 5],
      [3, 2, 17, 16],
    ] as Shape[]
  ) {
    const channels = shape[1]!;
    const inner = size(shape.slice(2));
    const channelOf = (i: number): number => Math.floor(i / inner) % channels;
    const groups = Array.from(
      { length: channels },
      (_, c) => Array.from({ length: size(shape) }, (_, i) => i).filter((i) => channelOf(i) === c),
    );
    checkNorm(["batchNorm", "batchNormBackward"], shape, [channels], [channels], groups, channelOf);
  }
});

test("nllLoss: mean and sum with weights and ignored rows; a wrong target is an error in words", () => {
  const [n, c] = [7, 5];
  const logp = data([n, c], 1);
  const weight = [1, 0.5, 2, 0.25, 3];
  const target = [0, 4, 2, -100, 1, 1, 3];
  let [sum, total] = [0, 0];
  target.forEach((t, i) => {
    if (t < 0) return;
    sum -= weight[t]! * logp[i * c + t]!;
    total += weight[t]!;
  });
  for (const [, device] of devices) {
    for (const dtype of [int32, int64]) {
      for (const reduction of ["mean", "sum"] as const) {
        const outs = [empty(device, []), empty(device, [])] as const;
        const inputs = (
          t: number[],
        ): [Operand, Operand, Operand] => [
          operand(device, logp, [n, c]),
          operand(device, t, [n], dtype),
          operand(device, weight, [c]),
        ];
        const attrs = { reduction, ignoreIndex: -100 };
        expect(run(device, "nllLoss", inputs(target), outs, attrs)).toBe(true);
        close(values(device, outs[0]), [reduction === "mean" ? sum / total : sum], 1e-6);
        close(values(device, outs[1]), [total], 1e-6);
        run(device, "nllLoss", inputs(target.map(() => -100)), outs, attrs);
        expect(values(device, outs[0])[0]).toBe(reduction === "mean" ? NaN : 0);
        expect(() => run(device, "nllLoss", inputs([0, 1, 5, 0, 0, 0, 0]), outs, attrs)).toThrow(
          "Cannot nllLoss 5 classes: targets must be in the range [0, 4] or -100, got 5 in row 2",
        );
      }
    }
  }
});

/** Runs a primitive of classes, some of whose inputs may be left out. */
function runClasses(
  device: (typeof devices)[number][1],
  name: "crossEntropy" | "crossEntropyBackward",
  inputs: readonly Operand[],
  outputs: Operand | readonly Operand[],
  attrs: CrossEntropyAttrs,
): boolean {
  const made = outputs as readonly [Operand, Operand, Operand, Operand];
  return run(device, name as "crossEntropy", inputs as [Operand, Operand], made, attrs);
}

/** A call of crossEntropy: scores along dimension 1, classes of the targets, and what the attributes say. */
interface ClassesCall {
  readonly x: readonly number[];
  readonly shape: Shape;
  readonly target: readonly number[];
  readonly weight: readonly number[] | null;
  readonly ignoreIndex: number;
  readonly smoothing: number;
}

/** Losses, largest scores, logarithms and weights of all targets, and the gradient for scores of Σ g · loss. */
function crossEntropyOf(
  { x, shape, target, weight, ignoreIndex, smoothing }: ClassesCall,
  g: readonly number[],
) {
  const n = shape[1]!;
  const [losses, largest, logs, weights, gx] = [[], [], [], [], []] as [
    ...[number[], number[], number[], number[], number[]],
  ];
  for (const [row, line] of lines(shape, 1).entries()) {
    const most = line.some((i) => Number.isNaN(x[i])) ? NaN : Math.max(...line.map((i) => x[i]!));
    const log = Math.log(line.reduce((sum, i) => sum + Math.exp(x[i]! - most), 0));
    const t = target[row]!;
    const counts = t !== ignoreIndex;
    const w = counts ? weight?.[t] ?? 1 : 0;
    const below = line.map((i) => log - (x[i]! - most));
    const spread = below.reduce((sum, v) => sum + v, 0) / n;
    const loss = smoothing === 0 ? w * below[t]! : (1 - smoothing) * w * below[t]! + smoothing * spread;
    losses.push(counts ? loss : 0);
    largest.push(most);
    logs.push(log);
    weights.push(w);
    const share = counts ? g[row]! : 0;
    const own = share * (1 - smoothing) * w;
    line.forEach((i, k) => {
      gx[i] = Math.exp(-below[k]!) * (own + share * smoothing) - share * smoothing / n - (k === t ? own : 0);
    });
  }
  return { losses, largest, logs, weights, gx };
}

test("crossEntropy and its gradient: by definition, rows and columns, weights, smoothing, ignored targets", () => {
  const shapes: Shape[] = [[7, 5], [3, 131], [5, 1], [40, 16], [2, 9, 5], [3, 4, 2, 7], [2, 3, 1030], [
    1,
    6,
    600,
  ]];
  for (const [k, shape] of shapes.entries()) {
    const n = shape[1]!;
    const rows = size(shape) / n;
    const targets = [shape[0]!, ...shape.slice(2)];
    const x = data(shape, 1, 5).map((v, i) => i % 37 === 3 ? Math.fround(v + 60) : v);
    const target = Array.from({ length: rows }, (_, i) => (i * 7 + 3) % n);
    const weight = k % 3 === 1 ? Array.from({ length: n }, (_, i) => 0.25 + (i % 5) / 4) : null;
    const call = { x, shape, target, weight, ignoreIndex: n > 1 ? 1 : -5, smoothing: k % 2 === 0 ? 0.25 : 0 };
    for (const reduction of ["mean", "sum", "none"] as const) {
      const g = reduction === "none" ? data([rows], 5) : [0.75];
      const weights = crossEntropyOf(call, target).weights;
      const total = weights.reduce((sum, w) => sum + w, 0);
      const share = reduction === "mean" ? g[0]! / total : g[0]!;
      const want = crossEntropyOf(call, reduction === "none" ? g : target.map(() => share));
      const sum = want.losses.reduce((a, b) => a + b, 0);
      const loss = reduction === "none" ? want.losses : [reduction === "mean" ? sum / total : sum];
      const attrs = { reduction, ignoreIndex: call.ignoreIndex, smoothing: call.smoothing };
      for (const [, device] of devices) {
        for (const dtype of [int32, int64]) {
          const lossShape = reduction === "none" ? targets : [];
          const [dx, dt] = [operand(device, x, shape), operand(device, target, targets, dtype)];
          const factor = weight === null ? [] : [operand(device, weight, [n])];
          const outs = [lossShape, targets, targets, []].map((s) => empty(device, s));
          expect(runClasses(device, "crossEntropy", [dx, dt, ...factor], outs, attrs)).toBe(true);
          const label = `[${shape}] ${reduction} ${dtype.name}`;
          close(values(device, outs[0]!), loss, 5e-6, label);
          close(values(device, outs[1]!), want.largest, 0, label);
          close(values(device, outs[2]!), want.logs, 2e-6, label);
          close(values(device, outs[3]!), [reduction === "none" ? 0 : total], 1e-6, label);
          const gx = empty(device, shape);
          const given = [operand(device, g, lossShape), dx, dt, outs[1]!, outs[2]!, outs[3]!, ...factor];
          expect(runClasses(device, "crossEntropyBackward", given, gx, attrs)).toBe(true);
          close(values(device, gx), want.gx, 2e-6, `gradient ${label}`);
        }
      }
    }
  }
});

test("crossEntropy: scores that are not finite, nothing that counts, and a target that is no class", () => {
  const rows = [
    1e4,
    1,
    -1e4,
    -Infinity,
    0,
    2,
    Infinity,
    1,
    2,
    NaN,
    1,
    2,
    -Infinity,
    -Infinity,
    -Infinity,
    5,
    5,
    NaN,
  ];
  for (const images of [false, true]) {
    const shape: Shape = images ? [1, 3, 6] : [6, 3];
    const targets = images ? [1, 6] : [6];
    const x = images ? rows.map((_, i) => rows[i % 6 * 3 + Math.floor(i / 6)]!) : rows;
    for (const [t, ignoreIndex, smoothing] of [[0, -1, 0], [2, -1, 0.5], [2, 2, 0]] as const) {
      const target = new Array(6).fill(t);
      const want = crossEntropyOf({ x, shape, target, weight: null, ignoreIndex, smoothing }, [
        1,
        2,
        3,
        4,
        5,
        6,
      ]);
      for (const [, device] of devices) {
        const outs = [targets, targets, targets, []].map((s) => empty(device, s));
        const [dx, dt] = [operand(device, x, shape), operand(device, target, targets, int32)];
        const attrs = { reduction: "none", ignoreIndex, smoothing } as const;
        runClasses(device, "crossEntropy", [dx, dt], outs, attrs);
        [want.losses, want.largest, want.logs].forEach((w, k) =>
          close(values(device, outs[k]!), w, 1e-6, `${k}`)
        );
        const g = operand(device, [1, 2, 3, 4, 5, 6], targets);
        const gx = empty(device, shape);
        runClasses(device, "crossEntropyBackward", [g, dx, dt, outs[1]!, outs[2]!, outs[3]!], gx, attrs);
        close(values(device, gx), want.gx, 1e-6, "gradient");
        const bad = operand(device, [0, 1, 3, 0, 0, 0], targets, int32);
        expect(() => runClasses(device, "crossEntropy", [dx, bad], outs, { ...attrs, ignoreIndex: -1 }))
          .toThrow(
            "Cannot crossEntropy 3 classes: targets must be in the range [0, 2] or -1, got 3",
          );
      }
    }
  }
  for (const [, device] of devices) {
    const outs = [[], [2], [2], []].map((s) => empty(device, s));
    const inputs = [operand(device, [1, 2, 3, 4], [2, 2]), operand(device, [-1, -1], [2], int64)];
    const attrs = { reduction: "mean", ignoreIndex: -1, smoothing: 0 } as const;
    runClasses(device, "crossEntropy", inputs, outs, attrs);
    expect([...values(device, outs[0]!), ...values(device, outs[3]!)]).toEqual([NaN, 0]);
    const gx = empty(device, [2, 2]);
    const g = operand(device, [1], []);
    runClasses(device, "crossEntropyBackward", [g, ...inputs, outs[1]!, outs[2]!, outs[3]!], gx, attrs);
    expect(values(device, gx)).toEqual([0, 0, 0, 0]);
  }
});

test("gelu: what an element becomes does not depend on those beside it", () => {
  const far = [-3.6, 3.6, -9.98, 10.5, -14, 300, -1e30, 1e-40, -0, Infinity, -Infinity, NaN];
  const x = [...data([40], 5, 5), ...far, ...data([11], 6, 2), ...far.reverse()].map(Math.fround);
  for (const approximate of ["none", "tanh"] as const) {
    for (const [build, device] of devices) {
      const all = empty(device, [x.length]);
      run(device, "gelu", [operand(device, x, [x.length])], all, { approximate });
      const alone = x.map((v) => {
        const one = empty(device, [1]);
        run(device, "gelu", [operand(device, [v], [1])], one, { approximate });
        return values(device, one)[0];
      });
      expect(values(device, all), `${build} ${approximate}`).toEqual(alone);
    }
  }
});

test("gelu, silu, clamp, addScaled, reluBackward, geluBackward: by definition", () => {
  const erf = (x: number): number => {
    // The Taylor series around 0, for |x| < 3.
    let [sum, term] = [0, x];
    for (let k = 0; k < 80; k++) {
      sum += term / (2 * k + 1);
      term *= -x * x / (k + 1);
    }
    return sum * 2 / Math.sqrt(Math.PI);
  };
  const cdf = (x: number): number => 0.5 * (1 + erf(x * Math.SQRT1_2));
  const pdf = (x: number): number => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  const inner = (x: number): number => Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
  for (const n of [1, 3, 4, 7, 8, 9, 40]) {
    const [x, g] = [data([n], 1, 4), data([n], 2)];
    const cases: [string, number[], unknown, number[]][] = [
      ["gelu", x, { approximate: "none" }, x.map((v) => v * cdf(v))],
      ["gelu", x, { approximate: "tanh" }, x.map((v) => v / 2 * (1 + Math.tanh(inner(v))))],
      ["silu", x, null, x.map((v) => v / (1 + Math.exp(-v)))],
      ["clamp", x, { min: -1, max: 2 }, x.map((v) => Math.min(Math.max(v, -1), 2))],
      [
        "clamp",
        [...x.slice(1), NaN],
        { min: null, max: 0.5 },
        [...x.slice(1), NaN].map((v) => Math.min(v, 0.5)),
      ],
    ];
    const pairs: [string, unknown, number[]][] = [
      ["reluBackward", null, x.map((v, i) => v > 0 ? g[i]! : 0)],
      ["geluBackward", { approximate: "none" }, x.map((v, i) => g[i]! * (cdf(v) + v * pdf(v)))],
      [
        "geluBackward",
        { approximate: "tanh" },
        x.map((v, i) => {
          const t = Math.tanh(inner(v));
          const slope = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * v * v);
          return g[i]! * 0.5 * (1 + t + v * (1 - t * t) * slope);
        }),
      ],
    ];
    for (const [, device] of devices) {
      for (const [name, input, attrs, want] of cases) {
        const out = empty(device, [n]);
        expect(run(device, name as "silu", [operand(device, input, [n])], out, attrs as null)).toBe(true);
        close(values(device, out), want, 1e-6, name);
      }
      for (const [name, attrs, want] of pairs) {
        const out = empty(device, [n]);
        expect(
          run(
            device,
            name as "reluBackward",
            [operand(device, g, [n]), operand(device, x, [n])],
            out,
            attrs as null,
          ),
        ).toBe(true);
        close(values(device, out), want, 2e-6, name);
      }
      const out = empty(device, [n]);
      run(device, "addScaled", [operand(device, x, [n]), operand(device, g, [n])], out, { alpha: -0.5 });
      close(values(device, out), x.map((v, i) => v - g[i]! / 2), 1e-7);
      expect(run(device, "silu", [operand(device, x, [n], float32, { strides: [2] })], out, null)).toBe(true);
      close(values(device, out), x.map((v) => v / (1 + Math.exp(-v))), 1e-6);
    }
  }
});
