/**
 * What is behind `torch.autograd.Function`: the context that `forward` hands to `backward`, the node, and a call of plain
 * tensors.
 *
 * @module
 */

import { ArgumentTypeError, type Aval, formatType, GradError } from "@flambeau/core";
import { Tensor } from "@flambeau/tensor";
import { bind, gradMode, newGradMeta, type Storage } from "@flambeau/tensor/internal";
import { edgeOf, Node, SavedTensor } from "./node.ts";
import { full } from "./math.ts";
import { sumTo } from "./sum_to.ts";

/** What `forward` said of a call. */
export interface FunctionSettings {
  /** Inputs that were written in place. */
  readonly dirty: readonly Tensor[];
  /** Outputs without a gradient. */
  readonly constant: readonly Tensor[];
  /** Whether gradients that did not arrive are zeros. */
  readonly materialize: boolean;
}

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
    if (this.#toSave.length > 0) return [...this.#toSave] as Tensor[];
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

  /** Not for users: what is to be kept. */
  get saved(): readonly (Tensor | null)[] {
    return this.#toSave;
  }

  /** Not for users: the settings that `apply` reads. */
  get settings(): FunctionSettings {
    return { dirty: this.#dirty, constant: this.#constant, materialize: this.#materialize };
  }

  /** Not for users: the same call as it is at another level of transforms, where `f` gives the tensors. */
  at(
    f: (x: Tensor) => Tensor,
    saved: readonly (Tensor | null)[],
    needsInputGrad: readonly boolean[],
  ): FunctionContext {
    const other = new FunctionContext();
    Object.assign(other.state, this.state);
    other.needsInputGrad = needsInputGrad;
    other.saveForBackward(...saved.map((x) => x === null ? null : f(x)));
    other.markDirty(...this.#dirty.map(f));
    other.markNonDifferentiable(...this.#constant.map(f));
    other.setMaterializeGrads(this.#materialize);
    return other;
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

/** The static side of a class that extends `Function`. */
export interface FunctionClass<A extends unknown[], R extends Tensor | readonly Tensor[]> {
  readonly name: string;
  forward(context: FunctionContext, ...args: A): R;
  backward(context: FunctionContext, ...grads: Tensor[]): Tensor | null | readonly (Tensor | null)[];
  jvp(context: FunctionContext, ...tangents: (Tensor | null)[]): Tensor | null | readonly (Tensor | null)[];
}

/** A class whose arguments and results are not known. */
export type AnyFunctionClass = FunctionClass<unknown[], Tensor | readonly Tensor[]>;

class CustomNode extends Node {
  readonly #context: FunctionContext;
  readonly #class: AnyFunctionClass;
  readonly #inputs: readonly (Aval | null)[];
  readonly #likes: readonly Tensor[];

  constructor(
    type: AnyFunctionClass,
    context: FunctionContext,
    args: readonly unknown[],
    outputs: readonly Tensor[],
  ) {
    const edges = args.map((x, i) =>
      x instanceof Tensor && context.needsInputGrad[i] === true ? edgeOf(x) : null
    );
    super(`${type.name}Backward`, edges, outputs);
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

/** What a call gave. */
export interface Applied {
  /** The results. */
  readonly outputs: readonly Tensor[];
  /** Whether `forward` gave a list. */
  readonly isList: boolean;
  /** The context of the call. */
  readonly context: FunctionContext;
  /** What `forward` saved. */
  readonly saved: readonly (Tensor | null)[];
}

/** Calls `forward` without recording what it does. */
export function runForward(
  type: AnyFunctionClass,
  args: readonly unknown[],
  needs: readonly boolean[],
): Applied {
  const context = new FunctionContext();
  context.needsInputGrad = needs;
  const enabled = gradMode.enabled;
  gradMode.enabled = false;
  let result: Tensor | readonly Tensor[];
  try {
    result = type.forward(context, ...args);
  } finally {
    gradMode.enabled = enabled;
  }
  const outputs = (Array.isArray(result) ? result : [result]) as readonly Tensor[];
  for (const output of outputs) {
    if (!(output instanceof Tensor)) {
      throw new ArgumentTypeError(
        `Cannot apply ${type.name}: forward must give Tensors, got ${String(output)}`,
      );
    }
  }
  return { outputs, isList: Array.isArray(result), context, saved: context.saved };
}

/** Records a call whose context says that it is needed. Gives the results as the graph has them. */
export function recordCall(
  type: AnyFunctionClass,
  context: FunctionContext,
  args: readonly unknown[],
  outputs: readonly Tensor[],
): readonly Tensor[] {
  const { dirty, constant } = context.settings;
  // An input that comes back unchanged is another tensor as far as the graph is concerned.
  const made = outputs.map((output) =>
    args.includes(output) && !dirty.includes(output) ? output.detach() : output
  );
  for (const x of dirty) {
    if (x.isLeaf && x.requiresGrad) {
      throw new GradError(
        `Cannot apply ${type.name}: a leaf Variable that requires grad is being used in an in-place operation, ${
          formatType(x)
        }`,
      );
    }
  }
  const node = new CustomNode(type, context, args, made);
  made.forEach((output, i) => {
    if (constant.includes(output) || output.dtype.kind !== "float") return;
    const meta = output.gradMeta = newGradMeta();
    meta.node = node;
    meta.outputNr = i;
    output.base = null;
  });
  context.pack();
  return made;
}

/** Calls a function on plain tensors, and records it. */
export function applyPlain(type: AnyFunctionClass, args: readonly unknown[]): Applied {
  const recording = gradMode.enabled && args.some((x) => x instanceof Tensor && x.requiresGrad);
  const needs = args.map((x) => recording && x instanceof Tensor && x.requiresGrad);
  const applied = runForward(type, args, needs);
  if (!recording) return applied;
  return { ...applied, outputs: recordCall(type, applied.context, args, applied.outputs) };
}
