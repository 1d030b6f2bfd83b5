/**
 * The larger and the smaller of two, and limits.
 *
 * @module
 */

import { DTypeError, formatType, ValueError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind, replaceValue } from "../bind.ts";
import {
  castTo,
  commonDType,
  constant,
  describe,
  isScalar,
  promote,
  requireTensor,
  type Scalar,
} from "../coerce.ts";
import { TensorHandle } from "../handle.ts";
import { relabel } from "../label.ts";
import { binary } from "../pointwise.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";

/**
 * The larger of two values; NaN if either is. Where they are equal each gets half of the gradient.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.maximum.html
 */
export function maximum(x: Tensor, y: Tensor): Tensor {
  return binary("maximum", requireTensor("maximum", "input", x), requireTensor("maximum", "other", y));
}

/**
 * The smaller of two values; NaN if either is. Where they are equal each gets half of the gradient.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.minimum.html
 */
export function minimum(x: Tensor, y: Tensor): Tensor {
  return binary("minimum", requireTensor("minimum", "input", x), requireTensor("minimum", "other", y));
}

/**
 * The larger of two values; the other one if one is NaN. The first of equals gets the gradient.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.fmax.html
 */
export function fmax(x: Tensor, y: Tensor): Tensor {
  return ignoringNaN("fmax", "ge", x, y);
}

/**
 * The smaller of two values; the other one if one is NaN. The first of equals gets the gradient.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.fmin.html
 */
export function fmin(x: Tensor, y: Tensor): Tensor {
  return ignoringNaN("fmin", "le", x, y);
}

function ignoringNaN(op: "fmax" | "fmin", test: "ge" | "le", x: Tensor, y: Tensor): Tensor {
  requireTensor(op, "input", x);
  requireTensor(op, "other", y);
  return temporaries(() => {
    const [a, b] = promote(op, x, y);
    const first = bind(test, [a, b], null);
    const chosen = a.dtype.kind === "float"
      ? bind("bitwiseOr", [first, bind("isnan", [b], null)], null)
      : first;
    return relabel(bind("where", [chosen, a, b], null), op === "fmax" ? "FmaxBackward0" : "FminBackward0");
  });
}

/** Options of {@linkcode clamp}. */
export interface ClampOptions {
  /** The least value; null for no limit. */
  readonly min?: Tensor | Scalar | null;
  /** The largest value; null for no limit. Wins over `min`. */
  readonly max?: Tensor | Scalar | null;
}

/**
 * Values limited to `min … max`; NaN passes. The gradient passes where the value is not changed, limits included.
 *
 * Limits are numbers or tensors that broadcast. Where `min > max` the result is `max`.
 *
 * @throws {ValueError} If there is no limit at all.
 * @see https://pytorch.org/docs/stable/generated/torch.clamp.html
 */
export function clamp(x: Tensor, ...args: Args<ClampOptions, ["min", "max"]>): Tensor {
  requireTensor("clamp", "input", x);
  const { min = null, max = null } = named<ClampOptions>("clamp", args, ["min", "max"]);
  return limited("clamp", x, min, max);
}

/** In-place {@linkcode clamp}. */
export function clamp_(x: Tensor, ...args: Args<ClampOptions, ["min", "max"]>): Tensor {
  requireTensor("clamp_", "input", x);
  const { min = null, max = null } = named<ClampOptions>("clamp_", args, ["min", "max"]);
  return replaceValue("clamp_", x, (before) => limited("clamp_", before, min, max));
}

/** Another name of {@linkcode clamp}. */
export const clip: typeof clamp = clamp;

/** Another name of {@linkcode clamp_}. */
export const clip_: typeof clamp_ = clamp_;

/**
 * Values of at least `min`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.clamp.html
 */
export function clampMin(x: Tensor, min: Tensor | Scalar): Tensor {
  return limited("clampMin", requireTensor("clampMin", "input", x), min, null);
}

/** In-place {@linkcode clampMin}. */
export function clampMin_(x: Tensor, min: Tensor | Scalar): Tensor {
  requireTensor("clampMin_", "input", x);
  return replaceValue("clampMin_", x, (before) => limited("clampMin_", before, min, null));
}

/**
 * Values of at most `max`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.clamp.html
 */
export function clampMax(x: Tensor, max: Tensor | Scalar): Tensor {
  return limited("clampMax", requireTensor("clampMax", "input", x), null, max);
}

/** In-place {@linkcode clampMax}. */
export function clampMax_(x: Tensor, max: Tensor | Scalar): Tensor {
  requireTensor("clampMax_", "input", x);
  return replaceValue("clampMax_", x, (before) => limited("clampMax_", before, null, max));
}

type Limit = Tensor | Scalar | null;

function limited(op: string, x: Tensor, min: Limit, max: Limit): Tensor {
  if (min === null && max === null) {
    throw new ValueError(
      `Cannot ${op} ${formatType(x)}: at least one of min or max must be given, got neither`,
    );
  }
  for (const limit of [min, max]) {
    if (limit !== null && !isScalar(limit) && !(limit instanceof TensorHandle)) {
      throw new ValueError(
        `Cannot ${op} ${formatType(x)}: limits must be numbers or tensors, got ${describe(limit)}`,
      );
    }
  }
  const dtype = commonDType(x, ...[min, max].filter((limit) => limit !== null));
  if (dtype.kind === "bool") {
    throw new DTypeError(`Cannot ${op} ${formatType(x)}: it must have an integer or float dtype, got bool`);
  }
  return temporaries(() => {
    const values = castTo(x, dtype);
    if (!(min instanceof TensorHandle) && !(max instanceof TensorHandle) && !isNaN(min) && !isNaN(max)) {
      const attrs = { min: min === null ? null : Number(min), max: max === null ? null : Number(max) };
      return relabel(bind("clamp", [values], attrs), "ClampBackward1");
    }
    const [low, high] = [min, max].map((limit) =>
      limit === null ? null : isScalar(limit) ? constant(limit, dtype, x.backend) : castTo(limit, dtype)
    );
    const raised = low === null ? values : beyond("lt", values, low!);
    return relabel(high === null ? raised : beyond("gt", raised, high!), "ClampBackward0");
  });
}

function isNaN(limit: Limit): boolean {
  return limit !== null && Number.isNaN(limit);
}

/** `limit` where `x` lies beyond it or the limit is NaN, else `x`. */
function beyond(test: "lt" | "gt", x: Tensor, limit: Tensor): Tensor {
  const outside = bind(test, [x, limit], null);
  const chosen = x.dtype.kind === "float"
    ? bind("bitwiseOr", [outside, bind("isnan", [limit], null)], null)
    : outside;
  return bind("where", [chosen, limit, x], null);
}
