import {
  bfloat16,
  bool,
  type DType,
  float16,
  float16ToBits,
  float32,
  inputDTypes,
  int16,
  int32,
  int8,
  uint8,
} from "@flambeau/core";
import { expect, test } from "vitest";
import { describeGpu, device, expectSame, integers, noise, results } from "./test_support.ts";

const SPECIAL = [
  NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  2,
  -2,
  1e-30,
  3.4e38,
  -3.4e38,
  88,
  -88,
  100,
  -104,
];
const UNARY = [
  ...[
    "neg",
    "abs",
    "sign",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sqrt",
    "rsqrt",
    "reciprocal",
  ],
  ...[
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "erf",
    "erfc",
  ],
  ...[
    "erfinv",
    "erfcx",
    "lgamma",
    "digamma",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "ndtri",
    "logNdtr",
    "floor",
    "ceil",
    "round",
  ],
  ...["trunc", "sigmoid", "relu", "logicalNot", "bitwiseNot", "isnan", "isinf", "signbit"],
] as ("exp")[];
const BINARY = [
  ...[
    "add",
    "sub",
    "mul",
    "div",
    "floorDivide",
    "truncDivide",
    "remainder",
    "fmod",
    "pow",
    "maximum",
    "minimum",
  ],
  ...[
    "atan2",
    "hypot",
    "copysign",
    "nextafter",
    "igamma",
    "igammac",
    "zeta",
    "gcd",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
  ],
  ...["bitwiseAnd", "bitwiseOr", "bitwiseXor", "leftShift", "rightShift"],
] as ("add")[];
/** Those whose results are exact in float32. */
const EXACT = new Set([
  ...[
    "neg",
    "abs",
    "sign",
    "floor",
    "ceil",
    "round",
    "trunc",
    "relu",
    "logicalNot",
    "isnan",
    "isinf",
    "signbit",
  ],
  ...["add", "sub", "mul", "floorDivide", "remainder", "fmod", "maximum", "minimum", "copysign", "nextafter"],
  ...["eq", "ne", "lt", "le", "gt", "ge"],
]);
/** Those that lose more than a few units of the last place, near their zeros or by their condition. */
const LOOSE: Readonly<Record<string, { rtol: number; atol: number }>> = {
  lgamma: { rtol: 4e-6, atol: 2e-6 },
  digamma: { rtol: 4e-6, atol: 2e-6 },
  erfcx: { rtol: 4e-6, atol: 1e-37 }, // denormals may be lost
  igamma: { rtol: 2e-5, atol: 1e-6 },
  igammac: { rtol: 2e-5, atol: 1e-6 },
  zeta: { rtol: 4e-6, atol: 0 },
  logNdtr: { rtol: 8e-6, atol: 1e-37 },
  tan: { rtol: 4e-6, atol: 0 },
};
const INTS: [DType, number, number][] = [
  [int32, -(2 ** 31), 2 ** 31 - 1],
  [int16, -32768, 32767],
  [int8, -128, 127],
  [uint8, 0, 255],
  [bool, 0, 1],
];

describeGpu("pointwise", () => {
  for (const name of UNARY) {
    test(`${name}: float32 as the reference, with NaN, infinities and -0`, async () => {
      if (!inputDTypes[name].dtypes.includes(float32)) {
        return expect(inputDTypes[name].label).toContain("bool");
      }
      const values = [
        ...SPECIAL,
        ...noise(60, 1),
        ...noise(60, 2, 10),
        ...noise(30, 3, 80),
        ...noise(30, 4, 5000),
      ];
      const tolerance = EXACT.has(name) ? {} : LOOSE[name] ?? { rtol: 2e-6, atol: 1e-37 };
      await expectSame(name, [{ values, shape: [values.length] }], null, tolerance);
    });
  }
  for (const name of BINARY) {
    test(`${name}: float32 as the reference, with NaN, infinities and -0`, async () => {
      if (!inputDTypes[name].dtypes.includes(float32)) {
        return expect(inputDTypes[name].label).toContain("integer");
      }
      const some = [NaN, Infinity, -Infinity, 0, -0, 1, -1, 0.5, -2, 3, 7.5];
      const positive = /^igamma/.test(name);
      const xs = [
        ...some.flatMap((x) => some.map(() => x)),
        ...noise(100, 1, 4).map((x) => positive ? Math.abs(x) : x),
      ];
      const ys = [...some.flatMap(() => some), ...noise(100, 2, 3).map((y) => positive ? Math.abs(y) : y)];
      const tolerance = EXACT.has(name) ? {} : LOOSE[name] ?? { rtol: 2e-6, atol: 1e-37 };
      await expectSame(
        name,
        [{ values: xs, shape: [xs.length] }, { values: ys, shape: [ys.length] }],
        null,
        tolerance,
      );
    });
  }
  for (const [dtype, low, high] of INTS) {
    test(`${dtype.name}: every pointwise primitive wraps and divides as the reference`, async () => {
      const values = [
        low,
        high,
        0,
        1,
        ...integers(50, low, high, 5),
        ...integers(40, Math.max(low, -9), Math.min(high, 9), 6),
      ];
      const y = integers(values.length, Math.max(low, -7), Math.min(high, 7), 8);
      const nonzero = y.map((v) => v === 0 ? 3 : v);
      const n = values.length;
      for (const name of UNARY) {
        if (!inputDTypes[name].dtypes.includes(dtype)) continue;
        await expectSame(name, [{ values, shape: [n], dtype }], null);
      }
      for (const name of BINARY) {
        if (!inputDTypes[name].dtypes.includes(dtype)) continue;
        const divisor = ["floorDivide", "truncDivide", "remainder", "fmod"].includes(name) ? nonzero : y;
        await expectSame(name, [{ values, shape: [n], dtype }, { values: divisor, shape: [n], dtype }], null);
      }
    });
  }
  test("pow: within a few units of the last place over the whole range", async () => {
    const xs = noise(200, 11, 40).map((x) => Math.abs(x) + 1e-3);
    await expectSame(
      "pow",
      [{ values: xs, shape: [200] }, { values: noise(200, 12, 20), shape: [200] }],
      null,
      {
        rtol: 1e-6,
        atol: 1e-37,
      },
    );
  });
  test("integer division by zero throws at the next read", async () => {
    const specs = [{ values: [1, 2], shape: [2], dtype: int32 }, {
      values: [1, 0],
      shape: [2],
      dtype: int32,
    }];
    await expect(results(device, "floorDivide", specs, null)).rejects.toThrow(
      "Cannot divide int32[2] by zero",
    );
    await expectSame("floorDivide", [specs[0]!, specs[0]!], null);
  });
  test("strides, offsets and broadcasting on both sides", async () => {
    const x = { values: noise(24), shape: [2, 3, 4], strides: [1, 8, 2], offset: 3 };
    const y = { values: noise(3, 2), shape: [3, 1] };
    await expectSame("mul", [x, y], null);
    await expectSame("mul", [x, y], null, { layouts: [{ strides: [24, 2, 6], offset: 5 }] });
  });
  test("packed results at any offset leave their neighbours alone", async () => {
    for (const dtype of [bool, int8, int16]) {
      for (const offset of [0, 1, 2, 3, 4, 5]) {
        const x = { values: integers(7, 0, 1, offset + 1), shape: [7], dtype, offset: 3 };
        await expectSame("bitwiseNot", [x], null, { layouts: [{ strides: [1], offset }] });
        await expectSame("bitwiseNot", [x], null, { layouts: [{ strides: [3], offset }] });
      }
    }
  });
  test("in place: the result takes the memory of an input", async () => {
    await expectSame("exp", [{ values: noise(9), shape: [9] }], null, { inPlace: 0, rtol: 1e-6 });
    await expectSame("sub", [{ values: noise(9), shape: [9] }, { values: noise(9, 2), shape: [9] }], null, {
      inPlace: 1,
    });
    await expectSame("bitwiseNot", [{ values: [1, 0, 1, 1, 0], shape: [5], dtype: bool, offset: 1 }], null, {
      inPlace: 0,
    });
    await expectSame(
      "neg",
      [{ values: [1, 0, 5, 7, 9, 2], shape: [2, 3], dtype: int8, strides: [1, 2] }],
      null,
      { inPlace: 0 },
    );
  });
  test("halves are rounded to nearest even", async () => {
    const bits = noise(64, 5, 50).map(float16ToBits);
    const specs = [{ values: bits, shape: [64], dtype: float16 }, {
      values: bits.slice().reverse(),
      shape: [64],
      dtype: float16,
    }];
    await expectSame("mul", specs, null);
    await expectSame("add", specs, null);
    const half = noise(64, 6, 3).map((x) => new Uint32Array(new Float32Array([x]).buffer)[0]! >>> 16);
    await expectSame("mul", [{ values: half, shape: [64], dtype: bfloat16 }, {
      values: half,
      shape: [64],
      dtype: bfloat16,
    }], null);
  });
  test("more than 65535 workgroups", async () => {
    const n = 65536 * 256 + 77;
    const buffer = device.allocate(n);
    const x = { buffer, shape: [n], dtype: uint8, strides: [1], offset: 0 };
    device.run(device.kernels.full([], x, { shape: [n], value: 3, dtype: uint8 })!);
    const bytes = await device.read(buffer, n - 8, 8);
    expect([...bytes]).toEqual(new Array(8).fill(3));
    device.free(buffer);
  });
});
