import { createReferenceBackend } from "@flambeau/reference";
import { Evaluator } from "@flambeau/testing";
import {
  type Attrs,
  bfloat16,
  type Bind,
  type DType,
  dtypeOf,
  float16,
  float32,
  float64,
  type FusedName,
  inferAll,
  type Operand,
  type Shape,
  viewData,
} from "@flambeau/core";
import { afterEach, describe, expect, it } from "vitest";
import { decompositions } from "./decompose.ts";
import data from "./testdata/decompose.json" with { type: "json" };

/** A tensor as the file of cases holds it; see make_decompose.py beside it. */
interface Stored {
  readonly dtype: string;
  readonly shape: Shape;
  readonly data: readonly (number | string)[];
}

interface Case {
  readonly primitive: FusedName;
  readonly attrs: Readonly<Record<string, unknown>> | null;
  readonly inputs: readonly Stored[];
  readonly outputs: readonly Stored[];
}

const cases = data as unknown as readonly Case[];
const evaluator = new Evaluator(createReferenceBackend());
afterEach(() => evaluator.dispose());

/** What may differ from the truth, relative to the larger of 1 and the expected value. */
const TOLERANCE: ReadonlyMap<DType, number> = new Map([
  [float64, 2e-13],
  [float32, 2e-5],
  [float16, 2 ** -11], // half a unit: one rounding
  [bfloat16, 2 ** -8],
]);

type Decompose = (
  bind: Bind<Operand>,
  inputs: readonly Operand[],
  attrs: unknown,
) => Operand | readonly Operand[];

/** Runs a decomposition, and holds its results to the shape rule and to being contiguous. */
function run(primitive: FusedName, inputs: readonly Operand[], attrs: unknown): readonly Operand[] {
  const made = (decompositions[primitive] as Decompose)(evaluator.bind, inputs, attrs);
  const outputs = Array.isArray(made) ? made as readonly Operand[] : [made as Operand];
  const types = inferAll(primitive, inputs, attrs as Attrs<FusedName>);
  expect(outputs.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(
    types.map(({ shape, dtype }) => ({ shape, dtype })),
  );
  for (const output of outputs) expect(inputs.map((x) => x.buffer)).not.toContain(output.buffer);
  return outputs;
}

function put({ dtype, shape, data }: Stored): Operand {
  const type = dtypeOf(dtype);
  const values = viewData(type, new ArrayBuffer(data.length * type.itemsize), 0, data.length);
  data.forEach((value, i) => values[i] = Number(value));
  return evaluator.put(values, shape, type);
}

/** The same tensor with its elements in column-major order, `gap` of them before the first. */
function scramble(x: Operand): Operand {
  const dims = x.shape.map((_, i) => x.shape.length - 1 - i);
  const low = x.shape.map((_, i) => i === 0 ? 1 : 0);
  const padded = evaluator.bind("pad", [x], { low, high: low.map(() => 0), value: 7 });
  const turned = evaluator.bind("copy", [evaluator.bind("permute", [padded], { dims })], null);
  const back = evaluator.bind("permute", [turned], { dims });
  return evaluator.bind("slice", [back], { starts: low, stops: padded.shape, steps: low.map(() => 1) });
}

function cast(x: Operand, dtype: DType): Operand {
  return x.dtype === dtype ? x : evaluator.bind("cast", [x], { dtype });
}

async function numbers(x: Operand): Promise<number[]> {
  return Array.from(await evaluator.get(cast(x, float64)) as Float64Array);
}

async function expectClose(actual: Operand, expected: readonly number[], tolerance: number): Promise<void> {
  const values = await numbers(actual);
  expect(values.length).toBe(expected.length);
  expected.forEach((value, i) => {
    const got = values[i]!;
    const close = Object.is(got, value) || got === value ||
      Math.abs(got - value) <= tolerance * Math.max(1, Math.abs(value));
    expect(close, `element ${i}: ${got} for ${value}`).toBe(true);
  });
}

const titled = cases.map((row, i) => ({
  ...row,
  title: `${i} ${row.primitive}(${row.inputs.map(({ shape }) => `[${shape}]`).join(", ")})`,
}));

describe("decompositions agree with PyTorch", () => {
  it("for every fused primitive", () => {
    expect([...new Set(cases.map(({ primitive }) => primitive))].sort()).toEqual(
      Object.keys(decompositions).sort(),
    );
  });

  it.each(titled)("$title", async ({ primitive, attrs, inputs, outputs }) => {
    for (const place of [(x: Operand) => x, scramble]) {
      const made = run(primitive, inputs.map((x) => x.shape.length === 0 ? put(x) : place(put(x))), attrs);
      expect(made.length).toBe(outputs.length);
      for (const [i, x] of made.entries()) {
        await expectClose(x, outputs[i]!.data.map(Number), TOLERANCE.get(float64)!);
      }
    }
  });
});

describe.each([float32, float16, bfloat16])("decompositions in %s", (dtype) => {
  it.each(titled)("$title: as float64 on the same inputs, rounded", async ({ primitive, attrs, inputs }) => {
    const given = inputs.map((x) => put(x)).map((x) => x.dtype === float64 ? cast(x, dtype) : x);
    const exact = run(primitive, given.map((x) => x.dtype === dtype ? cast(x, float64) : x), attrs);
    for (const [i, x] of run(primitive, given, attrs).entries()) {
      await expectClose(x, await numbers(exact[i]!), TOLERANCE.get(dtype)!);
    }
  });
});
