/**
 * What the device can fuse: pointwise primitives, and a reduction or a product among them.
 *
 * @module
 */

import type { Aval, FusedExpression, FusedOutput, Fusion, Name, ProductName } from "@flambeau/core";
import type { GpuDispatch } from "../dispatch.ts";
import type { GpuLimits } from "../draft.ts";
import { mayReport, pointwiseText } from "../kernels/pointwise.ts";
import { gpuDTypes } from "../kernels/table.ts";
import { GpuBuffer } from "../memory.ts";
import { fusePointwise } from "./pointwise.ts";
import { fuseProduct } from "./product.ts";
import { fuseReduce } from "./reduce.ts";

const FOLDS: ReadonlySet<Name> = new Set(["sum", "prod", "amax", "amin", "any", "all"]);
const PRODUCTS: ReadonlySet<Name> = new Set<ProductName>([
  "matmul",
  "linear",
  "conv",
  "convInputGrad",
  "convWeightGrad",
]);

/** Values of a kernel: beyond, texts grow long and registers run out. */
const MAX_VALUES = 48;

/**
 * Fuses for a device.
 *
 * @param maxBuffers Storage bindings of a shader.
 */
export class GpuFusion implements Fusion<GpuDispatch> {
  readonly maxValues: number = MAX_VALUES;
  readonly maxBuffers: number;
  readonly #limits: GpuLimits;

  constructor(limits: GpuLimits, maxBuffers: number) {
    this.#limits = limits;
    this.maxBuffers = maxBuffers;
  }

  /** True for what has a text and cannot report anything, of dtypes and sizes that shaders can hold. */
  accepts(name: Name, inputs: readonly Aval[], output: Aval, attrs: unknown): boolean {
    const { dtype } = output;
    if (!gpuDTypes.has(dtype)) return false;
    if (bytesOf(output) > this.#limits.maxBindingBytes) return false;
    if (name === "full" || FOLDS.has(name)) return true;
    if (PRODUCTS.has(name)) {
      return inputs.every((x) => gpuDTypes.has(x.dtype) && bytesOf(x) <= this.#limits.maxBindingBytes);
    }
    if (inputs.length === 0) return false;
    const x = inputs[0]!.dtype;
    return !mayReport(name, x) && pointwiseText(name, x, dtype, attrs) !== null;
  }

  /** The dispatch of an expression. */
  fuse(expression: FusedExpression, outputs: readonly FusedOutput[]): GpuDispatch | null {
    if (!this.#fits(expression) || !outputs.every(({ target }) => this.#isSmall(target.buffer))) return null;
    if (expression.values.some(({ kind }) => kind === "product")) {
      return fuseProduct(this.#limits, this.maxBuffers, expression, outputs);
    }
    return expression.values.some(({ kind }) => kind === "fold")
      ? fuseReduce(this.#limits, expression, outputs)
      : fusePointwise(this.#limits, expression, outputs);
  }

  /** True when all memory can be bound as a whole. */
  #fits({ values }: FusedExpression): boolean {
    return values.every((value) => {
      if (value.kind === "operand") return this.#isSmall(value.operand.buffer);
      if (value.kind === "product") return value.inputs.every(({ buffer }) => this.#isSmall(buffer));
      return value.kind !== "fold" || this.#fits(value.input);
    });
  }

  #isSmall(buffer: object): boolean {
    return !(buffer instanceof GpuBuffer) || buffer.memory.capacity <= this.#limits.maxBindingBytes;
  }
}

function bytesOf({ shape, dtype }: Aval): number {
  return shape.reduce((product, size) => product * size, dtype.itemsize);
}
