/**
 * Reverse mode as function transforms: `grad`, `gradAndValue`, `vjp`.
 *
 * @module
 */

import {
  ArgumentTypeError,
  DTypeError,
  formatType,
  GradError,
  ShapeError,
  shapesEqual,
} from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { isOptions, named } from "@flambeau/tensor/internal";
import { nodesBehind } from "../derivatives.ts";
import { grad as gradients } from "../engine.ts";
import { zeros } from "../math.ts";
import { GradLevel } from "./grad_level.ts";
import { resolve, run } from "./level.ts";
import { isTensor, leavesOf, mapLeaves, mapTensors, sameStructure, tensorsOf } from "./tree.ts";

/** Which arguments a function is differentiated for. */
export type Argnums = number | readonly number[];

/** The types of the arguments that are named by numbers. */
export type ArgumentsAt<A extends readonly unknown[], N extends Argnums> = N extends number ? A[N]
  : N extends readonly number[] ? { -readonly [K in keyof N]: A[N[K] & keyof A] }
  : never;

/** Options of {@linkcode grad} and its kin. */
export interface GradTransformOptions<N extends Argnums = Argnums> {
  /** Which arguments to differentiate for; a list gives a list of gradients. Default 0. */
  readonly argnums?: N;
  /** Whether the function gives a list of its value and something else, which is passed on. Default false. */
  readonly hasAux?: boolean;
}

/** The argument numbers, in range and as a list. */
export function numbersOf(op: string, argnums: Argnums, count: number): number[] {
  const list = typeof argnums === "number" ? [argnums] : argnums;
  if (list.length === 0) throw new ArgumentTypeError(`Cannot ${op}: argnums must not be empty, got []`);
  const numbers = list.map((n) => {
    if (Number.isInteger(n) && n >= -count && n < count) return n < 0 ? n + count : n;
    throw new ArgumentTypeError(
      `Cannot ${op}: argnums must be integers from ${-count} to ${
        count - 1
      } for ${count} arguments, got ${n}`,
    );
  });
  if (new Set(numbers).size < numbers.length) {
    throw new ArgumentTypeError(
      `Cannot ${op}: all elements in argnums must be unique, got ${list.join(", ")}`,
    );
  }
  return numbers;
}

/** Checks that a leaf of an argument can be differentiated for. */
export function requireFloat(op: string, leaf: unknown): Tensor {
  if (!isTensor(leaf)) {
    throw new ArgumentTypeError(
      `Cannot ${op}: the arguments to differentiate for must be Tensors, got ${
        leaf === null ? "null" : typeof leaf
      }`,
    );
  }
  if (leaf.dtype.kind !== "float") {
    throw new DTypeError(
      `Cannot ${op} for ${
        formatType(leaf)
      }: only tensors of floating point dtype can require gradients, got ${leaf.dtype.name}`,
    );
  }
  return leaf;
}

/** The function's value and the rest of its result. */
export function splitAux(op: string, result: unknown, hasAux: boolean): [value: unknown, aux: unknown] {
  if (!hasAux) return [result, undefined];
  if (Array.isArray(result) && result.length === 2) return [result[0], result[1]];
  throw new ArgumentTypeError(
    `Cannot ${op} with hasAux: the function must give a list [value, aux], got ${
      Array.isArray(result) ? `a list of ${result.length}` : typeof result
    }`,
  );
}

/** A run of a function on a tape of its own. */
interface Taped {
  readonly level: GradLevel;
  /** The arguments on the tape: tensors of the level, in order. */
  readonly leaves: readonly Tensor[];
  /** What the function gave, with tensors of the level. */
  readonly value: unknown;
  readonly aux: unknown;
}

function taped(
  op: string,
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  numbers: readonly number[],
  hasAux: boolean,
): Taped {
  const level = new GradLevel();
  const leaves: Tensor[] = [];
  const leafOf = (given: unknown): Tensor => {
    const x = level.leaf(resolve(requireFloat(op, given)));
    leaves.push(x);
    return x;
  };
  const [value, aux] = run(level, () => {
    const lifted = args.map((arg, i) => numbers.includes(i) ? mapLeaves(arg, leafOf) : arg);
    const result = f(...lifted as never[]);
    return result instanceof Promise ? result as never : splitAux(op, mapTensors(result, resolve), hasAux);
  });
  return { level, leaves, value, aux };
}

/** Gradients of `⟨outputs, cotangents⟩` for the leaves of a tape; zeros where they do not depend on them. */
function pullBack(
  { level, leaves }: Taped,
  outputs: readonly Tensor[],
  cotangents: readonly (Tensor | null)[],
  retainGraph: boolean,
): Tensor[] {
  const used = outputs.map((_, i) => i).filter((i) => level.has(outputs[i]!) && outputs[i]!.requiresGrad);
  const found = used.length === 0 ? [] : gradients(used.map((i) => outputs[i]!), leaves, {
    gradOutputs: used.map((i) => cotangents[i]!),
    allowUnused: true,
    retainGraph,
  });
  return leaves.map((leaf, i) => {
    const value = level.outside(leaf);
    return found[i] ?? zeros(value, value.shape);
  });
}

/** The gradients in the structure of the arguments. */
function asArguments(
  args: readonly unknown[],
  argnums: Argnums,
  numbers: readonly number[],
  grads: readonly Tensor[],
) {
  let next = 0;
  // Leaves were made in the order of the arguments.
  const byNumber = new Map(
    [...numbers].sort((a, b) => a - b).map((n) => [n, mapLeaves(args[n], () => grads[next++])]),
  );
  return typeof argnums === "number" ? byNumber.get(numbers[0]!) : numbers.map((n) => byNumber.get(n));
}

function differentiated(
  op: string,
  f: (...args: never[]) => unknown,
  options: GradTransformOptions,
  args: readonly unknown[],
): { grads: unknown; value: unknown; aux: unknown } {
  const { argnums = 0, hasAux = false } = options;
  const numbers = numbersOf(op, argnums, args.length);
  const tape = taped(op, f, args, numbers, hasAux);
  const { value } = tape;
  if (!isTensor(value)) {
    throw new ArgumentTypeError(
      `Cannot ${op}: the function must return a Tensor, got ${value === null ? "null" : typeof value}`,
    );
  }
  if (value.shape.length !== 0) {
    throw new ShapeError(
      `Cannot ${op}: the function must return a scalar tensor, got tensor with ${value.shape.length} dims, ${
        formatType(value)
      }`,
    );
  }
  const grads = asArguments(args, argnums, numbers, pullBack(tape, [value], [null], false));
  const outside = (x: Tensor) => tape.level.outside(x);
  return { grads, value: outside(value), aux: mapTensors(tape.aux, outside) };
}

function optionsOf(op: string, given: readonly unknown[]): GradTransformOptions {
  return named<{ argnums: Argnums; hasAux: boolean }>(op, given, ["argnums", "hasAux"]);
}

/**
 * The function that gives the gradient of `f`, which must give a scalar tensor. Gradients have the structure of the argument:
 * arrays, plain objects and maps of tensors are differentiated for as a whole.
 *
 * It records for outer transforms, and for tensors that require grad, but not for `f`'s own arguments.
 *
 * @throws {ShapeError} If `f` does not give a scalar tensor.
 * @see https://pytorch.org/docs/stable/generated/torch.func.grad.html
 *
 * @example
 * ```ts
 * const slope = torch.func.grad((x: Tensor) => x.sin());
 * const perSample = torch.vmap(torch.func.grad(loss), { inDims: [null, 0] });
 * ```
 */
export function grad<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  argnums?: N,
): (...args: A) => ArgumentsAt<A, N>;
/** With options. */
export function grad<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  options: GradTransformOptions<N> & { readonly hasAux?: false },
): (...args: A) => ArgumentsAt<A, N>;
/** For functions that give a list of their value and something else: the gradient and that. */
export function grad<A extends readonly unknown[], X, const N extends Argnums = 0>(
  f: (...args: A) => readonly [value: Tensor, aux: X],
  options: GradTransformOptions<N> & { readonly hasAux: true },
): (...args: A) => [gradient: ArgumentsAt<A, N>, aux: X];
/** Implementation of all forms. */
export function grad(
  f: (...args: never[]) => unknown,
  ...given: readonly unknown[]
): (...args: never[]) => unknown {
  const options = optionsOf("grad", given);
  return (...args) => {
    const { grads, aux } = differentiated("grad", f, options, args);
    return options.hasAux === true ? [grads, aux] : grads;
  };
}

/**
 * As {@linkcode grad}, with the value of `f` behind the gradient.
 *
 * @throws {ShapeError} If `f` does not give a scalar tensor.
 * @see https://pytorch.org/docs/stable/generated/torch.func.grad_and_value.html
 */
export function gradAndValue<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  argnums?: N,
): (...args: A) => [gradient: ArgumentsAt<A, N>, value: Tensor];
/** With options. */
export function gradAndValue<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  options: GradTransformOptions<N> & { readonly hasAux?: false },
): (...args: A) => [gradient: ArgumentsAt<A, N>, value: Tensor];
/** For functions that give a list of their value and something else: the gradient and the list. */
export function gradAndValue<A extends readonly unknown[], X, const N extends Argnums = 0>(
  f: (...args: A) => readonly [value: Tensor, aux: X],
  options: GradTransformOptions<N> & { readonly hasAux: true },
): (...args: A) => [gradient: ArgumentsAt<A, N>, result: [value: Tensor, aux: X]];
/** Implementation of all forms. */
export function gradAndValue(
  f: (...args: never[]) => unknown,
  ...given: readonly unknown[]
): (...args: never[]) => unknown {
  const options = optionsOf("gradAndValue", given);
  return (...args) => {
    const { grads, value, aux } = differentiated("gradAndValue", f, options, args);
    return [grads, options.hasAux === true ? [value, aux] : value];
  };
}

/** Options of {@linkcode vjp} and {@linkcode jvp}. */
export interface AuxOption {
  /** Whether the function gives a list of its result and something else, which is passed on. Default false. */
  readonly hasAux?: boolean;
}

/** What {@linkcode vjp} gives beside the result: from cotangents of the outputs to one for each primal. */
export type Pullback<A extends readonly unknown[]> = (cotangents: unknown) => A;

/**
 * The result of `f` and a function that multiplies cotangents, in the structure of the result, by the Jacobian of `f`: it gives a
 * list with one gradient for each of the primals, and may be called many times.
 *
 * @param rest The primals; after them perhaps `{ hasAux: true }`, which adds the second part of what `f` gives.
 * @throws {GradError} If the cotangents do not have the structure and the shapes of the outputs.
 * @see https://pytorch.org/docs/stable/generated/torch.func.vjp.html
 *
 * @example
 * ```ts
 * const [y, pullback] = torch.func.vjp((x: Tensor) => x.sin(), x);
 * const [gx] = pullback(torch.onesLike(y));
 * ```
 */
export function vjp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  ...primals: A
): [output: R, pullback: Pullback<A>];
/** For functions that give a list of their result and something else. */
export function vjp<A extends readonly unknown[], R, X>(
  f: (...args: A) => readonly [output: R, aux: X],
  ...rest: [...primals: A, options: AuxOption & { readonly hasAux: true }]
): [output: R, pullback: Pullback<A>, aux: X];
/** Implementation of both forms. */
export function vjp(f: (...args: never[]) => unknown, ...rest: readonly unknown[]): unknown[] {
  const { args, hasAux } = primalsOf(rest);
  const { output, pullback, aux } = pullbackOf(f, args, hasAux);
  return hasAux ? [output, pullback, aux] : [output, pullback];
}

/** The result of a function and from cotangents of it to a list with one gradient for each argument. */
export interface PulledFunction {
  /** The result. */
  readonly output: unknown;
  /** From cotangents to gradients. */
  readonly pullback: (cotangents: unknown) => unknown;
  /** What the function gave beside its result. */
  readonly aux: unknown;
  /** Lets go of what the tape has saved: there is no more pulling back then. */
  readonly release: () => void;
}

/** {@linkcode vjp} with the arguments as a list. */
export function pullbackOf(
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  hasAux: boolean,
): PulledFunction {
  const tape = taped("vjp", f, args, args.map((_, i) => i), hasAux);
  const outputs = requireTensors("vjp", tape.value);
  const outside = (x: Tensor) => tape.level.outside(x);
  const pullback = (cotangents: unknown): unknown => {
    if (!sameStructure(cotangents, tape.value)) {
      throw new GradError(
        "Cannot apply the function of vjp: cotangents must have the structure of the outputs",
      );
    }
    const list = tensorsOf(cotangents);
    outputs.forEach((y, i) => {
      if (list[i] !== undefined && shapesEqual(list[i].shape, y.shape)) return;
      throw new GradError(
        `Cannot apply the function of vjp: cotangent ${i} must be ${formatType(y)}, got ${
          list[i] === undefined ? "no Tensor" : formatType(list[i])
        }`,
      );
    });
    let next = 0;
    const grads = pullBack(tape, outputs, list, true);
    return mapLeaves(args, () => grads[next++]);
  };
  const release = () => {
    const own = outputs.filter((y) => tape.level.has(y));
    for (const node of nodesBehind(own, new Set())) node.release();
  };
  return { output: mapTensors(tape.value, outside), pullback, aux: mapTensors(tape.aux, outside), release };
}

/** Primals and the options behind them. */
function primalsOf(rest: readonly unknown[]): { args: readonly unknown[]; hasAux: boolean } {
  const last = rest.at(-1);
  const isLast = isOptions(last) && Object.keys(last).join() === "hasAux";
  return isLast
    ? { args: rest.slice(0, -1), hasAux: last["hasAux"] === true }
    : { args: rest, hasAux: false };
}

/** The leaves of a result, all tensors. */
export function requireTensors(op: string, result: unknown): Tensor[] {
  return leavesOf(result).map((leaf) => {
    if (isTensor(leaf)) return leaf;
    throw new ArgumentTypeError(
      `Cannot ${op}: the function must only return Tensors, got ${leaf === null ? "null" : typeof leaf}`,
    );
  });
}
