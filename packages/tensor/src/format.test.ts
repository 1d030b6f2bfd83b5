import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { dtypeOf, float32, float64, int32, int64, numelOf, ValueError } from "@flambeau/core";
import {
  formatTensor,
  type Printable,
  type PrintOptions,
  printOptions,
  type PrintSuffix,
  setPrintoptions,
} from "./format.ts";

/** One text by PyTorch. The elements are `values`, or `linear: [start, step]`, or booleans that hold at multiples of `mod`. */
interface PrintCase {
  readonly shape: number[];
  readonly dtype: string;
  readonly values?: (number | boolean | string)[];
  readonly linear?: [start: number, step: number];
  readonly mod?: number;
  readonly suffix?: PrintSuffix;
  readonly options?: Omit<PrintOptions, "threshold"> & { threshold?: number };
  readonly text: string;
}

const { cases } = JSON.parse(
  readFileSync(new URL("./testdata/print.json", import.meta.url), "utf8"),
) as { cases: PrintCase[] };

// PyTorch's default integer is int64, ours is int32: the two change places.
const swaps: Record<string, string> = { int64: "int32", int32: "int64" };

function printable({ shape, dtype, values, linear, mod }: PrintCase): Printable {
  const type = dtypeOf(swaps[dtype] ?? dtype);
  const decode = (value: number | boolean | string) => {
    if (dtype === "int64" && typeof value === "string") return BigInt(value); // printed from int32's place
    return typeof value === "string" ? Number(value.replace("inf", "Infinity")) : value;
  };
  const at = (i: number) => {
    if (values) return decode(values[i]!);
    if (mod !== undefined) return i % mod === 0;
    const value = linear![0] + linear![1] * i;
    return dtype === "float32" ? Math.fround(value) : value;
  };
  return { shape, dtype: type, at };
}

const vector = (values: number[], dtype = float32): Printable => ({
  shape: [values.length],
  dtype,
  at: (i) => values[i]!,
});

afterEach(() => setPrintoptions({ profile: "default" }));

describe("formatTensor: the text of PyTorch", () => {
  test("the fixture is as large as it should be", () => expect(cases.length).toBeGreaterThan(450));
  for (const [i, item] of cases.entries()) {
    const title = `${item.dtype}[${item.shape}] ${JSON.stringify(item.options ?? {})} ${
      JSON.stringify(item.suffix ?? {})
    }`;
    test(`${i}: ${title}`, () => {
      const expected = item.text.replace(
        /dtype=torch\.(int32|int64)/g,
        (_, name) => `dtype=torch.${swaps[name]}`,
      );
      expect(formatTensor(printable(item), item.suffix, item.options)).toBe(expected);
    });
  }
});

test("formatTensor: device stands before size and dtype", () => {
  expect(formatTensor(vector([1], float64), { device: "webgpu", gradFn: "AddBackward0" })).toBe(
    "tensor([1.], device='webgpu', dtype=torch.float64, grad_fn=<AddBackward0>)",
  );
  expect(formatTensor({ shape: [0, 3], dtype: int32, at: () => 0 }, { device: "webgpu" })).toBe(
    "tensor([], device='webgpu', size=(0, 3), dtype=torch.int32)",
  );
});

test("formatTensor: the default float is the one that is given", () => {
  expect(formatTensor(vector([1.5], float64), { defaultDtype: float64 })).toBe("tensor([1.5000])");
  expect(formatTensor(vector([1.5]), { defaultDtype: float64 })).toBe(
    "tensor([1.5000], dtype=torch.float32)",
  );
});

test("formatTensor: int64 takes bigints", () => {
  expect(formatTensor({ shape: [2], dtype: int64, at: (i) => i === 0 ? 2n ** 60n : -1n })).toBe(
    "tensor([1152921504606846976,                  -1], dtype=torch.int64)",
  );
});

test("formatTensor: only the shown elements are read", () => {
  const read = new Set<number>();
  const shape = [1000, 1000];
  formatTensor({ shape, dtype: float32, at: (i) => (read.add(i), i) });
  expect(read.size).toBe(36);
  expect(Math.max(...read)).toBe(numelOf(shape) - 1);
});

test("setPrintoptions: changes all texts, and sciMode falls back when left out", () => {
  setPrintoptions({ precision: 2, sciMode: true });
  expect(formatTensor(vector([1.125]))).toBe("tensor([1.12e+00])");
  setPrintoptions({ precision: 3 });
  expect(formatTensor(vector([1.125]))).toBe("tensor([1.125])");
  setPrintoptions({ profile: "short" });
  expect(printOptions).toEqual({ precision: 2, threshold: 1000, edgeitems: 2, linewidth: 80, sciMode: null });
});

test("setPrintoptions: refuses what cannot be", () => {
  expect(() => setPrintoptions({ precision: -1 })).toThrow(ValueError);
  expect(() => setPrintoptions({ edgeitems: 0 })).toThrow("edgeitems must be an integer >= 1, got 0");
  expect(() => setPrintoptions({ profile: "long" as "full" })).toThrow(
    "profile must be default, short or full",
  );
  expect(() => formatTensor(vector([1]), {}, { precision: 1.5 })).toThrow(ValueError);
  expect(printOptions.precision).toBe(4);
});
