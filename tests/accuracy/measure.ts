/**
 * Runs a kernel over bit patterns of float32 and compares with float64.
 *
 * @module
 */

import { type Backend, float32, type Operand } from "@flambeau/core";
import type { MeasuredFunction } from "./functions.ts";

/** What a sweep found. */
export interface Accuracy {
  /** Largest distance from the exact value, in units of the last place of the float32 nearest to it. */
  readonly worst: number;
  /** The input where it occurs. */
  readonly at: number;
  /** Inputs. */
  readonly count: number;
  /** Inputs whose result is the float32 nearest to the exact value. */
  readonly nearest: number;
  /** Inputs whose result is NaN, infinite or a zero of the wrong sign where it must not be, or is not where it must. */
  readonly wrong: number;
  /** One of them. */
  readonly wrongAt: number | null;
}

/** Elements of a call. */
const CHUNK = 1 << 18;
/** Bit patterns of float32. */
const PATTERNS = 2 ** 32;

/** Measured with every stride: ±0, ±∞, NaN, the least denormal, normal and the largest numbers, ±1. */
const ALWAYS: readonly number[] = [0, 1, 0x800000, 0x3f800000, 0x7f7fffff, 0x7f800000, 0x7fc00000].flatMap(
  (pattern) => [pattern, pattern + 0x80000000],
);

/** Units of the last place by biased exponent. */
const UNITS: Float64Array = Float64Array.from({ length: 256 }, (_, e) => 2 ** (Math.max(e, 1) - 150));

/** Two sweeps in one. */
export function join(a: Accuracy, b: Accuracy): Accuracy {
  const { worst, at } = a.worst >= b.worst ? a : b;
  return {
    ...{ worst, at, count: a.count + b.count, nearest: a.nearest + b.nearest, wrong: a.wrong + b.wrong },
    wrongAt: a.wrongAt ?? b.wrongAt,
  };
}

/**
 * Measures a function on every `stride`-th bit pattern of float32 from number `start` of these on, `step` of them apart.
 *
 * A result beyond the largest float32 counts as 2¹²⁸. NaN must be NaN, a zero must have the sign of the exact value.
 */
export function measure(
  device: Backend,
  { primitive, attrs, exact }: MeasuredFunction,
  stride: number,
  start: number = 0,
  step: number = 1,
): Accuracy {
  const buffers = [device.allocate(CHUNK * 4), device.allocate(CHUNK * 4)] as const;
  const [x, y] = buffers.map((buffer): Operand => ({
    ...{ buffer, dtype: float32, shape: [CHUNK], strides: [1], offset: 0 },
  })) as [Operand, Operand];
  const kernel = device.kernels[primitive] as unknown as (
    inputs: readonly Operand[],
    output: Operand,
    attrs: unknown,
  ) => never;
  const dispatch = kernel([x], y, attrs);
  const inputs = new Float32Array(CHUNK);
  const bits = new Uint32Array(inputs.buffer);
  const [float, word] = [new Float32Array(1), new Uint32Array(1)];
  const rounded = new Uint32Array(float.buffer);
  let [worst, at, count, nearest, wrong, wrongAt] = [0, 0, 0, 0, 0, null as number | null];
  for (let pattern = start * stride; pattern < PATTERNS;) {
    let n = 0;
    if (pattern === 0) { for (; n < ALWAYS.length; n++) bits[n] = ALWAYS[n]!; }
    for (; n < CHUNK && pattern < PATTERNS; n++, pattern += step * stride) {
      word[0] = pattern;
      bits[n] = word[0]!;
    }
    device.write(buffers[0], 0, new Uint8Array(inputs.buffer));
    device.run(dispatch);
    const bytes = device.readSync!(buffers[1], 0, CHUNK * 4);
    const results = new Float32Array(bytes.buffer, bytes.byteOffset, CHUNK);
    count += n;
    for (let i = 0; i < n; i++) {
      const input = inputs[i]!;
      const got = results[i]!;
      const want = exact(input);
      float[0] = want;
      const near = float[0]!;
      if (got === near) {
        nearest++;
        // Beside zeros, only the distance is left to look at.
        if (got === 0) {
          if (!Object.is(got, near)) {
            wrong++;
            wrongAt ??= input;
          }
        } else if (!Number.isFinite(got)) continue;
      } else if (got !== got || near !== near) {
        if (got !== got && near !== near) nearest++;
        else {
          wrong++;
          wrongAt ??= input;
        }
        continue;
      }
      const bounded = Number.isFinite(got) ? got : Math.sign(got) * 2 ** 128;
      const unit = UNITS[Number.isFinite(near) ? (rounded[0]! >>> 23) & 255 : 254]!;
      const error = Math.abs(bounded - want) / unit;
      if (error > worst) [worst, at] = [error, input];
      // An infinity in the place of a number far from overflow.
      if (error > 1e6) {
        wrong++;
        wrongAt ??= input;
      }
    }
  }
  for (const buffer of buffers) device.free(buffer);
  return { worst, at, count, nearest, wrong, wrongAt };
}
