/**
 * What every primitive does to tangents: total over the rows.
 *
 * @module
 */

import type { Name } from "@flambeau/core";
import { dataTangents, viewTangents } from "./tangent/data.ts";
import { fusedTangents } from "./tangent/fused.ts";
import { linalgTangents } from "./tangent/linalg.ts";
import { binaryTangents, unaryTangents } from "./tangent/pointwise.ts";
import { reductionTangents, scanTangents } from "./tangent/reduce.ts";
import type { TangentRule } from "./tangent/rule.ts";

/** The forward-mode rules: `"decompose"` where that of the decomposition serves, null where tangents of results are 0. */
export const tangentRules: { readonly [P in Name]: TangentRule<P> | "decompose" | null } = {
  ...viewTangents,
  ...unaryTangents,
  ...binaryTangents,
  ...reductionTangents,
  ...scanTangents,
  ...dataTangents,
  ...linalgTangents,
  ...fusedTangents,
};
