/**
 * Every optimizer against PyTorch in float64: values after each step, state, and training that goes on from a state dict.
 *
 * @module
 */

import { float32 } from "@flambeau/core";
import { scope, type Tensor } from "@flambeau/tensor";
import { describe, expect, test } from "vitest";
import type { Optimizer } from "../mod.ts";
import {
  backend,
  expectClose,
  fixtures,
  leaf,
  makeOptimizer,
  type OptimizerCase,
  setGrads,
  t,
  values,
} from "./test_support.ts";

function setUp(c: OptimizerCase): { a: Tensor; b: Tensor; optimizer: Optimizer } {
  const [a, b] = [leaf(fixtures.start.a), leaf(fixtures.start.b)];
  return { a, b, optimizer: makeOptimizer(c.optimizer, [a, b], c.options) };
}

function run(
  c: OptimizerCase,
  { a, b, optimizer }: ReturnType<typeof setUp>,
  from: number,
  to: number,
): void {
  for (let step = from; step < to; step++) {
    setGrads(a, b, step);
    optimizer.step();
    expectClose([...values(a), ...values(b)], c.trajectory[step]!.flat());
  }
}

function title({ optimizer, options }: OptimizerCase): string {
  return `${optimizer} ${JSON.stringify(options)}`;
}

function flat(value: unknown): number[] {
  if (typeof value === "number") return [value];
  if (Array.isArray(value)) return value.flat(Infinity) as number[];
  return values(value as Tensor);
}

describe.each(fixtures.optimizers)("$optimizer $options", (c) => {
  test(`${title(c)}: values after each step, and state, are those of PyTorch`, () => {
    const training = setUp(c);
    run(c, training, 0, c.trajectory.length);
    const { state } = training.optimizer.stateDict();
    expect([...state.keys()].map(String).filter((key) => Object.keys(state.get(Number(key))!).length > 0))
      .toEqual(
        Object.keys(c.state).filter((key) => Object.values(c.state[key]!).some((value) => value !== null)),
      );
    for (const [key, want] of Object.entries(c.state)) {
      for (const [name, value] of Object.entries(want)) {
        if (value !== null) expectClose(flat(state.get(Number(key))![name]), flat(value));
      }
    }
  });

  test(`${title(c)}: training goes on from a state dict as if it had not stopped`, () => {
    const first = setUp(c);
    run(c, first, 0, 6);
    const second = setUp({ ...c, options: {} });
    second.a.requiresGrad = second.b.requiresGrad = false;
    second.a.copy_(first.a.detach());
    second.b.copy_(first.b.detach());
    second.optimizer.loadStateDict(first.optimizer.stateDict());
    run(c, second, 6, c.trajectory.length);
  });

  test(`${title(c)}: a state dict with PyTorch's tensors of one element, as plain objects, goes on too`, () => {
    const first = setUp(c);
    run(c, first, 0, 6);
    const { state, param_groups } = first.optimizer.stateDict();
    const scalars = new Set(["step", "mu_product", "eta", "mu"]);
    const plain = {
      state: Object.fromEntries([...state].map(([key, entry]) => [
        String(key),
        Object.fromEntries(
          Object.entries(entry).map(([name, value]) => [
            name,
            scalars.has(name) ? t(value as number, float32) : value,
          ]),
        ),
      ])),
      param_groups,
    };
    const second = setUp({ ...c, options: {} });
    second.a.requiresGrad = second.b.requiresGrad = false;
    second.a.copy_(first.a.detach());
    second.b.copy_(first.b.detach());
    second.optimizer.loadStateDict(plain);
    for (let step = 6; step < c.trajectory.length; step++) {
      setGrads(second.a, second.b, step);
      second.optimizer.step();
      // The scalars went through float32.
      expectClose([...values(second.a), ...values(second.b)], c.trajectory[step]!.flat(), 1e-6);
    }
  });

  test(`${title(c)}: steps hold no memory beyond the state, in or out of a scope`, () => {
    const { a, b, optimizer } = setUp(c);
    const step = (k: number): void => {
      setGrads(a, b, k % 12);
      optimizer.step();
      for (const param of [a, b]) {
        param.grad?.dispose();
        param.grad = null;
      }
    };
    for (let k = 0; k < 4; k++) step(k);
    const { liveBytes, liveBuffers } = backend.memory();
    for (let k = 4; k < 54; k++) scope(() => step(k));
    expect(backend.memory().liveBuffers).toBe(liveBuffers);
    expect(backend.memory().liveBytes).toBe(liveBytes);
    expect(values(a).every(Number.isFinite)).toBe(true);
  });

  test(`${title(c)}: float32 follows float64, and writes bump the version`, () => {
    const [a, b] = [leaf(fixtures.start.a, float32), leaf(fixtures.start.b, float32)];
    const optimizer = makeOptimizer(c.optimizer, [a, b], c.options);
    for (let step = 0; step < 6; step++) {
      a.grad = t(fixtures.grads.a[step]!, float32);
      b.grad = step === 2 ? null : t(fixtures.grads.b[step]!, float32);
      const version = a.version;
      optimizer.step();
      expect(a.version).toBeGreaterThan(version);
      expectClose([...values(a), ...values(b)], c.trajectory[step]!.flat(), 2e-5);
    }
    for (const entry of optimizer.state.values()) {
      for (const value of Object.values(entry) as unknown[]) {
        if (typeof value === "object") expect((value as Tensor).dtype).toBe(float32);
      }
    }
  });
});
