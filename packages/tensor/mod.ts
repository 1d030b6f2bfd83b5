/**
 * Floor 2 of Flambeau: tensors and the functions over them. Views, in-place writes, indexing, printing, random numbers,
 * scopes. What the library's own packages need besides stands in the entry `./internal`.
 *
 * @module
 */

export type { Args } from "./src/args.ts";
export type { Scalar } from "./src/coerce.ts";
export {
  backendOf,
  defaultBackend,
  Device,
  device,
  type DeviceLike,
  getDefaultDevice,
  registerBackend,
  registeredDevices,
  setDefaultDevice,
} from "./src/device.ts";
export {
  enableGrad,
  inferenceMode,
  isGradEnabled,
  isInferenceModeEnabled,
  type Mode,
  type ModeGuard,
  noGrad,
  setGradEnabled,
} from "./src/grad_mode.ts";
export type { TensorHandle } from "./src/handle.ts";
export { breathe, PRESSURE_BYTES } from "./src/memory.ts";
export type { Storage } from "./src/storage.ts";
export type { BackwardOptions, GradHook, GradMeta, GradNode } from "./src/tape.ts";
export {
  defaultGenerator,
  forkRng,
  Generator,
  type GeneratorOption,
  getRngState,
  initialSeed,
  manualSeed,
  type RandomPlace,
  seed,
  setRngState,
} from "./src/random.ts";
export { keep, scope } from "./src/temporaries.ts";
export { Tensor } from "./src/tensor.ts";

export { type NamedTuple, namedTuple, type ValuesIndices, valuesIndices } from "./src/named_tuple.ts";
export type { ElementValue } from "./src/elements.ts";
export type { NestedData, NumericArray } from "./src/nested.ts";
export {
  canCast,
  type ConversionOptions,
  finfo,
  type FloatInfo,
  getDefaultDtype,
  iinfo,
  type IntegerInfo,
  isComplex,
  isFloatingPoint,
  isSigned,
  isTensor,
  numel,
  promoteTypes,
  resultType,
  setDefaultDtype,
} from "./src/ops/dtype.ts";
export type { CreationOptions, LikeOptions, SizeArgs } from "./src/ops/making.ts";
export type { LineOptions, ReduceOptions } from "./src/ops/reducing.ts";

export * from "./src/ops/activation.ts";
export * from "./src/ops/adaptive_pool.ts";
export * from "./src/ops/arithmetic.ts";
export * from "./src/ops/binary.ts";
export * from "./src/ops/bitwise.ts";
export * from "./src/ops/classify.ts";
export * from "./src/ops/combine.ts";
export * from "./src/ops/comparison.ts";
export * from "./src/ops/conv.ts";
export * from "./src/ops/creation.ts";
export * from "./src/ops/cumulative.ts";
export {
  clone,
  contiguous,
  copy_,
  data,
  dataSync,
  detach,
  fill_,
  item,
  itemSync,
  type Nested,
  numpy,
  to,
  toArray,
  toArraySync,
  type ToOptions,
  zero_,
} from "./src/ops/data.ts";
export * from "./src/ops/distances.ts";
export * from "./src/ops/dropout.ts";
export * from "./src/ops/einsum.ts";
export * from "./src/ops/embedding.ts";
export * from "./src/ops/extremes.ts";
export * from "./src/ops/fold.ts";
export * from "./src/ops/formulas.ts";
export * from "./src/ops/from_data.ts";
export * from "./src/ops/gather.ts";
export * from "./src/ops/histogram.ts";
export * from "./src/ops/index_write.ts";
export * from "./src/ops/indexing.ts";
export * from "./src/ops/join.ts";
export * from "./src/ops/logical.ts";
export * from "./src/ops/masked.ts";
export * from "./src/ops/matmul.ts";
export * from "./src/ops/nonzero.ts";
export * from "./src/ops/norm.ts";
export * from "./src/ops/norms.ts";
export * from "./src/ops/pad.ts";
export * from "./src/ops/part_write.ts";
export * from "./src/ops/pixel.ts";
export * from "./src/ops/pool.ts";
export * from "./src/ops/products.ts";
export * from "./src/ops/random.ts";
export * from "./src/ops/reduction.ts";
export * from "./src/ops/reorder.ts";
export * from "./src/ops/repeat.ts";
export * from "./src/ops/rounding.ts";
export * from "./src/ops/scatter.ts";
export * from "./src/ops/selection.ts";
export * from "./src/ops/slice.ts";
export * from "./src/ops/sort.ts";
export * from "./src/ops/special_functions.ts";
export * from "./src/ops/statistics.ts";
export * from "./src/ops/structured.ts";
export * from "./src/ops/transpose.ts";
export * from "./src/ops/triangle.ts";
export * from "./src/ops/unary.ts";
export * from "./src/ops/unique.ts";
export * from "./src/ops/view.ts";
export * from "./src/ops/where.ts";
export * from "./src/ops/windows.ts";
export { type ReduceName } from "./src/ops/reduce_names.ts";
export { Slice, slice } from "./src/indexing/slice.ts";
export type { IndexItem, IndexTensor } from "./src/indexing/plan.ts";
export type { PerDim } from "./src/ops/spatial.ts";
export type { ListArgs } from "./src/ops/lists.ts";
export * as special from "./src/ops/special.ts";

export * as fft from "./src/ops/fft.ts";
export * as linalg from "./src/ops/linalg.ts";
export {
  choleskyInverse,
  type CholeskyOptions,
  choleskySolve,
  luUnpack,
  type LuUnpackOptions,
  type Plu,
} from "./src/ops/linalg/factor.ts";
export { matrixExp, matrixPower } from "./src/ops/linalg/powers.ts";
export {
  det,
  inv as inverse,
  logdet,
  pinv as pinverse,
  type RankTolerance,
  type Slogdet,
  slogdet,
} from "./src/ops/linalg/solve.ts";
export * from "./src/ops/stft.ts";
export {
  formatTensor,
  type Printable,
  type PrintOptions,
  printOptions,
  type PrintState,
  type PrintSuffix,
  setPrintoptions,
} from "./src/format.ts";
export { repr } from "./src/ops/text.ts";

// The families of methods that Tensor is made of, for the documentation.
export type { ActivationMethods } from "./src/methods/activation.ts";
export type { ArithmeticMethods } from "./src/methods/arithmetic.ts";
export type { AutogradMethods, HookHandle } from "./src/methods/autograd.ts";
export type { ComparisonMethods } from "./src/methods/comparison.ts";
export type { CreationMethods } from "./src/methods/creation.ts";
export type { CumulativeMethods } from "./src/methods/cumulative.ts";
export type { DataMethods } from "./src/methods/data.ts";
export type { DTypeMethods } from "./src/methods/dtype.ts";
export type { IndexingMethods } from "./src/methods/indexing.ts";
export type { LinalgMethods } from "./src/methods/linalg.ts";
export type { MatmulMethods } from "./src/methods/matmul.ts";
export type { RandomMethods } from "./src/methods/random.ts";
export type { ReductionMethods } from "./src/methods/reduction.ts";
export type { ShapeMethods } from "./src/methods/shape.ts";
export type { SortMethods } from "./src/methods/sort.ts";
export type { SpecialMethods } from "./src/methods/special.ts";
export type { TextMethods } from "./src/methods/text.ts";
export type { UnaryMethods } from "./src/methods/unary.ts";
