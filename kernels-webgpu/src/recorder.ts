/**
 * Records dispatches into one command encoder until they are submitted together.
 *
 * Sizes and strides travel in a ring of uniform slots that is written once per submit. Pipelines are kept by their text,
 * bind groups by their buffers. Errors of the driver arrive later: they are collected here, with the names of the
 * operations that they may belong to. A device that is lost ends its recorder: nothing waits for it any more.
 *
 * @module
 */

import { DeviceError, DeviceLostError, OutOfMemoryError, type TorchError } from "@flambeau/core";
import type { Memory } from "./memory.ts";

/** 32-bit words of a uniform slot. */
export const SLOT_WORDS = 64;
const SLOT_BYTES = SLOT_WORDS * 4;

// Values of WebGPU's constants, which are globals that a runtime may not have.
const STORAGE = 0x80;
const COPY_SRC = 0x04;
const COPY_DST = 0x08;
const MAP_READ = 0x01;
const UNIFORM = 0x40;
const COMPUTE = 0x04;

/** Bind groups that are kept; beyond, all are dropped and made again. */
const KEPT_GROUPS = 4096;

/** How a binding is used: read only, or read and written. */
export type Access = "r" | "w";

/** A compiled shader with the layout of its bindings. */
export interface Pipeline {
  /** The shader. */
  readonly pipeline: GPUComputePipeline;
  /** Its bindings. */
  readonly layout: Layout;
}

/** The bindings of pipelines that take the same kinds. */
export interface Layout {
  /** A number of its own, for keys of bind groups. */
  readonly id: number;
  /** The layout of its bind group. */
  readonly group: GPUBindGroupLayout;
  /** The layout for pipelines. */
  readonly pipeline: GPUPipelineLayout;
}

/** A storage binding: memory, where it starts, how much of it. */
export interface Binding {
  /** The memory. */
  readonly memory: Memory;
  /** In bytes, a multiple of 256. */
  readonly offset: number;
  /** In bytes. */
  readonly size: number;
}

/** Counters for tests and reports. */
export interface Counters {
  /** Command buffers given to the queue. */
  readonly submits: number;
  /** Dispatches recorded. */
  readonly dispatches: number;
  /** Pipelines compiled. */
  readonly pipelines: number;
  /** Bind groups made. */
  readonly bindGroups: number;
}

/** An error of the driver, and when what it belongs to was asked for. */
interface Failure {
  readonly order: number;
  readonly error: TorchError;
}

/** Milliseconds that a loss may take to be known after something failed because of it. */
const LOSS_DELAY = 50;

/** One queue with its open commands. */
export class Recorder {
  /** The driver's device. */
  readonly device: GPUDevice;
  /** Called once, at the moment when the loss of the device is known. */
  onLost: ((reason: string) => void) | null = null;
  /** The number of the open window of commands; counts from 1. */
  epoch = 1;
  readonly #limit: number;
  readonly #ring: GPUBuffer;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #pipelines: Map<string, Pipeline> = new Map();
  readonly #layouts: Map<string, Layout> = new Map();
  readonly #groups: Map<string, GPUBindGroup> = new Map();
  readonly #groupsOf: Map<number, string[]> = new Map();
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #used = 0;
  #names: string[] = [];
  #retired: Memory[] = [];
  #commands = 0;
  #scopes: Set<Promise<void>> = new Set();
  #scopeCount = 0;
  #failures: Failure[] = [];
  #lost: string | null = null;
  #waiting: Set<() => void> = new Set();
  #submits = 0;
  #dispatches = 0;
  #compiled = 0;
  #grouped = 0;

  /**
   * Opens the first window of commands.
   *
   * @param limit Dispatches after which a window is submitted.
   */
  constructor(device: GPUDevice, limit: number) {
    this.device = device;
    this.#limit = limit;
    this.#ring = device.createBuffer({ size: limit * SLOT_BYTES, usage: UNIFORM | COPY_DST });
    this.#words = new Uint32Array(limit * SLOT_WORDS);
    device.lost.then((info) => this.lose(info.message.trim() || info.reason || "unknown"), () => {});
    // Errors outside of all scopes; the global handler of a runtime would print them.
    device.addEventListener?.("uncapturederror", (event) => {
      event.preventDefault();
      this.#note(this.#scopeCount++, new DeviceError(`Cannot go on on webgpu: ${textOf(event.error)}`));
    });
  }

  /** What happened so far. */
  get counters(): Counters {
    return {
      submits: this.#submits,
      dispatches: this.#dispatches,
      pipelines: this.#compiled,
      bindGroups: this.#grouped,
    };
  }

  /** True when commands wait for a submit. */
  get pending(): boolean {
    return this.#encoder !== null;
  }

  /** Why the device is gone; null while it is there. */
  get lost(): string | null {
    return this.#lost;
  }

  /** Ends everything that waits for the device: it is gone. */
  lose(reason: string): void {
    if (this.#lost !== null) return;
    this.#lost = reason;
    this.#encoder = null;
    this.#pass = null;
    this.#failures = []; // what failed on a device that is gone is of no interest
    for (const fail of [...this.#waiting]) fail();
    this.onLost?.(reason);
  }

  /**
   * Throws when the device is gone.
   *
   * @throws {DeviceLostError} If it was lost or destroyed.
   */
  checkAlive(op: string): void {
    if (this.#lost === null) return;
    throw new DeviceLostError(
      `Cannot ${op} on webgpu: the device must be there, got lost (${this.#lost}); recover() makes a new one`,
    );
  }

  /**
   * Waits for something of the driver, but not longer than the device is there. What the driver refuses because the device is
   * going is a loss, too.
   *
   * @throws {DeviceLostError} If the device is or gets lost.
   */
  until<T>(op: string, promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (): void => {
        this.#waiting.delete(fail);
        try {
          this.checkAlive(op);
        } catch (error) {
          reject(error);
        }
      };
      if (this.#lost !== null) {
        promise.catch(() => {});
        return fail();
      }
      this.#waiting.add(fail);
      promise.then((value) => {
        if (this.#waiting.delete(fail)) resolve(value);
      }, (cause) => {
        // The loss itself may be told later than what fails because of it.
        setTimeout(() => {
          if (!this.#waiting.delete(fail)) return;
          reject(
            Object.assign(new DeviceError(`Cannot ${op} on webgpu: ${textOf(cause)}`), { cause }),
          );
        }, LOSS_DELAY);
      });
    });
  }

  /** Makes storage memory; if the driver has none, `fail` is called and {@linkcode settle} reports it. */
  createStorage(size: number, fail: () => void = () => {}): GPUBuffer {
    return this.#create(size, STORAGE | COPY_SRC | COPY_DST, fail);
  }

  /** Makes memory to read from; if the driver has none, {@linkcode settle} reports it. */
  createStaging(size: number): GPUBuffer {
    return this.#create(size, MAP_READ | COPY_DST, () => {});
  }

  #create(size: number, usage: number, fail: () => void): GPUBuffer {
    this.device.pushErrorScope("out-of-memory");
    try {
      return this.device.createBuffer({ size, usage });
    } finally {
      this.#popScope((message) => {
        fail();
        return new OutOfMemoryError(`Cannot allocate ${size} bytes on webgpu: ${message}`, size);
      });
    }
  }

  /** Destroys memory once the commands that may use it are submitted. */
  retire(memory: Memory): void {
    for (const key of this.#groupsOf.get(memory.id) ?? []) this.#groups.delete(key);
    this.#groupsOf.delete(memory.id);
    if (this.#encoder === null) memory.gpu.destroy();
    else this.#retired.push(memory);
  }

  /** The pipeline of `key`, compiled from `source` the first time. */
  pipeline(key: string, access: readonly Access[], op: string, source: () => string): Pipeline {
    const found = this.#pipelines.get(key);
    if (found !== undefined) return found;
    const layout = this.#layout(access.join(""));
    const code = source();
    const made: Pipeline = { pipeline: this.#compile(key, layout, op, code), layout };
    this.#pipelines.set(key, made);
    this.#compiled++;
    return made;
  }

  #compile(key: string, layout: Layout, op: string, code: string): GPUComputePipeline {
    // A shader that is wrong is of one kind, one that the driver cannot make is of the other.
    const kinds: GPUErrorFilter[] = ["validation", "internal"];
    for (const kind of kinds) this.device.pushErrorScope(kind);
    try {
      const module = this.device.createShaderModule({ code, label: op });
      return this.device.createComputePipeline({
        label: op,
        layout: layout.pipeline,
        compute: { module, entryPoint: "main" },
      });
    } finally {
      for (const _ of kinds) {
        this.#popScope((message) => {
          this.#pipelines.delete(key); // the next use says the same again
          return new DeviceError(`Cannot ${op} on webgpu: its shader must compile, got ${message}`);
        });
      }
    }
  }

  /** Records one dispatch. */
  dispatch(
    op: string,
    { pipeline, layout }: Pipeline,
    bindings: readonly Binding[],
    words: Uint32Array,
    groups: readonly [x: number, y: number, z: number],
  ): void {
    if (this.#used === this.#limit) this.flush();
    this.#open();
    const slot = this.#used++;
    this.#words.set(words, slot * SLOT_WORDS);
    let key = `${layout.id}`;
    for (const { memory, offset, size } of bindings) {
      memory.epoch = this.epoch;
      key += `:${memory.id}`;
      if (offset !== 0 || size !== memory.capacity) key += `@${offset}+${size}`;
    }
    const group = this.#groups.get(key) ?? this.#makeGroup(key, layout, bindings);
    const pass = this.#pass ??= this.#encoder!.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group, [slot * SLOT_BYTES]);
    pass.dispatchWorkgroups(groups[0], groups[1], groups[2]);
    this.#commands++;
    this.#names.push(op);
    this.#dispatches++;
  }

  /** Records a copy; offsets and size are multiples of 4. */
  copy(from: Memory, fromOffset: number, to: GPUBuffer, toOffset: number, bytes: number): void {
    this.#open();
    this.#endPass();
    from.epoch = this.epoch;
    this.#encoder!.copyBufferToBuffer(from.gpu, fromOffset, to, toOffset, bytes);
    this.#commands++;
  }

  /** Records zeros; offset and size are multiples of 4. */
  clear(memory: Memory, offset: number, bytes: number): void {
    this.#open();
    this.#endPass();
    memory.epoch = this.epoch;
    this.#encoder!.clearBuffer(memory.gpu, offset, bytes);
    this.#commands++;
  }

  /** Gives all recorded commands to the queue, in one submit. */
  flush(): void {
    if (this.#encoder === null) return;
    this.#endPass();
    if (this.#used > 0) this.device.queue.writeBuffer(this.#ring, 0, this.#words, 0, this.#used * SLOT_WORDS);
    // Some runtimes panic when an encoder without commands is finished.
    if (this.#commands > 0) {
      this.device.queue.submit([this.#encoder.finish()]);
      this.#submits++;
    }
    const names = this.#names;
    this.#popScope((message) =>
      new DeviceError(`Cannot ${[...new Set(names)].slice(0, 8).join(", ") || "copy"} on webgpu: ${message}`)
    );
    this.#encoder = null;
    this.#used = 0;
    this.#commands = 0;
    this.#names = [];
    this.epoch++;
    for (const memory of this.#retired.splice(0)) memory.gpu.destroy();
  }

  /** What {@linkcode settle} has to wait for, for errors of all that was asked for until now. */
  scopes(): readonly Promise<void>[] {
    return [...this.#scopes];
  }

  /**
   * Waits for the errors of what was submitted, and throws the first.
   *
   * @param scopes Those to wait for; default: of all that was asked for until now.
   */
  async settle(op: string, scopes: readonly Promise<void>[] = this.scopes()): Promise<void> {
    if (scopes.length > 0) await this.until(op, Promise.all(scopes));
    this.checkAlive(op);
    this.throwFailure();
  }

  /** Throws the first of the errors that have arrived; its message tells of the others. */
  throwFailure(): void {
    if (this.#failures.length === 0) return;
    const [{ error }, ...others] = this.#failures.sort((a, b) => a.order - b.order) as [
      Failure,
      ...Failure[],
    ];
    this.#failures = [];
    if (others.length > 0) {
      const first = others.slice(0, 3).map(({ error }) => error.message.split("\n")[0]);
      error.message += `; ${others.length} more: ${first.join("; ")}`;
    }
    throw error;
  }

  #open(): void {
    if (this.#encoder !== null) return;
    this.device.pushErrorScope("validation");
    this.#encoder = this.device.createCommandEncoder();
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = null;
  }

  #popScope(errorOf: (message: string) => TorchError): void {
    const order = this.#scopeCount++;
    const scope: Promise<void> = this.device.popErrorScope().then((error) => {
      if (error !== null) this.#note(order, errorOf(textOf(error)));
    }, () => {}).then(() => {
      this.#scopes.delete(scope);
    });
    this.#scopes.add(scope);
  }

  #note(order: number, error: TorchError): void {
    if (this.#lost === null) this.#failures.push({ order, error });
  }

  #layout(access: string): Layout {
    const found = this.#layouts.get(access);
    if (found !== undefined) return found;
    const entries: GPUBindGroupLayoutEntry[] = [{
      binding: 0,
      visibility: COMPUTE,
      buffer: { type: "uniform", hasDynamicOffset: true, minBindingSize: SLOT_BYTES },
    }];
    [...access].forEach((mode, i) =>
      entries.push({
        binding: i + 1,
        visibility: COMPUTE,
        buffer: { type: mode === "r" ? "read-only-storage" : "storage" },
      })
    );
    const group = this.device.createBindGroupLayout({ entries });
    const pipeline = this.device.createPipelineLayout({ bindGroupLayouts: [group] });
    const layout = { id: this.#layouts.size, group, pipeline };
    this.#layouts.set(access, layout);
    return layout;
  }

  #makeGroup(key: string, layout: Layout, bindings: readonly Binding[]): GPUBindGroup {
    if (this.#groups.size >= KEPT_GROUPS) {
      this.#groups.clear();
      this.#groupsOf.clear();
    }
    const group = this.device.createBindGroup({
      layout: layout.group,
      entries: [
        { binding: 0, resource: { buffer: this.#ring, offset: 0, size: SLOT_BYTES } },
        ...bindings.map(({ memory, offset, size }, i) => ({
          binding: i + 1,
          resource: { buffer: memory.gpu, offset, size },
        })),
      ],
    });
    this.#groups.set(key, group);
    for (const { memory } of bindings) {
      const keys = this.#groupsOf.get(memory.id);
      if (keys === undefined) this.#groupsOf.set(memory.id, [key]);
      else keys.push(key);
    }
    this.#grouped++;
    return group;
  }
}

/** What the driver says, in one piece. */
function textOf(error: unknown): string {
  return (error instanceof Error || (typeof error === "object" && error !== null && "message" in error)
    ? String(error.message)
    : String(error)).trim();
}
