/**
 * What every primitive does to batches: total over the rows.
 *
 * @module
 */

import type { Name } from "@flambeau/core";
import { dataBatchRules } from "./batch/data.ts";
import { fusedBatchRules } from "./batch/fused.ts";
import { linalgBatchRules } from "./batch/linalg.ts";
import type { BatchRule } from "./batch/lowered.ts";
import { binaryBatchRules, unaryBatchRules } from "./batch/pointwise.ts";
import { reductionBatchRules, scanBatchRules } from "./batch/reduce.ts";
import { viewBatchRules } from "./batch/views.ts";

/** The batching rules; null where the decomposition is batched in place of a fused primitive. */
export const batchRules: { readonly [P in Name]: BatchRule<P> | null } = {
  ...viewBatchRules,
  ...unaryBatchRules,
  ...binaryBatchRules,
  ...reductionBatchRules,
  ...scanBatchRules,
  ...dataBatchRules,
  ...linalgBatchRules,
  ...fusedBatchRules,
};
