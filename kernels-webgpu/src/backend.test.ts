import {
  type Buffer,
  DeviceError,
  DeviceLostError,
  type DType,
  float32,
  float64,
  IndexError,
  int32,
  int64,
  type Operand,
  OutOfMemoryError,
} from "@flambeau/core";
import { afterAll, expect, test, vi } from "vitest";
import { createWebGpuBackend, type WebGpuBackend } from "./backend.ts";
import { Step } from "./dispatch.ts";
import { describeGpu, device, noise, operand, run, skipReason, valuesOf } from "./test_support.ts";

const others: WebGpuBackend[] = [];
const create = async (options = {}): Promise<WebGpuBackend> => {
  const made = await createWebGpuBackend(options);
  others.push(made);
  return made;
};
afterAll(() => others.forEach((other) => other.destroy()));

/** Repeats a call until it fails: a loss is not known before the event loop has turned. */
async function untilLost(call: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < 2000; i++) {
    await call();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

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
  test("reads of more than a staging buffer, among small ones", async () => {
    const n = 3 * 2 ** 20;
    const buffer = device.allocate(4 * n);
    const o = { buffer, shape: [n], dtype: float32, strides: [1], offset: 0 };
    run(device, "iota", [], [o], { start: 0, step: 1, size: n, dtype: float32 });
    const part = (byteOffset: number, bytes: number) => ({ buffer, byteOffset, bytes });
    const [all, ...few] = await device.readAll([part(0, 4 * n), part(4, 4), part(8, 0), part(12, 8)]);
    if (device.canReadSync) {
      const now = device.readSync(buffer, 0, 4 * n);
      expect(now.length === all!.length && now.every((byte, i) => byte === all![i])).toBe(true);
    }
    const values = new Float32Array(all!.buffer, all!.byteOffset, n);
    expect(values.every((v, i) => v === i)).toBe(true);
    expect(few.map((bytes) => [...new Float32Array(bytes.buffer)])).toEqual([[1], [], [3, 4]]);
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
  test("a destroyed device is an error everywhere, and nothing hangs", async () => {
    const lost = await create();
    const x = operand(lost, { values: [1], shape: [1] });
    lost.destroy();
    expect(lost.lost).toBe("it was destroyed");
    await expect(lost.sync()).rejects.toThrow(DeviceLostError);
    await expect(lost.read(x.buffer, 0, 4)).rejects.toThrow("got lost (it was destroyed); await recover()");
    expect(() => lost.allocate(4)).toThrow(DeviceLostError);
    expect(() => lost.write(x.buffer, 0, new Uint8Array(4))).toThrow(DeviceLostError);
    expect(() => run(lost, "neg", [x], [x], null)).toThrow(DeviceLostError);
    expect(() => lost.readSync(x.buffer, 0, 4)).toThrow(DeviceLostError);
    lost.flush();
    lost.free(x.buffer);
    expect(lost.memory()).toMatchObject({ liveBytes: 0, liveBuffers: 0 });
  });
  test.each([true, false])(
    "reads and waits on their way end at a loss (syncReads: %s)",
    async (syncReads) => {
      const lost = await create({ syncReads });
      const x = operand(lost, { values: noise(5000), shape: [5000] });
      run(lost, "neg", [x], [x], null);
      lost.gpu.destroy(); // nobody has told the backend yet
      const ways = [lost.read(x.buffer, 0, 20000), lost.read(x.buffer, 0, 4), lost.sync()];
      for (const { status, reason } of await Promise.allSettled(ways) as PromiseRejectedResult[]) {
        if (status !== ("rejected" as string)) continue; // what the GPU did before may still arrive
        expect(reason).toBeInstanceOf(DeviceLostError);
      }
      await expect(lost.sync()).rejects.toThrow(DeviceLostError);
      if (lost.canReadSync) expect(() => lost.readSync(x.buffer, 0, 4)).toThrow(DeviceLostError);
    },
  );
  test("recover: buffers live again on a new device, with what they are given", async () => {
    const backend = await create();
    const x = operand(backend, { values: [1, 2], shape: [2] });
    const y = operand(backend, { values: [0, 0], shape: [2] });
    const negate = backend.kernels.neg([x], y, null);
    backend.run(negate!);
    await backend.sync();
    await backend.recover(); // does nothing
    expect(await valuesOf(backend, y)).toEqual([-1, -2]);
    const { gpu } = backend;
    const { liveBytes, liveBuffers } = backend.memory();
    backend.destroy();
    const restore = () => backend.write(x.buffer, 0, new Uint8Array(Float32Array.of(3, 4).buffer));
    await Promise.all([backend.recover(restore), backend.recover()]);
    expect(backend.gpu).not.toBe(gpu);
    expect(backend.lost).toBe(null);
    expect(backend.memory()).toMatchObject({ liveBytes, liveBuffers });
    backend.run(negate!); // a step that was made before: its shader and its bindings are made anew
    expect(await valuesOf(backend, y)).toEqual([-3, -4]);
    [x, y].forEach(({ buffer }) => backend.free(buffer));
    expect(backend.memory()).toMatchObject({ liveBytes: 0, liveBuffers: 0 });
  });
  test("onLost: is told once; with something to restore the device comes back by itself, and says so once", async () => {
    const backend = await create({ syncReads: false });
    const x = operand(backend, { values: [1, 2], shape: [2] });
    const reasons: string[] = [];
    backend.onLost = (reason) => {
      reasons.push(reason);
      return () => backend.write(x.buffer, 0, new Uint8Array(Float32Array.of(5, 6).buffer));
    };
    await backend.sync();
    backend.gpu.destroy();
    await expect(untilLost(() => backend.read(x.buffer, 0, 8))).rejects.toThrow(
      "a new one is there, with what was kept on the host",
    );
    expect(reasons).toHaveLength(1);
    expect(await valuesOf(backend, x)).toEqual([5, 6]);
    // Nobody waits at the second loss: the first call after it says so, and does nothing.
    backend.gpu.destroy();
    await vi.waitFor(() => {
      expect(reasons).toHaveLength(2);
      expect(backend.lost).toBe(null);
    }, { timeout: 20_000 });
    const submits = backend.counters.submits;
    expect(() => run(backend, "neg", [x], [x], null)).toThrow(
      "Cannot run a step on webgpu: the device was lost",
    );
    backend.flush();
    expect(backend.counters.submits).toBe(submits);
    expect(await valuesOf(backend, x)).toEqual([5, 6]);
    // A third one, of which the user hears from recover().
    backend.gpu.destroy();
    await vi.waitFor(() => expect(reasons).toHaveLength(3), { timeout: 20_000 });
    await backend.recover();
    expect(await valuesOf(backend, x)).toEqual([5, 6]);
    // On purpose: nothing comes back by itself.
    backend.destroy();
    expect(reasons).toHaveLength(4);
    await expect(backend.sync()).rejects.toThrow("await recover() to get a new one");
  });
  test("recover: without an adapter it says so, and the device stays lost", async () => {
    const backend = await create();
    backend.destroy();
    const asked = vi.spyOn(navigator.gpu, "requestAdapter").mockResolvedValue(null);
    try {
      const thrown = await backend.recover().catch((error) => error);
      expect(thrown).toBeInstanceOf(DeviceLostError);
      expect(thrown.message).toMatch(
        "Cannot recover webgpu, which was lost (it was destroyed): Cannot start",
      );
      expect(asked).toHaveBeenCalledTimes(3);
    } finally {
      asked.mockRestore();
    }
    await expect(backend.sync()).rejects.toThrow(DeviceLostError);
    // A driver that is being restarted needs a moment.
    const slow = vi.spyOn(navigator.gpu, "requestAdapter").mockResolvedValueOnce(null);
    await backend.recover();
    slow.mockRestore();
    backend.destroy();
    const failing = () => {
      throw new Error("no data");
    };
    await expect(backend.recover(failing)).rejects.toThrow("no data");
    await expect(backend.sync()).rejects.toThrow("got lost (no data)");
    await backend.recover();
    await backend.sync();
  });
  test.each([true, false])(
    "many reads at a time, and reads at once between them (syncReads: %s)",
    async (syncReads) => {
      const own = await create({ syncReads });
      const xs = Array.from(
        { length: 40 },
        (_, i) => operand(own, { values: noise(1000, i + 1), shape: [1000] }),
      );
      const reads: Promise<number[]>[] = [];
      for (const [i, x] of xs.entries()) {
        reads.push(valuesOf(own, x)); // before the step below
        run(own, "neg", [x], [x], null);
        if (own.canReadSync) {
          const bytes = own.readSync(x.buffer, 4, 8);
          expect([...new Float32Array(bytes.buffer)]).toEqual(
            noise(1000, i + 1).slice(1, 3).map((v) => -v),
          );
        }
        reads.push(valuesOf(own, x));
      }
      const values = await Promise.all(reads);
      for (const i of xs.keys()) {
        expect(values[2 * i]).toEqual(noise(1000, i + 1));
        expect(values[2 * i + 1]).toEqual(noise(1000, i + 1).map((v) => -v));
      }
      const { submits } = own.counters;
      const all = await own.readAll(xs.map(({ buffer }, i) => ({ buffer, byteOffset: 2 * i, bytes: i })));
      expect(all.map((bytes) => bytes.length)).toEqual(xs.map((_, i) => i));
      const full = new Uint8Array(Float32Array.from(noise(1000, 31).map((v) => -v)).buffer);
      expect(all[30]).toEqual(full.slice(60, 90));
      expect(own.counters.submits - submits).toBe(1);
    },
  );
  test.each([true, false])("an error reaches the read of its own time (syncReads: %s)", async (syncReads) => {
    const own = await create({ syncReads });
    const x = operand(own, { values: [1, 2], shape: [2] });
    const gather = (index: number): Buffer => {
      const at = operand(own, { values: [index], shape: [1], dtype: int32 });
      const out = operand(own, { values: [0], shape: [1] });
      run(own, "gather", [x, at], [out], { dim: 0 });
      return out.buffer;
    };
    const reads = [
      own.read(gather(7), 0, 4),
      own.read(gather(1), 0, 4),
      own.read(gather(9), 0, 4),
      own.sync(),
    ];
    const ends = await Promise.allSettled(reads);
    expect(ends.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "rejected", "fulfilled"]);
    expect((ends[0] as PromiseRejectedResult).reason).toBeInstanceOf(IndexError);
    expect((ends[0] as PromiseRejectedResult).reason.message).toContain("7");
    expect((ends[2] as PromiseRejectedResult).reason.message).toContain("9");
  });
  test("ceilings: more than maxBytes throws at the call, memory given back is there at once", async () => {
    const MIB = 2 ** 20;
    const small = await create({ maxBytes: 8 * MIB, maxIdleBytes: 4 * MIB });
    const buffers = Array.from({ length: 8 }, () => small.allocate(MIB));
    expect(() => small.allocate(MIB)).toThrow(OutOfMemoryError);
    small.free(buffers.pop()!);
    buffers.push(small.allocate(MIB));
    expect(small.memory()).toMatchObject({ liveBytes: 8 * MIB, liveBuffers: 8, reservedBytes: 8 * MIB });
    buffers.forEach((buffer) => small.free(buffer));
    expect(small.memory()).toMatchObject({ liveBytes: 0, peakBytes: 8 * MIB, reservedBytes: 4 * MIB });
    small.trim();
    expect(small.memory()).toMatchObject({ reservedBytes: 0 });
    small.free(small.allocate(7 * MIB));
    expect(small.memory().reservedBytes).toBe(0); // more than may be idle
    await small.sync();
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
});
