/**
 * Flambeau: PyTorch for TypeScript. Tensors, autograd, `nn`, `optim`, data and model files under PyTorch's names, on
 * WASM SIMD, in Deno, Node, browsers and edge runtimes, without a native install and without any permission.
 *
 * @example
 * ```ts
 * import * as torch from "@flambeau/torch";
 *
 * const x = torch.tensor([[1, 2], [3, 4]], { requiresGrad: true });
 * x.square().sum().backward();
 * console.log(String(x.grad)); // tensor([[2., 4.], [6., 8.]])
 * ```
 *
 * @module
 */

export { getNumThreads, setNumThreads } from "./src/backends.ts";
export { e, inf, nan, pi } from "./src/constants.ts";
export { cosineSimilarity, pairwiseDistance } from "./src/distance.ts";
export { enableWebGpu, type WebGpuOptions } from "./src/enable.ts";

export * as backends from "./src/describe.ts";
export * as distributions from "./src/distributions.ts";
export * as webgpu from "./src/webgpu.ts";

export * as autograd from "@flambeau/autograd";
export * as nn from "@flambeau/nn";
export * as optim from "@flambeau/optim";
export * as data from "@flambeau/data";
export * as utils from "./src/utils.ts";
export { func, Variable, vmap, type VmapArgs } from "@flambeau/autograd";
export { deepcopy } from "@flambeau/nn";
export * from "@flambeau/tensor";
export * from "@flambeau/io";
export {
  ArgumentTypeError,
  bfloat16,
  bool,
  canCast,
  DeviceError,
  DeviceLostError,
  DisposedError,
  DType,
  DTypeError,
  dtypeOf,
  float16,
  float16 as half,
  float32,
  float32 as float,
  float64,
  float64 as double,
  FormatError,
  GradError,
  IndexError,
  int16,
  int16 as short,
  int32,
  int32 as int,
  int64,
  int64 as long,
  int8,
  NotImplementedError,
  OutOfMemoryError,
  promoteTypes,
  ShapeError,
  TorchError,
  uint8,
  ValueError,
} from "@flambeau/core";
