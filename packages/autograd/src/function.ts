/**
 * Operations with a backward pass written by hand: `torch.autograd.Function`.
 *
 * @module
 */

import { ArgumentTypeError, type Aval, formatType, GradError } from "@flambeau/core";
import { Tensor } from "@flambeau/tensor";
import { bind, gradMode, newGradMeta, type Storage } from "@flambeau/tensor/internal";
import { edgeOf, Node, SavedTensor } from "./node.ts";
import { full } from "./math.ts";
import { sumTo } from "./sum_to.ts";

/** What `forward` hands to `backward`. Other values may be put on it as properties of {@linkcode state}. */
export class FunctionContext {
  /** Free space for values that are not tensors. */
  readonly state: Record<string, unknown> = {};
  /** Which arguments of `forward` need a gradient. */
  needsInputGrad: readonly boolean[] = [];
  #toSave: readonly (Tensor | null)[] = [];
  #saved: readonly (SavedTensor | null)[] = [];
  #dirty: readonly Tensor[] = [];
  #constant: readonly Tensor[] = [];
  #materialize = true;

  /** Keeps inputs or outputs for `backward`, which finds them in {@linkcode savedTensors}. */
  saveForBackward(...tensors: (Tensor | null)[]): void {
    this.#toSave = tensors;
  }

  /**
   * The tensors that were kept.
   *
   * @throws {GradError} If they were freed by an earlier pass or overwritten since.
   */
  get savedTensors(): Tensor[] {
    return this.#saved.map((saved) => saved === null ? null : saved.unpack()) as Tensor[];
  }

  /** Says that `forward` wrote these inputs in place. */
  markDirty(...tensors: Tensor[]): void {
    this.#dirty = tensors;
  }

  /** Says that these outputs have no gradient. */
  markNonDifferentiable(...tensors: Tensor[]): void {
    this.#constant = tensors;
  }

  /** With false, gradients of outputs that nothing used arrive as null, not as zeros. Default true. */
  setMaterializeGrads(value: boolean): void {
    this.#materialize = value;
  }

  /** Not for users: the settings that `apply` reads. */
  get settings(): { dirty: readonly Tensor[]; constant: readonly Tensor[]; materialize: boolean } {
    return { dirty: this.#dirty, constant: this.#constant, materialize: this.#materialize };
  }

  /** Not for users: packs what was saved, after the outputs have their history. */
  pack(): void {
    this.#saved = this.#toSave.map((tensor) => tensor === null ? null : new SavedTensor(tensor));
    this.#toSave = [];
  }

  /** Not for users: lets go of what was saved. */
  release(): void {
    for (const saved of this.#saved) saved?.release();
  }

  /** Not for users: the memory that is kept. */
  *heldStorages(): Iterable<Storage> {
    for (const saved of this.#saved) if (saved !== null) yield* saved.storages;
  }
}

/** The static side of a class that extends {@linkcode Function}. */
interface FunctionClass<A extends unknown[], R extends Tensor | readonly Tensor[]> {
  readonly name: string;
  forward(context: FunctionContext, ...args: A): R;
  backward(context: FunctionContext, ...grads: Tensor[]): Tensor | null | readonly (Tensor | null)[];
}

class CustomNode extends Node {
  readonly #context: FunctionContext;
  readonly #class: FunctionClass<never[], Tensor>;
  readonly #inputs: readonly (Aval | null)[];
  readonly #likes: readonly Tensor[];

  constructor(
    type: FunctionClass<never[], Tensor>,
    context: FunctionContext,
    args: readonly unknown[],
    outputs: readonly Tensor[],
  ) {
    super(`${type.name}Backward`, args.map((x) => x instanceof Tensor ? edgeOf(x) : null), outputs);
    this.#class = type;
    this.#context = context;
    this.#inputs = args.map((x) => x instanceof Tensor ? { shape: x.shape, dtype: x.dtype } : null);
    this.#likes = args.filter((x) => x instanceof Tensor).slice(0, 1) as Tensor[];
  }

  override apply(grads: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    const { materialize } = this.#context.settings;
    const given = grads.map((grad, i) => grad === null && materialize ? this.#zeros(i) : grad);
    const answer = this.#class.backward(this.#context, ...given as Tensor[]);
    const list = (Array.isArray(answer) ? answer : [answer]) as readonly (Tensor | null | undefined)[];
    if (list.length < this.edges.length && this.edges.slice(list.length).some((edge) => edge !== null)) {
      throw new GradError(
        `Cannot run ${this.name}: backward returned an incorrect number of gradients (expected ${this.edges.length}, got ${list.length})`,
      );
    }
    return this.edges.map((edge, i) => {
      const grad = list[i] ?? null;
      if (edge === null || grad === null) return null;
      if (!(grad instanceof Tensor)) {
        throw new ArgumentTypeError(`Cannot run ${this.name}: gradient ${i} must be a Tensor or null`);
      }
      return sumTo(grad, this.#inputs[i]!);
    });
  }

  #zeros(i: number): Tensor {
    const like = this.#likes[0]!;
    return bind("cast", [full(like, this.outputs[i]!.shape, 0)], { dtype: this.outputs[i]!.dtype });
  }

  override release(): void {
    this.#context.release();
  }

  override heldStorages(): Iterable<Storage> {
    return this.#context.heldStorages();
  }
}

/**
 * An operation with its own backward pass: extend it with static `forward` and `backward`, call it by `apply`.
 *
 * `forward` runs without recording. `backward` gets one gradient for each output and answers one for each argument of
 * `forward`, null where there is none; it is recorded when the pass is made with `createGraph`.
 *
 * @see https://pytorch.org/docs/stable/notes/extending.html
 *
 * @example
 * ```ts
 * class Exp extends Function {
 *   static override forward(ctx: FunctionContext, x: Tensor): Tensor {
 *     const y = x.exp();
 *     ctx.saveForBackward(y);
 *     return y;
 *   }
 *   static override backward(ctx: FunctionContext, g: Tensor): Tensor {
 *     const [y] = ctx.savedTensors;
 *     return g.mul(y!);
 *   }
 * }
 * const y = Exp.apply(x);
 * ```
 */
export abstract class Function {
  /** Computes the result. Override it. */
  // deno-lint-ignore no-explicit-any
  static forward(_context: FunctionContext, ..._args: any[]): Tensor | readonly Tensor[] {
    throw new GradError(`Cannot apply ${this.name}: you must implement a static forward function`);
  }

  /** Computes gradients of the arguments. Override it. */
  // deno-lint-ignore no-explicit-any
  static backward(_context: FunctionContext, ..._grads: any[]): Tensor | null | readonly (Tensor | null)[] {
    throw new GradError(`Cannot run backward of ${this.name}: you must implement a static backward function`);
  }

  /** Runs `forward` and records it with `backward` as its derivative. */
  static apply<A extends unknown[], R extends Tensor | readonly Tensor[]>(
    this: FunctionClass<A, R>,
    ...args: A
  ): R {
    const context = new FunctionContext();
    const tensors = args.filter((x): x is A[number] & Tensor => x instanceof Tensor);
    const recording = gradMode.enabled && tensors.some((x) => x.requiresGrad);
    context.needsInputGrad = args.map((x) => recording && x instanceof Tensor && x.requiresGrad);
    const enabled = gradMode.enabled;
    gradMode.enabled = false;
    let result: R;
    try {
      result = this.forward(context, ...args);
    } finally {
      gradMode.enabled = enabled;
    }
    const outputs = (Array.isArray(result) ? result : [result]) as readonly Tensor[];
    for (const output of outputs) {
      if (!(output instanceof Tensor)) {
        throw new ArgumentTypeError(
          `Cannot apply ${this.name}: forward must give Tensors, got ${String(output)}`,
        );
      }
    }
    if (!recording) return result;
    const { dirty, constant } = context.settings;
    // An input that comes back unchanged is another tensor as far as the graph is concerned.
    const made = outputs.map((output) =>
      (args as unknown[]).includes(output) && !dirty.includes(output) ? aliasOf(output) : output
    );
    for (const x of dirty) {
      if (x.isLeaf && x.requiresGrad) {
        throw new GradError(
          `Cannot apply ${this.name}: a leaf Variable that requires grad is being used in an in-place operation, ${
            formatType(x)
          }`,
        );
      }
    }
    const node = new CustomNode(this as unknown as FunctionClass<never[], Tensor>, context, args, made);
    made.forEach((output, i) => {
      if (constant.includes(output) || output.dtype.kind !== "float") return;
      const meta = output.gradMeta = newGradMeta();
      meta.node = node;
      meta.outputNr = i;
      output.base = null;
    });
    context.pack();
    return (Array.isArray(result) ? made : made[0]) as R;
  }
}

function aliasOf(x: Tensor): Tensor {
  return x.detach();
}
