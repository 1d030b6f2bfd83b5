import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bool, float32, int64 } from "./dtype.ts";
import { FormatError } from "./errors.ts";
import {
  formatProgram,
  parseProgram,
  type Program,
  type ProgramOperand,
  stringifyProgram,
} from "./program.ts";

const matrix: Omit<ProgramOperand, "slot"> = { dtype: float32, shape: [2, 3], strides: [3, 1], offset: 0 };

/** Every kind of slot, geometry and attribute. */
const program: Program = {
  arenaBytes: 512,
  slots: [
    { kind: "input", bytes: 24, label: "x" },
    { kind: "arena", bytes: 24, offset: 0 },
    { kind: "arena", bytes: 16, offset: 256 },
    { kind: "output", bytes: 8 },
    { kind: "output", bytes: 1 },
  ],
  inputs: [{ slot: 0, ...matrix }],
  outputs: [
    { slot: 3, dtype: float32, shape: [2], strides: [1], offset: 0 },
    { slot: 4, dtype: bool, shape: [], strides: [], offset: 0 },
  ],
  steps: [
    {
      name: "clamp",
      inputs: [{ slot: 0, ...matrix }],
      outputs: [{ slot: 1, ...matrix }],
      attrs: { min: -Infinity, max: null },
    },
    {
      name: "amax",
      inputs: [{ slot: 1, dtype: float32, shape: [2, 2], strides: [1, 3], offset: 1 }],
      outputs: [{ slot: 3, dtype: float32, shape: [2], strides: [1], offset: 0 }],
      attrs: { dims: [1], keepdim: false },
    },
    {
      name: "full",
      inputs: [],
      outputs: [{ slot: 2, dtype: int64, shape: [2], strides: [1], offset: 0 }],
      attrs: { shape: [2], value: -9007199254740993n, dtype: int64 },
    },
    {
      name: "full",
      inputs: [],
      outputs: [{ slot: 2, dtype: float32, shape: [], strides: [], offset: 3 }],
      attrs: { shape: [], value: -0, dtype: float32 },
    },
    {
      name: "isnan",
      inputs: [{ slot: 2, dtype: float32, shape: [], strides: [], offset: 3 }],
      outputs: [{ slot: 4, dtype: bool, shape: [], strides: [], offset: 0 }],
      attrs: null,
    },
  ],
};

describe("formatProgram", () => {
  it("writes slots, geometries and attributes", () => {
    expect(formatProgram(program)).toBe(`program with an arena of 512 bytes
  %0: input "x", 24 bytes
  %1: arena at 0, 24 bytes
  %2: arena at 256, 16 bytes
  %3: output, 8 bytes
  %4: output, 1 bytes

  %1 float32[2, 3] = clamp(%0 float32[2, 3], min: -Infinity, max: null)
  %3 float32[2] = amax(%1 float32[2, 2] from 1 by [1, 3], dims: [1], keepdim: false)
  %2 int64[2] = full(shape: [2], value: -9007199254740993n, dtype: int64)
  %2 float32[] from 3 = full(shape: [], value: -0, dtype: float32)
  %4 bool[] = isnan(%2 float32[] from 3)
`);
  });
});

describe("parseProgram", () => {
  it("returns what was stored", () => {
    const text = stringifyProgram(program);
    expect(parseProgram(text)).toEqual(program);
    expect(stringifyProgram(parseProgram(text))).toBe(text);
    const value = parseProgram(text).steps[3]!.attrs as { value: number };
    expect(Object.is(value.value, -0)).toBe(true);
  });

  type Json = { [key: string]: Json } & Json[];

  const damages: readonly [what: string, damage: (file: Json) => void, message: string][] = [
    ["another format", (f) => set(f, "format", "other"), 'the format must be "flambeau.program" version 1'],
    ["a later version", (f) => set(f, "version", 2), 'got "flambeau.program" version 2'],
    ["a missing list", (f) => set(f, "steps", undefined), "steps must be a list, got undefined"],
    ["a negative size", (f) => set(f, "arenaBytes", -1), "arenaBytes must be an integer >= 0, got -1"],
    [
      "a slot behind the arena",
      (f) => set(f.slots![2]!, "offset", 512),
      "slot 2 must start at a multiple of 256 and",
    ],
    [
      "a slot at an odd place",
      (f) => set(f.slots![2]!, "offset", 4),
      "slot 2 must start at a multiple of 256 and",
    ],
    [
      "an unknown kind of slot",
      (f) => set(f.slots![1]!, "kind", "disk"),
      "slot 1 must be an input, an output or",
    ],
    ["a label of numbers", (f) => set(f.slots![0]!, "label", 3), "slot 0 must have a label or null, got 3"],
    [
      "an unknown slot",
      (f) => set(f.steps![0]!.inputs![0]!, "slot", 9),
      "step 0 inputs 0 must lie in one of 5 slots",
    ],
    [
      "an operand over the end",
      (f) => set(f.steps![1]!.inputs![0]!, "offset", 2),
      "step 1 inputs 0 must end within the 24 bytes of its slot, got 28 bytes",
    ],
    [
      "a missing stride",
      (f) => set(f.steps![1]!.inputs![0]!, "strides", [1]),
      "must have one stride per size",
    ],
    ["an unknown dtype", (f) => set(f.inputs![0]!, "dtype", "complex64"), "inputs 0 dtype must name a dtype"],
    ["an unknown primitive", (f) => set(f.steps![0]!, "name", "toString"), 'got "toString"'],
    ["a view", (f) => set(f.steps![0]!, "name", "alias"), "step 0 must name a primitive that runs a kernel"],
    [
      "a wrong result",
      (f) => set(f.steps![1]!.attrs!, "keepdim", true),
      "step 1 must yield float32[2, 1], got float32[2]",
    ],
    [
      "a wrong attribute",
      (f) => set(f.steps![1]!.attrs!, "dims", [7]),
      "step 1 must follow the rule of amax",
    ],
    ["missing attributes", (f) => set(f.steps![1]!, "attrs", null), "step 1 must follow the rule of amax"],
    [
      "an odd attribute",
      (f) => set(f.steps![0]!.attrs!, "min", { number: "1" }),
      "step 0 min must be an attribute",
    ],
    [
      "a list of words",
      (f) => set(f.steps![1]!.attrs!, "dims", ["1"]),
      'step 1 dims must be a number, got "1"',
    ],
    [
      "a written input",
      (f) => set(f.steps![0]!.outputs![0]!, "slot", 0),
      "step 0 must not write an input, got slot 0",
    ],
    [
      "a lost output",
      (f) => set(f, "outputs", [f.outputs![0]]),
      "there must be 2 outputs for as many slots, got 1",
    ],
    [
      "an output in the arena",
      (f) => set(f.outputs![1]!, "slot", 1),
      "each output must cover an output slot of its own",
    ],
    [
      "two inputs in a slot",
      (f) => set(f, "inputs", [f.inputs![0], f.inputs![0]]),
      "each input must cover an input slot",
    ],
  ];

  function set(target: Json, key: string, value: unknown): void {
    (target as Record<string, unknown>)[key] = value;
  }

  it.each(damages)("refuses %s", (_, damage, message) => {
    const file = JSON.parse(stringifyProgram(program)) as Json;
    damage(file);
    const parse = () => parseProgram(JSON.stringify(file));
    expect(parse).toThrow(FormatError);
    expect(parse).toThrow(message);
  });

  it("refuses a cut text, with a FormatError", () => {
    const text = stringifyProgram(program);
    fc.assert(fc.property(fc.integer({ min: 0, max: text.length - 1 }), (end) => {
      expect(() => parseProgram(text.slice(0, end))).toThrow(FormatError);
    }));
  });

  it("throws nothing but FormatError on a changed character", () => {
    const text = stringifyProgram(program);
    fc.assert(fc.property(fc.nat(text.length - 1), fc.constantFrom(...'0x"]}{,9-'), (at, put) => {
      try {
        parseProgram(text.slice(0, at) + put + text.slice(at + 1));
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    }));
  });
});
