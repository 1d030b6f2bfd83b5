/**
 * What the other packages of the library need of this floor and users do not: `bind`, storages, the slots of autograd.
 * No promise of stability is made for this entry.
 *
 * @module
 */

export { isOptions, named } from "./src/args.ts";
export { bind, bindInto, bindOver, evaluate, needsGrad, replaceValue, volatility } from "./src/bind.ts";
export {
  castTo,
  commonDType,
  constant,
  defaults,
  isScalar,
  promote,
  promoteFloat,
  requireInteger,
  requireNumber,
  requireTensor,
  toFloat,
} from "./src/coerce.ts";
export { automatic } from "./src/device.ts";
export { computeWaiting } from "./src/deferred/flush.ts";
export { gradMode } from "./src/grad_mode.ts";
export { makeEmpty, makeTensor, TensorHandle } from "./src/handle.ts";
export { creatingOn, execute, executeInto, executeOn } from "./src/immediate.ts";
export { relabel } from "./src/label.ts";
export { abandon, refill } from "./src/loss.ts";
export { type Allocation, type Expression, liveAllocations, type Source } from "./src/memory.ts";
export { areInside } from "./src/ops/bounds.ts";
export { fromData, moveHook } from "./src/ops/data.ts";
export { settleAfter } from "./src/soon.ts";
export { scopes, Storage, storageCount, StorageScope } from "./src/storage.ts";
export {
  forgetGrad,
  type GradMeta,
  newGradMeta,
  peekGrad,
  putGrad,
  requireTape,
  type Tape,
  tape,
} from "./src/tape.ts";
export { isContiguousStorage, storagesIn, temporaries } from "./src/temporaries.ts";
export { type FormulaGradient, withGradient } from "./src/with_gradient.ts";
export {
  canRead,
  eachStorage,
  type Lifted,
  onPlain,
  plainOf,
  type TransformLevel,
  type Transforms,
  transforms,
} from "./src/transform.ts";
