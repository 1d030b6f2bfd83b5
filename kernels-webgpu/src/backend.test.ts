import {
  DeviceError,
  type DType,
  float32,
  float64,
  IndexError,
  int32,
  int64,
  type Operand,
} from "@flambeau/core";
import { afterAll, expect, test } from "vitest";
import { createWebGpuBackend, type WebGpuBackend } from "./backend.ts";
import { Step } from "./dispatch.ts";
import { missingNames } from "./kernels/table.ts";
import { describeGpu, device, noise, operand, run, skipReason, valuesOf } from "./test_support.ts";

const others: WebGpuBackend[] = [];
const create = async (options = {}): Promise<WebGpuBackend> => {
  const made = await createWebGpuBackend(options);
  others.push(made);
  return made;
};
afterAll(() => others.forEach((other) => other.destroy()));

test.runIf(skipReason !== null)("without an adapter the device says so", async () => {
  await expect(createWebGpuBackend()).rejects.toThrow(DeviceError);
});

describeGpu("device", () => {
  test("50 operations make one submit", async () => {
    const x = operand(device, { values: noise(16), shape: [16] });
    await device.sync();
    const before = device.counters;
    for (let i = 0; i < 50; i++) run(device, i % 2 === 0 ? "neg" : "abs", [x], [x], null);
    expect(device.counters.submits).toBe(before.submits);
    await device.read(x.buffer, 0, 64);
    expect(device.counters.submits - before.submits).toBe(1);
    expect(device.counters.dispatches - before.dispatches).toBe(50);
    device.free(x.buffer);
  });
  test("the same step again compiles nothing and makes no bind group", async () => {
    const [x, y] = [
      operand(device, { values: noise(16), shape: [16] }),
      operand(device, { values: noise(16), shape: [16] }),
    ];
    run(device, "mul", [x, y], [y], null);
    const before = device.counters;
    for (let i = 0; i < 5; i++) run(device, "mul", [x, y], [y], null);
    expect(device.counters.pipelines).toBe(before.pipelines);
    expect(device.counters.bindGroups).toBe(before.bindGroups);
    await device.sync();
    [x, y].forEach(({ buffer }) => device.free(buffer));
  });
  test("a full window is submitted by itself, and nothing is lost", async () => {
    const small = await create({ maxPending: 4 });
    const x = operand(small, { values: [0, 0, 0], shape: [3] });
    const one = operand(small, { values: [1, 1, 1], shape: [3] });
    for (let i = 0; i < 10; i++) run(small, "add", [x, one], [x], null);
    expect(small.counters.submits).toBe(2);
    expect(await valuesOf(small, x)).toEqual([10, 10, 10]);
  });
  test("a buffer given back and taken again keeps the order of steps and writes", async () => {
    const [x, y] = [
      operand(device, { values: [1, 2], shape: [2] }),
      operand(device, { values: [0, 0], shape: [2] }),
    ];
    run(device, "neg", [x], [y], null); // recorded, not submitted
    device.free(x.buffer);
    const z = operand(device, { values: [7, 8], shape: [2] });
    run(device, "neg", [z], [z], null);
    expect(await valuesOf(device, y)).toEqual([-1, -2]);
    expect(await valuesOf(device, z)).toEqual([-7, -8]);
    [y, z].forEach(({ buffer }) => device.free(buffer));
  });
  test("reads that wait give the same as reads at once", async () => {
    const waiting = await create({ syncReads: false });
    expect(waiting.canReadSync).toBe(false);
    const x = operand(waiting, { values: noise(5000), shape: [5000] });
    run(waiting, "neg", [x], [x], null);
    const [all, part] = await Promise.all([waiting.read(x.buffer, 0, 20000), waiting.read(x.buffer, 6, 3)]);
    expect([...new Float32Array(all.buffer, all.byteOffset, 5000)]).toEqual(noise(5000).map((v) => -v));
    expect([...part]).toEqual([...all.subarray(6, 9)]);
    expect(() => waiting.readSync(x.buffer, 0, 4)).toThrow("await x.item()");
    const bad = operand(waiting, { values: [9], shape: [1], dtype: int32 });
    const out = operand(waiting, { values: [0], shape: [1] });
    run(waiting, "gather", [x, bad], [out], { dim: 0 });
    await expect(waiting.sync()).resolves.toBeUndefined(); // 9 is inside
    run(waiting, "gather", [out, bad], [{ ...out, buffer: waiting.allocate(4) }], { dim: 0 });
    await expect(waiting.sync()).rejects.toThrow(IndexError);
    await waiting.sync();
  });
  test("reads at once of more than a staging buffer", () => {
    if (!device.canReadSync) return expect(device.canReadSync).toBe(false);
    const n = 3 * 2 ** 20;
    const buffer = device.allocate(4 * n);
    const o = { buffer, shape: [n], dtype: float32, strides: [1], offset: 0 };
    run(device, "iota", [], [o], { start: 0, step: 1, size: n, dtype: float32 });
    const bytes = device.readSync(buffer, 0, 4 * n);
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, n);
    expect(values.every((v, i) => v === i)).toBe(true);
    device.free(buffer);
  });
  test("a shader that does not compile is an error with the name of the operation, once", async () => {
    const wrong = await create();
    wrong.run(
      new Step({
        op: "wrongStep",
        key: "wrong",
        source: () => "@compute @workgroup_size(1) fn main() { let x: i32 = 1.5; }",
        access: [],
        bindings: [],
        words: new Uint32Array(1),
        groups: [1, 1, 1],
        report: null,
      }),
    );
    await expect(wrong.sync()).rejects.toThrow("Cannot wrongStep on webgpu: its shader must compile");
  });
  test("a lost device is an error everywhere, and nothing hangs", async () => {
    const lost = await create();
    const x = operand(lost, { values: [1], shape: [1] });
    lost.destroy();
    await expect(lost.sync()).rejects.toThrow(DeviceError);
    await expect(lost.read(x.buffer, 0, 4)).rejects.toThrow("the device must be there, got lost");
    expect(() => lost.allocate(4)).toThrow(DeviceError);
    expect(() => run(lost, "neg", [x], [x], null)).toThrow(DeviceError);
    lost.free(x.buffer);
  });
  test("memory: accounts are exact, working memory comes and goes", async () => {
    const own = await create();
    const x = operand(own, { values: noise(50_000), shape: [50_000] });
    const o = operand(own, { values: [0], shape: [1] });
    expect(own.memory()).toMatchObject({ liveBytes: 200_004, liveBuffers: 2 });
    run(own, "sum", [x], [{ ...o, shape: [], strides: [] }], { dims: [0], keepdim: false });
    expect(own.memory()).toMatchObject({ liveBytes: 200_004, liveBuffers: 2 });
    expect(own.memory().peakBytes).toBeGreaterThan(200_004);
    own.free(x.buffer);
    own.free(o.buffer);
    expect(own.memory()).toMatchObject({ liveBytes: 0, liveBuffers: 0 });
    expect(() => own.allocate(own.facts.maxBufferBytes + 1)).toThrow("Cannot allocate");
    await own.sync();
  });
  test("64-bit dtypes are refused with the way out", () => {
    const x = operand(device, { values: [1, 2], shape: [2] });
    const wide = (dtype: DType): Operand => ({ ...x, buffer: device.allocate(16), dtype });
    expect(() => device.kernels.cast([x], wide(float64), { dtype: float64 })).toThrow(
      'Cannot cast with float64[2] on webgpu: it has no float64; use float32, as in x.to("float32")',
    );
    expect(() => device.kernels.gather([x, wide(int64)], x, { dim: 0 })).toThrow(
      'use int32, as in x.to("int32")',
    );
  });
  test("primitives without a kernel answer null", () => {
    const x = operand(device, { values: noise(9), shape: [3, 3] });
    for (const name of missingNames) {
      expect((device.kernels[name] as (...args: unknown[]) => unknown)([x], x, null)).toBe(null);
    }
    device.free(x.buffer);
  });
});
