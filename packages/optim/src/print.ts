/**
 * The printed form of an optimizer, which is Python's.
 *
 * @module
 */

import type { ParamGroup } from "./groups.ts";
import { snakeCase } from "./names.ts";

/** `SGD (\nParameter Group 0\n    dampening: 0\n    lr: 0.1\n…)`: PyTorch's `repr(optimizer)`. */
export function formatOptimizer(name: string, groups: readonly ParamGroup<object>[]): string {
  const parts = groups.map(({ params: _, ...options }, i) => {
    const lines = Object.entries(options).map(([key, value]) => `    ${snakeCase(key)}: ${python(value)}\n`);
    return `\nParameter Group ${i}\n${lines.sort().join("")}`;
  });
  return `${name} (${parts.join("")})`;
}

/** A value as Python writes it. A number has no type of its own here: whole ones print as integers. */
function python(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return pythonNumber(value);
  if (Array.isArray(value)) return `(${value.map(python).join(", ")})`;
  return String(value);
}

function pythonNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (Number.isInteger(value) || Math.abs(value) >= 1e-4) return String(value);
  const [digits, exponent] = value.toExponential().split("e-") as [string, string];
  return `${digits}e-${exponent.padStart(2, "0")}`;
}
