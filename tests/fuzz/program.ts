/**
 * What `generate.py` writes: programs with what PyTorch made of them. README.md describes the steps.
 *
 * @module
 */

import type { Network } from "./network.ts";

/** An argument: plain JSON, or one tag with a value (`{"v": "x1"}` is a variable). */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** dtype, shape, requires_grad, is_leaf, and the name of grad_fn. */
export type Facts = readonly [
  dtype: string,
  shape: readonly number[],
  requiresGrad: boolean,
  isLeaf: boolean,
  gradFn: string | null,
];

/** Values of a tensor. */
export interface Full {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly (number | string)[];
}

/** One step; which fields it has depends on `do`. */
export interface Step {
  readonly do: string;
  readonly out?: readonly (string | null)[];
  /** The exception that PyTorch throws here. */
  readonly error?: string;
  readonly message?: string;
  readonly facts?: readonly (Facts | false)[];
  readonly of?: string;
  readonly f?: string;
  readonly args?: readonly Json[];
  readonly kw?: Readonly<Record<string, Json>>;
  readonly items?: readonly Json[];
  readonly value?: Json;
  readonly steps?: readonly Step[];
  readonly dtype?: string;
  readonly shape?: readonly number[];
  readonly data?: readonly (number | string)[];
  readonly rg?: boolean;
  readonly gradient?: Json;
  readonly retain?: boolean;
  readonly create?: boolean;
  readonly unused?: boolean;
  readonly inputs?: readonly Json[];
  readonly outputs?: readonly Json[];
  readonly scale?: number;
  /** The text that PyTorch prints. */
  readonly text?: string;
  /** Numbers that PyTorch gives. */
  readonly numbers?: readonly (number | string)[];
}

/** What a variable is at the end. */
export interface End extends Full {
  readonly facts: Facts;
  /** False: none. Left out: nothing to be had. */
  readonly grad?: Full | false;
}

/** A program. */
export interface Program {
  readonly id: string;
  readonly category: string;
  readonly steps: readonly Step[];
  /** What category `networks` has in place of steps. */
  readonly network?: Network;
  readonly end: Readonly<Record<string, End>>;
}
