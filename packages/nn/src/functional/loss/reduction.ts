/**
 * How losses of single elements become one number.
 *
 * @module
 */

import { formatType, ShapeError, shapesEqual, ValueError } from "@flambeau/core";
import { mean, neg, sum, type Tensor } from "@flambeau/tensor";
import {
  type FormulaGradient,
  gradMode,
  relabel,
  requireTensor,
  temporaries,
  transforms,
  withGradient,
} from "@flambeau/tensor/internal";

/** `"none"` keeps the loss of each element, `"mean"` and `"sum"` give one number. */
export type Reduction = "none" | "mean" | "sum";

/** What all losses take. */
export interface ReductionOptions {
  /** PyTorch's old form of `reduction`: false is `"sum"`. */
  readonly sizeAverage?: boolean | null;
  /** PyTorch's old form of `reduction`: false is `"none"`. */
  readonly reduce?: boolean | null;
  /** Default `"mean"`. */
  readonly reduction?: Reduction;
}

/** The positional names at the end of every loss in PyTorch's order. */
export type ReductionNames = ["sizeAverage", "reduce", "reduction"];

/** {@linkcode ReductionNames} at run time. */
export const REDUCTION_NAMES = ["sizeAverage", "reduce", "reduction"] as const;

/**
 * The reduction that options ask for.
 *
 * @throws {ValueError} If there is no such reduction.
 */
export function reductionOf(op: string, options: ReductionOptions): Reduction {
  const { sizeAverage = null, reduce = null, reduction = "mean" } = options;
  if (sizeAverage !== null || reduce !== null) {
    if (reduce === false) return "none";
    return sizeAverage === false ? "sum" : "mean";
  }
  if (reduction !== "none" && reduction !== "mean" && reduction !== "sum") {
    throw new ValueError(
      `Cannot ${op} with reduction ${JSON.stringify(reduction)}: it must be "none", "mean" or "sum"`,
    );
  }
  return reduction;
}

/** Reduces the losses of single elements. */
export function reduceLoss(losses: Tensor, reduction: Reduction): Tensor {
  if (reduction === "none") return losses;
  return reduction === "mean" ? mean(losses) : sum(losses);
}

/** Computes and reduces losses, frees what is in between, and names the step. */
export function lossOf(
  reduction: Reduction,
  label: string,
  inputs: readonly Tensor[],
  losses: () => Tensor,
  gradient: FormulaGradient,
): Tensor {
  // What the losses are made of goes before they are added up: a device may then make them without writing it.
  return temporaries(() => {
    const each = temporaries(() => withGradient(label, inputs, losses, gradient));
    return relabel(reduceLoss(each, reduction), label);
  });
}

/** Gradients of both operands of a difference from that of the first. */
export function ofDifference(g: Tensor, [, second]: readonly boolean[]): readonly (Tensor | null)[] {
  return [g, second ? neg(g) : null];
}

/** True where only values are asked for: a formula needs no gradient then. */
export function isPlain(): boolean {
  return transforms.active === null && !gradMode.enabled;
}

/**
 * Checks that both are tensors of one shape.
 *
 * @throws {ShapeError} If shapes differ.
 */
export function requireSameShape(op: string, input: Tensor, target: Tensor): void {
  requireTensor(op, "input", input);
  requireTensor(op, "target", target);
  if (!shapesEqual(input.shape, target.shape)) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(input)} and ${formatType(target)}: target must have the shape of input, ` +
        `got [${target.shape.join(", ")}]`,
    );
  }
}
