/**
 * Shape and dtype inference: what each primitive yields for given inputs, and every complaint about them.
 *
 * Rules throw, kernels assume: whatever passes here is computed. What depends on values (an index out of range) or on
 * strides (a `view` that needs a copy) is not known here.
 *
 * @module
 */

import type { Aval } from "./backend.ts";
import type { InferenceRule } from "./infer/checks.ts";
import { dataRules } from "./infer/data.ts";
import { fusedRules } from "./infer/fused.ts";
import { linalgRules } from "./infer/linalg.ts";
import { binaryRules, unaryRules } from "./infer/pointwise.ts";
import { reductionRules, scanRules } from "./infer/reduction.ts";
import { viewRules } from "./infer/views.ts";
import type { Attrs, Inputs, Name, Outputs } from "./primitives.ts";

export type { InferenceRule } from "./infer/checks.ts";
export { type DTypeClass, indexDTypes, inputDTypes } from "./infer/dtypes.ts";
export { convOutputSize, poolOutputSize } from "./infer/windows.ts";

/**
 * The inference rule of each primitive.
 *
 * A rule allocates nothing it can avoid: a result whose type is that of an input may be the input object itself, and
 * shape arrays are shared. So copy `shape` and `dtype` from the answer rather than keep it, and mutate nothing.
 *
 * Rules throw {@linkcode DTypeError} for dtypes that differ or are not in {@linkcode inputDTypes}, {@linkcode ShapeError}
 * for ranks and sizes, {@linkcode IndexError} for dimensions and counts out of range, {@linkcode ValueError} for other
 * attributes.
 */
export const inferenceRules: { readonly [P in Name]: InferenceRule<P> } = {
  ...viewRules,
  ...unaryRules,
  ...binaryRules,
  ...reductionRules,
  ...scanRules,
  ...dataRules,
  ...linalgRules,
  ...fusedRules,
};

/**
 * Applies the rule of `name`.
 *
 * @throws {DTypeError | ShapeError | IndexError | ValueError} As {@linkcode inferenceRules} say.
 */
export function infer<P extends Name>(
  name: P,
  inputs: Inputs<P, Aval>,
  attrs: Attrs<P>,
): Outputs<P, Aval> {
  return (inferenceRules[name] as InferenceRule<P>)(inputs, attrs);
}
