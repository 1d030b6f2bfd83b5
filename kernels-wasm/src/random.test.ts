import {
  bool,
  fillInt,
  fillNormal,
  fillUniform,
  float32,
  float64,
  int32,
  int64,
  type RandomAttrs,
} from "@flambeau/core";
import { expect, test } from "vitest";
import { devices, empty, operand, run, values } from "./test_support.ts";

const KEYS: readonly (readonly [number, number])[] = [[0, 0], [123456789, 987654321], [
  0xffffffff,
  0x80000000,
]];
const COUNTERS = [0, 5, 2 ** 32 - 2, 2 ** 40 + 3];
const LENGTHS = [1, 2, 3, 4, 5, 15, 16, 17, 31, 33, 100];

function each(visit: (attrs: RandomAttrs) => void): void {
  for (const key of KEYS) {
    for (const counter of COUNTERS) {
      for (const n of LENGTHS) visit({ shape: [n], dtype: float32, key, counter });
    }
  }
}

test("randomUniform: the bits of core's recipe", () => {
  each((attrs) => {
    const want = new Float32Array(attrs.shape[0]!);
    fillUniform(want, attrs);
    for (const [, device] of devices) {
      const out = empty(device, attrs.shape);
      expect(run(device, "randomUniform", [], out, attrs)).toBe(true);
      expect(values(device, out)).toEqual([...want]);
    }
  });
});

test("dropout: keeps where randomUniform is p or above, the bits of the formula", () => {
  each(({ shape, key, counter }) => {
    const n = shape[0]!;
    const noise = new Float32Array(n);
    fillUniform(noise, { dtype: float32, key, counter });
    const x = Array.from({ length: n }, (_, i) => i === 3 ? NaN : Math.fround(i / 3 - 5));
    for (const p of [0, 0.1, 0.5, noise[0]!, 1]) {
      const keep = [...noise].map((v) => v >= Math.fround(p));
      for (const [, device] of devices) {
        const [y, kept] = [empty(device, shape), empty(device, shape, bool)];
        const attrs = { key, counter, p, scale: 1.1 };
        expect(run(device, "dropout", [operand(device, x, shape)], [y, kept], attrs)).toBe(true);
        expect(values(device, kept)).toEqual(keep.map(Number));
        const scale = Math.fround(1.1);
        expect(values(device, y)).toEqual(x.map((v, i) => keep[i] ? Math.fround(v * scale) : 0));
      }
    }
  });
});

test("randomNormal: within 1e-6 of core's recipe", () => {
  each((attrs) => {
    const want = new Float32Array(attrs.shape[0]!);
    fillNormal(want, attrs);
    for (const [, device] of devices) {
      const out = empty(device, attrs.shape);
      run(device, "randomNormal", [], out, attrs);
      values(device, out).forEach((v, i) => expect(Math.abs(v - want[i]!)).toBeLessThanOrEqual(1e-6));
    }
  });
});

test("randomInt: exact, for negative bounds, wide spans and int64", () => {
  each((base) => {
    for (const [low, high] of [[0, 10], [-5, 7], [-(2 ** 31), 2 ** 31], [3, 4]] as const) {
      const n = base.shape[0]!;
      const attrs = { ...base, dtype: int32, low, high };
      const [want, wide] = [new Int32Array(n), new BigInt64Array(n)];
      fillInt(want, attrs);
      fillInt(wide, { ...attrs, dtype: int64 });
      for (const [, device] of devices) {
        const out = empty(device, [n], int32);
        run(device, "randomInt", [], out, attrs);
        expect(values(device, out)).toEqual([...want]);
        const long = empty(device, [n], int64);
        run(device, "randomInt", [], long, { ...attrs, dtype: int64 });
        expect(values(device, long)).toEqual([...wide].map(Number));
      }
    }
  });
});

test("float64 random numbers come from the host, with the same recipe", () => {
  const attrs: RandomAttrs = { shape: [9], dtype: float64, key: [1, 2], counter: 3 };
  const want = new Float64Array(9);
  fillUniform(want, attrs);
  for (const [, device] of devices) {
    const out = empty(device, [9], float64);
    expect(run(device, "randomUniform", [], out, attrs)).toBe(true);
    expect(values(device, out)).toEqual([...want]);
  }
});
