/**
 * Muon against the formula of its author, and what it does with other parameters.
 *
 * @module
 */

import { ValueError } from "@flambeau/core";
import { describe, expect, test } from "vitest";
import { AdamW, Muon } from "../mod.ts";
import { backend, expectClose, fixtures, leaf, type Numbers, t, values } from "./test_support.ts";

function transposed(rows: Numbers): Numbers {
  const matrix = rows as readonly (readonly number[])[];
  return matrix[0]!.map((_, j) => matrix.map((row) => row[j]!));
}

describe.each(fixtures.muon)("Muon %#", ({ transpose, trajectory, ...options }) => {
  const of = (rows: Numbers): Numbers => transpose ? transposed(rows) : rows;

  test("follows the formula of Jordan et al.", () => {
    const w = leaf(of(fixtures.start.a));
    const optimizer = new Muon([w], options);
    trajectory.forEach((want, step) => {
      w.grad = t(of(fixtures.grads.a[step]!));
      optimizer.step();
      expectClose(values(w), want);
    });
  });
});

test("Muon: the step is nearly orthogonal, whatever the scale of the gradient", () => {
  const w = leaf([[0, 0, 0], [0, 0, 0]]);
  const optimizer = new Muon([w], { lr: 1, weightDecay: 0 });
  w.grad = t([[1e-3, 2e-3, 0], [0, 1e-3, -3e-3]]);
  optimizer.step();
  const [a, b, c, d, e, f] = values(w) as [number, number, number, number, number, number];
  // Eigenvalues of W Wᵀ are squares of the singular values, which the iteration brings to about 1.
  const [p, q, r] = [a * a + b * b + c * c, a * d + b * e + c * f, d * d + e * e + f * f];
  const spread = Math.sqrt((p - r) ** 2 / 4 + q * q);
  for (const squared of [(p + r) / 2 - spread, (p + r) / 2 + spread]) {
    expect(Math.sqrt(squared)).toBeGreaterThan(0.65);
    expect(Math.sqrt(squared)).toBeLessThan(1.25);
  }
});

test("Muon: tensors of more dimensions are matrices with the first one as rows", () => {
  const [flat, deep] = [leaf([[1, 2, 3, 4], [5, 6, 7, 9]]), leaf([[[1, 2], [3, 4]], [[5, 6], [7, 9]]])];
  const optimizer = new Muon([flat, deep], { lr: 0.1 });
  flat.grad = t([[1, 0, 2, -1], [0, 1, 1, 3]]);
  deep.grad = t([[[1, 0], [2, -1]], [[0, 1], [1, 3]]]);
  optimizer.step();
  expectClose(values(deep), values(flat));
});

test("Muon: groups with useMuon false are trained as by AdamW", () => {
  const [w, bias, alone] = [leaf([[1, 2], [3, 4]]), leaf([1, -2]), leaf([1, -2])];
  const optimizer = new Muon([{ params: [w], lr: 0.02 }, { params: [bias], useMuon: false, lr: 0.1 }]);
  const other = new AdamW([alone], { lr: 0.1, betas: [0.9, 0.95], eps: 1e-10, weightDecay: 0 });
  for (let step = 0; step < 5; step++) {
    bias.grad = t([0.3, -step]);
    alone.grad = t([0.3, -step]);
    optimizer.step();
    other.step();
  }
  expect(values(bias)).toEqual(values(alone));
  expect(values(w)).toEqual([1, 2, 3, 4]);
  expect(optimizer.paramGroups[1]).toMatchObject({ useMuon: false, betas: [0.9, 0.95], weightDecay: 0 });
});

test("Muon: steps hold no memory beyond the momentum", () => {
  const w = leaf([[1, 2], [3, 4], [5, 6]]);
  const optimizer = new Muon([w]);
  w.grad = t([[1, 0], [0, 1], [1, 1]]);
  optimizer.step();
  const { liveBytes } = backend.memory();
  for (let step = 0; step < 50; step++) optimizer.step();
  expect(backend.memory().liveBytes).toBe(liveBytes);
});

test("Muon: refuses vectors and unknown rules, and keeps its groups", () => {
  expect(() => new Muon([leaf([1, 2])])).toThrow(
    "Cannot optimize float64[2] by Muon: it must have at least two dimensions; put it into a group with useMuon: false",
  );
  expect(() => new Muon([leaf([[1]])], { adjustLrFn: "other" as "original" })).toThrow(ValueError);
  expect(() => new Muon([leaf([[1]])], { nsSteps: 100 })).toThrow(
    "nsSteps must be an integer below 100, got 100",
  );
  const optimizer = new Muon([leaf([[1]])]);
  expect(() => optimizer.addParamGroup({ params: [leaf([1])] })).toThrow(ValueError);
  expect(optimizer.paramGroups.length).toBe(1);
});
