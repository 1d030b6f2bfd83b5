/**
 * Turns a graph into a program: fused nodes that the backend lacks are decomposed, views become geometries, and every
 * result gets its place in the arena or in an output.
 *
 * @module
 */

import {
  type Attrs,
  type Aval,
  type Bind,
  contiguousStrides,
  endOf,
  formatAttrs,
  formatShape,
  formatType,
  type FusedName,
  type Graph,
  type GraphValue,
  inferAll,
  type Inputs,
  isContiguous,
  type KernelName,
  type Layout,
  type Name,
  numelOf,
  pointwiseNames,
  type Program,
  type ProgramOperand,
  type ProgramSlot,
  type ProgramStep,
  removeDeadNodes,
  ShapeError,
  shapesEqual,
  viewLayouts,
  type ViewName,
  viewNames,
  viewStrides,
} from "@flambeau/core";
import { type Decomposition, decompositions } from "./decompose.ts";
import { type Interval, planMemory } from "./plan_memory.ts";

/** Memory of one result or input, not yet placed. Nothing is written into it after the step that makes it. */
interface Storage {
  readonly bytes: number;
  /** Set for inputs and outputs of the program. */
  readonly boundary: ProgramSlot | null;
}

/** A value during lowering: a geometry over a storage. */
export interface Lowered extends Layout, Aval {
  /** Where the elements live. */
  readonly storage: Storage;
  /** Element of the storage that `asStrided` counts from: not 0 where a copy was left out. */
  readonly origin: number;
}

/** A step whose operands are not yet placed. */
interface LoweredStep {
  readonly name: KernelName;
  readonly inputs: readonly Lowered[];
  readonly outputs: readonly Lowered[];
  readonly attrs: Attrs<KernelName>;
}

/**
 * Says whether the backend has a kernel for a fused primitive on these operands. Outputs are contiguous.
 * Core primitives are not asked about: every backend has them.
 */
export type Accepts = (
  name: FusedName,
  inputs: readonly (Layout & Aval)[],
  outputs: readonly (Layout & Aval)[],
  attrs: Attrs<FusedName>,
) => boolean;

/**
 * The program that computes `graph`. Inputs and outputs are contiguous; outputs never alias inputs or one another.
 *
 * @param accepts Which fused primitives stay. Default: none.
 * @throws {ShapeError} If an `asStrided` view reaches beyond the memory of its input.
 */
export function lower(graph: Graph, accepts: Accepts = () => false): Program {
  const { inputs, nodes, outputs } = removeDeadNodes(graph);
  const lowering = new Lowering(accepts);
  const values = new Map<GraphValue, Lowered>();
  const programInputs = inputs.map((value) => {
    const bytes = bytesOf(value);
    const input = dense(value, { bytes, boundary: { kind: "input", bytes, label: value.label } });
    values.set(value, input);
    return input;
  });
  for (const node of nodes) {
    const operands = node.inputs.map((value) => values.get(value)!);
    lowering.apply(node.name, operands, node.attrs).forEach((value, i) =>
      values.set(node.outputs[i]!, value)
    );
  }
  return place(lowering.steps, programInputs, outputs.map((value) => values.get(value)!));
}

/** Applies primitives: views at once, the rest as steps. */
class Lowering {
  readonly steps: LoweredStep[] = [];
  readonly #accepts: Accepts;
  /** Results of primitives without inputs, by their attributes: equal ones are made once. */
  readonly #constants: Map<string, readonly Lowered[]> = new Map();

  constructor(accepts: Accepts) {
    this.#accepts = accepts;
  }

  readonly bind: Bind<Lowered> = (<P extends Name>(name: P, inputs: Inputs<P, Lowered>, attrs: Attrs<P>) => {
    const outputs = this.apply(name, inputs as readonly Lowered[], attrs);
    return outputs.length > 1 ? outputs : outputs[0];
  }) as Bind<Lowered>;

  apply(name: Name, inputs: readonly Lowered[], attrs: Attrs<Name>): readonly Lowered[] {
    if (viewNames.has(name as ViewName)) return [this.#view(name as ViewName, inputs[0]!, attrs)];
    if (name === "copy" && isDense(inputs[0]!)) return [{ ...inputs[0]!, origin: inputs[0]!.offset }];
    if (inputs.length > 0) return this.#compute(name as KernelName, inputs, attrs as Attrs<KernelName>);
    const key = `${name}(${formatAttrs(attrs).join(", ")})`;
    const known = this.#constants.get(key) ??
      this.#compute(name as KernelName, inputs, attrs as Attrs<KernelName>);
    this.#constants.set(key, known);
    return known;
  }

  #view(name: ViewName, x: Lowered, attrs: Attrs<Name>): Lowered {
    if (name === "view" && viewStrides(x.shape, x.strides, (attrs as Attrs<"view">).shape) === null) {
      return this.#view(name, this.bind("copy", [x], null), attrs);
    }
    const rule = viewLayouts[name] as (x: Layout, attrs: Attrs<Name>) => Layout;
    const layout = rule(x, attrs);
    if (name !== "asStrided") return { ...x, ...layout };
    const moved = { ...layout, offset: layout.offset + x.origin };
    if (endOf(moved) * x.dtype.itemsize > x.storage.bytes) {
      throw new ShapeError(
        `Cannot view as strided ${formatType(x)} with shape ${formatShape(layout.shape)}, strides ${
          formatShape(layout.strides)
        } and offset ${layout.offset}: it must end within ${
          x.storage.bytes / x.dtype.itemsize - x.origin
        } elements, got ${endOf(layout)}`,
      );
    }
    return { ...x, ...moved };
  }

  #compute(
    name: KernelName,
    inputs: readonly Lowered[],
    attrs: Attrs<KernelName>,
  ): readonly Lowered[] {
    const outputs = inferAll(name, inputs, attrs).map((type) =>
      dense(type, { bytes: bytesOf(type), boundary: null })
    );
    if (outputs.every(isEmpty)) return outputs;
    const stays = !isFused(name) ||
      !outputs.some(isEmpty) && this.#accepts(name, inputs, outputs, attrs as Attrs<FusedName>);
    if (!stays) return this.#decompose(name, inputs, attrs as Attrs<FusedName>);
    this.steps.push({ name, inputs, outputs, attrs });
    return outputs;
  }

  #decompose<P extends FusedName>(
    name: P,
    inputs: readonly Lowered[],
    attrs: Attrs<P>,
  ): readonly Lowered[] {
    const rule = decompositions[name] as Decomposition<P>;
    const made = rule(this.bind, inputs as unknown as Inputs<P, Lowered>, attrs);
    return (Array.isArray(made) ? made : [made]) as readonly Lowered[];
  }
}

function isFused(name: KernelName): name is FusedName {
  return name in decompositions;
}

/** Gives every storage its slot, and every output a storage of its own. */
function place(
  steps: readonly LoweredStep[],
  inputs: readonly Lowered[],
  outputs: readonly Lowered[],
): Program {
  const homes = new Homes();
  const copies: LoweredStep[] = [];
  const programOutputs = outputs.map((value) => {
    const bytes = bytesOf(value);
    const target = dense(value, { bytes, boundary: { kind: "output", bytes } });
    if (coversStorage(value) && homes.of(value).boundary === null) homes.move(value.storage, target.storage);
    else if (!isEmpty(value)) copies.push({ name: "copy", inputs: [value], outputs: [target], attrs: null });
    return target;
  });
  const live = withoutUnread([...steps, ...copies], programOutputs, homes);
  shareInPlace(live, homes);

  const intervals = intervalsOf(live, homes);
  const storages = [
    ...new Set([
      ...inputs.map(({ storage }) => storage),
      ...intervals.keys(),
      ...programOutputs.map(({ storage }) => storage),
    ]),
  ];
  const inArena = storages.filter((storage) => storage.boundary === null);
  const { arenaBytes, offsets } = planMemory(inArena.map((storage) => intervals.get(storage)!));
  const starts = new Map(inArena.map((storage, i) => [storage, offsets[i]!]));
  const numbers = new Map(storages.map((storage, i) => [storage, i]));
  const operand = (value: Lowered): ProgramOperand => ({
    slot: numbers.get(homes.of(value))!,
    dtype: value.dtype,
    shape: value.shape,
    strides: value.strides,
    offset: value.offset,
  });
  return {
    arenaBytes,
    slots: storages.map((storage) =>
      storage.boundary ?? { kind: "arena", bytes: storage.bytes, offset: starts.get(storage)! }
    ),
    inputs: inputs.map(operand),
    outputs: programOutputs.map(operand),
    steps: live.map(({ name, inputs, outputs, attrs }): ProgramStep => ({
      name,
      inputs: inputs.map(operand),
      outputs: outputs.map(operand),
      attrs,
    })),
  };
}

/** Storages that moved into others. */
class Homes {
  readonly #moved: Map<Storage, Storage> = new Map();

  /** Where the elements of `value` live in the end. */
  of(value: Lowered): Storage {
    let storage = value.storage;
    for (let next; (next = this.#moved.get(storage)) !== undefined;) storage = next;
    return storage;
  }

  move(from: Storage, to: Storage): void {
    this.#moved.set(from, to);
  }
}

/** The steps whose results are read by a later one or are outputs. */
function withoutUnread(
  steps: readonly LoweredStep[],
  outputs: readonly Lowered[],
  homes: Homes,
): LoweredStep[] {
  const wanted = new Set(outputs.map(({ storage }) => storage));
  const kept: LoweredStep[] = [];
  for (let i = steps.length - 1; i >= 0; i--) {
    const step = steps[i]!;
    if (!step.outputs.some((value) => wanted.has(homes.of(value)))) continue;
    step.inputs.forEach((value) => wanted.add(homes.of(value)));
    kept.push(step);
  }
  return kept.reverse();
}

/** Lets pointwise steps write over an operand in the arena that is read for the last time. */
function shareInPlace(steps: readonly LoweredStep[], homes: Homes): void {
  const intervals = intervalsOf(steps, homes);
  const lastUse = new Map([...intervals].map(([storage, { last }]) => [storage, last]));
  steps.forEach(({ name, inputs, outputs }, i) => {
    if (!pointwiseNames.has(name)) return;
    for (const output of outputs) {
      const storage = homes.of(output);
      if (storage.boundary !== null) continue;
      const fits = (input: Lowered) => coversStorage(input) && shapesEqual(input.shape, output.shape);
      const free = inputs.find((input) => {
        const home = homes.of(input);
        return home.boundary === null && lastUse.get(home) === i && input.dtype === output.dtype &&
          inputs.every((other) => homes.of(other) !== home || fits(other)) &&
          outputs.every((other) => homes.of(other) !== home);
      });
      if (free === undefined) continue;
      const home = homes.of(free);
      homes.move(storage, home);
      lastUse.set(home, lastUse.get(storage)!);
    }
  });
}

/** The steps between which each storage holds something. */
function intervalsOf(steps: readonly LoweredStep[], homes: Homes): Map<Storage, Interval> {
  const intervals = new Map<Storage, Interval>();
  steps.forEach(({ inputs, outputs }, i) => {
    for (const value of [...inputs, ...outputs]) {
      const storage = homes.of(value);
      intervals.set(storage, { bytes: storage.bytes, first: intervals.get(storage)?.first ?? i, last: i });
    }
  });
  return intervals;
}

function dense({ shape, dtype }: Aval, storage: Storage): Lowered {
  return { storage, dtype, shape, strides: contiguousStrides(shape), offset: 0, origin: 0 };
}

function isDense(x: Lowered): boolean {
  return isContiguous(x.shape, x.strides);
}

/** True when x is its whole storage in order. */
function coversStorage(x: Lowered): boolean {
  return isDense(x) && bytesOf(x) === x.storage.bytes;
}

function isEmpty(x: Aval): boolean {
  return numelOf(x.shape) === 0;
}

function bytesOf(x: Aval): number {
  return numelOf(x.shape) * x.dtype.itemsize;
}
