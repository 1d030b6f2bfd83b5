/**
 * What kernels answer and the backend runs: one dispatch of a shader, several in a row with memory of their own, or
 * bytes made on the host.
 *
 * @module
 */

import type { Buffer, TorchError } from "@flambeau/core";
import { type BufferPool, type GpuBuffer, Scratch } from "./memory.ts";
import type { Access, Binding, Pipeline, Recorder } from "./recorder.ts";

/** Where steps run. */
export interface Runner {
  /** Takes the commands. */
  readonly recorder: Recorder;
  /** Gives working memory. */
  readonly pool: BufferPool;
  /** Copies host bytes into a buffer, in order with the steps that ran before. */
  write(buffer: Buffer, byteOffset: number, source: Uint8Array): void;
  /** The buffer in which kernels report values that they cannot take. */
  readonly reports: GpuBuffer;
  /** Notes how to make the error of a report; gives the number that the kernel leaves. */
  expectReport(errorOf: (value: number) => TorchError): number;
}

/** A step of the device, ready to run as often as its buffers live. */
export interface GpuDispatch {
  /** Records the step. */
  run(runner: Runner): void;
}

/** A part of a buffer that a step binds. */
export interface StepBinding {
  /** Memory, or null for the buffer of reports. */
  readonly buffer: Buffer | null;
  /** Bytes before the window; a multiple of 256. */
  readonly offset: number;
  /** Bytes of the window; null for all. */
  readonly size: number | null;
}

/** What a step is made of. */
export interface StepParts {
  /** The primitive, for messages. */
  readonly op: string;
  /** Names the shader text. */
  readonly key: string;
  /** The shader text. */
  readonly source: () => string;
  /** How each binding is used. */
  readonly access: readonly Access[];
  /** What is bound. */
  readonly bindings: readonly StepBinding[];
  /** The uniforms. */
  readonly words: Uint32Array;
  /** Workgroups in each dimension. */
  readonly groups: readonly [x: number, y: number, z: number];
  /** The error of a value that the kernel reports, and the uniform that takes the number of the report. */
  readonly report: { readonly word: number; readonly errorOf: (value: number) => TorchError } | null;
}

/** One dispatch of a shader. */
export class Step implements GpuDispatch {
  /** What it is made of. */
  readonly parts: StepParts;
  #recorder: Recorder | null = null;
  #pipeline: Pipeline | null = null;
  #bindings: readonly Binding[] | null = null;

  /** Compiles nothing yet. */
  constructor(parts: StepParts) {
    this.parts = parts;
  }

  /** Records the dispatch. */
  run(runner: Runner): void {
    const { op, key, access, source, words, groups, report } = this.parts;
    const { recorder } = runner;
    if (recorder !== this.#recorder) { // the first run, or the first on a new device
      this.#recorder = recorder;
      this.#pipeline = null;
      this.#bindings = null;
    }
    this.#pipeline ??= recorder.pipeline(key, access, op, source);
    if (report !== null) words[report.word] = runner.expectReport(report.errorOf);
    recorder.dispatch(op, this.#pipeline, this.#bindings ?? this.#resolve(runner), words, groups);
  }

  #resolve(runner: Runner): readonly Binding[] {
    let fixed = true;
    const bindings = this.parts.bindings.map(({ buffer, offset, size }) => {
      if (buffer instanceof Scratch) fixed = false;
      const real = buffer === null
        ? runner.reports
        : buffer instanceof Scratch
        ? buffer.place!
        : buffer as GpuBuffer;
      return { memory: real.memory, offset, size: size ?? real.memory.capacity };
    });
    if (fixed) this.#bindings = bindings;
    return bindings;
  }
}

/** Steps that run one after another, with memory that is theirs while they run. */
export class Sequence implements GpuDispatch {
  /** The steps, in order. */
  readonly steps: readonly GpuDispatch[];
  readonly #scratch: readonly Scratch[];

  /**
   * @param steps In order.
   * @param scratch Memory that they use.
   */
  constructor(steps: readonly GpuDispatch[], scratch: readonly Scratch[] = []) {
    this.steps = steps;
    this.#scratch = scratch;
  }

  /** Records the steps. */
  run(runner: Runner): void {
    const taken: GpuBuffer[] = [];
    try {
      for (const scratch of this.#scratch) taken.push(scratch.place = runner.pool.take(scratch.bytes));
      for (const step of this.steps) step.run(runner);
    } finally {
      for (const scratch of this.#scratch) scratch.place = null;
      for (const buffer of taken) runner.pool.give(buffer); // what is recorded later writes later
    }
  }
}

/** Bytes made on the host. */
export class Upload implements GpuDispatch {
  readonly #buffer: Buffer;
  readonly #offset: number;
  readonly #bytes: () => Uint8Array;

  /**
   * @param offset In bytes.
   * @param bytes Makes them.
   */
  constructor(buffer: Buffer, offset: number, bytes: () => Uint8Array) {
    this.#buffer = buffer;
    this.#offset = offset;
    this.#bytes = bytes;
  }

  /** Writes them. */
  run(runner: Runner): void {
    runner.write(this.#buffer, this.#offset, this.#bytes());
  }
}
