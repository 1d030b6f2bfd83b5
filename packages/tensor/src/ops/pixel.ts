/**
 * Channels as places and back: `pixelShuffle`, `pixelUnshuffle`, `channelShuffle`.
 *
 * @module
 */

import { formatType, type Shape, ShapeError } from "@flambeau/core";
import { requireInteger, requireTensor } from "../coerce.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { owned, permuteTo, viewAsShape } from "./building.ts";
import { bind } from "../bind.ts";

/** `x` seen in `apart`, with dimensions in the order `dims`, copied and seen in `shape`. */
function rearranged(x: Tensor, apart: Shape, dims: Shape, shape: Shape, name: string): Tensor {
  return temporaries(() => {
    const whole = x.isContiguous() ? x : bind("copy", [x], null);
    const moved = permuteTo(viewAsShape(whole, apart), dims);
    return owned(viewAsShape(bind("copy", [moved], null), shape, name));
  });
}

/** An integer by position or by name. */
function factorOf(op: string, name: string, value: unknown): number {
  const given = typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)[name]
    : value;
  return requireInteger(op, name, given);
}

/**
 * Channels spread over the plane: `[…, C·r², H, W]` → `[…, C, H·r, W·r]`.
 *
 * @throws {ShapeError} If the rank is below 3 or the channels are not divisible by r².
 * @see Shi et al. 2016, https://arxiv.org/abs/1609.05158
 */
export function pixelShuffle(x: Tensor, upscaleFactor: number | { readonly upscaleFactor: number }): Tensor {
  requireTensor("pixelShuffle", "input", x);
  const r = factorOf("pixelShuffle", "upscaleFactor", upscaleFactor);
  const rank = x.shape.length;
  const [c, h, w] = x.shape.slice(-3) as [number, number, number];
  if (rank < 3 || r < 1 || c % (r * r) !== 0) {
    throw new ShapeError(
      `Cannot pixelShuffle ${
        formatType(x)
      } by ${r}: it must have 3 dimensions or more and channels divisible by the square ` +
        `of a positive factor, got ${rank < 3 ? `rank ${rank}` : `${c} channels`}`,
    );
  }
  const batch = x.shape.slice(0, -3);
  const b = batch.length;
  const order = [...batch.keys(), b, b + 3, b + 1, b + 4, b + 2];
  const out = c / (r * r);
  return rearranged(
    x,
    [...batch, out, r, r, h, w],
    order,
    [...batch, out, h * r, w * r],
    "PixelShuffleBackward0",
  );
}

/**
 * The inverse of {@linkcode pixelShuffle}: `[…, C, H·r, W·r]` → `[…, C·r², H, W]`.
 *
 * @throws {ShapeError} If the rank is below 3 or the sizes are not divisible by r.
 */
export function pixelUnshuffle(
  x: Tensor,
  downscaleFactor: number | { readonly downscaleFactor: number },
): Tensor {
  requireTensor("pixelUnshuffle", "input", x);
  const r = factorOf("pixelUnshuffle", "downscaleFactor", downscaleFactor);
  const rank = x.shape.length;
  const [c, h, w] = x.shape.slice(-3) as [number, number, number];
  if (rank < 3 || r < 1 || h % r !== 0 || w % r !== 0) {
    throw new ShapeError(
      `Cannot pixelUnshuffle ${
        formatType(x)
      } by ${r}: it must have 3 dimensions or more and a height and width divisible by ` +
        `a positive factor, got ${rank < 3 ? `rank ${rank}` : `${h} by ${w}`}`,
    );
  }
  const batch = x.shape.slice(0, -3);
  const b = batch.length;
  const order = [...batch.keys(), b, b + 2, b + 4, b + 1, b + 3];
  const shape = [...batch, c * r * r, h / r, w / r];
  return rearranged(x, [...batch, c, h / r, r, w / r, r], order, shape, "PixelUnshuffleBackward0");
}

/**
 * Channels of `groups` groups interleaved: `[N, C, …]` → `[N, C, …]`.
 *
 * @throws {ShapeError} If the rank is below 3 or the channels are not divisible by the groups.
 * @see Zhang et al. 2017, https://arxiv.org/abs/1707.01083
 */
export function channelShuffle(x: Tensor, groups: number | { readonly groups: number }): Tensor {
  requireTensor("channelShuffle", "input", x);
  const g = factorOf("channelShuffle", "groups", groups);
  const [n, c] = x.shape as readonly [number, number];
  if (x.shape.length < 3 || g < 1 || c % g !== 0) {
    throw new ShapeError(
      `Cannot channelShuffle ${
        formatType(x)
      } by ${g}: it must have 3 dimensions or more and channels divisible by a positive ` +
        `number of groups, got ${x.shape.length < 3 ? `rank ${x.shape.length}` : `${c} channels`}`,
    );
  }
  const rest = x.shape.slice(2);
  const order = [0, 2, 1, ...rest.map((_, i) => i + 3)];
  return rearranged(x, [n, g, c / g, ...rest], order, x.shape, "ChannelShuffleBackward0");
}
