/**
 * What the program gives in the runtime that runs the tests, and how others are compared with it.
 *
 * @module
 */

import { expect } from "vitest";
import { type Outcome, run } from "./program.ts";

let here: Promise<Outcome> | null = null;

/**
 * Holds what another runtime gave against what this one gives: random bits must be equal, sums may be rounded differently.
 *
 * @throws {Error} If they differ.
 */
export async function expectSameOutcome(there: Outcome): Promise<void> {
  const expected = await (here ??= run());
  expect(there.device).toBe(expected.device);
  expect(there.uniform).toEqual(expected.uniform);
  expect(there.permutation).toEqual(expected.permutation);
  expect(Object.keys(there.values)).toEqual(Object.keys(expected.values));
  for (const [name, values] of Object.entries(expected.values)) {
    expectClose(name, there.values[name]!, values, 1e-5);
  }
  // Rounding grows along a training run; the first steps show that it is the same one.
  expectClose("losses", there.losses.slice(0, 6), expected.losses.slice(0, 6), 1e-3);
  expect(there.losses.at(-1)).toBeLessThan(0.01);
}

function expectClose(
  name: string,
  actual: readonly number[],
  expected: readonly number[],
  tolerance: number,
): void {
  expect(actual.length, name).toBe(expected.length);
  for (const [i, value] of expected.entries()) {
    expect(Math.abs(actual[i]! - value), `${name}[${i}]: ${actual[i]} and ${value}`)
      .toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(value)));
  }
}
