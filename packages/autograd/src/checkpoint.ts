/**
 * Activation checkpointing: a part of a network keeps nothing for its backward pass, and is computed anew when that comes.
 *
 * The graph is recorded as always, so gradients of parameters that the function has from elsewhere, of inputs, and of
 * gradients are all there. Only the values that its operations save are let go.
 *
 * @see Chen et al. 2016, https://arxiv.org/abs/1604.06174
 *
 * @module
 */

import { type Aval, formatType, GradError, shapesEqual, TorchError } from "@flambeau/core";
import { defaultGenerator, type Tensor } from "@flambeau/tensor";
import {
  gradMode,
  isOptions,
  makeTensor,
  scopes,
  settleAfter,
  type Storage,
  storageCount,
  StorageScope,
  storagesIn,
  transforms,
} from "@flambeau/tensor/internal";
import { at } from "./func/level.ts";
import { isTensor } from "./func/tree.ts";
import { drop, hold, type Remade, SavedTensor, saving, type Segment } from "./node.ts";

/** Options of {@linkcode checkpoint}. */
export interface CheckpointOptions {
  /** Draw the same random numbers again when the function is computed anew. Default true. */
  readonly preserveRngState?: boolean;
  /**
   * Which of PyTorch's two ways is meant; default false. There is one way here, that of false: the graph is recorded as always.
   * With true the gradients are the same wherever PyTorch's other way gives any, and there are gradients too where it gives
   * none: when no argument requires grad but a parameter does, for tensors in structures, and by `autograd.grad`.
   */
  readonly useReentrant?: boolean;
}

/** The names of {@linkcode CheckpointOptions}. */
const OPTION_NAMES: readonly string[] = [
  "preserveRngState",
  "useReentrant",
] satisfies (keyof CheckpointOptions)[];

/** A value that the first run saved: its type, and whether it was let go. */
interface Entry extends Aval {
  readonly dropped: boolean;
}

/** A value of the second run. */
interface Value {
  readonly x: Tensor;
  readonly version: number;
}

/** Thrown when all values are there: the rest of the function need not run. */
const ENOUGH = new Error("All values are there");
/** Stands for values that only the graph of the second run would need. */
const INERT: Remade = {
  get: (): never => {
    throw new GradError("Cannot use a value of a second run");
  },
  release: () => {},
};

/** A call of a function whose saved values are let go. */
class CheckpointedCall implements Segment {
  readonly #f: (...args: unknown[]) => unknown;
  readonly #args: readonly unknown[];
  /** What the second run needs of the arguments. */
  #inputs: readonly (SavedTensor | null)[];
  readonly #place = defaultGenerator.place;
  readonly #preserve: boolean;
  readonly #entries: Entry[] = [];
  #values: (Value | null)[] | null = null;
  #open = 0;
  #since = 0;
  #made = new Set<Storage>();

  constructor(f: (...args: unknown[]) => unknown, args: readonly unknown[], preserve: boolean) {
    this.#f = f;
    this.#preserve = preserve;
    this.#args = args.map((x) => isTensor(x) ? null : x);
    this.#inputs = args.map((x) => isTensor(x) ? new SavedTensor(x) : null);
  }

  /** The first run. */
  run(args: readonly unknown[]): unknown {
    this.#since = storageCount.next;
    const result = recorded(this, () => this.#f(...args), this.#made, storagesIn);
    if (result instanceof Promise) {
      throw new TorchError("Cannot checkpoint an async function: it must return its results at once");
    }
    if (this.#open === 0) this.#release();
    return result;
  }

  /** Lets go of what was made inside. What was there before stays as it is: it takes no memory of its own. */
  take(x: Tensor): Remade | null {
    const index = this.#entries.length;
    const dropped = x.storage.serial >= this.#since;
    this.#entries.push({ shape: x.shape, dtype: x.dtype, dropped });
    if (!dropped) return null;
    this.#open++;
    return { get: () => this.#value(index), release: () => this.#drop(index) };
  }

  /** What was made inside is freed at the end. */
  note(x: Tensor): void {
    this.#made.add(x.storage);
  }

  #value(index: number): Tensor {
    this.#values ??= this.#remake();
    const value = this.#values[index];
    if (value === null || value === undefined) {
      throw new GradError(
        "Cannot run backward through a checkpoint: a different number of tensors was saved during the original run and " +
          `when it was computed anew, ${this.#entries.length} and ${this.#values.length}; the function must do the same`,
      );
    }
    const { x, version } = value;
    if (x.storage.version !== version) {
      throw new GradError(
        "Cannot run backward through a checkpoint: one of the variables needed for gradient computation has been " +
          `modified by an inplace operation: ${
            formatType(x)
          } is at version ${x.storage.version}; expected version ${version}`,
      );
    }
    return makeTensor(x.storage, x.shape, x.strides, x.offset, x.dtype);
  }

  #drop(index: number): void {
    const value = this.#values?.[index];
    if (value) {
      this.#values![index] = null;
      drop(value.x);
    }
    if (--this.#open === 0) this.#release();
  }

  #release(): void {
    for (const input of this.#inputs) input?.release();
    this.#inputs = [];
  }

  /** The second run: what the first one saved, up to the last value that was let go. */
  #remake(): (Value | null)[] {
    const values: (Value | null)[] = [];
    const last = this.#entries.findLastIndex(({ dropped }) => dropped);
    const made = new Set<Storage>();
    const segment: Segment = {
      take: (x) => {
        if (values.length > last) return INERT;
        const entry = this.#entries[values.length]!;
        if (!shapesEqual(entry.shape, x.shape) || entry.dtype !== x.dtype) {
          throw new GradError(
            "Cannot run backward through a checkpoint: the values that were computed anew differ from the original ones, " +
              `got ${formatType(x)} for ${formatType(entry)}; the function must do the same each time`,
          );
        }
        if (entry.dropped) hold(x);
        values.push(entry.dropped ? { x, version: x.storage.version } : null);
        if (values.length > last) throw ENOUGH;
        return INERT;
      },
      note: (x) => made.add(x.storage),
    };
    const args = this.#args.map((arg, i) => this.#inputs[i]?.unpack() ?? arg);
    const place = defaultGenerator.place;
    const { enabled, inference } = gradMode;
    try {
      if (this.#preserve) defaultGenerator.place = this.#place;
      at(null, () => {
        Object.assign(gradMode, { enabled: true, inference: false });
        recorded(segment, () => this.#f(...args), made, () => new Set());
      });
    } catch (error) {
      if (error !== ENOUGH) throw error;
    } finally {
      Object.assign(gradMode, { enabled, inference });
      if (this.#preserve) defaultGenerator.place = place;
    }
    return values;
  }
}

/**
 * Runs `body` as a segment. At the end the memory of recorded results is freed, but for that which is held, which
 * `keptOf` the result names, or which was taken out by `keep()`.
 */
function recorded(
  segment: Segment,
  body: () => unknown,
  made: ReadonlySet<Storage>,
  keptOf: (result: unknown) => ReadonlySet<object>,
): unknown {
  const outer = saving.segment;
  const scope = new StorageScope(scopes.top);
  saving.segment = segment;
  scopes.top = scope;
  let kept: ReadonlySet<object> = new Set();
  try {
    const result = body();
    kept = keptOf(result);
    return result;
  } finally {
    saving.segment = outer;
    scopes.top = scope.parent;
    for (const storage of scope.storages) {
      if (!made.has(storage) || kept.has(storage)) scope.handOn(storage);
      else if (storage.holds > 0) storage.leaveToHolders();
      else storage.dispose();
    }
    settleAfter(scope);
  }
}

function isCheckpointOptions(value: unknown): value is CheckpointOptions {
  if (!isOptions(value)) return false;
  const names = Object.keys(value);
  return names.length > 0 && names.every((name) => OPTION_NAMES.includes(name));
}

/**
 * Calls `f` such that nothing is kept for its backward pass but its arguments: it runs a second time when that comes.
 *
 * It must do the same both times. What it makes and does not return is freed when it ends; side effects, such as
 * running statistics of a batch normalization, happen twice. Inside `vmap`, `func.grad` and their kin it is called once, and keeps
 * what it needs.
 *
 * @param args The arguments of `f`; after them perhaps `{ useReentrant: false, preserveRngState: true }` or a part of it.
 * @throws {GradError} In the backward pass, if `f` does not do the same the second time.
 * @see https://pytorch.org/docs/stable/checkpoint.html
 *
 * @example
 * ```ts
 * const y = torch.utils.checkpoint((x) => block2(block1(x)), x, { useReentrant: false });
 * ```
 */
export function checkpoint<A extends readonly unknown[], R>(f: (...args: A) => R, ...args: A): R;
/** As above, with options after the arguments. */
export function checkpoint<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  ...rest: readonly [...args: A, options: CheckpointOptions]
): R;
/** Implementation of both forms. */
export function checkpoint<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  ...rest: readonly unknown[]
): R {
  const last = rest.at(-1);
  const options = isCheckpointOptions(last) ? last : {};
  const args = (isCheckpointOptions(last) ? rest.slice(0, -1) : rest) as unknown as A;
  if (!gradMode.enabled || transforms.active !== null) return f(...args);
  const call = new CheckpointedCall(
    f as unknown as (...args: unknown[]) => unknown,
    args,
    options.preserveRngState ?? true,
  );
  return call.run(args) as R;
}

/** Functions of one tensor one after another: a list of them, or a module that lists them, as `nn.Sequential`. */
export type FunctionSequence =
  | readonly ((x: Tensor) => Tensor)[]
  | { children(): readonly ((x: Tensor) => Tensor)[] };

/**
 * Functions one after another, in `segments` parts of about equal length, each but the last {@linkcode checkpoint}ed.
 *
 * @throws {TorchError} If there are no segments, or more than functions.
 * @see https://pytorch.org/docs/stable/checkpoint.html#torch.utils.checkpoint.checkpoint_sequential
 */
export function checkpointSequential(
  functions: FunctionSequence,
  segments: number,
  input: Tensor,
  options: CheckpointOptions = {},
): Tensor {
  const list = "children" in functions ? functions.children() : functions;
  if (!Number.isInteger(segments) || segments < 1 || segments > list.length) {
    throw new TorchError(
      `Cannot checkpointSequential ${list.length} functions: segments must be an integer from 1 to ${list.length}, got ${segments}`,
    );
  }
  const size = Math.floor(list.length / segments);
  let x = input;
  for (let k = 0; k < segments; k++) {
    const part = list.slice(k * size, k === segments - 1 ? undefined : (k + 1) * size);
    const call = (y: Tensor) => part.reduce((z, f) => f(z), y);
    x = k === segments - 1
      ? call(x)
      : checkpoint(call, x, { preserveRngState: options.preserveRngState ?? true });
  }
  return x;
}
