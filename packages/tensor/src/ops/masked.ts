/**
 * By a mask: `maskedFill`, `maskedSelect`, `maskedScatter`.
 *
 * @module
 */

import {
  bool,
  broadcastShapes,
  DTypeError,
  formatType,
  int32,
  numelOf,
  ShapeError,
  uint8,
  ValueError,
} from "@flambeau/core";
import { bind, bindInto, replaceValue } from "../bind.ts";
import { castTo, constant, isScalar, requireTensor, type Scalar } from "../coerce.ts";
import { relabel, relabelInto } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { canRead } from "../transform.ts";
import { expandTo, owned, reshapeTo, viewAsShape } from "./building.ts";
import { itemSync } from "./data.ts";
import { index } from "./indexing.ts";

/** A mask as bool. */
function maskOf(op: string, x: Tensor, mask: Tensor): Tensor {
  requireTensor(op, "input", x);
  requireTensor(op, "mask", mask);
  if (mask.dtype !== bool && mask.dtype !== uint8) {
    throw new DTypeError(
      `Cannot ${op} ${formatType(x)} by ${formatType(mask)}: mask must be bool, got ${mask.dtype.name}`,
    );
  }
  return castTo(mask, bool);
}

function fillValue(op: string, x: Tensor, value: Scalar | Tensor): Tensor {
  if (isScalar(value)) return constant(value, x.dtype, x.backend);
  if (requireTensor(op, "value", value).shape.length > 0) {
    throw new ShapeError(`Cannot ${op} ${formatType(x)}: value must be a scalar, got ${formatType(value)}`);
  }
  return castTo(value, x.dtype);
}

/**
 * `x` with `value` where `mask` is true. `x` and `mask` broadcast.
 *
 * @throws {ShapeError} If `value` is a tensor that is no scalar, or the shapes do not broadcast.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.masked_fill_.html
 */
export function maskedFill(x: Tensor, mask: Tensor, value: Scalar | Tensor): Tensor {
  return temporaries(() => {
    const y = bind("where", [maskOf("maskedFill", x, mask), fillValue("maskedFill", x, value), x], null);
    return relabel(y, isScalar(value) ? "MaskedFillBackward0" : "MaskedFillBackward1");
  });
}

/** In-place {@linkcode maskedFill}: `mask` must broadcast to the shape of `x`. */
export function maskedFill_(x: Tensor, mask: Tensor, value: Scalar | Tensor): Tensor {
  temporaries(() => {
    const chosen = expandTo("maskedFill_", maskOf("maskedFill_", x, mask), x.shape);
    bindInto([x], "where", [chosen, fillValue("maskedFill_", x, value), x], null);
    relabelInto(x, isScalar(value) ? "MaskedFillBackward0" : "MaskedFillBackward1");
    return null;
  });
  return x;
}

/**
 * The elements where `mask` is true, in row-major order, as a vector. `x` and `mask` broadcast.
 *
 * @throws {DeviceError} On a device that cannot be read at once, because the values of the mask decide the size.
 * @see https://pytorch.org/docs/stable/generated/torch.masked_select.html
 */
export function maskedSelect(x: Tensor, mask: Tensor): Tensor {
  return temporaries(() => {
    const chosen = maskOf("maskedSelect", x, mask);
    const shape = broadcastShapes("maskedSelect", x.shape, mask.shape);
    const y = index(expandTo("maskedSelect", x, shape), expandTo("maskedSelect", chosen, shape));
    return relabel(y, "MaskedSelectBackward0");
  });
}

/**
 * `x` with the elements of `source`, in order, where `mask` is true. `x` and `mask` broadcast.
 *
 * @throws {ValueError} If there are more places than elements (where the device can be read at once).
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.masked_scatter_.html
 */
export function maskedScatter(x: Tensor, mask: Tensor, source: Tensor): Tensor {
  requireTensor("maskedScatter", "source", source);
  if (requireTensor("maskedScatter", "input", x).dtype !== source.dtype) {
    throw new DTypeError(
      `Cannot maskedScatter ${formatType(source)} into ${
        formatType(x)
      }: dtypes must match, got ${source.dtype.name} and ${x.dtype.name}`,
    );
  }
  return temporaries(() => {
    const shape = broadcastShapes("maskedScatter", x.shape, mask.shape);
    const chosen = expandTo("maskedScatter", maskOf("maskedScatter", x, mask), shape);
    const wide = expandTo("maskedScatter", x, shape);
    const held = numelOf(source.shape);
    const ones = castTo(reshapeTo(chosen, [numelOf(shape)]), int32);
    if (numelOf(shape) > 0 && canRead(chosen)) {
      const count = itemSync(bind("sum", [ones], { dims: [0], keepdim: false }));
      if (count > held) {
        throw new ValueError(
          `Cannot maskedScatter ${formatType(source)} into ${
            formatType(x)
          }: there must be an element for each place, got ` +
            `${held} elements for ${count} places`,
        );
      }
    }
    if (held === 0 || numelOf(shape) === 0) return bind("copy", [wide], null);
    // The place in `source` of each true element: how many came before. Others take any place; they are not looked at.
    const number = (value: number) => constant(value, int32, x.backend);
    const before = bind("sub", [bind("cumsum", [ones], { dim: 0 }), number(1)], null);
    const places = bind("minimum", [bind("maximum", [before, number(0)], null), number(held - 1)], null);
    const taken = bind("indexSelect", [reshapeTo(source, [held]), places], { dim: 0 });
    return relabel(
      bind("where", [chosen, owned(viewAsShape(taken, shape)), wide], null),
      "MaskedScatterBackward0",
    );
  });
}

/** In-place {@linkcode maskedScatter}: `mask` must broadcast to the shape of `x`. */
export function maskedScatter_(x: Tensor, mask: Tensor, source: Tensor): Tensor {
  return replaceValue("maskedScatter_", x, (before) => maskedScatter(before, mask, source));
}
