/**
 * `vmap`: a function of one example becomes a function of a batch.
 *
 * @module
 */

import { ArgumentTypeError, formatType, IndexError, ShapeError, ValueError } from "@flambeau/core";
import type { Args, Tensor } from "@flambeau/tensor";
import { named } from "@flambeau/tensor/internal";
import { bind } from "@flambeau/tensor/internal";
import { BatchLevel, type Randomness } from "./batch_level.ts";
import { resolve, run } from "./level.ts";
import { move } from "./batch/lowered.ts";
import { childrenOf, isTensor, leavesOf, mapLeaves } from "./tree.ts";

/** Which dimension of each input holds the batch; null for inputs that all elements share. As deep as the inputs, or less. */
export type InDims =
  | number
  | null
  | readonly InDims[]
  | { readonly [name: string]: InDims }
  | ReadonlyMap<string, InDims>;

/** Options of {@linkcode vmap}. */
export interface VmapOptions {
  /** Where the batch stands in the arguments: one number or null for all, or a list with one for each. Default 0. */
  readonly inDims: InDims;
  /** Where the batch stands in the results; null for a result without one. Default 0. */
  readonly outDims: InDims;
  /** Whether random operations throw, draw once for the batch, or once for each of its elements. Default `"error"`. */
  readonly randomness: Randomness;
  /** How many elements of the batch are computed at a time; null for all. Default null. */
  readonly chunkSize: number | null;
}

/** Positional options of {@linkcode vmap}. */
export type VmapArgs = Args<VmapOptions, ["inDims", "outDims", "randomness"]>;

/** Dimensions as deep as `value`: one word for a part counts for all leaves of the part. */
function spreadDims(op: string, dims: InDims, value: unknown): (number | null)[] {
  if (dims === null || typeof dims === "number") return leavesOf(value).map(() => dims);
  const [parts, children] = [childrenOf(dims)!, childrenOf(value)];
  if (children === null || children.length !== parts.length) {
    throw new ValueError(
      `Cannot vmap: ${op} is not compatible with the structure of the ${
        op === "inDims" ? "arguments" : "results"
      }, it must have ` +
        `${children?.length ?? "no"} parts, got ${parts.length}`,
    );
  }
  return children.flatMap(([key, child], i) => {
    const part = Array.isArray(dims) ? parts[i] : parts.find(([name]) => name === key);
    if (part === undefined) {
      throw new ValueError(`Cannot vmap: ${op} must have a part ${JSON.stringify(key)}`);
    }
    return spreadDims(op, part[1] as InDims, child);
  });
}

function dimOf(op: string, x: Tensor, dim: number, rank: number): number {
  if (Number.isInteger(dim) && dim >= -rank && dim < rank) return dim < 0 ? dim + rank : dim;
  throw new IndexError(
    `Cannot vmap over ${formatType(x)}: got ${op} ${dim}, which must be an integer from ${-rank} to ${
      rank - 1
    }`,
  );
}

/** The arguments with their batches in front, and the size of the batch. */
function frontBatches(
  inDims: InDims,
  args: readonly unknown[],
): { leaves: unknown[]; batched: boolean[]; size: number } {
  if (typeof inDims !== "number" && !Array.isArray(inDims)) {
    throw new ArgumentTypeError(
      `Cannot vmap: inDims must be a number or a list with one entry for each argument, got ${
        inDims === null ? "null" : typeof inDims
      }`,
    );
  }
  const leaves = leavesOf(args);
  if (leaves.length === 0) {
    throw new ValueError("Cannot vmap over no inputs: there must be an argument, got none");
  }
  const dims = spreadDims("inDims", inDims, args);
  const sizes: number[] = [];
  const fronted = leaves.map((leaf, i) => {
    const dim = dims[i]!;
    if (dim === null) return leaf;
    if (!isTensor(leaf)) {
      throw new ArgumentTypeError(
        `Cannot vmap over input ${i}: it is no Tensor, so its entry of inDims must be null, got ${dim}`,
      );
    }
    const d = dimOf("inDims", leaf, dim, leaf.shape.length);
    sizes.push(leaf.shape[d]!);
    return move(leaf, d, 0);
  });
  const [size] = sizes;
  if (size === undefined) {
    throw new ValueError("Cannot vmap: at least one entry of inDims must be a number, got null for all");
  }
  if (sizes.some((other) => other !== size)) {
    throw new ShapeError(
      `Cannot vmap: all tensors must have the same size in the mapped dimension, got sizes ${
        sizes.join(", ")
      }`,
    );
  }
  return { leaves: fronted, batched: dims.map((dim) => dim !== null), size };
}

/** `args` with other leaves. */
function withLeaves(args: readonly unknown[], leaves: readonly unknown[]): unknown[] {
  let next = 0;
  return mapLeaves(args, () => leaves[next++]) as unknown[];
}

/** A result one level further out, with its batch at `dim`. */
function unwrapped(level: BatchLevel, result: unknown, dim: number | null): Tensor {
  if (!isTensor(result)) {
    throw new ArgumentTypeError(
      `Cannot vmap: the function must only return Tensors, got ${result === null ? "null" : typeof result}`,
    );
  }
  const x = resolve(result);
  if (dim === null) {
    if (!level.has(x)) return x;
    throw new ValueError(
      `Cannot vmap: outDims of a result may only be null when it does not depend on the batch, got ${
        formatType(x)
      }`,
    );
  }
  const at = dimOf("outDims", x, dim, x.shape.length + 1);
  const value = level.has(x) ? x.lifted!.value : bind("expand", [x], { shape: [level.size, ...x.shape] });
  return move(value, 0, at);
}

/**
 * A function that applies `f` to every element of a batch at once: the batch dimension of the arguments is hidden from
 * `f`, and each operation of `f` runs once over all elements.
 *
 * Arguments and results are tensors, or arrays, plain objects and maps of them. Transforms nest: `vmap(grad(f))` gives
 * the gradient of every example.
 *
 * Inside, nothing may depend on the values of a batch on the host (`item()`, `nonzero()`, masks as indices); a tensor that all
 * elements share cannot be written with a batch.
 *
 * @throws {ShapeError} If the mapped dimensions differ in size.
 * @throws {ValueError} If `inDims` or `outDims` do not go with arguments or results.
 * @see https://pytorch.org/docs/stable/generated/torch.func.vmap.html
 *
 * @example
 * ```ts
 * const dots = torch.vmap((x: Tensor, y: Tensor) => x.dot(y)); // [B, n], [B, n] → [B]
 * const perSample = torch.vmap(torch.func.grad(loss), { inDims: [null, 0] });
 * ```
 */
export function vmap<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  ...options: VmapArgs
): (...args: A) => R {
  const { inDims = 0, outDims = 0, randomness = "error", chunkSize = null } = named<VmapOptions>(
    "vmap",
    options,
    [
      "inDims",
      "outDims",
      "randomness",
    ],
    ["chunkSize"],
  );
  if (!["error", "same", "different"].includes(randomness)) {
    throw new ValueError(
      `Cannot vmap: randomness must be "error", "same" or "different", got ${JSON.stringify(randomness)}`,
    );
  }
  if (chunkSize !== null && !(Number.isInteger(chunkSize) && chunkSize > 0)) {
    throw new ValueError(`Cannot vmap: chunkSize must be null or an integer > 0, got ${chunkSize}`);
  }
  return (...args) => {
    const { leaves, batched, size } = frontBatches(inDims, args);
    const part = (start: number, stop: number): Part => {
      const level = new BatchLevel(stop - start, randomness);
      const inputs = leaves.map((leaf, i) =>
        batched[i] ? level.wrap(piece(leaf as Tensor, start, stop), null) : leaf
      );
      return run(level, () => {
        const made = f(...withLeaves(args, inputs) as unknown as A);
        if (made instanceof Promise) return made as never;
        const dims = spreadDims("outDims", outDims, made);
        return { made, dims, tensors: leavesOf(made).map((leaf, i) => unwrapped(level, leaf, dims[i]!)) };
      });
    };
    const parts: Part[] = [];
    const step = chunkSize ?? size;
    for (let start = 0; start < size || parts.length === 0; start += step) {
      parts.push(part(start, Math.min(start + step, size)));
    }
    const [{ made, dims }] = parts as [Part];
    let next = 0;
    return mapLeaves(made, () => {
      const i = next++;
      return joined(parts.map(({ tensors }) => tensors[i]!), dims[i]!);
    }) as R;
  };
}

/** What a chunk of the batch gave. */
interface Part {
  readonly made: unknown;
  readonly dims: readonly (number | null)[];
  readonly tensors: readonly Tensor[];
}

/** Elements `start` to `stop` of the first dimension. */
function piece(x: Tensor, start: number, stop: number): Tensor {
  if (start === 0 && stop === x.shape[0]) return x;
  return bind("slice", [x], {
    starts: x.shape.map((_, d) => d === 0 ? start : 0),
    stops: x.shape.map((n, d) => d === 0 ? stop : n),
    steps: x.shape.map(() => 1),
  });
}

/** The results of all chunks behind one another. */
function joined(tensors: readonly Tensor[], dim: number | null): Tensor {
  const [first] = tensors as [Tensor];
  if (tensors.length === 1 || dim === null) return first;
  return bind("concat", tensors, { dim: dim < 0 ? dim + first.shape.length : dim });
}
