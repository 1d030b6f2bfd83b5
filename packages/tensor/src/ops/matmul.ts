/**
 * Matrix products: `matmul`, `mm`, `bmm`, `mv`, `dot`, `outer`, `addmm` and their kin, `linear`.
 *
 * @module
 */

import {
  DTypeError,
  formatShape,
  formatType,
  numelOf,
  type Shape,
  ShapeError,
  shapesEqual,
  tryBroadcast,
  viewStrides,
} from "@flambeau/core";
import { bind, replaceValue } from "../bind.ts";
import { castTo, commonDType, constant, requireNumber, requireTensor } from "../coerce.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { matrixTranspose, viewAsShape } from "./building.ts";

/** The words of an error about two operands. */
function mismatch(op: string, x: Tensor, y: Tensor, must: string, got: string): ShapeError {
  return new ShapeError(`Cannot ${op} ${formatType(x)} and ${formatType(y)}: ${must}, got ${got}`);
}

function requireRanks(op: string, x: Tensor, y: Tensor, rankX: number, rankY: number): void {
  requireTensor(op, "input", x);
  requireTensor(op, "other", y);
  if (x.shape.length !== rankX || y.shape.length !== rankY) {
    throw mismatch(
      op,
      x,
      y,
      `ranks must be ${rankX} and ${rankY}`,
      `${x.shape.length} and ${y.shape.length}`,
    );
  }
}

/** A product of matrices whose result, fresh, is seen in `shape`. */
function productAs(x: Tensor, y: Tensor, shape: Shape, name: string): Tensor {
  const out = bind("matmul", [x, y], null);
  if (shapesEqual(out.shape, shape)) return relabel(out, name);
  const seen = viewAsShape(out, shape, name);
  seen.base = null; // nobody else can hold the product
  return seen;
}

/**
 * The matrix product, by the ranks of the operands as PyTorch: vectors give a dot product, a matrix and a vector their
 * product, and higher ranks batches of matrices, whose leading dimensions broadcast.
 *
 * Shapes: `[…, M, K]` and `[…, K, N]` → `[…, M, N]`; a vector `[K]` counts as `[1, K]` on the left and `[K, 1]` on the
 * right, and that dimension goes again.
 *
 * @throws {ShapeError} If an operand is a scalar, inner sizes differ, or the batches do not broadcast.
 * @throws {DTypeError} If dtypes differ.
 * @see https://pytorch.org/docs/stable/generated/torch.matmul.html
 */
export function matmul(x: Tensor, y: Tensor): Tensor {
  requireTensor("matmul", "input", x);
  requireTensor("matmul", "other", y);
  const [a, b] = [x.shape, y.shape];
  if (a.length === 0 || b.length === 0) {
    throw mismatch("matmul", x, y, "both must be at least 1D", `ranks ${a.length} and ${b.length}`);
  }
  const k = a[a.length - 1]!;
  const inner = b.length === 1 ? b[0]! : b[b.length - 2]!;
  if (k !== inner) throw mismatch("matmul", x, y, "inner sizes must match", `${k} and ${inner}`);
  if (a.length === 2 && b.length === 2) return relabel(bind("matmul", [x, y], null), "MmBackward0");
  return temporaries(() => {
    if (a.length === 1) {
      const row = viewAsShape(x, [1, k]);
      if (b.length === 1) return productAs(row, viewAsShape(y, [k, 1]), [], "DotBackward0");
      const shape = [...b.slice(0, -2), b[b.length - 1]!];
      return productAs(row, y, shape, b.length === 2 ? "SqueezeBackward1" : "UnsafeViewBackward0");
    }
    if (b.length === 1) {
      const name = a.length === 2 ? "MvBackward0" : "UnsafeViewBackward0";
      return flatProduct(x, viewAsShape(y, [k, 1]), a.slice(0, -1), name);
    }
    if (b.length === 2) return flatProduct(x, y, [...a.slice(0, -1), b[1]!], "UnsafeViewBackward0");
    return relabel(bind("matmul", [x, y], null), "UnsafeViewBackward0");
  });
}

/** `x @ y` for a matrix `y`, with the leading dimensions of `x` merged into rows where that needs no copy. */
function flatProduct(x: Tensor, y: Tensor, shape: Shape, name: string): Tensor {
  const k = x.shape[x.shape.length - 1]!;
  const rows = [numelOf(x.shape.slice(0, -1)), k];
  const flat = x.shape.length > 2 && viewStrides(x.shape, x.strides, rows) !== null;
  return productAs(flat ? viewAsShape(x, rows) : x, y, shape, name);
}

/**
 * The product of two matrices: `[M, K]` and `[K, N]` → `[M, N]`. Does not broadcast.
 *
 * @throws {ShapeError} If ranks are not 2 or inner sizes differ.
 */
export function mm(x: Tensor, mat2: Tensor): Tensor {
  requireRanks("mm", x, mat2, 2, 2);
  return relabel(bind("matmul", [x, mat2], null), "MmBackward0");
}

/**
 * The products of two batches of matrices: `[B, M, K]` and `[B, K, N]` → `[B, M, N]`. Does not broadcast.
 *
 * @throws {ShapeError} If ranks are not 3 or sizes differ.
 */
export function bmm(x: Tensor, mat2: Tensor): Tensor {
  requireRanks("bmm", x, mat2, 3, 3);
  if (x.shape[0] !== mat2.shape[0]) {
    throw mismatch("bmm", x, mat2, "batch sizes must match", `${x.shape[0]} and ${mat2.shape[0]}`);
  }
  return relabel(bind("matmul", [x, mat2], null), "BmmBackward0");
}

/**
 * A matrix times a vector: `[M, K]` and `[K]` → `[M]`.
 *
 * @throws {ShapeError} If ranks are not 2 and 1, or inner sizes differ.
 */
export function mv(x: Tensor, vec: Tensor): Tensor {
  requireRanks("mv", x, vec, 2, 1);
  return matmul(x, vec);
}

/**
 * The dot product of two vectors of one size → scalar.
 *
 * @throws {ShapeError} If they are not vectors of one size.
 */
export function dot(x: Tensor, tensor: Tensor): Tensor {
  requireRanks("dot", x, tensor, 1, 1);
  return matmul(x, tensor);
}

/** The dot product of two vectors of one size; the same as {@linkcode dot}, because there are no complex numbers. */
export function vdot(x: Tensor, other: Tensor): Tensor {
  requireRanks("vdot", x, other, 1, 1);
  return matmul(x, other);
}

/**
 * All products of elements of two vectors: `[N]` and `[M]` → `[N, M]`.
 *
 * @throws {ShapeError} If they are not vectors.
 */
export function outer(x: Tensor, vec2: Tensor): Tensor {
  requireRanks("outer", x, vec2, 1, 1);
  return temporaries(() => {
    const dtype = commonDType(x, vec2);
    const column = viewAsShape(castTo(x, dtype), [x.shape[0]!, 1]);
    return relabel(bind("mul", [column, castTo(vec2, dtype)], null), "MulBackward0");
  });
}

/** Alias of {@linkcode outer}. */
export const ger: (x: Tensor, vec2: Tensor) => Tensor = outer;

/**
 * Sums of products over the last dimensions: `[…a, K]` and `[…b, K]` → `[…a, …b]`; a scalar multiplies.
 *
 * @throws {ShapeError} If the last sizes differ.
 */
export function inner(x: Tensor, other: Tensor): Tensor {
  requireTensor("inner", "input", x);
  requireTensor("inner", "other", other);
  const [a, b] = [x.shape, other.shape];
  if (a.length === 0 || b.length === 0) {
    return temporaries(() => {
      const dtype = commonDType(x, other);
      return bind("mul", [castTo(x, dtype), castTo(other, dtype)], null);
    });
  }
  const k = a[a.length - 1]!;
  if (k !== b[b.length - 1]) {
    throw mismatch("inner", x, other, "the last sizes must match", `${k} and ${b[b.length - 1]}`);
  }
  return temporaries(() => {
    const rows = reshaped(x, [numelOf(a.slice(0, -1)), k]);
    const columns = matrixTranspose(reshaped(other, [numelOf(b.slice(0, -1)), k]));
    return productAs(rows, columns, [...a.slice(0, -1), ...b.slice(0, -1)], "ViewBackward0");
  });
}

/** In `shape`, copied if need be. */
function reshaped(x: Tensor, shape: Shape): Tensor {
  const fits = viewStrides(x.shape, x.strides, shape) !== null;
  return bind("view", [fits ? x : bind("copy", [x], null)], { shape });
}

/** Options of {@linkcode addmm} and its kin. */
export interface AddProductOptions {
  /** Factor of `input`; at 0 it is not looked at, so NaN in it does not spread. Default 1. */
  readonly beta?: number;
  /** Factor of the product. Default 1. */
  readonly alpha?: number;
}

/** `beta · input + alpha · product`, in the shape of `product`. */
function addProduct(
  op: string,
  input: Tensor,
  operands: readonly Tensor[],
  shape: Shape,
  options: AddProductOptions | undefined,
  product: () => Tensor,
): Tensor {
  requireTensor(op, "input", input);
  // Factors of integers are cut to integers, as in PyTorch.
  const factor = (value: number) => input.dtype.kind === "float" ? value : Math.trunc(value);
  const beta = factor(requireNumber(op, "beta", options?.beta ?? 1));
  const alpha = factor(requireNumber(op, "alpha", options?.alpha ?? 1));
  for (const x of operands) {
    if (x.dtype !== input.dtype) {
      throw new DTypeError(
        `Cannot ${op} ${formatType(input)} and ${
          operands.map(formatType).join(" and ")
        }: dtypes must match, got ` +
          `${input.dtype.name} and ${x.dtype.name}`,
      );
    }
  }
  const wide = tryBroadcast(input.shape, shape);
  if (wide === null || !shapesEqual(wide, shape)) {
    throw new ShapeError(
      `Cannot ${op} ${formatType(input)} and ${
        operands.map(formatType).join(" and ")
      }: input must broadcast to ` +
        `${formatShape(shape)}, got ${formatShape(input.shape)}`,
    );
  }
  return temporaries(() => {
    const scaled = (x: Tensor, by: number) =>
      by === 1 ? x : bind("mul", [x, constant(by, x.dtype, x.backend)], null);
    const y = scaled(product(), alpha);
    const out = beta === 0 ? y : bind("add", [scaled(input, beta), y], null);
    return relabel(out, `${op[0]!.toUpperCase()}${op.slice(1)}Backward0`);
  });
}

/** Checks ranks of the factors and that their inner sizes match. */
function requireFactors(op: string, x: Tensor, y: Tensor, rankX: number, rankY: number): void {
  requireRanks(op, x, y, rankX, rankY);
  const [k, inner] = [x.shape[rankX - 1]!, y.shape[rankY === 1 ? 0 : rankY - 2]!];
  if (k !== inner) throw mismatch(op, x, y, "inner sizes must match", `${k} and ${inner}`);
  if (rankX === 3 && x.shape[0] !== y.shape[0]) {
    throw mismatch(op, x, y, "batch sizes must match", `${x.shape[0]} and ${y.shape[0]}`);
  }
}

/**
 * `beta · input + alpha · (mat1 @ mat2)`; `input` broadcasts to `[M, N]`.
 *
 * @throws {ShapeError} If the factors are not matrices that multiply, or `input` does not broadcast.
 * @see https://pytorch.org/docs/stable/generated/torch.addmm.html
 */
export function addmm(input: Tensor, mat1: Tensor, mat2: Tensor, options?: AddProductOptions): Tensor {
  requireFactors("addmm", mat1, mat2, 2, 2);
  return addProduct(
    "addmm",
    input,
    [mat1, mat2],
    [mat1.shape[0]!, mat2.shape[1]!],
    options,
    () => mm(mat1, mat2),
  );
}

/**
 * `beta · input + alpha · (mat @ vec)`; `input` broadcasts to `[M]`.
 *
 * @throws {ShapeError} If the factors do not multiply, or `input` does not broadcast.
 */
export function addmv(input: Tensor, mat: Tensor, vec: Tensor, options?: AddProductOptions): Tensor {
  requireFactors("addmv", mat, vec, 2, 1);
  return addProduct("addmv", input, [mat, vec], [mat.shape[0]!], options, () => matmul(mat, vec));
}

/**
 * `beta · input + alpha · outer(vec1, vec2)`; `input` broadcasts to `[N, M]`.
 *
 * @throws {ShapeError} If the factors are not vectors, or `input` does not broadcast.
 */
export function addr(input: Tensor, vec1: Tensor, vec2: Tensor, options?: AddProductOptions): Tensor {
  requireRanks("addr", vec1, vec2, 1, 1);
  const shape = [vec1.shape[0]!, vec2.shape[0]!];
  return addProduct("addr", input, [vec1, vec2], shape, options, () => outer(vec1, vec2));
}

/**
 * `beta · input + alpha · (batch1 @ batch2)`; `input` broadcasts to `[B, M, N]`.
 *
 * @throws {ShapeError} If the factors are not batches that multiply, or `input` does not broadcast.
 */
export function baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, options?: AddProductOptions): Tensor {
  requireFactors("baddbmm", batch1, batch2, 3, 3);
  const shape = [batch1.shape[0]!, batch1.shape[1]!, batch2.shape[2]!];
  return addProduct("baddbmm", input, [batch1, batch2], shape, options, () => bmm(batch1, batch2));
}

/**
 * `beta · input + alpha · Σ batch1[i] @ batch2[i]`; `input` broadcasts to `[M, N]`.
 *
 * @throws {ShapeError} If the factors are not batches that multiply, or `input` does not broadcast.
 */
export function addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, options?: AddProductOptions): Tensor {
  requireFactors("addbmm", batch1, batch2, 3, 3);
  const [b, m, k] = batch1.shape as readonly [number, number, number];
  const n = batch2.shape[2]!;
  return addProduct("addbmm", input, [batch1, batch2], [m, n], options, () => {
    // Σᵢ Aᵢ Bᵢ is one product of A's side by side with B's under one another.
    const wide = reshaped(bind("permute", [batch1], { dims: [1, 0, 2] }), [m, b * k]);
    return bind("matmul", [wide, reshaped(batch2, [b * k, n])], null);
  });
}

/** In-place {@linkcode addmm}. */
export function addmm_(input: Tensor, mat1: Tensor, mat2: Tensor, options?: AddProductOptions): Tensor {
  return replaceValue("addmm_", input, (before) => addmm(before, mat1, mat2, options));
}

/** In-place {@linkcode addmv}. */
export function addmv_(input: Tensor, mat: Tensor, vec: Tensor, options?: AddProductOptions): Tensor {
  return replaceValue("addmv_", input, (before) => addmv(before, mat, vec, options));
}

/** In-place {@linkcode addr}. */
export function addr_(input: Tensor, vec1: Tensor, vec2: Tensor, options?: AddProductOptions): Tensor {
  return replaceValue("addr_", input, (before) => addr(before, vec1, vec2, options));
}

/** In-place {@linkcode baddbmm}. */
export function baddbmm_(input: Tensor, batch1: Tensor, batch2: Tensor, options?: AddProductOptions): Tensor {
  return replaceValue("baddbmm_", input, (before) => baddbmm(before, batch1, batch2, options));
}

/** In-place {@linkcode addbmm}. */
export function addbmm_(input: Tensor, batch1: Tensor, batch2: Tensor, options?: AddProductOptions): Tensor {
  return replaceValue("addbmm_", input, (before) => addbmm(before, batch1, batch2, options));
}

/**
 * `x @ weightᵀ + bias`.
 *
 * Shapes: x `[…, K]`, weight `[N, K]`, bias `[N]` → `[…, N]`; a weight `[K]` with a scalar bias → `[…]`.
 *
 * @throws {ShapeError} If the sizes do not go together.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.linear.html
 */
export function linear(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null | { readonly bias?: Tensor | null },
): Tensor {
  requireTensor("linear", "input", x);
  requireTensor("linear", "weight", weight);
  const b = bias !== null && bias !== undefined && !("storage" in bias) ? bias.bias : bias;
  if (weight.shape.length < 1 || weight.shape.length > 2 || x.shape.length < 1) {
    throw mismatch(
      "linear",
      x,
      weight,
      "ranks must be at least 1, and that of weight at most 2",
      formatShape(weight.shape),
    );
  }
  const k = x.shape[x.shape.length - 1]!;
  const inner = weight.shape[weight.shape.length - 1]!;
  if (k !== inner) throw mismatch("linear", x, weight, "inner sizes must match", `${k} and ${inner}`);
  const fused = b !== null && b !== undefined && weight.shape.length === 2 && b.shape.length === 1;
  if (fused) {
    return relabel(
      bind("linear", [x, weight, b], null),
      x.shape.length === 2 ? "AddmmBackward0" : "ViewBackward0",
    );
  }
  return temporaries(() => {
    const y = matmul(x, weight.shape.length === 2 ? matrixTranspose(weight) : weight);
    return b === null || b === undefined ? y : relabel(bind("add", [y, b], null), "AddBackward0");
  });
}

/**
 * `y[…, n] = Σᵢⱼ x1[…, i] · weight[n, i, j] · x2[…, j] + bias[n]`.
 *
 * Shapes: x1 `[…, I]`, x2 `[…, J]`, weight `[N, I, J]`, bias `[N]` → `[…, N]`.
 *
 * @throws {ShapeError} If the sizes do not go together.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.bilinear.html
 */
export function bilinear(
  x1: Tensor,
  x2: Tensor,
  weight: Tensor,
  bias?: Tensor | null | { readonly bias?: Tensor | null },
): Tensor {
  requireTensor("bilinear", "input1", x1);
  requireTensor("bilinear", "input2", x2);
  requireTensor("bilinear", "weight", weight);
  const b = bias !== null && bias !== undefined && !("storage" in bias) ? bias.bias : bias;
  const leading = x1.shape.slice(0, -1);
  const [i, j] = [x1.shape[x1.shape.length - 1], x2.shape[x2.shape.length - 1]];
  const n = weight.shape[0];
  const fits = weight.shape.length === 3 && shapesEqual(leading, x2.shape.slice(0, -1)) &&
    i === weight.shape[1] &&
    j === weight.shape[2] && i !== undefined && j !== undefined && n !== undefined;
  if (!fits) {
    throw mismatch(
      "bilinear",
      x1,
      x2,
      "shapes must be […, I] and […, J] with equal leading sizes for a weight [N, I, J]",
      formatShape(weight.shape),
    );
  }
  return temporaries(() => {
    const rows = numelOf(leading);
    const first = reshaped(x1, [rows, i!]);
    const mixed = bind("matmul", [
      first,
      reshaped(bind("permute", [weight], { dims: [1, 0, 2] }), [i!, n! * j!]),
    ], null);
    const second = reshaped(x2, [rows, j!, 1]);
    const y = productAs(
      bind("view", [mixed], { shape: [rows, n!, j!] }),
      second,
      [...leading, n!],
      "ViewBackward0",
    );
    return b === null || b === undefined ? y : relabel(bind("add", [y, b], null), "AddBackward0");
  });
}
