/**
 * Checks derivatives against finite differences.
 *
 * @module
 */

import { float64, formatType, GradError, numelOf } from "@flambeau/core";
import { enableGrad, noGrad, Tensor } from "@flambeau/tensor";
import { bind, fromData } from "@flambeau/tensor/internal";
import { grad } from "./engine.ts";

/** Options of {@linkcode gradcheck}. */
export interface GradcheckOptions {
  /** Step of the central difference. Default `1e-6`. */
  readonly eps?: number;
  /** Absolute tolerance. Default `1e-5`. */
  readonly atol?: number;
  /** Relative tolerance. Default `1e-3`. */
  readonly rtol?: number;
  /** Throw with an explanation instead of answering false. Default true. */
  readonly raiseException?: boolean;
}

function list(outputs: Tensor | readonly Tensor[]): readonly Tensor[] {
  return (outputs instanceof Tensor ? [outputs] : outputs).filter((y) => y.dtype.kind === "float");
}

/**
 * Compares the gradients of `f` with central finite differences, element by element, as `torch.autograd.gradcheck`.
 *
 * Inputs that require grad must be float64: differences in float32 are too coarse. The device must read synchronously.
 *
 * @param f A function of `inputs` that gives one or several tensors.
 * @throws {GradError} If a gradient is wrong (unless `raiseException` is false) or no input requires grad.
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html
 */
export function gradcheck(
  f: (...inputs: Tensor[]) => Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradcheckOptions = {},
): boolean {
  const { eps = 1e-6, atol = 1e-5, rtol = 1e-3, raiseException = true } = options;
  const args = inputs instanceof Tensor ? [inputs] : [...inputs];
  const checked = args.filter((x) => x.requiresGrad);
  if (checked.length === 0) {
    throw new GradError("Cannot gradcheck: at least one input must require grad");
  }
  for (const x of checked) {
    if (x.dtype !== float64) {
      throw new GradError(`Cannot gradcheck ${formatType(x)}: inputs that require grad must be float64`);
    }
  }
  const outputs = enableGrad(() => list(f(...args)));
  const recorded = outputs.map((_, o) => o).filter((o) => outputs[o]!.requiresGrad);
  // All graphs are walked before the first input is moved: moving it overwrites what they saved.
  const analytic = recorded.map((o) => analyticJacobian(outputs[o]!, checked));
  const evaluate = (): Tensor[] => {
    const made = list(f(...args));
    return recorded.map((o) => made[o]!);
  };
  const complaints: string[] = [];
  checked.forEach((x, i) => {
    const numeric = noGrad(() => numericJacobians(evaluate, x, eps));
    recorded.forEach((o, k) => {
      const complaint = compare(analytic[k]![i]!, numeric.map((column) => column[k]!), atol, rtol);
      if (complaint !== null) {
        complaints.push(`output ${o} for input ${args.indexOf(x)}, ${formatType(x)}: ${complaint}`);
      }
    });
  });
  if (complaints.length > 0 && raiseException) {
    throw new GradError(
      `Cannot accept the gradient: it differs from finite differences at ${complaints.join("; at ")}`,
    );
  }
  return complaints.length === 0;
}

/**
 * Checks second derivatives: {@linkcode gradcheck} on the gradient of `f`, as `torch.autograd.gradgradcheck`.
 *
 * @throws {GradError} As {@linkcode gradcheck}.
 */
export function gradgradcheck(
  f: (...inputs: Tensor[]) => Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradcheckOptions = {},
): boolean {
  const args = inputs instanceof Tensor ? [inputs] : [...inputs];
  const outputs = enableGrad(() => list(f(...args))).filter((y) => y.requiresGrad);
  const wanted = args.map((x, i) => x.requiresGrad ? i : -1).filter((i) => i >= 0);
  // Cotangents that differ from element to element, and require grad: the gradient is linear in them.
  const cotangents = outputs.map((y, k) => {
    const data = Float64Array.from({ length: numelOf(y.shape) }, (_, i) => Math.sin(1.3 * i + k + 0.7));
    const g = fromData(data, y.shape, float64, y.device);
    g.requiresGrad = true;
    return g;
  });
  const n = args.length;
  const first = (...all: Tensor[]): readonly Tensor[] => {
    const made = list(f(...all.slice(0, n))).filter((y) => y.requiresGrad);
    const grads = grad(made, wanted.map((i) => all[i]!), {
      gradOutputs: all.slice(n),
      createGraph: true,
      allowUnused: true,
    });
    return grads.filter((g): g is Tensor => g !== null && g.requiresGrad);
  };
  return gradcheck((...all) => enableGrad(() => first(...all)), [...args, ...cotangents], options);
}

/** Rows by element of the output, columns by element of each input. */
function analyticJacobian(output: Tensor, inputs: readonly Tensor[]): Float64Array[][] {
  const size = numelOf(output.shape);
  const rows: Float64Array[][] = inputs.map(() => []);
  for (let k = 0; k < size; k++) {
    const unit = new Float64Array(size);
    unit[k] = 1;
    const cotangent = bind("cast", [fromData(unit, output.shape, float64, output.device)], {
      dtype: output.dtype,
    });
    const grads = grad(output, inputs, { gradOutputs: cotangent, retainGraph: true, allowUnused: true });
    grads.forEach((g, i) => {
      rows[i]!.push(
        g === null
          ? new Float64Array(numelOf(inputs[i]!.shape))
          : Float64Array.from(g.dataSync() as Float64Array),
      );
    });
  }
  return rows;
}

/** By element of `x` and by output of `f`, the differences of the output's elements. */
function numericJacobians(f: () => readonly Tensor[], x: Tensor, eps: number): Float64Array[][] {
  const packed = x.isContiguous();
  const before = Float64Array.from(x.dataSync() as Float64Array);
  const set = (data: Float64Array): void => {
    const value = fromData(data, x.shape, float64, x.device);
    if (packed) x.copy_(value);
    else x.detach().copy_(value);
  };
  const read = (): Float64Array[] => f().map((y) => Float64Array.from(y.dataSync() as ArrayLike<number>));
  const columns: Float64Array[][] = [];
  for (let j = 0; j < before.length; j++) {
    const moved = before.slice();
    moved[j] = before[j]! + eps;
    set(moved);
    const plus = read();
    moved[j] = before[j]! - eps;
    set(moved);
    const minus = read();
    columns.push(plus.map((y, k) => y.map((value, i) => (value - minus[k]![i]!) / (2 * eps))));
  }
  set(before);
  return columns;
}

function compare(
  analytic: Float64Array[],
  numeric: Float64Array[],
  atol: number,
  rtol: number,
): string | null {
  for (let k = 0; k < analytic.length; k++) {
    for (let j = 0; j < numeric.length; j++) {
      const a = analytic[k]![j]!;
      const n = numeric[j]![k]!;
      if (!(Math.abs(a - n) <= atol + rtol * Math.abs(n))) {
        return `d output[${k}] / d input[${j}] is ${a}, finite differences give ${n}`;
      }
    }
  }
  return null;
}
