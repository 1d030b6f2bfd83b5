/**
 * Batching rules of pointwise primitives: they broadcast over the batch.
 *
 * @module
 */

import type { BinaryPrimitives, UnaryPrimitives } from "@flambeau/core";
import { binaryDerivatives, unaryDerivatives } from "../../derivatives/pointwise.ts";
import { apply } from "../level.ts";
import { type AnyBatchRule, type BatchRulesOf, commonRank, full, ranked, sameRule } from "./lowered.ts";
import type { Name } from "@flambeau/core";

/** The rule of a primitive that broadcasts. */
export function broadcasting(name: Name): AnyBatchRule {
  return (inputs, attrs) => {
    const rank = commonRank(inputs);
    return apply(name, inputs.map((input) => ranked(input, rank)), attrs);
  };
}

/** The rule of a primitive whose inputs all have one shape. */
export function alike(name: Name): AnyBatchRule {
  return (inputs, attrs, size) => apply(name, inputs.map((input) => full(input, size)), attrs);
}

/** Rules of the pointwise primitives of one input. */
export const unaryBatchRules: BatchRulesOf<UnaryPrimitives<unknown>> = sameRule(
  unaryDerivatives,
  broadcasting,
);

/** Rules of the pointwise primitives of two inputs. */
export const binaryBatchRules: BatchRulesOf<BinaryPrimitives<unknown>> = sameRule(
  binaryDerivatives,
  broadcasting,
);
