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

import { type Entry, META, MetaCall, type WasmDispatch } from "./dispatch.ts";
import type { WasmBuffer } from "./heap.ts";
import type { Kernels } from "./module.ts";

/** Elements from which a step may wait: fewer are in a cache when the next step reads them. */
export const chaining: { from: number } = { from: 2 ** 18 };

/** Steps of a chain, at most: their words must fit where sizes and steps lie. */
const MOST_STEPS = 32;

/** Buffers that are given back while a chain reads them wait with it, so many and with so many bytes at most. */
const MOST_BUFFERS = 1;
const MOST_BYTES = 2 ** 26;

/** Parts of a chain begin at multiples of so many elements. */
const GRAIN = 256;

/** Elements of a block, where kernels are called. */
const BLOCK = 1024;

/** Bytes of a slot that holds what a loop works on at a time, wherever that begins, and of one that holds a block. */
const [SMALL_SLOT, SMALL_MASK] = [256, 127];
const [BLOCK_SLOT, BLOCK_MASK] = [4 * BLOCK, 4 * BLOCK - 1];

/** Nanoseconds that an element takes: for the pass, and for each step. */
const [PASS, STEP] = [0.15, 0.03];

/** Ops of two operands, in the order of `chainOps` in `build.ts`: each has five forms. */
const BINARY: readonly string[] = ["add", "sub", "mul", "div", "maximum", "minimum"];
const FORMS = 5;
const FIRST_UNARY = BINARY.length * FORMS;
const CLAMP = FIRST_UNARY + 4;
const SCALED = CLAMP + 1;
const COMPARE: readonly string[] = ["eq", "ne", "lt", "le", "gt", "ge"];
/** The same comparisons with their operands exchanged. */
const MIRRORED: readonly string[] = ["eq", "ne", "gt", "ge", "lt", "le"];
const FIRST_COMPARE = SCALED + 9;
const LOGIC: readonly string[] = ["bitwise_and", "bitwise_or", "bitwise_xor"];
const FIRST_LOGIC = FIRST_COMPARE + 2 * COMPARE.length;
const NOT = FIRST_LOGIC + LOGIC.length;
const RELU_BACKWARD = NOT + 1;
const WHERE = RELU_BACKWARD + 2;
const LOAD = WHERE + 4;
const [LOAD_TRUTH, STORE_TRUTH, STORE] = [LOAD + 1, LOAD + 2, LOAD + 3];
const UNARY: Readonly<Record<string, number>> = {
  ...{ relu: FIRST_UNARY, neg: FIRST_UNARY + 1, abs: FIRST_UNARY + 2, sqrt: FIRST_UNARY + 3 },
  ...{ rsqrt: SCALED + 2, reciprocal: SCALED + 3, sign: SCALED + 4, floor: SCALED + 5, ceil: SCALED + 6 },
  ...{ round: SCALED + 7, trunc: SCALED + 8, logical_not: NOT },
};

/** Forms of an op of two operands: with memory or a number after or before what is in registers, or with itself. */
const [AND_EACH, AND_ONE, EACH_AND, ONE_AND, ITSELF] = [0, 1, 2, 3, 4];

/** True when an op of this name takes numbers in place of operands. */
function takesNumbers(op: ChainOp): boolean {
  return op === "where" || typeof op === "string" && (BINARY.includes(op) || COMPARE.includes(op));
}

/** True when an op of this name can be a step that the loop of chains has instructions for. */
export function canChain(prefix: string): boolean {
  return BINARY.includes(prefix) || prefix in UNARY || COMPARE.includes(prefix) || LOGIC.includes(prefix) ||
    prefix === "where" || prefix === "relu_backward";
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
  /** Whether its elements are truths, of a byte each. */
  readonly isTruth: boolean;
}

/** What a step does: an op by its prefix, one of these two with their numbers, or a kernel of one or two operands. */
export type ChainOp =
  | string
  | { readonly name: "clamp"; readonly low: number; readonly high: number }
  | { readonly name: "add_scaled"; readonly alpha: number }
  | { readonly name: "row"; readonly entry: Entry; readonly cost: number };

/** A pointwise call that can be a step of a chain; alone it runs as any other. */
export class ChainStep implements WasmDispatch {
  /** What it does. */
  readonly op: ChainOp;
  /** What it reads: at least one of these has all elements. */
  readonly inputs: readonly Place[];
  /** Where its results go. */
  readonly output: number;
  /** Whether its results are truths. */
  readonly isTruth: boolean;
  /** Elements. */
  readonly n: number;
  /** The call, for when it runs alone. */
  readonly plain: WasmDispatch;

  /** @param plain The same step as a call. */
  constructor(
    op: ChainOp,
    inputs: readonly Place[],
    output: number,
    isTruth: boolean,
    n: number,
    plain: WasmDispatch,
  ) {
    this.op = op;
    this.inputs = inputs;
    this.output = output;
    this.isTruth = isTruth;
    this.n = n;
    this.plain = plain;
  }

  /** Runs it alone. */
  run(): void {
    this.plain.run();
  }
}

/** True when a step is a kernel of its own. */
function rowOf({ op }: ChainStep): { readonly entry: Entry; readonly cost: number } | null {
  return typeof op !== "string" && op.name === "row" ? op : null;
}

/** True when a step works on truths alone. */
function isLogic({ op }: ChainStep): boolean {
  return op === "logical_not" || typeof op === "string" && LOGIC.includes(op);
}

/** All elements of an operand or a result. */
class Value {
  readonly address: number;
  readonly isTruth: boolean;
  /** Whether a step of the chain makes it. */
  readonly isResult: boolean;
  /** Of results, whether it has to be written: nobody gave its memory back, or wrote over it. */
  isLive: boolean;
  /** Number of the last step that reads it. */
  last = -1;
  /** Where steps find it; null while it is in registers only. */
  home: Home | null;

  constructor(address: number, isTruth: boolean, isResult: boolean) {
    this.address = address;
    this.isTruth = isTruth;
    this.isResult = isResult;
    this.isLive = isResult;
    this.home = isResult ? null : { address, mask: -1, isByte: isTruth };
  }
}

/** An address of which the bits of the place that the mask leaves count, and whether elements there are truths in bytes. */
interface Home {
  readonly address: number;
  readonly mask: number;
  readonly isByte: boolean;
}

/** What a step reads: a value, the bits of a number, or the place of one element or of one for each channel. */
type Argument = Value | { readonly bits: number } | { readonly channels: number } | { readonly one: number };

/** A step that waits. */
interface Waiting {
  readonly step: ChainStep;
  readonly args: readonly Argument[];
  readonly result: Value;
}

/** Number of the op, two addresses with their masks, two numbers, and where one for each channel lies. */
type Words = readonly [number, number, number, number, number, number, number, number];
const BYTES_OF_WORDS = 32;

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

/** What steps become: words for the loop of chains, and parts where kernels stand between them. */
class Program {
  readonly #kernels: Kernels;
  readonly #steps: readonly Waiting[];
  readonly #planes: Planes | null;
  readonly #hasRows: boolean;
  readonly #words: Words[] = [];
  readonly #parts: Words[] = [];
  /** Slots that nobody uses now, and how many there are. */
  readonly #free: number[] = [];
  #slots = 0;
  /** Where the words of this part begin, and where it begins to read. */
  #begin = 0;
  #from: Home | null = null;
  /** What is in registers. */
  #here: Value | null = null;

  constructor(kernels: Kernels, steps: readonly Waiting[], planes: Planes | null) {
    this.#kernels = kernels;
    this.#steps = steps;
    this.#planes = planes;
    this.#hasRows = steps.some(({ step }) => rowOf(step) !== null);
    steps.forEach(({ args }, i) => {
      for (const x of args) if (x instanceof Value) x.last = i;
    });
    steps.forEach((_, i) => this.#compile(i));
    this.#endPart();
  }

  /** Runs it. */
  run(): void {
    const rows = this.#steps.reduce((sum, { step }) => sum + (rowOf(step)?.cost ?? 0), 0);
    if (this.#planes !== null) this.#runPlanes(this.#planes);
    else if (this.#hasRows) this.#runBlocks(this.#words, this.#parts, rows);
    else {
      // What has a loop of its own runs by that, and what stands between as one.
      const rest: Words[] = [];
      const runRest = (): void => {
        if (rest.length > 0) this.#runChain(rest.splice(0));
      };
      for (const words of apart(this.#parts[0]!, this.#words)) {
        const own = this.#kernels.find(`chain_${nameOf(begin(words).words)}`);
        if (own === null) rest.push(...words);
        else {
          runRest();
          this.#call(own, words);
        }
      }
      runRest();
    }
  }

  /** Runs words that have no loop of their own. */
  #runChain(all: readonly Words[]): void {
    const { from, words } = begin(all);
    const hasSlots = words.some(([, , first, , second]) => first > 0 || second > 0);
    if (!hasSlots && from !== null) return this.#call(this.#kernels.entry("chain_f32"), all);
    // The loop begins by reading floats, whatever they are.
    const [address, mask] = from === null ? [0, SMALL_MASK] : [from, -1];
    this.#runBlocks(words, [[0, address, mask, 0, 0, 0, BYTES_OF_WORDS * words.length, 0]], 0);
  }

  #call(entry: Entry, all: readonly Words[]): void {
    const { from, words } = begin(all);
    const { n } = this.#steps[0]!.step;
    const cost = n * (PASS + STEP * words.length);
    const args = [META, META + BYTES_OF_WORDS * words.length, from ?? 0, -1, 0, n];
    const cut = { units: n, at: 5, grain: GRAIN, cost, moves: [[4, 1]] } as const;
    new MetaCall(this.#kernels.cut(entry, args, cut), words.flat(), this.#kernels.heap).run();
  }

  #runBlocks(words: readonly Words[], parts: readonly Words[], rows: number): void {
    const kernels = this.#kernels;
    const { n } = this.#steps[0]!.step;
    const table = [...words, ...parts];
    const bytes = BYTES_OF_WORDS * table.length;
    kernels.needScratch(bytes + Math.max(1, this.#slots) * (this.#hasRows ? BLOCK_SLOT : SMALL_SLOT));
    const [block, grain] = this.#hasRows ? [BLOCK, BLOCK] : [n, GRAIN];
    const cost = n * (PASS + STEP * words.length + rows);
    const args = [META, META + BYTES_OF_WORDS * words.length, META + bytes, block, 0, n];
    const cut = { units: n, at: 5, grain, cost, moves: [[4, 1]] } as const;
    new MetaCall(kernels.cut(kernels.entry("blocks_f32"), args, cut), table.flat(), kernels.heap).run();
  }

  #runPlanes({ size, channels }: Planes): void {
    const kernels = this.#kernels;
    const [words, from] = [this.#words, this.#parts[0]!];
    const { n } = this.#steps[0]!.step;
    const [units, bytes] = [n / size, BYTES_OF_WORDS * words.length];
    kernels.needScratch(bytes + this.#slots * SMALL_SLOT);
    const cost = n * (PASS + STEP * words.length);
    const args = [META, META + bytes, from[1], size, channels, 0, units];
    const call = kernels.cut(kernels.entry("chain_planes_f32"), args, {
      units,
      at: 6,
      cost,
      moves: [[5, 1]],
    });
    new MetaCall(call, words.flat(), kernels.heap).run();
  }

  #compile(i: number): void {
    const { step, args, result } = this.#steps[i]!;
    const row = rowOf(step);
    if (row !== null) {
      this.#endPart();
      const [a, b] = args.map((x) => x instanceof Value ? x.home! : homeOfOne(x));
      this.#spend(args, i);
      const home = result.isLive ? homeOf(result) : this.#slot();
      result.home = home;
      const [second, mask] = b === undefined ? [0, 0] : [b.address, b.mask];
      const slot = this.#kernels.slot(row.entry);
      const isBinary = Number(b !== undefined);
      this.#parts.push([slot, a!.address, a!.mask, second, mask, home.address, home.mask, isBinary]);
      return;
    }
    let at = this.#here === null ? -1 : entryOf(step, args, this.#here);
    if (at < 0) {
      at = args.findIndex((x) => x instanceof Value);
      this.#load(args[at] as Value, result);
    }
    const other = args[1 - at];
    if (isLogic(step) && other instanceof Value && other.home!.isByte) this.#combine(step, args, at);
    else this.#words.push(wordsOf(step, args, at));
    this.#spend(args, i);
    this.#here = result;
    if (result.isLive) {
      this.#words.push([result.isTruth ? STORE_TRUTH : STORE, result.address, -1, 0, 0, 0, 0, 0]);
      if (!result.isTruth) result.home = homeOf(result);
    }
    if (result.home === null && result.last >= 0 && !this.#passesOn(result, i)) {
      result.home = this.#slot();
      this.#words.push([STORE, result.home.address, result.home.mask, 0, 0, 0, 0, 0]);
    }
  }

  /** A step of two truths, one of which lies in bytes: that is read behind the other, which waits in a slot. */
  #combine({ op }: ChainStep, args: readonly Argument[], at: number): void {
    const slot = this.#slot();
    const { address } = (args[1 - at] as Value).home!;
    this.#words.push(
      [STORE, slot.address, slot.mask, 0, 0, 0, 0, 0],
      [LOAD_TRUTH, address, -1, 0, 0, 0, 0, 0],
      [FIRST_LOGIC + LOGIC.indexOf(op as string), slot.address, slot.mask, 0, 0, 0, 0, 0],
    );
    this.#free.push(slot.address);
  }

  /** True when the next step takes the result from registers, and no other reads it. */
  #passesOn(result: Value, i: number): boolean {
    if (result.last !== i + 1) return false;
    const { step, args } = this.#steps[i + 1]!;
    return rowOf(step) === null && entryOf(step, args, result) >= 0;
  }

  /** Puts a value into registers. */
  #load({ home }: Value, result: Value): void {
    if (this.#from === null && !home!.isByte) {
      this.#from = home!;
      return;
    }
    // Every part begins by reading floats, whatever they are.
    this.#from ??= result.isTruth ? this.#anySlot() : homeOf(result);
    this.#words.push([home!.isByte ? LOAD_TRUTH : LOAD, home!.address, home!.mask, 0, 0, 0, 0, 0]);
  }

  /** Ends a part that is a chain. */
  #endPart(): void {
    const [begin, end] = [this.#begin, this.#words.length];
    this.#begin = end;
    this.#here = null;
    const from = this.#from;
    this.#from = null;
    if (from === null) return;
    this.#parts.push([
      ...[0, from.address, from.mask, 0, 0] as const,
      ...[BYTES_OF_WORDS * begin, BYTES_OF_WORDS * end, 0] as const,
    ]);
  }

  /** Gives the slots back of what step `i` is the last to read. */
  #spend(args: readonly Argument[], i: number): void {
    for (const x of new Set(args)) {
      if (!(x instanceof Value) || x.last !== i || x.home === null || x.home.mask < 0) continue;
      this.#free.push(x.home.address);
      x.home = null;
    }
  }

  #slot(): Home {
    const mask = this.#hasRows ? BLOCK_MASK : SMALL_MASK;
    const address = this.#free.pop() ?? this.#slots++ * (this.#hasRows ? BLOCK_SLOT : SMALL_SLOT);
    return { address, mask, isByte: false };
  }

  #anySlot(): Home {
    const slot = this.#slot();
    this.#free.push(slot.address);
    return slot;
  }
}

/** Words of a part that begins at `from`, cut where one begins by reading memory and no slot is read that was written before. */
function apart(from: Words, words: readonly Words[]): readonly (readonly Words[])[] {
  const isLoad = words[0]![0] === LOAD || words[0]![0] === LOAD_TRUTH;
  const all: readonly Words[] = isLoad ? words : [[LOAD, from[1], from[2], 0, 0, 0, 0, 0], ...words];
  // The last word that reads each slot as it was written.
  const open: number[] = [];
  const written = new Map<number, number>();
  all.forEach(([code, first, firstMask, second, secondMask], i) => {
    if (code === STORE && firstMask > 0) written.set(first, i);
    else {
      for (const [slot, mask] of [[first, firstMask], [second, secondMask]] as const) {
        const since = mask > 0 ? written.get(slot) : undefined;
        if (since !== undefined) { for (let k = since + 1; k <= i; k++) open[k] = 1; }
      }
    }
  });
  const pieces: Words[][] = [];
  all.forEach((word, i) => {
    const [code, , mask] = word;
    const isMemory = (code === LOAD || code === LOAD_TRUTH) && mask === -1;
    if (i === 0 || isMemory && open[i] === undefined) pieces.push([]);
    pieces.at(-1)!.push(word);
  });
  return pieces;
}

/** Where words begin to read floats, and what follows; null where they read truths first. */
function begin(words: readonly Words[]): { readonly from: number | null; readonly words: readonly Words[] } {
  return words[0]![0] === LOAD ? { from: words[0]![1], words: words.slice(1) } : { from: null, words };
}

/** What the build calls a chain: the numbers of its steps, and where their operands lie. */
function nameOf(words: readonly Words[]): string {
  const slots = new Map<number, number>();
  const name = (address: number, mask: number): string => {
    if (mask <= 0) return address === 0 ? "" : "m";
    if (!slots.has(address)) slots.set(address, slots.size);
    return `s${slots.get(address)}`;
  };
  return words.map(([code, a, aMask, b, bMask]) => `${code}${name(a, aMask)}${name(b, bMask)}`).join("_");
}

function homeOf({ address, isTruth }: Value): Home {
  return { address, mask: -1, isByte: isTruth };
}

function homeOfOne(x: Argument): Home {
  return { address: (x as { one: number }).one, mask: 0, isByte: false };
}

/** Which operand of a step a value in registers can be; −1 for none. */
function entryOf({ op }: ChainStep, args: readonly Argument[], here: Value): number {
  const at = args.indexOf(here);
  if (at < 0) return -1;
  const again = args.indexOf(here, at + 1) >= 0;
  // With itself only where there is an instruction for that.
  if (again && !(typeof op === "string" && BINARY.includes(op))) return -1;
  return op === "where" && at > 0 ? -1 : at;
}

/** A step whose operand number `at` is in registers. */
function wordsOf({ op }: ChainStep, args: readonly Argument[], at: number): Words {
  if (typeof op !== "string") {
    if (op.name === "clamp") return [CLAMP, 0, 0, 0, 0, bitsOf(op.low), bitsOf(op.high), 0];
    const { address, mask } = (args[1 - at] as Value).home!;
    const alpha = bitsOf((op as { alpha: number }).alpha);
    return [SCALED + at, address, mask, 0, 0, 0, alpha, 0];
  }
  if (op === "where") {
    const [a, b] = [args[1]!, args[2]!];
    if (!(a instanceof Value) && !(b instanceof Value)) {
      return [WHERE + 3, 0, 0, 0, 0, numberOf(a), numberOf(b), 0];
    }
    if (!(b instanceof Value)) return [WHERE + 1, ...placeOf(a), 0, 0, numberOf(b), 0, 0];
    if (!(a instanceof Value)) return [WHERE + 2, ...placeOf(b), 0, 0, numberOf(a), 0, 0];
    return [WHERE, ...placeOf(a), ...placeOf(b), 0, 0, 0];
  }
  const unary = UNARY[op];
  if (unary !== undefined) return [unary, 0, 0, 0, 0, 0, 0, 0];
  const other = args[1 - at]!;
  if (op === "relu_backward") return [RELU_BACKWARD + at, ...placeOf(other), 0, 0, 0, 0, 0];
  if (LOGIC.includes(op)) return [FIRST_LOGIC + LOGIC.indexOf(op), ...placeOf(other), 0, 0, 0, 0, 0];
  if (COMPARE.includes(op)) {
    const code = FIRST_COMPARE + 2 * (at === 0 ? COMPARE : MIRRORED).indexOf(op);
    return withOther(code + AND_EACH, code + AND_ONE, other);
  }
  const code = FORMS * BINARY.indexOf(op);
  if (args[0] === args[1]) return [code + ITSELF, 0, 0, 0, 0, 0, 0, 0];
  return at === 0
    ? withOther(code + AND_EACH, code + AND_ONE, other)
    : withOther(code + EACH_AND, code + ONE_AND, other);
}

/** With many elements, or the bits of one, or where those of planes lie. */
function withOther(each: number, one: number, other: Argument): Words {
  if (other instanceof Value) return [each, ...placeOf(other), 0, 0, 0, 0, 0];
  if ("channels" in other) return [one, 0, 0, 0, 0, 0, 0, other.channels];
  return [one, 0, 0, 0, 0, numberOf(other), 0, 0];
}

function placeOf(x: Argument): readonly [address: number, mask: number] {
  const { address, mask } = (x as Value).home!;
  return [address, mask];
}

function numberOf(x: Argument): number {
  return (x as { bits: number }).bits;
}

/** True when an op may have these operands: some take no numbers, and one for each plane stands beside few. */
export function canBeStep(op: ChainOp, inputs: readonly Place[]): boolean {
  if (inputs.every(({ isOne }) => isOne)) return false;
  if (inputs.some(({ planes }) => planes !== null)) return typeof op === "string" && BINARY.includes(op);
  if (!inputs.some(({ isOne }) => isOne)) return true;
  if (typeof op !== "string") return op.name === "row";
  return takesNumbers(op) && !(op === "where" && inputs[0]!.isOne);
}

function areSame(a: Planes, b: Planes): boolean {
  return a.size === b.size && a.channels === b.channels;
}

function overlap(a: number, aBytes: number, b: number, bBytes: number): boolean {
  return a < b + bBytes && b < a + aBytes;
}
