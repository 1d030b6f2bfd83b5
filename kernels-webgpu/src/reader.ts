/**
 * Reads: copies into staging buffers that stay, and mapping them.
 *
 * In some runtimes a buffer that was mapped before can be mapped and looked at in one go, which waits for the GPU without
 * turning the event loop. Whether this one can is tried out, once, with known data.
 *
 * @module
 */

import { DeviceError } from "@flambeau/core";
import type { Memory } from "./memory.ts";
import type { Recorder } from "./recorder.ts";

const MAP_READ = 0x01;
const COPY_DST = 0x08;
const STORAGE_ETC = 0x80 | 0x04 | 0x08;

/** Bytes in front of the data, for the first words of the buffer of reports. */
const HEAD = 256;
/** Data that is read at once without waiting; more is read piece by piece. */
const PIECE = 4 * 2 ** 20;
/** Staging buffers that are kept for reads that wait. */
const KEPT = 4;

/** The buffer of reports, and what to do with its first words. */
export interface Check {
  readonly memory: Memory;
  /** Throws the error that belongs to a report. */
  readonly check: (id: number, value: number) => void;
}

/** Reads memory of one device. */
export class Reader {
  readonly #recorder: Recorder;
  readonly #staging: GPUBuffer;
  #canReadSync: boolean;
  readonly #idle: GPUBuffer[] = [];

  private constructor(recorder: Recorder, staging: GPUBuffer, canReadSync: boolean) {
    this.#recorder = recorder;
    this.#staging = staging;
    this.#canReadSync = canReadSync;
  }

  /** Makes a reader; with `sync`, finds out whether the runtime can wait for the GPU. */
  static async create(recorder: Recorder, sync: boolean): Promise<Reader> {
    const size = sync ? HEAD + PIECE : HEAD;
    const staging = recorder.device.createBuffer({ size, usage: MAP_READ | COPY_DST });
    // A buffer that was never mapped must not be mapped without waiting.
    await staging.mapAsync(MAP_READ);
    staging.unmap();
    return new Reader(recorder, staging, sync && await probe(recorder.device, staging));
  }

  /** True when `readSync` works. */
  get canReadSync(): boolean {
    return this.#canReadSync;
  }

  /** Copies bytes to the host after all that was recorded before. */
  async read(
    from: Memory,
    byteOffset: number,
    bytes: number,
    check: () => Check | null,
  ): Promise<Uint8Array> {
    this.#recorder.checkAlive("read a tensor");
    const checked = check();
    if (this.#canReadSync) return this.readSync(from, byteOffset, bytes, checked);
    const start = byteOffset - byteOffset % 4;
    const length = Math.ceil((byteOffset + bytes - start) / 4) * 4;
    const staging = this.#take(HEAD + length);
    this.#record(from, start, length, staging, checked);
    try {
      await staging.mapAsync(MAP_READ);
    } catch (cause) {
      staging.destroy();
      this.#recorder.checkAlive("read a tensor");
      throw Object.assign(new DeviceError(`Cannot read a tensor on webgpu: ${String(cause)}`), { cause });
    }
    return this.#takeOut(staging, byteOffset - start, bytes, checked, true);
  }

  /** As {@linkcode read}, at once. */
  readSync(from: Memory, byteOffset: number, bytes: number, check: Check | null): Uint8Array {
    const start = byteOffset - byteOffset % 4;
    const length = Math.ceil((byteOffset + bytes - start) / 4) * 4;
    if (length <= PIECE) {
      this.#record(from, start, length, this.#staging, check);
      this.#staging.mapAsync(MAP_READ).catch(() => {}); // unmapped before it is told
      return this.#takeOut(this.#staging, byteOffset - start, bytes, check, false);
    }
    const out = new Uint8Array(bytes);
    for (let done = 0; done < bytes;) {
      const piece = Math.min(bytes - done, PIECE - 4);
      out.set(this.readSync(from, byteOffset + done, piece, done === 0 ? check : null), done);
      done += piece;
    }
    return out;
  }

  #record(from: Memory, start: number, length: number, to: GPUBuffer, check: Check | null): void {
    if (length > 0) this.#recorder.copy(from, start, to, HEAD, Math.min(length, from.capacity - start));
    if (check !== null) this.#recorder.copy(check.memory, 0, to, 0, 8);
    this.#recorder.flush();
  }

  #takeOut(staging: GPUBuffer, skip: number, bytes: number, check: Check | null, keep: boolean): Uint8Array {
    const length = HEAD + Math.ceil((skip + bytes) / 4) * 4;
    const mapped = staging.getMappedRange(0, length);
    const data = new Uint8Array(mapped, HEAD + skip, bytes).slice();
    const [id, value] = new Int32Array(mapped, 0, 2);
    const report = [id!, value!] as const;
    staging.unmap();
    if (keep) this.#give(staging);
    check?.check(...report);
    return data;
  }

  #take(size: number): GPUBuffer {
    const capacity = Math.max(4096, 2 ** Math.ceil(Math.log2(size)));
    const at = this.#idle.findIndex((buffer) => buffer.size >= size && buffer.size <= 4 * capacity);
    if (at >= 0) return this.#idle.splice(at, 1)[0]!;
    return this.#recorder.device.createBuffer({ size: capacity, usage: MAP_READ | COPY_DST });
  }

  #give(staging: GPUBuffer): void {
    this.#idle.push(staging);
    if (this.#idle.length > KEPT) this.#idle.shift()!.destroy();
  }
}

/** Tries to read known data without waiting. */
async function probe(device: GPUDevice, staging: GPUBuffer): Promise<boolean> {
  const source = device.createBuffer({ size: 256, usage: STORAGE_ETC });
  let works = true;
  for (let round = 1; round <= 3 && works; round++) {
    const sent = Uint32Array.from({ length: 64 }, (_, i) => Math.imul(i + round, 0x9e3779b9));
    device.queue.writeBuffer(source, 0, sent);
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(source, 0, staging, 0, 256);
    device.queue.submit([encoder.finish()]);
    const mapping = staging.mapAsync(MAP_READ);
    mapping.catch(() => {});
    try {
      const got = new Uint32Array(staging.getMappedRange(0, 256));
      works = sent.every((word, i) => got[i] === word);
    } catch {
      works = false;
      await mapping.catch(() => {});
    }
    staging.unmap();
  }
  source.destroy();
  return works;
}
