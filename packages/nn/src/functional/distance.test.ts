import { beforeAll, describe, expect, test } from "vitest";
import { grad } from "@flambeau/autograd";
import { arange, cdist, cos, mul, pdist, reshape, sum, type Tensor, vectorNorm } from "@flambeau/tensor";
import { flat, useReference } from "../test_support.ts";

beforeAll(useReference);

const float64 = { dtype: "float64" } as const;

/** Points that lie in no order, `[…, n]`. */
function points(shape: number[], step: number): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return reshape(cos(mul(arange(count, float64), step)), shape);
}

function close(got: Tensor, want: Tensor): void {
  expect(got.shape).toEqual(want.shape);
  const [a, b] = [flat(got), flat(want)];
  let furthest = 0;
  for (let i = 0; i < a.length; i++) furthest = Math.max(furthest, Math.abs(a[i]! - b[i]!));
  expect(furthest).toBeLessThan(1e-12);
}

/** The result of `f`, and its gradients by blocks and as formulas of primitives over all differences. */
function both(
  f: (inputs: Tensor[]) => Tensor,
  inputs: Tensor[],
): [y: Tensor, once: Tensor[], again: Tensor[]] {
  const run = (createGraph: boolean): [Tensor, Tensor[]] => {
    const leaves = inputs.map((x) => x.clone().requiresGrad_());
    const y = f(leaves);
    const weights = reshape(cos(arange(y.numel(), float64)), y.shape);
    return [y, grad(sum(mul(y, weights)), leaves, { createGraph }) as Tensor[]];
  };
  const [y, once] = run(false);
  return [y, once, run(true)[1]];
}

describe("distances of more differences than one block", () => {
  // 2 × 70 × 80 × 30 and 40 × 5 × 1500 differences: with the longer rows along the points, and along their elements.
  test.each([[[2, 70, 30], [80, 30]], [[40, 1500], [5, 1500]]])("cdist of %j and %j", (first, second) => {
    const [a, b] = [points(first, 1.7), points(second, 2.9)];
    for (const p of [0, 1, 2, 3, Infinity]) {
      const modes = p === 2
        ? ["use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"] as const
        : [undefined];
      for (const computeMode of modes) {
        const f = ([x, y]: Tensor[]) => cdist(x!, y!, { p, ...(computeMode && { computeMode }) });
        const [y, once, again] = both(f, [a, b]);
        close(y, vectorNorm(a.unsqueeze(-2).sub(b.unsqueeze(-3)), { ord: p, dim: -1 }));
        close(once[0]!, again[0]!);
        close(once[1]!, again[1]!);
      }
    }
  });

  test("pdist is the part of cdist above the diagonal", () => {
    for (const shape of [[110, 30], [20, 1500]]) {
      const x = points(shape, 1.3);
      for (const p of [0, 1, 2, 3, Infinity]) {
        const [y, once, again] = both(([x]) => pdist(x!, p), [x]);
        const all = flat(cdist(x, x, { p, computeMode: "donot_use_mm_for_euclid_dist" }));
        const n = shape[0]!;
        expect(flat(y)).toHaveLength(n * (n - 1) / 2);
        let at = 0;
        const values = flat(y);
        for (let i = 0; i < n; i++) {
          for (let k = i + 1; k < n; k++) {
            expect(Math.abs(values[at++]! - all[i * n + k]!)).toBeLessThan(1e-12);
          }
        }
        close(once[0]!, again[0]!);
      }
    }
  });

  test("pdist of one point or none is empty", () => {
    for (const n of [0, 1]) expect(pdist(points([n, 3], 1)).shape).toEqual([0]);
  });
});
