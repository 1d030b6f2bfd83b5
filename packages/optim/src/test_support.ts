/**
 * What the tests of this package share: devices, tensors, and values that PyTorch made.
 *
 * @module
 */

import { type DType, float64 } from "@flambeau/core";
import { createReferenceBackend } from "@flambeau/reference";
import { registerBackend, setDefaultDevice, type Tensor } from "@flambeau/tensor";
import { fromData } from "@flambeau/tensor/internal";
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { Optimizer, ParamsInput } from "../mod.ts";
import * as optim from "../mod.ts";

/** The device of the tests. */
export const backend: ReturnType<typeof createReferenceBackend> = createReferenceBackend();
registerBackend(backend);
setDefaultDevice(backend);

/** Numbers, nested as deep as a tensor has dimensions. */
export type Numbers = number | readonly Numbers[];

/** A tensor, float64 unless said otherwise. */
export function t(values: Numbers, dtype: DType = float64): Tensor {
  const shape: number[] = [];
  for (let at = values; Array.isArray(at); at = at[0]) shape.push(at.length);
  const flat = ([values] as unknown[]).flat(Infinity) as number[];
  return fromData(dtype === float64 ? Float64Array.from(flat) : Float32Array.from(flat), shape, dtype);
}

/** A leaf that requires grad. */
export function leaf(values: Numbers, dtype: DType = float64): Tensor {
  const x = t(values, dtype);
  x.requiresGrad = true;
  return x;
}

/** All elements in row-major order. */
export function values(x: Tensor | null | undefined): number[] {
  if (x === null || x === undefined) throw new Error(`expected a tensor, got ${x}`);
  return Array.from(x.dataSync() as Float64Array);
}

/** Fails unless all numbers agree to `tolerance`, relative or absolute. */
export function expectClose(got: readonly number[], want: readonly number[], tolerance = 1e-12): void {
  expect(got.length).toBe(want.length);
  const off = got.findIndex((x, i) =>
    !(Math.abs(x - want[i]!) <= tolerance * Math.max(1, Math.abs(want[i]!)))
  );
  if (off >= 0) expect({ at: off, got: got[off] }).toEqual({ at: off, got: want[off] });
}

/** An optimizer of this package by its name. */
export function makeOptimizer(name: string, params: ParamsInput, options: object): Optimizer {
  const constructors = optim as unknown as Record<
    string,
    new (params: ParamsInput, options: object) => Optimizer
  >;
  return new constructors[name]!(params, options);
}

/** A case of an optimizer: values of `a` and `b` after each step, and the state at the end. */
export interface OptimizerCase {
  readonly optimizer: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly trajectory: readonly [a: readonly number[], b: number][];
  readonly state: Readonly<Record<string, Readonly<Record<string, Numbers>>>>;
}

/** A case of a schedule: rates and momenta of the groups after each step. */
export interface ScheduleCase {
  readonly name: string;
  readonly make: Readonly<Record<string, unknown>>;
  readonly rates: readonly [lrs: readonly number[], momenta: readonly number[]][];
  readonly momentum?: number;
  readonly betas?: readonly [number, number];
  readonly calls?: readonly number[];
}

/** What PyTorch answered, in float64: see `testdata/make_optim.py`. */
export const fixtures: {
  readonly start: { readonly a: Numbers; readonly b: number };
  readonly grads: { readonly a: readonly Numbers[]; readonly b: readonly number[] };
  readonly optimizers: readonly OptimizerCase[];
  readonly muon: readonly {
    readonly lr: number;
    readonly weightDecay: number;
    readonly momentum: number;
    readonly nesterov: boolean;
    readonly adjustLrFn: "original" | "match_rms_adamw";
    readonly transpose: boolean;
    readonly trajectory: readonly (readonly number[])[];
  }[];
  readonly lbfgs: readonly {
    readonly options: Readonly<Record<string, unknown>>;
    readonly points: readonly (readonly number[])[];
    readonly losses: readonly number[];
    readonly counts: readonly [funcEvals: number, nIter: number][];
  }[];
  readonly schedules: readonly ScheduleCase[];
} = JSON.parse(readFileSync(new URL("./testdata/optim.json", import.meta.url), "utf8"));

/** Gives `a` and `b` their gradients of a step; `b` misses the third. */
export function setGrads(a: Tensor, b: Tensor, step: number): void {
  a.grad = t(fixtures.grads.a[step]!);
  b.grad = step === 2 ? null : t(fixtures.grads.b[step]!);
}
