/**
 * Float16 and bfloat16 by the kernels of float32: operands are widened into memory of the step, results narrowed.
 *
 * A sum, product, quotient or root that is rounded to float32 first is the same half: float32 has more than twice the
 * digits. Of other functions that does not hold.
 *
 * @module
 */

import { bfloat16, type Buffer, type DType, float16, float32, type Operand } from "@flambeau/core";
import type { WasmDispatch } from "./dispatch.ts";
import { count } from "./geometry.ts";
import type { WasmBuffer } from "./heap.ts";
import type { Kernels } from "./module.ts";

/** A kernel of one result or several, without its row's types. */
export type AnyKernel = (
  inputs: readonly Operand[],
  outputs: Operand | readonly Operand[],
  attrs: unknown,
) => WasmDispatch | null;

/** True for the dtypes in which nothing computes. */
function isHalf(dtype: DType): boolean {
  return dtype === float16 || dtype === bfloat16;
}

/** A dense float32 operand in the shape of `x`. */
function wideOf(x: Operand, buffer: Buffer): Operand {
  let step = 1;
  const strides = new Array<number>(x.shape.length);
  for (let d = x.shape.length - 1; d >= 0; d--) {
    strides[d] = step;
    step *= x.shape[d]!;
  }
  return { buffer, dtype: float32, shape: x.shape, strides, offset: 0 };
}

/** A step whose halves are float32 for as long as it runs. */
class WidenedStep implements WasmDispatch {
  readonly #kernels: Kernels;
  readonly #kernel: AnyKernel;
  readonly #cast: AnyKernel;
  readonly #inputs: readonly Operand[];
  readonly #outputs: readonly Operand[];
  readonly #isSingle: boolean;
  readonly #attrs: unknown;

  constructor(
    kernels: Kernels,
    kernel: AnyKernel,
    cast: AnyKernel,
    inputs: readonly Operand[],
    outputs: Operand | readonly Operand[],
    attrs: unknown,
  ) {
    this.#kernels = kernels;
    this.#kernel = kernel;
    this.#cast = cast;
    this.#inputs = inputs;
    this.#isSingle = !Array.isArray(outputs);
    this.#outputs = this.#isSingle ? [outputs as Operand] : outputs as readonly Operand[];
    this.#attrs = attrs;
  }

  /** Whether the kernel takes the operands as float32: it is asked with addresses that are never used. */
  isTaken(): boolean {
    let at = 0;
    const named = (x: Operand) =>
      isHalf(x.dtype) ? wideOf(x, { bytes: count(x.shape) * 4, ptr: at += 64 } as unknown as Buffer) : x;
    return this.#ask(this.#inputs.map(named), this.#outputs.map(named)) !== null;
  }

  /** Runs the step. */
  run(): void {
    const { heap } = this.#kernels;
    const buffers: WasmBuffer[] = [];
    const wide = (x: Operand): Operand => {
      if (!isHalf(x.dtype)) return x;
      const buffer = heap.allocate(count(x.shape) * 4);
      buffers.push(buffer);
      return wideOf(x, buffer);
    };
    try {
      const outputs = this.#outputs.map(wide);
      const inputs: Operand[] = [];
      this.#inputs.forEach((x, i) => {
        const first = this.#inputs.indexOf(x);
        inputs.push(first < i ? inputs[first]! : wide(x));
        if (first === i && isHalf(x.dtype)) this.#cast([x], inputs[i]!, { dtype: float32 })!.run();
      });
      this.#ask(inputs, outputs)!.run();
      this.#outputs.forEach((y, i) => {
        if (isHalf(y.dtype)) this.#cast([outputs[i]!], y, { dtype: y.dtype })!.run();
      });
    } finally {
      for (const buffer of buffers) heap.free(buffer);
    }
  }

  #ask(inputs: readonly Operand[], outputs: readonly Operand[]): WasmDispatch | null {
    return this.#kernel(inputs, this.#isSingle ? outputs[0]! : outputs, this.#attrs);
  }
}

/** The kernel, and where it takes no halves, the same over float32. */
export function widening(kernels: Kernels, kernel: AnyKernel, cast: AnyKernel): AnyKernel {
  return (inputs, outputs, attrs) => {
    const dispatch = kernel(inputs, outputs, attrs);
    if (dispatch !== null) return dispatch;
    const results = Array.isArray(outputs) ? outputs as readonly Operand[] : [outputs as Operand];
    if (!inputs.some((x) => isHalf(x.dtype)) && !results.some((y) => isHalf(y.dtype))) return null;
    const step = new WidenedStep(kernels, kernel, cast, inputs, outputs, attrs);
    return step.isTaken() ? step : null;
  };
}
