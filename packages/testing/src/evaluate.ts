/**
 * The plainest interpreter: runs one primitive at a time on any backend, with nothing planned, cached or fused.
 *
 * It is the oracle for everything that is cleverer: eager tensors, programs, fused kernels.
 *
 * @module
 */

import {
  type Attrs,
  type Aval,
  type Backend,
  type Bind,
  type Buffer,
  contiguousStrides,
  type DataArray,
  DeviceError,
  formatType,
  type FusedName,
  inferAll,
  type Inputs,
  isContiguous,
  type KernelName,
  type Layout,
  type Name,
  numelOf,
  type Operand,
  type Shape,
  viewData,
  viewLayouts,
  type ViewName,
  viewNames,
} from "@flambeau/core";
import { decompositions } from "@flambeau/compiler";

type AnyKernel<D> = (
  inputs: readonly Operand[],
  outputs: Operand | readonly Operand[],
  attrs: unknown,
) => D | null;
type AnyRule<T> = (bind: Bind<T>, inputs: readonly T[], attrs: unknown) => T | readonly T[];

/** How an {@linkcode Evaluator} treats fused primitives. */
export interface EvaluatorOptions {
  /** True: decompose them even where the backend has a kernel. Default `false`. */
  readonly decomposeAll?: boolean;
}

/**
 * Applies primitives to operands of one backend, at once. Buffers live until {@linkcode Evaluator.dispose}.
 *
 * @example
 * ```ts
 * const evaluator = new Evaluator(createReferenceBackend());
 * const x = evaluator.put(new Float32Array([1, 2, 3]), [3], float32);
 * const y = evaluator.get(evaluator.bind("exp", [x], null)); // Float32Array(3)
 * evaluator.dispose();
 * ```
 */
export class Evaluator<D> {
  /** Where things run. */
  readonly backend: Backend<D>;
  readonly #decomposeAll: boolean;
  readonly #buffers: Buffer[] = [];

  /**
   * An interpreter without values yet.
   *
   * @param backend Where things run.
   */
  constructor(backend: Backend<D>, { decomposeAll = false }: EvaluatorOptions = {}) {
    this.backend = backend;
    this.#decomposeAll = decomposeAll;
  }

  /** Applies a primitive. Can be passed around without the evaluator. */
  readonly bind: Bind<Operand> = (<P extends Name>(name: P, inputs: Inputs<P, Operand>, attrs: Attrs<P>) => {
    const outputs = this.#apply(name, inputs as readonly Operand[], attrs);
    return outputs.length > 1 ? outputs : outputs[0];
  }) as Bind<Operand>;

  /** A contiguous tensor with the elements of `data`, which are in the storage form of `dtype`. */
  put(data: DataArray, shape: Shape, dtype: Aval["dtype"]): Operand {
    const operand = this.#allocate({ shape, dtype });
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (bytes.length !== operand.buffer.bytes) {
      throw new RangeError(`Cannot put ${data.length} elements into ${formatType(operand)}`);
    }
    if (bytes.length > 0) this.backend.write(operand.buffer, 0, bytes);
    return operand;
  }

  /** The elements of `x` in row-major order, in the storage form of its dtype. */
  async get(x: Operand): Promise<DataArray> {
    const { buffer, offset, dtype, shape } = this.#contiguous(x);
    const size = numelOf(shape);
    if (size === 0) return viewData(dtype, new ArrayBuffer(0), 0, 0);
    const bytes = await this.backend.read(buffer, offset * dtype.itemsize, size * dtype.itemsize);
    return viewData(dtype, bytes.slice().buffer, 0, size);
  }

  /** Gives all buffers back; the operands must not be used again. */
  dispose(): void {
    for (const buffer of this.#buffers.splice(0)) this.backend.free(buffer);
  }

  #apply(name: Name, inputs: readonly Operand[], attrs: Attrs<Name>): readonly Operand[] {
    if (viewNames.has(name as ViewName)) {
      const layout = viewLayouts[name as ViewName] as (x: Layout, attrs: unknown) => Layout;
      const [x] = inputs as readonly [Operand];
      return [{ ...layout(x, attrs), dtype: x.dtype, buffer: x.buffer }];
    }
    const outputs = inferAll(name, inputs, attrs).map((type) => this.#allocate(type));
    if (outputs.every(isEmpty) || this.#run(name as KernelName, inputs, outputs, attrs)) return outputs;
    const rule = decompositions[name as FusedName] as AnyRule<Operand> | undefined;
    if (rule === undefined) {
      throw new DeviceError(
        `Cannot ${name} ${inputs.map(formatType).join(", ")} on ${this.backend.name}: ` +
          `it must have a kernel for contiguous operands, got none`,
      );
    }
    const made = rule(this.bind, inputs, attrs);
    return Array.isArray(made) ? made : [made as Operand];
  }

  /** Runs the kernel of `name` on the operands as they are, or else on contiguous copies; false if it takes neither. */
  #run(name: KernelName, inputs: readonly Operand[], outputs: readonly Operand[], attrs: unknown): boolean {
    const kernel = this.backend.kernels[name] as AnyKernel<D> | undefined;
    const fused = name in decompositions;
    if (kernel === undefined || fused && (this.#decomposeAll || outputs.some(isEmpty))) return false;
    const results = outputs.length > 1 ? outputs : outputs[0]!;
    const dispatch = kernel(inputs, results, attrs) ??
      kernel(inputs.map((x) => this.#contiguous(x)), results, attrs);
    if (dispatch === null) return false;
    this.backend.run(dispatch);
    return true;
  }

  #contiguous(x: Operand): Operand {
    return isContiguous(x.shape, x.strides) ? x : this.bind("copy", [x], null);
  }

  #allocate({ shape, dtype }: Aval): Operand {
    const buffer = this.backend.allocate(numelOf(shape) * dtype.itemsize);
    this.#buffers.push(buffer);
    return { shape, dtype, buffer, strides: contiguousStrides(shape), offset: 0 };
  }
}

function isEmpty(x: Aval): boolean {
  return numelOf(x.shape) === 0;
}
