/**
 * Optimizer: what all optimizers share. Groups of parameters, state by parameter, steps, state dicts, hooks.
 *
 * @module
 */

import { NotImplementedError } from "@flambeau/core";
import { enableGrad, noGrad, type Tensor } from "@flambeau/tensor";
import { forgetGrad, peekGrad, temporaries } from "@flambeau/tensor/internal";
import {
  makeGroup,
  type OptimizerOptions,
  type ParamGroup,
  type ParamGroupInput,
  type ParamsInput,
  readGroups,
} from "./groups.ts";
import { addHook, type HookHandle, type HookTable } from "./hooks.ts";
import { formatOptimizer } from "./print.ts";
import {
  type OptimizerStateDict,
  type OptimizerStateDictLike,
  packStateDict,
  unpackStateDict,
} from "./state_dict.ts";

/** A hook before a step: it sees the arguments of `step` and may return others. */
export type StepPreHook = (optimizer: Optimizer, args: readonly unknown[]) => readonly unknown[] | void;

/** A hook after a step: it sees the arguments of `step`. */
export type StepPostHook = (optimizer: Optimizer, args: readonly unknown[]) => void;

/** Options of {@linkcode Optimizer.zeroGrad}. */
export interface ZeroGradOptions {
  /** Drop the gradients instead of filling them with zeros. Default true. */
  readonly setToNone?: boolean;
}

const STEP_ONLY: ReadonlySet<string> = new Set(["step"]);

/**
 * Base class of all optimizers, and of those that users write: a class that extends it passes its defaults to `super`
 * and defines `updateParameter`.
 *
 * `O` are the options of a group, `S` is the state of one parameter.
 *
 * @see https://pytorch.org/docs/stable/optim.html
 *
 * @example
 * ```ts
 * class SignSGD extends optim.Optimizer {
 *   constructor(params: Iterable<torch.Tensor>, { lr = 0.01 } = {}) {
 *     super(params, { lr });
 *   }
 *   protected override updateParameter(param: torch.Tensor, grad: torch.Tensor, { lr }: optim.ParamGroup): void {
 *     param.add_(grad.sign(), { alpha: -lr });
 *   }
 * }
 * ```
 */
export class Optimizer<O extends OptimizerOptions = OptimizerOptions, S extends object = object> {
  /** Options of groups that do not set their own. */
  readonly defaults: O;
  /** The groups. Their options may be changed between steps. */
  paramGroups: ParamGroup<O>[] = [];
  /** What is remembered of each parameter; empty until its first step. */
  state: Map<Tensor, S> = new Map();
  /** Steps that were taken with this object. */
  stepsTaken = 0;
  readonly #preHooks: HookTable<StepPreHook> = new Map();
  readonly #postHooks: HookTable<StepPostHook> = new Map();

  /**
   * An optimizer of `params`.
   *
   * @param params Parameters, or groups of them with options of their own.
   * @param defaults Options of groups that do not set their own.
   * @throws {ArgumentTypeError} If `params` is nothing of that kind.
   * @throws {ValueError} If an option has no sense, there are no parameters, one is no leaf or is in two groups.
   */
  constructor(params: ParamsInput<O>, defaults: O) {
    this.defaults = defaults;
    this.checkOptions(defaults);
    for (const group of readGroups(params)) this.addParamGroup(group);
  }

  /**
   * Adds a group of parameters, as when layers are thawed.
   *
   * @throws {ArgumentTypeError} If it holds something that is no tensor.
   * @throws {ValueError} If a parameter is no leaf or is in another group, or an option has no sense.
   */
  addParamGroup(group: ParamGroupInput<O>): void {
    const taken = new Set(this.paramGroups.flatMap(({ params }) => params));
    const complete = makeGroup(group, this.defaults, taken);
    this.checkOptions(complete);
    this.paramGroups.push(complete);
  }

  /**
   * Updates all parameters that have a gradient.
   *
   * @param closure Computes the loss and its gradients anew, and returns the loss. It may be asynchronous: then so is
   * the step.
   * @returns What the closure returned.
   */
  step(): undefined;
  /** As above, with a closure. */
  step<R>(closure: () => R): R;
  /** Implementation of both forms. */
  step(closure?: () => unknown): unknown {
    let args: readonly unknown[] = closure === undefined ? [] : [closure];
    for (const hook of [...this.#preHooks.values()]) args = hook(this, args) ?? args;
    const finish = (result: unknown): unknown => {
      this.stepsTaken++;
      for (const hook of [...this.#postHooks.values()]) hook(this, args);
      return result;
    };
    const result = this.takeStep(args[0] as (() => unknown) | undefined);
    return result instanceof Promise ? result.then(finish) : finish(result);
  }

  /** What {@linkcode step} does between the hooks: runs the closure, then updates. */
  protected takeStep(closure: (() => unknown) | undefined): unknown {
    const update = (loss?: unknown): unknown => {
      noGrad(() => this.#updateAll());
      return loss;
    };
    if (closure === undefined) return update();
    const loss = enableGrad(closure);
    return loss instanceof Promise ? loss.then(update) : update(loss);
  }

  #updateAll(): void {
    for (const group of this.paramGroups) this.updateGroup(group);
  }

  /** Updates the parameters of a group that have a gradient. Classes that know how to do it faster may define it. */
  protected updateGroup(group: ParamGroup<O>): void {
    for (const param of group.params) {
      const grad = param.grad;
      if (grad === null) continue;
      temporaries(() => {
        this.updateParameter(param, grad, group);
        return null;
      });
    }
  }

  /**
   * Updates one parameter in place. Runs without recording; tensors that it makes are freed afterwards, but those taken
   * out by `keep()`.
   *
   * @throws {NotImplementedError} If the class does not define it.
   */
  protected updateParameter(_param: Tensor, _grad: Tensor, _group: ParamGroup<O>): void {
    throw new NotImplementedError(
      `Cannot step ${this.constructor.name}: it must define updateParameter() or step()`,
    );
  }

  /** Refuses options without sense. Classes define it; it must not read fields. */
  protected checkOptions(_options: O): void {}

  /** Names of state that is a number here and may be a tensor in a file. */
  protected scalarState(): ReadonlySet<string> {
    return STEP_ONLY;
  }

  /**
   * Forgets the gradients of all parameters.
   *
   * @param setToNone False fills them with zeros instead; also as an object. Default true.
   */
  zeroGrad(setToNone: boolean | ZeroGradOptions = true): void {
    const drop = typeof setToNone === "boolean" ? setToNone : setToNone.setToNone ?? true;
    for (const { params } of this.paramGroups) {
      for (const param of params) {
        const grad = peekGrad(param);
        if (grad === null) continue;
        if (drop) forgetGrad(param);
        else {
          if (grad.gradFn !== null) grad.detach_();
          else grad.requiresGrad = false;
          grad.zero_();
        }
      }
    }
  }

  /**
   * What the optimizer knows, in PyTorch's layout and under PyTorch's names: a file of it loads there. Tensors are those
   * in use, not copies.
   */
  stateDict(): OptimizerStateDict {
    return packStateDict(this.state, this.paramGroups);
  }

  /**
   * Takes over state and options of a state dict, of this library or of PyTorch. Training goes on as it would have there.
   * Nothing is changed when it throws.
   *
   * @throws {ArgumentTypeError} If it is no state dict of an optimizer.
   * @throws {ValueError} If the number of groups, or of parameters in a group, differs.
   */
  loadStateDict(stateDict: OptimizerStateDictLike): void {
    const { state, groups } = unpackStateDict(
      stateDict,
      this.paramGroups,
      this.scalarState(),
      this.defaults,
    );
    this.state = state as Map<Tensor, S>;
    this.paramGroups = groups as ParamGroup<O>[];
  }

  /** Calls `hook` before each step. */
  registerStepPreHook(hook: StepPreHook): HookHandle {
    return addHook(this.#preHooks, hook);
  }

  /** Calls `hook` after each step. */
  registerStepPostHook(hook: StepPostHook): HookHandle {
    return addHook(this.#postHooks, hook);
  }

  /** The groups with their options, as PyTorch prints them. */
  toString(): string {
    return formatOptimizer(this.constructor.name, this.paramGroups);
  }
}
