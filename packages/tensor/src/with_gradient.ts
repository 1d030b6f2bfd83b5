/**
 * Formulas with a gradient of their own: one step of the graph in place of one for each primitive.
 *
 * @module
 */

import { needsGrad } from "./bind.ts";
import { gradMode, noGrad } from "./grad_mode.ts";
import { relabel } from "./label.ts";
import { tape } from "./tape.ts";
import type { Tensor } from "./tensor.ts";
import { transforms } from "./transform.ts";

/**
 * Gradients of the inputs of a formula from that of its result, by differentiable operations over the inputs; null where
 * none is needed. They may have the broadcast shape.
 */
export type FormulaGradient = (
  g: Tensor,
  inputs: readonly Tensor[],
  needs: readonly boolean[],
) => readonly (Tensor | null)[];

/**
 * Computes a formula of primitives. Where it is recorded, it is one step with the gradient given, and saves its inputs
 * only. Transforms see the primitives instead, so the formula must be differentiable by itself.
 *
 * @param label What PyTorch calls the step.
 * @param inputs What gradients go to.
 */
export function withGradient(
  label: string,
  inputs: readonly Tensor[],
  formula: () => Tensor,
  gradient: FormulaGradient,
): Tensor {
  const isRecorded = gradMode.enabled && tape.current !== null && needsGrad(inputs);
  if (transforms.active !== null || !isRecorded) return relabel(formula(), label);
  const output = noGrad(formula);
  tape.current!.recordFormula(label, inputs, output, gradient);
  return output;
}
