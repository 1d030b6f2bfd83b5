/**
 * The device `"reference"`: buffers of JavaScript, kernels of this package, everything at once.
 *
 * @module
 */

import {
  type Backend,
  type Buffer,
  type DataArray,
  DisposedError,
  type DType,
  dtypes,
  type MemoryStats,
  OutOfMemoryError,
  viewData,
} from "@flambeau/core";
import type { HostDispatch } from "./iterate.ts";
import { hostKernels } from "./kernels.ts";

/** A piece of JavaScript memory; `data` is null once it was given back. */
interface HostBuffer extends Buffer {
  data: ArrayBuffer | null;
}

function dataOf(buffer: Buffer): ArrayBuffer {
  const { data } = buffer as HostBuffer;
  if (data === null) {
    throw new DisposedError(`Cannot use a buffer of ${buffer.bytes} bytes: it was given back`);
  }
  return data;
}

function elementsOf(buffer: HostBuffer, dtype: DType): DataArray {
  return viewData(dtype, dataOf(buffer), 0, Math.floor(buffer.bytes / dtype.itemsize));
}

/** Keeps the accounts of a device whose buffers are garbage-collected. */
class ReferenceBackend implements Backend<HostDispatch> {
  readonly name = "reference";
  readonly canReadSync = true;
  readonly dtypes: ReadonlySet<DType> = new Set(dtypes);
  readonly kernels = hostKernels<HostBuffer>(elementsOf);
  #liveBytes = 0;
  #peakBytes = 0;
  #liveBuffers = 0;

  allocate(bytes: number): Buffer {
    let data: ArrayBuffer;
    try {
      data = new ArrayBuffer(bytes);
    } catch (cause) {
      throw Object.assign(
        new OutOfMemoryError(
          `Cannot allocate ${bytes} bytes on reference: the runtime must have the memory, got ${
            String(cause)
          }`,
          bytes,
        ),
        { cause },
      );
    }
    this.#liveBytes += bytes;
    this.#liveBuffers += 1;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
    const buffer: HostBuffer = { bytes, data };
    return buffer;
  }

  free(buffer: Buffer): void {
    dataOf(buffer);
    (buffer as HostBuffer).data = null;
    this.#liveBytes -= buffer.bytes;
    this.#liveBuffers -= 1;
  }

  write(buffer: Buffer, byteOffset: number, source: Uint8Array): void {
    new Uint8Array(dataOf(buffer), byteOffset, source.byteLength).set(source);
  }

  // deno-lint-ignore require-await -- errors must reject, and there is nothing to wait for
  async read(buffer: Buffer, byteOffset: number, bytes: number): Promise<Uint8Array> {
    return this.readSync(buffer, byteOffset, bytes);
  }

  readSync(buffer: Buffer, byteOffset: number, bytes: number): Uint8Array {
    return new Uint8Array(dataOf(buffer), byteOffset, bytes).slice();
  }

  run(dispatch: HostDispatch): void {
    dispatch();
  }

  async sync(): Promise<void> {}

  memory(): MemoryStats {
    return {
      liveBytes: this.#liveBytes,
      peakBytes: this.#peakBytes,
      liveBuffers: this.#liveBuffers,
      reservedBytes: this.#liveBytes,
    };
  }

  resetPeak(): void {
    this.#peakBytes = this.#liveBytes;
  }
}

/**
 * Makes a device `"reference"`: every dtype, every core primitive, computed in float64 (integers exactly) and at once.
 * It holds its own accounts of memory; buffers given back are errors to use.
 */
export function createReferenceBackend(): Backend<HostDispatch> {
  return new ReferenceBackend();
}
