/**
 * Steps of chains: a pointwise call, what it reads and writes, and which calls can be one.
 *
 * @module
 */

import { BINARY, COMPARE, LOGIC, UNARY } from "./chain_codes.ts";
import type { Entry, WasmDispatch } from "./dispatch.ts";

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
export function rowOf({ op }: ChainStep): { readonly entry: Entry; readonly cost: number } | null {
  return typeof op !== "string" && op.name === "row" ? op : null;
}

/** True when a step works on truths alone. */
export function isLogic({ op }: ChainStep): boolean {
  return op === "logical_not" || typeof op === "string" && LOGIC.includes(op);
}

/** True when an op of this name takes numbers in place of operands. */
function takesNumbers(op: ChainOp): boolean {
  return op === "where" || typeof op === "string" && (BINARY.includes(op) || COMPARE.includes(op));
}

/** True when an op of this name can be a step that the loop of chains has instructions for. */
export function canChain(prefix: string): boolean {
  return BINARY.includes(prefix) || UNARY.includes(prefix) || COMPARE.includes(prefix) ||
    LOGIC.includes(prefix) ||
    prefix === "where" || prefix === "relu_backward";
}

/** True when an op may have these operands: some take no numbers, and one for each plane stands beside few. */
export function canBeStep(op: ChainOp, inputs: readonly Place[]): boolean {
  if (inputs.every(({ isOne }) => isOne)) return false;
  if (inputs.some(({ planes }) => planes !== null)) return typeof op === "string" && BINARY.includes(op);
  if (!inputs.some(({ isOne }) => isOne)) return true;
  if (typeof op !== "string") return op.name === "row";
  return takesNumbers(op) && !(op === "where" && inputs[0]!.isOne);
}

/** Planes below this are better run as rows: to begin one takes as long as some elements. */
const SMALLEST_PLANE = 32;

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
