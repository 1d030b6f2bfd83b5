/**
 * From samples to a batch.
 *
 * @module
 */

import {
  ArgumentTypeError,
  bool,
  type DType,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  uint8,
} from "@flambeau/core";
import { stack, type Tensor } from "@flambeau/tensor";
import { castTo, defaults, fromData, TensorHandle } from "@flambeau/tensor/internal";

/** A typed array that {@linkcode defaultCollate} takes as a row of numbers. */
export type NumberArray =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/**
 * What {@linkcode defaultCollate} makes of samples of type `T`: numbers, booleans, typed arrays and tensors become one
 * tensor, strings an array, and containers keep their form.
 */
export type Collated<T> = T extends TensorHandle | number | bigint | boolean | NumberArray ? Tensor
  : T extends string ? string[]
  : T extends ReadonlyMap<infer K, infer V> ? Map<K, Collated<V>>
  : T extends readonly unknown[] ? { -readonly [K in keyof T]: Collated<T[K]> }
  : T extends object ? { -readonly [K in keyof T]: Collated<T[K]> }
  : never;

/**
 * Puts samples together into a batch, with a new first dimension.
 *
 * - Tensors and typed arrays are stacked: N of shape `[…]` → `[N, …]`.
 * - Numbers become `int32[N]` when all of the batch are whole, else the default float dtype; bigints `int64[N]`; booleans
 *   `bool[N]`.
 * - Strings become an array of strings.
 * - Arrays (tuples), maps and plain objects keep their form: each position or key is put together on its own.
 *
 * @throws {ArgumentTypeError} If samples differ in kind, length or keys, or are of a kind that is not listed; the message
 * says where in the sample.
 * @throws {ShapeError} If tensors differ in shape.
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.default_collate
 *
 * @example
 * ```ts
 * defaultCollate([[1, "a"], [2, "b"]]); // [tensor([1, 2], dtype=torch.int32), ["a", "b"]]
 * ```
 */
export function defaultCollate<T>(samples: readonly T[]): Collated<T> {
  if (samples.length === 0) {
    throw new ArgumentTypeError("Cannot collate a batch: it must have samples, got none");
  }
  return collate(samples, "sample") as Collated<T>;
}

function collate(samples: readonly unknown[], where: string): unknown {
  const kind = kindOf(samples[0]);
  for (const [i, sample] of samples.entries()) {
    if (kindOf(sample) !== kind) {
      throw new ArgumentTypeError(
        `Cannot collate a batch: ${where} must be ${kind} in all samples, got ${
          kindOf(sample)
        } in sample ${i}`,
      );
    }
  }
  switch (kind) {
    case "a Tensor":
      return stack(samples as Tensor[]);
    case "a typed array":
      return stackArrays(samples as NumberArray[], where);
    case "a number":
      return fromNumbers(samples as number[]);
    case "a bigint":
      return fromData(BigInt64Array.from(samples as bigint[]), [samples.length], int64);
    case "a boolean":
      return fromData(Uint8Array.from(samples as boolean[], Number), [samples.length], bool);
    case "a string":
      return [...samples];
    case "an array":
      return collateArrays(samples as unknown[][], where);
    case "a Map":
      return new Map(collateKeyed(samples as Map<unknown, unknown>[], where));
    case "an object":
      return Object.fromEntries(
        collateKeyed(samples.map((sample) => new Map(Object.entries(sample as object))), where),
      );
    default:
      throw new ArgumentTypeError(
        `Cannot collate a batch: ${where} must be a tensor, number, boolean, string, array or object, got ${kind}; ` +
          "give the loader a collateFn",
      );
  }
}

function fromNumbers(values: readonly number[]): Tensor {
  const shape = [values.length];
  if (values.every((value) => (value | 0) === value)) return fromData(Int32Array.from(values), shape, int32);
  if (defaults.dtype === float64) return fromData(Float64Array.from(values), shape, float64);
  return castTo(fromData(Float32Array.from(values), shape, float32), defaults.dtype);
}

/** The dtype of each typed array. */
const ARRAY_DTYPES: ReadonlyMap<unknown, DType> = new Map<unknown, DType>([
  [Uint8Array, uint8],
  [Int8Array, int8],
  [Int16Array, int16],
  [Int32Array, int32],
  [BigInt64Array, int64],
  [Float32Array, float32],
  [Float64Array, float64],
]);

function stackArrays(rows: readonly NumberArray[], where: string): Tensor {
  const [first] = rows as [NumberArray];
  const out = new (first.constructor as Float32ArrayConstructor)(rows.length * first.length);
  for (const [i, row] of rows.entries()) {
    if (row.constructor !== first.constructor || row.length !== first.length) {
      throw new ArgumentTypeError(
        `Cannot collate a batch: ${where} must be ${typeOf(first)} in all samples, got ${
          typeOf(row)
        } in sample ${i}`,
      );
    }
    out.set(row as Float32Array, i * first.length);
  }
  return fromData(out, [rows.length, first.length], ARRAY_DTYPES.get(first.constructor)!);
}

function typeOf(row: NumberArray): string {
  return `${row.constructor.name}[${row.length}]`;
}

function collateArrays(samples: readonly unknown[][], where: string): unknown[] {
  const [first] = samples as [unknown[]];
  for (const [i, { length }] of samples.entries()) {
    if (length !== first.length) {
      throw new ArgumentTypeError(
        `Cannot collate a batch: ${where} must have ${first.length} elements in all samples, got ${length} in sample ${i}`,
      );
    }
  }
  return first.map((_, k) => collate(samples.map((sample) => sample[k]), `${where}[${k}]`));
}

function collateKeyed(samples: readonly Map<unknown, unknown>[], where: string): [string, unknown][] {
  const [first] = samples as [Map<string, unknown>];
  for (const [i, sample] of samples.entries()) {
    if (sample.size !== first.size || ![...first.keys()].every((key) => sample.has(key))) {
      throw new ArgumentTypeError(
        `Cannot collate a batch: ${where} must have the keys ${
          [...first.keys()].join(", ")
        } in all samples, got ${[...sample.keys()].join(", ")} in sample ${i}`,
      );
    }
  }
  return [...first.keys()].map((
    key,
  ) => [key, collate(samples.map((sample) => sample.get(key)), `${where}.${key}`)]);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value instanceof TensorHandle) return "a Tensor";
  if (Array.isArray(value)) return "an array";
  if (value instanceof Map) return "a Map";
  if (ArrayBuffer.isView(value)) {
    return ARRAY_DTYPES.has(value.constructor) ? "a typed array" : `a ${value.constructor.name}`;
  }
  if (typeof value !== "object") return `a ${typeof value}`;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype
    ? "an object"
    : `a ${prototype.constructor?.name}`;
}
