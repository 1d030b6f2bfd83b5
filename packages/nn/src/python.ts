/**
 * Values as Python writes them: printed modules look as in PyTorch, whose text is Python's.
 *
 * @module
 */

/** A number that Python holds as a float: `1` prints as `1.0`, `0.00001` as `1e-05`. */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [digits, exponentText] = value.toExponential().split("e") as [string, string];
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  // From 1e-4 on JavaScript writes the same digits.
  return Number.isInteger(value) ? `${BigInt(value)}.0` : String(value);
}

/** A value as Python's `repr`: `True`, `None`, `'zeros'`, `(3, 3)`; whole numbers are integers. */
export function pythonRepr(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : pythonFloat(value);
  if (typeof value === "string") return `'${value}'`;
  if (Array.isArray(value)) return pythonTuple(value);
  return String(value);
}

/** A list as a Python tuple: `(3, 3)`, `(3,)`. */
export function pythonTuple(values: readonly unknown[]): string {
  return `(${values.map(pythonRepr).join(", ")}${values.length === 1 ? "," : ""})`;
}
