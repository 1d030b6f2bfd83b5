/**
 * Names of state dicts, there and back.
 *
 * @module
 */

import { expect, test } from "vitest";
import { camelCase, fieldOf, snakeCase } from "./names.ts";

test.each([
  ["lr", "lr"],
  ["weightDecay", "weight_decay"],
  ["maxExpAvgSq", "max_exp_avg_sq"],
  ["t0", "t0"],
  ["HDiag", "H_diag"],
  ["TMax", "T_max"],
  ["T0", "T_0"],
  ["TI", "T_i"],
  ["useBeta1", "use_beta1"],
  ["lastLr", "_last_lr"],
  ["stepCount", "_step_count"],
  ["schedulePhases", "_schedule_phases"],
])("%s is %s in a state dict", (ours, theirs) => {
  expect(snakeCase(ours)).toBe(theirs);
  expect(camelCase(theirs)).toBe(ours);
  expect(camelCase(ours)).toBe(ours);
});

test("fieldOf: finds a field of a map or an object in either spelling", () => {
  expect(fieldOf(new Map([["param_groups", 1]]), "paramGroups")).toBe(1);
  expect(fieldOf({ paramGroups: 2 }, "paramGroups")).toBe(2);
  expect(fieldOf({ other: 2 }, "paramGroups")).toBeUndefined();
  expect(fieldOf(null, "paramGroups")).toBeUndefined();
});
