/**
 * Checks of options, with messages that name the option.
 *
 * @module
 */

import { ValueError } from "@flambeau/core";

/** What the messages of an optimizer or scheduler start with. */
export type Subject = string;

/**
 * Refuses an option.
 *
 * @throws {ValueError} If `holds` is false: `Cannot create SGD: lr must be at least 0, got -1`.
 */
export function requireOption(
  subject: Subject,
  holds: boolean,
  name: string,
  rule: string,
  value: unknown,
): void {
  if (!holds) throw new ValueError(`Cannot create ${subject}: ${name} must be ${rule}, got ${text(value)}`);
}

/**
 * Checks options that must not be negative; NaN is refused too.
 *
 * @throws {ValueError} If one is.
 */
export function requireNonNegative(subject: Subject, options: object, names: readonly string[]): void {
  for (const name of names) {
    const value = (options as Record<string, unknown>)[name];
    requireOption(subject, typeof value === "number" && value >= 0, name, "a number of at least 0", value);
  }
}

/**
 * Checks decay rates: each in [0, 1).
 *
 * @throws {ValueError} If one is not; the message names its index.
 */
export function requireBetas(subject: Subject, betas: readonly number[]): void {
  const pair = Array.isArray(betas) && betas.length === 2;
  requireOption(subject, pair, "betas", "a pair of numbers", betas);
  betas.forEach((beta, i) => {
    requireOption(subject, beta >= 0 && beta < 1, `beta at index ${i}`, "at least 0 and below 1", beta);
  });
}

function text(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(text).join(", ")}]` : String(value);
}
