/**
 * The form of the facts of a primitive, and what the families write them with.
 *
 * @module
 */

import {
  type Attrs,
  type Aval,
  type Bind,
  DTypeError,
  dtypeOf,
  IndexError,
  type Inputs,
  type Name,
  ShapeError,
  type TorchError,
  ValueError,
} from "@flambeau/core";
import type { HostTensor } from "../host_tensor.ts";
import type { Make } from "../make.ts";
import type { Tolerance } from "../tolerance.ts";

/** One call of a primitive. */
export interface Sample<P extends Name> {
  /** What it is about, unique among the samples of the primitive in one dtype. */
  readonly title: string;
  /** Its inputs. */
  readonly inputs: Inputs<P, HostTensor>;
  /** Its attributes. */
  readonly attrs: Attrs<P>;
  /**
   * Differentiable at and around these values, and small: gradients are checked here. A list names the inputs that may be
   * moved, where others may not. Default false.
   */
  readonly smooth?: boolean | readonly number[];
  /** Has no gradient here: the backward pass throws a GradError. Default false. */
  readonly noGradient?: boolean;
  /**
   * Holds infinities, NaN, subnormal numbers or the ends of an integer range, where a device with weaker arithmetic (a GPU)
   * may differ. Default false.
   */
  readonly edge?: boolean;
}

/** A call that inference must refuse, with attributes `A`. */
export interface RefusalOf<A> {
  /** Types of the inputs, such as `float32[2, 3]`. */
  readonly inputs: readonly string[];
  /** Attributes. */
  readonly attrs: A;
  /** Class of the error. */
  readonly error: new (message: string) => TorchError;
  /** What the message says beside the types of the inputs: the number or the size that is wrong. */
  readonly says: string;
}

/** A call of `P` that inference must refuse. */
export type Refusal<P extends Name> = RefusalOf<Attrs<P>>;

/** What is known of a primitive beside its rules, kernels and derivative. */
export interface OpInfo<P extends Name> {
  /** Calls in the dtype of `make`: of the value inputs, or of the result where there are no inputs. */
  readonly samples: (make: Make) => readonly Sample<P>[];
  /** How far a backend may be from the reference. */
  readonly tolerance: Tolerance;
  /** Inputs that have a gradient; none when the results are not differentiable. Numbers beyond the inputs of a sample do not count. */
  readonly differentiable: readonly number[];
  /** Calls that inference refuses; wrong and mixed dtypes are derived from `inputDTypes` and need no row. */
  readonly errors: readonly Refusal<P>[];
  /**
   * What must hold between inputs and outputs, whatever computes them: throws, in words, what does not. `bound` is the tolerance
   * in the dtype of the sample.
   */
  readonly check?: (
    inputs: Inputs<P, HostTensor>,
    outputs: readonly HostTensor[],
    attrs: Attrs<P>,
    near: Near,
  ) => void;
  /** Outputs that are not unique (signs of eigenvectors, places of ties): only `check` holds them. Default none. */
  readonly free?: readonly number[];
  /** The dimension that layouts may repeat in every input; null where repeated values make no sense. Default 0. */
  readonly expand?: number | null;
  /**
   * Makes inputs that the primitive takes of free numbers, as for matrices of which one triangle is read: gradients are
   * checked through it. Default: the inputs are free.
   */
  readonly project?: <T extends Aval>(bind: Bind<T>, inputs: readonly T[]) => readonly T[];
  /** False where strides belong to the meaning (`asStrided`): only contiguous inputs. Default true. */
  readonly anyLayout?: boolean;
}

/** Throws unless `got` is `want` within the tolerance of the primitive; `what` names it in the message. */
export type Near = (what: string, got: number, want: number) => void;

/** The facts of a family of primitives: one row for each. */
export type InfosOf<Family> = { readonly [P in keyof Family & Name]: OpInfo<P> };

/** Reads a type: `float32[2, 3]`. */
export function avalOf(text: string): Aval {
  const [, dtype, sizes] = /^(\w+)\[(.*)\]$/.exec(text)!;
  return { dtype: dtypeOf(dtype!), shape: sizes === "" ? [] : sizes!.split(", ").map(Number) };
}

/** A call that a ShapeError refuses. */
export function badShape<A>(inputs: readonly string[], attrs: A, says: string): RefusalOf<A> {
  return { inputs, attrs, error: ShapeError, says };
}

/** A call that an IndexError refuses. */
export function badIndex<A>(inputs: readonly string[], attrs: A, says: string): RefusalOf<A> {
  return { inputs, attrs, error: IndexError, says };
}

/** A call that a ValueError refuses. */
export function badValue<A>(inputs: readonly string[], attrs: A, says: string): RefusalOf<A> {
  return { inputs, attrs, error: ValueError, says };
}

/** A call that a DTypeError refuses. */
export function badDType<A>(inputs: readonly string[], attrs: A, says: string): RefusalOf<A> {
  return { inputs, attrs, error: DTypeError, says };
}
