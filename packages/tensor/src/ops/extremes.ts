/**
 * The larger and the smaller of two, and limits.
 *
 * @module
 */

import { DTypeError, formatType, ValueError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind, bindInto, needsGrad, replaceValue } from "../bind.ts";
import { castTo, commonDType, constant, isScalar, promote, requireTensor, type Scalar } from "../coerce.ts";
import { gradMode, noGrad } from "../grad_mode.ts";
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
  return limitedInto("clamp_", x, min, max);
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
  return limitedInto("clampMin_", x, min, null);
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
  return limitedInto("clampMax_", x, null, max);
}

type Limit = Tensor | Scalar | null;

function limited(op: string, x: Tensor, min: Limit, max: Limit): Tensor {
  const limits = [min, max].filter((limit) => limit !== null);
  if (limits.length === 0) {
    throw new ValueError(
      `Cannot ${op} ${formatType(x)}: at least one of min or max must be given, got neither`,
    );
  }
  for (const limit of limits) {
    if (!isScalar(limit)) requireTensor(op, limit === min ? "min" : "max", limit);
  }
  const dtype = commonDType(x, ...limits);
  return temporaries(() => {
    const values = castTo(x, dtype);
    if (limits.every((limit) => isScalar(limit) && !Number.isNaN(limit))) {
      if (dtype.kind === "bool") {
        throw new DTypeError(
          `Cannot ${op} ${formatType(x)}: it must have an integer or float dtype, got bool`,
        );
      }
      const attrs = { min: min === null ? null : Number(min), max: max === null ? null : Number(max) };
      return relabel(bind("clamp", [values], attrs), labelOf(op, min, max));
    }
    const [low, high] = [min, max].map((limit) => {
      if (limit === null) return null;
      return isScalar(limit) ? constant(limit, dtype, x.backend) : castTo(limit, dtype);
    });
    return relabel(between(values, low!, high!), labelOf(op, min, max));
  });
}

/** Limits `x` in place: by the primitive where no gradient needs the value before. */
function limitedInto(op: string, x: Tensor, min: Limit, max: Limit): Tensor {
  const isNumber = (limit: Limit) => limit === null || typeof limit === "number" && !Number.isNaN(limit);
  const isPlain = !gradMode.enabled || !needsGrad([x]);
  if (x.dtype.kind === "float" && isPlain && isNumber(min) && isNumber(max) && (min ?? max) !== null) {
    bindInto([x], "clamp", [x], { min: min as number | null, max: max as number | null });
    return x;
  }
  return replaceValue(op, x, (before) => limited(op, before, min, max));
}

function labelOf(op: string, min: Limit, max: Limit): string {
  const byTensors = [min, max].some((limit) => limit !== null && !isScalar(limit));
  if (op.startsWith("clampMin")) return byTensors ? "ClampMinBackward1" : "ClampMinBackward0";
  if (op.startsWith("clampMax")) return byTensors ? "ClampMaxBackward1" : "ClampMaxBackward0";
  return byTensors ? "ClampBackward0" : "ClampBackward1";
}

/** Values limited by tensors, NaN where one of them is. Where `low > high` the result is `high`. */
function between(x: Tensor, low: Tensor | null, high: Tensor | null): Tensor {
  const parts = [x, low, high].filter((part) => part !== null);
  const value = noGrad(() => {
    const raised = low === null ? x : bind("maximum", [x, low], null);
    return high === null ? raised : bind("minimum", [raised, high], null);
  });
  return gradMode.enabled && needsGrad(parts) ? withGradient(value, x, low, high) : value;
}

/**
 * `value`, which limits `x` to `low … high`, with its gradient: it goes to `x` within the limits, to `low` below it unless
 * `low >= high`, to `high` above it or where `high < low`. So it does in PyTorch, NaN and all: comparisons with NaN fail.
 */
function withGradient(value: Tensor, x: Tensor, low: Tensor | null, high: Tensor | null): Tensor {
  const test = (name: "lt" | "le" | "gt" | "ge", a: Tensor, b: Tensor) => bind(name, [a, b], null);
  const where = (cond: Tensor, a: Tensor, b: Tensor) => bind("where", [cond, a, b], null);
  let chosen = value;
  if (low !== null && high !== null) {
    const inside = bind("bitwiseAnd", [test("ge", x, low), test("le", x, high)], null);
    const below = bind("bitwiseAnd", [test("lt", x, low), test("lt", low, high)], null);
    const above = bind("bitwiseOr", [test("gt", x, high), test("lt", high, low)], null);
    chosen = where(above, high, where(below, low, where(inside, x, value)));
  } else if (low !== null) chosen = where(test("lt", x, low), low, where(test("ge", x, low), x, value));
  else if (high !== null) chosen = where(test("gt", x, high), high, where(test("le", x, high), x, value));
  // NaN is not equal to the operand that has the gradient: adding it changes the value and keeps the slope.
  return where(
    bind("isnan", [value], null),
    bind("add", [chosen, constant(NaN, x.dtype, x.backend)], null),
    chosen,
  );
}
