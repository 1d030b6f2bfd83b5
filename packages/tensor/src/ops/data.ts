/**
 * Moving values: copies, dtypes, devices, and reading them on the host.
 *
 * @module
 */

import {
  ArgumentTypeError,
  bfloat16FromBits,
  bool,
  type DataArray,
  DeviceError,
  type DType,
  dtypeOf,
  float16,
  float16FromBits,
  formatType,
  GradError,
  numelOf,
  type Shape,
  ShapeError,
  shapesEqual,
  tryBroadcast,
  viewData,
} from "@flambeau/core";
import { bind, bindInto, needsGrad } from "../bind.ts";
import { castTo, constant, describe, isScalar, requireTensor, type Scalar } from "../coerce.ts";
import { backendOf, Device, type DeviceLike } from "../device.ts";
import { gradMode } from "../grad_mode.ts";
import { makeEmpty } from "../handle.ts";
import { noteHostCopy } from "../host_copy.ts";
import { breathe } from "../memory.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { requireReadable, transforms } from "../transform.ts";

/** A number, bigint or boolean, or arrays of them, nested as deep as the tensor has dimensions. */
export type Nested = Scalar | Nested[];

/** A contiguous copy with its own memory. Recorded for autograd. */
export function clone(x: Tensor): Tensor {
  return bind("copy", [x], null);
}

/** `x` itself when it is contiguous, else a contiguous copy. */
export function contiguous(x: Tensor): Tensor {
  return x.isContiguous() ? x : clone(x);
}

/** The same values without history; shares the memory. */
export function detach(x: Tensor): Tensor {
  const guard = gradMode.enabled;
  gradMode.enabled = false;
  try {
    const out = bind("alias", [x], null);
    for (let t: Tensor | undefined = out; t !== undefined; t = t.lifted?.value) t.base = null;
    return out;
  } finally {
    gradMode.enabled = guard;
  }
}

/** Copies the values of `source`, broadcast and converted, into `x`. Gives `x`. */
export function copy_(x: Tensor, source: Tensor | Scalar): Tensor {
  const from = isScalar(source)
    ? constant(source, x.dtype, x.backend)
    : requireTensor("copy_", "source", source);
  const shape = tryBroadcast(x.shape, from.shape);
  if (shape === null || !shapesEqual(shape, x.shape)) {
    throw new ShapeError(
      `Cannot copy ${formatType(from)} into ${formatType(x)}: its shape must broadcast to [${
        x.shape.join(", ")
      }]`,
    );
  }
  const near = from.backend === x.backend ? from : to(from, x.device);
  const wide = shapesEqual(near.shape, x.shape) ? near : bind("expand", [near], { shape: x.shape });
  if (wide.dtype === x.dtype) bindInto([x], "copy", [wide], null);
  else bindInto([x], "cast", [wide], { dtype: x.dtype });
  return x;
}

/** Sets every element to `value`. Gives `x`. */
export function fill_(x: Tensor, value: Scalar | Tensor): Tensor {
  if (!isScalar(value) && requireTensor("fill_", "value", value).shape.length > 0) {
    throw new ShapeError(
      `Cannot fill ${formatType(x)}: the value must be a scalar, got ${formatType(value as Tensor)}`,
    );
  }
  return copy_(x, value);
}

/** Sets every element to 0. Gives `x`. */
export function zero_(x: Tensor): Tensor {
  return fill_(x, 0);
}

/** Where `to` moves and what it converts. */
export interface ToOptions {
  /** Element type of the result. */
  readonly dtype?: DType | string;
  /** Where the result lives. */
  readonly device?: DeviceLike;
  /** Copy even when nothing changes. Default false. */
  readonly copy?: boolean;
}

/**
 * `x` with another dtype, on another device, or both; `x` itself when nothing changes.
 *
 * @param target A dtype, a device, a tensor to be like, or an object of options.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.to.html
 */
export function to(
  x: Tensor,
  target: DType | DeviceLike | Tensor | ToOptions,
  ...rest: [(DType | ToOptions)?, ToOptions?]
): Tensor {
  const wanted = toTarget(target);
  for (const more of rest) if (more !== undefined) Object.assign(wanted, toTarget(more));
  let out = wanted.dtype === undefined ? x : castTo(x, dtypeOf(wanted.dtype));
  if (wanted.device !== undefined && backendOf(wanted.device) !== x.backend) out = moveTo(out, wanted.device);
  return out === x && wanted.copy === true ? clone(x) : out;
}

function toTarget(target: unknown): { dtype?: DType | string; device?: DeviceLike; copy?: boolean } {
  if (typeof target === "string") {
    try {
      return { dtype: dtypeOf(target) };
    } catch {
      return { device: target };
    }
  }
  if (target instanceof Device) return { device: target };
  if (typeof target === "object" && target !== null) {
    if ("itemsize" in target && !("storage" in target)) return { dtype: target as DType };
    if ("storage" in target) return { dtype: (target as Tensor).dtype, device: (target as Tensor).device };
    if ("kernels" in target) return { device: target as DeviceLike };
    return { ...target };
  }
  throw new ArgumentTypeError(
    `Cannot move a tensor to ${describe(target)}: it must be a dtype, a device or a Tensor`,
  );
}

function moveTo(x: Tensor, device: DeviceLike): Tensor {
  const backend = backendOf(device);
  if (!backend.dtypes.has(x.dtype)) {
    throw new DeviceError(
      `Cannot move ${
        formatType(x)
      } to ${backend.name}: it has no ${x.dtype.name}; convert first, as in x.to("float32")`,
    );
  }
  const move = (plain: Tensor) => bindMove(plain, backend);
  return transforms.active === null ? move(x) : transforms.active.move(x, move);
}

/** Copies across devices. The gradient travels back the same way. */
export const moveHook: { record: ((from: Tensor, to: Tensor) => void) | null } = { record: null };

function bindMove(x: Tensor, backend: Tensor["backend"]): Tensor {
  const out = makeEmpty(backend, x.shape, x.dtype);
  const bytes = bytesSync(x, "to");
  backend.write(out.buffer, 0, bytes);
  noteHostCopy(out.storage, x.dtype, bytes);
  if (gradMode.enabled && needsGrad([x])) moveHook.record?.(x, out);
  return out;
}

/** The elements in row-major order, as bytes of the storage form. */
function bytesSync(x: Tensor, op: string): Uint8Array {
  requireReadable(op, x);
  if (!x.backend.canReadSync) {
    throw new DeviceError(
      `Cannot ${op} ${formatType(x)} on ${x.backend.name} at once: await its asynchronous twin instead (${
        op.replace("Sync", "")
      }())`,
    );
  }
  const { itemsize } = x.dtype;
  const size = numelOf(x.shape) * itemsize;
  if (size === 0) return new Uint8Array(0);
  const read = (packed: Tensor): Uint8Array =>
    packed.backend.readSync(packed.buffer, packed.offset * itemsize, size);
  if (x.isContiguous()) return read(x);
  let bytes: Uint8Array;
  temporaries(() => {
    bytes = read(contiguousData(x));
    return null;
  });
  return bytes!;
}

async function bytesAsync(x: Tensor): Promise<Uint8Array> {
  requireReadable("read", x);
  await breathe();
  if (numelOf(x.shape) === 0) return new Uint8Array(0);
  const packed = contiguousData(x);
  const itemsize = x.dtype.itemsize;
  try {
    return await packed.backend.read(packed.buffer, packed.offset * itemsize, numelOf(x.shape) * itemsize);
  } finally {
    if (packed.storage !== x.storage) packed.storage.dispose();
  }
}

/** `x`, or an unrecorded copy of it, whose elements lie in row-major order without gaps. */
export function contiguousData(x: Tensor): Tensor {
  if (x.isContiguous()) return x;
  const enabled = gradMode.enabled;
  gradMode.enabled = false;
  try {
    return bind("copy", [x], null);
  } finally {
    gradMode.enabled = enabled;
  }
}

function asData(x: Tensor, bytes: Uint8Array): DataArray {
  const aligned = bytes.byteOffset % x.dtype.itemsize === 0 && bytes.buffer instanceof ArrayBuffer
    ? bytes
    : bytes.slice();
  return viewData(x.dtype, aligned.buffer, aligned.byteOffset, numelOf(x.shape));
}

/**
 * The elements in row-major order, in a typed array of their storage form (bool: bytes 0 and 1; float16: 16-bit patterns).
 * The array is a copy.
 */
export async function data(x: Tensor): Promise<DataArray> {
  return asData(x, await bytesAsync(x));
}

/**
 * As {@linkcode data}, at once.
 *
 * @throws {DeviceError} If the device cannot be read at once.
 */
export function dataSync(x: Tensor): DataArray {
  return asData(x, bytesSync(x, "dataSync"));
}

/**
 * As {@linkcode dataSync}, under PyTorch's name and with its guard: a typed array is JavaScript's NumPy array here, and gradients
 * do not travel through it.
 *
 * @throws {GradError} If the tensor requires grad.
 */
export function numpy(x: Tensor): DataArray {
  if (x.requiresGrad) {
    throw new GradError(
      `Cannot call numpy() on ${formatType(x)} that requires grad: use x.detach().numpy(), or await x.data()`,
    );
  }
  return dataSync(x);
}

/** One element of data in storage form as a JavaScript value. */
export function elementOf(dtype: DType, array: DataArray, index: number): Scalar {
  const raw = array[index]!;
  if (dtype === bool) return raw !== 0;
  if (dtype === float16) return float16FromBits(raw as number);
  if (dtype.name === "bfloat16") return bfloat16FromBits(raw as number);
  return raw;
}

function single(x: Tensor, op: string): void {
  if (numelOf(x.shape) !== 1) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(x)}: a Tensor with ${
        numelOf(x.shape)
      } elements cannot be converted to Scalar`,
    );
  }
}

/**
 * The value of a tensor with one element: a number, a boolean (bool) or a bigint (int64).
 *
 * @throws {ShapeError} If it has another number of elements.
 */
export async function item(x: Tensor): Promise<number> {
  single(x, "item");
  return elementOf(x.dtype, await data(x), 0) as number;
}

/**
 * As {@linkcode item}, at once.
 *
 * @throws {DeviceError} If the device cannot be read at once.
 */
export function itemSync(x: Tensor): number {
  single(x, "itemSync");
  return elementOf(x.dtype, dataSync(x), 0) as number;
}

function nest(dtype: DType, array: DataArray, shape: Shape): Nested {
  let next = 0;
  const build = (dim: number): Nested => {
    if (dim === shape.length) return elementOf(dtype, array, next++);
    const out = new Array<Nested>(shape[dim]!);
    for (let i = 0; i < out.length; i++) out[i] = build(dim + 1);
    return out;
  };
  return build(0);
}

/** The elements in nested arrays, one level per dimension; a scalar gives its value. */
export async function toArray(x: Tensor): Promise<Nested> {
  return nest(x.dtype, await data(x), x.shape);
}

/** As {@linkcode toArray}, at once. PyTorch's `tolist()`. */
export function toArraySync(x: Tensor): Nested {
  return nest(x.dtype, dataSync(x), x.shape);
}

/** A tensor on `backend` with these elements in row-major order. */
export function fromData(array: DataArray, shape: Shape, dtype: DType, device?: DeviceLike | null): Tensor {
  const backend = backendOf(device);
  if (!backend.dtypes.has(dtype)) {
    throw new DeviceError(
      `Cannot make ${formatType({ shape, dtype })} on ${backend.name}: it has no ${dtype.name}`,
    );
  }
  const out = makeEmpty(backend, shape, dtype);
  if (array.byteLength > 0) {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    backend.write(out.buffer, 0, bytes);
    noteHostCopy(out.storage, dtype, bytes);
  }
  return out;
}
