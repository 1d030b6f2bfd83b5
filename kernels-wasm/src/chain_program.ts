/**
 * What the steps of a chain become: words for the loop of chains, parts where kernels stand between them, and the call.
 *
 * @module
 */

import { BINARY, BYTES_OF_STEP, codeOf, COMPARE, FORMS, LOGIC, loopName, UNARY } from "./chain_codes.ts";
import { type ChainStep, isLogic, type Planes, rowOf } from "./chain_step.ts";
import { type Entry, META, MetaCall } from "./dispatch.ts";
import type { Kernels } from "./module.ts";

/** Parts of a chain begin at multiples of so many elements. */
const GRAIN = 256;

/** Elements of a block, where kernels are called. */
const BLOCK = 1024;

/** Bytes of a slot that holds what a loop works on at a time, wherever that begins, and of one that holds a block. */
const [SMALL_SLOT, SMALL_MASK] = [256, 127];
const [BLOCK_SLOT, BLOCK_MASK] = [4 * BLOCK, 4 * BLOCK - 1];

/** Nanoseconds that an element takes: for the pass, and for each step. */
const [PASS, STEP] = [0.15, 0.03];

/** Numbers of steps; those of an op of two operands and of comparisons follow one another, form by form. */
const [FIRST_BINARY, FIRST_COMPARE, FIRST_LOGIC] = [
  codeOf("add_each"),
  codeOf("eq_each"),
  codeOf("bitwise_and"),
];
const FORMS_OF_BINARY = Object.keys(FORMS).length;
const [CLAMP, SCALED, RELU_BACKWARD] = [codeOf("clamp"), codeOf("add_scaled"), codeOf("relu_backward_each")];
const [WHERE, WHERE_ONE] = [codeOf("where_each_each"), codeOf("where_each_one")];
const [ONE_WHERE, WHERE_ONES] = [codeOf("where_one_each"), codeOf("where_one_one")];
const [LOAD, LOAD_TRUTH] = [codeOf("load"), codeOf("load_truth")];
const [STORE, STORE_TRUTH] = [codeOf("store"), codeOf("store_truth")];
const UNARY_CODES: Readonly<Record<string, number>> = Object.fromEntries(UNARY.map((op) => [op, codeOf(op)]));

/** The comparisons of {@linkcode COMPARE} with their operands exchanged. */
const MIRRORED: readonly string[] = ["eq", "ne", "gt", "ge", "lt", "le"];

/** All elements of an operand or a result. */
export class Value {
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
export interface Home {
  readonly address: number;
  readonly mask: number;
  readonly isByte: boolean;
}

/** What a step reads: a value, the bits of a number, or the place of one element or of one for each channel. */
export type Argument = Value | { readonly bits: number } | { readonly channels: number } | {
  readonly one: number;
};

/** A step that waits. */
export interface Waiting {
  readonly step: ChainStep;
  readonly args: readonly Argument[];
  readonly result: Value;
}

/** Number of the op, two addresses with their masks, two numbers, and where one for each channel lies. */
type Words = readonly [number, number, number, number, number, number, number, number];

/** What steps become: words for the loop of chains, and parts where kernels stand between them. */
export class Program {
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
        const own = this.#kernels.find(ownLoopOf(begin(words).words));
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
    this.#runBlocks(words, [[0, address, mask, 0, 0, 0, BYTES_OF_STEP * words.length, 0]], 0);
  }

  #call(entry: Entry, all: readonly Words[]): void {
    const { from, words } = begin(all);
    const { n } = this.#steps[0]!.step;
    const cost = n * (PASS + STEP * words.length);
    const args = [META, META + BYTES_OF_STEP * words.length, from ?? 0, -1, 0, n];
    const cut = { units: n, at: 5, grain: GRAIN, cost, moves: [[4, 1]] } as const;
    new MetaCall(this.#kernels.cut(entry, args, cut), words.flat(), this.#kernels.heap).run();
  }

  #runBlocks(words: readonly Words[], parts: readonly Words[], rows: number): void {
    const kernels = this.#kernels;
    const { n } = this.#steps[0]!.step;
    const table = [...words, ...parts];
    const bytes = BYTES_OF_STEP * table.length;
    kernels.needScratch(bytes + Math.max(1, this.#slots) * (this.#hasRows ? BLOCK_SLOT : SMALL_SLOT));
    const [block, grain] = this.#hasRows ? [BLOCK, BLOCK] : [n, GRAIN];
    const cost = n * (PASS + STEP * words.length + rows);
    const args = [META, META + BYTES_OF_STEP * words.length, META + bytes, block, 0, n];
    const cut = { units: n, at: 5, grain, cost, moves: [[4, 1]] } as const;
    new MetaCall(kernels.cut(kernels.entry("blocks_f32"), args, cut), table.flat(), kernels.heap).run();
  }

  #runPlanes({ size, channels }: Planes): void {
    const kernels = this.#kernels;
    const [words, from] = [this.#words, this.#parts[0]!];
    const { n } = this.#steps[0]!.step;
    const [units, bytes] = [n / size, BYTES_OF_STEP * words.length];
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
      ...[BYTES_OF_STEP * begin, BYTES_OF_STEP * end, 0] as const,
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

/** The name of the loop of their own that these steps would have. */
function ownLoopOf(words: readonly Words[]): string {
  const slots = new Map<number, number>();
  const operand = (address: number, mask: number): string => {
    if (mask <= 0) return address === 0 ? "" : "m";
    if (!slots.has(address)) slots.set(address, slots.size);
    return `s${slots.get(address)}`;
  };
  return loopName(
    words.map(([code, a, aMask, b, bMask]) => ({ code, operands: operand(a, aMask) + operand(b, bMask) })),
  );
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
      return [WHERE_ONES, 0, 0, 0, 0, numberOf(a), numberOf(b), 0];
    }
    if (!(b instanceof Value)) return [WHERE_ONE, ...placeOf(a), 0, 0, numberOf(b), 0, 0];
    if (!(a instanceof Value)) return [ONE_WHERE, ...placeOf(b), 0, 0, numberOf(a), 0, 0];
    return [WHERE, ...placeOf(a), ...placeOf(b), 0, 0, 0];
  }
  if (op in UNARY_CODES) return [UNARY_CODES[op]!, 0, 0, 0, 0, 0, 0, 0];
  const other = args[1 - at]!;
  if (op === "relu_backward") return [RELU_BACKWARD + at, ...placeOf(other), 0, 0, 0, 0, 0];
  if (LOGIC.includes(op)) return [FIRST_LOGIC + LOGIC.indexOf(op), ...placeOf(other), 0, 0, 0, 0, 0];
  if (COMPARE.includes(op)) {
    const code = FIRST_COMPARE + 2 * (at === 0 ? COMPARE : MIRRORED).indexOf(op);
    return withOther(code + FORMS.andEach, code + FORMS.andOne, other);
  }
  const code = FIRST_BINARY + FORMS_OF_BINARY * BINARY.indexOf(op);
  if (args[0] === args[1]) return [code + FORMS.itself, 0, 0, 0, 0, 0, 0, 0];
  return at === 0
    ? withOther(code + FORMS.andEach, code + FORMS.andOne, other)
    : withOther(code + FORMS.eachAnd, code + FORMS.oneAnd, other);
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

const float = new Float32Array(1);
const word = new Int32Array(float.buffer);

/** The bits of a float32. */
function bitsOf(x: number): number {
  float[0] = x;
  return word[0]!;
}
