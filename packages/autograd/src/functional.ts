/**
 * Derivatives of functions: `torch.autograd.functional`.
 *
 * Each takes a function of tensors and the point to differentiate at; the point itself is left alone. With `createGraph` the
 * results can be differentiated again.
 *
 * @module
 */

import { formatType, GradError, numelOf, type Shape } from "@flambeau/core";
import { enableGrad, type Tensor } from "@flambeau/tensor";
import { bind, gradMode, TensorHandle } from "@flambeau/tensor/internal";
import { grad } from "./engine.ts";
import { full, reshape, zeros } from "./math.ts";

/** A function of one tensor or of several. */
export type TensorFunction = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

/** One tensor or several, as the function takes or gives them. */
export type OneOrMany = Tensor | readonly Tensor[];

/** Options of the functional derivatives. */
export interface FunctionalOptions {
  /** Record the derivative itself. Default false. */
  readonly createGraph?: boolean;
  /** Throw when an output does not depend on an input, instead of answering zeros. Default false. */
  readonly strict?: boolean;
}

function many(x: OneOrMany): readonly Tensor[] {
  return x instanceof TensorHandle ? [x as Tensor] : x as readonly Tensor[];
}

/** As `like`: a lone tensor stays one. */
function same<R extends OneOrMany>(like: R, list: readonly Tensor[]): R {
  return (like instanceof TensorHandle ? list[0]! : list) as R;
}

/** Copies of the point that require grad; with a graph they stay connected to it. */
function points(inputs: readonly Tensor[], create: boolean): Tensor[] {
  return inputs.map((x) => create && x.requiresGrad ? bind("alias", [x], null) : x.detach().requiresGrad_());
}

interface Run {
  readonly inputs: Tensor[];
  readonly outputs: readonly Tensor[];
  readonly shape: OneOrMany;
}

function run(f: TensorFunction, inputs: OneOrMany, create: boolean): Run {
  return enableGrad(() => {
    const args = points(many(inputs), create);
    const made = f(...args);
    return { inputs: args, outputs: many(made), shape: made };
  });
}

function gradients(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  cotangents: readonly (Tensor | null)[],
  create: boolean,
  strict: boolean,
): Tensor[] {
  const used = outputs.map((_, i) => i).filter((i) => outputs[i]!.requiresGrad);
  const found = used.length === 0 ? inputs.map(() => null) : grad(
    used.map((i) => outputs[i]!),
    inputs,
    {
      gradOutputs: used.map((i) => cotangents[i] ?? null),
      createGraph: create,
      retainGraph: true,
      allowUnused: true,
    },
  );
  return found.map((g, i) => {
    if (g === null && strict) {
      throw new GradError(
        `Cannot differentiate: the output does not depend on input ${i}, ${formatType(inputs[i]!)}`,
      );
    }
    return g ?? zeros(inputs[i]!, inputs[i]!.shape);
  });
}

function checkLike(what: string, given: readonly Tensor[], wanted: readonly Tensor[]): void {
  if (given.length !== wanted.length || given.some((v, i) => String(v.shape) !== String(wanted[i]!.shape))) {
    throw new GradError(
      `Cannot compute a ${what}: v must be ${wanted.map(formatType).join(", ")}, got ${
        given.map(formatType).join(", ")
      }`,
    );
  }
}

function defaultVector(outputs: readonly Tensor[], what: string): Tensor[] {
  if (outputs.length !== 1 || numelOf(outputs[0]!.shape) !== 1) {
    throw new GradError(
      `Cannot compute a ${what}: v may only be left out for a single output of one element`,
    );
  }
  return [full(outputs[0]!, outputs[0]!.shape, 1)];
}

/**
 * `vᵀ J`: the outputs and the gradient of `⟨outputs, v⟩`.
 *
 * @param v One tensor for each output, of its shape; may be left out for a single output of one element.
 * @throws {GradError} If `v` does not have the shapes of the outputs.
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.vjp.html
 */
export function vjp<I extends OneOrMany>(
  f: TensorFunction,
  inputs: I,
  v?: OneOrMany | null,
  options: FunctionalOptions = {},
): [outputs: OneOrMany, product: I] {
  const { createGraph = false, strict = false } = options;
  const { inputs: args, outputs, shape } = run(f, inputs, createGraph);
  const vector = v === undefined || v === null ? defaultVector(outputs, "vjp") : many(v);
  checkLike("vjp", vector, outputs);
  const product = gradients(outputs, args, vector, createGraph, strict);
  return [plain(shape, createGraph), same(inputs, product)];
}

/**
 * `J v`: the outputs and their directional derivative along `v`.
 *
 * It differentiates the vector-Jacobian product, which is linear in its vector, for that vector.
 *
 * @param v One tensor for each input, of its shape; may be left out for a single input of one element.
 * @throws {GradError} If `v` does not have the shapes of the inputs.
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.jvp.html
 */
export function jvp(
  f: TensorFunction,
  inputs: OneOrMany,
  v?: OneOrMany | null,
  options: FunctionalOptions = {},
): [outputs: OneOrMany, product: OneOrMany] {
  const { createGraph = false, strict = false } = options;
  const { inputs: args, outputs, shape } = run(f, inputs, createGraph);
  const vector = v === undefined || v === null ? defaultVector(args, "jvp") : many(v);
  checkLike("jvp", vector, args);
  const product = enableGrad(() => {
    const cotangents = outputs.map((y) => zeros(y, y.shape).requiresGrad_());
    const back = gradients(outputs, args, cotangents, true, strict);
    return gradients(back, cotangents, vector, createGraph, false);
  });
  return [plain(shape, createGraph), same(shape, product)];
}

/**
 * All partial derivatives: for output `[…m]` and input `[…n]` a tensor `[…m, …n]`. Several outputs or inputs give nested lists, outputs
 * outside.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.jacobian.html
 */
export function jacobian(f: TensorFunction, inputs: Tensor, options?: FunctionalOptions): Tensor;
/** For several inputs: one tensor for each. */
export function jacobian(f: TensorFunction, inputs: readonly Tensor[], options?: FunctionalOptions): Tensor[];
/** Implementation of both forms. */
export function jacobian(
  f: TensorFunction,
  inputs: OneOrMany,
  options: FunctionalOptions = {},
): OneOrMany | Tensor[][] {
  const { createGraph = false, strict = false } = options;
  const { inputs: args, outputs, shape } = run(f, inputs, createGraph);
  const rows = outputs.map((y) => jacobianOf(y, args, createGraph, strict));
  if (shape instanceof TensorHandle) return same(inputs, rows[0]!);
  return rows.map((row) => same(inputs, row)) as Tensor[];
}

function jacobianOf(y: Tensor, args: readonly Tensor[], create: boolean, strict: boolean): Tensor[] {
  const size = numelOf(y.shape);
  const lines: Tensor[][] = args.map(() => []);
  for (let k = 0; k < size; k++) {
    const row = gradients([y], args, [unit(y, k)], create, strict);
    row.forEach((g, i) => lines[i]!.push(reshape(g, [1, ...g.shape])));
  }
  return lines.map((line, i) => {
    const shape: Shape = [...y.shape, ...args[i]!.shape];
    return line.length === 0 ? zeros(args[i]!, shape) : reshape(bind("concat", line, { dim: 0 }), shape);
  });
}

/** 1 at row-major place `k`, 0 elsewhere. */
function unit(like: Tensor, k: number): Tensor {
  const size = numelOf(like.shape);
  const one = full(like, [1], 1);
  return reshape(bind("pad", [one], { low: [k], high: [size - 1 - k], value: 0 }), like.shape);
}

/**
 * Second derivatives of a function with a single output of one element: `[…n, …n]`. Several inputs give nested lists.
 *
 * @throws {GradError} If the output has not exactly one element.
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.hessian.html
 */
export function hessian(f: TensorFunction, inputs: Tensor, options?: FunctionalOptions): Tensor;
/** For several inputs: one list for each. */
export function hessian(
  f: TensorFunction,
  inputs: readonly Tensor[],
  options?: FunctionalOptions,
): Tensor[][];
/** Implementation of both forms. */
export function hessian(
  f: TensorFunction,
  inputs: OneOrMany,
  options: FunctionalOptions = {},
): OneOrMany | Tensor[][] {
  const first: TensorFunction = (...args) => {
    const y = many(f(...args));
    if (y.length !== 1 || numelOf(y[0]!.shape) !== 1) {
      throw new GradError(
        `Cannot compute a hessian: the function must give a single element, got ${
          y.map(formatType).join(", ")
        }`,
      );
    }
    const made = gradients(y, args, [full(y[0]!, y[0]!.shape, 1)], true, options.strict ?? false);
    return inputs instanceof TensorHandle ? made[0]! : made;
  };
  return jacobian(first, inputs as Tensor, options);
}

/**
 * `vᵀ H` of a function with a single output of one element: the output and the product. H is symmetric, so this is `H v` too.
 *
 * @throws {GradError} If the output has not exactly one element, or `v` not the shapes of the inputs.
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.vhp.html
 */
export function vhp<I extends OneOrMany>(
  f: TensorFunction,
  inputs: I,
  v?: OneOrMany | null,
  options: FunctionalOptions = {},
): [output: Tensor, product: I] {
  const { createGraph = false, strict = false } = options;
  const { inputs: args, outputs } = run(f, inputs, createGraph);
  const y = outputs[0]!;
  const first = enableGrad(() => gradients([y], args, defaultVector(outputs, "vhp"), true, strict));
  const vector = v === undefined || v === null ? defaultVector(args, "vhp") : many(v);
  checkLike("vhp", vector, args);
  const product = gradients(first, args, vector, createGraph, strict);
  return [createGraph ? y : y.detach(), same(inputs, product)];
}

/** As {@linkcode vhp}, under the name that is used where the order matters. */
export const hvp: typeof vhp = vhp;

function plain(outputs: OneOrMany, create: boolean): OneOrMany {
  if (create && gradMode.enabled) return outputs;
  return same(outputs, many(outputs).map((y) => y.detach()));
}
