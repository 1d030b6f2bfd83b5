/**
 * L-BFGS against PyTorch in float64, at once and with asynchronous closures.
 *
 * @module
 */

import { ArgumentTypeError, ValueError } from "@flambeau/core";
import { isGradEnabled, scope, type Tensor } from "@flambeau/tensor";
import { describe, expect, test } from "vitest";
import { LBFGS, type LBFGSOptions, type OptimizerStateDict, type OptimizerStateDictLike } from "../mod.ts";
import { backend, expectClose, fixtures, leaf, t, values } from "./test_support.ts";

/** Rosenbrock's valley in three dimensions beside two parabolas, with its gradient by hand. */
function makeProblem(): { x: Tensor; y: Tensor; closure: () => Tensor; params: () => number[] } {
  const [x, y] = [leaf([-1.2, 1, 0.5]), leaf([[0.3], [1.1]])];
  const closure = (): Tensor => {
    const [p, q] = [values(x), values(y)];
    const slope = [0, 0, 0];
    let loss = 0;
    for (let i = 0; i < 2; i++) {
      const [rise, rest] = [p[i + 1]! - p[i]! ** 2, 1 - p[i]!];
      loss += 100 * rise ** 2 + rest ** 2;
      slope[i]! += -400 * rise * p[i]! - 2 * rest;
      slope[i + 1]! += 200 * rise;
    }
    for (const param of [x, y]) param.grad?.dispose();
    x.grad = t(slope);
    y.grad = t(q.map((value) => [6 * (value - 0.5)]));
    return t(loss + q.reduce((sum, value) => sum + 3 * (value - 0.5) ** 2, 0));
  };
  return { x, y, closure, params: () => [...values(x), ...values(y)] };
}

describe.each(fixtures.lbfgs)("LBFGS $options", ({ options, points, losses, counts }) => {
  test("points, losses and counts are those of PyTorch", () => {
    const { x, y, closure, params } = makeProblem();
    const optimizer = new LBFGS([x, y], options as Partial<LBFGSOptions>);
    points.forEach((want, call) => {
      const loss = optimizer.step(closure);
      const { funcEvals, nIter } = optimizer.state.get(x)!;
      expect([funcEvals, nIter]).toEqual(counts[call]);
      expectClose(values(loss), [losses[call]!], 1e-7);
      expectClose(params(), want, 1e-7);
    });
  });

  test("an asynchronous closure gives the same bits", async () => {
    const [atOnce, later] = [makeProblem(), makeProblem()];
    const first = new LBFGS([atOnce.x, atOnce.y], options as Partial<LBFGSOptions>);
    const second = new LBFGS([later.x, later.y], options as Partial<LBFGSOptions>);
    for (let call = 0; call < 2; call++) {
      const loss = first.step(atOnce.closure);
      const promise = second.step(async () => {
        await new Promise((resolve) => setTimeout(resolve, 0));
        return later.closure();
      });
      expect(promise).toBeInstanceOf(Promise);
      expect(values(await promise)).toEqual(values(loss));
      expect(later.params()).toEqual(atOnce.params());
    }
    expect(second.stepsTaken).toBe(2);
  });

  test("training goes on from a state dict as if it had not stopped", () => {
    const [first, second] = [makeProblem(), makeProblem()];
    const before = new LBFGS([first.x, first.y], options as Partial<LBFGSOptions>);
    before.step(first.closure);
    const after = new LBFGS([second.x, second.y]);
    after.loadStateDict(structuredCopy(before.stateDict()));
    second.x.requiresGrad = second.y.requiresGrad = false;
    second.x.copy_(first.x.detach());
    second.y.copy_(first.y.detach());
    before.step(first.closure);
    after.step(second.closure);
    expect(second.params()).toEqual(first.params());
  });

  test("steps hold no memory beyond the history", () => {
    const { x, y, closure } = makeProblem();
    const optimizer = new LBFGS([x, y], options as Partial<LBFGSOptions>);
    const step = (): void => optimizer.step(closure).dispose();
    const extra: number[] = [];
    for (let call = 0; call < 5; call++) {
      scope(step);
      const { d, prevFlatGrad, oldDirs, oldStps } = optimizer.state.get(x)!;
      const state = [d, prevFlatGrad, ...oldDirs ?? [], ...oldStps ?? []].filter((v) => v !== undefined);
      extra.push(backend.memory().liveBytes - state.reduce((sum, v) => sum + v.storage.bytes, 0));
    }
    // The losses of inner closures are the user's; a scope frees them.
    expect(new Set(extra).size).toBe(1);
  });
});

/** A state dict whose numbers are in tensors, as PyTorch keeps some of them. */
function structuredCopy(dict: OptimizerStateDict): OptimizerStateDictLike {
  const state = [...dict.state].map(([key, { ro, H_diag, ...rest }]) =>
    [
      key,
      new Map(
        Object.entries({ ...rest, ro: (ro as number[]).map((x) => t(x)), H_diag: t(H_diag as number) }),
      ),
    ] as const
  );
  return new Map<string, unknown>([["state", new Map(state)], ["param_groups", dict.param_groups]]);
}

test("LBFGS: the closure runs with recording, the rest without; numbers are losses too", () => {
  const x = leaf([3]);
  const optimizer = new LBFGS([x], { lr: 0.4, maxIter: 3 });
  const loss = optimizer.step(() => {
    expect(isGradEnabled()).toBe(true);
    const [value] = values(x) as [number];
    x.grad = t([2 * value]);
    return value ** 2;
  });
  expect(loss).toBe(9);
  expect(Math.abs(values(x)[0]!)).toBeLessThan(3);
});

test("LBFGS: ends at once where the gradient is 0, and skips parameters without one", () => {
  const [x, y] = [leaf([3]), leaf([5])];
  const optimizer = new LBFGS([x, y]);
  let calls = 0;
  optimizer.step(() => {
    calls++;
    x.grad = t([0]);
    return 1;
  });
  expect(calls).toBe(1);
  expect([...values(x), ...values(y)]).toEqual([3, 5]);
});

test("LBFGS: an error of the closure comes through and leaves the parameters where the line began", () => {
  const { x, y, closure, params } = makeProblem();
  const optimizer = new LBFGS([x, y], { lineSearchFn: "strong_wolfe" });
  const before = params();
  let calls = 0;
  const failing = (): Tensor => {
    if (++calls === 2) throw new Error("no data");
    return closure();
  };
  expect(() => optimizer.step(failing)).toThrow("no data");
  expect(params()).toEqual(before);
});

test("LBFGS: errors", () => {
  const x = leaf([1]);
  const two = [{ params: [x] }, { params: [leaf([2])] }];
  expect(() => new LBFGS(two)).toThrow("there must be one parameter group, got 2");
  expect(() => new LBFGS([x], { historySize: 0 })).toThrow(ValueError);
  expect(() => new LBFGS([x], { lineSearchFn: "armijo" as "strong_wolfe" })).toThrow(
    'Cannot create LBFGS: lineSearchFn must be "strong_wolfe" or null, got armijo',
  );
  expect(() => new LBFGS([x]).step()).toThrow(
    "Cannot step LBFGS: it needs a closure that computes the loss, got none",
  );
  expect(() => new LBFGS([x]).step(() => "1")).toThrow(ArgumentTypeError);
});
