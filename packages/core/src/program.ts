/**
 * Programs: what a backend runs, step by step, with every buffer in its place. They are data: they can be printed,
 * stored and replayed without the library that made them.
 *
 * @module
 */

import type { Aval } from "./backend.ts";
import { DType, dtypeOf } from "./dtype.ts";
import { FormatError } from "./errors.ts";
import { type AttrRecord, type AttrValue, formatAttrs, inferAll } from "./graph.ts";
import { inferenceRules } from "./infer.ts";
import { type Attrs, type KernelName, type ViewName, viewNames } from "./primitives.ts";
import { formatType, isContiguous, numelOf, shapesEqual } from "./shape.ts";
import type { Layout } from "./views.ts";

/** A piece of memory that a program works on. */
export type ProgramSlot =
  /** Given by the caller and only read: the elements of a contiguous tensor. */
  | { readonly kind: "input"; readonly bytes: number; readonly label: string | null }
  /** Given by the caller and written: the elements of a contiguous tensor. */
  | { readonly kind: "output"; readonly bytes: number }
  /** A part of the arena, `offset` in bytes. Slots that are not in use at the same time may overlap. */
  | { readonly kind: "arena"; readonly bytes: number; readonly offset: number };

/** A tensor of a program: a geometry over a slot. Strides and offset are in elements. */
export interface ProgramOperand extends Layout, Aval {
  /** Index of the slot. */
  readonly slot: number;
}

/** One dispatch. */
export interface ProgramStep<P extends KernelName = KernelName> {
  /** The primitive. */
  readonly name: P;
  /** Its operands. */
  readonly inputs: readonly ProgramOperand[];
  /** Its results. */
  readonly outputs: readonly ProgramOperand[];
  /** Its attributes. */
  readonly attrs: Attrs<P>;
}

/** A computation with a static memory plan. */
export interface Program {
  /** Size of the arena. */
  readonly arenaBytes: number;
  /** All memory. */
  readonly slots: readonly ProgramSlot[];
  /** The contiguous tensors that the caller gives, each over its own slot. */
  readonly inputs: readonly ProgramOperand[];
  /** The contiguous tensors that the caller receives, each over its own slot. */
  readonly outputs: readonly ProgramOperand[];
  /** What is done, in order. */
  readonly steps: readonly ProgramStep[];
}

/** Arena offsets are multiples of this, in bytes: the strictest alignment of a WebGPU storage binding. */
export const ARENA_ALIGNMENT = 256;

/**
 * A program as text.
 *
 * ```text
 * program with an arena of 256 bytes
 *   %0: input "x", 24 bytes
 *   %1: arena at 0, 24 bytes
 *   %2: output, 8 bytes
 *
 *   %1 float32[2, 3] = exp(%0 float32[2, 3])
 *   %2 float32[2] = sum(%1 float32[2, 3], dims: [1], keepdim: false)
 * ```
 */
export function formatProgram(program: Program): string {
  const slots = program.slots.map((slot, i) => `  %${i}: ${formatSlot(slot)}, ${slot.bytes} bytes\n`);
  const steps = program.steps.map(({ name, inputs, outputs, attrs }) => {
    const operands = [...inputs.map(formatOperand), ...formatAttrs(attrs)].join(", ");
    return `  ${outputs.map(formatOperand).join(", ")} = ${name}(${operands})\n`;
  });
  return `program with an arena of ${program.arenaBytes} bytes\n${slots.join("")}\n${steps.join("")}`;
}

function formatSlot(slot: ProgramSlot): string {
  if (slot.kind === "arena") return `arena at ${slot.offset}`;
  return slot.kind === "input" && slot.label !== null ? `input ${JSON.stringify(slot.label)}` : slot.kind;
}

function formatOperand(operand: ProgramOperand): string {
  const { slot, shape, strides, offset } = operand;
  const start = offset === 0 ? "" : ` from ${offset}`;
  const steps = isContiguous(shape, strides) ? "" : ` by [${strides.join(", ")}]`;
  return `%${slot} ${formatType(operand)}${start}${steps}`;
}

/** Says which format a stored program has; another number is another format. */
const FORMAT = { format: "flambeau.program", version: 1 } as const;

/**
 * A program as JSON text, for {@linkcode parseProgram}. Dtypes are stored by name; `bigint` attributes as
 * `{ "bigint": "5" }`, numbers that JSON lacks as `{ "number": "-Infinity" }`.
 */
export function stringifyProgram(program: Program): string {
  const operand = ({ slot, dtype, shape, strides, offset }: ProgramOperand) => ({
    slot,
    dtype: dtype.name,
    shape,
    strides,
    offset,
  });
  return JSON.stringify({
    ...FORMAT,
    arenaBytes: program.arenaBytes,
    slots: program.slots,
    inputs: program.inputs.map(operand),
    outputs: program.outputs.map(operand),
    steps: program.steps.map(({ name, inputs, outputs, attrs }) => ({
      name,
      inputs: inputs.map(operand),
      outputs: outputs.map(operand),
      attrs: attrs === null ? null : mapValues(attrs as AttrRecord, encodeAttr),
    })),
  });
}

/**
 * The program that {@linkcode stringifyProgram} stored. Everything is checked: each operand lies within its slot, each
 * slot within the arena, and each step yields what the shape rule of its primitive says, so a backend can trust it.
 *
 * @throws {FormatError} If the text is not such a program.
 */
export function parseProgram(text: string): Program {
  const root = record("the file", parseJson(text));
  if (root.format !== FORMAT.format || root.version !== FORMAT.version) {
    throw damaged(
      `the format must be "${FORMAT.format}" version ${FORMAT.version}`,
      `${JSON.stringify(root.format)} version ${JSON.stringify(root.version)}`,
    );
  }
  const arenaBytes = size("arenaBytes", root.arenaBytes);
  const slots = list("slots", root.slots).map((slot, i) => parseSlot(`slot ${i}`, slot, arenaBytes));
  const operands = (where: string, value: unknown) =>
    list(where, value).map((operand, i) => parseOperand(`${where} ${i}`, operand, slots));
  const inputs = operands("inputs", root.inputs);
  const outputs = operands("outputs", root.outputs);
  checkBoundary("input", inputs, slots);
  checkBoundary("output", outputs, slots);
  const steps = list("steps", root.steps).map((value, i): ProgramStep => {
    const where = `step ${i}`;
    const step = record(where, value);
    const parsed = {
      name: parseName(where, step.name),
      inputs: operands(`${where} inputs`, step.inputs),
      outputs: operands(`${where} outputs`, step.outputs),
      attrs: step.attrs === null
        ? null
        : mapValues(record(`${where} attrs`, step.attrs), (v, key) => decodeAttr(`${where} ${key}`, key, v)),
    };
    const read = parsed.outputs.find(({ slot }) => slots[slot]!.kind === "input");
    if (read !== undefined) throw damaged(`${where} must not write an input`, `slot ${read.slot}`);
    checkTypes(where, parsed as ProgramStep);
    return parsed as ProgramStep;
  });
  return { arenaBytes, slots, inputs, outputs, steps };
}

function encodeAttr(value: AttrValue): unknown {
  if (value instanceof DType) return value.name;
  if (typeof value === "bigint") return { bigint: `${value}` };
  if (Object.is(value, -0)) return { number: "-0" };
  if (typeof value === "number" && !Number.isFinite(value)) return { number: `${value}` };
  return value;
}

const UNUSUAL_NUMBERS: ReadonlyMap<unknown, number> = new Map([
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
  ["NaN", NaN],
  ["-0", -0],
]);

function decodeAttr(where: string, key: string, value: unknown): AttrValue {
  if (key === "dtype") return parseDType(where, value);
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return value;
  if (Array.isArray(value)) return value.map((entry) => number(where, entry));
  const { bigint, number: unusual } = record(where, value);
  if (typeof bigint === "string" && /^-?\d+$/.test(bigint)) return BigInt(bigint);
  const found = UNUSUAL_NUMBERS.get(unusual);
  if (found === undefined) throw damaged(`${where} must be an attribute`, JSON.stringify(value));
  return found;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw damaged("the text must be JSON", (error as Error).message);
  }
}

function parseSlot(where: string, value: unknown, arenaBytes: number): ProgramSlot {
  const { kind, bytes: count, offset: start, label } = record(where, value);
  const bytes = size(`${where} bytes`, count);
  switch (kind) {
    case "input":
      if (label !== null && typeof label !== "string") {
        throw damaged(`${where} must have a label or null`, JSON.stringify(label));
      }
      return { kind, bytes, label };
    case "output":
      return { kind, bytes };
    case "arena": {
      const offset = size(`${where} offset`, start);
      if (offset % ARENA_ALIGNMENT !== 0 || offset + bytes > arenaBytes) {
        throw damaged(
          `${where} must start at a multiple of ${ARENA_ALIGNMENT} and end within the arena of ${arenaBytes} bytes`,
          `${bytes} bytes at ${offset}`,
        );
      }
      return { kind, bytes, offset };
    }
    default:
      throw damaged(`${where} must be an input, an output or in the arena`, JSON.stringify(kind));
  }
}

function parseOperand(where: string, value: unknown, slots: readonly ProgramSlot[]): ProgramOperand {
  const raw = record(where, value);
  const slot = size(`${where} slot`, raw.slot);
  const dtype = parseDType(`${where} dtype`, raw.dtype);
  const shape = list(`${where} shape`, raw.shape).map((n) => size(`${where} shape`, n));
  const strides = list(`${where} strides`, raw.strides).map((n) => size(`${where} strides`, n));
  const offset = size(`${where} offset`, raw.offset);
  if (strides.length !== shape.length) {
    throw damaged(`${where} must have one stride per size`, `${strides.length} for ${shape.length}`);
  }
  if (slot >= slots.length) {
    throw damaged(`${where} must lie in one of ${slots.length} slots`, `slot ${slot}`);
  }
  const end = endOf({ shape, strides, offset }) * dtype.itemsize;
  if (end > slots[slot]!.bytes) {
    throw damaged(`${where} must end within the ${slots[slot]!.bytes} bytes of its slot`, `${end} bytes`);
  }
  return { slot, dtype, shape, strides, offset };
}

/** Elements from the start of the memory to behind the last one that is seen; 0 when none is. */
export function endOf({ shape, strides, offset }: Layout): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((end, n, i) => end + (n - 1) * strides[i]!, offset + 1);
}

function parseName(where: string, value: unknown): KernelName {
  if (
    typeof value === "string" && Object.hasOwn(inferenceRules, value) && !viewNames.has(value as ViewName)
  ) {
    return value as KernelName;
  }
  throw damaged(`${where} must name a primitive that runs a kernel`, JSON.stringify(value));
}

function parseDType(where: string, value: unknown): DType {
  try {
    return dtypeOf(value as string);
  } catch {
    throw damaged(`${where} must name a dtype`, JSON.stringify(value));
  }
}

/** What crosses the boundary covers a slot of its own, of the right kind. */
function checkBoundary(
  kind: "input" | "output",
  operands: readonly ProgramOperand[],
  slots: readonly ProgramSlot[],
): void {
  const own = new Set<number>();
  for (const operand of operands) {
    const { slot, shape, strides, offset, dtype } = operand;
    const bytes = numelOf(shape) * dtype.itemsize;
    const whole = offset === 0 && isContiguous(shape, strides) && slots[slot]!.bytes === bytes;
    if (slots[slot]!.kind !== kind || own.has(slot) || !whole) {
      throw damaged(`each ${kind} must cover an ${kind} slot of its own`, formatOperand(operand));
    }
    own.add(slot);
  }
  const count = slots.filter((slot) => slot.kind === kind).length;
  if (count !== own.size) throw damaged(`there must be ${count} ${kind}s for as many slots`, `${own.size}`);
}

function checkTypes(where: string, { name, inputs, outputs, attrs }: ProgramStep): void {
  let types: readonly Aval[];
  try {
    types = inferAll(name, inputs, attrs);
  } catch (error) {
    throw damaged(`${where} must follow the rule of ${name}`, (error as Error).message);
  }
  const same = types.length === outputs.length &&
    types.every(({ shape, dtype }, i) =>
      shapesEqual(shape, outputs[i]!.shape) && dtype === outputs[i]!.dtype
    );
  if (!same) {
    throw damaged(
      `${where} must yield ${types.map(formatType).join(", ")}`,
      outputs.map(formatType).join(", "),
    );
  }
}

function record(where: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw damaged(`${where} must be an object`, JSON.stringify(value));
}

function list(where: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw damaged(`${where} must be a list`, JSON.stringify(value));
}

function number(where: string, value: unknown): number {
  if (typeof value === "number") return value;
  throw damaged(`${where} must be a number`, JSON.stringify(value));
}

function size(where: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw damaged(`${where} must be an integer >= 0`, JSON.stringify(value));
}

function damaged(must: string, got: string): FormatError {
  return new FormatError(`Cannot read a program: ${must}, got ${got}`);
}

function mapValues<V, W>(
  from: Readonly<Record<string, V>>,
  map: (value: V, key: string) => W,
): Record<string, W> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, map(value, key)]));
}
