/**
 * Decimal text of floating-point numbers as C and Python write it: correctly rounded, halves to even.
 *
 * JavaScript's own `toFixed` and `toExponential` round exact halves away from zero (`(0.03125).toFixed(4)` is
 * `0.0313`, `%.4f` gives `0.0312`), drop the sign of −0 and switch notation at 1e21. They serve wherever none of
 * that matters; the rest is computed exactly with big integers.
 *
 * @module
 */

/** Most digits that JavaScript's own formatters accept, less the one that finds halves. */
const MAX_NATIVE_DIGITS = 99;

/**
 * `value` with `digits` digits after the point, as `%.{digits}f`. Not finite: `nan`, `inf` or `-inf`.
 *
 * @param digits Number of digits after the point, >= 0.
 */
export function fixedText(value: number, digits: number): string {
  if (!Number.isFinite(value)) return nonFiniteText(value);
  const size = Math.abs(value);
  // A half lies at an odd multiple of 10^-digits / 2, so it is a multiple of 2^-(digits + 1).
  const native = digits <= MAX_NATIVE_DIGITS && size < 1e21 &&
    (Number.isInteger(size) || !Number.isInteger(size * 2 ** (digits + 1)));
  return signOf(value) + (native ? size.toFixed(digits) : exactFixed(size, digits));
}

/**
 * `value` in scientific notation with `digits` digits after the point, as `%.{digits}e`: `1.0000e+05`. Not finite:
 * `nan`, `inf` or `-inf`.
 *
 * @param digits Number of digits after the point, >= 0.
 */
export function scientificText(value: number, digits: number): string {
  if (!Number.isFinite(value)) return nonFiniteText(value);
  const size = Math.abs(value);
  const native = digits <= MAX_NATIVE_DIGITS && (size === 0 || !/5e/.test(size.toExponential(digits + 1)));
  const [mantissa, exponent] = (native ? size.toExponential(digits) : exactExponential(size, digits)).split(
    "e",
  );
  const power = Number(exponent);
  return `${signOf(value)}${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

function nonFiniteText(value: number): string {
  return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

function signOf(value: number): string {
  return value < 0 || Object.is(value, -0) ? "-" : "";
}

function exactFixed(size: number, digits: number): string {
  const { units, scale } = exactDecimal(size);
  const text = dropDigits(units, -scale - digits).toString().padStart(digits + 1, "0");
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

function exactExponential(size: number, digits: number): string {
  const { units, scale } = exactDecimal(size);
  const length = units.toString().length;
  const text = dropDigits(units, length - 1 - digits).toString();
  const carried = text.length - (digits + 1); // 9.99… rounded up to 10.0…
  const exponent = units === 0n ? 0 : length - 1 + scale + carried;
  const mantissa = digits === 0 ? text[0]! : `${text[0]}.${text.slice(1, digits + 1).padEnd(digits, "0")}`;
  return `${mantissa}e${exponent}`;
}

/** A finite number >= 0, exactly: `units · 10^scale`, scale <= 0. */
function exactDecimal(size: number): { units: bigint; scale: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, size);
  const bits = view.getBigUint64(0);
  const biased = Number(bits >> 52n);
  let mantissa = bits & 0xfffffffffffffn;
  if (biased > 0) mantissa |= 1n << 52n;
  let exponent = Math.max(biased, 1) - 1075; // size = mantissa · 2^exponent
  while (exponent < 0 && (mantissa & 1n) === 0n) {
    if (mantissa === 0n) return { units: 0n, scale: 0 };
    mantissa >>= 1n;
    exponent++;
  }
  if (exponent >= 0) return { units: mantissa << BigInt(exponent), scale: 0 };
  return { units: mantissa * 5n ** BigInt(-exponent), scale: exponent }; // 2^-k = 5^k · 10^-k
}

/** `units / 10^count`, rounded with halves to even; appends zeros when `count` is negative. */
function dropDigits(units: bigint, count: number): bigint {
  if (count <= 0) return units * 10n ** BigInt(-count);
  const unit = 10n ** BigInt(count);
  const quotient = units / unit;
  const twice = 2n * (units % unit);
  const up = twice > unit || (twice === unit && (quotient & 1n) === 1n);
  return up ? quotient + 1n : quotient;
}
