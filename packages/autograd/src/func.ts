/**
 * Function transforms: `torch.func`. Each takes a function of tensors and gives another one; they nest in any order.
 *
 * @module
 */

export { jvp } from "./func/forward.ts";
export {
  functionalCall,
  type FunctionalCallOptions,
  type ModuleLike,
  type NamedTensors,
  type NamedTensorsList,
  stackModuleState,
} from "./func/functional_call.ts";
export {
  type ForwardJacobianOptions,
  hessian,
  jacfwd,
  type JacobianOptions,
  jacrev,
} from "./func/jacobian.ts";
export {
  type Argnums,
  type ArgumentsAt,
  type AuxOption,
  grad,
  gradAndValue,
  type GradTransformOptions,
  type Pullback,
  vjp,
} from "./func/reverse.ts";
export type { Randomness } from "./func/batch_level.ts";
export { type InDims, vmap, type VmapArgs, type VmapOptions } from "./func/vmap.ts";
