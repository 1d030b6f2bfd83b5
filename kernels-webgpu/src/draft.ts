/**
 * Puts a dispatch together: operands to bindings, numbers to uniforms, and the text that belongs to both.
 *
 * @module
 */

import {
  type Buffer,
  DeviceError,
  formatType,
  type Operand,
  type Shape,
  type TorchError,
} from "@flambeau/core";
import { Step, type StepBinding } from "./dispatch.ts";
import type { GemmSettings } from "./kernels/gemm/tiles.ts";
import { accessors, perWord, type Storage, storageOf } from "./element.ts";
import { GpuBuffer } from "./memory.ts";
import { withFunctions } from "./math.ts";
import { quadAccessors, type QuadWords, quadWords, wordsType } from "./quads.ts";
import { type Access, SLOT_WORDS } from "./recorder.ts";
import { wgsl } from "./wgsl.ts";

/** Invocations of a workgroup where a kernel has no reason for another number; every adapter has them. */
export const WORKGROUP = 256;

/** The largest number of workgroups in one dimension. */
const MAX_GROUPS = 65535;

/** The largest part of a buffer that a shader sees at once, in bytes; what an adapter has at least, until one says more. */
export interface GpuLimits {
  readonly maxBindingBytes: number;
  /** How products of matrices are computed; by rules alone when not given. */
  readonly gemm?: GemmSettings;
  /** True where long texts take too long to compile: kernels then have few reads and little workgroup memory. Default false. */
  readonly brief?: boolean;
}

/** `count` workgroups as a grid; shaders number them by `group`, and the last ones may be too many. */
export function grid(count: number): [x: number, y: number, z: number] {
  if (count <= MAX_GROUPS) return [count, 1, 1];
  const y = Math.ceil(count / MAX_GROUPS);
  return [Math.ceil(count / y), y, 1];
}

/** How an operand is used. */
export interface Use {
  /** Read only; written in whole words (of whose elements each belongs to one invocation); or by atomic operations. */
  readonly as: "read" | "write" | "atomic";
  /** True where only bits are moved: all dtypes of one size then share a text. */
  readonly raw?: boolean;
  /**
   * True where elements are read and written four at a time, by `quad_name(i)` and `put_quad_name(i, v)`: all operands in a
   * buffer that is written must then be so, and of one width.
   */
  readonly quads?: boolean;
}

interface Slot {
  readonly buffer: Buffer | null;
  /** Words of an element of the binding. */
  readonly words: QuadWords;
  access: Access;
  atomic: boolean;
  readonly operands: Operand[];
}

const scratchFloat = new Float32Array(1);
const scratchBits = new Uint32Array(scratchFloat.buffer);

/** The bits of a float32. */
export function floatBits(value: number): number {
  scratchFloat[0] = value;
  return scratchBits[0]!;
}

/** A dispatch in the making. */
export class Draft {
  readonly #op: string;
  readonly #limits: GpuLimits;
  readonly #slots: Slot[] = [];
  readonly #operands: {
    name: string;
    storage: Storage;
    slot: number;
    written: boolean;
    quads: boolean;
    x: Operand;
    word: number;
  }[] = [];
  readonly #fields: string[] = [];
  readonly #words: number[] = [];
  readonly #directives: string[] = [];
  #report: { word: number; errorOf: (value: number) => TorchError } | null = null;

  /** @param op The primitive, for messages and for the key. */
  constructor(op: string, limits: GpuLimits) {
    this.#op = op;
    this.#limits = limits;
  }

  /** Words of uniforms so far. */
  get size(): number {
    return this.#words.length;
  }

  /** Adds an unsigned (or wrapped signed) uniform `P.name`. */
  u32(name: string, value: number): this {
    this.#fields.push(`${name}: u32`);
    this.#words.push(value);
    return this;
  }

  /** Adds a float uniform `P.name`. */
  f32(name: string, value: number): this {
    this.#fields.push(`${name}: f32`);
    this.#words.push(floatBits(value));
    return this;
  }

  /** Adds unsigned uniforms `P.name0`, `P.name1`, … */
  list(name: string, values: readonly number[]): this {
    values.forEach((value, i) => this.u32(`${name}${i}`, value));
    return this;
  }

  /** Puts a directive, as in `enable subgroups;`, before the text. */
  directive(text: string): this {
    this.#directives.push(text);
    return this;
  }

  /** Binds an operand: the text has `get_name(i)` and, where it is written, `put_name(i, v)`. */
  bind(name: string, x: Operand, use: Use): this {
    const storage = storageOf(x.dtype, use.raw === true);
    const quads = use.quads === true;
    const words = quads ? quadWords(storage) : 1;
    let slot = this.#slots.findIndex((slot) => slot.buffer === x.buffer && slot.words === words);
    if (slot < 0) {
      slot = this.#slots.length;
      this.#slots.push({ buffer: x.buffer, words, access: "r", atomic: false, operands: [] });
    }
    const found = this.#slots[slot]!;
    if (use.as !== "read") found.access = "w";
    if (use.as === "atomic") found.atomic = true;
    found.operands.push(x);
    this.#operands.push({
      name,
      storage,
      slot,
      written: use.as !== "read",
      quads,
      x,
      word: this.#words.length,
    });
    return this.u32(`${name}_offset`, x.offset);
  }

  /** Lets the text call `report(value)`: the error reaches the next awaited read or `sync()`. */
  reports(errorOf: (value: number) => TorchError): this {
    this.#report = { word: this.#words.length, errorOf };
    this.#slots.push({ buffer: null, words: 1, access: "w", atomic: true, operands: [] });
    return this.u32("report", 0);
  }

  /**
   * The dispatch, or null when it has more uniforms than a slot holds.
   *
   * @param key What the text depends on beside the op and the operands.
   * @param body Functions and `main` of the shader.
   */
  step(key: string, groups: readonly [x: number, y: number, z: number], body: () => string): Step | null {
    if (this.#words.length > SLOT_WORDS) return null;
    const bindings = this.#slots.map((slot) => this.#window(slot));
    this.#operands.forEach(({ slot, storage, x, word }) => {
      const bytes = bindings[slot]!.offset;
      if (bytes > 0) this.#words[word] = x.offset - bytes / 4 * perWord(storage);
    });
    const signature = this.#operands.map(({ storage, slot, quads }) =>
      `${storage}${quads ? "x4" : ""}@${slot}`
    )
      .join(",");
    const modes = this.#slots.map(({ access, atomic }) => atomic ? "a" : access).join("");
    return new Step({
      op: this.#op,
      key: `${this.#op}|${key}|${signature}|${modes}`,
      source: () => withFunctions(`${this.#prelude()}\n\n${body()}\n`),
      access: this.#slots.map(({ access }) => access),
      bindings,
      words: Uint32Array.from(this.#words),
      groups,
      report: this.#report,
    });
  }

  #prelude(): string {
    const reports = this.#slots.findIndex(({ buffer }) => buffer === null);
    return wgsl`
      ${this.#directives}
      struct Params {
        ${this.#fields.map((field) => `${field},`)}
      }
      @group(0) @binding(0) var<uniform> P: Params;
      ${
      this.#slots.map(({ access, atomic, words }, i) => {
        const mode = access === "r" ? "read" : "read_write";
        return `@group(0) @binding(${i + 1}) var<storage, ${mode}> b${i}: array<${
          atomic ? "atomic<u32>" : wordsType(words)
        }>;`;
      })
    }
      ${
      this.#operands.map(({ name, storage, slot, written, quads }) =>
        quads
          ? quadAccessors(name, storage, `b${slot}`, written)
          : accessors(name, storage, `b${slot}`, { atomic: this.#slots[slot]!.atomic, written })
      )
    }
      ${
      reports >= 0 && wgsl`
        fn report(value: i32) {
          if (atomicCompareExchangeWeak(&b${reports}[0], 0u, P.report).exchanged) {
            atomicStore(&b${reports}[1], bitcast<u32>(value));
          }
        }`
    }
    `;
  }

  /** The part of a buffer to bind: all of it, or what the operands reach when all is more than a binding may be. */
  #window({ buffer, operands }: Slot): StepBinding {
    const whole = { buffer, offset: 0, size: null };
    if (!(buffer instanceof GpuBuffer) || buffer.memory.capacity <= this.#limits.maxBindingBytes) {
      return whole;
    }
    let [start, end] = [Infinity, 0];
    for (const x of operands) {
      const [least, most] = reach(x);
      start = Math.min(start, least * x.dtype.itemsize);
      end = Math.max(end, (most + 1) * x.dtype.itemsize);
    }
    const offset = Math.floor(start / 256) * 256;
    const size = Math.ceil((end - offset) / 4) * 4;
    if (size > this.#limits.maxBindingBytes) {
      throw new DeviceError(
        `Cannot ${this.#op} ${
          operands.map(formatType).join(" and ")
        } on webgpu: what it reaches in one buffer must have ` +
          `at most ${this.#limits.maxBindingBytes} bytes on this adapter, got ${size}; split it first, as in x.chunk(2)`,
      );
    }
    return { buffer, offset, size };
  }
}

/** The first and the last place that an operand reaches, in elements. */
function reach(
  { shape, strides, offset }: { shape: Shape; strides: Shape; offset: number },
): [number, number] {
  let [least, most] = [offset, offset];
  for (let d = 0; d < shape.length; d++) {
    const by = (shape[d]! - 1) * strides[d]!;
    if (by < 0) least += by;
    else most += by;
  }
  return [least, most];
}

/**
 * The head of `main`: `group` is the number of the workgroup, `lane` that of the invocation in it.
 *
 * @param builtins Further parameters.
 */
export function mainOf(workgroup: number, body: string, builtins?: string): string {
  return wgsl`
    @compute @workgroup_size(${workgroup})
    fn main(
      @builtin(workgroup_id) workgroup: vec3<u32>,
      @builtin(num_workgroups) workgroups: vec3<u32>,
      @builtin(local_invocation_index) lane: u32,
      ${builtins}
    ) {
      let group = workgroup.y * workgroups.x + workgroup.x;
      ${body}
    }
  `;
}

/** As {@linkcode mainOf}, for each `i` below `P.n`. */
export function mainOver(body: string): string {
  return mainOf(
    WORKGROUP,
    wgsl`
      let i = group * ${WORKGROUP}u + lane;
      if (i >= P.n) { return; }
      ${body}
    `,
  );
}
