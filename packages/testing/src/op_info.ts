/**
 * The facts of every primitive that tests and documents are made from: samples, tolerance, gradients, refusals.
 *
 * Total over the names by type: a primitive without facts does not compile.
 *
 * @module
 */

import type { Name } from "@flambeau/core";
import { activationInfos } from "./op_info/activation.ts";
import { binaryInfos } from "./op_info/binary.ts";
import { dataInfos } from "./op_info/data.ts";
import type { OpInfo } from "./op_info/facts.ts";
import { linalgInfos } from "./op_info/linalg.ts";
import { normInfos } from "./op_info/norm.ts";
import { optimInfos } from "./op_info/optim.ts";
import { recurrentInfos } from "./op_info/recurrent.ts";
import { reductionInfos, scanInfos } from "./op_info/reduction.ts";
import { unaryInfos } from "./op_info/unary.ts";
import { viewInfos } from "./op_info/views.ts";
import { windowInfos } from "./op_info/windows.ts";

export {
  avalOf,
  type Near,
  type OpInfo,
  type Refusal,
  type RefusalOf,
  type Sample,
} from "./op_info/facts.ts";

/** The facts, primitive by primitive. */
export const opInfos: { readonly [P in Name]: OpInfo<P> } = {
  ...viewInfos,
  ...unaryInfos,
  ...binaryInfos,
  ...reductionInfos,
  ...scanInfos,
  ...dataInfos,
  ...linalgInfos,
  ...activationInfos,
  ...normInfos,
  ...windowInfos,
  ...recurrentInfos,
  ...optimInfos,
};
