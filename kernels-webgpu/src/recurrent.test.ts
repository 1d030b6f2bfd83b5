import { expect, test } from "vitest";
import type { Sequence } from "./dispatch.ts";
import { describeGpu, device, expectFused, noise, operand, type Spec } from "./test_support.ts";

const close = { rtol: 5e-5, atol: 5e-6 };
const total = (sizes: readonly number[]): number => sizes.reduce((a, b) => a + b, 0);

function matrix(rows: number, columns: number, seed: number): Spec {
  return { values: noise(rows * columns, seed), shape: [rows, columns] };
}

/** What sigmoids and tanh may have given. */
function activations(rows: number, columns: number): Spec {
  return { values: noise(rows * columns, 9).map((v) => 0.5 + 0.3 * v), shape: [rows, columns] };
}

const CALLS = [
  { sizes: [3], h: 5, reverse: false },
  { sizes: [2, 2, 2], h: 20, reverse: false },
  { sizes: [2, 2, 2], h: 7, reverse: true },
  { sizes: [20, 18, 18, 5, 1], h: 18, reverse: false },
  { sizes: [20, 18, 18, 5, 1], h: 18, reverse: true },
];

describeGpu("recurrent", () => {
  test("rnnLayer and its gradients", async () => {
    for (const { sizes, h, reverse } of CALLS) {
      const [rows, n] = [total(sizes), sizes[0]!];
      for (const nonlinearity of ["tanh", "relu"] as const) {
        const attrs = { sizes, reverse, nonlinearity };
        const [weight, states] = [matrix(h, h, 2), matrix(n, h, 3)];
        await expectFused("rnnLayer", [matrix(rows, h, 1), weight, states], attrs, close);
        const specs = [matrix(rows, h, 4), matrix(n, h, 5), weight, matrix(rows, h, 6)];
        await expectFused("rnnLayerBackward", specs, attrs, close);
      }
    }
  });
  test("lstmLayer and its gradients", async () => {
    for (const { sizes, h, reverse } of CALLS) {
      const [rows, n] = [total(sizes), sizes[0]!];
      const attrs = { sizes, reverse };
      const weight = matrix(4 * h, h, 2);
      const specs = [matrix(rows, 4 * h, 1), weight, matrix(n, h, 3), matrix(n, h, 4)];
      await expectFused("lstmLayer", specs, attrs, close);
      const slopes = [matrix(rows, h, 4), matrix(n, h, 5), matrix(n, h, 6), weight];
      await expectFused(
        "lstmLayerBackward",
        [...slopes, activations(rows, 4 * h), matrix(rows, h, 7)],
        attrs,
        close,
      );
    }
  });
  test("gruLayer and its gradients", async () => {
    for (const { sizes, h, reverse } of CALLS) {
      const [rows, n] = [total(sizes), sizes[0]!];
      const attrs = { sizes, reverse };
      const weight = matrix(3 * h, h, 2);
      const bias = { values: noise(3 * h, 8), shape: [3 * h] };
      await expectFused("gruLayer", [matrix(rows, 3 * h, 1), weight, bias, matrix(n, h, 3)], attrs, close);
      const slopes = [
        matrix(rows, h, 4),
        matrix(n, h, 5),
        weight,
        activations(rows, 4 * h),
        matrix(rows, h, 7),
      ];
      await expectFused("gruLayerBackward", slopes, attrs, close);
    }
  });
  test("a step is one dispatch", () => {
    const [steps, n, h] = [10, 4, 8];
    const make = (spec: Spec) => operand(device, spec);
    const inputs = [matrix(steps * n, 4 * h, 1), matrix(4 * h, h, 2), matrix(n, h, 3), matrix(n, h, 4)].map(
      make,
    );
    const outputs = [h, h, h, 4 * h, h, h].map((width, i) =>
      make(matrix(i === 1 || i === 2 ? n : steps * n, width, 5))
    );
    const attrs = { sizes: new Array<number>(steps).fill(n), reverse: false };
    const dispatch = device.kernels.lstmLayer!(inputs as never, outputs as never, attrs);
    expect((dispatch as Sequence).steps.length).toBe(steps + 3); // the states before the first step, behind it, at the end
    [...inputs, ...outputs].forEach(({ buffer }) => device.free(buffer));
  });
});
