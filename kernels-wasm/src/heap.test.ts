import { OutOfMemoryError } from "@flambeau/core";
import { expect, test } from "vitest";
import { Heap } from "./heap.ts";

function heapOf(limit?: number): Heap {
  return new Heap(new WebAssembly.Memory({ initial: 2, maximum: 65536 }), 65536, limit);
}

test("Heap: live buffers never overlap, start at multiples of 64, and statistics are exact", () => {
  const heap = heapOf();
  const live: { ptr: number; bytes: number; buffer: ReturnType<Heap["allocate"]> }[] = [];
  let state = 7;
  const random = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * n);
  };
  let peak = 0;
  for (let step = 0; step < 4000; step++) {
    if (live.length > 60 || (live.length > 0 && random(3) === 0)) {
      const [gone] = live.splice(random(live.length), 1);
      heap.free(gone!.buffer);
    } else {
      const bytes = random(2) === 0 ? random(3000) : random(400_000);
      const buffer = heap.allocate(bytes);
      expect(buffer.ptr % 64).toBe(0);
      expect(buffer.ptr).toBeGreaterThanOrEqual(65536);
      expect(buffer.ptr + bytes).toBeLessThanOrEqual(heap.memory.buffer.byteLength);
      for (const other of live) {
        expect(buffer.ptr + bytes <= other.ptr || other.ptr + other.bytes <= buffer.ptr || bytes === 0).toBe(
          true,
        );
      }
      live.push({ ptr: buffer.ptr, bytes, buffer });
    }
    const bytes = live.reduce((sum, x) => sum + x.bytes, 0);
    peak = Math.max(peak, bytes);
    expect(heap.stats()).toMatchObject({ liveBytes: bytes, liveBuffers: live.length, peakBytes: peak });
  }
  // Neighbours melt together: what was freed serves sizes that never were.
  const before = heap.stats().reservedBytes;
  for (const x of live) heap.free(x.buffer);
  heap.free(heap.allocate(2 * 1024 * 1024));
  expect(heap.stats().reservedBytes).toBe(before);
  heap.resetPeak();
  expect(heap.stats()).toMatchObject({ liveBytes: 0, liveBuffers: 0, peakBytes: 0 });
});

test("Heap: freed buffers are used again, and freeing twice is an error", () => {
  const heap = heapOf();
  const small = heap.allocate(100);
  heap.free(small);
  expect(heap.allocate(128).ptr).toBe(small.ptr);
  const large = heap.allocate(1 << 20);
  heap.free(large);
  expect(heap.allocate(1 << 20).ptr).toBe(large.ptr);
  expect(() => heap.free(large)).toThrow("Cannot free a buffer of 1048576 bytes: it was freed before");
});

test("Heap: vectors that begin before the end of a buffer end before the end of memory", () => {
  const heap = heapOf();
  for (const bytes of [40_000, 65536, 1_000_000, 100]) {
    const { ptr } = heap.allocate(bytes);
    expect(ptr + bytes + 4096).toBeLessThanOrEqual(heap.memory.buffer.byteLength);
  }
});

test("Heap: past the limit it throws with what was asked and what is live, and goes on", () => {
  const heap = heapOf(8 * 1024 * 1024);
  const held = heap.allocate(5_000_000);
  expect(() => heap.allocate(6_000_000)).toThrow(OutOfMemoryError);
  expect(() => heap.allocate(6_000_000)).toThrow(
    'Cannot allocate 6000000 bytes on "cpu": WebAssembly memory ends at 8388608 bytes, got 5000000 bytes live in 1 buffers',
  );
  heap.free(held);
  expect(heap.allocate(6_000_000).bytes).toBe(6_000_000);
});

test("Heap: views follow the memory when it grows, and scratch only grows", () => {
  const heap = heapOf();
  const first = heap.bytes;
  heap.allocate(50_000_000);
  expect(heap.bytes).not.toBe(first);
  expect(heap.bytes.length).toBe(heap.memory.buffer.byteLength);
  expect(heap.ints.buffer).toBe(heap.memory.buffer);
  const scratch = heap.scratch(1000);
  expect(heap.scratch(500)).toBe(scratch);
  heap.scratch(10_000_000);
  expect(heap.stats().liveBytes).toBe(50_000_000);
});
