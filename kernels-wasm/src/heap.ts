/**
 * The allocator over the one WebAssembly memory: the host owns it, kernels see pointers only.
 *
 * Small blocks (up to 32 KiB) come from size classes, four to a doubling, each with a stack of free blocks. Larger
 * blocks are cut from one chain of neighbours in address order; freed neighbours melt together, so sizes that change
 * from step to step do not wear the memory out. Every block starts at a multiple of 64 bytes.
 *
 * @module
 */

import { type Buffer, type MemoryStats, OutOfMemoryError, TorchError } from "@flambeau/core";

const PAGE = 65536;
/** What 32-bit WebAssembly can address. */
const MAX_PAGES = 65536;
const SMALL_MAX = 32768;
const SLAB = 262144;
/** Large blocks are multiples of this. */
const GRAIN = 4096;
/** How many free blocks of one bin are looked at for the best fit. */
const LOOK = 24;

/** A buffer in WebAssembly memory. */
export class WasmBuffer implements Buffer {
  /** Size in bytes, as asked for. */
  readonly bytes: number;
  /** Address of the first byte. */
  readonly ptr: number;
  /** The size class of a small buffer, or its large block; null once it is freed. */
  home: number | Block | null;

  /** Made by {@linkcode Heap.allocate}. */
  constructor(bytes: number, ptr: number, home: number | Block) {
    this.bytes = bytes;
    this.ptr = ptr;
    this.home = home;
  }
}

/** A large piece of memory, free or taken, between its neighbours in address order. */
export class Block {
  /** Address of the first byte. */
  start: number;
  /** Bytes up to the next block. */
  size: number;
  /** The block before it in memory. */
  before: Block | null;
  /** The block after it in memory. */
  after: Block | null = null;
  /** Its place in the bin of free blocks, -1 when taken. */
  place = -1;

  /** Made by {@linkcode Heap}. */
  constructor(start: number, size: number, before: Block | null) {
    this.start = start;
    this.size = size;
    this.before = before;
  }
}

/** The size class that holds `bytes` (1 to 32 KiB): multiples of 64 up to 1 KiB, then four to a doubling. */
function classOf(bytes: number): number {
  if (bytes <= 1024) return (bytes + 63) >>> 6;
  const exponent = 31 - Math.clz32(bytes - 1);
  return 17 + ((exponent - 10) << 2) + (((bytes - 1) >>> (exponent - 2)) - 4);
}

const classSizes: readonly number[] = Array.from(
  { length: classOf(SMALL_MAX) + 1 },
  (_, i) => i <= 16 ? i * 64 : (((i - 17) & 3) + 5) << (((i - 17) >> 2) + 8),
);

/** The memory of the CPU device and who has which part of it. */
export class Heap {
  /** The memory that kernels import. */
  readonly memory: WebAssembly.Memory;
  #bytes: Uint8Array;
  #ints: Int32Array;
  readonly #small: number[][] = classSizes.map(() => []);
  readonly #bins: Block[][] = Array.from({ length: 33 }, () => []);
  #slabNext = 0;
  #slabEnd = 0;
  #last: Block | null = null;
  #end: number;
  readonly #limit: number;
  #liveBytes = 0;
  #peakBytes = 0;
  #liveBuffers = 0;
  #scratch: Block | null = null;

  /**
   * @param memory The memory, whose maximum is 4 GiB.
   * @param base Bytes at its start that are not given out.
   * @param limitBytes Where growing ends; 4 GiB by default.
   */
  constructor(memory: WebAssembly.Memory, base: number, limitBytes: number = MAX_PAGES * PAGE) {
    this.memory = memory;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#ints = new Int32Array(memory.buffer);
    this.#end = base;
    this.#limit = Math.min(limitBytes, MAX_PAGES * PAGE);
    // Kernels may read vectors that begin before the end of a buffer: the last grain of memory is nobody's.
    const room = this.#bytes.length - base - GRAIN;
    if (room > 0) this.#extend(room);
  }

  /** All bytes, over the current buffer of the memory. */
  get bytes(): Uint8Array {
    if (this.#bytes.length === 0 || this.#bytes.buffer !== this.memory.buffer) this.#renew();
    return this.#bytes;
  }

  /** All memory as int32, over the current buffer of the memory. */
  get ints(): Int32Array {
    if (this.#ints.length === 0 || this.#ints.buffer !== this.memory.buffer) this.#renew();
    return this.#ints;
  }

  /**
   * Takes a buffer.
   *
   * @throws {OutOfMemoryError} If 4 GiB do not hold it beside what is live.
   */
  allocate(bytes: number): WasmBuffer {
    let buffer: WasmBuffer;
    if (bytes <= SMALL_MAX) {
      const size = bytes === 0 ? 1 : classOf(bytes);
      const free = this.#small[size]!;
      buffer = new WasmBuffer(bytes, free.length > 0 ? free.pop()! : this.#carve(classSizes[size]!), size);
    } else {
      const block = this.#takeLarge(bytes);
      buffer = new WasmBuffer(bytes, block.start, block);
    }
    this.#liveBuffers++;
    this.#liveBytes += bytes;
    if (this.#liveBytes > this.#peakBytes) this.#peakBytes = this.#liveBytes;
    return buffer;
  }

  /**
   * Gives a buffer back.
   *
   * @throws {TorchError} If it was given back before.
   */
  free(buffer: WasmBuffer): void {
    const home = buffer.home;
    if (home === null) {
      throw new TorchError(`Cannot free a buffer of ${buffer.bytes} bytes: it was freed before`);
    }
    buffer.home = null;
    this.#liveBuffers--;
    this.#liveBytes -= buffer.bytes;
    if (typeof home === "number") this.#small[home]!.push(buffer.ptr);
    else this.#release(home);
  }

  /** Makes sure that a block of `bytes` is there for kernels to work in, and answers its address. It only grows. */
  scratch(bytes: number): number {
    const held = this.#scratch;
    if (held !== null && held.size >= bytes) return held.start;
    // Taken before the old one goes: if memory is out, kernels still have theirs.
    this.#scratch = this.#takeLarge(Math.max(bytes, held === null ? 0 : held.size * 1.5));
    if (held !== null) this.#release(held);
    return this.#scratch.start;
  }

  /**
   * Takes a block for the device's own use, which does not count as a buffer.
   *
   * @throws {OutOfMemoryError} If 4 GiB do not hold it beside what is live.
   */
  reserve(bytes: number): Block {
    return this.#takeLarge(bytes);
  }

  /** Gives a block of {@linkcode reserve} back. */
  unreserve(block: Block): void {
    this.#release(block);
  }

  /** Bytes in use. */
  stats(): MemoryStats {
    return {
      liveBytes: this.#liveBytes,
      peakBytes: this.#peakBytes,
      liveBuffers: this.#liveBuffers,
      reservedBytes: this.memory.buffer.byteLength,
    };
  }

  /** Starts the peak anew. */
  resetPeak(): void {
    this.#peakBytes = this.#liveBytes;
  }

  #renew(): void {
    this.#bytes = new Uint8Array(this.memory.buffer);
    this.#ints = new Int32Array(this.memory.buffer);
  }

  #carve(size: number): number {
    if (this.#slabNext + size > this.#slabEnd) {
      // What is left of the slab serves smaller classes.
      for (let rest = this.#slabEnd - this.#slabNext; rest >= 64; rest = this.#slabEnd - this.#slabNext) {
        let fit = classOf(Math.min(rest, SMALL_MAX));
        if (classSizes[fit]! > rest) fit--;
        this.#small[fit]!.push(this.#slabNext);
        this.#slabNext += classSizes[fit]!;
      }
      const slab = this.#takeLarge(SLAB);
      this.#slabNext = slab.start;
      this.#slabEnd = slab.start + slab.size;
    }
    const ptr = this.#slabNext;
    this.#slabNext += size;
    return ptr;
  }

  #takeLarge(bytes: number): Block {
    const size = Math.ceil(bytes / GRAIN) * GRAIN;
    let block = this.#find(size);
    if (block === null) {
      this.#grow(size, bytes);
      block = this.#find(size)!;
    }
    this.#unlist(block);
    if (block.size - size >= GRAIN) {
      const rest = new Block(block.start + size, block.size - size, block);
      rest.after = block.after;
      if (rest.after !== null) rest.after.before = rest;
      else this.#last = rest;
      block.after = rest;
      block.size = size;
      this.#list(rest);
    }
    return block;
  }

  #release(block: Block): void {
    const { before, after } = block;
    if (after !== null && after.place >= 0) {
      this.#unlist(after);
      this.#swallow(block, after);
    }
    if (before !== null && before.place >= 0) {
      this.#unlist(before);
      this.#swallow(before, block);
      block = before;
    }
    this.#list(block);
  }

  /** Lets `block` take the memory of the block after it. */
  #swallow(block: Block, after: Block): void {
    block.size += after.size;
    block.after = after.after;
    if (block.after !== null) block.after.before = block;
    else this.#last = block;
  }

  /** The smallest free block of at least `size` bytes among those looked at. */
  #find(size: number): Block | null {
    for (let bin = 31 - Math.clz32(size / GRAIN); bin < this.#bins.length; bin++) {
      const list = this.#bins[bin]!;
      let best: Block | null = null;
      let looked = 0;
      for (let i = list.length - 1; i >= 0; i--) {
        const block = list[i]!;
        if (block.size >= size && (best === null || block.size < best.size)) best = block;
        if (best !== null && ++looked >= LOOK) break;
      }
      if (best !== null) return best;
    }
    return null;
  }

  #list(block: Block): void {
    const list = this.#bins[31 - Math.clz32(block.size / GRAIN)]!;
    block.place = list.length;
    list.push(block);
  }

  #unlist(block: Block): void {
    const list = this.#bins[31 - Math.clz32(block.size / GRAIN)]!;
    const moved = list.pop()!;
    if (moved !== block) {
      list[block.place] = moved;
      moved.place = block.place;
    }
    block.place = -1;
  }

  #grow(size: number, asked: number): void {
    const tail = this.#last !== null && this.#last.place >= 0 ? this.#last.size : 0;
    const reserved = this.memory.buffer.byteLength;
    const need = Math.ceil((size - tail) / PAGE);
    const room = Math.floor((this.#limit - reserved) / PAGE);
    const wish = Math.min(room, Math.max(need, Math.ceil(reserved / 2 / PAGE)));
    let pages = 0;
    if (need <= room) {
      for (const count of wish > need ? [wish, need] : [need]) {
        try {
          this.memory.grow(count);
          pages = count;
          break;
        } catch {
          // The engine refuses: try with what is needed only.
        }
      }
    }
    if (pages === 0) {
      throw new OutOfMemoryError(
        `Cannot allocate ${asked} bytes on "cpu": WebAssembly memory ends at ${this.#limit} bytes, got ${this.#liveBytes} bytes live in ${this.#liveBuffers} buffers`,
        asked,
      );
    }
    this.#renew();
    this.#extend(pages * PAGE);
  }

  #extend(bytes: number): void {
    const block = new Block(this.#end, bytes, this.#last);
    if (this.#last !== null) this.#last.after = block;
    this.#last = block;
    this.#end += bytes;
    this.#release(block);
  }
}
