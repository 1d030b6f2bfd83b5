/**
 * Chains: pointwise steps over many float32 elements as one pass over memory.
 *
 * A step that reads what a step before it wrote is not limited by arithmetic but by memory. So the device may let the latest
 * steps wait ({@linkcode Chain}) until a step comes that is none of these, or until anybody looks at memory. Then one kernel
 * takes each element through all steps while it is in a register, and writes those results whose memory was not given back
 * meanwhile. Values that a later step needs lie in slots, small blocks that stay in the first cache. A truth is all bits of a
 * lane. Steps that are more than a few instructions run by their own kernels, over blocks of elements that stay there too.
 *
 * @module
 */

import { COMPARE } from "./chain_codes.ts";
import { type Argument, Program, Value, type Waiting } from "./chain_program.ts";
import { type ChainStep, isLogic, type Place, type Planes, rowOf } from "./chain_step.ts";
import type { WasmBuffer } from "./heap.ts";
import type { Kernels } from "./module.ts";

/** Elements from which a step may wait: fewer are in a cache when the next step reads them. */
export const chaining: { from: number } = { from: 2 ** 18 };

/** Steps of a chain, at most: their words must fit where sizes and steps lie. */
const MOST_STEPS = 32;

/** Buffers that are given back while a chain reads them wait with it, so many and with so many bytes at most. */
const MOST_BUFFERS = 1;
const MOST_BYTES = 2 ** 26;

/** Bytes that an operand of one element, or of one for each channel, reads. */
function bytesOf({ planes }: Place): number {
  return 4 * (planes?.channels ?? 1);
}

/** The steps of a device that wait. */
export class Chain {
  readonly #kernels: Kernels;
  #steps: Waiting[] = [];
  /** Values in memory by their address: what is read, and results that nobody wrote over or gave back. */
  readonly #values: Map<number, Value> = new Map();
  /** Operands of one element that are read when the chain runs, and the planes of those that have one for each. */
  #small: Place[] = [];
  #planes: Planes | null = null;
  #hasRow = false;
  /** Buffers that were given back, and are read when the chain runs. */
  #kept: WasmBuffer[] = [];

  /** @param kernels The running kernels. */
  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  /** True when nothing waits. */
  get isEmpty(): boolean {
    return this.#steps.length === 0;
  }

  /** Lets a step wait, with those that can run with it; others run first. */
  add(step: ChainStep): void {
    if (!this.isEmpty && !this.#fits(step)) this.settle();
    if (!isAligned(step)) step.run();
    else this.#note(step);
  }

  /** A buffer is about to be given back: what it would have got is not written. True when it must wait for the chain. */
  release(buffer: WasmBuffer): boolean {
    if (this.isEmpty) return false;
    const { ptr, bytes } = buffer;
    let isRead = this.#small.some((x) => overlap(ptr, bytes, x.address, bytesOf(x)));
    let lives = false;
    for (const [address, value] of this.#values) {
      if (!overlap(ptr, bytes, address, this.#bytes(value))) lives ||= value.isLive;
      else if (value.isResult) {
        value.isLive = false;
        this.#values.delete(address);
      } else isRead = true;
    }
    if (!lives) {
      this.#clear();
      return false;
    }
    // What was written over in place was read before that.
    isRead ||= this.#steps.some(({ args }) =>
      args.some((x) => x instanceof Value && !x.isResult && overlap(ptr, bytes, x.address, this.#bytes(x)))
    );
    if (!isRead) return false;
    const kept = this.#kept.reduce((sum, { bytes }) => sum + bytes, bytes);
    if (this.#kept.length < MOST_BUFFERS && kept <= MOST_BYTES) {
      this.#kept.push(buffer);
      return true;
    }
    this.settle();
    return false;
  }

  /** Runs what waits. */
  settle(): void {
    if (this.isEmpty) return;
    const [steps, planes] = [neededOf(this.#steps), this.#planes];
    const kept = this.#kept;
    this.#kept = [];
    this.#clear();
    if (steps.length === 1) steps[0]!.step.run();
    else if (steps.length > 1) new Program(this.#kernels, sunk(steps), planes).run();
    for (const buffer of kept) this.#kernels.heap.free(buffer);
  }

  #clear(): void {
    this.#steps = [];
    this.#values.clear();
    this.#small = [];
    this.#planes = null;
    this.#hasRow = false;
    for (const buffer of this.#kept) this.#kernels.heap.free(buffer);
    this.#kept = [];
  }

  #bytes({ isTruth }: Value): number {
    return this.#steps[0]!.step.n * (isTruth ? 1 : 4);
  }

  /** True when a step can run with those that wait: what it reads and writes is apart from what they do, or the same. */
  #fits(step: ChainStep): boolean {
    const { n, inputs, output } = step;
    const size = n * (step.isTruth ? 1 : 4);
    if (n !== this.#steps[0]!.step.n || this.#steps.length === MOST_STEPS) return false;
    const planes = inputs.find((x) => x.planes !== null)?.planes ?? null;
    const hasRow = rowOf(step) !== null || isLogic(step);
    if (this.#planes !== null && (hasRow || planes !== null && !areSame(planes, this.#planes))) return false;
    if (planes !== null && this.#hasRow) return false;
    if (this.#small.some((x) => overlap(x.address, bytesOf(x), output, size))) return false;
    for (const value of this.#values.values()) {
      const { address, isTruth, isLive } = value;
      const bytes = this.#bytes(value);
      const isSame = address === output && isTruth === step.isTruth;
      if (!isSame && overlap(address, bytes, output, size)) return false;
      if (!isLive) continue;
      for (const x of inputs) {
        const same = !x.isOne && address === x.address && isTruth === x.isTruth;
        const read = x.isOne ? bytesOf(x) : n * (x.isTruth ? 1 : 4);
        if (!same && overlap(address, bytes, x.address, read)) return false;
      }
    }
    return true;
  }

  #note(step: ChainStep): void {
    const isRow = rowOf(step) !== null;
    this.#hasRow ||= isRow || isLogic(step);
    const args = step.inputs.map((x): Argument => {
      if (!x.isOne) {
        const known = this.#values.get(x.address);
        if (known !== undefined && known.isTruth === x.isTruth) return known;
        const value = new Value(x.address, x.isTruth, false);
        this.#values.set(x.address, value);
        return value;
      }
      if (x.planes === null && !isRow) return { bits: this.#kernels.heap.ints[x.address >>> 2]! };
      this.#small.push(x);
      this.#planes ??= x.planes;
      return x.planes === null ? { one: x.address } : { channels: x.address };
    });
    // What is overwritten needs not be written.
    const before = this.#values.get(step.output);
    if (before !== undefined) before.isLive = false;
    const result = new Value(step.output, step.isTruth, true);
    this.#values.set(step.output, result);
    this.#steps.push({ step, args, result });
  }
}

/** True when what a step reads is apart from what it writes, or begins at the same element. */
function isAligned({ inputs, output, n, isTruth }: ChainStep): boolean {
  const size = n * (isTruth ? 1 : 4);
  return inputs.every((x) => {
    if (x.isOne) return x.planes === null || !overlap(x.address, bytesOf(x), output, size);
    const isSame = x.address === output && x.isTruth === isTruth;
    return isSame || !overlap(x.address, n * (x.isTruth ? 1 : 4), output, size);
  });
}

/** The steps whose results are written or read by such steps. */
function neededOf(steps: readonly Waiting[]): readonly Waiting[] {
  const needed: Waiting[] = [];
  const read = new Set<Argument>();
  for (let i = steps.length - 1; i >= 0; i--) {
    const waiting = steps[i]!;
    if (!waiting.result.isLive && !read.has(waiting.result)) continue;
    for (const x of waiting.args) read.add(x);
    needed.push(waiting);
  }
  return needed.reverse();
}

/**
 * The steps with each comparison before the one step that asks for it, where nothing that it reads is written over between:
 * a truth then stays in registers.
 */
function sunk(steps: readonly Waiting[]): readonly Waiting[] {
  const order = [...steps];
  for (let i = order.length - 1; i >= 0; i--) {
    const waiting = order[i]!;
    const { step, args, result } = waiting;
    if (result.isLive || typeof step.op !== "string" || !COMPARE.includes(step.op)) continue;
    const readers = order.flatMap((other, j) => other.args.includes(result) ? [j] : []);
    const to = readers[0]! - 1;
    if (readers.length > 1 || to <= i) continue;
    const isKept = (x: Argument): boolean =>
      !(x instanceof Value) ||
      !order.slice(i + 1, to + 1).some((other) => other.result.address === x.address);
    if (!args.every(isKept)) continue;
    order.splice(i, 1);
    order.splice(to, 0, waiting);
  }
  return order;
}

function areSame(a: Planes, b: Planes): boolean {
  return a.size === b.size && a.channels === b.channels;
}

function overlap(a: number, aBytes: number, b: number, bBytes: number): boolean {
  return a < b + bBytes && b < a + aBytes;
}
