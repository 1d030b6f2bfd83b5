/**
 * What the tests share: op facts, comparison, layouts of operands, an evaluator, the leak check. Not published.
 *
 * @module
 */

export { Evaluator, type EvaluatorOptions } from "./src/evaluate.ts";
export {
  denseGeometry,
  eachPlace,
  type Element,
  elementOf,
  elementsOf,
  type Geometry,
  type HostTensor,
  hostTensor,
  numbersOf,
  seenBy,
} from "./src/host_tensor.ts";
export {
  collectGarbage,
  FILE_ALLOWANCE,
  type LeakAllowance,
  LeakCheck,
  type LeakReport,
} from "./src/leaks.ts";
export { differs, GAP, type Layout, layouts, place, type Placed } from "./src/layouts.ts";
export { epsilonOf, integerLimits, Make } from "./src/make.ts";
export {
  avalOf,
  type Near,
  type OpInfo,
  opInfos,
  type Refusal,
  type RefusalOf,
  type Sample,
} from "./src/op_info.ts";
export {
  type Bound,
  difference,
  type Tolerance,
  type ToleranceName,
  tolerances,
  within,
} from "./src/tolerance.ts";
