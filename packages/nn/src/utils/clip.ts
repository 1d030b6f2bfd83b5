/**
 * Clipping gradients.
 *
 * @module
 */

import { ArgumentTypeError, TorchError } from "@flambeau/core";
import {
  add,
  type Args,
  clamp_,
  clampMax,
  div,
  isfinite,
  itemSync,
  max,
  mul_,
  noGrad,
  stack,
  Tensor,
  tensor,
  to,
  vectorNorm,
} from "@flambeau/tensor";
import { named, temporaries } from "@flambeau/tensor/internal";

/** One tensor, or several. */
export type TensorOrTensors = Tensor | Iterable<Tensor>;

function listOf(op: string, tensors: TensorOrTensors): Tensor[] {
  if (tensors instanceof Tensor) return [tensors as Tensor];
  if (typeof tensors !== "object" || tensors === null || !(Symbol.iterator in tensors)) {
    throw new ArgumentTypeError(`Cannot ${op}: the parameters must be a Tensor or several of them`);
  }
  return [...tensors];
}

/** Options of {@linkcode getTotalNorm}. */
export interface TotalNormOptions {
  /** Degree of the norm; `Infinity` for the largest. Default 2. */
  readonly normType?: number;
  /** Whether a norm that is NaN or infinite is an error. Default false. */
  readonly errorIfNonfinite?: boolean;
  /** Accepted and ignored. */
  readonly foreach?: boolean | null;
}

/**
 * The norm of all tensors together, as if they were one vector.
 *
 * @throws {TorchError} If it is not finite although `errorIfNonfinite`.
 */
export function getTotalNorm(
  tensors: TensorOrTensors,
  ...args: Args<TotalNormOptions, ["normType", "errorIfNonfinite", "foreach"]>
): Tensor {
  const names = ["normType", "errorIfNonfinite", "foreach"] as const;
  const { normType = 2, errorIfNonfinite = false } = named<TotalNormOptions>("getTotalNorm", args, names);
  const list = listOf("getTotalNorm", tensors);
  if (list.length === 0) return tensor(0, { dtype: "float32" });
  const total = temporaries(() => {
    const { device } = list[0]!;
    const norms = list.map((x) => to(vectorNorm(x, { ord: normType }), device));
    const all = stack(norms);
    return normType === Infinity ? max(all) : vectorNorm(all, { ord: normType });
  });
  if (errorIfNonfinite && !itemSync(isfinite(total))) {
    throw new TorchError(
      `Cannot clip gradients: their total norm of order ${normType} must be finite, got ${
        itemSync(total)
      }; pass ` +
        "errorIfNonfinite: false to scale them all the same",
    );
  }
  return total;
}

/** Options of {@linkcode clipGradNorm_}. */
export interface ClipGradNormOptions extends TotalNormOptions {
  /** Largest norm of the gradients together. */
  readonly maxNorm: number;
}

/**
 * Scales the gradients of all parameters, in place, so that their norm together is at most `maxNorm`. Gives the norm that
 * they had.
 *
 * @throws {TorchError} If the norm is not finite although `errorIfNonfinite`.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
 *
 * @example
 * ```ts
 * loss.backward();
 * nn.utils.clipGradNorm_(net.parameters(), 1);
 * opt.step();
 * ```
 */
export function clipGradNorm_(
  parameters: TensorOrTensors,
  ...args: Args<ClipGradNormOptions, ["maxNorm", "normType", "errorIfNonfinite", "foreach"]>
): Tensor {
  const names = ["maxNorm", "normType", "errorIfNonfinite", "foreach"] as const;
  const { maxNorm, ...options } = named<ClipGradNormOptions>("clipGradNorm_", args, names);
  if (typeof maxNorm !== "number") {
    throw new ArgumentTypeError(`Cannot clipGradNorm_: maxNorm must be a number, got ${typeof maxNorm}`);
  }
  return noGrad(() => {
    const grads = gradsOf(listOf("clipGradNorm_", parameters));
    const total = getTotalNorm(grads, options);
    scaleTo(grads, maxNorm, total);
    return total;
  });
}

/**
 * Scales the gradients of all parameters, in place, by `maxNorm / totalNorm` where that is below 1.
 *
 * @param totalNorm From {@linkcode getTotalNorm}.
 */
export function clipGradsWithNorm_(parameters: TensorOrTensors, maxNorm: number, totalNorm: Tensor): void {
  noGrad(() => scaleTo(gradsOf(listOf("clipGradsWithNorm_", parameters)), maxNorm, totalNorm));
}

function gradsOf(parameters: readonly Tensor[]): Tensor[] {
  return parameters.flatMap(({ grad }) => grad === null ? [] : [grad]);
}

function scaleTo(grads: readonly Tensor[], maxNorm: number, total: Tensor): void {
  temporaries(() => {
    const factor = clampMax(div(maxNorm, add(total, 1e-6)), 1);
    for (const grad of grads) mul_(grad, to(factor, grad.device));
    return null;
  });
}

/**
 * Limits every element of the gradients of all parameters, in place, to [-clipValue, clipValue].
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_value_.html
 */
export function clipGradValue_(
  parameters: TensorOrTensors,
  clipValue: number | { readonly clipValue: number },
): void {
  const limit = typeof clipValue === "object" ? clipValue.clipValue : clipValue;
  if (typeof limit !== "number") {
    throw new ArgumentTypeError(`Cannot clipGradValue_: clipValue must be a number, got ${typeof limit}`);
  }
  noGrad(() => {
    for (const grad of gradsOf(listOf("clipGradValue_", parameters))) clamp_(grad, -limit, limit);
  });
}
