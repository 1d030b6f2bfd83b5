import {
  type Attrs,
  bfloat16,
  bfloat16FromBits,
  bfloat16ToBits,
  bool,
  type DType,
  float16,
  float16FromBits,
  float16ToBits,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  type Operand,
  type Shape,
  uint8,
} from "@flambeau/core";
import { readFile } from "node:fs/promises";
import { hostKernels } from "@flambeau/reference";
import { expect, test } from "vitest";
import { createWasmBackend } from "./backend.ts";
import { devices, empty, type Layout, noise, operand, oracle, run, values } from "./test_support.ts";

const DTYPES = [float32, float64, int64, int32, int16, int8, uint8, bool];

function numbers(n: number, dtype: DType): number[] {
  return Array.from(
    noise(n, 5),
    (v, i) => dtype === bool ? i % 3 & 1 : dtype === uint8 ? i % 251 : Math.round(v * 100),
  );
}

/** Expects the same elements as from the reference. */
function same<P extends "copy" | "cast" | "concat" | "pad" | "flip">(
  name: P,
  inputs: readonly (readonly [shape: Shape, layout: Layout])[],
  dtype: DType,
  output: readonly [shape: Shape, dtype: DType, layout: Layout],
  attrs: Attrs<P>,
): void {
  const [shape, outType, layout] = output;
  const make = (device: typeof oracle, layouts: boolean): Operand[] =>
    inputs.map(([s, l]) =>
      operand(device, numbers(s.reduce((a, b) => a * b, 1), dtype), s, dtype, layouts ? l : {})
    );
  const want = empty(oracle, shape, outType);
  run(oracle, name as "copy", make(oracle, false) as unknown as [Operand], want, attrs as null);
  for (const [build, device] of devices) {
    const out = empty(device, shape, outType, layout);
    expect(run(device, name as "copy", make(device, true) as unknown as [Operand], out, attrs as null)).toBe(
      true,
    );
    expect(values(device, out), `${build} ${dtype.name} ${JSON.stringify([inputs, output])}`).toEqual(
      values(oracle, want),
    );
  }
}

test("copy: any strides on both sides, for every element size", () => {
  const cases: [Shape, Layout, Layout][] = [
    [[1], {}, {}],
    [[37], { offset: 3 }, { offset: 1 }],
    [[37], { strides: [3] }, { strides: [2] }],
    [[5, 9], { strides: [1, 5] }, {}],
    [[33, 18], { strides: [1, 40] }, {}],
    [[33, 18], { strides: [1, 33], offset: 2 }, { strides: [20, 1] }],
    [[3, 33, 18], { strides: [600, 1, 33] }, {}],
    [[17, 3, 21], { strides: [1, 400, 17] }, {}],
    [[17, 2, 21], { strides: [2, 1, 34] }, {}],
    [[2, 3, 4, 5], { strides: [1, 2, 6, 24] }, {}],
    [[2, 3, 4, 5], {}, { strides: [1, 2, 6, 24] }],
    [[3, 4, 19, 2], { strides: [152, 19, 1, 76] }, {}],
    [[3, 4, 19, 2], { strides: [152, 1, 4, 76] }, {}],
    [[50, 2], { strides: [1, 53] }, {}],
    [[2, 3, 40, 3], { strides: [360, 1, 3, 120] }, {}],
    [[2, 2, 2, 2, 2, 3], { strides: [1, 2, 4, 8, 16, 32] }, { strides: [96, 48, 24, 12, 6, 2] }],
  ];
  for (const dtype of DTYPES) {
    for (const [shape, from, to] of cases) same("copy", [[shape, from]], dtype, [shape, dtype, to], null);
  }
});

test("copy: an expanded source", () => {
  for (const [, device] of devices) {
    const x = { ...operand(device, [5, 6], [2]), shape: [2, 9], strides: [1, 0] };
    const out = empty(device, [2, 9]);
    run(device, "copy", [x], out, null);
    expect(values(device, out)).toEqual([...Array(9).fill(5), ...Array(9).fill(6)]);
  }
});

test("cast: every pair of dtypes, strided", () => {
  for (const from of DTYPES) {
    for (const to of [...DTYPES, float16]) {
      for (const shape of [[19], [4, 5]]) {
        const layout = shape.length === 2 ? { strides: [1, 4] } : {};
        if (to === float16) {
          same("cast", [[shape, layout]], from, [shape, to, {}], { dtype: to });
        } else {
          same("cast", [[shape, layout]], from, [shape, to, {}], { dtype: to });
          same("cast", [[shape, {}]], from, [shape, to, layout], { dtype: to });
        }
      }
    }
  }
});

test("cast: whole vectors of integers and bools, with their low bits where they do not fit", () => {
  const x = Array.from({ length: 45 }, (_, i) => (i % 2 ? -1 : 1) * (i * 9176543 + (i % 5) * 2 ** 24));
  for (const from of [int64, int32, int16, int8, uint8, bool]) {
    const low = x.map((v, i) =>
      from === bool ? i % 3 & 1 : from.itemsize === 1 ? (v & 127) * (from === int8 && i % 2 ? -1 : 1) : v
    );
    const fitting = from === int16
      ? low.map((v) => v % 30000)
      : from === int64
      ? low.map((v) => v * 1001)
      : low;
    for (const dtype of [int64, int32, int16, int8, uint8, float32, bool]) {
      const want = empty(oracle, [x.length], dtype);
      run(oracle, "cast", [operand(oracle, fitting, [x.length], from)], want, { dtype });
      for (const [, device] of devices) {
        const out = empty(device, [x.length], dtype);
        run(device, "cast", [operand(device, fitting, [x.length], from)], out, { dtype });
        expect(values(device, out), `${from.name} ${dtype.name}`).toEqual(values(oracle, want));
      }
    }
  }
});

test("cast: floats out of range, NaN and infinity to integers and bool", () => {
  const x = [
    NaN,
    Infinity,
    -Infinity,
    3e9,
    -3e9,
    1e12,
    1e18,
    -1e25,
    2 ** 31,
    -(2 ** 31),
    0.9,
    -0.9,
    -0,
    255.5,
    300,
    // Whole vectors of numbers that fit, and of some that do not.
    ...Array.from({ length: 32 }, (_, i) => (i - 16) * 100.7),
    ...Array.from({ length: 16 }, (_, i) => i === 11 ? NaN : -i * 1e8),
    ...Array.from({ length: 17 }, (_, i) => i === 2 ? -3e9 : i * 1e8),
  ].map(Math.fround);
  for (const from of [float32, float64]) {
    for (const dtype of [int64, int32, int16, int8, uint8, bool]) {
      const want = empty(oracle, [x.length], dtype);
      run(oracle, "cast", [operand(oracle, x, [x.length], from)], want, { dtype });
      for (const [, device] of devices) {
        const out = empty(device, [x.length], dtype);
        run(device, "cast", [operand(device, x, [x.length], from)], out, { dtype });
        expect(values(device, out), `${from.name} ${dtype.name}`).toEqual(values(oracle, want));
      }
    }
  }
});

test("cast: int64 to floats is rounded once, small and large ones", () => {
  const x = Array.from({ length: 40 }, (_, i) => {
    const near = (1n << BigInt(20 + i)) + (1n << BigInt(Math.max(0, i - 5))) + 1n;
    return i % 2 ? -near : near;
  });
  x.push(2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, -1n, 0n, 4294967295n, -4294967296n, 9n);
  for (const [build, device] of devices) {
    for (const [dtype, rounded] of [[float32, (v: bigint) => float32Of(v)], [float64, Number]] as const) {
      const source = empty(device, [x.length], int64);
      device.write(source.buffer, 0, new Uint8Array(BigInt64Array.from(x).buffer));
      const y = empty(device, [x.length], dtype);
      run(device, "cast", [source], y, { dtype });
      expect(values(device, y), `${build} ${dtype.name}`).toEqual(x.map(rounded));
    }
  }
});

/** The nearest float32, ties to even: 24 bits are kept of the magnitude before anything is rounded. */
function float32Of(x: bigint): number {
  const m = x < 0n ? -x : x;
  const drop = BigInt(Math.max(0, m.toString(2).length - 24));
  const [kept, rest, half] = [m >> drop, m & ((1n << drop) - 1n), drop > 0n ? 1n << (drop - 1n) : 1n];
  const up = rest > half || (rest === half && (kept & 1n) === 1n);
  return Number((kept + (up ? 1n : 0n)) << drop) * (x < 0n ? -1 : 1);
}

test("cast: halves and all others by float32, longer than a block, strided too", () => {
  const all = [...DTYPES, bool, float16, bfloat16];
  const x = Array.from({ length: 2 * 2053 }, (_, i) => (i % 251) - (i % 2 ? 0 : 125) + (i % 4) / 4);
  const [rows, columns] = [2, 2053];
  for (const half of [float16, bfloat16]) {
    for (const other of all.filter((dtype) => dtype !== half)) {
      for (const [from, to] of [[half, other], [other, half]] as const) {
        const fitting = from === uint8 || from === bool ? x.map((v) => Math.abs(v) & 1) : x;
        const whole = fitting.map((v) => from.kind === "float" ? v : Math.trunc(v) % 128);
        for (const strides of [[columns, 1], [1, rows]]) {
          const shape = [rows, columns];
          const [wide, want] = [empty(oracle, shape), empty(oracle, shape, to)];
          run(oracle, "cast", [operand(oracle, whole, shape, from, { strides })], wide, { dtype: float32 });
          run(oracle, "cast", [wide], want, { dtype: to });
          for (const [build, device] of devices) {
            const out = empty(device, shape, to);
            const taken = run(device, "cast", [operand(device, whole, shape, from, { strides })], out, {
              dtype: to,
            });
            expect(taken).toBe(true);
            expect(values(device, out), `${build} ${from.name} ${to.name}`).toEqual(values(oracle, want));
          }
        }
      }
    }
  }
});

test("cast: float64 to float16 is rounded to float32 first, as in PyTorch", () => {
  for (const [, device] of devices) {
    const out = empty(device, [1], float16);
    run(device, "cast", [operand(device, [1 + 2 ** -11 + 2 ** -40], [1], float64)], out, { dtype: float16 });
    expect(values(device, out)).toEqual([float16ToBits(1)]);
  }
});

test("concat, pad, flip: as the reference", () => {
  for (const dtype of DTYPES) {
    same("concat", [[[2, 3], {}], [[2, 0], {}], [[2, 5], { strides: [1, 2] }]], dtype, [[2, 8], dtype, {}], {
      dim: 1,
    });
    same("concat", [[[2, 3], {}], [[4, 3], {}]], dtype, [[6, 3], dtype, {}], { dim: 0 });
    same("flip", [[[3, 4, 5], {}]], dtype, [[3, 4, 5], dtype, {}], { dims: [0, 2] });
    same("flip", [[[7], { strides: [2] }]], dtype, [[7], dtype, {}], { dims: [0] });
    same("pad", [[[3, 4], {}]], dtype, [[6, 5], dtype, {}], { low: [2, 0], high: [1, 1], value: 1 });
    same("pad", [[[3, 4], { strides: [1, 3] }]], dtype, [[2, 5], dtype, {}], {
      low: [-1, 2],
      high: [0, -1],
      value: 0,
    });
    same("pad", [[[3], {}]], dtype, [[2], dtype, {}], { low: [-3], high: [2], value: 1 });
  }
});

test("copy, flip, pad: short and long rows, around whole vectors", () => {
  for (const dtype of DTYPES) {
    for (const n of [1, 2, 3, 4, 5, 7, 8, 11, 16, 17, 33, 65, 131]) {
      same("copy", [[[5, 3, n], { strides: [n, 5 * n, 1] }]], dtype, [[5, 3, n], dtype, {}], null);
      same("copy", [[[3, n], {}]], dtype, [[3, n], dtype, { strides: [n + 3, 1] }], null);
      same("flip", [[[3, n], {}]], dtype, [[3, n], dtype, {}], { dims: [1] });
      same("flip", [[[2, 2, n], {}]], dtype, [[2, 2, n], dtype, {}], { dims: [1, 2] });
      same("pad", [[[2, 3, n], {}]], dtype, [[2, 5, n + 4], dtype, {}], {
        low: [0, 2, 1],
        high: [0, 0, 3],
        value: 1,
      });
      same("pad", [[[3, 2, n], { strides: [1, 3, 6] }]], dtype, [[3, 2, n + 1], dtype, {}], {
        low: [0, 1, 0],
        high: [0, -1, 1],
        value: 1,
      });
    }
    same("pad", [[[2, 3, 400], {}]], dtype, [[2, 400, 402], dtype, {}], {
      low: [0, 390, 1],
      high: [0, 7, 1],
      value: 1,
    });
  }
});

test("full, pad: halves", () => {
  const bits = { 1.5: [0x3e00, 0x3fc0], [-0]: [0, 0], 70000: [0x7c00, 0x4789] };
  for (const [, device] of devices) {
    [float16, bfloat16].forEach((dtype, i) => {
      for (const [value, patterns] of Object.entries(bits)) {
        const out = empty(device, [37], dtype);
        run(device, "full", [], out, { shape: [37], value: Number(value), dtype });
        const all = device.view(out.buffer, dtype) as Uint16Array;
        expect([...all.slice(0, 37)]).toEqual(new Array(37).fill(patterns[i]));
        const x = operand(device, [1, 2], [1, 2], dtype);
        const padded = empty(device, [3, 3], dtype);
        run(device, "pad", [x], padded, { low: [1, 0], high: [1, 1], value: Number(value) });
        const inside = [...(device.view(x.buffer, dtype) as Uint16Array).slice(0, 2)];
        const row = new Array(3).fill(patterns[i]);
        expect([...(device.view(padded.buffer, dtype) as Uint16Array).slice(0, 9)])
          .toEqual([...row, ...inside, patterns[i], ...row]);
      }
    });
  }
});

test("concat: many parts, dense and not, more than one call takes, some empty", () => {
  for (const dtype of [float32, uint8, int64]) {
    const sizes = Array.from({ length: 1100 }, (_, i) => i % 4);
    const total = sizes.reduce((a, b) => a + b, 0);
    same("concat", sizes.map((size) => [[size, 5], {}]), dtype, [[total, 5], dtype, {}], { dim: 0 });
    const parts = Array.from({ length: 9 }, (_, i): readonly [Shape, Layout] => [[3, 7 + i], {}]);
    same("concat", parts, dtype, [[3, 99], dtype, {}], { dim: 1 });
    same("concat", [...parts.slice(1), [[3, 7], { strides: [1, 3] }]], dtype, [[3, 99], dtype, {}], {
      dim: 1,
    });
  }
});

test("full: the value in every dtype, beyond 2^53 too", () => {
  for (const [, device] of devices) {
    for (const dtype of DTYPES) {
      for (const n of [1, 7, 33]) {
        const out = empty(device, [n], dtype);
        run(device, "full", [], out, { shape: [n], value: dtype === bool ? true : 3, dtype });
        expect(values(device, out)).toEqual(Array(n).fill(dtype === bool ? 1 : 3));
      }
    }
    const big = empty(device, [3], int64);
    run(device, "full", [], big, { shape: [3], value: 2n ** 60n + 1n, dtype: int64 });
    const bytes = device.readSync(big.buffer, 0, 24);
    expect([...new BigInt64Array(bytes.buffer, bytes.byteOffset, 3)]).toEqual(Array(3).fill(2n ** 60n + 1n));
  }
});

test("iota: computed in float64 and rounded once", () => {
  for (const [, device] of devices) {
    for (const dtype of [float32, float64, int32, int64, int16]) {
      for (const [start, step] of dtype.isFloatingPoint ? [[0, 0.1], [-3, 0.7]] : [[0, 1], [10, -3]]) {
        const out = empty(device, [9], dtype);
        expect(run(device, "iota", [], out, { start: start!, step: step!, size: 9, dtype })).toBe(true);
        const want = Array.from({ length: 9 }, (_, i) => start! + i * step!);
        expect(values(device, out)).toEqual(dtype === float32 ? want.map(Math.fround) : want);
      }
    }
  }
});

test("iota: whole vectors, whole numbers near the ends of int32", () => {
  const cases = [[0, 1], [-7, 3], [2147483600, 1], [-2147483648, 5], [2147483647, -9], [0, 0.5], [
    -1e-3,
    1 / 3,
  ]];
  for (const [, device] of devices) {
    for (const dtype of [float32, int32]) {
      for (const [start, step] of cases) {
        for (const size of [1, 3, 4, 23]) {
          const attrs = { start: start!, step: step!, size, dtype };
          const [out, want] = [empty(device, [size], dtype), empty(oracle, [size], dtype)];
          expect(run(device, "iota", [], out, attrs)).toBe(true);
          run(oracle, "iota", [], want, attrs);
          expect(values(device, out), `${dtype.name} ${start} ${step} ${size}`).toEqual(values(oracle, want));
        }
      }
    }
  }
});

test("backend: a module compiled elsewhere serves as well as the bytes inside", async () => {
  const bytes = await readFile(new URL("./generated/simd.wasm", import.meta.url));
  const device = createWasmBackend({
    fallback: hostKernels,
    module: new WebAssembly.Module(new Uint8Array(bytes)),
  });
  const out = empty(device, [3]);
  run(device, "add", [operand(device, [1, 2, 3], [3]), operand(device, [4, 5, 6], [3])], out, null);
  expect(values(device, out)).toEqual([5, 7, 9]);
  expect(() =>
    createWasmBackend({
      fallback: hostKernels,
      module: new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])),
    })
  )
    .toThrow("Cannot find the kernel init_constants in this WebAssembly module");
});

test("backend: memory is counted, bytes go in and out, and a missing kernel runs on the host", async () => {
  for (const [, device] of devices) {
    const before = device.memory();
    const buffer = device.allocate(40);
    expect(device.memory().liveBytes).toBe(before.liveBytes + 40);
    device.write(buffer, 8, new Uint8Array([1, 2, 3]));
    expect([...await device.read(buffer, 8, 3)]).toEqual([1, 2, 3]);
    device.free(buffer);
    expect(device.memory().liveBuffers).toBe(before.liveBuffers);
    const out = empty(device, [4]);
    expect(run(device, "cumsum", [operand(device, [1, 2, 3, 4], [4])], out, { dim: 0 })).toBe(true);
    expect(values(device, out)).toEqual([1, 3, 6, 10]);
    await device.sync();
  }
});

const HALVES = [[float16, float16FromBits, float16ToBits], [
  bfloat16,
  bfloat16FromBits,
  bfloat16ToBits,
]] as const;

for (const [half, fromBits, toBits] of HALVES) {
  test(`cast: every ${half.name} to float32, as core's recipe`, () => {
    const n = 65536;
    const patterns = Uint16Array.from({ length: n }, (_, i) => i);
    for (const [build, device] of devices) {
      const x = empty(device, [n], half);
      device.write(x.buffer, 0, new Uint8Array(patterns.buffer));
      const y = empty(device, [n]);
      expect(run(device, "cast", [x], y, { dtype: float32 }), build).toBe(true);
      const got = values(device, y);
      const wrong = got.findIndex((value, i) => !Object.is(value, fromBits(i)));
      expect(wrong, `${got[wrong]} from the bits ${wrong}, not ${fromBits(wrong)}`).toBe(-1);
    }
  });

  test(`cast: float32 to ${half.name}, as core's recipe, ties and edges too`, () => {
    // Every half, what lies in the middle between it and the next one, and the float32 beside that.
    const bits: number[] = [];
    const float = new Float32Array(1);
    const word = new Uint32Array(float.buffer);
    for (let i = 0; i < 65536; i++) {
      float[0] = fromBits(i);
      const at = word[0]!;
      const middle = half === float16 ? 0x1000 : 0x8000;
      bits.push(at, at + middle - 1, at + middle, at + middle + 1);
    }
    const inputs = Uint32Array.from(bits);
    const floats = new Float32Array(inputs.buffer);
    for (const [build, device] of devices) {
      const source = empty(device, [inputs.length]);
      device.write(source.buffer, 0, new Uint8Array(inputs.buffer));
      const y = empty(device, [inputs.length], half);
      expect(run(device, "cast", [source], y, { dtype: half }), build).toBe(true);
      const bytes = device.readSync!(y.buffer, 0, inputs.length * 2);
      const got = new Uint16Array(bytes.buffer, bytes.byteOffset, inputs.length);
      const wrong = got.findIndex((value, i) => value !== toBits(floats[i]!));
      expect(wrong, `${floats[wrong]} to the bits ${got[wrong]}`).toBe(-1);
    }
  });
}

test("copy, flip: transposes of every size around the tiles", () => {
  for (const rows of [1, 4, 15, 16, 17, 63, 64, 65, 83, 128]) {
    for (const cols of [1, 3, 4, 15, 16, 17, 33, 70]) {
      for (const dtype of [float32, int64, int16]) {
        same("copy", [[[cols, rows], { strides: [1, cols] }]], dtype, [[cols, rows], dtype, {}], null);
        if (cols > 33) continue;
        for (const dims of [[0], [1], [0, 1]]) {
          same("flip", [[[cols, rows], { strides: [1, cols] }]], dtype, [[cols, rows], dtype, {}], { dims });
        }
      }
    }
  }
});

test("full, copy: more bytes than a piece, from any place", () => {
  for (const [build, device] of devices) {
    for (
      const [dtype, value] of [[float32, 1.5], [float32, 0], [float32, -0], [float64, -2.25], [
        int8,
        7,
      ]] as const
    ) {
      for (const n of [65537, 262143, 262144, 300_001]) {
        const out = empty(device, [n], dtype, { offset: 3 });
        expect(run(device, "full", [], out, { shape: [n], value, dtype }), build).toBe(true);
        const got = values(device, out);
        expect(got.findIndex((v) => !Object.is(v, value)), `${n} of ${dtype.name}`).toBe(-1);
        const all = values(device, { ...out, shape: [n + 3], offset: 0 });
        expect(all.slice(0, 3)).not.toContain(value);
      }
    }
    const n = 70_001;
    const x = Float32Array.from({ length: n }, (_, i) => i);
    const y = empty(device, [n], float32, { offset: 1 });
    run(device, "copy", [operand(device, x, [n], float32, { offset: 5 })], y, null);
    expect(values(device, y).findIndex((v, i) => v !== i)).toBe(-1);
  }
});
