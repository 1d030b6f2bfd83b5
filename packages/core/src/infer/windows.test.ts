import { describe, expect, test } from "vitest";
import type { Aval } from "../backend.ts";
import { float32 } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { convOutputSize, infer, poolOutputSize } from "../infer.ts";
import type { Shape } from "../shape.ts";

const signal = (size: number): Aval => ({ shape: [1, 1, size], dtype: float32 });

// Made by PyTorch 1.13: size, kernel, stride, padding, dilation, output size or null for an error.
const convSizes: [number, number, number, number, number, number | null][] = [
  [1, 2, 1, 1, 2, 1],
  [2, 3, 1, 1, 1, 2],
  [3, 1, 1, 0, 3, 3],
  [3, 1, 3, 3, 3, 3],
  [3, 2, 1, 2, 3, 4],
  [3, 3, 2, 3, 2, 3],
  [3, 4, 2, 1, 1, 1],
  [3, 4, 3, 3, 2, 1],
  [4, 2, 4, 1, 1, 2],
  [4, 5, 3, 1, 3, null],
  [5, 1, 2, 3, 3, 6],
  [5, 2, 2, 3, 2, 5],
  [5, 5, 2, 2, 2, 1],
  [6, 1, 1, 2, 2, 10],
  [6, 1, 1, 3, 3, 12],
  [6, 1, 2, 0, 1, 3],
  [6, 2, 4, 0, 1, 2],
  [6, 2, 4, 0, 2, 1],
  [6, 4, 3, 0, 1, 1],
  [6, 4, 4, 2, 2, 1],
  [7, 1, 2, 0, 3, 4],
  [7, 2, 2, 0, 1, 3],
  [8, 1, 1, 2, 3, 12],
  [8, 1, 2, 3, 2, 7],
  [8, 2, 1, 1, 1, 9],
  [8, 2, 1, 2, 3, 9],
  [8, 2, 4, 2, 1, 3],
  [8, 3, 1, 1, 1, 8],
  [8, 3, 2, 0, 2, 2],
  [8, 4, 1, 1, 1, 7],
  [8, 5, 4, 0, 1, 1],
  [9, 1, 3, 1, 1, 4],
  [9, 3, 2, 0, 3, 2],
  [9, 4, 2, 1, 3, 1],
  [10, 1, 1, 2, 3, 14],
  [10, 1, 2, 0, 3, 5],
  [10, 1, 2, 3, 3, 8],
  [10, 3, 2, 0, 2, 3],
  [11, 1, 3, 2, 1, 5],
  [11, 1, 3, 2, 3, 5],
  [11, 2, 1, 3, 3, 14],
  [11, 2, 3, 0, 3, 3],
  [11, 4, 3, 3, 3, 3],
  [11, 5, 4, 3, 2, 3],
  [12, 2, 2, 1, 1, 7],
  [12, 3, 4, 1, 3, 2],
  [12, 4, 4, 3, 3, 3],
  [12, 5, 3, 3, 3, 2],
];
// The same with ceilMode before the output size.
const poolSizes: [number, number, number, number, number, number, number | null][] = [
  [1, 1, 4, 0, 1, 1, 1],
  [1, 2, 1, 3, 3, 0, null],
  [2, 2, 3, 1, 2, 0, 1],
  [2, 2, 4, 0, 1, 0, 1],
  [2, 3, 2, 1, 1, 0, 1],
  [3, 3, 1, 1, 1, 0, 3],
  [4, 1, 1, 2, 2, 1, null],
  [4, 3, 2, 0, 2, 1, 1],
  [4, 3, 2, 1, 2, 0, 1],
  [4, 5, 4, 1, 2, 0, null],
  [5, 1, 2, 0, 3, 1, 3],
  [5, 2, 4, 2, 2, 1, null],
  [5, 3, 2, 0, 2, 1, 1],
  [5, 3, 2, 0, 3, 0, null],
  [5, 3, 3, 2, 1, 1, null],
  [5, 5, 2, 0, 3, 0, null],
  [6, 1, 3, 0, 1, 1, 2],
  [6, 2, 2, 0, 2, 0, 2],
  [6, 2, 4, 0, 3, 1, 2],
  [6, 3, 4, 0, 1, 0, 1],
  [6, 5, 1, 2, 1, 1, 6],
  [7, 1, 1, 0, 2, 1, 7],
  [7, 3, 3, 0, 1, 0, 2],
  [7, 3, 3, 0, 2, 1, 2],
  [7, 4, 4, 3, 2, 0, null],
  [8, 1, 3, 3, 1, 0, null],
  [8, 2, 4, 0, 2, 1, 2],
  [8, 3, 2, 1, 3, 0, 2],
  [8, 3, 4, 1, 1, 1, 3],
  [8, 4, 1, 1, 2, 0, 4],
  [8, 4, 2, 1, 1, 1, 4],
  [8, 4, 4, 0, 2, 0, 1],
  [8, 5, 2, 1, 1, 0, 3],
  [9, 3, 4, 2, 2, 0, null],
  [9, 4, 1, 0, 1, 1, 6],
  [9, 4, 4, 1, 1, 1, 3],
  [10, 4, 1, 0, 2, 0, 4],
  [10, 4, 3, 0, 2, 1, 2],
  [10, 5, 2, 2, 2, 1, 4],
  [11, 1, 3, 0, 3, 0, 4],
  [11, 4, 1, 1, 3, 1, 4],
  [11, 4, 1, 2, 1, 0, 12],
  [12, 2, 1, 0, 1, 1, 11],
  [12, 2, 4, 0, 2, 0, 3],
  [12, 3, 1, 0, 1, 1, 10],
  [12, 3, 3, 2, 1, 1, null],
  [12, 3, 4, 1, 2, 1, 4],
  [12, 5, 2, 0, 3, 1, 1],
];

describe("window sizes", () => {
  test("conv: as PyTorch", () => {
    for (const [size, kernel, stride, padding, dilation, out] of convSizes) {
      const attrs = { stride: [stride], padding: [padding], dilation: [dilation], groups: 1 };
      const go = (): Shape => infer("conv", [signal(size), signal(kernel)], attrs).shape;
      if (out === null) expect(go).toThrow(ShapeError);
      else {
        expect(go(), JSON.stringify([size, kernel, attrs])).toEqual([1, 1, out]);
        expect(convOutputSize(size, kernel, stride, padding, dilation)).toBe(out);
      }
    }
    expect(convOutputSize(5, 3)).toBe(3);
  });

  test("pool: as PyTorch, with ceilMode", () => {
    for (const [size, kernel, stride, padding, dilation, ceil, out] of poolSizes) {
      const attrs = {
        kernelSize: [kernel],
        stride: [stride],
        padding: [padding],
        dilation: [dilation],
        ceilMode: ceil === 1,
      };
      const go = (): Shape => infer("maxPool", [signal(size)], attrs)[0].shape;
      if (out === null) expect(go, JSON.stringify([size, attrs])).toThrow();
      else {
        expect(go(), JSON.stringify([size, attrs])).toEqual([1, 1, out]);
        expect(poolOutputSize(size, kernel, stride, padding, dilation, ceil === 1)).toBe(out);
      }
    }
    expect(poolOutputSize(7, 3)).toBe(2);
  });
});
