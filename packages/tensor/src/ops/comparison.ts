/**
 * Comparisons, element by element → bool; and of whole tensors → a boolean. None of them is differentiable.
 *
 * @module
 */

import {
  bool,
  DTypeError,
  formatType,
  int32,
  int64,
  numelOf,
  shapesEqual,
  uint8,
  ValueError,
} from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind, replaceValue } from "../bind.ts";
import {
  castTo,
  commonDType,
  constant,
  defaults,
  isScalar,
  requireNumber,
  requireTensor,
  type Scalar,
} from "../coerce.ts";
import { noGrad } from "../grad_mode.ts";
import { executeOn } from "../immediate.ts";
import { binary } from "../pointwise.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { canRead } from "../transform.ts";
import { itemSync } from "./data.ts";
import { reshapeTo } from "./building.ts";

/**
 * x = y → bool. Shapes broadcast, dtypes promote.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.eq.html
 */
export function eq(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return binary("eq", x, y);
}

/** In-place {@linkcode eq}: `x` takes 0 and 1 in its own dtype. */
export function eq_(x: Tensor, y: Tensor | Scalar): Tensor {
  requireTensor("eq_", "input", x);
  return replaceValue("eq_", x, (before) => binary("eq", before, y));
}

/**
 * x ≠ y → bool. Shapes broadcast, dtypes promote.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.ne.html
 */
export function ne(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return binary("ne", x, y);
}

/** In-place {@linkcode ne}: `x` takes 0 and 1 in its own dtype. */
export function ne_(x: Tensor, y: Tensor | Scalar): Tensor {
  requireTensor("ne_", "input", x);
  return replaceValue("ne_", x, (before) => binary("ne", before, y));
}

/** Another name of {@linkcode ne}. */
export const notEqual: typeof ne = ne;

/** Another name of {@linkcode ne_}. */
export const notEqual_: typeof ne_ = ne_;

/**
 * x < y → bool. Shapes broadcast, dtypes promote.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.lt.html
 */
export function lt(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return binary("lt", x, y);
}

/** In-place {@linkcode lt}: `x` takes 0 and 1 in its own dtype. */
export function lt_(x: Tensor, y: Tensor | Scalar): Tensor {
  requireTensor("lt_", "input", x);
  return replaceValue("lt_", x, (before) => binary("lt", before, y));
}

/** Another name of {@linkcode lt}. */
export const less: typeof lt = lt;

/** Another name of {@linkcode lt_}. */
export const less_: typeof lt_ = lt_;

/**
 * x ≤ y → bool. Shapes broadcast, dtypes promote.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.le.html
 */
export function le(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return binary("le", x, y);
}

/** In-place {@linkcode le}: `x` takes 0 and 1 in its own dtype. */
export function le_(x: Tensor, y: Tensor | Scalar): Tensor {
  requireTensor("le_", "input", x);
  return replaceValue("le_", x, (before) => binary("le", before, y));
}

/** Another name of {@linkcode le}. */
export const lessEqual: typeof le = le;

/** Another name of {@linkcode le_}. */
export const lessEqual_: typeof le_ = le_;

/**
 * x > y → bool. Shapes broadcast, dtypes promote.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.gt.html
 */
export function gt(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return binary("gt", x, y);
}

/** In-place {@linkcode gt}: `x` takes 0 and 1 in its own dtype. */
export function gt_(x: Tensor, y: Tensor | Scalar): Tensor {
  requireTensor("gt_", "input", x);
  return replaceValue("gt_", x, (before) => binary("gt", before, y));
}

/** Another name of {@linkcode gt}. */
export const greater: typeof gt = gt;

/** Another name of {@linkcode gt_}. */
export const greater_: typeof gt_ = gt_;

/**
 * x ≥ y → bool. Shapes broadcast, dtypes promote.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.ge.html
 */
export function ge(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return binary("ge", x, y);
}

/** In-place {@linkcode ge}: `x` takes 0 and 1 in its own dtype. */
export function ge_(x: Tensor, y: Tensor | Scalar): Tensor {
  requireTensor("ge_", "input", x);
  return replaceValue("ge_", x, (before) => binary("ge", before, y));
}

/** Another name of {@linkcode ge}. */
export const greaterEqual: typeof ge = ge;

/** Another name of {@linkcode ge_}. */
export const greaterEqual_: typeof ge_ = ge_;

/** Options of {@linkcode isclose} and {@linkcode allclose}. */
export interface ToleranceOptions {
  /** Allowed difference as a share of |other|. Default 1e-5. */
  readonly rtol?: number;
  /** Allowed difference besides. Default 1e-8. */
  readonly atol?: number;
  /** Whether two NaN are close. Default false. */
  readonly equalNan?: boolean;
}

/**
 * True where `|x − y| <= atol + rtol · |y|`, and where both are equal (infinities too).
 *
 * @throws {ValueError} If a tolerance is negative.
 * @throws {DTypeError} If dtypes differ.
 * @see https://pytorch.org/docs/stable/generated/torch.isclose.html
 */
export function isclose(
  x: Tensor,
  y: Tensor,
  ...args: Args<ToleranceOptions, ["rtol", "atol", "equalNan"]>
): Tensor {
  return closeTo("isclose", x, y, args);
}

function closeTo(op: string, x: Tensor, y: Tensor, args: readonly unknown[]): Tensor {
  requireTensor(op, "input", x);
  requireTensor(op, "other", y);
  const options = named<ToleranceOptions>(op, args, ["rtol", "atol", "equalNan"]);
  const rtol = requireNumber(op, "rtol", options.rtol ?? 1e-5);
  const atol = requireNumber(op, "atol", options.atol ?? 1e-8);
  if (rtol < 0 || atol < 0) {
    throw new ValueError(
      `Cannot ${op} ${formatType(x)} and ${
        formatType(y)
      }: rtol and atol must be >= 0, got ${rtol} and ${atol}`,
    );
  }
  if (x.dtype !== y.dtype) {
    throw new DTypeError(
      `Cannot ${op} ${formatType(x)} and ${
        formatType(y)
      }: dtypes must match, got ${x.dtype.name} and ${y.dtype.name}`,
    );
  }
  return temporaries(() => noGrad(() => closeValues(x, y, rtol, atol, options.equalNan === true)));
}

function closeValues(x: Tensor, y: Tensor, rtol: number, atol: number, equalNan: boolean): Tensor {
  const equal = bind("eq", [x, y], null);
  const isFloat = x.dtype.kind === "float";
  const either = (a: Tensor, b: Tensor) => bind("bitwiseOr", [a, b], null);
  const both = (a: Tensor, b: Tensor) => bind("bitwiseAnd", [a, b], null);
  const start = equalNan && isFloat
    ? either(equal, both(bind("isnan", [x], null), bind("isnan", [y], null)))
    : equal;
  if ((rtol === 0 && atol === 0) || x.dtype === bool) return start;
  const number = (value: number) => constant(value, a.dtype, a.backend);
  const [a, b] = isFloat ? [x, y] : [castTo(x, defaults.dtype), castTo(y, defaults.dtype)];
  const allowed = bind(
    "add",
    [number(atol), bind("mul", [number(rtol), bind("abs", [b], null)], null)],
    null,
  );
  const actual = bind("abs", [bind("sub", [a, b], null)], null);
  // An infinite difference is never small, whatever is allowed; a NaN fails both tests.
  const finite = bind("lt", [actual, number(Infinity)], null);
  return either(start, both(finite, bind("le", [actual, allowed], null)));
}

/**
 * True if all elements are close, as {@linkcode isclose} says. Reads the answer on the host: where the device cannot,
 * use `await isclose(x, y).all().item()`.
 *
 * @throws {DeviceError} If the device cannot be read at once.
 * @see https://pytorch.org/docs/stable/generated/torch.allclose.html
 */
export function allclose(
  x: Tensor,
  y: Tensor,
  ...args: Args<ToleranceOptions, ["rtol", "atol", "equalNan"]>
): boolean {
  return allTrue(() => closeTo("allclose", x, y, args));
}

/**
 * True if both tensors have the same shape and elements; NaN equals nothing. Reads the answer on the host: where the
 * device cannot, use `await eq(x, y).all().item()`.
 *
 * @throws {DeviceError} If the device cannot be read at once.
 * @see https://pytorch.org/docs/stable/generated/torch.equal.html
 */
export function equal(x: Tensor, y: Tensor): boolean {
  requireTensor("equal", "input", x);
  requireTensor("equal", "other", y);
  return shapesEqual(x.shape, y.shape) && allTrue(() => eq(x, y));
}

function allTrue(compute: () => Tensor): boolean {
  let answer = true;
  temporaries(() => {
    const tests = compute();
    const dims = tests.shape.map((_, dim) => dim);
    if (numelOf(tests.shape) > 0) answer = Boolean(itemSync(bind("all", [tests], { dims, keepdim: false })));
    return null;
  });
  return answer;
}

/** Options of {@linkcode isin}. */
export interface IsinOptions {
  /** Promise that no value repeats; changes nothing here. Default false. */
  readonly assumeUnique?: boolean;
  /** True where the element is *not* among the test elements. Default false. */
  readonly invert?: boolean;
}

/**
 * True where an element is among `testElements`. NaN never is.
 *
 * Shapes: elements `[…]`, testElements any → `[…]`. One of the two may be a number.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.isin.html
 */
export function isin(
  elements: Tensor | Scalar,
  testElements: Tensor | Scalar,
  options: IsinOptions = {},
): Tensor {
  const like = isScalar(elements) ? requireTensor("isin", "testElements", testElements) : elements;
  requireTensor("isin", "elements", like);
  return temporaries(() =>
    noGrad(() => {
      const found = among(...searchable(elements, testElements, like));
      return options.invert === true ? bind("logicalNot", [found], null) : found;
    })
  );
}

/** Elements and a list of test elements, of one dtype that can be sorted and searched. */
function searchable(elements: Tensor | Scalar, tests: Tensor | Scalar, like: Tensor): [Tensor, Tensor] {
  const common = commonDType(elements, tests);
  const dtype = common === bool ? uint8 : common;
  const tensor = (value: Tensor | Scalar) =>
    isScalar(value)
      ? constant(value, dtype, like.backend)
      : castTo(requireTensor("isin", "testElements", value), dtype);
  const list = tensor(tests);
  return [tensor(elements), reshapeTo(list, [numelOf(list.shape)])];
}

/** Marks integers in a table; otherwise sorts the list, finds the place of each element in it, and compares with what stands there. */
function among(elements: Tensor, list: Tensor): Tensor {
  const count = list.shape[0]!;
  if (count === 0 || numelOf(elements.shape) === 0) {
    return executeOn(elements.backend, "full", { shape: elements.shape, value: false, dtype: bool });
  }
  const flat = reshapeTo(elements, [numelOf(elements.shape)]);
  const found = marked(flat, list);
  if (found !== null) return bind("view", [found], { shape: elements.shape });
  const [sorted] = bind("sort", [list], { dim: 0, descending: false });
  const places = bind("searchsorted", [withoutNaN(sorted), flat], { right: false });
  const last = constant(count - 1, places.dtype, places.backend);
  const neighbours = bind("indexSelect", [sorted, bind("minimum", [places, last], null)], { dim: 0 });
  return bind("view", [bind("eq", [neighbours, flat], null)], { shape: elements.shape });
}

/**
 * Looks integers up in a table from the least to the largest of the list; null where that is long, cannot be had, or the
 * elements are few.
 */
function marked(elements: Tensor, list: Tensor): Tensor | null {
  const [n, count] = [elements.shape[0]!, list.shape[0]!];
  if (elements.dtype.kind !== "int" || n < 1024 || !canRead(list)) return null;
  const dtype = elements.dtype === int64 ? int64 : int32;
  const [from, members] = [castTo(elements, dtype), castTo(list, dtype)];
  const at = { dims: [0], keepdim: false };
  // A place before and one behind stand for all that lies outside.
  const first = Number(itemSync(bind("amin", [members], at))) - 1;
  const last = Number(itemSync(bind("amax", [members], at))) + 1;
  const size = last - first + 1;
  if (size > n + count) return null;
  const limit = dtype === int64 ? Number.MAX_SAFE_INTEGER : 2 ** 31 - 1;
  if (first < -limit || last > limit) return null;
  const number = (value: number) => constant(value, dtype, elements.backend);
  const placeOf = (x: Tensor) => castTo(bind("sub", [x, number(first)], null), int32);
  const zeros = executeOn(elements.backend, "full", { shape: [size], value: 0, dtype: int32 });
  const ones = executeOn(elements.backend, "full", { shape: [count], value: 1, dtype: int32 });
  const table = bind("indexReduce", [zeros, placeOf(members), ones], { dim: 0, reduce: "set" });
  const within = bind("minimum", [bind("maximum", [from, number(first)], null), number(last)], null);
  const values = bind("indexSelect", [table, placeOf(within)], { dim: 0 });
  return bind("ne", [values, constant(0, int32, elements.backend)], null);
}

/** A search cannot pass NaN, which no number is above or below: ∞ in its place keeps the order. */
function withoutNaN(sorted: Tensor): Tensor {
  if (sorted.dtype.kind !== "float") return sorted;
  const infinity = constant(Infinity, sorted.dtype, sorted.backend);
  return bind("where", [bind("isnan", [sorted], null), infinity, sorted], null);
}
