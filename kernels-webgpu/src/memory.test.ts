import { DisposedError, OutOfMemoryError } from "@flambeau/core";
import { expect, test } from "vitest";
import { BufferPool, type Memory, sizeClass } from "./memory.ts";

const MIB = 2 ** 20;

function pool(limits = {}): { pool: BufferPool; made: number[]; retired: Memory[] } {
  const made: number[] = [];
  const retired: Memory[] = [];
  const host = {
    create: (capacity: number) => {
      made.push(capacity);
      return {} as GPUBuffer;
    },
    retire: (memory: Memory) => void retired.push(memory),
  };
  const all = { maxBufferBytes: 64 * MIB, maxBytes: 128 * MIB, maxIdleBytes: 32 * MIB, ...limits };
  return { pool: new BufferPool(host, all), made, retired };
}

test("sizeClass: at least the size, a multiple of 256, at most a quarter more for large ones", () => {
  expect([0, 1, 256, 257, 4096, 5000].map(sizeClass)).toEqual([256, 256, 256, 512, 4096, 5120]);
  for (const bytes of [3, 999, 4097, 70_000, 5 * MIB + 1]) {
    expect(sizeClass(bytes)).toBeGreaterThanOrEqual(bytes);
    expect(sizeClass(bytes) % 256).toBe(0);
    if (bytes > 4096) expect(sizeClass(bytes)).toBeLessThanOrEqual(1.26 * bytes);
  }
});

test("pool: accounts are exact, memory is used again", () => {
  const { pool: p, made } = pool();
  const [a, b] = [p.take(1000), p.take(10)];
  expect(p.stats()).toEqual({ liveBytes: 1010, peakBytes: 1010, liveBuffers: 2, reservedBytes: 1024 + 256 });
  p.give(a);
  expect(p.take(900).memory).toBe(a.memory);
  expect(made).toEqual([1024, 256]);
  p.give(b);
  expect(p.stats()).toEqual({ liveBytes: 900, peakBytes: 1010, liveBuffers: 1, reservedBytes: 1024 + 256 });
  p.resetPeak();
  expect(p.stats().peakBytes).toBe(900);
  expect(() => p.give(b)).toThrow(DisposedError);
});

test("pool: what is more than may be idle goes to the driver", () => {
  const { pool: p, retired } = pool();
  const list = [p.take(20 * MIB), p.take(20 * MIB)];
  list.forEach((buffer) => p.give(buffer));
  expect(retired).toHaveLength(1);
  expect(p.stats().reservedBytes).toBe(20 * MIB);
});

test("pool: ceilings throw, after idle memory was given up", () => {
  const { pool: p, retired } = pool({ maxIdleBytes: 128 * MIB });
  expect(() => p.take(65 * MIB)).toThrow(OutOfMemoryError);
  const first = p.take(64 * MIB);
  p.give(p.take(48 * MIB));
  p.take(56 * MIB);
  expect(retired).toHaveLength(1);
  expect(() => p.take(16 * MIB)).toThrow(
    "Cannot allocate 16777216 bytes on webgpu: all buffers must have at most 134217728",
  );
  p.give(first);
  p.take(16 * MIB);
});
