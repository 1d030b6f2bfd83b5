import {
  type Backend,
  bfloat16,
  bfloat16ToBits,
  contiguousStrides,
  float16,
  float16ToBits,
  float32,
  int32,
  int8,
  type Operand,
  type Shape,
} from "@flambeau/core";
import { expect, test } from "vitest";
import type { AutotuneOptions } from "./autotune.ts";
import { createWebGpuBackend } from "./backend.ts";
import { Sequence } from "./dispatch.ts";
import {
  checkTiles,
  type Choice,
  choose,
  plainSettings,
  TILES,
  type TileTable,
  type Way,
  wayNames,
} from "./kernels/gemm/tiles.ts";
import { ownKernels } from "./kernels/table.ts";
import {
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
import {
  expectValid,
  isBrief,
  subgroups,
  textsToTry,
  tuned as tunedDevice,
  tunedLimits,
  type Tuning,
  unfilled,
} from "./tuned_support.ts";

const product = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

/** Values with few bits, whose products and sums are exact: results must be equal, in whatever order they are added. */
function tensor(shape: Shape, seed: number, more: Partial<Spec> = {}): Spec {
  return { values: integers(product(shape), -8, 8, seed), shape, ...more };
}

/** The same elements, stored with the last two dimensions exchanged, `gap` elements between columns. */
function columns(spec: Spec, gap = 0): Spec {
  const [m, n] = spec.shape.slice(-2) as [number, number];
  const high = m + gap;
  const lead = contiguousStrides(spec.shape.slice(0, -2)).map((step) => step * high * n);
  return { ...spec, strides: [...lead, 1, high] };
}

/** True for ways whose every layout is tried: their texts are short; the others read and write by the same functions. */
const every = (way: Way): boolean => way === "skinny" || way === "32x32x32";

async function expectEqual(
  on: Backend,
  specs: readonly Spec[],
  where: { readonly layouts?: readonly { strides: Shape; offset: number }[] } = {},
): Promise<void> {
  const want = await results(oracle, "matmul", specs, null, where);
  const got = await results(on, "matmul", specs, null, where);
  expect(got.values[0]!.length).toBe(want.values[0]!.length);
  const wrong = got.values[0]!.findIndex((value, i) => value !== want.values[0]![i]);
  if (wrong >= 0) {
    expect.fail(
      `[${
        specs.map(({ shape, strides }) => `${shape} by ${strides ?? "rows"}`).join("] · [")
      }]: element ${wrong} must be ${want.values[0]![wrong]}, got ${got.values[0]![wrong]}`,
    );
  }
}

/** Software drivers take long to compile. */
const SLOW = 120_000;

for (const brief of textsToTry) {
  describeGpu(`products, ${brief ? "short texts" : "texts for hardware"}`, () => productTests(brief));
}

function productTests(brief: boolean): void {
  const tuned = (forced: Partial<Choice>, tuning: Tuning = {}): Backend =>
    tunedDevice(forced, { ...tuning, brief });
  for (const way of wayNames) {
    test(`${way}: all layouts, at and beside the edges of tiles`, async () => {
      const on = tuned({ way, parts: 1 });
      const all = every(way);
      const { rows: m, columns: n, depth } = way === "skinny"
        ? { rows: 12, columns: 256, depth: 64 }
        : TILES[way];
      // Whole fours, then sizes that divide by nothing.
      for (
        const [high, deep, wide] of [
          [m, 2 * depth, n],
          [m + 4, depth + 4, 2 * n - 8],
          [m + 3, 2 * depth + 1, n + 5],
        ] as const
      ) {
        const [x, y] = [tensor([high, deep], 1), tensor([deep, wide], 2)];
        if (all || high % 4 === 0) await expectEqual(on, [x, y]);
        if (all || high % 4 !== 0) await expectEqual(on, [columns(x), columns(y)]);
        if (!all) continue;
        await expectEqual(on, [columns(x, 4), y], { layouts: [{ strides: [1, high + 1], offset: 3 }] });
        await expectEqual(on, [{ ...x, offset: 2 }, { ...columns(y, 4), offset: 4 }], {
          layouts: [{ strides: [wide + 4, 1], offset: 8 }],
        });
      }
    }, SLOW);
    test(`${way}: batches, parts of the depth, packed and whole numbers`, async () => {
      const on = tuned({ way, parts: 1 });
      const all = every(way);
      const parted = tuned({ way, parts: 3 });
      const m = way === "skinny" ? 5 : 20;
      const [x, y] = [tensor([2, 3, m, 40], 3), tensor([3, 40, 24], 4)];
      await expectEqual(on, [x, y]);
      await expectEqual(on, [columns(x), tensor([2, 1, 40, 24], 5)]);
      const [long, tall] = [tensor([m, 1000], 6), tensor([1000, 28], 7)];
      await expectEqual(parted, [long, tall]);
      const half = (spec: Spec, dtype = float16, bits = float16ToBits): Spec => ({
        ...spec,
        dtype,
        values: Array.from(spec.values, bits),
      });
      // Sums beyond what a half holds are rounded once.
      await expectEqual(on, [half(x), half(y)]);
      if (!all) return;
      await expectEqual(parted, [columns(long), columns(tall)], {
        layouts: [{ strides: [1, m], offset: 1 }],
      });
      await expectEqual(parted, [tensor([2, m, 999], 8), tensor([999, 27], 9)]);
      const whole = { ...x, dtype: int32, values: integers(product(x.shape), -1e5, 1e5) };
      await expectEqual(on, [whole, { ...y, dtype: int32 }]);
      await expectEqual(on, [{ ...x, dtype: int8 }, { ...y, dtype: int8 }]);
      await expectEqual(on, [half(x, bfloat16, bfloat16ToBits), half(y, bfloat16, bfloat16ToBits)]);
      await expectEqual(parted, [half(long), half(columns(tall))]);
      await expectEqual(on, [half(tensor([m, 33], 1)), half(tensor([33, 29], 2))]);
      await expectEqual(on, [half(x), half(y)], {
        layouts: [{ strides: [3 * m * 25, m * 25, 25, 1], offset: 1 }],
      });
    }, SLOW);
  }
  test("NaN and infinities pass, no depth gives zeros", async () => {
    for (const way of ["skinny", "32x32x32", "128x128x16"] as const) {
      const on = tuned({ way });
      const x = tensor([8, 12], 1);
      const y = tensor([12, 20], 2);
      const odd = {
        ...x,
        values: Array.from(x.values, (v, i) => i === 5 ? NaN : i === 30 ? Infinity : v || 1),
      };
      const want = await results(oracle, "matmul", [odd, y], null);
      const got = await results(on, "matmul", [odd, y], null);
      expect(got.values).toEqual(want.values);
      expect(want.values[0]!.some(Number.isNaN) && want.values[0]!.includes(Infinity)).toBe(true);
      const none = await results(on, "matmul", [
        { values: [], shape: [5, 0] },
        { values: [], shape: [0, 40] },
      ], null);
      expect(none.values[0]).toEqual(new Array(200).fill(0));
    }
  });
  test("operands beyond the binding limit are multiplied in pieces", async () => {
    const small = tuned({}, { maxBindingBytes: 4096 });
    const exact = async (x: Spec, y: Spec, where = {}): Promise<void> => {
      const kernel = small.kernels.matmul;
      expect(kernel).toBeDefined();
      await expectEqual(small, [x, y], where);
    };
    await exact(tensor([60, 40], 1), tensor([40, 8], 2)); // rows
    await exact(tensor([8, 40], 1), tensor([40, 60], 2)); // depth, by its rows
    await exact(tensor([8, 40], 1), columns(tensor([40, 60], 2))); // columns
    await exact(columns(tensor([60, 40], 1)), tensor([40, 8], 2)); // depth, by its columns
    await exact(tensor([40, 8], 1), tensor([8, 60], 2)); // the result
    await exact(tensor([3, 30, 20], 1), tensor([3, 20, 30], 2)); // batches
    await exact(tensor([40, 40], 1), tensor([40, 40], 2), { layouts: [{ strides: [1, 40], offset: 0 }] }); // all
    const [x, w, b] = [tensor([2, 20, 50], 1), tensor([50, 50], 2), tensor([50], 3)];
    const inputs = [x, w, b].map((spec) => operand(device, spec));
    const o = operand(device, { values: new Float32Array(2000), shape: [2, 20, 50] });
    const dispatch = (small.kernels.linear as unknown as (i: Operand[], o: Operand, a: null) => unknown)(
      inputs,
      o,
      null,
    );
    expect(dispatch).toBeInstanceOf(Sequence);
    small.run(dispatch);
    const got = await valuesOf(device, o);
    got.forEach((value, i) => {
      const [row, column] = [Math.floor(i / 50), i % 50];
      let sum = b.values[column]!;
      for (let k = 0; k < 50; k++) sum += x.values[row * 50 + k]! * w.values[column * 50 + k]!;
      expect(value).toBe(sum);
    });
  });
  test("the same numbers each time, however the depth is cut", async () => {
    const on = tuned({ parts: 5 });
    const specs = [{ values: noise(7 * 3000, 1), shape: [7, 3000] }, {
      values: noise(3000 * 9, 2),
      shape: [3000, 9],
    }];
    const first = await results(on, "matmul", specs, null);
    const second = await results(on, "matmul", specs, null);
    expect(second.values).toEqual(first.values);
  });
}

describeGpu("products", () => {
  test("operands that share a buffer, with one another and with the result", async () => {
    const values = integers(4096, -8, 8, 3);
    for (
      const [from, to, place] of [[0, 1024, 2048], [0, 1024, 2049], [0, 0, 2048], [3, 512, 2048]] as const
    ) {
      const whole = operand(device, { values, shape: [4096] });
      const plain = operand(oracle, { values, shape: [4096] });
      const at = (x: Operand, offset: number, shape: Shape): Operand => ({
        buffer: x.buffer,
        dtype: x.dtype,
        offset,
        shape,
        strides: contiguousStrides(shape),
      });
      for (const [on, x] of [[device, whole], [oracle, plain]] as const) {
        const o = at(x, place, [24, 32]);
        (on as Backend).run(
          on.kernels.matmul([at(x, from, [24, 20]), at(x, to, [20, 32])], o, null) as never,
        );
      }
      expect(await valuesOf(device, whole)).toEqual(await valuesOf(oracle, plain));
      device.free(whole.buffer);
    }
  });
  test("more than 65535 workgroups", async () => {
    const batch = 70_000;
    const x = operand(device, { values: integers(batch * 2, -8, 8, 1), shape: [batch, 1, 2] });
    const y = operand(device, { values: [2, 3], shape: [1, 2, 1] });
    const o = operand(device, { values: new Float32Array(batch), shape: [batch, 1, 1] });
    // The batch is a dimension of its own for operands that do not run on.
    const skewed = operand(device, {
      values: integers(batch * 2, -8, 8, 1),
      shape: [batch, 1, 2],
      strides: [3, 3, 1],
    });
    const each = operand(device, { values: integers(batch * 2, -8, 8, 2), shape: [batch, 2, 1] });
    device.run(device.kernels.matmul([x, y], o, null) as never);
    const first = await valuesOf(device, o);
    const values = integers(batch * 2, -8, 8, 1), others = integers(batch * 2, -8, 8, 2);
    expect(first.findIndex((v, i) => v !== values[2 * i]! * 2 + values[2 * i + 1]! * 3)).toBe(-1);
    device.run(device.kernels.matmul([skewed, each], o, null) as never);
    const second = await valuesOf(device, o);
    expect(
      second.findIndex((v, i) =>
        v !== values[2 * i]! * others[2 * i]! + values[2 * i + 1]! * others[2 * i + 1]!
      ),
    ).toBe(-1);
    for (const { buffer } of [x, y, o, skewed, each]) device.free(buffer);
  });
  test.runIf(subgroups !== "none")("sums over subgroups are those in workgroup memory", async () => {
    const specs = [tensor([5, 600], 1), columns(tensor([600, 44], 2))];
    for (const form of ["none", subgroups] as const) {
      await expectEqual(tunedDevice({ way: "skinny" }, { subgroups: form, brief: false }), specs);
    }
  });
  test("texts for hardware pass the checks of this runtime", async () => {
    const dispatches: unknown[] = [];
    for (const way of wayNames) {
      for (const parts of [1, 3]) {
        const { matmul } = ownKernels(tunedLimits({ way, parts }, { brief: false }));
        for (const dtype of [float32, float16, bfloat16, int32, int8]) {
          for (const [m, k, n] of [[8, 64, 64], [9, 65, 63]] as const) {
            const [x, y, o] = [unfilled([m, k], dtype), unfilled([k, n], dtype), unfilled([m, n], dtype)];
            const [turnedX, turnedY] = [{ ...x, strides: [1, m] }, { ...y, strides: [1, k] }];
            dispatches.push(matmul([x, y], o, null), matmul([turnedX, turnedY], o, null));
            dispatches.push(matmul([x, turnedY], o, null), matmul([turnedX, y], o, null));
          }
        }
      }
    }
    await expectValid(dispatches);
  }, SLOW);
  test.runIf(isBrief)("texts for hardware give the same", async () => {
    for (const way of ["32x32x32", "64x64x16"] as const) {
      const on = tunedDevice({ way, parts: 1 }, { brief: false });
      await expectEqual(on, [tensor([37, 68], 1), tensor([68, 50], 2)]);
    }
  }, SLOW);
});

describeGpu("autotune", () => {
  test("measures shapes, and the table can be stored and given back", async () => {
    const own = await createWebGpuBackend();
    try {
      const options: AutotuneOptions = {
        shapes: [{ m: 40, n: 48, k: 24 }, { m: 300, n: 2, k: 16 }],
        budgetMs: 60_000,
      };
      const table = await own.autotune(options);
      expect(table.adapter).toBe(own.facts.adapter);
      expect(table.rows.map(({ m, n, k, batch }) => [m, n, k, batch])).toEqual([[40, 48, 24, 1], [
        2,
        300,
        16,
        1,
      ]]);
      expect(own.memory().liveBytes).toBe(0);
      const again = await createWebGpuBackend({ tiles: JSON.parse(JSON.stringify(table)) });
      again.destroy();
      const more = await own.autotune({ shapes: [{ m: 20, n: 20, k: 20, batch: 3 }], budgetMs: 60_000 });
      expect(more.rows).toHaveLength(3);
      const none = await own.autotune({ shapes: [{ m: 1024, n: 1024, k: 1024 }], budgetMs: 1e-6 });
      expect(none.rows).toEqual(more.rows);
      await expect(own.autotune({ budgetMs: 0 })).rejects.toThrow("budgetMs must be positive, got 0");
      await expect(own.autotune({ shapes: [{ m: 1.5, n: 1, k: 1 }] })).rejects.toThrow(
        "whole numbers from 1 on, got 1.5",
      );
    } finally {
      own.destroy();
    }
  });
  test("a table that is none is refused in words", async () => {
    await expect(createWebGpuBackend({ tiles: { version: 2 } as never })).rejects.toThrow(
      "Cannot use a table of tiles: its version must be 1, got 2",
    );
  });
});

test("tables: what does not belong is refused", () => {
  const row = { m: 8, n: 8, k: 8, batch: 1, way: "32x32x32", parts: 1 };
  const table = (rows: unknown): unknown => ({ version: 1, adapter: "a", rows });
  expect(checkTiles(table([row]))).toEqual(table([row]));
  expect(() => checkTiles(null)).toThrow("it must be an object, got null");
  expect(() => checkTiles({ version: 1, rows: [] })).toThrow("its adapter must be a text, got undefined");
  expect(() => checkTiles(table({}))).toThrow("its rows must be a list, got {}");
  expect(() => checkTiles(table([3]))).toThrow("a row must be an object, got 3");
  expect(() => checkTiles(table([{ ...row, n: 0 }]))).toThrow(
    "n of a row must be a whole number from 1 on, got 0",
  );
  expect(() => checkTiles(table([{ ...row, parts: -1 }]))).toThrow(
    "parts of a row must be a whole number from 0 on",
  );
  expect(() => checkTiles(table([{ ...row, way: "3x3" }]))).toThrow("way of a row must be one of 128x128x16");
  expect(() => checkTiles(table([{ ...row, m: 17, way: "skinny" }]))).toThrow("must be at most 16, got 17");
});

test("choices: rules by shape, what was measured goes first, what is far away does not count", () => {
  const settings = plainSettings();
  const way = (m: number, n: number, k: number, batch = 1): Way => choose(settings, { m, n, k, batch }).way;
  expect(way(4096, 4096, 4096)).toBe("128x128x16");
  expect(way(512, 512, 512)).toBe("32x64x32");
  expect(way(64, 64, 64)).toBe("32x32x32");
  expect(way(16, 4096, 4096)).toBe("skinny");
  expect(choose(settings, { m: 64, n: 64, k: 65536, batch: 1 }).parts).toBeGreaterThan(8);
  expect(choose(settings, { m: 4096, n: 4096, k: 65536, batch: 1 }).parts).toBe(1);
  settings.table = {
    version: 1,
    adapter: "",
    rows: [{ m: 512, n: 512, k: 512, batch: 1, way: "64x64x32", parts: 2 }],
  } satisfies TileTable;
  expect(choose(settings, { m: 600, n: 400, k: 900, batch: 1 })).toEqual({ way: "64x64x32", parts: 2 });
  expect(way(512, 512, 4096)).toBe("32x64x32");
  expect(way(16, 512, 512)).toBe("skinny");
});

test("tiles: at most 256 invocations and 16 KiB, which every adapter has", () => {
  for (const { rows, columns, eachRows, eachColumns, depth } of Object.values(TILES)) {
    expect(rows / eachRows * columns / eachColumns).toBeLessThanOrEqual(256);
    expect((rows + columns) * depth * 4).toBeLessThanOrEqual(16384);
    expect([rows % eachRows, columns % eachColumns, depth % 8, eachRows % 4, eachColumns % 4]).toEqual([
      0,
      0,
      0,
      0,
      0,
    ]);
  }
});
