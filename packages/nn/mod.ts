/**
 * Modules, parameters and the functions they are made of.
 *
 * @module
 */

export * from "./src/hooks.ts";
export {
  type AnyModule,
  Module,
  type ModuleBase,
  type ModuleConstructor,
  type ModuleToOptions,
  type NamedModulesOptions,
  type NamedOptions,
} from "./src/module.ts";
export * from "./src/parameter.ts";
export type * from "./src/state_dict.ts";
export * from "./src/containers.ts";
export { deepcopy } from "./src/copy.ts";
export * from "./src/parameter_containers.ts";
export type { InterpolateMode, Reduction } from "./src/functional.ts";
export type { PackedSequence } from "./src/utils/rnn.ts";
export * as functional from "./src/functional.ts";
export * as init from "./src/init.ts";
export * from "./src/modules.ts";
export * as utils from "./src/utils.ts";
