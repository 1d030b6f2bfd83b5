/**
 * Attention and its gradients by definition in float64: lengths around a block, strides of split heads, biases, rows that
 * see nothing.
 */

import { contiguousStrides, float32, type Operand, type Shape } from "@flambeau/core";
import { expect, test } from "vitest";
import { devices, empty, noise, operand, run, values } from "./test_support.ts";

interface Case {
  readonly heads: number;
  readonly l: number;
  readonly s: number;
  readonly e: number;
  readonly f: number;
  readonly causal?: boolean;
  /** Steps of heads and rows of the bias; columns are dense. */
  readonly bias?: "all" | "rows" | "heads" | "blind";
  /** Heads lie beside one another in the rows, as a projection leaves them. */
  readonly split?: boolean;
}

const CASES: readonly Case[] = [
  { heads: 1, l: 1, s: 1, e: 1, f: 1 },
  { heads: 2, l: 3, s: 5, e: 2, f: 3 },
  { heads: 3, l: 17, s: 17, e: 8, f: 8, causal: true },
  { heads: 2, l: 64, s: 64, e: 32, f: 32, causal: true, split: true },
  { heads: 2, l: 65, s: 63, e: 7, f: 5, split: true },
  { heads: 1, l: 130, s: 130, e: 16, f: 16, causal: true },
  { heads: 1, l: 70, s: 200, e: 64, f: 40 },
  { heads: 1, l: 200, s: 30, e: 4, f: 4, causal: true },
  { heads: 2, l: 9, s: 10, e: 4, f: 4, bias: "all" },
  { heads: 2, l: 9, s: 11, e: 4, f: 4, bias: "rows" },
  { heads: 2, l: 70, s: 7, e: 4, f: 4, bias: "heads", causal: true },
  { heads: 1, l: 5, s: 6, e: 4, f: 4, bias: "blind" },
  { heads: 2, l: 2, s: 9, e: 4, f: 6, bias: "all", causal: true },
  { heads: 2, l: 3, s: 70, e: 16, f: 9, bias: "blind", split: true },
  { heads: 1, l: 76, s: 90, e: 9, f: 11, bias: "all", causal: true },
  { heads: 1, l: 66, s: 77, e: 12, f: 4, bias: "rows" },
];

const SCALE = Math.fround(0.37);

/** Results and gradients in float64, by definition. */
function expected(
  { heads, l, s, e, f, causal = false }: Case,
  [q, k, v, g, delta]: readonly Float64Array[],
  bias: (h: number, i: number, j: number) => number,
) {
  const out = {
    y: new Float64Array(heads * l * f),
    logs: new Float64Array(heads * l),
    gq: new Float64Array(heads * l * e),
    gk: new Float64Array(heads * s * e),
    gv: new Float64Array(heads * s * f),
  };
  for (let h = 0; h < heads; h++) {
    for (let i = 0; i < l; i++) {
      const scores = Array.from({ length: s }, (_, j) => {
        if (causal && j > i) return -Infinity;
        let sum = 0;
        for (let c = 0; c < e; c++) sum += q![(h * l + i) * e + c]! * k![(h * s + j) * e + c]!;
        return sum * SCALE + bias(h, i, j);
      });
      const max = Math.max(...scores);
      const total = max === -Infinity ? 0 : scores.reduce((sum, x) => sum + Math.exp(x - max), 0);
      const log = max === -Infinity ? -Infinity : max + Math.log(total);
      out.logs[h * l + i] = log;
      for (let j = 0; j < s; j++) {
        const p = log === -Infinity ? 0 : Math.exp(scores[j]! - log);
        let slope = -delta![h * l + i]!;
        for (let c = 0; c < f; c++) {
          out.y[(h * l + i) * f + c]! += p * v![(h * s + j) * f + c]!;
          out.gv[(h * s + j) * f + c]! += p * g![(h * l + i) * f + c]!;
          slope += g![(h * l + i) * f + c]! * v![(h * s + j) * f + c]!;
        }
        for (let c = 0; c < e; c++) {
          out.gq[(h * l + i) * e + c]! += p * slope * SCALE * k![(h * s + j) * e + c]!;
          out.gk[(h * s + j) * e + c]! += p * slope * SCALE * q![(h * l + i) * e + c]!;
        }
      }
    }
  }
  return out;
}

test("attention, attentionBackward: by definition, in any layout, with and without a bias", () => {
  for (const [build, device] of devices) {
    for (const c of CASES) {
      const { heads, l, s, e, f, split = false } = c;
      const label = `${build} ${JSON.stringify(c)}`;
      const lay = (rows: number, columns: number, seed: number): { x: Operand; data: Float64Array } => {
        const data = Float64Array.from(noise(heads * rows * columns, seed));
        const strides = split ? [columns, heads * columns, 1] : contiguousStrides([heads, rows, columns]);
        return { x: operand(device, data, [heads, rows, columns], float32, { strides }), data };
      };
      const [q, k, v, g] = [lay(l, e, 1), lay(s, e, 2), lay(s, f, 3), lay(l, f, 4)];
      const sums = (seed: number) => {
        const data = Float64Array.from(noise(heads * l, seed));
        return { x: operand(device, data, [heads, l, 1]), data };
      };
      const delta = sums(5);
      const shapes: Record<string, Shape> = {
        all: [heads, l, s],
        rows: [1, s],
        heads: [heads, 1, s],
        blind: [l, s],
      };
      const shape = c.bias === undefined ? null : shapes[c.bias]!;
      const numbers = shape === null ? [] : Array.from(
        noise(shape.reduce((a, b) => a * b, 1), 6),
        (x, i) => c.bias === "blind" && (i < s || i % 3 === 0) ? -Infinity : x,
      );
      const at = (h: number, i: number, j: number): number => {
        if (c.bias === "all") return numbers[(h * l + i) * s + j]!;
        if (c.bias === "rows") return numbers[j]!;
        if (c.bias === "heads") return numbers[h * s + j]!;
        return c.bias === "blind" ? numbers[i * s + j]! : 0;
      };
      const want = expected(c, [q.data, k.data, v.data, g.data, delta.data], at);
      const bias = shape === null ? [] : [operand(device, numbers, shape)];
      const attrs = { scale: SCALE, causal: c.causal ?? false };
      const y = empty(device, [heads, l, f]);
      const logs = empty(device, [heads, l, 1]);
      const inputs = [q.x, k.x, v.x, ...bias] as unknown as readonly [Operand, Operand, Operand];
      expect(run(device, "attention", inputs, [y, logs], attrs), label).toBe(true);
      const close = (name: string, x: Operand, numbers: Float64Array): void => {
        values(device, x).forEach((value, i) => {
          const far = value === numbers[i] ? 0 : Math.abs(value - numbers[i]!);
          expect(far, `${label}: ${name} ${i}: ${value}, ${numbers[i]}`).toBeLessThanOrEqual(
            3e-5 * (1 + Math.abs(numbers[i]!)),
          );
        });
      };
      close("y", y, want.y);
      close("logs", logs, want.logs);
      const results = [
        empty(device, [heads, l, e]),
        empty(device, [heads, s, e]),
        empty(device, [heads, s, f]),
      ] as const;
      const back = [g.x, q.x, k.x, v.x, logs, delta.x, ...bias] as unknown as readonly [
        ...[Operand, Operand, Operand],
        ...[Operand, Operand, Operand],
      ];
      expect(run(device, "attentionBackward", back, results, attrs), label).toBe(true);
      close("gq", results[0], want.gq);
      close("gk", results[1], want.gk);
      close("gv", results[2], want.gv);
    }
  }
});

test("attention: leaves to copies what its loops cannot take", () => {
  const [, device] = devices[0]!;
  const make = (shape: Shape, strides?: Shape): Operand =>
    operand(device, noise(64), shape, float32, strides === undefined ? {} : { strides });
  const attrs = { scale: 1, causal: false };
  const out = [empty(device, [2, 3, 4]), empty(device, [2, 3, 1])] as const;
  const dense = make([2, 3, 4]);
  const columns = make([2, 3, 4], [12, 1, 3]);
  expect(run(device, "attention", [dense, columns, dense], out, attrs)).toBe(false);
  expect(run(device, "attention", [dense, dense, dense], out, attrs)).toBe(true);
});
