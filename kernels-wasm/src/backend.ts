/**
 * The CPU device: memory, kernels and steps over one WebAssembly instance.
 *
 * @module
 */

import {
  type Backend,
  type Buffer,
  type DataArray,
  DeviceError,
  type DType,
  dtypes,
  isContiguous,
  type KernelName,
  type KernelTable,
  type MemoryStats,
  type Operand,
  OutOfMemoryError,
  viewData,
} from "@flambeau/core";
import { Chain } from "./chain.ts";
import { ChainStep } from "./chain_step.ts";
import { HostStep, type WasmDispatch } from "./dispatch.ts";
import { FinishStep, Product } from "./finish.ts";
import type { WasmBuffer } from "./heap.ts";
import { areInside } from "./kernels/gather.ts";
import { ownKernels } from "./kernels/table.ts";
import { bestBuild, Kernels, type WasmBuild } from "./module.ts";
import { defaultThreads } from "./threads.ts";
import { canShareMemory, concurrency } from "./worker_source.ts";

/** Kernels in plain JavaScript over views of buffers, for what has no WASM kernel. */
export type FallbackFactory = (
  viewOf: (buffer: Buffer, dtype: DType) => DataArray,
) => KernelTable<() => void>;

/** What the CPU device is made of. */
export interface WasmBackendOptions {
  /** Makes the kernels that run where no WASM kernel does. */
  readonly fallback: FallbackFactory;
  /** A module compiled elsewhere: edge runtimes forbid compiling bytes, and import the `.wasm` file instead. */
  readonly module?: WebAssembly.Module;
  /** A build by name, instead of the best that this engine takes. */
  readonly build?: WasmBuild;
  /**
   * Threads to compute with. By default as many as the machine runs at once, up to 8, where memory can be shared with
   * workers; 0 makes a memory that is never shared.
   */
  readonly threads?: number;
}

/** What a CPU device turned out to have. */
export interface WasmFacts {
  /** Its build; null for a module that was handed in. */
  readonly build: WasmBuild | null;
  /** True when its memory is shared with workers. */
  readonly isShared: boolean;
  /** True when this runtime can share memory with workers at all. */
  readonly canShare: boolean;
  /** Threads that the machine runs at once. */
  readonly concurrency: number;
}

/** The CPU device. */
export interface WasmBackend extends Backend<WasmDispatch> {
  /** What it turned out to have. */
  readonly facts: WasmFacts;
  /** A typed array over a whole buffer, valid until the next allocation. */
  view(buffer: Buffer, dtype: DType): DataArray;
  /** Threads that large operations run on: 1 where memory cannot be shared. */
  numThreads: number;
}

/** True when this engine runs the CPU device at all: WebAssembly with 128-bit SIMD. */
export function isWasmSupported(): boolean {
  return bestBuild() !== null;
}

/**
 * Makes a CPU device with memory of its own. Synchronous, and needs no permission.
 *
 * @throws {DeviceError} If this engine has no WebAssembly SIMD, or does not let code be compiled here.
 */
export function createWasmBackend(options: WasmBackendOptions): WasmBackend {
  const source = options.module ?? options.build ?? bestBuild();
  if (source === null) {
    throw new DeviceError(`Cannot start the "cpu" device: this engine must have WebAssembly SIMD`);
  }
  const wanted = options.threads ?? defaultThreads();
  const shared = options.module === undefined && canShareMemory() &&
    wanted > (options.threads === undefined ? 1 : 0);
  const facts = {
    build: typeof source === "string" ? source as WasmBuild : null,
    isShared: shared,
    canShare: canShareMemory(),
    concurrency: concurrency(),
  };
  const device = new WasmDevice(new Kernels(source, shared), options.fallback, facts);
  device.numThreads = wanted;
  return device;
}

class WasmDevice implements WasmBackend {
  readonly name = "cpu";
  readonly canReadSync = true;
  readonly dtypes: ReadonlySet<DType> = new Set(dtypes);
  readonly kernels: KernelTable<WasmDispatch>;
  readonly facts: WasmFacts;
  readonly #kernels: Kernels;
  readonly #chain: Chain;
  #waits = false;

  constructor(kernels: Kernels, fallback: FallbackFactory, facts: WasmFacts) {
    this.#kernels = kernels;
    this.#chain = new Chain(kernels);
    this.facts = facts;
    this.kernels = joinTables(ownKernels(kernels), fallback((buffer, dtype) => this.view(buffer, dtype)));
  }

  get numThreads(): number {
    return this.#kernels.pool?.threads ?? 1;
  }

  set numThreads(count: number) {
    if (this.#kernels.pool !== null) this.#kernels.pool.threads = count;
  }

  allocate(bytes: number): Buffer {
    try {
      return this.#kernels.heap.allocate(bytes);
    } catch (error) {
      // What waits may keep memory that was given back.
      if (!this.#waits || !(error instanceof OutOfMemoryError)) throw error;
      this.settle();
      return this.#kernels.heap.allocate(bytes);
    }
  }

  free(buffer: Buffer): void {
    if (this.#waits) {
      this.#kernels.finishing.release(buffer as WasmBuffer);
      if (this.#chain.release(buffer as WasmBuffer)) return;
    }
    this.#kernels.heap.free(buffer as WasmBuffer);
  }

  write(buffer: Buffer, byteOffset: number, source: Uint8Array): void {
    this.settle();
    this.#kernels.heap.bytes.set(source, (buffer as WasmBuffer).ptr + byteOffset);
  }

  read(buffer: Buffer, byteOffset: number, bytes: number): Promise<Uint8Array> {
    return Promise.resolve(this.readSync(buffer, byteOffset, bytes));
  }

  readSync(buffer: Buffer, byteOffset: number, bytes: number): Uint8Array {
    this.settle();
    const start = (buffer as WasmBuffer).ptr + byteOffset;
    return this.#kernels.heap.bytes.slice(start, start + bytes);
  }

  areInside(index: Operand, size: number): boolean {
    this.settle();
    return areInside(this.#kernels, index, size);
  }

  run(dispatch: WasmDispatch): void {
    if (this.#waits) this.settle();
    dispatch.run();
  }

  runSoon(dispatch: WasmDispatch): boolean {
    const { finishing } = this.#kernels;
    if (dispatch instanceof FinishStep) return finishing.join(dispatch) || this.runSoon(dispatch.plain());
    if (dispatch instanceof Product) {
      this.settle();
      finishing.begin(dispatch);
    } else if (dispatch instanceof ChainStep) {
      finishing.settle();
      this.#chain.add(dispatch);
    } else {
      this.run(dispatch);
      return false;
    }
    this.#waits = true;
    return true;
  }

  settle(): void {
    if (!this.#waits) return;
    this.#waits = false;
    this.#kernels.finishing.settle(); // nothing waits beside it
    this.#chain.settle();
  }

  sync(): Promise<void> {
    this.settle();
    return Promise.resolve();
  }

  memory(): MemoryStats {
    this.settle();
    return this.#kernels.heap.stats();
  }

  resetPeak(): void {
    this.#kernels.heap.resetPeak();
  }

  view(buffer: Buffer, dtype: DType): DataArray {
    this.settle();
    const length = Math.floor(buffer.bytes / dtype.itemsize);
    return viewData(dtype, this.#kernels.heap.memory.buffer, (buffer as WasmBuffer).ptr, length);
  }
}

/** A kernel without its row's types: what the table of all kernels is made of. */
type AnyKernel<D> = (inputs: readonly Operand[], outputs: never, attrs: never) => D | null;
type AnyTable<D> = { [P in KernelName]?: AnyKernel<D> };

/** Names of the kernels that take any strides, so that nothing has to be copied before them. */
const ANY_STRIDES: ReadonlySet<string> = new Set(["copy", "cast"]);

/**
 * Own kernels first. Where one answers null for contiguous operands, or there is none, a core primitive runs the
 * fallback; null for other strides stays null, because the same kernel on contiguous copies is faster.
 */
function joinTables(
  own: Partial<KernelTable<WasmDispatch>>,
  fallback: KernelTable<() => void>,
): KernelTable<WasmDispatch> {
  const ours = own as unknown as AnyTable<WasmDispatch>;
  const theirs = fallback as unknown as AnyTable<() => void>;
  const table: AnyTable<WasmDispatch> = { ...ours };
  for (const name of Object.keys(theirs) as KernelName[]) {
    const mine = ours[name];
    const host = theirs[name]!;
    const onHost: AnyKernel<WasmDispatch> = (inputs, outputs, attrs) => {
      const run = host(inputs, outputs, attrs);
      return run === null ? null : new HostStep(run);
    };
    table[name] = mine === undefined ? onHost : (inputs, outputs, attrs) =>
      mine(inputs, outputs, attrs) ??
        (ANY_STRIDES.has(name) || allContiguous(inputs, outputs) ? onHost(inputs, outputs, attrs) : null);
  }
  return table as unknown as KernelTable<WasmDispatch>;
}

function allContiguous(inputs: readonly Operand[], outputs: Operand | readonly Operand[]): boolean {
  for (const x of inputs) if (!isContiguous(x.shape, x.strides)) return false;
  for (const x of Array.isArray(outputs) ? outputs as Operand[] : [outputs as Operand]) {
    if (!isContiguous(x.shape, x.strides)) return false;
  }
  return true;
}
