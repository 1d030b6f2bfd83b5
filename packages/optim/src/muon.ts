/**
 * Muon: momentum made orthogonal, for matrices; AdamW for everything else.
 *
 * @module
 */

import { formatType, ValueError } from "@flambeau/core";
import type { Args, Tensor } from "@flambeau/tensor";
import { bind, bindInto, named } from "@flambeau/tensor/internal";
import { adamStep } from "./adam.ts";
import { requireBetas, requireNonNegative, requireOption } from "./checks.ts";
import type { ParamGroup, ParamGroupInput, ParamsInput } from "./groups.ts";
import { Optimizer } from "./optimizer.ts";
import { add_, average_, plus, scalar, scale_, stateLike } from "./update.ts";

/** Options of {@linkcode Muon}. */
export interface MuonOptions {
  /** Learning rate. Default `1e-3`; `3e-4` in groups without Muon. */
  lr: number;
  /** Decay of the weights themselves. Default 0.1; 0 in groups without Muon. */
  weightDecay: number;
  /** Decay of the momentum. Default 0.95. */
  momentum: number;
  /** Look ahead along the momentum. Default true. */
  nesterov: boolean;
  /** Coefficients of the Newton–Schulz iteration. Default `[3.4445, -4.775, 2.0315]`. */
  nsCoefficients: readonly [a: number, b: number, c: number];
  /** Least norm to divide by; in groups without Muon, added to the root (default `1e-10`). Default `1e-7`. */
  eps: number;
  /** Newton–Schulz iterations. Default 5. */
  nsSteps: number;
  /**
   * How the learning rate heeds the shape `[A, B]`: `"original"` times √max(1, A / B), `"match_rms_adamw"` times
   * 0.2 √max(A, B), which fits learning rates and decays that were tuned for AdamW. Default `"original"`.
   */
  adjustLrFn: "original" | "match_rms_adamw";
  /** False in groups that AdamW trains: embeddings, heads, biases, gains. Default true. */
  useMuon: boolean;
  /** Decays of AdamW, in groups without Muon. Default `[0.9, 0.95]`. */
  betas: readonly [beta1: number, beta2: number];
}

/** What {@linkcode Muon} remembers of a parameter: the first with Muon, the others with AdamW. */
export interface MuonState {
  /** Running mean of the gradient. */
  momentumBuffer?: Tensor;
  /** Steps that this parameter took. */
  step?: number;
  /** Running mean of the gradient. */
  expAvg?: Tensor;
  /** Running mean of its square. */
  expAvgSq?: Tensor;
}

const POSITIONAL = [
  "lr",
  "weightDecay",
  "momentum",
  "nesterov",
  "nsCoefficients",
  "eps",
  "nsSteps",
  "adjustLrFn",
] as const;

/** Options of groups without Muon, as of its author. */
const AUXILIARY = { lr: 3e-4, weightDecay: 0, betas: [0.9, 0.95], eps: 1e-10 } as const;

/**
 * Muon: the momentum of a matrix is replaced by the orthogonal matrix nearest to it, by a Newton–Schulz iteration, so that
 * all directions learn alike. Tensors of more dimensions count as matrices `[A, B · …]`. Embeddings, output layers, biases
 * and gains go into a group with `useMuon: false`, which AdamW trains.
 *
 * The iteration runs in the dtype of the parameter.
 *
 * @throws {ValueError} If an option has no sense, or a parameter of a group with Muon has less than two dimensions.
 * @see Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/
 * @see https://pytorch.org/docs/stable/generated/torch.optim.Muon.html
 *
 * @example
 * ```ts
 * const optimizer = new optim.Muon([
 *   { params: matrices, lr: 0.02 },
 *   { params: others, useMuon: false },
 * ]);
 * ```
 */
export class Muon extends Optimizer<MuonOptions, MuonState> {
  /** An optimizer of `params`; options go in the order of {@linkcode MuonOptions}, or by name. */
  constructor(
    params: ParamsInput<MuonOptions>,
    ...args: Args<
      MuonOptions,
      ["lr", "weightDecay", "momentum", "nesterov", "nsCoefficients", "eps", "nsSteps", "adjustLrFn"]
    >
  ) {
    super(params, {
      lr: 1e-3,
      weightDecay: 0.1,
      momentum: 0.95,
      nesterov: true,
      nsCoefficients: [3.4445, -4.775, 2.0315],
      eps: 1e-7,
      nsSteps: 5,
      adjustLrFn: "original",
      useMuon: true,
      betas: [0.9, 0.95],
      ...named<MuonOptions>("create Muon", args, POSITIONAL, ["useMuon", "betas"]),
    });
  }

  /** Refuses options without sense. */
  protected override checkOptions(options: MuonOptions): void {
    requireNonNegative("Muon", options, ["lr", "weightDecay", "momentum", "eps"]);
    requireBetas("Muon", options.betas);
    const { nsSteps, nsCoefficients, adjustLrFn } = options;
    requireOption(
      "Muon",
      Number.isInteger(nsSteps) && nsSteps >= 0 && nsSteps < 100,
      "nsSteps",
      "an integer below 100",
      nsSteps,
    );
    requireOption("Muon", nsCoefficients.length === 3, "nsCoefficients", "three numbers", nsCoefficients);
    const known = adjustLrFn === "original" || adjustLrFn === "match_rms_adamw";
    requireOption("Muon", known, "adjustLrFn", '"original" or "match_rms_adamw"', adjustLrFn);
  }

  /** Adds a group of parameters; those with Muon must be matrices. */
  override addParamGroup(group: ParamGroupInput<MuonOptions>): void {
    super.addParamGroup(group.useMuon === false ? { ...AUXILIARY, ...group } : group);
    const { useMuon, params } = this.paramGroups.at(-1)!;
    const flat = useMuon ? params.find((param) => param.ndim < 2) : undefined;
    if (flat === undefined) return;
    this.paramGroups.pop();
    throw new ValueError(
      `Cannot optimize ${
        formatType(flat)
      } by Muon: it must have at least two dimensions; put it into a group with ` +
        "useMuon: false",
    );
  }

  /** Updates one parameter. */
  protected override updateParameter(param: Tensor, grad: Tensor, group: ParamGroup<MuonOptions>): void {
    let state = this.state.get(param);
    if (state === undefined) this.state.set(param, state = {});
    if (!group.useMuon) return updateAuxiliary(param, grad, group, state);

    const { lr, weightDecay, momentum, nesterov } = group;
    const buffer = state.momentumBuffer ??= stateLike(param);
    average_(buffer, grad, momentum);
    const direction = nesterov ? plus(scaled(grad, 1 - momentum), buffer, momentum) : buffer;
    const [rows, columns] = [param.shape[0]!, param.numel() / param.shape[0]!];
    const matrix = bind("view", [bind("copy", [direction], null)], { shape: [rows, columns] });
    const step = orthogonalized(matrix, group);
    scale_(param, 1 - lr * weightDecay);
    add_(param, bind("view", [step], { shape: param.shape }), -lr * lrFactor(rows, columns, group));
  }
}

function updateAuxiliary(param: Tensor, grad: Tensor, group: MuonOptions, state: MuonState): void {
  state.expAvg ??= stateLike(param);
  state.expAvgSq ??= stateLike(param);
  state.step = (state.step ?? 0) + 1;
  const { expAvg, expAvgSq, step } = state;
  adamStep(param, grad, { ...group, maximize: false, decoupledWeightDecay: true }, {
    expAvg,
    expAvgSq,
    step,
  });
}

function lrFactor(rows: number, columns: number, { adjustLrFn }: MuonOptions): number {
  return adjustLrFn === "original"
    ? Math.sqrt(Math.max(1, rows / columns))
    : 0.2 * Math.sqrt(Math.max(rows, columns));
}

/**
 * About U Vᵀ of the singular value decomposition U S Vᵀ of `matrix`: `X ← a X + (b X Xᵀ + c (X Xᵀ)²) X` from X = matrix /
 * ‖matrix‖. With the default coefficients the singular values end between 0.7 and 1.2, not at 1, which is enough and takes
 * few iterations. Contiguous.
 */
function orthogonalized(matrix: Tensor, { nsCoefficients: [a, b, c], nsSteps, eps }: MuonOptions): Tensor {
  const [rows, columns] = matrix.shape as [number, number];
  if (matrix.numel() === 0) return matrix;
  const tall = rows > columns;
  // The smaller of X Xᵀ and Xᵀ X.
  const start = tall ? transposed(matrix) : matrix;
  const squares = bind("sum", [bind("mul", [start, start], null)], { dims: [0, 1], keepdim: false });
  const norm = bind("maximum", [bind("sqrt", [squares], null), scalar(eps, start)], null);
  let x = bind("div", [start, norm], null);
  let next = bind("copy", [x], null);
  const gram = bind("matmul", [x, transposed(x)], null);
  const polynomial = bind("copy", [gram], null);
  for (let i = 0; i < nsSteps; i++) {
    if (i > 0) bindInto([gram], "matmul", [x, transposed(x)], null);
    bindInto([polynomial], "matmul", [gram, gram], null);
    scale_(polynomial, c);
    add_(polynomial, gram, b);
    bindInto([next], "matmul", [polynomial, x], null);
    add_(next, x, a);
    [x, next] = [next, x];
  }
  return tall ? bind("copy", [transposed(x)], null) : x;
}

function transposed(x: Tensor): Tensor {
  return bind("permute", [x], { dims: [1, 0] });
}

/** factor · x, in new memory. */
function scaled(x: Tensor, factor: number): Tensor {
  return bind("mul", [x, scalar(factor, x)], null);
}
