/**
 * The GPU device: memory, kernels and steps over one WebGPU device.
 *
 * @module
 */

import {
  type Backend,
  type Buffer,
  DeviceError,
  DeviceLostError,
  type DType,
  type KernelTable,
  type MemoryStats,
  type TorchError,
} from "@flambeau/core";
import { autotune, type AutotuneOptions } from "./autotune.ts";
import type { GpuDispatch, Runner } from "./dispatch.ts";
import type { GpuLimits } from "./draft.ts";
import { GpuFusion } from "./fusion/fusion.ts";
import { checkTiles, type GemmSettings, type TileTable } from "./kernels/gemm/tiles.ts";
import { gpuDTypes, ownKernels } from "./kernels/table.ts";
import { BufferPool, GpuBuffer, type Memory, type PoolLimits } from "./memory.ts";
import { patch } from "./patch.ts";
import { type Check, Reader } from "./reader.ts";
import { type Counters, Recorder } from "./recorder.ts";
import { compilesSlowly, isSoftware } from "./software.ts";
import { probeSubgroups, type SubgroupForm } from "./subgroups.ts";

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
  /** How products of matrices are computed best here: what {@linkcode WebGpuBackend.autotune} gave before. */
  readonly tiles?: TileTable;
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

/** A part of a buffer, for reads of many. */
export interface BufferPart {
  /** The buffer. */
  readonly buffer: Buffer;
  /** Bytes before it. */
  readonly byteOffset: number;
  /** Its bytes. */
  readonly bytes: number;
}

/** The GPU device. */
export interface WebGpuBackend extends Backend {
  /** What the device turned out to have. */
  readonly facts: WebGpuFacts;
  /** What was done so far, on this device of the driver. */
  readonly counters: Counters;
  /** The driver's device; {@linkcode recover} puts another in its place. */
  readonly gpu: GPUDevice;
  /** Why the device is gone; null while it is there. */
  readonly lost: string | null;
  /**
   * Called once at each loss, at the moment when it is known: what was on the device is gone. A function that it answers asks
   * for recovery at once, and is called as in {@linkcode recover}.
   */
  onLost: ((reason: string) => (() => void) | null) | null;
  /**
   * Measures which tiles are best for products of matrices on this adapter, and uses them from then on. What it gives is plain
   * data: store it as JSON, and give it back as the option `tiles`.
   *
   * @throws {ValueError} If a size or the budget is not a positive number.
   */
  autotune(options?: AutotuneOptions): Promise<TileTable>;
  /** Copies parts of buffers to the host, as they are at the call, by one submit. */
  readAll(parts: readonly BufferPart[]): Promise<Uint8Array[]>;
  /** Submits recorded work without waiting for it. */
  flush(): void;
  /** Gives memory that is kept for reuse to the driver. */
  trim(): void;
  /**
   * Takes a new device after a loss. Buffers that were not freed are usable again, what is in them is not defined. Does
   * nothing while the device is there, and waits for a recovery that is on its way.
   *
   * @param restore Fills buffers again. Called when the new device is there, before anybody else can use it.
   * @throws {DeviceLostError} If there is no adapter, or no device of it.
   */
  recover(restore?: () => void): Promise<void>;
  /** Destroys the device: everything fails from then on, until {@linkcode recover}. */
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
 * @throws {ValueError} If `tiles` is not what autotuning gives.
 */
export async function createWebGpuBackend(options: WebGpuBackendOptions = {}): Promise<WebGpuBackend> {
  if (options.tiles !== undefined) checkTiles(options.tiles);
  return new WebGpuDevice(await start(options, options.adapter ?? null), options);
}

/** What is made anew when a device is lost. */
interface Parts {
  readonly recorder: Recorder;
  readonly reader: Reader;
  readonly facts: WebGpuFacts;
  readonly subgroups: SubgroupForm;
}

async function start(options: WebGpuBackendOptions, given: GPUAdapter | null): Promise<Parts> {
  const adapter = given ?? await entryPoint()?.requestAdapter({ powerPreference: "high-performance" }) ??
    null;
  if (adapter === null) {
    throw new DeviceError(
      `Cannot start the "webgpu" device: this runtime must have a WebGPU adapter, got none`,
    );
  }
  const { device, hasSubgroups } = await requestDevice(adapter);
  const subgroups = hasSubgroups ? await probeSubgroups(device) : "none";
  const recorder = new Recorder(device, options.maxPending ?? 256);
  const info = adapter.info as GPUAdapterInfo | undefined;
  const name = [info?.description, info?.device, info?.architecture, info?.vendor].find((text) => text) ??
    "unknown";
  const facts: WebGpuFacts = {
    adapter: name,
    isFallback: isSoftware(info),
    hasFloat16: device.features.has("shader-f16"),
    hasSubgroups: subgroups !== "none",
    maxBindingBytes: Math.floor(device.limits.maxStorageBufferBindingSize / 4) * 4,
    maxBufferBytes: device.limits.maxBufferSize,
  };
  return { recorder, facts, subgroups, reader: await Reader.create(recorder, options.syncReads ?? true) };
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

/** Milliseconds between attempts to get a new device: a driver that is being restarted needs a moment. */
const RETRIES = [100, 400];
/** Milliseconds that a read waits at most for a recovery before it tells of the loss. */
const PATIENCE = 10_000;

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Numbers of reports stay below this. */
const REPORTS = 2 ** 31;

class WebGpuDevice implements WebGpuBackend, Runner {
  readonly name = "webgpu";
  readonly dtypes: ReadonlySet<DType> = gpuDTypes;
  readonly pool: BufferPool;
  readonly reports: GpuBuffer;
  canReadSync = false;
  readonly reportsIndices = true;
  kernels!: KernelTable<GpuDispatch>;
  fusion!: GpuFusion;
  facts!: WebGpuFacts;
  recorder!: Recorder;
  onLost: ((reason: string) => (() => void) | null) | null = null;
  readonly #options: WebGpuBackendOptions;
  #gemm: GemmSettings | null = null;
  #reader!: Reader;
  #expected: Map<number, (value: number) => TorchError> = new Map();
  #nextReport = 1;
  #recovery: Promise<void> | null = null;
  /** What the next call has to say: the device is back, and who uses it must know before anything is done. */
  #news: { readonly reason: string; readonly restore: () => void } | null = null;

  constructor(parts: Parts, options: WebGpuBackendOptions) {
    this.#options = options;
    this.pool = new BufferPool({
      create: (capacity, fail) => this.recorder.createStorage(capacity, fail),
      retire: (memory) => this.recorder.retire(memory),
    }, this.#limits(parts.facts));
    this.#adopt(parts);
    this.reports = new GpuBuffer(256, this.#reportMemory()); // no part of the accounts
  }

  get counters(): Counters {
    return this.recorder.counters;
  }

  get gpu(): GPUDevice {
    return this.recorder.device;
  }

  get lost(): string | null {
    return this.recorder.lost;
  }

  allocate(bytes: number): Buffer {
    this.#require("allocate memory");
    return this.pool.take(bytes);
  }

  free(buffer: Buffer): void {
    this.pool.give(buffer as GpuBuffer);
  }

  write(buffer: Buffer, byteOffset: number, source: Uint8Array): void {
    this.#require("write to a tensor");
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
    return (await this.readAll([{ buffer, byteOffset, bytes }]))[0]!;
  }

  async readAll(parts: readonly BufferPart[]): Promise<Uint8Array[]> {
    this.#require("read a tensor");
    const places = parts.map(({ buffer, byteOffset, bytes }) => ({
      memory: (buffer as GpuBuffer).memory,
      byteOffset,
      bytes,
    }));
    return await this.#whole("read a tensor", this.#reader.read(places, this.#reportsToCheck()));
  }

  readSync(buffer: Buffer, byteOffset: number, bytes: number): Uint8Array {
    this.#require("read a tensor");
    if (!this.canReadSync) {
      throw new DeviceError(
        "Cannot read a tensor on webgpu at once: this runtime must let the GPU be waited for; use the asynchronous " +
          "form, as in `await x.item()`, `await x.data()`",
      );
    }
    this.recorder.throwFailure();
    return this.#reader.readSync(
      { memory: (buffer as GpuBuffer).memory, byteOffset, bytes },
      this.#reportsToCheck(),
    );
  }

  run(dispatch: GpuDispatch): void {
    this.#require("run a step");
    dispatch.run(this);
  }

  async sync(): Promise<void> {
    this.#require("synchronize");
    const check = this.#reportsToCheck();
    await this.#whole<unknown>("synchronize", check !== null ? this.#reader.read([], check) : this.#finish());
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

  trim(): void {
    this.pool.trim();
  }

  recover(restore: () => void = () => {}): Promise<void> {
    if (this.#recovery !== null) return this.#recovery.then(() => void this.#takeNews());
    this.#takeNews(); // who asks knows
    return this.lost === null ? Promise.resolve() : this.#recover(restore);
  }

  destroy(): void {
    const { recorder } = this;
    const { onLost } = this;
    this.onLost = (reason) => {
      onLost?.(reason); // on purpose: nothing is brought back by itself
      return null;
    };
    recorder.device.destroy();
    recorder.lose("it was destroyed");
    this.onLost = onLost;
  }

  expectReport(errorOf: (value: number) => TorchError): number {
    const id = this.#nextReport;
    this.#nextReport = id + 1 === REPORTS ? 1 : id + 1;
    this.#expected.set(id, errorOf);
    return id;
  }

  /** Throws what has to be known before the device is used. */
  #require(op: string): void {
    if (this.lost === null && this.#news === null) return;
    throw this.#lossError(op);
  }

  /** Why the device was lost, if nobody was told yet. What was done since then in ignorance is undone. */
  #takeNews(): string | null {
    if (this.#news === null) return null;
    const { reason, restore } = this.#news;
    this.#news = null;
    restore();
    return reason;
  }

  /** The error of a loss, as things stand; whoever gets it knows the news. */
  #lossError(op: string): DeviceLostError {
    const news = this.#takeNews();
    if (news !== null) {
      return new DeviceLostError(
        `Cannot ${op} on webgpu: the device was lost (${news}); a new one is there, with what was kept on the host`,
      );
    }
    return new DeviceLostError(
      `Cannot ${op} on webgpu: the device must be there, got lost (${this.lost}); await recover() to get a new one`,
    );
  }

  /** What `work` gives; a loss on the way is told when the device is back, if it comes back by itself. */
  async #whole<T>(op: string, work: Promise<T>): Promise<T> {
    const { recorder } = this;
    try {
      return await work;
    } catch (error) {
      if (recorder.lost === null) throw error;
      await this.#recovered();
      if (this.lost === null) this.#news ??= { reason: recorder.lost, restore: () => {} };
      throw this.#lossError(op);
    }
  }

  /** Waits for a recovery that is on its way, if there is one, but not forever. */
  #recovered(): Promise<void> {
    const recovery = this.#recovery;
    if (recovery === null) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, PATIENCE);
      recovery.catch(() => {}).then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  autotune(options?: AutotuneOptions): Promise<TileTable> {
    return autotune(this, this.#gemm!, options);
  }

  async #finish(): Promise<void> {
    const { recorder } = this;
    recorder.flush();
    const scopes = recorder.scopes();
    await recorder.until("synchronize", recorder.device.queue.onSubmittedWorkDone());
    await recorder.settle("synchronize", scopes);
  }

  #adopt({ recorder, reader, facts, subgroups }: Parts): void {
    this.recorder = recorder;
    this.#reader = reader;
    this.facts = facts;
    this.canReadSync = reader.canReadSync;
    const table = this.#gemm?.table ?? this.#options.tiles ?? null;
    this.#gemm = { table, forced: null, subgroups };
    const limits: GpuLimits = {
      maxBindingBytes: facts.maxBindingBytes,
      gemm: this.#gemm,
      brief: compilesSlowly(facts),
    };
    this.kernels = ownKernels(limits);
    this.fusion = new GpuFusion(limits, recorder.device.limits.maxStorageBuffersPerShaderStage);
    this.#expected = new Map();
    recorder.onLost = (reason) => {
      const restore = this.onLost?.(reason) ?? null;
      if (restore === null) return;
      // Nobody may have asked for it, so nobody need see that it fails: the device stays lost.
      this.#recover(restore).then(() => this.#news = { reason, restore }, () => {});
    };
  }

  #recover(restore: () => void): Promise<void> {
    const reason = this.lost!;
    return this.#recovery = this.#replace(restore).catch((cause) => {
      this.#giveUp(cause);
      throw Object.assign(
        new DeviceLostError(
          `Cannot recover webgpu, which was lost (${reason}): ${
            cause instanceof Error ? cause.message : cause
          }`,
        ),
        { cause },
      );
    }).finally(() => this.#recovery = null);
  }

  /** After a recovery that failed half-way there is no device that anybody could use. */
  #giveUp(cause: unknown): void {
    if (this.lost !== null) return;
    const { recorder } = this;
    recorder.onLost = null;
    recorder.device.destroy();
    recorder.lose(cause instanceof Error ? cause.message : String(cause));
  }

  async #replace(restore: () => void): Promise<void> {
    // An adapter gives one device only.
    let attempt = start(this.#options, null);
    for (const ms of RETRIES) attempt = attempt.catch(() => after(ms).then(() => start(this.#options, null)));
    const parts = await attempt;
    this.#adopt(parts);
    this.pool.renew(this.#limits(parts.facts));
    this.reports.memory = this.#reportMemory();
    restore();
    this.recorder.checkAlive("recover");
  }

  #limits({ maxBufferBytes }: WebGpuFacts): PoolLimits {
    const { maxBytes = 2 ** 36, maxIdleBytes = 2 ** 30 } = this.#options;
    return { maxBufferBytes, maxBytes, maxIdleBytes };
  }

  #reportMemory(): Memory {
    return { id: 0, gpu: this.recorder.createStorage(256), capacity: 256, epoch: 0, failed: false };
  }

  /** What a read has to look at beside its data: null when no step since the last read could report anything. */
  #reportsToCheck(): Check | null {
    if (this.#expected.size === 0) return null;
    const expected = this.#expected;
    this.#expected = new Map();
    return {
      memory: this.reports.memory,
      check: (id, value) => {
        const errorOf = expected.get(id);
        if (errorOf !== undefined) throw errorOf(value);
      },
    };
  }
}
