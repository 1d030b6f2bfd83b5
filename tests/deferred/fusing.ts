/**
 * Devices to compare: such that fuse, with a count of what they run, and the same ones without fusing.
 *
 * @module
 */

import {
  type Aval,
  type Backend,
  type Buffer,
  contiguousStrides,
  type FusedExpression,
  type FusedOutput,
  type KernelName,
  type Name,
  numelOf,
  type Operand,
  pointwiseNames,
  type ProductName,
} from "@flambeau/core";
import { createWebGpuBackend, isWebGpuAvailable } from "@flambeau/kernels-webgpu";
import { createReferenceBackend } from "@flambeau/reference";
import { registerBackend } from "@flambeau/tensor";

type AnyKernel = (inputs: readonly Operand[], output: Operand, attrs: unknown) => unknown;
type Run = (dispatch: unknown) => void;

const FOLDS: ReadonlySet<Name> = new Set<Name>(["sum", "prod", "amax", "amin", "any", "all"]);
const PRODUCTS: ReadonlySet<Name> = new Set<ProductName>([
  "matmul",
  "linear",
  "conv",
  "convInputGrad",
  "convWeightGrad",
]);
const DIVIDES: ReadonlySet<Name> = new Set<Name>(["floorDivide", "truncDivide", "remainder", "fmod"]);

/** A device under a name of its own, with what counts its work. */
export interface Counted {
  /** The device. */
  readonly backend: Backend;
  /** Kernels that were run so far. */
  readonly dispatches: () => number;
}

/** The reference device, registered as `name`; `fuses`: with a fusion that runs an expression value by value. */
export function reference(name: string, fuses: boolean, maxValues = 48, maxBuffers = 8): Counted {
  const backend = createReferenceBackend() as Backend;
  const plain: Run = backend.run.bind(backend);
  let count = 0;
  const own: Record<string, unknown> = {
    name,
    run: (dispatch: unknown) => {
      count++;
      if (typeof dispatch === "function") dispatch();
      else plain(dispatch);
    },
  };
  if (fuses) {
    own.fusion = {
      maxValues,
      maxBuffers,
      accepts: (name: Name, inputs: readonly Aval[], output: Aval) => {
        if (name === "full" || FOLDS.has(name) || name === "copy" || name === "cast") return true;
        if (PRODUCTS.has(name)) return backend.kernels[name as KernelName] !== undefined;
        if (DIVIDES.has(name) && inputs[0]!.dtype.kind !== "float") return false;
        return pointwiseNames.has(name) && backend.kernels[name as KernelName] !== undefined &&
          output.dtype !== undefined;
      },
      fuse: (expression: FusedExpression, outputs: readonly FusedOutput[]) => () =>
        evaluate(backend, plain, expression, outputs),
    };
  }
  // Bound methods: the device itself may have private fields.
  const device = new Proxy(backend, {
    get(target, key) {
      if (key in own) return own[key as string];
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  registerBackend(device);
  return { backend: device, dispatches: () => count };
}

/** Two GPU devices, one that fuses and one that does not; null where there is no adapter. */
export async function gpus(): Promise<{ fusing: Counted; plain: Counted } | null> {
  if (!await isWebGpuAvailable()) return null;
  const make = async (name: string): Promise<Counted> => {
    const backend = await createWebGpuBackend();
    Object.defineProperty(backend, "name", { value: name });
    registerBackend(backend);
    return { backend, dispatches: () => backend.counters.dispatches };
  };
  const [fusing, plain] = [await make("fusing-gpu"), await make("plain-gpu")];
  Object.defineProperty(plain.backend, "fusion", { value: undefined });
  return { fusing, plain };
}

/** Computes an expression with a kernel for each value, into memory of its own, and copies the outputs. */
function evaluate(
  backend: Backend,
  run: Run,
  expression: FusedExpression,
  outputs: readonly FusedOutput[],
): void {
  const taken: Buffer[] = [];
  const made = values(backend, run, expression, taken);
  for (const { value, target } of outputs) {
    run((backend.kernels.copy as AnyKernel)([made[value]!], target, null));
  }
  for (const buffer of taken) backend.free(buffer);
}

function values(
  backend: Backend,
  run: Run,
  { shape, values: list }: FusedExpression,
  taken: Buffer[],
): Operand[] {
  const made: Operand[] = [];
  for (const value of list) {
    if (value.kind === "operand") {
      made.push(value.operand);
      continue;
    }
    const buffer = backend.allocate(numelOf(shape) * value.dtype.itemsize);
    taken.push(buffer);
    const out: Operand = { buffer, dtype: value.dtype, shape, strides: contiguousStrides(shape), offset: 0 };
    if (value.kind === "scalar") {
      run(backend.kernels.full([], out, { shape, value: value.value, dtype: value.dtype }));
    } else if (value.kind === "step") {
      const inputs = value.inputs.map((i) => made[i]!);
      run((backend.kernels[value.name] as AnyKernel)(inputs, out, value.attrs));
    } else if (value.kind === "product") {
      const result = { ...out, shape: value.shape, strides: contiguousStrides(value.shape) };
      run((backend.kernels[value.name] as AnyKernel)(value.inputs, result, value.attrs));
    } else {
      const x = values(backend, run, value.input, taken).at(-1)!;
      const kept = x.shape.filter((_, d) => !value.dims.includes(d));
      const result = { ...out, shape: kept, strides: contiguousStrides(kept) };
      run((backend.kernels[value.name] as AnyKernel)([x], result, { dims: value.dims, keepdim: false }));
    }
    made.push(out);
  }
  return made;
}
