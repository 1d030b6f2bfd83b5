/**
 * Reads: copies into staging buffers that stay, and mapping them.
 *
 * Each read that waits has a staging buffer of its own, so any number may be on their way. In some runtimes a buffer
 * that was mapped before can be mapped and looked at in one go, which waits for the GPU without turning the event loop.
 * Whether this one can is tried out, once, with known data.
 *
 * @module
 */

import { DeviceLostError } from "@flambeau/core";
import type { Memory } from "./memory.ts";
import type { Recorder } from "./recorder.ts";

const MAP_READ = 0x01;
const STORAGE_ETC = 0x80 | 0x04 | 0x08;

/** Bytes in front of the data, for the first words of the buffer of reports. */
const HEAD = 256;
/** Bytes of the report at the start of its buffer. */
const REPORT = 8;
/** Data that is read at once without waiting; more is read piece by piece. */
const PIECE = 4 * 2 ** 20;
/** Staging buffers that are kept for reads that wait, and the bytes of all of them. */
const KEPT = 16;
const KEPT_BYTES = 64 * 2 ** 20;

/** The buffer of reports, and what to do with its first words. */
export interface Check {
  readonly memory: Memory;
  /** Throws the error that belongs to a report. */
  readonly check: (id: number, value: number) => void;
}

/** Bytes of a memory. */
export interface Part {
  readonly memory: Memory;
  readonly byteOffset: number;
  readonly bytes: number;
}

/** Reads memory of one device. */
export class Reader {
  readonly #recorder: Recorder;
  readonly #staging: GPUBuffer;
  #canReadSync: boolean;
  readonly #idle: GPUBuffer[] = [];
  #idleBytes = 0;

  private constructor(recorder: Recorder, staging: GPUBuffer, canReadSync: boolean) {
    this.#recorder = recorder;
    this.#staging = staging;
    this.#canReadSync = canReadSync;
  }

  /** Makes a reader; with `sync`, finds out whether the runtime can wait for the GPU. */
  static async create(recorder: Recorder, sync: boolean): Promise<Reader> {
    const staging = recorder.createStaging(sync ? HEAD + PIECE : HEAD);
    // A buffer that was never mapped must not be mapped without waiting.
    await recorder.until("start", staging.mapAsync(MAP_READ));
    staging.unmap();
    return new Reader(recorder, staging, sync && await probe(recorder, staging));
  }

  /** True when `readSync` works. */
  get canReadSync(): boolean {
    return this.#canReadSync;
  }

  /** Copies parts to the host after all that was recorded before; the copies are recorded at the call. */
  async read(parts: readonly Part[], check: Check | null): Promise<Uint8Array[]> {
    if (this.#canReadSync) {
      const data = this.#readNow(parts, check);
      await this.#recorder.settle("read a tensor");
      return data;
    }
    const { places, end } = layOut(parts);
    const staging = this.#take(end);
    this.#record(parts, places, staging, check);
    const scopes = this.#recorder.scopes();
    try {
      await this.#recorder.until("read a tensor", staging.mapAsync(MAP_READ, 0, end));
    } catch (error) {
      staging.destroy();
      // Why it could not be mapped is said by the error of its memory or of the commands, if there is one.
      if (!(error instanceof DeviceLostError)) await this.#recorder.settle("read a tensor", scopes);
      throw error;
    }
    const { data, report } = this.#takeOut(staging, parts, places, end);
    this.#give(staging);
    await this.#recorder.settle("read a tensor", scopes);
    check?.check(report[0]!, report[1]!);
    return data;
  }

  /** As {@linkcode read} of one part, at once. */
  readSync(part: Part, check: Check | null): Uint8Array {
    return this.#readNow([part], check)[0]!;
  }

  /** Reads parts without waiting: as many together as the staging buffer holds, large ones piece by piece. */
  #readNow(parts: readonly Part[], check: Check | null): Uint8Array[] {
    const out: Uint8Array[] = [];
    let [first, bytes] = [0, 0];
    let due = check;
    const readUntil = (stop: number): void => {
      if (stop > first || due !== null) out.push(...this.#lookNow(parts.slice(first, stop), due));
      [first, bytes, due] = [stop, 0, null];
    };
    parts.forEach((part, i) => {
      const length = lengthOf(part);
      if (bytes + length > PIECE) readUntil(i);
      bytes += length;
      if (length <= PIECE) return;
      out.push(this.#readPieces(part));
      [first, bytes] = [i + 1, 0];
    });
    readUntil(parts.length);
    return out;
  }

  #readPieces({ memory, byteOffset, bytes }: Part): Uint8Array {
    const out = new Uint8Array(bytes);
    for (let done = 0; done < bytes;) {
      const piece = { memory, byteOffset: byteOffset + done, bytes: Math.min(bytes - done, PIECE - 4) };
      out.set(this.#lookNow([piece], null)[0]!, done);
      done += piece.bytes;
    }
    return out;
  }

  /** Copies parts into the buffer that was mapped before, maps it and looks at it in one go. */
  #lookNow(parts: readonly Part[], check: Check | null): Uint8Array[] {
    const staging = this.#staging;
    const { places, end } = layOut(parts);
    this.#record(parts, places, staging, check);
    staging.mapAsync(MAP_READ).catch(() => {}); // unmapped before it is told
    const found = this.#takeOut(staging, parts, places, end);
    check?.check(found.report[0]!, found.report[1]!);
    return found.data;
  }

  /** Copies out of a buffer that is mapped, and unmaps it. */
  #takeOut(staging: GPUBuffer, parts: readonly Part[], places: readonly number[], end: number): Found {
    try {
      const range = staging.getMappedRange(0, end);
      const data = parts.map(({ byteOffset, bytes }, i) =>
        new Uint8Array(range, places[i]! + byteOffset % 4, bytes).slice()
      );
      const report = new Int32Array(range.slice(0, REPORT));
      staging.unmap();
      return { data, report };
    } catch (error) {
      // Nothing but a loss makes this fail, and a runtime may tell of it only when the event loop turns.
      this.#recorder.lose(`it could not be read: ${error instanceof Error ? error.message : error}`);
      this.#recorder.checkAlive("read a tensor");
      throw error;
    }
  }

  #record(
    parts: readonly Part[],
    places: readonly number[],
    staging: GPUBuffer,
    check: Check | null,
  ): void {
    parts.forEach((part, i) => {
      const length = lengthOf(part);
      const { memory, byteOffset } = part;
      if (length > 0) this.#recorder.copy(memory, byteOffset - byteOffset % 4, staging, places[i]!, length);
    });
    if (check !== null) {
      this.#recorder.copy(check.memory, 0, staging, 0, REPORT);
      this.#recorder.clear(check.memory, 0, REPORT); // so that each read sees the reports of its own time
    }
    this.#recorder.flush();
  }

  #take(size: number): GPUBuffer {
    const capacity = Math.max(4096, 2 ** Math.ceil(Math.log2(size)));
    const at = this.#idle.findIndex((buffer) => buffer.size >= size && buffer.size <= 4 * capacity);
    if (at < 0) return this.#recorder.createStaging(capacity);
    const [staging] = this.#idle.splice(at, 1) as [GPUBuffer];
    this.#idleBytes -= staging.size;
    return staging;
  }

  #give(staging: GPUBuffer): void {
    this.#idle.push(staging);
    this.#idleBytes += staging.size;
    while (this.#idle.length > KEPT || this.#idleBytes > KEPT_BYTES) {
      const oldest = this.#idle.shift()!;
      this.#idleBytes -= oldest.size;
      oldest.destroy();
    }
  }
}

/** Bytes that a part takes in a staging buffer: whole words. */
function lengthOf({ byteOffset, bytes }: Part): number {
  return bytes === 0 ? 0 : Math.ceil((byteOffset % 4 + bytes) / 4) * 4;
}

/** Where the parts lie in a staging buffer, behind its head. */
function layOut(parts: readonly Part[]): { places: readonly number[]; end: number } {
  const places: number[] = [];
  let end = HEAD;
  for (const part of parts) {
    places.push(end);
    end += lengthOf(part);
  }
  return { places, end };
}

/** What was in a staging buffer. */
interface Found {
  readonly data: Uint8Array[];
  readonly report: Int32Array;
}

/** Tries to read known data without waiting. */
async function probe(recorder: Recorder, staging: GPUBuffer): Promise<boolean> {
  const { device } = recorder;
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
      await recorder.until("start", mapping).catch(() => {});
    }
    staging.unmap();
  }
  source.destroy();
  return works;
}
