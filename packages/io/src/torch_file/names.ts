/**
 * The names that a PyTorch file may use, and what each stands for.
 *
 * The table is the whole of it: a name that is not here cannot be reached by a file.
 *
 * @module
 */

import {
  bfloat16,
  bool,
  type DType,
  dtypes,
  float16,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  uint8,
} from "@flambeau/core";
import { TensorHandle } from "@flambeau/tensor/internal";
import { quote } from "../refuse.ts";
import { Callable, type Fail, type PickleWorld, type TorchKey } from "./unpickle.ts";

/** A class of storages that a file may name. */
export class StorageType {
  /** The dtype of its elements. */
  readonly dtype: DType;

  /** @param dtype The dtype of its elements. */
  constructor(dtype: DType) {
    this.dtype = dtype;
  }
}

/** A tensor as a file describes it, unchecked. */
export interface ViewOfStorage {
  /** What {@linkcode PickleWorld}'s `persistent` gave. */
  readonly storage: unknown;
  /** Elements before the first. */
  readonly offset: unknown;
  /** Sizes. */
  readonly size: unknown;
  /** Elements to step, by dimension. */
  readonly stride: unknown;
  /** Whether it requires grad. */
  readonly requiresGrad: unknown;
}

/** Makes a tensor. */
export type Rebuild = (view: ViewOfStorage, fail: Fail) => unknown;

const STORAGES: Readonly<Record<string, DType>> = {
  BoolStorage: bool,
  ByteStorage: uint8,
  CharStorage: int8,
  ShortStorage: int16,
  IntStorage: int32,
  LongStorage: int64,
  HalfStorage: float16,
  BFloat16Storage: bfloat16,
  FloatStorage: float32,
  DoubleStorage: float64,
};

/** The class of storages in PyTorch for each dtype. */
export const storageNames: ReadonlyMap<DType, string> = new Map(
  Object.entries(STORAGES).map(([name, dtype]) => [dtype, name]),
);

/** Names that PyTorch writes for what this library does not have, with the words for it. */
const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ["torch._utils._rebuild_sparse_tensor", "sparse tensors are an unsupported layout"],
  ["torch._utils._rebuild_sparse_csr_tensor", "sparse tensors are an unsupported layout"],
  ["torch.serialization._get_layout", "sparse tensors are an unsupported layout"],
  ["torch._utils._rebuild_qtensor", "quantized tensors are not supported"],
  ["torch.ComplexFloatStorage", "tensors of dtype complex64 are not supported"],
  ["torch.ComplexDoubleStorage", "tensors of dtype complex128 are not supported"],
  ["torch.UntypedStorage", "storages without a dtype are not supported"],
  ["torch.storage.UntypedStorage", "storages without a dtype are not supported"],
]);

/** Classes that only mark what the arguments beside them are. */
const MARKERS: readonly string[] = ["torch.Tensor", "torch._tensor.Tensor", "torch.nn.parameter.Parameter"];

/**
 * What {@linkcode PickleWorld}'s `find` of a PyTorch file is.
 *
 * @param rebuild Makes a tensor.
 */
export function torchNames(rebuild: Rebuild): PickleWorld["find"] {
  const table = new Map<string, unknown>();
  for (const [name, dtype] of Object.entries(STORAGES)) table.set(`torch.${name}`, new StorageType(dtype));
  for (const dtype of dtypes) table.set(`torch.${dtype.name}`, dtype);
  for (const name of MARKERS) {
    table.set(
      name,
      new Callable(name, (_, fail: Fail) => fail(`${name} cannot be called`)),
    );
  }
  const define = (name: string, call: Callable["call"]): void => {
    table.set(name, new Callable(name, call));
  };
  define("collections.OrderedDict", ([items], fail: Fail) => {
    const pairs = items ?? [];
    if (
      !Array.isArray(pairs) ||
      !pairs.every((pair) => Array.isArray(pair) && pair.length === 2 && isKey(pair[0]))
    ) {
      fail("OrderedDict must be made from pairs");
    }
    return new Map(pairs as [TorchKey, unknown][]);
  });
  for (const module of ["builtins", "__builtin__"]) {
    define(`${module}.set`, ([items], fail: Fail) => {
      if (!Array.isArray(items) || !items.every(isKey)) {
        fail("a set must be made from a list of text or numbers");
      }
      return new Set(items as TorchKey[]);
    });
  }
  define("_codecs.encode", ([text, encoding], fail: Fail) => {
    if (typeof text !== "string" || encoding !== "latin1") fail("bytes must be given as latin1 text");
    return Uint8Array.from(text, (c) => c.charCodeAt(0));
  });
  define("torch.Size", ([sizes], fail: Fail) => {
    if (!Array.isArray(sizes) || !sizes.every(Number.isSafeInteger)) {
      fail("torch.Size must be made from integers");
    }
    return sizes;
  });
  define("torch.device", ([type, index], fail: Fail) => {
    if (typeof type !== "string") fail("torch.device must be made from text");
    return index === undefined ? type : `${type}:${String(index)}`;
  });
  define(
    "torch._utils._rebuild_tensor",
    ([storage, offset, size, stride], fail: Fail) =>
      rebuild({ storage, offset, size, stride, requiresGrad: false }, fail),
  );
  define(
    "torch._utils._rebuild_tensor_v2",
    ([storage, offset, size, stride, requiresGrad], fail: Fail) =>
      rebuild({ storage, offset, size, stride, requiresGrad }, fail),
  );
  for (const name of ["torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"]) {
    define(name, ([data, requiresGrad], fail: Fail) => {
      if (data === PENDING) return data;
      if (!(data instanceof TensorHandle)) fail("a Parameter must be made from a tensor");
      if (requiresGrad === true) requireGrad(data, fail);
      return data;
    });
  }
  define("torch._tensor._rebuild_from_type_v2", ([make, type, args], fail: Fail) => {
    if (!(make instanceof Callable) || !(type instanceof Callable) || !MARKERS.includes(type.name)) {
      fail("a tensor with attributes must be a Tensor or a Parameter");
    }
    if (!Array.isArray(args)) fail(`${make.name} must be called with a tuple`);
    return make.call(args, fail);
  });
  return (name, fail) => {
    const why = UNSUPPORTED.get(name);
    if (why !== undefined) fail(`${why}, got ${quote(name)}`);
    return table.get(name);
  };
}

/** Stands for a tensor whose storage was not read yet. */
export const PENDING: unique symbol = Symbol("pending");

/** Marks a loaded tensor as one that requires grad. */
export function requireGrad(x: TensorHandle, fail: Fail): void {
  if (x.dtype.kind !== "float") fail(`only float tensors can require grad, got ${x.dtype.name}`);
  x.requiresGrad = true;
}

function isKey(value: unknown): boolean {
  return value === null || ["string", "number", "bigint", "boolean"].includes(typeof value);
}
