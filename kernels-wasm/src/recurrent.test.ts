import {
  type Attrs,
  type Backend,
  float32,
  inferAll,
  type Inputs,
  numelOf,
  type Shape,
} from "@flambeau/core";
import { createReferenceBackend, hostKernels } from "@flambeau/reference";
import { Evaluator } from "@flambeau/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWasmBackend } from "./backend.ts";
import { Job } from "./dispatch.ts";
import { cutting } from "./module.ts";
import { devices, noise } from "./test_support.ts";
import { canShareMemory } from "./worker_source.ts";

type LayerName =
  | "rnnLayer"
  | "rnnLayerBackward"
  | "lstmLayer"
  | "lstmLayerBackward"
  | "gruLayer"
  | "gruLayerBackward";

/** Shapes of the inputs: R rows of steps, N samples, H hidden elements. */
const shapesOf: Record<LayerName, (r: number, n: number, h: number) => Shape[]> = {
  rnnLayer: (r, n, h) => [[r, h], [h, h], [n, h]],
  rnnLayerBackward: (r, n, h) => [[r, h], [n, h], [h, h], [r, h]],
  lstmLayer: (r, n, h) => [[r, 4 * h], [4 * h, h], [n, h], [n, h]],
  lstmLayerBackward: (r, n, h) => [[r, h], [n, h], [n, h], [4 * h, h], [r, 4 * h], [r, h]],
  gruLayer: (r, n, h) => [[r, 3 * h], [3 * h, h], [3 * h], [n, h]],
  gruLayerBackward: (r, n, h) => [[r, h], [n, h], [3 * h, h], [r, 4 * h], [r, h]],
};
const names = Object.keys(shapesOf) as LayerName[];

const attrsOf = (name: LayerName, sizes: Shape, reverse: boolean): unknown =>
  name.startsWith("rnn") ? { sizes, reverse, nonlinearity: reverse ? "relu" : "tanh" } : { sizes, reverse };

/** All results of a layer, computed by `device`. */
async function results(
  device: Backend,
  name: LayerName,
  sizes: Shape,
  h: number,
  reverse: boolean,
): Promise<Float32Array[]> {
  const evaluator = new Evaluator(device);
  const rows = sizes.reduce((a, b) => a + b, 0);
  const inputs = shapesOf[name](rows, sizes[0]!, h).map((shape, i) => {
    // The matrix of weights is small enough that states stay away from ±1.
    const scale = shape[1] === h && shape[0]! % h === 0 && shape[0]! !== rows ? 1 / Math.sqrt(h) : 1;
    return evaluator.put(noise(numelOf(shape), i + 1).map((x) => x * scale), shape, float32);
  });
  const attrs = attrsOf(name, sizes, reverse) as Attrs<"lstmLayer">;
  const outputs = evaluator.bind(name as "lstmLayer", inputs as unknown as Inputs<"lstmLayer", never>, attrs);
  const read = await Promise.all(outputs.map((x) => evaluator.get(x)));
  evaluator.dispose();
  return read as Float32Array[];
}

/** The answer of the kernel to a call: null when there is none for these operands. */
function dispatchOf(device: Backend, name: LayerName, sizes: Shape, h: number): { steps: unknown[] } | null {
  const evaluator = new Evaluator(device);
  const rows = sizes.reduce((a, b) => a + b, 0);
  const attrs = attrsOf(name, sizes, false) as never;
  const put = (shape: Shape) => evaluator.put(new Float32Array(numelOf(shape)), shape, float32);
  const inputs = shapesOf[name](rows, sizes[0]!, h).map(put);
  const outputs = inferAll(name, inputs as never, attrs).map(({ shape }) => put(shape));
  const kernel = device.kernels[name] as unknown as (i: unknown, o: unknown, a: unknown) => unknown;
  const dispatch = kernel(inputs, outputs, attrs);
  evaluator.dispose();
  return dispatch as { steps: unknown[] } | null;
}

/** Steps and hidden elements: few samples, remainders of tiles and of vectors, blocks of rows and of sums, packed. */
const cases: readonly (readonly [sizes: Shape, h: number])[] = [
  [[1, 1, 1], 9],
  [[3, 3], 1],
  [[4, 4, 4], 16],
  [[5, 5], 3],
  [[11, 11, 11], 13],
  [[32, 32], 32],
  [[6, 6], 270],
  [[170, 170], 7],
  [[12, 12, 7, 7, 7, 4, 1, 1], 10],
];

describe.each(devices)("build %s", (_, device) => {
  test.each(names)("%s: what the decomposition gives on the reference device", async (name) => {
    const oracle = createReferenceBackend() as Backend;
    for (const [sizes, h] of cases) {
      expect(dispatchOf(device as Backend, name, sizes, h)).not.toBeNull();
      for (const reverse of [false, true]) {
        const got = await results(device as Backend, name, sizes, h, reverse);
        const want = await results(oracle, name, sizes, h, reverse);
        got.forEach((values, o) => {
          const far = values.findIndex((x, i) => !(Math.abs(x - want[o]![i]!) <= 2e-5 * (1 + Math.abs(x))));
          expect(far, `output ${o} of [${sizes}], ${h}, ${reverse}`).toBe(-1);
        });
      }
    }
  });
});

describe.skipIf(!canShareMemory())("threads", () => {
  const device = createWasmBackend({ fallback: hostKernels, threads: 3 });
  const { least } = cutting;
  beforeAll(() => {
    cutting.least = 500;
  });
  afterAll(() => {
    cutting.least = least;
  });

  test.each(names)("%s: the same bits on three threads as on one", async (name) => {
    for (const sizes of [[32, 32, 32], [13, 13, 9, 9, 4, 4]]) {
      device.numThreads = 1;
      const one = await results(device as Backend, name, sizes, 40, true);
      device.numThreads = 3;
      expect(dispatchOf(device as Backend, name, sizes, 40)!.steps.some((step) => step instanceof Job)).toBe(
        true,
      );
      for (let round = 0; round < 5; round++) {
        expect(await results(device as Backend, name, sizes, 40, true)).toEqual(one);
        // Workers start while the event loop turns.
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    }
  });
});
