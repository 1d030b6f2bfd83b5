import {
  type Backend,
  bool,
  type DType,
  float32,
  float64,
  int32,
  int64,
  int8,
  type Operand,
  type Shape,
  uint8,
} from "@flambeau/core";
import { expect, test } from "vitest";
import { devices, empty, type Layout, noise, operand, oracle, run, ulps, values } from "./test_support.ts";

const LENGTHS = [1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 100];
const SPECIAL = [NaN, Infinity, -Infinity, 0, -0, 1, -1, 0.5, 1e-40, -1e-40, 3e38, -3e38, 1e-30, 100, -100];

type Unary = "neg" | "exp";
type Binary = "add" | "eq";

function unary(
  name: string,
  x: readonly number[],
  shape: Shape,
  dtype: DType,
  outType: DType,
  layout: Layout,
) {
  return devices.map(([build, device]) => {
    const out = empty(device, shape, outType);
    expect(run(device, name as Unary, [operand(device, x, shape, dtype, layout)], out, null), build).toBe(
      true,
    );
    return values(device, out);
  });
}

function want(name: string, inputs: readonly Operand[], shape: Shape, dtype: DType): number[] {
  const out = empty(oracle, shape, dtype);
  expect(run(oracle, name as Unary, inputs as [Operand], out, null)).toBe(true);
  return values(oracle, out);
}

const MATH: Readonly<Record<string, readonly number[]>> = {
  erf: [1e-20, 1e-3, 0.3, 0.9, 0.99, 1.01, 1.5, 2, 3, 3.9, 4, 5, 10, -0.5, -2],
  erfc: [-5, -1, -0.1, 1e-10, 0.1, 0.5, 1, 2, 3, 5, 8, 9, 9.9, 10.1, 11, 30],
  exp: [-110, -104, -103, -90, -88, -87, -10, -1, -1e-5, 1e-5, 0.3, 1, 10, 80, 88.7, 88.73, 90, 1000, -1000],
  log: [
    1e-45,
    1e-39,
    1e-30,
    0.5,
    0.7,
    0.7071,
    0.99999,
    1.00001,
    1.41421,
    1.4143,
    2,
    10,
    1e10,
    3.4e38,
    -1,
    -1e-40,
  ],
  tanh: [1e-20, 1e-4, 0.1, 0.5, 0.62, 0.63, 1, 3, 8, 9, 10, 50, -0.3, -2],
  sigmoid: [-120, -103, -90, -88, -20, -3, -0.1, 0.1, 3, 20, 100],
  exp2: [-151, -149, -130, -126.5, -1.5, -0.1, 0.2, 0.5, 3, 127.9, 128, 300, -300],
  expm1: [-100, -20, -1, -0.1, -1e-4, -1e-6, -1e-20, 1e-20, 1e-6, 1e-3, 0.1, 1, 20, 88.7, 89],
  log2: [1e-45, 1e-39, 0.5, 0.99, 1.01, 2, 3, 8, 1e30, -3],
  log10: [1e-45, 0.1, 0.99, 1.01, 10, 1000, 1e30, -3],
  log1p: [-1, -0.999, -0.5, -1e-4, -1e-20, 1e-20, 1e-8, 1e-3, 0.5, 3, 1e10, 3e38, -2],
  sin: [1e-20, 0.1, 0.78, 0.79, 1.57, 3.14159, 6.28, 100, 12345.678, 1e6, 1.5e6, 1e10, 3e38, -7, -1e9, 2.1e9],
  cos: [1e-20, 0.1, 0.78, 0.79, 1.57, 3.14159, 6.28, 100, 12345.678, 1e6, 1.5e6, 1e10, 3e38, -7, -1e9, 2.1e9],
  tan: [1e-20, 0.1, 0.78, 0.79, 1.57, 3.14159, 6.28, 100, 12345.678, 1e6, -7, -1.5, 1e10, 3e20],
  asin: [-1, -0.999, -0.5, -1e-20, 1e-20, 0.1, 0.7, 0.99999, 1, 1.1],
  acos: [-1, -0.999, -0.5, -1e-20, 1e-20, 0.1, 0.7, 0.99999, 1, 1.1],
  atan: [-1e30, -5, -1, -0.3, 1e-20, 0.1, 0.9, 1, 1.1, 7, 1e30],
  sinh: [-80, -3, -0.1, 1e-20, 1e-5, 0.1, 1, 20, 88, 89.4, 90],
  cosh: [-80, -3, -0.1, 1e-20, 1e-5, 0.1, 1, 20, 88, 89.4, 90],
  asinh: [-3e38, -3, -0.1, 1e-20, 1e-5, 0.1, 1, 20, 1e20],
  acosh: [0.5, 1, 1.0000001, 1.1, 2, 20, 1e20, 3e38],
  atanh: [-1, -0.999, -0.1, 1e-20, 1e-5, 0.1, 0.9, 0.9999999, 1, 1.5],
  sqrt: [1e-45, 2, 1e30, -1],
  rsqrt: [1e-39, 2, 1e30, -1],
  reciprocal: [1e-39, 2, 1e30, -1],
};

for (const [name, points] of Object.entries(MATH)) {
  test(`${name}: within 2 ulp of float64, with NaN, infinities, −0 and denormals`, () => {
    const wide = Array.from(noise(400, 3), (v, i) => v * [1, 5, 30, 300][i & 3]!);
    const x = [...SPECIAL, ...points, ...wide].map(Math.fround);
    const expected = want(name, [operand(oracle, x, [x.length], float64)], [x.length], float64);
    for (const got of unary(name, x, [x.length], float32, float32, {})) {
      x.forEach((v, i) => {
        const error = ulps(got[i]!, expected[i]!);
        expect(error, `${name}(${v}) = ${got[i]}, exactly ${expected[i]}`).toBeLessThanOrEqual(2);
        if (expected[i] === 0) expect(Object.is(got[i], expected[i]), `sign of ${name}(${v})`).toBe(true);
      });
    }
  });
}

const INT_VALUES = [0, 1, 2, 3, 5, 7, 100, 120, 127, 4, 9, 11, 33, 64, 99, 17];

for (
  const name of [
    "neg",
    "abs",
    "sign",
    "floor",
    "ceil",
    "round",
    "trunc",
    "bitwiseNot",
    "logicalNot",
    "isnan",
    "isinf",
    "signbit",
  ]
) {
  test(`${name}: as the reference for every dtype and length`, () => {
    for (const dtype of [float32, float64, int32, int64, int8, uint8]) {
      if (!dtype.isFloatingPoint && ["floor", "ceil", "round", "trunc", "isnan", "isinf"].includes(name)) {
        continue;
      }
      if (dtype.isFloatingPoint && name === "bitwiseNot") continue;
      if (dtype.itemsize === 1 && name === "signbit") continue;
      const outType = ["logicalNot", "isnan", "isinf", "signbit"].includes(name) ? bool : dtype;
      for (const n of LENGTHS) {
        const x = Array.from(
          { length: n },
          (_, i) =>
            dtype.isFloatingPoint
              ? Math.fround([...SPECIAL, 0.5, 1.5, 2.5, -0.5, -1.5][(i * 7 + n) % 20]!)
              : INT_VALUES[i % 16]! * (dtype.isSigned && i % 2 ? -1 : 1),
        );
        const expected = want(name, [operand(oracle, x, [n], dtype)], [n], outType);
        for (const layout of [{}, { offset: 3 }, { strides: [2], offset: 1 }, { strides: [-1], offset: n }]) {
          for (const got of unary(name, x, [n], dtype, outType, layout)) expect(got).toEqual(expected);
        }
      }
    }
  });
}

const BINARIES = [
  "add",
  "sub",
  "mul",
  "div",
  "maximum",
  "minimum",
  "eq",
  "ne",
  "lt",
  "le",
  "gt",
  "ge",
  "bitwiseAnd",
  "bitwiseOr",
  "bitwiseXor",
];
/** Shapes and strides of two operands and of the result. */
const PAIRS: readonly (readonly [Shape, Layout, Shape, Layout, Shape])[] = [
  ...LENGTHS.map((n) => [[n], {}, [n], {}, [n]] as const),
  [[33], { offset: 5 }, [33], { offset: 2 }, [33]],
  [[33], {}, [], {}, [33]],
  [[], {}, [33], {}, [33]],
  [[5, 17], {}, [17], {}, [5, 17]],
  [[5, 17], {}, [5, 1], {}, [5, 17]],
  [[5, 1], {}, [1, 17], {}, [5, 17]],
  [[5, 17], { strides: [1, 5] }, [5, 17], {}, [5, 17]],
  [[3, 4, 5], { strides: [1, 3, 12] }, [3, 4, 5], { strides: [20, -5, 1], offset: 15 }, [3, 4, 5]],
  [[2, 3, 4, 5], {}, [3, 1, 5], {}, [2, 3, 4, 5]],
  [[100, 3], {}, [3], {}, [100, 3]],
  [[2, 2, 2, 2, 2], { strides: [1, 2, 4, 8, 16] }, [2, 1, 2, 1, 2], {}, [2, 2, 2, 2, 2]],
];

for (const name of BINARIES) {
  test(`${name}: as the reference for every dtype, broadcast and stride`, () => {
    const truth = ["eq", "ne", "lt", "le", "gt", "ge"].includes(name);
    for (const dtype of [float32, float64, int32, int64, int8, uint8, bool]) {
      if (dtype.isFloatingPoint ? name.startsWith("bitwise") : name === "div") continue;
      if (dtype === bool && name === "sub") continue;
      const outType = truth ? bool : dtype;
      for (const [xs, xl, ys, yl, os] of PAIRS) {
        const pick = (n: number, seed: number): number[] =>
          Array.from({ length: n }, (_, i) => {
            if (dtype === bool) return (i * seed >> 1) & 1;
            if (!dtype.isFloatingPoint) return INT_VALUES[(i * seed + 3) % 16]! % 12;
            return Math.fround([...SPECIAL, 2, 3, 4][(i * seed) % 18]!);
          });
        const size = (s: Shape): number => s.reduce((a, b) => a * b, 1);
        const [x, y] = [pick(size(xs), 7), pick(size(ys), 5)];
        const expected = want(
          name,
          [operand(oracle, x, xs, dtype), operand(oracle, y, ys, dtype)],
          os,
          outType,
        );
        for (const [build, device] of devices) {
          const out = empty(device, os, outType);
          const inputs = [operand(device, x, xs, dtype, xl), operand(device, y, ys, dtype, yl)] as const;
          expect(run(device, name as Binary, inputs, out, null), build).toBe(true);
          expect(values(device, out), `${name} ${dtype.name} ${JSON.stringify([xs, xl, ys, yl])}`).toEqual(
            expected,
          );
        }
      }
    }
  });
}

for (const name of ["leftShift", "rightShift"] as const) {
  test(`${name}: as the reference, by less than nothing and by more than the width too`, () => {
    const all = [0, 1, -1, 5, 12345678, -12345678, 2147483647, -2147483648];
    const shifts = [0, 1, 2, 7, 31, 32, 33, 63, 64, 100, -1, -31, -2147483648];
    for (const dtype of [int32, int64]) {
      const grid = all.flatMap((x) => shifts.map((y) => [x, y] as const));
      const n = grid.length;
      const pairs: (readonly [readonly number[], Shape, readonly number[], Shape, Shape])[] = [
        [grid.map(([x]) => x), [n], grid.map(([, y]) => y), [n], [n]],
        ...shifts.map((y) => [all, [all.length], [y], [], [all.length]] as const),
        [all, [all.length, 1], shifts, [1, shifts.length], [all.length, shifts.length]],
      ];
      for (const [x, xs, y, ys, os] of pairs) {
        const expected = want(
          name,
          [operand(oracle, x, xs, dtype), operand(oracle, y, ys, dtype)],
          os,
          dtype,
        );
        for (const [build, device] of devices) {
          const out = empty(device, os, dtype);
          const inputs = [operand(device, x, xs, dtype), operand(device, y, ys, dtype)] as const;
          expect(run(device, name, inputs, out, null), build).toBe(true);
          expect(values(device, out), `${build} ${dtype.name} ${y}`).toEqual(expected);
        }
      }
    }
  });
}

for (const name of ["floorDivide", "truncDivide", "remainder", "fmod"] as const) {
  test(`${name}: as the reference for every dtype, broadcast and stride; no integer by 0`, () => {
    const floats = [...SPECIAL, 2, 3, -3, 7.5, -0.3, 1e9, 16777216, -7, 0.1, 1e-3, 5e8, 2147483648, 1e20];
    const ints = [1, -1, 2, 3, -3, 7, -7, 100, -2147483648, 2147483647, -2147483647, 12];
    for (const dtype of [float32, float64, int32, int64]) {
      const all = dtype.isFloatingPoint ? floats.map(Math.fround) : ints;
      const grid = all.flatMap((x) => all.map((y) => [x, y] as const));
      const pairs: (readonly [readonly number[], Shape, Layout, readonly number[], Shape, Layout, Shape])[] =
        [
          [grid.map(([x]) => x), [grid.length], {}, grid.map(([, y]) => y), [grid.length], {}, [grid.length]],
          ...all.map((y) => [all, [all.length], {}, [y], [], {}, [all.length]] as const),
          ...all.map((x) => [[x], [], {}, all, [all.length], {}, [all.length]] as const),
          [grid.map(([x]) => x), [all.length, all.length], { strides: [1, all.length] }, all, [all.length], {
            strides: [-1],
            offset: all.length,
          }, [all.length, all.length]],
        ];
      for (const [x, xs, xl, y, ys, yl, os] of pairs) {
        const expected = want(
          name,
          [operand(oracle, x, xs, dtype), operand(oracle, y, ys, dtype)],
          os,
          dtype,
        );
        for (const [build, device] of devices) {
          const out = empty(device, os, dtype);
          run(
            device,
            name,
            [operand(device, x, xs, dtype, xl), operand(device, y, ys, dtype, yl)],
            out,
            null,
          );
          values(device, out).forEach((got, i) => {
            const label = `${build} ${dtype.name} ${name} of ${x[i % x.length]}, ${y[i % y.length]}`;
            if (dtype === float32 && Number.isFinite(expected[i])) {
              expect(ulps(got, expected[i]!), label).toBeLessThanOrEqual(1);
              if (got === 0) expect(Object.is(got, expected[i]), label).toBe(true);
            } else expect(got, label).toBe(expected[i]);
          });
        }
      }
      if (dtype.isFloatingPoint) continue;
      for (const [, device] of devices) {
        for (const divisors of [[1, 2, 0, 3], [0]]) {
          const x = operand(device, [1, 2, 3, 4], [4], dtype);
          const y = operand(device, divisors, [divisors.length], dtype);
          expect(() => run(device, name, [x, y], empty(device, [4], dtype), null)).toThrow(
            `Cannot divide ${dtype.name}[4] by zero`,
          );
        }
        const none = operand(device, [], [0], dtype);
        run(device, name, [none, operand(device, [0], [], dtype)], empty(device, [0], dtype), null);
      }
    }
  });
}

test("remainder, fmod: exact for every quotient, as in float64", () => {
  const x = Array.from(noise(4000, 3), (v, i) => Math.fround(v * 10 ** (i % 24 - 8)));
  const y = Array.from(noise(4000, 4), (v, i) => Math.fround(v * 10 ** (i % 11 - 5)));
  // Quotients that lie next to integers.
  x.forEach((_, i) => {
    if (i % 3 === 0) x[i] = Math.fround(y[i]! * Math.round(x[i]! / y[i]!));
  });
  for (const [build, device] of devices) {
    const inputs = [operand(device, x, [4000]), operand(device, y, [4000])] as const;
    for (const name of ["fmod", "remainder"] as const) {
      const out = empty(device, [4000]);
      run(device, name, inputs, out, null);
      values(device, out).forEach((got, i) => {
        const rest = x[i]! % y[i]!;
        const other = name === "remainder" && rest !== 0 && (rest < 0) !== (y[i]! < 0);
        const exact = Math.fround(other ? rest + y[i]! : rest);
        expect(Object.is(got, exact), `${build} ${name} of ${x[i]}, ${y[i]}: ${got}, ${exact}`).toBe(true);
      });
    }
  }
});

test("atan2: within 2 ulp of float64 in all quadrants, and C's special cases", () => {
  const all = [...SPECIAL, 2, -3, 1e-20, -1e20, 0.3, -0.7, 1e-45].map(Math.fround);
  const pairs = all.flatMap((x) => all.map((y) => [x, y] as const));
  noise(4000, 9).forEach((v, i, list) => pairs.push([v, list[(i * 7 + 1) % list.length]!]));
  for (const [build, device] of devices) {
    const n = pairs.length;
    const out = empty(device, [n]);
    const inputs = [0, 1].map((k) => operand(device, pairs.map((pair) => pair[k]!), [n])) as [
      Operand,
      Operand,
    ];
    run(device, "atan2", inputs, out, null);
    values(device, out).forEach((got, i) => {
      const [a, b] = pairs[i]!;
      const exact = Math.atan2(a, b);
      const label = `${build} atan2(${a}, ${b}) = ${got}, exactly ${exact}`;
      if (Number.isNaN(exact)) expect(got, label).toBeNaN();
      else expect(ulps(got, exact), label).toBeLessThanOrEqual(2);
      if (exact === 0) expect(Object.is(got, exact), label).toBe(true);
    });
  }
});

test("add: in place, and into a strided output", () => {
  for (const [, device] of devices) {
    const x = operand(device, noise(37), [37]);
    const y = operand(device, noise(37, 2), [37]);
    const expected = values(device, x).map((v, i) => Math.fround(v + values(device, y)[i]!));
    run(device, "add", [x, y], x, null);
    expect(values(device, x)).toEqual(expected);
    const out = empty(device, [5, 7], float32, { strides: [1, 6], offset: 2 });
    const z = operand(device, noise(35), [5, 7]);
    run(device, "add", [z, z], out, null);
    expect(values(device, out)).toEqual(values(device, z).map((v) => Math.fround(v + v)));
  }
});

test("where: chooses by bits for every element size and broadcast", () => {
  for (const [, device] of devices) {
    for (const dtype of [float32, float64, int32, int64, uint8, bool]) {
      for (
        const [cs, xs, ys] of [
          ...[[[35], [35], [35]], [[35], [], [35]], [[35], [35], []], [[35], [], []]],
          [[5, 1], [7], [5, 7]],
        ] as Shape[][]
      ) {
        const size = (s: Shape): number => s.reduce((a, b) => a * b, 1);
        const shape = cs!.length === 2 ? [5, 7] : [35];
        const c = Array.from({ length: size(cs!) }, (_, i) => (i * 5 >> 2) & 1);
        const x = Array.from({ length: size(xs!) }, (_, i) => dtype === bool ? i & 1 : i % 100);
        const y = Array.from({ length: size(ys!) }, (_, i) => dtype === bool ? 0 : 100 + i % 20);
        const make = (d: typeof oracle): Operand[] => [
          operand(d, c, cs!, bool),
          operand(d, x, xs!, dtype),
          operand(d, y, ys!, dtype),
        ];
        const [out, ref] = [empty(device, shape, dtype), empty(oracle, shape, dtype)];
        run(device, "where", make(device) as [Operand, Operand, Operand], out, null);
        run(oracle, "where", make(oracle) as [Operand, Operand, Operand], ref, null);
        expect(values(device, out)).toEqual(values(oracle, ref));
      }
    }
  }
});

test("relu: as PyTorch, −0 and NaN pass", () => {
  const x = [...SPECIAL, 2, 3].map(Math.fround);
  for (const dtype of [float32, float64]) {
    for (const got of unary("relu", x, [x.length], dtype, dtype, {})) {
      expect(got).toEqual(x.map((v) => v < 0 ? 0 : v));
    }
  }
});

test("pow: within 2 ulp of float64, and C's special cases", () => {
  const bases = [0, -0, 1, -1, 0.5, 2, -2, 3.7, -3, 1e-40, 1e30, Infinity, -Infinity, NaN, 0.999, 1.001];
  const exponents = [0, -0, 1, -1, 2, 3, -3, 0.5, 1.7, 30, -31, 1000, Infinity, -Infinity, NaN, 33554432];
  const pairs = bases.flatMap((x) => exponents.map((y) => [Math.fround(x), y] as const));
  for (const [, device] of devices) {
    const n = pairs.length;
    const [x, y] = [0, 1].map((i) => operand(device, pairs.map((pair) => pair[i]!), [n])) as [
      Operand,
      Operand,
    ];
    const out = empty(device, [n]);
    run(device, "pow", [x, y], out, null);
    values(device, out).forEach((got, i) => {
      const [a, b] = pairs[i]!;
      // JavaScript has NaN where C and PyTorch have 1.
      const want = a === 1 || (Math.abs(a) === 1 && !Number.isFinite(b) && !Number.isNaN(b)) ? 1 : a ** b;
      expect(ulps(got, want), `${a} ** ${b} = ${got}, exactly ${want}`).toBeLessThanOrEqual(2);
      if (want === 0) expect(Object.is(got, want), `sign of ${a} ** ${b}`).toBe(true);
    });
    const square = empty(device, [37]);
    const z = operand(device, noise(37), [37]);
    run(device, "pow", [z, operand(device, [2], [])], square, null);
    values(device, square).forEach((got, i) =>
      expect(ulps(got, values(device, z)[i]! ** 2)).toBeLessThanOrEqual(2)
    );
  }
});

test("addScaled, reluBackward: every number of elements around the vectors of a step, onto each operand", () => {
  const all = [...noise(600, 5)];
  for (const n of [1, 3, 4, 15, 16, 31, 32, 33, 47, 63, 64, 65, 100, 127, 128, 129, 200]) {
    const [x, y] = [all.slice(0, n), all.slice(n, 2 * n)];
    const expected = {
      addScaled: x.map((v, i) => Math.fround(v + Math.fround(0.75 * y[i]!))),
      reluBackward: x.map((v, i) => y[i]! > 0 ? v : 0),
    };
    for (const [build, device] of devices) {
      for (const name of ["addScaled", "reluBackward"] as const) {
        for (const place of [0, 1, 2]) {
          const inputs = [operand(device, x, [n]), operand(device, y, [n])] as const;
          const out = [...inputs, empty(device, [n])][place]!;
          const attrs = (name === "addScaled" ? { alpha: 0.75 } : null) as null;
          expect(run(device, name as "reluBackward", inputs, out, attrs)).toBe(true);
          expect(values(device, out), `${build} ${name} of ${n} onto ${place}`).toEqual(expected[name]);
        }
      }
    }
  }
});

test("cheap ops: every number of elements around the vectors of a step, beside one element, in place", () => {
  const all = [...SPECIAL, ...noise(300, 5)].map(Math.fround);
  for (const n of [1, 3, 4, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 100, 127, 128, 129, 200]) {
    const [x, y] = [all.slice(0, n), all.slice(n, 2 * n).reverse()];
    while (y.length < n) y.push(y.length);
    for (const name of ["add", "sub", "mul", "div", "maximum", "minimum", "relu", "neg", "abs"] as const) {
      const one = name === "relu" || name === "neg" || name === "abs";
      for (const shape of one ? [[n]] : [[n], []]) {
        const inputs = (device: Backend): Operand[] => {
          const a = operand(device, x, [n]);
          if (one) return [a];
          const b = operand(device, y, shape);
          return [a, { ...b, shape: [n], strides: shape.length === 0 ? [0] : [1] }];
        };
        const expected = empty(oracle, [n]);
        run(oracle, name as "add", inputs(oracle) as unknown as [Operand, Operand], expected, null);
        for (const [build, device] of devices) {
          const [a, b] = inputs(device) as [Operand, Operand];
          const out = empty(device, [n]);
          for (const target of [out, a]) {
            expect(run(device, name as "add", one ? [a] as never : [a, b], target, null)).toBe(true);
            const got = values(device, target);
            const wrong = got.findIndex((v, i) => !Object.is(v, values(oracle, expected)[i]));
            expect(wrong, `${build} ${name} of ${n}`).toBe(-1);
          }
        }
      }
    }
  }
});
