/**
 * L-BFGS: Newton's method with an inverse Hessian that is built from the last steps.
 *
 * @module
 */

import { ArgumentTypeError, ValueError } from "@flambeau/core";
import type { Args, Tensor } from "@flambeau/tensor";
import { bind, bindInto, named, temporaries } from "@flambeau/tensor/internal";
import { requireNonNegative, requireOption } from "./checks.ts";
import { absoluteSum, addFlat, dot, flatGrad, largest, made, restore } from "./flat.ts";
import type { ParamsInput } from "./groups.ts";
import { Optimizer } from "./optimizer.ts";
import { type Point, strongWolfe } from "./strong_wolfe.ts";
import { callClosure, readOnce, runTask, type Task } from "./task.ts";
import { add_, scalar, scale_, stateCopy } from "./update.ts";

/** Options of {@linkcode LBFGS}. */
export interface LBFGSOptions {
  /** Length of steps, or of their first try. Default 1. */
  lr: number;
  /** Iterations in a call of `step`. Default 20. */
  maxIter: number;
  /** Calls of the closure in a call of `step`, after which it ends. Default `⌊1.25 · maxIter⌋`. */
  maxEval: number;
  /** Ends where no element of the gradient is larger. Default `1e-7`. */
  toleranceGrad: number;
  /** Ends where loss or parameters change by less. Default `1e-9`. */
  toleranceChange: number;
  /** Steps that the inverse Hessian is built from. Default 100. */
  historySize: number;
  /** How the length of a step is found. Default null: it is lr. */
  lineSearchFn: "strong_wolfe" | null;
}

/** What {@linkcode LBFGS} remembers, at its first parameter. Vectors are of all parameters. */
export interface LBFGSState {
  /** Calls of the closure. */
  funcEvals: number;
  /** Iterations. */
  nIter: number;
  /** Last direction. */
  d?: Tensor;
  /** Length of the last step along it. */
  t?: number;
  /** Differences of gradients, oldest first. */
  oldDirs?: Tensor[];
  /** Steps, oldest first. */
  oldStps?: Tensor[];
  /** 1 / (difference · step). */
  ro?: number[];
  /** Scale of the first guess of the inverse Hessian. */
  HDiag?: number;
  /** Gradient before the last step. */
  prevFlatGrad?: Tensor;
  /** Loss before the last step. */
  prevLoss?: number;
}

const POSITIONAL = [
  "lr",
  "maxIter",
  "maxEval",
  "toleranceGrad",
  "toleranceChange",
  "historySize",
  "lineSearchFn",
] as const;
const SCALARS: ReadonlySet<string> = new Set(["funcEvals", "nIter", "t", "ro", "HDiag", "prevLoss", "al"]);
/** The least curvature along a step that is learned from. */
const CURVATURE = 1e-10;

/**
 * L-BFGS. `step(closure)` runs up to `maxIter` iterations, each of which calls the closure; with
 * `lineSearchFn: "strong_wolfe"` several times. Loss and products are read on the host: on a device that cannot be read
 * at once the closure must be asynchronous, and the step awaited.
 *
 * There is one group of parameters only.
 *
 * @throws {ValueError} If there are several groups, or an option has no sense.
 * @see https://pytorch.org/docs/stable/generated/torch.optim.LBFGS.html
 * @see Liu and Nocedal 1989, https://doi.org/10.1007/BF01589116
 *
 * @example
 * ```ts
 * const optimizer = new optim.LBFGS([x], { lineSearchFn: "strong_wolfe" });
 * const loss = optimizer.step(() => {
 *   optimizer.zeroGrad();
 *   const loss = f(x);
 *   loss.backward();
 *   return loss;
 * });
 * ```
 */
export class LBFGS extends Optimizer<LBFGSOptions, LBFGSState> {
  /** An optimizer of `params`; options go in the order of {@linkcode LBFGSOptions}, or by name. */
  constructor(
    params: ParamsInput<LBFGSOptions>,
    ...args: Args<
      LBFGSOptions,
      ["lr", "maxIter", "maxEval", "toleranceGrad", "toleranceChange", "historySize", "lineSearchFn"]
    >
  ) {
    const options = named<LBFGSOptions>("create LBFGS", args, POSITIONAL);
    const maxIter = options.maxIter ?? 20;
    super(params, {
      lr: 1,
      maxIter,
      maxEval: Math.floor(maxIter * 5 / 4),
      toleranceGrad: 1e-7,
      toleranceChange: 1e-9,
      historySize: 100,
      lineSearchFn: null,
      ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null)),
    });
    if (this.paramGroups.length !== 1) {
      throw new ValueError(
        `Cannot create LBFGS: it doesn't support per-parameter options, so there must be one parameter group, got ${this.paramGroups.length}`,
      );
    }
  }

  /** Refuses options without sense. */
  protected override checkOptions(options: LBFGSOptions): void {
    requireNonNegative("LBFGS", options, ["lr", "maxIter", "maxEval"]);
    const { historySize, lineSearchFn } = options;
    const whole = Number.isInteger(historySize) && historySize > 0;
    requireOption("LBFGS", whole, "historySize", "a positive integer", historySize);
    const known = lineSearchFn === null || lineSearchFn === "strong_wolfe";
    requireOption("LBFGS", known, "lineSearchFn", '"strong_wolfe" or null', lineSearchFn);
  }

  /** Names of state that is a number here and may be a tensor in a file. */
  protected override scalarState(): ReadonlySet<string> {
    return SCALARS;
  }

  /** Runs the iterations of one step. */
  protected override takeStep(closure: (() => unknown) | undefined): unknown {
    if (typeof closure !== "function") {
      throw new ArgumentTypeError("Cannot step LBFGS: it needs a closure that computes the loss, got none");
    }
    return runTask("step LBFGS", this.#iterate(closure));
  }

  *#iterate(closure: () => unknown): Task<unknown> {
    const group = this.paramGroups[0]!;
    const { params, lr, maxIter, maxEval, toleranceGrad, toleranceChange } = group;
    let state = this.state.get(params[0]!);
    if (state === undefined) this.state.set(params[0]!, state = { funcEvals: 0, nIter: 0 });

    const first = yield* callClosure("step LBFGS", closure);
    let { loss } = first;
    let evaluations = 1;
    state.funcEvals++;
    let grad = flatGrad(params);
    try {
      if ((yield* readOnce(largest(grad))) <= toleranceGrad) return first.result;
      for (let i = 1; i <= maxIter; i++) {
        state.nIter++;
        const direction = yield* descend(state, grad, group.historySize);
        if (state.d !== undefined) state.d.dispose();
        state.d = direction;
        remember(state, grad, loss);

        const scale = state.nIter === 1 ? Math.min(1, 1 / (yield* readOnce(absoluteSum(grad)))) : 1;
        state.t = scale * lr;
        const slope = yield* readOnce(dot(grad, direction));
        if (slope > -toleranceChange) break;

        let calls = 0;
        if (group.lineSearchFn !== null) {
          const start: Point = { t: 0, loss, grad, slope };
          const found = yield* this.#search(closure, start, state.t, direction);
          calls = found.evaluations;
          if (found.point.grad !== grad) grad.dispose();
          ({ loss, grad } = found.point);
          state.t = found.point.t;
          addFlat(params, direction, state.t);
        } else {
          addFlat(params, direction, state.t);
          // Nothing looks at the gradient after the last iteration.
          if (i < maxIter) {
            ({ loss } = yield* callClosure("step LBFGS", closure));
            grad.dispose();
            grad = flatGrad(params);
            calls = 1;
          }
        }
        evaluations += calls;
        state.funcEvals += calls;

        if (i === maxIter || evaluations >= maxEval) break;
        if ((yield* readOnce(largest(grad))) <= toleranceGrad) break;
        if (Math.abs(state.t) * (yield* readOnce(largest(direction))) <= toleranceChange) break;
        if (Math.abs(loss - state.prevLoss!) < toleranceChange) break;
      }
      return first.result;
    } finally {
      grad.dispose();
    }
  }

  /** Searches along `direction` for the length of the step; the parameters are as before afterwards. */
  *#search(
    closure: () => unknown,
    start: Point,
    t: number,
    direction: Tensor,
  ): Task<{ point: Point; evaluations: number }> {
    const { params } = this.paramGroups[0]!;
    const before = params.map(stateCopy);
    try {
      const evaluate = function* (t: number): Task<Point> {
        addFlat(params, direction, t);
        try {
          const { loss } = yield* callClosure("step LBFGS", closure);
          const grad = flatGrad(params);
          return { t, loss, grad, slope: yield* readOnce(dot(grad, direction)) };
        } finally {
          restore(params, before);
        }
      };
      return yield* strongWolfe(evaluate, start, t, yield* readOnce(largest(direction)));
    } finally {
      for (const copy of before) copy.dispose();
    }
  }
}

/** Notes gradient and loss before a step. */
function remember(state: LBFGSState, grad: Tensor, loss: number): void {
  if (state.prevFlatGrad === undefined) state.prevFlatGrad = stateCopy(grad);
  else bindInto([state.prevFlatGrad], "copy", [grad], null);
  state.prevLoss = loss;
}

/** The direction −H g, after the last step was learned from. */
function* descend(state: LBFGSState, grad: Tensor, historySize: number): Task<Tensor> {
  const direction = made(() => bind("neg", [grad], null));
  if (state.nIter === 1) {
    Object.assign(state, { oldDirs: [], oldStps: [], ro: [], HDiag: 1 });
    return direction;
  }
  yield* learn(state, grad, historySize);
  const { oldDirs, oldStps, ro, HDiag } = state as Required<LBFGSState>;
  // The two loops of Liu and Nocedal: q becomes H₀ q, then r, in one vector.
  const alphas: number[] = [];
  for (let i = oldDirs.length - 1; i >= 0; i--) {
    alphas[i] = ro[i]! * (yield* readOnce(dot(oldStps[i]!, direction)));
    add_(direction, oldDirs[i]!, -alphas[i]!);
  }
  temporaries(() => {
    scale_(direction, HDiag);
    return null;
  });
  for (let i = 0; i < oldDirs.length; i++) {
    const beta = ro[i]! * (yield* readOnce(dot(oldDirs[i]!, direction)));
    add_(direction, oldStps[i]!, alphas[i]! - beta);
  }
  return direction;
}

/** Adds the last step and the change of the gradient along it, if that is a curve upwards. */
function* learn(state: LBFGSState, grad: Tensor, historySize: number): Task<void> {
  const { oldDirs, oldStps, ro, prevFlatGrad, d, t } = state as Required<LBFGSState>;
  const change = made(() => bind("sub", [grad, prevFlatGrad], null));
  const step = made(() => bind("mul", [d, scalar(t, d)], null));
  const product = yield* readOnce(dot(change, step));
  if (!(product > CURVATURE)) {
    change.dispose();
    step.dispose();
    return;
  }
  if (oldDirs.length >= historySize) {
    oldDirs.shift()?.dispose();
    oldStps.shift()?.dispose();
    ro.shift();
  }
  oldDirs.push(change);
  oldStps.push(step);
  ro.push(1 / product);
  state.HDiag = product / (yield* readOnce(dot(change, change)));
}
