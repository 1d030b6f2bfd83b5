/**
 * The GPU device: memory, kernels and steps over one WebGPU device.
 *
 * @module
 */

import {
  type Backend,
  type Buffer,
  DeviceError,
  type DType,
  type KernelTable,
  type MemoryStats,
  type TorchError,
} from "@flambeau/core";
import type { GpuDispatch, Runner } from "./dispatch.ts";
import { gpuDTypes, ownKernels } from "./kernels/table.ts";
import { BufferPool, GpuBuffer } from "./memory.ts";
import { patch } from "./patch.ts";
import { Reader } from "./reader.ts";
import { type Counters, Recorder } from "./recorder.ts";

/** What the GPU device is made of. */
export interface WebGpuBackendOptions {
  /** An adapter, instead of the one that the runtime prefers. */
  readonly adapter?: GPUAdapter;
  /** Dispatches after which recorded work is submitted by itself. Default 256. */
  readonly maxPending?: number;
  /** All memory that the device may take, in bytes. Default 64 GiB: until the driver has no more. */
  readonly maxBytes?: number;
  /** Memory that is kept for reuse, in bytes. Default 1 GiB. */
  readonly maxIdleBytes?: number;
  /** False: never read without waiting, even where it is possible. Default true. */
  readonly syncReads?: boolean;
}

/** What a device turned out to have. */
export interface WebGpuFacts {
  /** The adapter in words, as far as the runtime tells. */
  readonly adapter: string;
  /** True for adapters that compute on the CPU. */
  readonly isFallback: boolean;
  /** True when shaders may use 16-bit floats. */
  readonly hasFloat16: boolean;
  /** True when shaders may use subgroups. */
  readonly hasSubgroups: boolean;
  /** The largest part of a buffer that a shader sees at once, in bytes. */
  readonly maxBindingBytes: number;
  /** The largest buffer, in bytes. */
  readonly maxBufferBytes: number;
}

/** The GPU device. */
export interface WebGpuBackend extends Backend {
  /** What the device turned out to have. */
  readonly facts: WebGpuFacts;
  /** What was done so far. */
  readonly counters: Counters;
  /** Submits recorded work without waiting for it. */
  flush(): void;
  /** Destroys the device: everything fails from then on. */
  destroy(): void;
}

/** The WebGPU entry point of this runtime; null where there is none. */
function entryPoint(): GPU | null {
  const { navigator } = globalThis as { navigator?: { gpu?: GPU } };
  return navigator?.gpu ?? null;
}

/** True when this runtime offers WebGPU and has an adapter. */
export async function isWebGpuAvailable(): Promise<boolean> {
  try {
    return await entryPoint()?.requestAdapter() != null;
  } catch {
    return false;
  }
}

const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
] as const;

/**
 * Makes a GPU device: asks for an adapter and for a device with all of the adapter's memory limits.
 *
 * @throws {DeviceError} If there is no adapter, or it gives no device.
 */
export async function createWebGpuBackend(options: WebGpuBackendOptions = {}): Promise<WebGpuBackend> {
  const adapter = options.adapter ??
    await entryPoint()?.requestAdapter({ powerPreference: "high-performance" }) ?? null;
  if (adapter === null) {
    throw new DeviceError(
      `Cannot start the "webgpu" device: this runtime must have a WebGPU adapter, got none`,
    );
  }
  const { device, hasSubgroups } = await requestDevice(adapter);
  const recorder = new Recorder(device, options.maxPending ?? 256);
  const info = adapter.info;
  const facts: WebGpuFacts = {
    adapter: [info?.description, info?.architecture, info?.vendor].find((text) => text) ?? "unknown",
    isFallback: (info as { isFallbackAdapter?: boolean } | undefined)?.isFallbackAdapter ?? false,
    hasFloat16: device.features.has("shader-f16"),
    hasSubgroups,
    maxBindingBytes: Math.floor(device.limits.maxStorageBufferBindingSize / 4) * 4,
    maxBufferBytes: device.limits.maxBufferSize,
  };
  const reader = await Reader.create(recorder, options.syncReads ?? true);
  return new WebGpuDevice(recorder, facts, reader, options);
}

async function requestDevice(adapter: GPUAdapter): Promise<{ device: GPUDevice; hasSubgroups: boolean }> {
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  const features: GPUFeatureName[] = adapter.features.has("shader-f16") ? ["shader-f16"] : [];
  // A runtime may give subgroups without listing them; one that does not refuses the request, which costs nothing.
  for (const wanted of [[...features, "subgroups" as GPUFeatureName], features]) {
    try {
      const device = await adapter.requestDevice({ requiredFeatures: wanted, requiredLimits });
      return { device, hasSubgroups: wanted !== features };
    } catch (cause) {
      if (wanted === features) {
        throw Object.assign(
          new DeviceError(
            `Cannot start the "webgpu" device: the adapter must give a device, got ${String(cause)}`,
          ),
          { cause },
        );
      }
    }
  }
  throw new DeviceError(`Cannot start the "webgpu" device: the adapter must give a device, got none`);
}

/** Numbers of reports stay below this. */
const REPORTS = 2 ** 31;

class WebGpuDevice implements WebGpuBackend, Runner {
  readonly name = "webgpu";
  readonly canReadSync: boolean;
  readonly dtypes: ReadonlySet<DType> = gpuDTypes;
  readonly kernels: KernelTable<GpuDispatch>;
  readonly facts: WebGpuFacts;
  readonly recorder: Recorder;
  readonly pool: BufferPool;
  readonly reports: GpuBuffer;
  readonly #reader: Reader;
  #expected: Map<number, (value: number) => TorchError> = new Map();
  #nextReport = 1;

  constructor(recorder: Recorder, facts: WebGpuFacts, reader: Reader, options: WebGpuBackendOptions) {
    this.recorder = recorder;
    this.facts = facts;
    this.#reader = reader;
    this.canReadSync = reader.canReadSync;
    this.pool = new BufferPool({
      create: (capacity) => recorder.createStorage(capacity),
      retire: (memory) => recorder.retire(memory),
    }, {
      maxBufferBytes: facts.maxBufferBytes,
      maxBytes: options.maxBytes ?? 2 ** 36,
      maxIdleBytes: options.maxIdleBytes ?? 2 ** 30,
    });
    const reports = { id: 0, gpu: recorder.createStorage(256), capacity: 256, epoch: 0 };
    this.reports = new GpuBuffer(256, reports); // no part of the accounts
    this.kernels = ownKernels({ maxBindingBytes: facts.maxBindingBytes });
  }

  get counters(): Counters {
    return this.recorder.counters;
  }

  allocate(bytes: number): Buffer {
    this.recorder.checkAlive(`allocate ${bytes} bytes`);
    return this.pool.take(bytes);
  }

  free(buffer: Buffer): void {
    this.pool.give(buffer as GpuBuffer);
  }

  write(buffer: Buffer, byteOffset: number, source: Uint8Array): void {
    const { memory } = buffer as GpuBuffer;
    if (source.byteLength === 0) return;
    if (memory.epoch === this.recorder.epoch) this.recorder.flush(); // what was recorded comes first
    const { queue } = this.recorder.device;
    const head = (4 - byteOffset % 4) % 4;
    // What does not fill a word at either end changes a part of it; at the end of a buffer nothing is behind.
    const toEnd = byteOffset + source.byteLength === buffer.bytes;
    const whole = head > 0 ? 0 : toEnd ? source.byteLength : source.byteLength - source.byteLength % 4;
    if (whole > 0) {
      const padded = whole % 4 === 0 ? source.subarray(0, whole) : new Uint8Array(whole + 4 - whole % 4);
      if (padded.byteLength > whole) padded.set(source);
      queue.writeBuffer(memory.gpu, byteOffset, padded as Uint8Array<ArrayBuffer>);
    }
    if (whole < source.byteLength) {
      const middle = head > 0 && source.byteLength > head + 4;
      if (!middle) return patch(this, buffer, byteOffset + whole, source.subarray(whole));
      patch(this, buffer, byteOffset, source.subarray(0, head));
      this.write(buffer, byteOffset + head, source.subarray(head));
    }
  }

  async read(buffer: Buffer, byteOffset: number, bytes: number): Promise<Uint8Array> {
    const data = await this.#reader.read(
      (buffer as GpuBuffer).memory,
      byteOffset,
      bytes,
      () => this.#reportsToCheck(),
    );
    await this.recorder.settle("read a tensor");
    return data;
  }

  readSync(buffer: Buffer, byteOffset: number, bytes: number): Uint8Array {
    this.recorder.checkAlive("read a tensor");
    if (!this.canReadSync) {
      throw new DeviceError(
        "Cannot read a tensor on webgpu at once: this runtime must let the GPU be waited for; use the asynchronous " +
          "form, as in `await x.item()`, `await x.data()`",
      );
    }
    this.recorder.throwFailure();
    return this.#reader.readSync((buffer as GpuBuffer).memory, byteOffset, bytes, this.#reportsToCheck());
  }

  run(dispatch: GpuDispatch): void {
    this.recorder.checkAlive("run a step");
    dispatch.run(this);
  }

  async sync(): Promise<void> {
    this.recorder.checkAlive("synchronize");
    const check = this.#reportsToCheck();
    if (check !== null) await this.#reader.read(check.memory, 0, 0, () => check);
    else {
      this.recorder.flush();
      await this.recorder.device.queue.onSubmittedWorkDone();
    }
    await this.recorder.settle("synchronize");
  }

  memory(): MemoryStats {
    return this.pool.stats();
  }

  resetPeak(): void {
    this.pool.resetPeak();
  }

  flush(): void {
    this.recorder.flush();
  }

  destroy(): void {
    this.recorder.device.destroy();
  }

  expectReport(errorOf: (value: number) => TorchError): number {
    const id = this.#nextReport;
    this.#nextReport = id + 1 === REPORTS ? 1 : id + 1;
    this.#expected.set(id, errorOf);
    return id;
  }

  /** What a read has to look at beside its data: null when no step since the last read could report anything. */
  #reportsToCheck(): { memory: GpuBuffer["memory"]; check: (id: number, value: number) => void } | null {
    if (this.#expected.size === 0) return null;
    const expected = this.#expected;
    this.#expected = new Map();
    return {
      memory: this.reports.memory,
      check: (id, value) => {
        if (id === 0) return;
        this.recorder.device.queue.writeBuffer(this.reports.memory.gpu, 0, new Uint32Array(2));
        const errorOf = expected.get(id);
        if (errorOf !== undefined) throw errorOf(value);
      },
    };
  }
}
