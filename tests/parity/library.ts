/**
 * The library under test, seen from outside: a namespace whose members are looked up by name at run time.
 *
 * Only what a user may call is used. Typed loosely on purpose: a name that is not there yet is a result
 * (`missing`), not a compile error of the runner.
 *
 * @module
 */

import { gatherStrided } from "./compare.ts";
import { type AnyFunction, invoke, member, Missing, resolve } from "./names.ts";
import { fromBfloat16, fromFloat16, type Raw } from "./safetensors.ts";

/** What the runner uses of a tensor. */
export interface TensorLike {
  readonly shape: readonly number[];
  readonly dtype: { readonly name: string };
  readonly requiresGrad: boolean;
  readonly isLeaf: boolean;
  grad: TensorLike | null;
}

/** A tensor built from a fixture, and the flat tensor whose memory it views. */
export interface Built {
  readonly tensor: TensorLike;
  readonly base: TensorLike;
}

const ARRAYS: Readonly<Record<string, (data: ArrayLike<number>) => ArrayBufferView>> = {
  float32: (data) => Float32Array.from(data),
  float64: (data) => Float64Array.from(data),
  int32: (data) => Int32Array.from(data),
  int16: (data) => Int16Array.from(data),
  int8: (data) => Int8Array.from(data),
  uint8: (data) => Uint8Array.from(data),
  bool: (data) => Uint8Array.from(data),
};

/** Calls into the library. */
export class Library {
  /** The namespace: `import * as torch`. */
  readonly torch: unknown;

  /** @param torch The namespace. */
  constructor(torch: unknown) {
    this.torch = torch;
  }

  /** The function of a call such as `torch.nn.functional.conv2d`. */
  function(call: string): AnyFunction {
    const found = resolve(this.torch, call);
    if (typeof found !== "function") throw new Missing(call);
    return found as AnyFunction;
  }

  /** Calls a function of the namespace by its Flambeau name. */
  call(name: string, ...args: unknown[]): unknown {
    return invoke(this.torch, name, ...args);
  }

  /** The dtype object of a PyTorch name. Indices and integer results are int32, so int64 is read as int32. */
  dtype(name: string): unknown {
    const known = name === "int64" ? "int32" : name;
    const dtype = member(this.torch, known);
    if (dtype === undefined) throw new Missing(`torch.${known}`);
    return dtype;
  }

  /** True for tensors of the library. */
  isTensor(value: unknown): value is TensorLike {
    const Tensor = member(this.torch, "Tensor");
    return typeof Tensor === "function" && value instanceof Tensor;
  }

  /** A tensor with these values; `stride` makes it a view of its flat values. */
  tensor(raw: Raw, shape: readonly number[] = raw.shape, stride?: readonly number[]): Built {
    if (raw.dtype === "complex64") {
      return this.#build({ ...raw, dtype: "float32", shape: [...raw.shape, 2] }, [...shape, 2]);
    }
    return this.#build(raw, shape, stride);
  }

  #build(raw: Raw, shape: readonly number[], stride?: readonly number[]): Built {
    const dtype = raw.dtype === "int64" ? "int32" : raw.dtype;
    const half = dtype === "float16" || dtype === "bfloat16";
    const array = ARRAYS[half ? "float32" : dtype];
    if (array === undefined) throw new Missing(`torch.${dtype}`);
    const flat = stride === undefined ? shape : [raw.data.length];
    const options = { dtype: this.dtype(half ? "float32" : dtype) };
    const made = this.call("fromTypedArray", array(raw.data), flat, options);
    const base = (half ? invoke(made, "to", this.dtype(dtype)) : made) as TensorLike;
    const tensor = stride === undefined ? base : invoke(base, "asStrided", [...shape], [...stride], 0);
    return { tensor: tensor as TensorLike, base };
  }

  /** Reads a tensor: its dtype, shape and values. */
  async read(tensor: TensorLike): Promise<Raw> {
    const dtype = tensor.dtype.name;
    const data = await invoke(tensor, "data") as ArrayLike<number | bigint>;
    return { dtype, shape: [...tensor.shape], data: numbers(dtype, data) };
  }

  /** True when two tensors share memory. */
  shareStorage(a: TensorLike, b: TensorLike): boolean {
    return member(a, "storage") === member(b, "storage");
  }

  /** Strides of a tensor, in elements. */
  strides(tensor: TensorLike): readonly number[] {
    return member(tensor, "strides") as readonly number[];
  }

  /** Runs `body` without recording. */
  noGrad<R>(body: () => R): R {
    return this.call("noGrad", body) as R;
  }
}

function numbers(dtype: string, data: ArrayLike<number | bigint>): ArrayLike<number> {
  if (data instanceof BigInt64Array) return Float64Array.from(data, Number);
  if (data instanceof Uint16Array) {
    return Float32Array.from(data, dtype === "float16" ? fromFloat16 : fromBfloat16);
  }
  return data as ArrayLike<number>;
}

/** The values that a table entry stands for, contiguous, when `raw` is the flat storage behind it. */
export function contiguous(raw: Raw, shape: readonly number[], stride?: readonly number[]): Raw {
  if (stride === undefined) return raw;
  return { dtype: raw.dtype, shape, data: gatherStrided(raw.data, shape, stride) };
}
