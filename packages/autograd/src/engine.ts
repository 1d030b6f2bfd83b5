/**
 * The backward pass: gradients travel the graph from later nodes to earlier ones.
 *
 * Nodes run in the reverse order of their making, each once, after all gradients of its outputs have arrived. Gradients
 * that no user can see are freed as soon as they are used, and added in place where only the pass holds them.
 *
 * @module
 */

import {
  ArgumentTypeError,
  type Backend,
  formatType,
  GradError,
  numelOf,
  ShapeError,
  shapesEqual,
} from "@flambeau/core";
import { type BackwardOptions, type GradHook, keep, Tensor } from "@flambeau/tensor";
import {
  bind,
  bindInto,
  canRead,
  eachStorage,
  executeOn,
  gradMode,
  isContiguousStorage,
  makeEmpty,
  makeTensor,
  peekGrad,
  putGrad,
  scopes,
  settleAfter,
  type Storage,
  StorageScope,
  temporaries,
  transforms,
} from "@flambeau/tensor/internal";
import { AccumulateGrad, anomaly, drop, type Edge, edgeOf, hold, type Node, type Piece } from "./node.ts";

/** Runs the backward pass from `roots` and adds to the gradients of the leaves. */
export function runBackward(
  roots: readonly Tensor[],
  gradients: readonly (Tensor | null | undefined)[],
  options: BackwardOptions = {},
): void {
  const targets = options.inputs === undefined ? null : options.inputs.map((x) => targetOf(x, "backward"));
  if (targets === null) {
    new Pass(options, null, false).run(roots, gradients);
    return;
  }
  temporaries(() => {
    const grads = new Pass(options, targets, true).run(roots, gradients);
    const done = new Set<Tensor>(); // an input that is named twice gets its gradient once
    options.inputs!.forEach((input, i) => {
      const grad = grads[i];
      if (done.has(input)) return;
      done.add(input);
      if (grad !== null && grad !== undefined) addToGrad(input, grad, options.createGraph ?? false);
    });
    return null;
  });
}

/** Options of {@linkcode backward}. */
export interface BackwardArguments extends BackwardOptions {
  /** Gradients of the tensors; null for scalars. */
  readonly gradTensors?: Tensor | null | readonly (Tensor | null | undefined)[];
}

/**
 * Computes the gradients of the leaves behind `tensors` together, and adds them to their `grad`, as
 * `torch.autograd.backward`.
 *
 * @param gradTensors Gradients of the tensors; null for those with one element. Or an object of options.
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.backward.html
 */
export function backward(
  tensors: Tensor | readonly Tensor[],
  gradTensors?: Tensor | null | readonly (Tensor | null | undefined)[] | BackwardArguments,
  options: BackwardArguments = {},
): void {
  const isList = gradTensors instanceof Tensor || Array.isArray(gradTensors) || gradTensors === null;
  const all = isList || gradTensors === undefined ? options : gradTensors as BackwardArguments;
  const given = isList
    ? gradTensors as Tensor | null | readonly (Tensor | null | undefined)[]
    : all.gradTensors;
  const list = given instanceof Tensor || given === null ? [given] : given ?? [];
  runBackward(tensors instanceof Tensor ? [tensors] : tensors, list, all);
}

/** Options of {@linkcode grad}. */
export interface GradOptions {
  /** Gradients of the outputs. Default: ones for scalars. */
  readonly gradOutputs?: Tensor | null | readonly (Tensor | null | undefined)[];
  /** Keep the graph for another pass. Default: `createGraph`. */
  readonly retainGraph?: boolean;
  /** Record the pass itself, for higher derivatives. Default false. */
  readonly createGraph?: boolean;
  /** Answer null for inputs that the outputs do not depend on, instead of throwing. Default false. */
  readonly allowUnused?: boolean;
}

/** One gradient of type `G` for each of the inputs `I`, in their order: a tuple where their number is known. */
export type GradsOf<I extends Tensor | readonly Tensor[], G> = I extends readonly Tensor[]
  ? { -readonly [K in keyof I]: G }
  : [G];

/**
 * Gradients of the sum of `outputs` for `inputs`, as `torch.autograd.grad`. No `.grad` is changed.
 *
 * @throws {GradError} If an input does not require grad, or is not used and `allowUnused` is not set.
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.grad.html
 *
 * @example
 * ```ts
 * const x = torch.tensor(3, { requiresGrad: true });
 * const [g] = torch.autograd.grad(x.pow(2), x); // 6
 * ```
 */
export function grad<const I extends Tensor | readonly Tensor[]>(
  outputs: Tensor | readonly Tensor[],
  inputs: I,
  options?: GradOptions & { readonly allowUnused?: false },
): GradsOf<I, Tensor>;
/** As above; null stands for the gradients of inputs that are not used. */
export function grad<const I extends Tensor | readonly Tensor[]>(
  outputs: Tensor | readonly Tensor[],
  inputs: I,
  options: GradOptions,
): GradsOf<I, Tensor | null>;
/** Implementation of both forms. */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradOptions = {},
): unknown {
  const roots = outputs instanceof Tensor ? [outputs] : outputs;
  const wanted = inputs instanceof Tensor ? [inputs] : inputs;
  const given = options.gradOutputs instanceof Tensor || options.gradOutputs === null
    ? [options.gradOutputs]
    : options.gradOutputs ?? [];
  const targets = wanted.map((x) => targetOf(x, "grad"));
  const grads = new Pass(options, targets, true).run(roots, given);
  wanted.forEach((x, i) => {
    if (grads[i] === null && options.allowUnused !== true) {
      throw new GradError(
        `Cannot grad for input ${i}, ${
          formatType(x)
        }: one of the differentiated Tensors appears to not have been used in the ` +
          "graph; set { allowUnused: true } if this is the desired behavior",
      );
    }
  });
  return grads;
}

function targetOf(x: Tensor, op: string): Edge {
  if (!(x instanceof Tensor)) throw new ArgumentTypeError(`Cannot ${op}: inputs must be Tensors`);
  const edge = edgeOf(x);
  if (edge === null) {
    throw new GradError(
      `Cannot ${op} for ${formatType(x)}: one of the differentiated Tensors does not require grad`,
    );
  }
  return edge;
}

/** One backward pass. */
class Pass {
  readonly #retain: boolean;
  readonly #create: boolean;
  readonly #targets: readonly Edge[] | null;
  readonly #captureOnly: boolean;
  readonly #captured: (Tensor | null)[];
  readonly #pending: Map<Node, (Tensor | null)[]> = new Map();
  readonly #waiting: Map<Node, number> = new Map();
  /** Gradients in the slots that pieces are still written into. */
  readonly #pieces: Map<Tensor, PieceSum> = new Map();
  readonly #scope: StorageScope = new StorageScope(scopes.top);
  readonly #ready = new NodeQueue();
  #needed: Set<Node> | null = null;

  constructor(
    options: { retainGraph?: boolean; createGraph?: boolean },
    targets: readonly Edge[] | null,
    captureOnly: boolean,
  ) {
    this.#create = options.createGraph ?? false;
    this.#retain = options.retainGraph ?? this.#create;
    this.#targets = targets;
    this.#captureOnly = captureOnly;
    this.#captured = targets === null ? [] : targets.map(() => null);
  }

  run(roots: readonly Tensor[], gradients: readonly (Tensor | null | undefined)[]): (Tensor | null)[] {
    const edges = roots.map(rootEdge);
    const enabled = gradMode.enabled;
    // Inside a transform, what is outside of it goes on recording.
    const level = roots.find((root) => root.lifted !== null)?.lifted?.level;
    const paused = level?.paused;
    if (level === undefined) gradMode.enabled = this.#create;
    else level.paused = !this.#create;
    scopes.top = this.#scope;
    try {
      const nodes = new Set(edges.map((edge) => edge.node));
      this.#count([...nodes]);
      roots.forEach((root, i) => this.#send(edges[i]!, rootGrad(root, gradients[i])));
      for (const node of nodes) if ((this.#waiting.get(node) ?? 0) === 0) this.#ready.push(node);
      for (let node = this.#ready.pop(); node !== null; node = this.#ready.pop()) this.#step(node);
      return this.#captured;
    } finally {
      gradMode.enabled = enabled;
      if (level !== undefined) level.paused = paused!;
      for (const slots of this.#pending.values()) {
        for (const grad of slots) if (grad !== null) drop(grad);
      }
      for (const grad of this.#captured) {
        if (grad === null) continue;
        eachStorage(grad, (storage) => this.#handOver(storage));
        drop(grad);
      }
      if (scopes.top === this.#scope) scopes.top = this.#scope.parent;
      for (const storage of this.#scope.storages) {
        if (this.#create) this.#scope.handOn(storage); // part of the graph of the gradients
        else if (storage.holds > 0) storage.leaveToHolders();
        else storage.dispose();
      }
      settleAfter(this.#scope);
    }
  }

  /** Counts, for each node behind the roots, the edges that lead to it; and which nodes lead to a target. */
  #count(roots: readonly Node[]): void {
    const seen = new Set<Node>(roots);
    const order: Node[] = [...seen];
    for (let i = 0; i < order.length; i++) {
      for (const edge of order[i]!.edges) {
        if (edge === null) continue;
        this.#waiting.set(edge.node, (this.#waiting.get(edge.node) ?? 0) + 1);
        if (!seen.has(edge.node)) {
          seen.add(edge.node);
          order.push(edge.node);
        }
      }
    }
    if (this.#targets === null) return;
    const targets = new Set(this.#targets.map((edge) => edge.node));
    const needed = new Set<Node>();
    // Edges always lead to nodes that were made earlier.
    for (const node of order.sort((a, b) => a.sequence - b.sequence)) {
      if (node.edges.some((edge) => edge !== null && (targets.has(edge.node) || needed.has(edge.node)))) {
        needed.add(node);
      }
    }
    this.#needed = needed;
  }

  #step(node: Node): void {
    const grads = this.#pending.get(node) ?? node.outputs.map(() => null);
    this.#pending.delete(node);
    for (const grad of grads) if (grad !== null) this.#complete(grad);
    this.#runHooks(node, grads);
    this.#targets?.forEach((target, i) => {
      if (target.node !== node || grads[target.outputNr] === null) return;
      this.#captured[i] = grads[target.outputNr]!;
      hold(this.#captured[i]!);
    });
    node.retained?.forEach((tensor, i) => {
      if (grads[i] !== null) addToGrad(tensor, bind("copy", [grads[i]!], null), this.#create);
    });
    if (node instanceof AccumulateGrad) {
      if (!this.#captureOnly && grads[0] !== null) this.#accumulate(node.variable, grads[0]!);
    } else if (this.#needed === null || this.#needed.has(node)) this.#pass(node, grads);
    for (const grad of grads) if (grad !== null) this.#letGo(grad);
    for (const edge of node.edges) {
      if (edge === null) continue;
      const left = this.#waiting.get(edge.node)! - 1;
      this.#waiting.set(edge.node, left);
      if (left === 0) this.#ready.push(edge.node);
    }
  }

  #pass(node: Node, grads: readonly (Tensor | null)[]): void {
    if (this.#passPiece(node, grads)) return;
    let results: readonly (Tensor | null)[];
    const spends = !this.#create && transforms.active === null && grads.length === 1 && grads[0] !== null &&
      this.#owns(grads[0]!);
    try {
      results = node.apply(grads, spends);
    } catch (error) {
      if (node.trace !== null && error instanceof Error) {
        error.message += `. The error came from ${node.name}, of this forward call:\n${node.trace}`;
      }
      throw error;
    }
    if (node.trace !== null && anomaly.checkNan) checkNan(node, results);
    for (let i = 0; i < node.edges.length; i++) {
      const edge = node.edges[i]!;
      const grad = results[i];
      if (edge !== null && grad !== null && grad !== undefined) this.#send(edge, grad);
    }
    for (const grad of results) if (grad) this.#disposeUnheld(grad);
    if (!this.#retain) node.release();
  }

  #runHooks(node: Node, grads: (Tensor | null)[]): void {
    const byOutput = node instanceof AccumulateGrad
      ? node.variable.gradMeta?.hooks ? new Map([[0, node.variable.gradMeta.hooks]]) : null
      : node.hooks;
    if (byOutput === null) return;
    for (const [i, hooks] of byOutput) {
      for (const hook of hooks.values()) {
        const grad = grads[i];
        if (grad === null || grad === undefined) continue;
        this.#escape(grad);
        const other = callHook(hook, grad);
        if (other === null) continue;
        hold(other);
        drop(grad);
        this.#escape(other);
        grads[i] = other;
      }
    }
  }

  /**
   * Passes a gradient through a node that only reads a piece of its input: writes it into the gradient of the whole, or
   * adds it there. Pieces that fill the whole, as those of a split, need neither zeros nor sums.
   */
  #passPiece(node: Node, [grad]: readonly (Tensor | null)[]): boolean {
    const edge = node.edges[0];
    if (this.#create || !edge || !grad || grad.lifted !== null || node.trace !== null) return false;
    if (transforms.active !== null) return false;
    const { piece } = node;
    if (piece === null || piece.whole.dtype !== grad.dtype) return false;
    const slots = this.#slotsOf(edge.node);
    const before = slots[edge.outputNr]!;
    if (before === null) {
      const sum = new PieceSum(grad.backend, piece);
      hold(sum.whole);
      slots[edge.outputNr] = sum.whole;
      this.#pieces.set(sum.whole, sum);
      sum.write(piece, grad);
    } else {
      const sum = this.#pieces.get(before);
      if (sum === undefined || !sum.write(piece, grad)) {
        if (!this.#owns(before)) return false;
        this.#complete(before);
        const place = placeOf(before, piece, grad.shape[piece.dim]!);
        bindInto([place], "add", [place, grad], null);
      }
    }
    if (!this.#retain) node.release();
    return true;
  }

  /** Puts zeros where no piece was written. */
  #complete(grad: Tensor): void {
    if (this.#pieces.size === 0) return;
    this.#pieces.get(grad)?.complete();
    this.#pieces.delete(grad);
  }

  /** What has arrived at the outputs of `node`. */
  #slotsOf(node: Node): (Tensor | null)[] {
    let slots = this.#pending.get(node);
    if (slots === undefined) this.#pending.set(node, slots = node.outputs.map(() => null));
    return slots;
  }

  /** Adds `grad` to what has arrived at the end of `edge`. */
  #send(edge: Edge, grad: Tensor): void {
    const slots = this.#slotsOf(edge.node);
    const before = slots[edge.outputNr]!;
    if (before !== null) this.#complete(before);
    if (before === null) {
      hold(grad);
      slots[edge.outputNr] = grad;
    } else if (!this.#create && this.#owns(before) && before.dtype === grad.dtype && grad.lifted === null) {
      bindInto([before], "add", [before, grad], null);
    } else {
      const sum = bind("add", [before, grad], null);
      hold(sum);
      slots[edge.outputNr] = sum;
      this.#letGo(before);
    }
  }

  /** True when only one slot of this pass holds the memory, all of which is `x`. */
  #owns(x: Tensor): boolean {
    return x.lifted === null && x.storage.holds === 1 && this.#scope.has(x.storage) && isContiguousStorage(x);
  }

  #accumulate(variable: Tensor, grad: Tensor): void {
    if (!variable.requiresGrad) return; // turned off since the graph was made
    if (peekGrad(variable) === null && !this.#create && this.#owns(grad)) {
      this.#escape(grad);
      grad.base = null;
      grad.gradMeta = null;
      putGrad(variable, grad);
    } else addToGrad(variable, grad, this.#create);
  }

  /** The memory outlives the pass. */
  #escape(x: Tensor): void {
    eachStorage(x, (storage) => {
      for (let s: StorageScope | null = this.#scope; s !== null; s = s.parent) s.remove(storage);
      storage.orphan = false;
      storage.watch();
    });
  }

  /** The memory goes to whoever asked for the pass. */
  #handOver(storage: Storage): void {
    if (!this.#scope.has(storage)) return;
    this.#scope.remove(storage);
    this.#scope.handOn(storage);
  }

  #letGo(x: Tensor): void {
    drop(x);
    this.#disposeUnheld(x);
  }

  #disposeUnheld(x: Tensor): void {
    if (x.lifted !== null) eachStorage(x, (storage) => storage.holds === 0 && this.#dispose(storage));
    else if (x.storage.holds === 0) this.#dispose(x.storage);
  }

  #dispose(storage: Storage): void {
    if (this.#create || !this.#scope.has(storage)) return;
    this.#scope.remove(storage);
    storage.dispose();
  }
}

function callHook(hook: GradHook, grad: Tensor): Tensor | null {
  const other = hook(grad);
  if (other === undefined || other === null) return null;
  if (!(other instanceof Tensor)) {
    throw new ArgumentTypeError("Cannot use the result of a gradient hook: it must be a Tensor or nothing");
  }
  if (!shapesEqual(other.shape, grad.shape) || other.dtype !== grad.dtype) {
    throw new GradError(
      `Cannot use the result of a gradient hook: it must be ${formatType(grad)}, got ${formatType(other)}`,
    );
  }
  return other;
}

/** Adds to `x.grad`; makes it when there is none. */
function addToGrad(x: Tensor, grad: Tensor, create: boolean): void {
  const before = peekGrad(x);
  if (before === null && !create) putGrad(x, keep(bind("copy", [grad], null)));
  else if (before === null) x.grad = keep(bind("copy", [grad], null));
  else if (create) x.grad = keep(bind("add", [before, grad], null));
  else bindInto([before], "add", [before, grad], null);
}

function rootEdge(root: Tensor): Edge {
  const edge = edgeOf(root);
  if (edge === null) {
    throw new GradError(
      `Cannot run backward from ${
        formatType(root)
      }: element 0 of tensors does not require grad and does not have a gradFn`,
    );
  }
  return edge;
}

function rootGrad(root: Tensor, gradient: Tensor | null | undefined): Tensor {
  if (gradient === null || gradient === undefined) {
    if (numelOf(root.shape) !== 1) {
      throw new GradError(
        `Cannot run backward from ${
          formatType(root)
        }: grad can be implicitly created only for scalar outputs; pass a gradient of its shape`,
      );
    }
    return executeOn(root.backend, "full", { shape: root.shape, value: 1, dtype: root.dtype });
  }
  if (!(gradient instanceof Tensor)) {
    throw new ArgumentTypeError("Cannot run backward: the gradient must be a Tensor or null");
  }
  if (!shapesEqual(gradient.shape, root.shape)) {
    throw new ShapeError(
      `Cannot run backward from ${
        formatType(root)
      }: mismatch in shape, the gradient must have the same shape, got ${formatType(gradient)}`,
    );
  }
  return gradient.dtype === root.dtype ? gradient : bind("cast", [gradient], { dtype: root.dtype });
}

function checkNan(node: Node, results: readonly (Tensor | null)[]): void {
  results.forEach((grad, i) => {
    if (grad === null || grad === undefined || grad.dtype.kind !== "float" || !canRead(grad)) {
      return;
    }
    const bad = bind("any", [bind("isnan", [grad], null)], {
      dims: grad.shape.map((_, d) => d),
      keepdim: false,
    });
    if (bad.dataSync()[0] !== 0) {
      throw new GradError(
        `Cannot go on with backward: ${node.name} returned nan values in its output ${i}. Its forward call:\n${node.trace}`,
      );
    }
  });
}

/** The part of `whole` where a run of `size` lies. */
function placeOf(whole: Tensor, { dim, start }: Piece, size: number): Tensor {
  const shape = whole.shape.map((n, d) => d === dim ? size : n);
  return makeTensor(
    whole.storage,
    shape,
    whole.strides,
    whole.offset + start * whole.strides[dim]!,
    whole.dtype,
  );
}

/** A gradient that arrives in pieces along one dimension. */
class PieceSum {
  /** The gradient; not defined outside of what was written. */
  readonly whole: Tensor;
  readonly #dim: number;
  /** Runs that were written, in order, none of which touch. */
  readonly #runs: (readonly [start: number, stop: number])[] = [];

  constructor(backend: Backend, { whole, dim }: Piece) {
    this.whole = makeEmpty(backend, whole.shape, whole.dtype);
    this.#dim = dim;
  }

  /** Writes a gradient where nothing was written yet; false when something was. */
  write(piece: Piece, grad: Tensor): boolean {
    if (piece.dim !== this.#dim) return false;
    const { start } = piece;
    const size = grad.shape[piece.dim]!;
    const runs = this.#runs;
    let at = 0;
    while (at < runs.length && runs[at]![1] < start) at++;
    let end = at;
    let [from, to] = [start, start + size];
    for (; end < runs.length && runs[end]![0] <= to; end++) {
      const [a, b] = runs[end]!;
      if (a < start + size && b > start) return false;
      [from, to] = [Math.min(from, a), Math.max(to, b)];
    }
    bindInto([placeOf(this.whole, piece, size)], "copy", [grad], null);
    runs.splice(at, end - at, [from, to]);
    return true;
  }

  /** Writes zeros elsewhere. */
  complete(): void {
    let start = 0;
    const size = this.whole.shape[this.#dim]!;
    for (const [from, to] of [...this.#runs, [size, size] as const]) {
      if (from > start) {
        placeOf(this.whole, { whole: this.whole, dim: this.#dim, start }, from - start).zero_();
      }
      start = to;
    }
  }
}

/** Nodes that are ready, the latest made first: a binary heap. */
class NodeQueue {
  readonly #heap: Node[] = [];

  push(node: Node): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(node);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent]!.sequence >= node.sequence) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = node;
  }

  pop(): Node | null {
    const heap = this.#heap;
    const top = heap[0];
    if (top === undefined) return null;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.sequence > heap[child]!.sequence) child++;
      if (heap[child]!.sequence <= last.sequence) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}
