/**
 * The tape: notes each operation as a node of the graph, in-place ones and views included.
 *
 * @module
 */

import {
  type Attrs,
  type Aval,
  formatType,
  GradError,
  type Inputs,
  isContiguous,
  type Name,
} from "@flambeau/core";
import type { GradNode, Tensor } from "@flambeau/tensor";
import {
  bind,
  evaluate,
  newGradMeta,
  type Storage,
  type Tape,
  temporaries,
  transforms,
} from "@flambeau/tensor/internal";
import { derivativeOf } from "./derivatives.ts";
import { runBackward } from "./engine.ts";
import { nodeName } from "./names.ts";
import { type Edge, edgeOf, Node, type Piece, SavedTensor, saving, secondPass, snapshot } from "./node.ts";
import { type BackwardContext, type Derivative, type Geometry, INPUTS, OUTPUT, row } from "./row.ts";
import { zeros } from "./math.ts";
import { sumTo } from "./sum_to.ts";

/** The node of a primitive. */
class PrimitiveNode<P extends Name> extends Node {
  readonly #name: P;
  readonly #rule: Derivative<P>;
  readonly #attrs: Attrs<P>;
  readonly #avals: readonly Aval[];
  readonly #savedInputs: (SavedTensor | null)[];
  readonly #savedOutputs: (SavedTensor | null)[] = [];
  readonly #needs: readonly boolean[];

  constructor(
    name: P,
    rule: Derivative<P>,
    attrs: Attrs<P>,
    avals: readonly Aval[],
    edges: readonly (Edge | null)[],
    outputs: readonly Aval[],
    saved: (SavedTensor | null)[],
    needs: readonly boolean[],
  ) {
    super(nodeName(name), edges, outputs);
    this.#needs = needs;
    this.#name = name;
    this.#rule = rule;
    this.#attrs = attrs;
    this.#avals = avals;
    this.#savedInputs = saved;
  }

  saveOutput(index: number, tensor: Tensor): void {
    this.#savedOutputs[index] = new SavedTensor(tensor);
  }

  override get piece(): Piece | null {
    return this.#name === "slice" ? pieceOf(this.#avals[0]!, this.#attrs as Attrs<"slice">) : null;
  }

  override apply(grads: readonly (Tensor | null)[], spends: boolean): readonly (Tensor | null)[] {
    if (grads.every((grad) => grad === null)) return this.edges.map(() => null);
    // This runs once for every operation of every pass: no more objects than it takes.
    const inputs: (Tensor | undefined)[] = [];
    for (const saved of this.#savedInputs) inputs.push(saved === null ? undefined : saved.unpack());
    const isSingle = this.outputs.length === 1;
    const output = isSingle
      ? this.#savedOutputs[0]?.unpack()
      : this.outputs.map((_, i) => this.#savedOutputs[i]?.unpack());
    const context = {
      inputs,
      output,
      avals: this.#avals,
      attrs: this.#attrs,
      needs: this.#needs,
      spends,
    } as unknown as BackwardContext<P>;
    const grad = (isSingle ? grads[0] : grads) as Parameters<Derivative<P>["backward"]>[0];
    return temporaries(() => {
      const made = this.#rule.backward(grad, context);
      const sums: (Tensor | null)[] = [];
      for (let i = 0; i < made.length; i++) {
        const g = made[i];
        sums.push(
          g === null || g === undefined || this.edges[i] === null ? null : sumTo(g, this.#avals[i]!),
        );
      }
      return sums as Tensor[];
    });
  }

  override release(): void {
    for (const saved of this.#savedInputs) saved?.release();
    for (const saved of this.#savedOutputs) saved?.release();
  }

  override *heldStorages(): Iterable<Storage> {
    for (const saved of this.#savedInputs) if (saved) yield* saved.storages;
    for (const saved of this.#savedOutputs) if (saved) yield* saved.storages;
  }
}

/** The run that a slice reads; null when it leaves elements out on the way, or cuts several dimensions. */
function pieceOf(whole: Aval, { starts, stops, steps }: Attrs<"slice">): Piece | null {
  let found = -1;
  for (let d = 0; d < whole.shape.length; d++) {
    if (starts[d] === 0 && stops[d] === whole.shape[d] && steps[d] === 1) continue;
    if (found >= 0 || steps[d] !== 1 || stops[d]! <= starts[d]!) return null;
    found = d;
  }
  return found < 0 ? null : { whole, dim: found, start: starts[found]! };
}

/**
 * Dimensions from the largest step to the smallest, when `x` fills its memory without gaps in that order; null otherwise.
 */
function memoryOrder(x: Tensor): number[] | null {
  const order = x.shape.map((_, d) => d).sort((a, b) => x.strides[b]! - x.strides[a]! || a - b);
  const sorted = order.map((d) => x.shape[d]!);
  return isContiguous(sorted, order.map((d) => x.strides[d]!)) ? order : null;
}

/** The node of a base after a view of it was written: outside of the view as before, inside what was written. */
class CopySlices extends Node {
  readonly #geometry: { shape: readonly number[]; strides: readonly number[]; offset: number };
  readonly #order: readonly number[];
  readonly #back: readonly number[];
  #released = false;

  /** @param order Dimensions of the base in the order of its memory. */
  constructor(base: Tensor, order: readonly number[], view: Tensor, edges: readonly (Edge | null)[]) {
    super("CopySlices", edges, [{ shape: base.shape, dtype: base.dtype }]);
    // Gradients are laid out in memory as the base is: the geometry is kept relative to that.
    this.#geometry = { shape: view.shape, strides: view.strides, offset: view.offset - base.offset };
    this.#order = order;
    this.#back = order.map((_, d) => order.indexOf(d));
  }

  override apply([grad]: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    if (this.#released) throw secondPass();
    if (grad === null || grad === undefined) return [null, null];
    return temporaries(() => {
      const laidOut = bind("permute", [grad], { dims: this.#order });
      const packed = bind("copy", [laidOut], null);
      const inside = bind("copy", [bind("asStrided", [packed], this.#geometry)], null);
      if (this.edges[0] === null) return [null, inside] as unknown as Tensor[];
      const outside = bind("copy", [laidOut], null);
      bind("asStrided", [outside], this.#geometry).zero_();
      return [bind("permute", [outside], { dims: this.#back }), inside];
    });
  }

  override release(): void {
    this.#released = true;
  }
}

function checkWritable(target: Tensor): void {
  if (target.isInference) {
    throw new GradError(
      `Cannot write ${
        formatType(target)
      } in place: it was made in inferenceMode and cannot be part of a recorded operation; clone() it`,
    );
  }
  if (target.isLeaf && target.requiresGrad) {
    throw new GradError(
      `Cannot write ${
        formatType(target)
      } in place: a leaf Variable that requires grad is being used in an in-place operation; wrap it in noGrad()`,
    );
  }
  const base = target.base;
  if (base !== null && base.isLeaf && target.requiresGrad) {
    throw new GradError(
      `Cannot write ${
        formatType(target)
      } in place: a view of a leaf Variable that requires grad is being used in an in-place operation; wrap it in noGrad()`,
    );
  }
}

/** Makes `target` the output `outputNr` of `node`, through its base when it is a view. */
function setHistory(target: Tensor, node: Node, outputNr: number): void {
  const base = target.base;
  if (base === null) {
    const meta = target.gradMeta ??= newGradMeta();
    meta.node = node;
    meta.outputNr = outputNr;
    meta.requiresGrad = false;
    meta.hooks = null;
    meta.rebases++;
    return;
  }
  const order = memoryOrder(base);
  if (order === null) {
    throw new GradError(
      `Cannot write a view of ${
        formatType(base)
      } in place while recording: its base must fill its memory; clone() the view or its base first`,
    );
  }
  const meta = base.gradMeta ??= newGradMeta();
  const copy = new CopySlices(base, order, target, [edgeOf(base), { node, outputNr }]);
  meta.node = copy;
  meta.outputNr = 0;
  meta.requiresGrad = false;
  meta.rebases++;
}

function asList(outputs: Tensor | readonly Tensor[]): readonly Tensor[] {
  return Array.isArray(outputs) ? outputs as readonly Tensor[] : [outputs as Tensor];
}

function attach(outputs: readonly Tensor[], node: Node): void {
  outputs.forEach((output, i) => {
    if (output.dtype.kind !== "float") return;
    const meta = output.gradMeta ??= newGradMeta();
    meta.node = node;
    meta.outputNr = i;
    saving.segment?.note(output);
    if (output.base !== null) meta.rebases = output.base.gradMeta?.rebases ?? 0;
  });
}

/** The edges of an operation. Inside a transform only tensors that belong to it have one: others are recorded further out. */
function edgesOf(inputs: readonly Tensor[], targets: readonly Tensor[]): (Edge | null)[] {
  if (transforms.active === null) return inputs.map(edgeOf);
  const depthOf = (x: Tensor): number => x.lifted === null ? 0 : x.lifted.level.depth;
  const depth = Math.max(...inputs.map(depthOf), ...targets.map(depthOf));
  return inputs.map((x) => depthOf(x) === depth ? edgeOf(x) : null);
}

function makeNode<P extends Name>(
  name: P,
  rule: Derivative<P>,
  inputs: readonly Tensor[],
  attrs: Attrs<P>,
  outputs: readonly Tensor[],
  targets: readonly Tensor[],
): { node: PrimitiveNode<P>; mask: number } {
  const edges = edgesOf(inputs, targets);
  const needs: boolean[] = [];
  for (const edge of edges) needs.push(edge !== null);
  const mask = rule.saves(needs, attrs);
  for (const input of inputs) {
    if (input.isInference) {
      throw new GradError(
        `Cannot record ${name} of ${
          formatType(input)
        }: inference tensors cannot be saved for backward; clone() it outside inferenceMode`,
      );
    }
  }
  const saved: (SavedTensor | null)[] = [];
  const avals: Geometry[] = [];
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i]!;
    const { shape, dtype, strides, offset } = input;
    avals.push({ shape, dtype, strides, offset });
    if ((mask & (1 << Math.min(i, 15))) === 0) {
      saved.push(null);
      continue;
    }
    const overwritten = targets.some((target) => target.storage === input.storage);
    saved.push(
      new SavedTensor(
        overwritten ? snapshot(input, () => evaluate("copy", [input], null) as Tensor) : input,
      ),
    );
  }
  const kinds: Aval[] = [];
  for (const { shape, dtype } of outputs) kinds.push({ shape, dtype });
  return { node: new PrimitiveNode(name, rule, attrs, avals, edges, kinds, saved, needs), mask };
}

function saveOutputs<P extends Name>(node: PrimitiveNode<P>, mask: number, outputs: readonly Tensor[]): void {
  outputs.forEach((output, i) => {
    if ((mask & (OUTPUT << i)) !== 0) node.saveOutput(i, output);
  });
}

/** The tape that `installAutograd` puts into the slot of the tensor floor. */
export const recordingTape: Tape = {
  record<P extends Name>(
    name: P,
    inputs: Inputs<P, Tensor>,
    attrs: Attrs<P>,
    outputs: Tensor | readonly Tensor[],
  ): void {
    const rule = derivativeOf(name);
    if (rule === null) return;
    const list = asList(outputs);
    if (!list.some((output) => output.dtype.kind === "float")) return;
    const { node, mask } = makeNode(name, rule, inputs as readonly Tensor[], attrs, list, []);
    attach(list, node);
    saveOutputs(node, mask, list);
  },

  recordFormula(label, inputs, output, gradient): void {
    // A node as those of primitives; which one is of no matter, because its rule is here.
    const rule = row<"alias">(INPUTS, (g, context) => {
      const { inputs, needs } = context as unknown as {
        inputs: readonly Tensor[];
        needs: readonly boolean[];
      };
      return gradient(g, inputs, needs);
    });
    const { node } = makeNode(
      "alias",
      rule,
      inputs as unknown as Inputs<"alias", Tensor>,
      null,
      [output],
      [],
    );
    node.name = label;
    attach([output], node);
  },

  recordInto<P extends Name>(
    name: P,
    inputs: Inputs<P, Tensor>,
    attrs: Attrs<P>,
    targets: readonly Tensor[],
    write: () => void,
  ): void {
    targets.forEach(checkWritable);
    const rule = derivativeOf(name);
    if (rule === null) {
      write();
      for (const target of targets) {
        if (target.requiresGrad) setHistory(target, new Overwrite(target, null), 0);
      }
      return;
    }
    const { node, mask } = makeNode(name, rule, inputs as readonly Tensor[], attrs, targets, targets);
    write();
    targets.forEach((target, i) => {
      if (target.dtype.kind !== "float") return;
      const kept = !target.requiresGrad || (inputs as readonly Tensor[]).includes(target);
      if (kept) setHistory(target, node, i);
      else setHistory(target, new Overwrite(target, { node, outputNr: i }), 0);
    });
    saveOutputs(node, mask, targets);
  },

  replace(target: Tensor, compute: (before: Tensor) => Tensor, write: (value: Tensor) => void): void {
    temporaries(() => {
      const before = target.requiresGrad
        ? snapshot(target, () => evaluate("copy", [target], null) as Tensor)
        : target;
      const value = compute(before);
      const edge = edgeOf(value);
      if (edge !== null || target.requiresGrad) checkWritable(target);
      if (value.dtype !== target.dtype && edge !== null) {
        write(value);
        const cast = bind("cast", [value], { dtype: target.dtype });
        setHistory(target, cast.gradFn as Node, 0);
        return null;
      }
      write(value);
      if (edge !== null) setHistory(target, edge.node, edge.outputNr);
      else if (target.requiresGrad) setHistory(target, new Overwrite(target, null), 0);
      return null;
    });
  },

  gradFn(x: Tensor): GradNode | null {
    const base = x.base!;
    const rebases = base.gradMeta?.rebases ?? 0;
    if (rebases > (x.gradMeta?.rebases ?? 0)) {
      const edge = edgeOf(base);
      const meta = x.gradMeta ??= newGradMeta();
      meta.rebases = rebases;
      meta.outputNr = 0;
      if (edge === null) meta.node = null;
      else {
        const attrs = { shape: x.shape, strides: x.strides, offset: x.offset };
        const { node } = makeNode("asStrided", derivativeOf("asStrided")!, [base], attrs, [x], []);
        meta.node = node;
      }
    }
    return x.gradMeta?.node ?? null;
  },

  backward(x, gradient, options): void {
    runBackward([x], [gradient], options);
  },

  heldStorages(x: Tensor): Iterable<object> {
    const found = new Set<object>();
    const seen = new Set<Node>();
    const stack: Node[] = [];
    const edge = edgeOf(x);
    if (edge !== null) stack.push(edge.node);
    while (stack.length > 0) {
      const node = stack.pop()!;
      if (seen.has(node)) continue;
      seen.add(node);
      for (const storage of node.heldStorages()) found.add(storage);
      for (const next of node.edges) if (next !== null) stack.push(next.node);
    }
    return found;
  },
};

/** The node of a value that was written over: nothing of the gradient goes to the old value, all of it to the new one. */
class Overwrite extends Node {
  constructor(target: Tensor, written: Edge | null) {
    super("CopyBackwards", [edgeOf(target), written], [{ shape: target.shape, dtype: target.dtype }]);
  }

  override apply([grad]: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    if (grad === null || grad === undefined) return [null, null];
    return [this.edges[0] === null ? null : zeros(grad, grad.shape), grad];
  }
}

/** The node of a copy to another device: gradients travel back to where the value came from. */
class MoveNode extends Node {
  readonly #device: string;

  constructor(from: Tensor, to: Tensor) {
    super("ToCopyBackward0", [edgeOf(from)], [{ shape: to.shape, dtype: to.dtype }]);
    this.#device = from.backend.name;
  }

  override apply([grad]: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    return [grad === null || grad === undefined ? null : grad.to(this.#device)];
  }
}

/** Notes that `to` is a copy of `from` on another device. */
export function recordMove(from: Tensor, to: Tensor): void {
  attach([to], new MoveNode(from, to));
}
