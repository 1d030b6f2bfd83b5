import { type Backend, bool, DeviceError, float16, float32, int32, int8 } from "@flambeau/core";
import { expect, test } from "vitest";
import { inParts, reachOf } from "./split.ts";
import { Sequence } from "./dispatch.ts";
import { ownKernels } from "./kernels/table.ts";
import {
  bindOracle,
  describeGpu,
  device,
  integers,
  noise,
  operand,
  oracle,
  results,
  type Spec,
  valuesOf,
} from "./test_support.ts";
import { isBrief } from "./tuned_support.ts";

/** A binding of this device may have 4 KiB, so 1024 floats are too many. */
const LIMIT = 4096;

/** The device with kernels that may bind little at a time. */
const narrow = {
  name: "webgpu",
  kernels: ownKernels({ maxBindingBytes: LIMIT, brief: isBrief }),
  allocate: (bytes: number) => device.allocate(bytes),
  free: (buffer) => device.free(buffer),
  write: (buffer, offset, source) => device.write(buffer, offset, source),
  read: (buffer, offset, bytes) => device.read(buffer, offset, bytes),
  run: (dispatch) => device.run(dispatch as Parameters<typeof device.run>[0]),
} as Partial<Backend> as Backend;

type Layouts = NonNullable<Parameters<typeof results>[4]>;

/** Expects of kernels that work in parts what the reference gives, or of fused ones what the decomposition does. */
async function expectParts(
  name: string,
  specs: readonly Spec[],
  attrs: unknown,
  tolerance = 0,
  where: Layouts = {},
): Promise<void> {
  const fused = oracle.kernels[name as "exp"] === undefined;
  const want: number[][] = [];
  if (fused) {
    const made = bindOracle(
      name as "exp",
      specs.map((spec) => operand(oracle, spec)) as never,
      attrs as null,
    );
    for (const x of [made].flat()) want.push(await valuesOf(oracle, x));
  } else want.push(...(await results(oracle, name as "exp", specs, attrs as null, where)).values);
  const got = await results(narrow, name as "exp", specs, attrs as null, where);
  want.forEach((list, k) => {
    expect(got.values[k]).toHaveLength(list.length);
    list.forEach((value, i) => {
      const mine = got.values[k]![i]!;
      if (mine === value || Number.isNaN(mine) && Number.isNaN(value)) return;
      if (Math.abs(mine - value) <= tolerance * (1 + Math.abs(value))) return;
      expect.fail(`${name}: result ${k}, element ${i} must be ${value} within ${tolerance}, got ${mine}`);
    });
  });
}

const random = (shape: readonly number[], seed = 1, scale = 1): Spec & { readonly values: number[] } => ({
  values: noise(shape.reduce((a, b) => a * b, 1), seed, scale),
  shape,
});

/** The same elements with the first two dimensions turned in memory. */
function turned(x: Spec): Spec {
  const [a, , ...rest] = x.shape as [number, number, ...number[]];
  const inner = rest.reduce((n, size) => n * size, 1);
  const own = rest.map((_, d) => rest.slice(d + 1).reduce((n, size) => n * size, 1));
  return { ...x, strides: [inner, a * inner, ...own] };
}

test("inParts: cuts the dimension that reaches farthest until all fits, and keeps the order", () => {
  const buffer = { bytes: 0 };
  const x = { buffer, dtype: float32, shape: [40, 100], strides: [1, 40], offset: 0 };
  const o = { buffer: { bytes: 0 }, dtype: float32, shape: [40, 100], strides: [100, 1], offset: 0 };
  const seen: number[][] = [];
  inParts({ maxBindingBytes: LIMIT }, [x, o], [0, 1], ([a, b]) => {
    expect(Math.max(reachOf(a!), reachOf(b!))).toBeLessThanOrEqual(LIMIT);
    seen.push([...a!.shape]);
    return new Sequence([]);
  });
  expect(seen.reduce((sum, [rows, columns]) => sum + rows! * columns!, 0)).toBe(4000);
  expect(seen.length).toBeGreaterThan(3);
});

describeGpu("operands beyond the binding limit", () => {
  test("copies, casts and choices, also transposed, broadcast and of packed elements", async () => {
    const x = random([50, 90]);
    await expectParts("copy", [x], null);
    await expectParts("copy", [turned(x)], null);
    await expectParts("copy", [x], null, 0, { layouts: [{ strides: [1, 50], offset: 7 }] });
    await expectParts("copy", [turned(random([9, 30, 20]))], null);
    await expectParts("cast", [{ ...x, values: noise(4500, 2, 100) }], { dtype: int8 });
    await expectParts("add", [x, random([90], 3)], null);
    await expectParts("neg", [x], null, 0, { inPlace: 0 });
    const truths = { values: integers(9000, 0, 1), shape: [90, 100], dtype: bool };
    await expectParts("bitwiseNot", [turned(truths)], null);
    await expectParts("where", [truths, random([90, 100]), random([100], 4)], null);
    await expectParts("flip", [x], { dims: [0, 1] });
    await expectParts("full", [], { shape: [5000], value: 3, dtype: float16 });
    await expectParts("iota", [], { start: 5, step: -2, size: 3000, dtype: int32 });
    const attrs = { shape: [60, 71], dtype: float32, key: [1, 2], counter: 7 };
    await expectParts("randomUniform", [], attrs);
    await expectParts("randomInt", [], { ...attrs, dtype: int32, low: -9, high: 99 });
  });
  test("concat and pad", async () => {
    const x = random([30, 60]);
    for (const dim of [0, 1]) await expectParts("concat", [x, turned(x), x], { dim });
    await expectParts("pad", [x], { low: [3, -2], high: [40, 70], value: 2 });
  });
  test("reductions over kept and folded dimensions, and places", async () => {
    const x = random([60, 70]);
    for (const name of ["sum", "prod", "amax", "amin", "any", "all"]) {
      for (const dims of [[0], [1], [0, 1]]) {
        await expectParts(name, [x], { dims, keepdim: dims.length === 1 }, 1e-5);
      }
      await expectParts(name, [turned(random([8, 10, 60]))], { dims: [1], keepdim: false }, 1e-5);
    }
    await expectParts("sum", [{ values: integers(6000, -99, 99), shape: [6000], dtype: int8 }], {
      dims: [0],
      keepdim: false,
    });
    for (const name of ["argmax", "argmin"]) {
      await expectParts(name, [x], { dim: 1, keepdim: false });
      await expectParts(name, [turned(x)], { dim: 0, keepdim: true });
    }
  });
  test("softmax and its gradients, normalization and its gradients", async () => {
    const x = random([100, 30], 1, 4);
    for (const name of ["softmax", "logSoftmax"]) {
      await expectParts(name, [x], { dim: 1 }, 1e-5);
      await expectParts(name, [x], { dim: 1 }, 1e-5, { inPlace: 0 });
      await expectParts(`${name}Backward`, [x, random([100, 30], 2)], { dim: 1 }, 1e-5);
    }
    const [w, b] = [random([30], 2), random([30], 3)];
    await expectParts("layerNorm", [x, w, b], { eps: 1e-5 }, 1e-4);
    const [mean, rstd] = [random([700, 1], 5), random([700, 1], 6)];
    const [g, y] = [random([700, 6], 7), random([700, 6], 8)];
    await expectParts("layerNormBackward", [g, y, random([6], 9), mean, rstd], null, 1e-4);
  });
  test("cross entropy and its gradient: rows in parts, their losses in one sum", async () => {
    for (const shape of [[100, 30], [6, 5, 150]]) {
      const rows = [shape[0]!, ...shape.slice(2)];
      const n = rows.reduce((a, b) => a * b, 1);
      const x = random(shape, 1, 4);
      const target = { values: integers(n, 0, shape[1]! - 1), shape: rows, dtype: int32 };
      const stats = [random(rows, 2, 3), { ...random(rows, 3), values: noise(n, 3).map(Math.abs) }];
      for (const reduction of ["mean", "none"] as const) {
        const attrs = { reduction, ignoreIndex: 2, smoothing: 0.1 };
        await expectParts("crossEntropy", [x, target], attrs, 2e-5);
        const g = random(reduction === "none" ? rows : [], 4);
        const total = { values: [7], shape: [] };
        await expectParts("crossEntropyBackward", [g, x, target, ...stats, total], attrs, 1e-5);
      }
    }
  });
  test("what cannot be cut in a fused step is left to others: batch normalization, likelihood", () => {
    const make = (shape: number[]) =>
      operand(device, { values: new Float64Array(shape.reduce((a, c) => a * c, 1)), shape });
    const [x, w] = [make([40, 30]), make([30])];
    expect(narrow.kernels.batchNorm!([x, w, w], [make([40, 30]), make([30]), make([30])], { eps: 1e-5 }))
      .toBe(null);
  });
  test("scans, sorting and searching", async () => {
    const x = random([50, 40]);
    for (const name of ["cumsum", "cumprod", "logcumsumexp", "cummax", "cummin"]) {
      await expectParts(name, [x], { dim: 1 }, 1e-5);
    }
    await expectParts("cumsum", [random([8, 10, 30])], { dim: 1 }, 1e-5);
    await expectParts("sort", [{ ...x, values: integers(2000, -9, 9) }], { dim: 1, descending: true });
    await expectParts("topk", [x], { dim: 1, k: 3, largest: true });
    const sorted = { values: [0, 0.1, 0.2, 0.5, 0.7], shape: [5] };
    await expectParts("searchsorted", [sorted, random([3000])], { right: true });
    const rows = Array.from({ length: 1500 }, (_, i) => i % 3);
    await expectParts("searchsorted", [{ values: rows, shape: [500, 3] }, random([500, 4], 2, 4)], {
      right: false,
    });
  });
  test("choosing by index: tables, results and indices that are too large, bytes", async () => {
    const table = random([200, 20]);
    const index = { values: integers(300, 0, 199, 5), shape: [300], dtype: int32 };
    await expectParts("indexSelect", [table, index], { dim: 0 });
    await expectParts("indexSelect", [turned(table), index], { dim: 0 });
    await expectParts("indexSelect", [random([20, 200]), index], { dim: 1 });
    const bytes = { values: integers(9000, 0, 1), shape: [9000], dtype: bool };
    await expectParts("indexSelect", [bytes, {
      values: integers(5000, 0, 8999),
      shape: [5000],
      dtype: int32,
    }], { dim: 0 });
    const at = { values: integers(3000, 0, 199, 7), shape: [150, 20], dtype: int32 };
    await expectParts("gather", [table, at], { dim: 0 });
    await expectParts("gather", [random([160, 30]), { ...at, values: integers(3000, 0, 29, 3) }], { dim: 1 });
    const bad = { ...index, values: index.values.map((v, i) => i === 250 ? 200 : v) };
    await expect(results(narrow, "indexSelect", [table, bad], { dim: 0 })).rejects.toThrow(
      "Cannot indexSelect float32[200, 20] along dimension 0: indices must be in the range [0, 199], got 200",
    );
    await device.sync();
  });
  for (const reduce of ["set", "sum", "prod", "amax", "amin"] as const) {
    test(`combining by index, ${reduce}: repeats in order`, async () => {
      const x = random([200, 20]);
      const source = random([150, 20], 4);
      const at = { values: integers(3000, 0, 199, 7), shape: [150, 20], dtype: int32 };
      await expectParts("scatter", [x, at, source], { dim: 0, reduce }, 1e-6);
      await expectParts("scatter", [x, at, source], { dim: 0, reduce }, 1e-6, { inPlace: 0 });
      const index = { values: integers(400, 0, 199, 5), shape: [400], dtype: int32 };
      await expectParts("indexReduce", [x, index, random([400, 20], 6)], { dim: 0, reduce }, 1e-6);
      await expectParts("indexReduce", [turned(random([20, 200])), index, random([20, 400], 6)], {
        dim: 1,
        reduce,
      }, 1e-6);
      const few = { values: integers(2000, -3, 3, 8), shape: [2000] };
      const places = { values: integers(2000, 0, 1499, 9), shape: [2000], dtype: int32 };
      const wide = { values: integers(1500, -3, 3, 1), shape: [1500] };
      if (reduce !== "prod") await expectParts("scatter", [wide, places, few], { dim: 0, reduce });
      await expect(
        results(narrow, "scatter", [
          x,
          { ...at, values: at.values.map((v, i) => i === 2999 ? -1 : v) },
          source,
        ], {
          dim: 0,
          reduce,
        }),
      ).rejects.toThrow("indices must be in the range [0, 199], got -1");
      await device.sync();
    });
  }
  test("pooling, transforms and factorizations", async () => {
    const window = { kernelSize: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1], ceilMode: false };
    const average = { ...window, countIncludePad: true, divisor: null };
    await expectParts("maxPool", [random([3, 10, 8, 8])], window);
    await expectParts("maxPoolValues", [random([3, 10, 8, 8])], window);
    const places = Array.from(
      { length: 3 * 10 * 16 },
      (_, i) => 16 * Math.floor(i % 16 / 4) + 2 * (i % 4) + 1,
    );
    const chosen = { values: places, shape: [3, 10, 4, 4], dtype: int32 };
    await expectParts("maxPoolBackward", [random([3, 10, 4, 4]), chosen], {
      ...window,
      inputSize: [8, 8],
    });
    await expectParts("avgPool", [random([3, 10, 8, 8])], average, 1e-6);
    await expectParts("avgPoolBackward", [random([3, 10, 4, 4])], { ...average, inputSize: [8, 8] }, 1e-6);
    await expectParts("fft", [random([20, 64, 2])], { dim: 1, inverse: false }, 1e-5);
    await expectParts("fft", [random([64, 20, 2])], { dim: 1, inverse: true }, 1e-5);
    await expectParts("fft", [random([20, 67, 2])], { dim: 1, inverse: false }, 1e-4);
    const a = random([100, 4, 4]);
    const positive = { ...a, values: a.values.map((v, e) => e % 16 % 5 === 0 ? 5 + v : v / 10) };
    await expectParts("cholesky", [positive], null, 1e-5);
    await expectParts("luFactor", [positive], null, 1e-4);
    await expectParts("qr", [positive], { complete: false }, 1e-4);
    await expectParts("solveTriangular", [positive, random([100, 4, 2], 3)], {
      upper: true,
      unitriangular: false,
    }, 1e-4);
    const { values: [values] } = await results(narrow, "eigh", [positive], null);
    const { values: [want] } = await results(device, "eigh", [positive], null);
    expect(values).toEqual(want);
    const { values: sizes } = await results(narrow, "svd", [positive], { full: true });
    expect(sizes[1]).toEqual((await results(device, "svd", [positive], { full: true })).values[1]);
  });
  test("attention: heads in parts", async () => {
    const attrs = { scale: 0.3, causal: true };
    const [q, k, v] = [random([12, 3, 10, 8], 1), random([12, 3, 10, 8], 2), random([12, 3, 10, 8], 3)];
    await expectParts("attention", [q, k, v], attrs, 2e-5);
    await expectParts("attention", [q, k, v, random([10, 10], 5)], attrs, 2e-5);
    const column = [12, 3, 10, 1];
    const specs = [random([12, 3, 10, 8], 6), q, k, v, random(column, 7), random(column, 8)];
    await expectParts("attentionBackward", specs, attrs, 2e-4);
  });
  test("what no cut makes small enough is refused with the limit and a way out", () => {
    const x = operand(device, random([2, 2000]));
    expect(() => narrow.kernels.softmax!([x], x, { dim: 1 })).toThrow(DeviceError);
    expect(() => narrow.kernels.softmax!([x], x, { dim: 1 })).toThrow(
      `at most ${LIMIT} bytes on this adapter, got 8000; split it first, as in x.chunk(2)`,
    );
    device.free(x.buffer);
  });
});
