/**
 * What the tests of this package share.
 *
 * @module
 */

import { float32, int32 } from "@flambeau/core";
import { createReferenceBackend } from "@flambeau/reference";
import { registerBackend, type Tensor, toArraySync } from "@flambeau/tensor";
import { fromData } from "@flambeau/tensor/internal";

registerBackend(createReferenceBackend());

/** float32[count, 2]: row i is [i, i / 2]. */
export function rows(count: number): Tensor {
  return fromData(
    Float32Array.from({ length: 2 * count }, (_, k) => k % 2 ? (k - 1) / 4 : k / 2),
    [count, 2],
    float32,
  );
}

/** int32[count]: 0, 10, 20, … */
export function tens(count: number): Tensor {
  return fromData(Int32Array.from({ length: count }, (_, i) => 10 * i), [count], int32);
}

/** Tensors in arrays and objects as nested arrays of numbers. */
export function plain(value: unknown): unknown {
  if (value !== null && typeof value === "object" && "storage" in value) return toArraySync(value as Tensor);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, plain(item)]));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value;
}
