import {
  contiguousStrides,
  DisposedError,
  dtypes,
  float32,
  type Operand,
  OutOfMemoryError,
  type Shape,
} from "@flambeau/core";
import { expect, test } from "vitest";
import { createReferenceBackend } from "./backend.ts";

const bytes = (...values: number[]) => new Uint8Array(new Float32Array(values).buffer);
const floats = (data: Uint8Array) => [...new Float32Array(data.buffer)];

test("computes what kernels describe, in order with writes and reads", async () => {
  const backend = createReferenceBackend();
  expect([backend.name, backend.canReadSync, backend.dtypes.size]).toEqual([
    "reference",
    true,
    dtypes.length,
  ]);
  const operand = (shape: Shape): Operand => ({
    ...{ shape, dtype: float32, strides: contiguousStrides(shape), offset: 0 },
    buffer: backend.allocate(4 * 2),
  });
  const [x, y, out] = [operand([2]), operand([2]), operand([2])];
  backend.write(x.buffer, 0, bytes(1, 2));
  backend.write(y.buffer, 4, bytes(20));
  backend.write(y.buffer, 0, bytes(10));
  const add = backend.kernels.add([x, y], out, null)!;
  backend.run(add);
  expect(floats(await backend.read(out.buffer, 0, 8))).toEqual([11, 22]);
  backend.write(x.buffer, 0, bytes(5));
  backend.run(add);
  await backend.sync();
  expect(floats(backend.readSync(out.buffer, 0, 4))).toEqual([15]);
});

test("reads are copies", () => {
  const backend = createReferenceBackend();
  const buffer = backend.allocate(4);
  backend.write(buffer, 0, bytes(1));
  const before = backend.readSync(buffer, 0, 4);
  backend.write(buffer, 0, bytes(2));
  expect(floats(before)).toEqual([1]);
});

test("memory: exact accounts of bytes and buffers", () => {
  const backend = createReferenceBackend();
  const [a, b] = [backend.allocate(100), backend.allocate(0)];
  const c = backend.allocate(28);
  expect(backend.memory()).toEqual({ liveBytes: 128, peakBytes: 128, liveBuffers: 3, reservedBytes: 128 });
  backend.free(a);
  backend.free(b);
  expect(backend.memory()).toEqual({ liveBytes: 28, peakBytes: 128, liveBuffers: 1, reservedBytes: 28 });
  backend.resetPeak();
  expect(backend.memory().peakBytes).toBe(28);
  backend.free(c);
  expect(backend.memory()).toEqual({ liveBytes: 0, peakBytes: 28, liveBuffers: 0, reservedBytes: 0 });
});

test("a buffer that was given back cannot be used", async () => {
  const backend = createReferenceBackend();
  const buffer = backend.allocate(8);
  const x: Operand = { shape: [2], dtype: float32, strides: [1], offset: 0, buffer };
  const dispatch = backend.kernels.neg([x], x, null)!;
  backend.free(buffer);
  const message = "Cannot use a buffer of 8 bytes: it was given back";
  expect(() => backend.free(buffer)).toThrow(message);
  expect(() => backend.write(buffer, 0, bytes(1))).toThrow(DisposedError);
  expect(() => backend.readSync(buffer, 0, 4)).toThrow(message);
  expect(() => backend.run(dispatch)).toThrow(message);
  await expect(backend.read(buffer, 0, 4)).rejects.toThrow(message);
  expect(backend.memory().liveBuffers).toBe(0);
});

test("memory that cannot be had is an OutOfMemoryError", () => {
  const backend = createReferenceBackend();
  let error: unknown;
  try {
    backend.allocate(2 ** 52);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(OutOfMemoryError);
  expect((error as OutOfMemoryError).bytes).toBe(2 ** 52);
  expect((error as Error).message).toMatch(/^Cannot allocate 4503599627370496 bytes on reference: /);
  expect(backend.memory().liveBuffers).toBe(0);
});
