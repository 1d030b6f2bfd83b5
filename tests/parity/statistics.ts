/**
 * The properties that results of random functions must have (kinds `random` and `init`).
 *
 * @module
 */

import { comparableDType, isClose, Mismatch } from "./compare.ts";
import type { Raw } from "./safetensors.ts";

/** A property's wanted value, as the fixture gives it. */
type Want = unknown;

/** What the checks look at: the result, and its values as an array. */
interface Sample {
  readonly raw: Raw;
  readonly values: readonly number[];
}

/** Room for the rounding of a bound to float32. */
const ROUNDING = 1e-6;

const CHECKS: Readonly<
  Record<string, (sample: Sample, want: never, all: Readonly<Record<string, Want>>) => void>
> = {
  shape({ raw }, want: readonly number[]) {
    if (raw.shape.join() !== want.join()) fail("shape", `[${want}]`, `[${raw.shape}]`);
  },
  dtype({ raw }, want: string) {
    if (comparableDType(raw.dtype) !== comparableDType(want)) fail("dtype", want, raw.dtype);
  },
  min({ values }, want: number) {
    const got = least(values);
    if (!(got >= want - ROUNDING * Math.abs(want))) fail("min", `at least ${want}`, got);
  },
  max({ values }, want: number, { max_exclusive }) {
    const got = most(values);
    const inside = max_exclusive === true ? got < want : got <= want + ROUNDING * Math.abs(want);
    if (!inside) fail("max", `${max_exclusive === true ? "below" : "at most"} ${want}`, got);
  },
  max_exclusive() {}, // says how `max` is meant
  max_abs({ values }, want: number) {
    const got = most(values.map(Math.abs));
    if (!(got <= want)) fail("max_abs", `at most ${want}`, got);
  },
  mean({ values }, want: readonly [number, number]) {
    near("mean", mean(values), want);
  },
  std({ values }, want: readonly [number, number]) {
    near("std", deviation(values), want);
  },
  std_nonzero({ values }, want: readonly [number, number]) {
    near("std of the nonzero elements", deviation(values.filter((x) => x !== 0)), want);
  },
  near_bounds({ values }, want: number, { min, max }) {
    const [low, high] = [min as number, max as number];
    const room = want * (high - low);
    const [from, to] = [least(values), most(values)];
    if (!(from <= low + room)) fail("near_bounds", `a least element within ${room} of ${low}`, from);
    if (!(to >= high - room)) fail("near_bounds", `a largest element within ${room} of ${high}`, to);
  },
  quantiles({ values }, want: readonly (readonly [number, number, number])[]) {
    const sorted = values.toSorted((a, b) => a - b);
    for (const [q, value, allowed] of want) {
      near(`quantile ${q}`, sorted[Math.round(q * (sorted.length - 1))]!, [value, allowed]);
    }
  },
  integer({ values }) {
    const odd = values.find((x) => !Number.isInteger(x));
    if (odd !== undefined) fail("integer", "whole numbers", odd);
  },
  all_values({ values }, _want: boolean, { min, max }) {
    const seen = new Set(values);
    for (let x = min as number; x <= (max as number); x++) {
      if (!seen.has(x)) fail("all_values", `each value from ${min} to ${max}`, `no ${x}`);
    }
  },
  values_in({ values }, want: readonly number[]) {
    const odd = values.find((x) => !want.some((w) => isClose(x, w, { rtol: ROUNDING, atol: 0 })));
    if (odd !== undefined) fail("values_in", `one of ${want.join(", ")}`, odd);
  },
  zero_fraction({ values }, want: readonly [number, number]) {
    near("zero_fraction", values.filter((x) => x === 0).length / values.length, want);
  },
  permutation_of({ values }, want: number) {
    const sorted = values.toSorted((a, b) => a - b);
    if (sorted.length !== want || sorted.some((x, i) => x !== i)) {
      fail("permutation_of", `the numbers 0 to ${want - 1}`, sorted.slice(0, 20).join());
    }
  },
  frequencies({ values }, want: readonly number[], { frequency_tol }) {
    want.forEach((share, value) => {
      const got = values.filter((x) => x === value).length / values.length;
      near(`frequency of ${value}`, got, [share, share === 0 ? 0 : frequency_tol as number]);
    });
  },
  frequency_tol() {}, // says how `frequencies` is meant
  distinct_values({ values }, want: readonly number[]) {
    const odd = values.find((x) => !want.includes(x));
    if (odd !== undefined) fail("distinct_values", `one of ${want.join(", ")}`, odd);
    distinct("distinct_values", values);
  },
  distinct_in_rows({ raw, values }) {
    const size = raw.shape.at(-1)!;
    for (let at = 0; at < values.length; at += size) {
      distinct("distinct_in_rows", values.slice(at, at + size));
    }
  },
  constant_over_last_dims({ raw, values }, want: number) {
    const size = raw.shape.slice(-want).reduce((product, n) => product * n, 1);
    const odd = values.findIndex((x, i) => x !== values[i - i % size]);
    if (odd >= 0) {
      fail("constant_over_last_dims", `one value over the last ${want} dims`, `another at ${odd}`);
    }
  },
  equal({ values }, want: number) {
    const odd = values.find((x) => !isClose(x, want, { rtol: ROUNDING, atol: 0 }));
    if (odd !== undefined) fail("equal", want, odd);
  },
  orthogonal({ raw, values }, want: number) {
    const rows = raw.shape[0]!;
    const columns = values.length / rows;
    const byRows = rows <= columns;
    const at = (vector: number, i: number) => values[byRows ? vector * columns + i : i * columns + vector]!;
    const [vectors, length] = byRows ? [rows, columns] : [columns, rows];
    for (let a = 0; a < vectors; a++) {
      for (let b = a; b < vectors; b++) {
        let dot = 0;
        for (let i = 0; i < length; i++) dot += at(a, i) * at(b, i);
        near(`product of vectors ${a} and ${b}`, dot, [a === b ? want * want : 0, 1e-4 * want * want]);
      }
    }
  },
  eye({ raw, values }) {
    const columns = raw.shape[1]!;
    const odd = values.findIndex((x, i) => x !== (Math.floor(i / columns) === i % columns ? 1 : 0));
    if (odd >= 0) fail("eye", "ones on the diagonal, zeros elsewhere", `${values[odd]} at ${odd}`);
  },
  dirac({ raw, values }, _want: boolean, { groups }) {
    const [out, inner, ...kernel] = raw.shape as [number, number, ...number[]];
    const size = kernel.reduce((product, n) => product * n, 1);
    const centre = kernel.reduce((at, n) => at * n + Math.floor(n / 2), 0);
    const perGroup = out / ((groups as number | undefined) ?? 1);
    const odd = values.findIndex((x, i) => {
      const [o, c, k] = [Math.floor(i / (inner * size)) % perGroup, Math.floor(i / size) % inner, i % size];
      return x !== (o === c && k === centre ? 1 : 0);
    });
    if (odd >= 0) fail("dirac", "the identity at the centre, zeros elsewhere", `${values[odd]} at ${odd}`);
  },
  zero_row({ raw, values }, want: number) {
    const size = values.length / raw.shape[0]!;
    for (let row = 0; row < raw.shape[0]!; row++) {
      const zero = values.slice(row * size, (row + 1) * size).every((x) => x === 0);
      if (zero !== (row === want)) fail("zero_row", `row ${want} alone to be zero`, `row ${row}`);
    }
  },
  zero_fraction_per_column({ raw, values }, want: number) {
    const [rows, columns] = raw.shape as [number, number];
    for (let column = 0; column < columns; column++) {
      let zeros = 0;
      for (let row = 0; row < rows; row++) if (values[row * columns + column] === 0) zeros++;
      near(`zero fraction of column ${column}`, zeros / rows, [want, 1 / rows]);
    }
  },
  reproducible() {}, // needs two results: the runner of kind `random` sees to it
  value() {}, // a number and no tensor: the runner of kind `init` sees to it
};

/**
 * Checks a result against the properties in `checks`.
 *
 * @param context Arguments that say how a check is meant (`groups` of dirac_).
 * @throws {Mismatch} If one does not hold.
 */
export function expectProperties(
  raw: Raw,
  checks: Readonly<Record<string, Want>>,
  context: Readonly<Record<string, Want>> = {},
): void {
  const sample = { raw, values: Array.from(raw.data) };
  for (const [name, want] of Object.entries(checks)) {
    const check = CHECKS[name];
    if (check === undefined) throw new Error(`The runner does not know the check ${name}`);
    check(sample, want as never, { ...context, ...checks });
  }
}

function fail(name: string, want: unknown, got: unknown): never {
  throw new Mismatch(`${name}: must be ${want}, got ${got}`);
}

function near(name: string, got: number, [want, allowed]: readonly [number, number]): void {
  if (!(Math.abs(got - want) <= allowed)) fail(name, `${want} ± ${allowed}`, got);
}

function distinct(name: string, values: readonly number[]): void {
  if (new Set(values).size !== values.length) fail(name, "drawn without replacement", values.join());
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Infinity);
}

function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), -Infinity);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - centre) ** 2, 0) / values.length);
}
