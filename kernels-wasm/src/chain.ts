/**
 * Chains: cheap pointwise steps over many float32 elements, one after another, as one pass over memory.
 *
 * A step that reads what the step before it wrote is not limited by arithmetic but by memory. So the device may let the
 * latest steps wait ({@linkcode Chain}) until a step comes that is none of these, or until anybody looks at memory or gives
 * an operand back. Then one kernel takes each element through all steps while it is in a register, and writes those results
 * whose memory was not given back meanwhile.
 *
 * @module
 */

import { META, MetaCall, type WasmDispatch } from "./dispatch.ts";
import type { WasmBuffer } from "./heap.ts";
import type { Kernels } from "./module.ts";

/** Elements from which a step may wait: fewer are in a cache when the next step reads them. */
export const chaining: { from: number } = { from: 2 ** 18 };

/** Steps of a chain, at most. */
const MOST_STEPS = 32;

/** Parts of a chain begin at multiples of so many elements. */
const GRAIN = 256;

/** Nanoseconds that an element takes: for the pass, and for each step. */
const [PASS, STEP] = [0.15, 0.03];

/** Ops of two operands, in the order of `chainOps` in `build.ts`: each has five forms. */
const BINARY: readonly string[] = ["add", "sub", "mul", "div", "maximum", "minimum"];
const FORMS = 5;
const UNARY: readonly string[] = ["relu", "neg", "abs", "sqrt"];
const FIRST_UNARY = BINARY.length * FORMS;
const CLAMP = FIRST_UNARY + UNARY.length;
const SCALED = CLAMP + 1;
const STORE = SCALED + 2;

/** Forms of an op of two operands: with memory or a number after or before what is in registers, or with itself. */
const [AND_EACH, AND_ONE, EACH_AND, ONE_AND, ITSELF] = [0, 1, 2, 3, 4];

/** True when an op of this name can be a step. */
export function canChain(prefix: string): boolean {
  return BINARY.includes(prefix) || UNARY.includes(prefix);
}

/** Which elements of the result meet the same element of an operand: planes one after another, channel after channel. */
export interface Planes {
  /** Elements of a plane. */
  readonly size: number;
  /** Planes after which the first element comes again. */
  readonly channels: number;
}

/** An operand of a step: elements in a row from an address on, or one element at it. */
export interface Place {
  /** Where it begins. */
  readonly address: number;
  /** True for one element that all others meet, or one for each plane. */
  readonly isOne: boolean;
  /** The planes that meet one element each; null where all meet the same, or each its own. */
  readonly planes: Planes | null;
}

/** What a step does: an op by its prefix, or these two with their numbers. */
export type ChainOp =
  | string
  | { readonly name: "clamp"; readonly low: number; readonly high: number }
  | { readonly name: "add_scaled"; readonly alpha: number };

/** A pointwise call that can be a step of a chain; alone it runs as any other. */
export class ChainStep implements WasmDispatch {
  /** What it does. */
  readonly op: ChainOp;
  /** What it reads: at least one of these has all elements. */
  readonly inputs: readonly Place[];
  /** Where its results go. */
  readonly output: number;
  /** Elements. */
  readonly n: number;
  /** The call, for when it runs alone. */
  readonly plain: WasmDispatch;

  /** @param plain The same step as a call. */
  constructor(op: ChainOp, inputs: readonly Place[], output: number, n: number, plain: WasmDispatch) {
    this.op = op;
    this.inputs = inputs;
    this.output = output;
    this.n = n;
    this.plain = plain;
  }

  /** Runs it alone. */
  run(): void {
    this.plain.run();
  }
}

/** A result of a chain. */
interface Written {
  readonly address: number;
  /** Whether it has to be written: nobody gave its memory back. */
  isLive: boolean;
  /** Whether a later step reads it from memory. */
  isRead: boolean;
}

/** Number of an op, an address or the bits of a number, those of a second number, and where one for each channel lies. */
type Words = readonly [op: number, first: number, second: number, channels: number];

/** Planes below this are better run as rows: to begin one takes as long as some elements. */
const SMALLEST_PLANE = 32;

/** Bytes that an operand of one element, or of one for each channel, reads. */
function bytesOf({ planes }: Place): number {
  return 4 * (planes?.channels ?? 1);
}

/** The planes of `shape` that meet one element each of an operand with these sizes and steps; null when there are none. */
export function planesOf(
  shape: readonly number[],
  sizes: readonly number[],
  steps: readonly number[],
): Planes | null {
  const ahead = shape.length - sizes.length;
  const stepAt = (d: number): number => d < ahead || sizes[d - ahead] === 1 ? 0 : steps[d - ahead]!;
  let [size, channels] = [1, 1];
  let d = shape.length - 1;
  for (; d >= 0 && (stepAt(d) === 0 || shape[d] === 1); d--) size *= shape[d]!;
  for (; d >= 0 && (stepAt(d) === channels || shape[d] === 1); d--) channels *= shape[d]!;
  for (; d >= 0; d--) if (stepAt(d) !== 0 && shape[d] !== 1) return null;
  return size >= SMALLEST_PLANE && channels > 1 ? { size, channels } : null;
}

const float = new Float32Array(1);
const word = new Int32Array(float.buffer);

function bitsOf(x: number): number {
  float[0] = x;
  return word[0]!;
}

/** The steps of a device that wait. */
export class Chain {
  readonly #kernels: Kernels;
  #steps: ChainStep[] = [];
  #words: Words[] = [];
  #written: Written[] = [];
  /** Addresses of all elements that are read from memory. */
  #read: number[] = [];
  /** Operands of one element for each plane, and these planes: they are the same for all steps. */
  #small: Place[] = [];
  #planes: Planes | null = null;

  /** @param kernels The running kernels. */
  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  /** True when nothing waits. */
  get isEmpty(): boolean {
    return this.#steps.length === 0;
  }

  /** Lets a step wait, after those that can run with it; others run first. */
  add(step: ChainStep): void {
    for (const x of step.inputs) {
      // What is one element now may be a result that waits.
      if (
        x.isOne &&
        this.#written.some((w) => w.isLive && overlap(x.address, bytesOf(x), w.address, 4 * step.n))
      ) {
        this.settle();
      }
    }
    if (this.#small.some((x) => overlap(x.address, bytesOf(x), step.output, 4 * step.n))) this.settle();
    if (this.isEmpty || !this.#extend(step)) {
      this.settle();
      this.#begin(step);
    }
  }

  /** A buffer is about to be given back: what it would have got is not written, what reads it runs first. */
  release({ ptr, bytes }: WasmBuffer): void {
    if (this.isEmpty) return;
    const size = 4 * this.#steps[0]!.n;
    const isNeeded = this.#read.some((address) => overlap(ptr, bytes, address, size)) ||
      this.#small.some((x) => overlap(ptr, bytes, x.address, bytesOf(x))) ||
      this.#written.some((w) => w.isLive && w.isRead && overlap(ptr, bytes, w.address, size));
    if (isNeeded) this.settle();
    for (const w of this.#written) if (overlap(ptr, bytes, w.address, size)) w.isLive = false;
    if (this.#written.every((w) => !w.isLive)) this.#clear();
  }

  /** Runs what waits. */
  settle(): void {
    const [steps, words, written, from] = [this.#steps, this.#words, this.#written, this.#read[0]!];
    const planes = this.#planes;
    if (steps.length === 0) return;
    this.#clear();
    if (steps.length === 1) return steps[0]!.run();
    const table: number[] = [];
    words.forEach((list, i) => {
      table.push(...list);
      if (written[i]!.isLive) table.push(STORE, written[i]!.address, 0, 0);
    });
    const kernels = this.#kernels;
    const { n } = steps[0]!;
    const [last, cost] = [META + 4 * table.length, n * (PASS + STEP * words.length)];
    let call: WasmDispatch;
    if (planes === null) {
      const cut = { units: n, at: 4, grain: GRAIN, cost, moves: [[3, 1]] } as const;
      call = kernels.cut(kernels.entry("chain_f32"), [META, last, from, 0, n], cut);
    } else {
      const units = n / planes.size;
      kernels.needScratch(4 * table.length);
      call = kernels.cut(
        kernels.entry("chain_planes_f32"),
        [META, last, from, planes.size, planes.channels, 0, units],
        { units, at: 6, cost, moves: [[5, 1]] },
      );
    }
    new MetaCall(call, table, kernels.heap).run();
  }

  #clear(): void {
    this.#steps = [];
    this.#words = [];
    this.#written = [];
    this.#read = [];
    this.#small = [];
    this.#planes = null;
  }

  #begin(step: ChainStep): void {
    const first = step.inputs.find(({ isOne }) => !isOne)!;
    const words = this.#wordsOf(step, first.address);
    if (words === null || !this.#isAligned(step, first.address)) return step.run();
    this.#read.push(first.address);
    this.#note(step, words);
  }

  /** Adds a step to those that wait; false where it cannot run with them. */
  #extend(step: ChainStep): boolean {
    const last = this.#written.at(-1)!;
    if (!last.isLive || step.n !== this.#steps[0]!.n || this.#steps.length === MOST_STEPS) return false;
    const here = this.#planes;
    if (here !== null && step.inputs.some(({ planes }) => planes !== null && !areSame(planes, here))) {
      return false;
    }
    const words = this.#wordsOf(step, last.address);
    if (words === null || !this.#isAligned(step, last.address)) return false;
    for (const { address, isOne } of step.inputs) {
      if (isOne || address === last.address) continue;
      for (const w of this.#written) if (w.isLive && w.address === address) w.isRead = true;
    }
    this.#note(step, words);
    return true;
  }

  /** True when what a step reads and writes is apart from what the chain does, or begins at the same element. */
  #isAligned({ inputs, output, n }: ChainStep, here: number): boolean {
    const size = 4 * n;
    const meet = (a: number, b: number): boolean => a !== b && overlap(a, size, b, size);
    for (const w of this.#written) {
      if (!w.isLive) continue;
      if (meet(w.address, output)) return false;
      for (const { address, isOne } of inputs) {
        if (!isOne && address !== here && meet(w.address, address)) return false;
      }
    }
    return !this.#read.some((address) => meet(address, output)) &&
      !inputs.some(({ address, isOne }) => !isOne && meet(address, output));
  }

  #note(step: ChainStep, words: Words): void {
    for (const x of step.inputs) {
      const { address, isOne, planes } = x;
      if (planes !== null) {
        this.#small.push(x);
        this.#planes = planes;
      }
      const isHere = this.#written.length > 0 && address === this.#written.at(-1)!.address;
      if (!isOne && !isHere && !this.#read.includes(address)) this.#read.push(address);
    }
    // What is overwritten before anybody reads it needs not be written.
    for (const w of this.#written) if (w.address === step.output && !w.isRead) w.isLive = false;
    this.#steps.push(step);
    this.#words.push(words);
    this.#written.push({ address: step.output, isLive: true, isRead: false });
  }

  /** A step with what begins at `here` in registers; null when that is no operand of it. */
  #wordsOf({ op, inputs }: ChainStep, here: number): Words | null {
    const [x, y] = inputs as [Place, Place | undefined];
    const isFirst = !x.isOne && x.address === here;
    if (typeof op !== "string" && op.name === "clamp") {
      return isFirst ? [CLAMP, bitsOf(op.low), bitsOf(op.high), 0] : null;
    }
    if (y === undefined) return isFirst ? [FIRST_UNARY + UNARY.indexOf(op as string), 0, 0, 0] : null;
    const isSecond = !y.isOne && y.address === here;
    if (typeof op !== "string") {
      if (isFirst === isSecond) return null;
      const number = bitsOf(op.alpha);
      return isFirst ? [SCALED, y.address, number, 0] : [SCALED + 1, x.address, number, 0];
    }
    const code = FORMS * BINARY.indexOf(op);
    if (isFirst && isSecond) return [code + ITSELF, 0, 0, 0];
    if (isFirst) return this.#wordsWith(code + (y.isOne ? AND_ONE : AND_EACH), y);
    return isSecond ? this.#wordsWith(code + (x.isOne ? ONE_AND : EACH_AND), x) : null;
  }

  /** With the address of many elements, or the bits of one, or where those of planes lie. */
  #wordsWith(code: number, { address, isOne, planes }: Place): Words {
    if (planes !== null) return [code, 0, 0, address];
    return [code, isOne ? this.#kernels.heap.ints[address >>> 2]! : address, 0, 0];
  }
}

function areSame(a: Planes, b: Planes): boolean {
  return a.size === b.size && a.channels === b.channels;
}

function overlap(a: number, aBytes: number, b: number, bBytes: number): boolean {
  return a < b + bBytes && b < a + aBytes;
}
