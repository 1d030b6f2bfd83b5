/**
 * The form of a derivative: what it saves and how gradients go back.
 *
 * @module
 */

import type { Attrs, Aval, Inputs, Name, Outputs, Shape } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";

/** An input without its values. */
export interface Geometry extends Aval {
  /** Elements to step in the storage, by dimension. */
  readonly strides: Shape;
  /** Elements of the storage before the first. */
  readonly offset: number;
}

/** What the backward half of a row gets. */
export interface BackwardContext<P extends Name> {
  /** The inputs that were saved; reading another one is an error of the row. */
  readonly inputs: Inputs<P, Tensor>;
  /** The outputs that were saved. */
  readonly output: Outputs<P, Tensor>;
  /** Shapes, dtypes and geometry of all inputs. */
  readonly avals: Inputs<P, Geometry>;
  /** Attributes of the call. */
  readonly attrs: Attrs<P>;
  /** Which inputs need a gradient; others may be answered by null. */
  readonly needs: readonly boolean[];
  /** Whether the row may write over the gradient that it gets, and answer it: nobody else reads it again. */
  readonly spends: boolean;
}

/** Bits of what a row saves: input `i` is `1 << i`, output `j` is `OUTPUT << j`. */
export const OUTPUT: number = 1 << 16;
/** Saves nothing. */
export const NOTHING = 0;
/** Saves the first input. */
export const FIRST = 1;
/** Saves the second input. */
export const SECOND = 2;
/** Saves every input. */
export const INPUTS = 0xffff;

/** Gradient of an output as a row gets it: null where none arrived, for rows with several outputs. */
export type OutputGrad<P extends Name> = Outputs<P, Tensor> extends Tensor ? Tensor
  : Outputs<P, Tensor | null>;

/** One row of the derivative table. */
export interface Derivative<P extends Name> {
  /** What to save, from which inputs need gradients. */
  readonly saves: (needs: readonly boolean[], attrs: Attrs<P>) => number;
  /**
   * Gradients of the inputs, one each, made by differentiable operations. They may have the broadcast shape and another float
   * dtype: the tape sums and casts once, for all rows.
   */
  readonly backward: (grad: OutputGrad<P>, context: BackwardContext<P>) => readonly (Tensor | null)[];
}

/** A row that saves the same whatever is needed. */
export function row<P extends Name>(saves: number, backward: Derivative<P>["backward"]): Derivative<P> {
  return { saves: () => saves, backward };
}

/** A row of two inputs where the gradient of each needs the other. */
export function crossRow<P extends Name>(backward: Derivative<P>["backward"]): Derivative<P> {
  return { saves: (needs) => (needs[0] ? SECOND : 0) | (needs[1] ? FIRST : 0), backward };
}
