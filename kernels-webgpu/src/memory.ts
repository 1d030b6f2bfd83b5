/**
 * Buffers of the device: size classes, reuse, and exact accounts.
 *
 * A buffer that is given back may be handed out at once: commands run in the order in which they were recorded, so whoever
 * gets it next writes after all that was recorded before has read it. Only destroying one has to wait for the submit.
 *
 * @module
 */

import { type Buffer, DisposedError, type MemoryStats, OutOfMemoryError } from "@flambeau/core";

/** A buffer of the device. */
export class GpuBuffer implements Buffer {
  /** Size in bytes, as asked for. */
  readonly bytes: number;
  /** The memory; at least `bytes`, and a whole size class. A new device gives another. */
  memory: Memory;
  /** False once it was given back. */
  live = true;

  /**
   * Names a piece of memory.
   *
   * @param memory At least `bytes` large.
   */
  constructor(bytes: number, memory: Memory) {
    this.bytes = bytes;
    this.memory = memory;
  }
}

/** Memory that a step needs while it runs: it has a place from just before to just after. */
export class Scratch implements Buffer {
  /** Size in bytes. */
  readonly bytes: number;
  /** Where it is now; null outside of a run. */
  place: GpuBuffer | null = null;

  /** @param bytes Its size. */
  constructor(bytes: number) {
    this.bytes = bytes;
  }
}

/** A buffer of the driver with its size class. */
export interface Memory {
  /** Unique number: the key of bind groups. */
  readonly id: number;
  /** The driver's object. */
  readonly gpu: GPUBuffer;
  /** Its size in bytes. */
  readonly capacity: number;
  /** The window of commands that used it last. */
  epoch: number;
  /** True when the driver turned out to have had none: it must not be used again. */
  failed: boolean;
}

/** The smallest size class in bytes. */
const SMALLEST = 256;

/** The size class that holds `bytes`: powers of two, with three steps between from 4 KiB on. */
export function sizeClass(bytes: number): number {
  if (bytes <= SMALLEST) return SMALLEST;
  const power = 2 ** Math.ceil(Math.log2(bytes));
  if (power < 4096) return power;
  const quarter = power / 8;
  return Math.ceil(bytes / quarter) * quarter;
}

/** What the pool asks of its surroundings. */
export interface PoolHost {
  /** Takes memory from the driver; `fail` is called later if there was none. */
  create(capacity: number, fail: () => void): GPUBuffer;
  /** Called with memory that will not be used again; it may still be in a command that is not submitted. */
  retire(memory: Memory): void;
}

/** Limits of a pool, in bytes. */
export interface PoolLimits {
  /** The largest single buffer. */
  readonly maxBufferBytes: number;
  /** All memory, in use and kept. */
  readonly maxBytes: number;
  /** Memory that is kept for reuse. */
  readonly maxIdleBytes: number;
}

/** Hands out buffers and keeps what comes back. */
export class BufferPool {
  readonly #host: PoolHost;
  #limits: PoolLimits;
  readonly #idle: Map<number, Memory[]> = new Map();
  readonly #live: Set<GpuBuffer> = new Set();
  #idleBytes = 0;
  #reservedBytes = 0;
  #liveBytes = 0;
  #peakBytes = 0;
  #nextId = 1;

  /** Takes nothing yet. */
  constructor(host: PoolHost, limits: PoolLimits) {
    this.#host = host;
    this.#limits = limits;
  }

  /**
   * A buffer of `bytes`; its contents are not defined.
   *
   * @throws {OutOfMemoryError} If it is larger than a buffer may be, or all memory would be more than the ceiling.
   */
  take(bytes: number): GpuBuffer {
    const capacity = sizeClass(bytes);
    const memory = this.#idle.get(capacity)?.pop() ?? null;
    if (memory !== null) this.#idleBytes -= capacity;
    const buffer = new GpuBuffer(bytes, memory ?? this.#create(bytes, capacity));
    this.#live.add(buffer);
    this.#liveBytes += bytes;
    if (this.#liveBytes > this.#peakBytes) this.#peakBytes = this.#liveBytes;
    return buffer;
  }

  /**
   * Takes a buffer back.
   *
   * @throws {DisposedError} If it was given back before.
   */
  give(buffer: GpuBuffer): void {
    if (!buffer.live) {
      throw new DisposedError(`Cannot free a buffer of ${buffer.bytes} bytes: it was given back`);
    }
    buffer.live = false;
    this.#live.delete(buffer);
    this.#liveBytes -= buffer.bytes;
    const { memory } = buffer;
    if (memory.failed || this.#idleBytes + memory.capacity > this.#limits.maxIdleBytes) {
      return this.#retire(memory);
    }
    const list = this.#idle.get(memory.capacity);
    if (list === undefined) this.#idle.set(memory.capacity, [memory]);
    else list.push(memory);
    this.#idleBytes += memory.capacity;
  }

  /** Gives all idle memory to the driver. */
  trim(): void {
    for (const list of this.#idle.values()) for (const memory of list) this.#retire(memory);
    this.#idle.clear();
    this.#idleBytes = 0;
  }

  /**
   * Forgets all memory of a device that is gone, and gives every buffer in use some of the device that took its place. What is
   * in it is not defined.
   */
  renew(limits: PoolLimits): void {
    this.#limits = limits;
    for (const list of this.#idle.values()) for (const memory of list) memory.gpu.destroy();
    this.#idle.clear();
    this.#idleBytes = 0;
    this.#reservedBytes = 0;
    for (const buffer of this.#live) {
      buffer.memory.gpu.destroy();
      buffer.memory = this.#create(buffer.bytes, sizeClass(buffer.bytes));
    }
  }

  /** Bytes in use. */
  stats(): MemoryStats {
    return {
      liveBytes: this.#liveBytes,
      peakBytes: this.#peakBytes,
      liveBuffers: this.#live.size,
      reservedBytes: this.#reservedBytes,
    };
  }

  /** Starts `peakBytes` anew. */
  resetPeak(): void {
    this.#peakBytes = this.#liveBytes;
  }

  #retire(memory: Memory): void {
    this.#reservedBytes -= memory.capacity;
    this.#host.retire(memory);
  }

  #create(bytes: number, capacity: number): Memory {
    const { maxBufferBytes, maxBytes } = this.#limits;
    if (bytes > maxBufferBytes) {
      throw new OutOfMemoryError(
        `Cannot allocate ${bytes} bytes on webgpu: a buffer must have at most ${maxBufferBytes} bytes on this adapter, got ${bytes}`,
        bytes,
      );
    }
    const size = Math.min(capacity, maxBufferBytes - maxBufferBytes % 4);
    if (this.#reservedBytes + size > maxBytes) this.trim();
    if (this.#reservedBytes + size > maxBytes) {
      throw new OutOfMemoryError(
        `Cannot allocate ${bytes} bytes on webgpu: all buffers must have at most ${maxBytes} bytes together, got ${
          this.#reservedBytes + size
        }`,
        bytes,
      );
    }
    const memory: Memory = {
      id: this.#nextId++,
      gpu: this.#host.create(size, () => memory.failed = true),
      capacity: size,
      epoch: 0,
      failed: false,
    };
    this.#reservedBytes += size;
    return memory;
  }
}
