import {
  bfloat16,
  bool,
  contiguousStrides,
  type DType,
  float16,
  float32,
  type FusedExpression,
  type FusedOutput,
  type FusedValue,
  int32,
  type KernelName,
  type Operand,
  type Shape,
} from "@flambeau/core";
import { describe, expect, test } from "vitest";
import { Sequence, Step } from "../dispatch.ts";
import { GpuBuffer, Scratch } from "../memory.ts";
import { GpuFusion } from "./fusion.ts";

// The text of a kernel needs no device. After a change that is meant: `deno task test -u fusion`.

const fusion = new GpuFusion({ maxBindingBytes: 2 ** 27 }, 8);

const tensor = (
  shape: Shape,
  dtype: DType = float32,
  strides: Shape = contiguousStrides(shape),
): Operand => ({ buffer: new Scratch(4096), shape, dtype, strides, offset: 0 });

const operand = (x: Operand): FusedValue => ({ kind: "operand", operand: x });
const scalar = (value: number, dtype: DType = float32): FusedValue => ({ kind: "scalar", value, dtype });
const step = (
  name: KernelName,
  inputs: readonly number[],
  dtype: DType = float32,
  attrs: unknown = null,
): FusedValue => ({ kind: "step", name, inputs, attrs, dtype });

/** relu(x · 2 + bias) over rows, and whether it is positive. */
function layer(shape: Shape, dtype: DType): { expression: FusedExpression; outputs: FusedOutput[] } {
  const values = [
    operand(tensor(shape, dtype)),
    scalar(2, dtype),
    step("mul", [0, 1], dtype),
    operand(tensor(shape, dtype, [0, 1])),
    step("add", [2, 3], dtype),
    step("relu", [4], dtype),
    scalar(0, dtype),
    step("gt", [5, 6], bool),
  ];
  return {
    expression: { shape, values },
    outputs: [{ value: 7, target: tensor(shape, bool) }, { value: 5, target: tensor(shape, dtype) }],
  };
}

/** The mean over rows of the squares of x − y, and its root. */
function distance(shape: Shape): { expression: FusedExpression; outputs: FusedOutput[] } {
  const [rows, columns] = shape as [number, number];
  const input = {
    shape,
    values: [
      operand(tensor(shape)),
      operand(tensor(shape, float32, [1, rows])),
      step("sub", [0, 1]),
      step("mul", [2, 2]),
    ],
  };
  const values: FusedValue[] = [
    { kind: "fold", name: "sum", dims: [1], input, strides: [columns, 1], dtype: float32 },
    scalar(columns),
    step("div", [0, 1]),
    step("sqrt", [2]),
  ];
  return {
    expression: { shape: [rows], values },
    outputs: [{ value: 3, target: tensor([rows]) }, { value: 2, target: tensor([rows]) }],
  };
}

const stepOf = ({ expression, outputs }: ReturnType<typeof layer>): Step => {
  const dispatch = fusion.fuse(expression, outputs);
  expect(dispatch).toBeInstanceOf(Step);
  return dispatch as Step;
};

const CASES: Readonly<Record<string, () => Step>> = {
  "fused, rows with a bias, and their signs": () => stepOf(layer([4, 8], float32)),
  "fused, halves are rounded at each step": () => {
    const { expression } = layer([4, 8], bfloat16);
    return stepOf({ expression, outputs: [{ value: 7, target: tensor([4, 8], bool) }] });
  },
  "fused, mean of squares and its root": () => stepOf(distance([6, 50])),
};

for (const [name, make] of Object.entries(CASES)) {
  test(`golden: ${name}`, async () => {
    const { key, source } = make().parts;
    const file = name.replace(/\W+/g, "_");
    await expect(`// ${key}\n${source()}`).toMatchFileSnapshot(`../testdata/${file}.wgsl`);
  });
}

describe("key", () => {
  test("sizes and numbers do not change it, what changes the text does", () => {
    const keyOf = (shape: Shape, dtype: DType = float32): string => stepOf(layer(shape, dtype)).parts.key;
    expect(keyOf([4, 8])).toBe(keyOf([5, 3]));
    expect(keyOf([4, 8])).not.toBe(keyOf([4, 8], float16));
    const timesOf = (value: number, dtype: DType): string => {
      const values = [operand(tensor([9], dtype)), scalar(value, dtype), step("mul", [0, 1], dtype)];
      return stepOf({
        expression: { shape: [9], values },
        outputs: [{ value: 2, target: tensor([9], dtype) }],
      })
        .parts.key;
    };
    expect(timesOf(1, float32)).toBe(timesOf(0.5, float32));
    expect(timesOf(1, float32)).not.toBe(timesOf(1, int32));
  });

  test("one buffer behind two operands is one binding, and another text", () => {
    const x = tensor([9]);
    const make = (y: Operand): Step =>
      stepOf({
        expression: { shape: [9], values: [operand(x), operand(y), step("add", [0, 1]), step("neg", [2])] },
        outputs: [{ value: 3, target: x }],
      });
    expect(make(x).parts.bindings).toHaveLength(1);
    expect(make(tensor([9])).parts.bindings).toHaveLength(2);
    expect(make(x).parts.key).not.toBe(make(tensor([9])).parts.key);
  });
});

test("a long reduction runs in two stages; what follows it is in the second", () => {
  const dispatch = fusion.fuse(distance([1, 100_000]).expression, distance([1, 100_000]).outputs);
  expect(dispatch).toBeInstanceOf(Sequence);
  const [first, second] = (dispatch as Sequence).steps as Step[];
  expect(first!.parts.source()).not.toContain("m_sqrt(");
  expect(second!.parts.source()).toContain("m_sqrt(");
});

test("the driver hears the names of all steps", () => {
  expect(stepOf(distance([6, 50])).parts.op).toBe("sub, mul, sum, div, sqrt");
});

describe("accepts", () => {
  const aval = (dtype: DType, ...shape: number[]) => ({ dtype, shape });
  test("what cannot fail, within the limits of a binding", () => {
    const x = aval(float32, 10);
    expect(fusion.accepts("add", [x, x], x, null)).toBe(true);
    expect(fusion.accepts("matmul", [x, x], x, null)).toBe(true);
    expect(fusion.accepts("cumsum", [x], x, { dim: 0 })).toBe(false);
    const large = aval(float32, 2 ** 26);
    expect(fusion.accepts("add", [large, large], large, null)).toBe(false);
    const whole = aval(int32, 10);
    expect(fusion.accepts("floorDivide", [whole, whole], whole, null)).toBe(false);
    expect(fusion.accepts("floorDivide", [x, x], x, null)).toBe(true);
    expect(fusion.accepts("clamp", [whole], whole, { min: 0.5, max: null })).toBe(false);
  });

  test("memory beyond a binding is refused, for a kernel that does it in pieces", () => {
    const memory = { id: 1, gpu: null as unknown as GPUBuffer, capacity: 2 ** 28, epoch: 0, failed: false };
    const x: Operand = { ...tensor([9]), buffer: new GpuBuffer(36, memory) };
    const expression = { shape: [9], values: [operand(x), step("neg", [0]), step("exp", [1])] };
    expect(fusion.fuse(expression, [{ value: 2, target: tensor([9]) }])).toBeNull();
  });
});
