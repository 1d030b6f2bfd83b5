/**
 * `pad`: elements around a tensor, constant or made of its own.
 *
 * @module
 */

import { formatShape, formatType, int32, NotImplementedError, ShapeError, ValueError } from "@flambeau/core";
import { type Args, named } from "../args.ts";
import { bind } from "../bind.ts";
import { requireNumber, requireTensor } from "../coerce.ts";
import { relabel } from "../label.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { sliceDim } from "./building.ts";
import { fromData } from "./data.ts";
import { integers, required } from "./lists.ts";

/** What {@linkcode pad} puts around: a number, the mirrored inside, the edge, or the other end. */
export type PadMode = "constant" | "reflect" | "replicate" | "circular";

/** Options of {@linkcode pad}. */
export interface PadOptions {
  /** Elements before and after, for the last dimension, then for the one before it, and so on; negative numbers cut. */
  readonly pad: readonly number[];
  /** What is put there. Default `"constant"`. */
  readonly mode: PadMode;
  /** The number of mode constant. Default 0. */
  readonly value: number | null;
}

const backwardNames = {
  constant: "ConstantPadNdBackward0",
  reflect: "ReflectionPad",
  replicate: "ReplicationPad",
  circular: "SliceBackward0",
} as const;

/**
 * `x` with elements around it.
 *
 * Mode `constant` takes any rank. The others pad the last 1 to 3 dimensions of a tensor with one or two dimensions more.
 *
 * @throws {ShapeError} If more is cut than there is, or the padding is too wide for its mode.
 * @throws {ValueError} If the mode is unknown or the list of sizes odd.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.pad.html
 *
 * @example
 * ```ts
 * pad(x, [1, 1, 2, 0], "reflect");
 * ```
 */
export function pad(x: Tensor, ...args: Args<PadOptions, ["pad", "mode", "value"]>): Tensor {
  requireTensor("pad", "input", x);
  const options = named<PadOptions>("pad", args, ["pad", "mode", "value"]);
  const sizes = integers("pad", "pad", required("pad", "pad", options.pad));
  const mode = options.mode ?? "constant";
  const rank = x.shape.length;
  if (sizes.length % 2 !== 0 || sizes.length > 2 * rank) {
    throw new ValueError(
      `Cannot pad ${formatType(x)}: there must be two sizes for each of at most ${rank} dimensions, got ${
        formatShape(sizes)
      }`,
    );
  }
  if (!Object.hasOwn(backwardNames, mode)) {
    throw new ValueError(
      `Cannot pad ${formatType(x)}: mode must be constant, reflect, replicate or circular, got ${
        JSON.stringify(mode)
      }`,
    );
  }
  const low = x.shape.map((_, d) => sizes[2 * (rank - 1 - d)] ?? 0);
  const high = x.shape.map((_, d) => sizes[2 * (rank - 1 - d) + 1] ?? 0);
  if (mode === "constant") {
    const value = requireNumber("pad", "value", options.value ?? 0);
    return relabel(bind("pad", [x], { low, high, value }), backwardNames.constant);
  }
  if (options.value !== null && options.value !== undefined && options.value !== 0) {
    throw new ValueError(`Cannot pad ${formatType(x)}: mode ${mode} takes no value, got ${options.value}`);
  }
  const dims = sizes.length / 2;
  if (dims < 1 || dims > 3 || (rank !== dims + 1 && rank !== dims + 2)) {
    throw new NotImplementedError(
      `Cannot pad ${
        formatType(x)
      }: mode ${mode} pads the last 1 to 3 dimensions of a tensor with one or two more, got sizes for ${dims}`,
    );
  }
  for (let d = 0; d < rank; d++) checkWidth(x, d, low[d]!, high[d]!, mode, d >= rank - dims);
  return temporaries(() => {
    let y = x;
    for (let d = rank - dims; d < rank; d++) {
      if (low[d] === 0 && high[d] === 0) continue;
      if (mode === "circular" && low[d]! >= 0 && high[d]! >= 0) {
        y = around(y, d, low[d]!, high[d]!);
        continue;
      }
      const places = sources(x.shape[d]!, low[d]!, high[d]!, mode);
      y = bind("indexSelect", [y, fromData(places, [places.length], int32, x.device)], { dim: d });
    }
    const name = mode === "circular" ? backwardNames.circular : `${backwardNames[mode]}${dims}DBackward0`;
    return relabel(y === x ? bind("copy", [x], null) : y, name);
  });
}

/** The last `low` elements of `x` along `dim` before it, and its first `high` behind it. */
function around(x: Tensor, dim: number, low: number, high: number): Tensor {
  const size = x.shape[dim]!;
  const parts = [sliceDim(x, dim, size - low, size), x, sliceDim(x, dim, 0, high)];
  return bind("concat", parts.filter((part) => part.shape[dim] !== 0), { dim });
}

/** Checks that `mode` can make so many elements of dimension `d`. */
function checkWidth(x: Tensor, d: number, low: number, high: number, mode: PadMode, padded: boolean): void {
  const size = x.shape[d]!;
  const wrong = (must: string, got: string) =>
    new ShapeError(`Cannot pad ${formatType(x)} in mode ${mode}: ${must}, got ${got}`);
  // Batches may be empty; what is padded, and channels, may not.
  if (size === 0 && (padded || d > 0)) throw wrong(`dimension ${d} must not be empty`, "0");
  if (!padded) return;
  const most = mode === "reflect" ? size - 1 : size;
  if (mode !== "replicate" && (low > most || high > most)) {
    throw wrong(
      `the padding must be ${
        mode === "reflect" ? "less than the size" : "at most the size"
      } ${size} of dimension ${d}`,
      `${low} and ${high}`,
    );
  }
  if (size + low + high < (mode === "circular" ? 0 : 1)) {
    throw wrong(`no more than its ${size} elements can be cut at dimension ${d}`, `${low} and ${high}`);
  }
}

/** Where each element along a padded dimension comes from. Mode circular first cuts, then repeats what is left. */
function sources(size: number, low: number, high: number, mode: PadMode): Int32Array {
  const first = mode === "circular" ? Math.max(-low, 0) : 0;
  const left = mode === "circular" ? size - first - Math.max(-high, 0) : size;
  return Int32Array.from({ length: size + low + high }, (_, i) => {
    const at = i - low;
    if (mode === "circular") return first + ((at - first) % left + left) % left;
    if (at >= 0 && at < size) return at;
    if (mode === "replicate") return at < 0 ? 0 : size - 1;
    return at < 0 ? -at : 2 * (size - 1) - at;
  });
}
