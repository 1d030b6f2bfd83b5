/**
 * Nodes of the recorded graph, and the values they save.
 *
 * @module
 */

import { type Aval, formatType, GradError } from "@flambeau/core";
import type { GradHook, GradNode, Tensor } from "@flambeau/tensor";
import { eachStorage, type Lifted, makeTensor, newGradMeta, type Storage } from "@flambeau/tensor/internal";

/** Where a gradient goes: output `outputNr` of `node`. */
export interface Edge {
  /** The node that made the value. */
  readonly node: Node;
  /** Which of its outputs. */
  readonly outputNr: number;
}

/** A run of elements along one dimension of a tensor. */
export interface Piece {
  /** The whole tensor. */
  readonly whole: Aval;
  /** The dimension. */
  readonly dim: number;
  /** Where the run begins. */
  readonly start: number;
}

/** Whether nodes note where they were made, and passes look for NaN; see `setDetectAnomaly`. */
export const anomaly: { enabled: boolean; checkNan: boolean } = { enabled: false, checkNan: true };

let sequence = 0;

/** One step of the graph: from gradients of its outputs to gradients of its inputs. */
export abstract class Node implements GradNode {
  /** The name that PyTorch prints, such as `MulBackward0`. */
  name: string;
  /** Later nodes run first in a backward pass. */
  readonly sequence: number = sequence++;
  /** Where the gradient of each input goes; null where none is needed. */
  readonly edges: readonly (Edge | null)[];
  /** Shapes and dtypes of the outputs. */
  readonly outputs: readonly Aval[];
  /** Hooks of the outputs, by number. */
  hooks: Map<number, Map<number, GradHook>> | null = null;
  /** Tensors that keep their gradient, by number of the output. */
  retained: Map<number, Tensor> | null = null;
  /** Where the forward step was called, while anomalies are looked for. */
  readonly trace: string | null;

  /** @param name The name that PyTorch prints. */
  constructor(name: string, edges: readonly (Edge | null)[], outputs: readonly Aval[]) {
    this.name = name;
    this.edges = edges;
    this.outputs = outputs;
    this.trace = anomaly.enabled ? new Error(`Forward call of ${name}`).stack ?? null : null;
  }

  /** The nodes that receive this node's gradients. */
  get nextFunctions(): readonly (readonly [GradNode, number] | null)[] {
    return this.edges.map((edge) => edge === null ? null : [edge.node, edge.outputNr] as const);
  }

  /** What part of its input the node reads, when that is a run along one dimension and the node does nothing else. */
  get piece(): Piece | null {
    return null;
  }

  /**
   * Gradients of the inputs from those of the outputs; null stands for zeros.
   *
   * @param spends Whether the gradient of the only output may be written over.
   */
  abstract apply(grads: readonly (Tensor | null)[], spends: boolean): readonly (Tensor | null)[];

  /** Lets go of what was saved. Another pass through this node is then an error, if it had saved something. */
  release(): void {}

  /** Storages that a pass through this node needs. */
  heldStorages(): Iterable<Storage> {
    return [];
  }

  /** As PyTorch prints a node: `<MulBackward0>`. */
  toString(): string {
    return `<${this.name}>`;
  }
}

/** What a pass through a node throws that an earlier pass released. */
export function secondPass(): GradError {
  return new GradError(
    "Cannot run backward through the graph a second time: the saved intermediate values were freed when backward() " +
      "ran; pass { retainGraph: true } the first time if you need to go through it twice",
  );
}

/** A value that is not kept, but can be made again. */
export interface Remade {
  /** The value. */
  get(): Tensor;
  /** It is not needed again. */
  release(): void;
}

/** What happens to values that operations save, while a segment of the graph is recorded that is computed anew for its backward pass. */
export interface Segment {
  /** Sees every value that is saved; null when it is kept as it is. */
  take(x: Tensor): Remade | null;
  /** Sees every result that is recorded. */
  note(x: Tensor): void;
}

/** The segment that is recorded now; null outside of all. */
export const saving: { segment: Segment | null } = { segment: null };

const NO_STORAGES: readonly Storage[] = [];

/** A tensor as it was when an operation used it. */
export class SavedTensor {
  /** The memory that is kept. */
  readonly storages: readonly Storage[];
  readonly #remade: Remade | null;
  readonly #tensor: Tensor | null;
  readonly #version: number;
  readonly #shape: readonly number[];
  readonly #strides: readonly number[];
  readonly #offset: number;
  readonly #node: GradNode | null;
  readonly #outputNr: number;
  readonly #lifted: Lifted | null;
  #released = false;

  /** Keeps the memory of `tensor` until {@linkcode release}. */
  constructor(tensor: Tensor) {
    this.#remade = saving.segment === null ? null : saving.segment.take(tensor);
    this.#tensor = this.#remade === null ? tensor : null;
    this.#version = tensor.storage.version;
    this.#shape = tensor.shape;
    this.#strides = tensor.strides;
    this.#offset = tensor.offset;
    this.#node = tensor.gradFn;
    this.#outputNr = tensor.gradMeta?.outputNr ?? 0;
    this.#lifted = tensor.lifted;
    this.storages = this.#remade === null ? storagesOf(tensor) : NO_STORAGES;
    for (const storage of this.storages) storage.hold();
  }

  /**
   * The tensor with the value and the history that were saved.
   *
   * @throws {GradError} If it was released, or overwritten since.
   */
  unpack(): Tensor {
    if (this.#released) throw secondPass();
    const x = this.#tensor;
    if (x === null) return this.#withHistory(this.#remade!.get());
    if (x.storage.version !== this.#version) {
      const maker = this.#node === null ? "" : `, which is output ${this.#outputNr} of ${this.#node.name},`;
      throw new GradError(
        "Cannot run backward: one of the variables needed for gradient computation has been modified by an inplace " +
          `operation: ${
            formatType({ shape: this.#shape, dtype: x.dtype })
          }${maker} is at version ${x.storage.version}; ` +
          `expected version ${this.#version} instead${
            anomaly.enabled ? "" : "; torch.autograd.detectAnomaly(() => …) shows where the value was used"
          }`,
      );
    }
    if (
      x.shape === this.#shape && x.strides === this.#strides && x.offset === this.#offset &&
      x.lifted === this.#lifted && x.gradFn === this.#node
    ) return outside(x);
    const out = makeTensor(x.storage, this.#shape, this.#strides, this.#offset, x.dtype);
    out.lifted = this.#lifted;
    return outside(this.#withHistory(out));
  }

  /** `x`, a handle that nobody else has, with the history that was saved. */
  #withHistory(x: Tensor): Tensor {
    if (this.#node === null) return x;
    x.gradMeta = newGradMeta();
    x.gradMeta.node = this.#node;
    x.gradMeta.outputNr = this.#outputNr;
    return x;
  }

  /** Lets the memory go. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#remade?.release();
    for (const storage of this.storages) storage.drop();
  }
}

/** `x` as it is seen where the transforms that it was made in have ended. */
function outside(x: Tensor): Tensor {
  let seen = x;
  while (seen.lifted !== null && !seen.lifted.level.alive) seen = seen.lifted.value;
  return seen;
}

/** Keeps the memory of `x` until a matching {@linkcode drop}. */
export function hold(x: Tensor): void {
  if (x.lifted === null) x.storage.hold();
  else eachStorage(x, (storage) => storage.hold());
}

/** Ends one {@linkcode hold}. */
export function drop(x: Tensor): void {
  if (x.lifted === null) x.storage.drop();
  else eachStorage(x, (storage) => storage.drop());
}

/** All memory that `x` needs. */
function storagesOf(x: Tensor): Storage[] {
  if (x.lifted === null) return [x.storage];
  const found: Storage[] = [];
  eachStorage(x, (storage) => found.push(storage));
  return found;
}

/** The end of a path: adds what arrives to the `grad` of a leaf. The engine does the adding. */
export class AccumulateGrad extends Node {
  /** The leaf. */
  readonly variable: Tensor;

  /** @param variable The leaf whose `grad` is added to. */
  constructor(variable: Tensor) {
    super("AccumulateGrad", [], [variable]);
    this.variable = variable;
  }

  /** Leaves have no inputs. */
  apply(): readonly (Tensor | null)[] {
    return [];
  }
}

/** The edge along which gradients of `x` travel; null when `x` does not require grad. */
export function edgeOf(x: Tensor): Edge | null {
  const node = x.gradFn;
  if (node !== null) return { node: node as Node, outputNr: x.gradMeta!.outputNr };
  const meta = x.gradMeta;
  if (meta === null || !meta.requiresGrad) return null;
  meta.accumulator ??= new AccumulateGrad(x);
  return { node: meta.accumulator as AccumulateGrad, outputNr: 0 };
}

/** `x` copied with its history, for values that are about to be overwritten. */
export function snapshot(x: Tensor, copy: () => Tensor): Tensor {
  const out = copy();
  const edge = edgeOf(x);
  if (edge !== null) {
    out.gradMeta = newGradMeta();
    out.gradMeta.node = edge.node;
    out.gradMeta.outputNr = edge.outputNr;
  }
  return out;
}
