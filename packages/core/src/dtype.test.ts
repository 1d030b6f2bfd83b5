import { describe, expect, test } from "vitest";
import {
  allocateData,
  bfloat16,
  bool,
  canCast,
  type DType,
  dtypeOf,
  dtypes,
  float16,
  float32,
  float64,
  int32,
  int64,
  promoteTypes,
  resultType,
  scalarDType,
  uint8,
  viewData,
} from "./dtype.ts";
import { DTypeError } from "./errors.ts";

// Made by PyTorch 1.13. Row: first dtype, column: second; digit: code of the answer.
// Codes: 0 bool, 1 uint8, 2 int8, 3 int16, 4 int32, 5 int64, 6 float16, 7 bfloat16, 8 float32, 9 float64.
const promoted = [
  "0123456789",
  "1133456789",
  "2323456789",
  "3333456789",
  "4444456789",
  "5555556789",
  "6666666889",
  "7777778789",
  "8888888889",
  "9999999999",
];
const castable = [
  "1111111111",
  "0111111111",
  "0111111111",
  "0111111111",
  "0111111111",
  "0111111111",
  "0000001111",
  "0000001111",
  "0000001111",
  "0000001111",
];
// result_type(tensor of rank 1, tensor of rank 0)
const withRank0 = [
  "0123456789",
  "1111116789",
  "2222226789",
  "3333336789",
  "4444446789",
  "5555556789",
  "6666666666",
  "7777777777",
  "8888888888",
  "9999999999",
];
// result_type(tensor, True | 2 | 2.5), the same for rank 0 and 1
const withScalar = ["058", "118", "228", "338", "448", "558", "666", "777", "888", "999"];
// result_type(True | 2 | 2.5, True | 2 | 2.5)
const scalars = ["058", "558", "888"];

const values = [true, 2, 2.5] as const;
const rank1 = (dtype: DType): { dtype: DType; shape: number[] } => ({ dtype, shape: [2] });
const rank0 = (dtype: DType): { dtype: DType; shape: number[] } => ({ dtype, shape: [] });

function answer(table: readonly string[], row: number, column: number): DType {
  return dtypes[Number(table[row]![column])]!;
}

/** PyTorch's default integer is int64, ours is int32. */
function withOurInteger(dtype: DType): DType {
  return dtype === int64 ? int32 : dtype;
}

describe("promotion", () => {
  test("promoteTypes: as PyTorch for every pair", () => {
    for (const a of dtypes) {
      for (const b of dtypes) {
        expect(promoteTypes(a, b).name, `${a}, ${b}`).toBe(answer(promoted, a.code, b.code).name);
      }
    }
  });

  test("canCast: as PyTorch for every pair", () => {
    for (const a of dtypes) {
      for (const b of dtypes) expect(canCast(a, b), `${a}, ${b}`).toBe(castable[a.code]![b.code] === "1");
    }
  });

  test("resultType: of two tensors with dimensions is their promotion, and so of two without", () => {
    for (const a of dtypes) {
      for (const b of dtypes) {
        expect(resultType([rank1(a), rank1(b)])).toBe(promoteTypes(a, b));
        expect(resultType([rank0(a), rank0(b)])).toBe(promoteTypes(a, b));
      }
    }
  });

  test("resultType: a tensor of rank 0 counts only when its kind is higher", () => {
    for (const a of dtypes) {
      for (const b of dtypes) {
        const expected = answer(withRank0, a.code, b.code);
        expect(resultType([rank1(a), rank0(b)]).name, `${a}, ${b}`).toBe(expected.name);
        expect(resultType([rank0(b), rank1(a)]).name, `${b}, ${a}`).toBe(expected.name);
      }
    }
  });

  test("resultType: numbers as in PyTorch, but int32 is the default integer", () => {
    for (const a of dtypes) {
      values.forEach((value, i) => {
        const torch = answer(withScalar, a.code, i);
        const expected = a === int64 ? torch : withOurInteger(torch);
        expect(resultType([rank1(a), value]).name, `${a}, ${value}`).toBe(expected.name);
        expect(resultType([value, rank0(a)]).name, `${value}, ${a}`).toBe(expected.name);
      });
    }
    values.forEach((a, i) => {
      values.forEach((b, j) => {
        expect(resultType([a, b])).toBe(withOurInteger(answer(scalars, i, j)));
      });
    });
  });

  test("resultType: ranks and numbers together, and other default floats", () => {
    expect(resultType([rank1(uint8), rank0(int64), 2.5])).toBe(float32);
    expect(resultType([rank1(bool), rank0(float16), 2.5])).toBe(float16);
    expect(resultType([rank1(int32), 2.5], float64)).toBe(float64);
    expect(resultType([rank1(int32), 10n])).toBe(int32);
    expect(resultType([rank1(bool), 10n])).toBe(int64);
    expect(resultType([], bfloat16)).toBe(bfloat16);
  });

  test("scalarDType: by the kind of the value", () => {
    expect(scalarDType(false, float32)).toBe(bool);
    expect(scalarDType(-3, float32)).toBe(int32);
    expect(scalarDType(3n, float32)).toBe(int64);
    expect(scalarDType(0.5, float64)).toBe(float64);
    expect(scalarDType(NaN, float16)).toBe(float16);
    expect(scalarDType(Infinity, float32)).toBe(float32);
  });
});

describe("DType", () => {
  test("dtypes: each at its code, with a name, a size and a printed form", () => {
    expect(dtypes.map((dtype) => dtype.code)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(dtypes.map((dtype) => dtype.itemsize)).toEqual([1, 1, 1, 2, 4, 8, 2, 2, 4, 8]);
    expect(dtypes.map(String)).toEqual(dtypes.map((dtype) => `torch.${dtype.name}`));
    expect(dtypes.map((dtype) => dtype.isSigned)).toEqual(dtypes.map((dtype) => dtype.code > 1));
    expect(dtypes.map((dtype) => dtype.isFloatingPoint)).toEqual(dtypes.map((dtype) => dtype.code > 5));
  });

  test("dtypeOf: by name, by PyTorch's name, by itself", () => {
    for (const dtype of dtypes) {
      expect(dtypeOf(dtype.name)).toBe(dtype);
      expect(dtypeOf(`torch.${dtype.name}`)).toBe(dtype);
      expect(dtypeOf(dtype)).toBe(dtype);
    }
    expect(() => dtypeOf("complex64")).toThrow(DTypeError);
    expect(() => dtypeOf("complex64")).toThrow(
      'Cannot use "complex64" as a dtype: it must be one of bool, uint8, int8, int16, int32, int64, float16, ' +
        "bfloat16, float32, float64",
    );
    expect(() => dtypeOf("constructor")).toThrow(DTypeError);
  });

  test("allocateData: zeros in the storage form", () => {
    for (const dtype of dtypes) {
      const data = allocateData(dtype, 3);
      expect(data.length).toBe(3);
      expect(data.BYTES_PER_ELEMENT).toBe(dtype.itemsize);
      expect([...data].map(Number)).toEqual([0, 0, 0]);
    }
  });

  test("viewData: shares the buffer", () => {
    const buffer = new ArrayBuffer(16);
    const view = viewData(float32, buffer, 4, 2);
    view[1] = 1.5;
    expect([view.length, view.byteOffset]).toEqual([2, 4]);
    expect(new Float32Array(buffer)[2]).toBe(1.5);
    expect(viewData(float16, buffer, 0, 8)).toBeInstanceOf(Uint16Array);
    expect(viewData(int64, buffer, 8, 1)).toBeInstanceOf(BigInt64Array);
  });
});
