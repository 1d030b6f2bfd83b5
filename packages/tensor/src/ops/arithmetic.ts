/**
 * Arithmetic of two operands: `add`, `sub`, `mul`, `div`, `pow` and their kin.
 *
 * Shapes broadcast. Dtypes promote; a number keeps the tensor's dtype where its kind allows (`int32[2] + 1` is int32,
 * `int32[2] + 0.5` float32). Names ending in `_` write into their first operand and give it back.
 *
 * @module
 */

import { bool, DTypeError, float64, formatType, ValueError } from "@flambeau/core";
import { bind, bindInto, replaceValue } from "../bind.ts";
import {
  castTo,
  commonDType,
  constant,
  isScalar,
  promote,
  requireNumber,
  requireTensor,
  type Scalar,
} from "../coerce.ts";
import { TensorHandle } from "../handle.ts";
import { relabel } from "../label.ts";
import { binary, binaryFloat, binaryFloatInPlace, binaryInPlace, directOperand } from "../pointwise.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { withGradient } from "../with_gradient.ts";

/** Options of {@linkcode add} and {@linkcode sub}. */
export interface AlphaOptions {
  /** Factor of the second operand; of bools a boolean. Default 1. */
  readonly alpha?: number | boolean;
}

/** The factor of the second operand; integers take whole ones only. */
function alphaOf(op: string, options: AlphaOptions | undefined, x: Tensor, y: Tensor): number {
  const alpha = requireNumber(op, "alpha", options?.alpha ?? 1);
  if (x.dtype.kind !== "float" && !Number.isInteger(alpha)) {
    throw new DTypeError(
      `Cannot ${op} ${formatType(x)} and ${
        formatType(y)
      }: for integers alpha must be an integer, got ${alpha}`,
    );
  }
  return alpha;
}

/**
 * `x + alpha · y`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.add.html
 */
export function add(x: Tensor | Scalar, y: Tensor | Scalar, options?: AlphaOptions): Tensor {
  if (Number(options?.alpha ?? 1) === 1) return binary("add", x, y);
  return temporaries(() => {
    const [a, b] = promote("add", x, y);
    const alpha = alphaOf("add", options, a, b);
    if (a.dtype.kind !== "bool") return relabel(bind("addScaled", [a, b], { alpha }), "AddBackward0");
    return bind("add", [a, bind("mul", [b, constant(alpha !== 0, a.dtype, a.backend)], null)], null);
  });
}

/** In-place {@linkcode add}: `x` takes the result, in its own dtype. */
export function add_(x: Tensor, y: Tensor | Scalar, options?: AlphaOptions): Tensor {
  if (Number(options?.alpha ?? 1) === 1) return binaryInPlace("add", x, y);
  const other = directOperand(requireTensor("add_", "input", x), y);
  if (other === null || x.dtype.kind === "bool") {
    return replaceValue("add_", x, (before) => add(before, y, options));
  }
  bindInto([x], "addScaled", [x, other], { alpha: alphaOf("add_", options, x, other) });
  return relabel(x, "AddBackward0");
}

/**
 * `x − alpha · y`. Bools cannot be subtracted.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.sub.html
 */
export function sub(x: Tensor | Scalar, y: Tensor | Scalar, options?: AlphaOptions): Tensor {
  refuseBool("sub", x, y);
  if (Number(options?.alpha ?? 1) === 1) return binary("sub", x, y);
  return temporaries(() => {
    const [a, b] = promote("sub", x, y);
    const scale = constant(alphaOf("sub", options, a, b), a.dtype, a.backend);
    return bind("sub", [a, bind("mul", [b, scale], null)], null);
  });
}

/** Bools have no difference: PyTorch refuses them also where the other operand is of another dtype. */
function refuseBool(op: string, x: Tensor | Scalar, y: Tensor | Scalar): void {
  for (const operand of [x, y]) {
    const isBool = operand instanceof TensorHandle ? operand.dtype === bool : typeof operand === "boolean";
    if (!isBool) continue;
    throw new DTypeError(
      `Cannot ${op} a bool: both operands must be numbers, got ${
        operand instanceof TensorHandle ? formatType(operand) : operand
      }; to invert a mask, use logicalNot`,
    );
  }
}

/** In-place {@linkcode sub}. */
export function sub_(x: Tensor, y: Tensor | Scalar, options?: AlphaOptions): Tensor {
  refuseBool("sub_", x, y);
  if (Number(options?.alpha ?? 1) === 1) return binaryInPlace("sub", x, y);
  return replaceValue("sub_", requireTensor("sub_", "input", x), (before) => sub(before, y, options));
}

/** Another name of {@linkcode sub}. */
export const subtract: typeof sub = sub;

/** Another name of {@linkcode sub_}. */
export const subtract_: typeof sub_ = sub_;

/**
 * `y − alpha · x`: subtraction with the operands exchanged.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.rsub.html
 */
export function rsub(x: Tensor | Scalar, y: Tensor | Scalar, options?: AlphaOptions): Tensor {
  return sub(y, x, options);
}

/**
 * `x · y`; `and` on bools.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.mul.html
 */
export function mul(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return binary("mul", x, y);
}

/** In-place {@linkcode mul}. */
export function mul_(x: Tensor, y: Tensor | Scalar): Tensor {
  return binaryInPlace("mul", x, y);
}

/** Another name of {@linkcode mul}. */
export const multiply: typeof mul = mul;

/** Another name of {@linkcode mul_}. */
export const multiply_: typeof mul_ = mul_;

/** Options of {@linkcode div}. */
export interface DivOptions {
  /** `null` (default): true division; `"trunc"`: rounded toward 0; `"floor"`: rounded down. */
  readonly roundingMode?: "trunc" | "floor" | null;
}

/**
 * `x / y`. Without rounding integers become floats; with it they stay integers, and division by 0 is an error.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.div.html
 */
export function div(x: Tensor | Scalar, y: Tensor | Scalar, options?: DivOptions): Tensor {
  const name = divisionOf("div", options);
  return name === "div" ? binaryFloat("div", x, y) : binary(name, x, y);
}

/** In-place {@linkcode div}. */
export function div_(x: Tensor, y: Tensor | Scalar, options?: DivOptions): Tensor {
  const name = divisionOf("div_", options);
  return name === "div" ? binaryFloatInPlace("div", x, y) : binaryInPlace(name, x, y);
}

function divisionOf(op: string, options: DivOptions | undefined): "div" | "truncDivide" | "floorDivide" {
  const mode = options?.roundingMode ?? null;
  if (mode === null) return "div";
  if (mode === "trunc") return "truncDivide";
  if (mode === "floor") return "floorDivide";
  throw new ValueError(
    `Cannot ${op}: roundingMode must be null, "trunc" or "floor", got ${JSON.stringify(mode)}`,
  );
}

/** Another name of {@linkcode div}. */
export const divide: typeof div = div;

/** Another name of {@linkcode div_}. */
export const divide_: typeof div_ = div_;

/**
 * `x / y` without rounding.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.true_divide.html
 */
export function trueDivide(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return binaryFloat("div", x, y);
}

/** In-place {@linkcode trueDivide}. */
export function trueDivide_(x: Tensor, y: Tensor | Scalar): Tensor {
  return binaryFloatInPlace("div", x, y);
}

/**
 * `⌊x / y⌋`; integers stay integers.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.floor_divide.html
 */
export function floorDivide(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return binary("floorDivide", x, y);
}

/** In-place {@linkcode floorDivide}. */
export function floorDivide_(x: Tensor, y: Tensor | Scalar): Tensor {
  return binaryInPlace("floorDivide", x, y);
}

/**
 * `x − y · ⌊x / y⌋`: the remainder with the sign of y, Python's `%`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.remainder.html
 */
export function remainder(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return binary("remainder", x, y);
}

/** In-place {@linkcode remainder}. */
export function remainder_(x: Tensor, y: Tensor | Scalar): Tensor {
  return binaryInPlace("remainder", x, y);
}

/**
 * `x − y · trunc(x / y)`: the remainder with the sign of x, C's `fmod`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.fmod.html
 */
export function fmod(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return binary("fmod", x, y);
}

/** In-place {@linkcode fmod}. */
export function fmod_(x: Tensor, y: Tensor | Scalar): Tensor {
  return binaryInPlace("fmod", x, y);
}

/**
 * `xʸ`. Whole numbers stay integers.
 *
 * @throws {ValueError} If integers are raised to a negative number.
 * @see https://pytorch.org/docs/stable/generated/torch.pow.html
 */
export function pow(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  if (isScalar(y) && x instanceof TensorHandle) {
    requireExponent("pow", x, y);
    if (x.dtype.kind === "float" && typeof y === "number" && hasPowerGradient(y)) {
      const formula = () => shortPower(x, y) ?? binary("pow", x, y);
      return temporaries(() =>
        withGradient("PowBackward0", [x], formula, (g, [input]) => [powerGradient(g, input!, y)])
      );
    }
    if (x.dtype.kind === "float" || y === 2) {
      const short = shortPower(x, y);
      if (short !== null) return relabel(short, "PowBackward0");
    }
  }
  return binary("pow", x, y);
}

/** True for exponents whose gradient is made of powers here; others are primitives of one step with their own. */
function hasPowerGradient(y: number): boolean {
  return ![0, 0.5, 1, 2, -0.5, -1].includes(y);
}

/** g · y · x^(y − 1). */
function powerGradient(g: Tensor, x: Tensor, y: number): Tensor {
  return bind("mul", [g, bind("mul", [pow(x, y - 1), constant(y, x.dtype, x.backend)], null)], null);
}

/** In-place {@linkcode pow}. */
export function pow_(x: Tensor, y: Tensor | Scalar): Tensor {
  if (isScalar(y)) requireExponent("pow_", requireTensor("pow_", "input", x), y);
  return binaryInPlace("pow", x, y);
}

/** Exponents that a cheaper primitive serves; as in PyTorch they follow that primitive at −∞ and −0. */
function shortPower(x: Tensor, exponent: Scalar): Tensor | null {
  switch (exponent) {
    case 2:
      return x.dtype.kind === "bool" ? null : bind("mul", [x, x], null);
    case 3:
      return x.dtype.kind === "float"
        ? temporaries(() => bind("mul", [bind("mul", [x, x], null), x], null))
        : null;
    case -2:
      return x.dtype.kind === "float"
        ? temporaries(() => bind("reciprocal", [bind("mul", [x, x], null)], null))
        : null;
    case 0.5:
      return bind("sqrt", [x], null);
    case -0.5:
      return bind("rsqrt", [x], null);
    case -1:
      return bind("reciprocal", [x], null);
    default:
      return null;
  }
}

function requireExponent(op: string, x: Tensor, exponent: Scalar): void {
  if (x.dtype.kind === "int" && Number.isInteger(Number(exponent)) && Number(exponent) < 0) {
    throw new ValueError(
      `Cannot ${op} ${formatType(x)}: integers to negative integer powers are not allowed, got ${exponent}`,
    );
  }
}

/**
 * `xʸ` in double precision.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.float_power.html
 */
export function floatPower(x: Tensor | Scalar, y: Tensor | Scalar): Tensor {
  return temporaries(() => {
    const [a, b] = promote("floatPower", x, y).map((operand) => castTo(operand, float64));
    return bind("pow", [a!, b!], null);
  });
}

/** In-place {@linkcode floatPower}: `x` must be float64. */
export function floatPower_(x: Tensor, y: Tensor | Scalar): Tensor {
  return replaceValue(
    "floatPower_",
    requireTensor("floatPower_", "input", x),
    (before) => floatPower(before, y),
  );
}

/** Options of {@linkcode addcmul} and {@linkcode addcdiv}. */
export interface ValueOptions {
  /** Factor of the product or quotient. Default 1. */
  readonly value?: number;
}

/** The factor of a product or quotient; integers cut it to a whole one. */
function valueOf(op: string, options: ValueOptions | undefined, x: Tensor): number {
  const value = requireNumber(op, "value", options?.value ?? 1);
  return x.dtype.kind === "float" ? value : Math.trunc(value);
}

/** All operands in their common dtype. */
function together(op: string, operands: readonly [string, Tensor][]): Tensor[] {
  for (const [name, x] of operands) requireTensor(op, name, x);
  const dtype = commonDType(...operands.map(([, x]) => x));
  return operands.map(([, x]) => castTo(x, dtype));
}

/**
 * `x + value · tensor1 · tensor2`; shapes broadcast.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.addcmul.html
 */
export function addcmul(x: Tensor, tensor1: Tensor, tensor2: Tensor, options?: ValueOptions): Tensor {
  return temporaries(() => {
    const [a, b, c] = together("addcmul", [["input", x], ["tensor1", tensor1], ["tensor2", tensor2]]);
    const product = bind("mul", [b!, c!], null);
    return relabel(add(a!, product, { alpha: valueOf("addcmul", options, a!) }), "AddcmulBackward0");
  });
}

/** In-place {@linkcode addcmul}. */
export function addcmul_(x: Tensor, tensor1: Tensor, tensor2: Tensor, options?: ValueOptions): Tensor {
  requireTensor("addcmul_", "input", x);
  return replaceValue("addcmul_", x, (before) => addcmul(before, tensor1, tensor2, options));
}

/**
 * `x + value · tensor1 / tensor2`; shapes broadcast. Floats only.
 *
 * @throws {DTypeError} If `tensor1` and `tensor2` are of integers: divide first by `div`.
 * @see https://pytorch.org/docs/stable/generated/torch.addcdiv.html
 */
export function addcdiv(x: Tensor, tensor1: Tensor, tensor2: Tensor, options?: ValueOptions): Tensor {
  return temporaries(() => {
    const [a, b, c] = together("addcdiv", [["input", x], ["tensor1", tensor1], ["tensor2", tensor2]]);
    const quotient = bind("div", [b!, c!], null);
    return relabel(add(a!, quotient, { alpha: valueOf("addcdiv", options, a!) }), "AddcdivBackward0");
  });
}

/** In-place {@linkcode addcdiv}. */
export function addcdiv_(x: Tensor, tensor1: Tensor, tensor2: Tensor, options?: ValueOptions): Tensor {
  requireTensor("addcdiv_", "input", x);
  return replaceValue("addcdiv_", x, (before) => addcdiv(before, tensor1, tensor2, options));
}

/**
 * `x + weight · (end − x)`, exact at both ends. Floats of one dtype.
 *
 * @param weight 0 gives `x`, 1 gives `end`; a number, or a tensor that broadcasts.
 * @see https://pytorch.org/docs/stable/generated/torch.lerp.html
 */
export function lerp(x: Tensor, end: Tensor, weight: Tensor | number): Tensor {
  requireTensor("lerp", "input", x);
  requireTensor("lerp", "end", end);
  return temporaries(() => {
    const w = isScalar(weight)
      ? constant(weight, x.dtype, x.backend)
      : requireTensor("lerp", "weight", weight);
    const difference = bind("sub", [end, x], null);
    const fromStart = () => add(x, mul(w, difference));
    // From the end where that is nearer: x + 1 · (end − x) need not be end in floats.
    const fromEnd = () => sub(end, mul(difference, sub(1, w)));
    if (isScalar(weight)) return relabel(Math.abs(weight) < 0.5 ? fromStart() : fromEnd(), "LerpBackward0");
    const near = bind("lt", [bind("abs", [w], null), constant(0.5, w.dtype, w.backend)], null);
    return relabel(bind("where", [near, fromStart(), fromEnd()], null), "LerpBackward1");
  });
}

/** In-place {@linkcode lerp}. */
export function lerp_(x: Tensor, end: Tensor, weight: Tensor | number): Tensor {
  return replaceValue("lerp_", requireTensor("lerp_", "input", x), (before) => lerp(before, end, weight));
}
