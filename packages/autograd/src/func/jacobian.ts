/**
 * All partial derivatives at once: `jacrev`, `jacfwd`, `hessian`.
 *
 * The vectors of the standard basis go through the derivative together, as a batch of `vmap`.
 *
 * @module
 */

import { numelOf, type Shape } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind, named } from "@flambeau/tensor/internal";
import { full, reshape } from "../math.ts";
import type { Randomness } from "./batch_level.ts";
import { jvp } from "./forward.ts";
import {
  type Argnums,
  type ArgumentsAt,
  numbersOf,
  pullbackOf,
  requireFloat,
  requireTensors,
  splitAux,
} from "./reverse.ts";
import { leavesOf, mapLeaves, mapTensors } from "./tree.ts";
import { vmap } from "./vmap.ts";

/** Options of {@linkcode jacrev}. */
export interface JacobianOptions<N extends Argnums = Argnums> {
  /** Which arguments to differentiate for; a list gives a list of derivatives. Default 0. */
  readonly argnums?: N;
  /** Whether the function gives a list of its result and something else, which is passed on. Default false. */
  readonly hasAux?: boolean;
  /** How many rows (`jacrev`) or columns (`jacfwd`) are computed at a time; null for all. Default null. */
  readonly chunkSize?: number | null;
}

/** Options of {@linkcode jacfwd}. */
export interface ForwardJacobianOptions<N extends Argnums = Argnums> extends JacobianOptions<N> {
  /** What random operations of the function do; see `vmap`. Default `"error"`. */
  readonly randomness?: Randomness;
}

type AnyFunction = (...args: never[]) => unknown;

/** All standard basis vectors in the shape of `x`: `[n, …shape]`. */
function basis(x: Tensor): Tensor {
  const n = numelOf(x.shape);
  const zero = bind("copy", [full(x, [n * n], 0)], null);
  const diagonal = bind("asStrided", [zero], { shape: [n], strides: [n + 1], offset: 0 });
  diagonal.fill_(1);
  return reshape(zero, [n, ...x.shape]);
}

/** `[n, …rest]` with the first dimension seen as `shape`. */
function rows(x: Tensor, shape: Shape): Tensor {
  return reshape(x, [...shape, ...x.shape.slice(1)]);
}

/** A function of the arguments that are differentiated for, the others as they are. */
function partial(f: AnyFunction, args: readonly unknown[], numbers: readonly number[]): AnyFunction {
  return (...chosen: unknown[]) => {
    const all = [...args];
    numbers.forEach((n, i) => all[n] = chosen[i]);
    return f(...all as never[]);
  };
}

const NAMES = ["argnums", "hasAux"] as const;

/**
 * The function that gives the Jacobian of `f`, row by row in reverse mode: right where there are fewer outputs than inputs.
 *
 * Shapes: for output `[…m]` and argument `[…n]` a tensor `[…m, …n]`; for structures of outputs and arguments, the structure of
 * the arguments inside that of the outputs.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.func.jacrev.html
 */
export function jacrev<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  argnums?: N,
): (...args: A) => ArgumentsAt<A, N>;
/** With options. */
export function jacrev<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  options: JacobianOptions<N> & { readonly hasAux?: false },
): (...args: A) => ArgumentsAt<A, N>;
/** For functions with several outputs, or with something else beside them. */
export function jacrev<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  argnums?: Argnums | JacobianOptions,
): (...args: A) => unknown;
/** Implementation of all forms. */
export function jacrev(f: AnyFunction, ...given: readonly unknown[]): AnyFunction {
  const options = named<Required<JacobianOptions>>("jacrev", given, NAMES, ["chunkSize"]);
  const { argnums = 0, hasAux = false, chunkSize = null } = options;
  return (...args: unknown[]) => {
    const numbers = numbersOf("jacrev", argnums, args.length);
    const { output: outputs, pullback, aux, release } = pullbackOf(
      partial(f, args, numbers),
      numbers.map((n) => args[n]),
      hasAux,
    );
    const leaves = requireTensors("jacrev", outputs);
    const blank = leaves.map((y) => full(y, y.shape, 0));
    const cotangents = (k: number, row: Tensor) => {
      let next = 0;
      return mapLeaves(outputs, () => next === k ? (next++, row) : blank[next++]);
    };
    let k = 0;
    const jacobian = mapLeaves(outputs, () => {
      const number = k++;
      const y = leaves[number]!;
      const pulled = vmap((row: Tensor) => pullback(cotangents(number, row)), { chunkSize })(basis(y));
      const blocks = mapTensors(pulled, (block) => rows(block, y.shape)) as readonly unknown[];
      return typeof argnums === "number" ? blocks[0] : blocks;
    });
    release();
    return hasAux ? [jacobian, aux] : jacobian;
  };
}

/**
 * The function that gives the Jacobian of `f`, column by column in forward mode: right where there are fewer inputs than outputs.
 * Shapes as of {@linkcode jacrev}.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.func.jacfwd.html
 */
export function jacfwd<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  argnums?: N,
): (...args: A) => ArgumentsAt<A, N>;
/** With options. */
export function jacfwd<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  options: ForwardJacobianOptions<N> & { readonly hasAux?: false },
): (...args: A) => ArgumentsAt<A, N>;
/** For functions with several outputs, or with something else beside them. */
export function jacfwd<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  argnums?: Argnums | ForwardJacobianOptions,
): (...args: A) => unknown;
/** Implementation of all forms. */
export function jacfwd(f: AnyFunction, ...given: readonly unknown[]): AnyFunction {
  const options = named<Required<ForwardJacobianOptions>>("jacfwd", given, NAMES, [
    "chunkSize",
    "randomness",
  ]);
  const { argnums = 0, hasAux = false, chunkSize = null, randomness = "error" } = options;
  return (...args: unknown[]) => {
    const numbers = numbersOf("jacfwd", argnums, args.length);
    const chosen = numbers.map((n) => args[n]);
    const leaves = leavesOf(chosen).map((leaf) => requireFloat("jacfwd", leaf));
    const blank = leaves.map((x) => full(x, x.shape, 0));
    let shape: unknown;
    let aux: unknown;
    // For each leaf of the arguments, the columns of all outputs.
    const columns = leaves.map((x, k) =>
      vmap((column: Tensor) => {
        let next = 0;
        const tangents = mapLeaves(chosen, () => next === k ? (next++, column) : blank[next++]);
        const run = (...inner: unknown[]) => {
          const [output, rest] = splitAux("jacfwd", partial(f, args, numbers)(...inner as never[]), hasAux);
          return [output, rest] as const;
        };
        const [output, slope, rest] = jvp(run, chosen, tangents as unknown[], { hasAux: true });
        shape = output;
        aux = rest;
        return requireTensors("jacfwd", slope);
      }, { chunkSize, randomness, outDims: -1 })(basis(x)).map((slopes) =>
        reshape(slopes, [...slopes.shape.slice(0, -1), ...x.shape])
      )
    );
    let output = 0;
    const jacobian = mapLeaves(shape, () => {
      const number = output++;
      let leaf = 0;
      const blocks = mapLeaves(chosen, () => columns[leaf++]![number]) as readonly unknown[];
      return typeof argnums === "number" ? blocks[0] : blocks;
    });
    return hasAux ? [jacobian, aux] : jacobian;
  };
}

/**
 * The function that gives the second derivatives of `f`, forward over reverse: for an argument `[…n]` of a function that gives a
 * scalar, `[…n, …n]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.func.hessian.html
 */
export function hessian<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor,
  argnums?: N,
): (...args: A) => N extends number ? ArgumentsAt<A, N> : unknown {
  const number = argnums ?? 0;
  return jacfwd(jacrev(f, number) as (...args: A) => Tensor, number) as never;
}
