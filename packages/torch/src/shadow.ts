/**
 * Shadows: copies on the host of what a program cannot do without when a GPU is lost.
 *
 * @module
 */

import { ArgumentTypeError, type Backend, type DType, type Shape, viewData } from "@flambeau/core";
import type { AnyModule } from "@flambeau/nn";
import { Generator, type RandomPlace, registeredDevices, type Storage, Tensor } from "@flambeau/tensor";
import { fromData, refill } from "@flambeau/tensor/internal";
import { gpu } from "./enable.ts";

/** Something whose state can be taken out and put back: optimizers, schedules, and what users write. */
export interface Stateful {
  /** The state: numbers, texts and tensors, in arrays, maps and plain objects. */
  stateDict(): unknown;
  /** Takes over such a state. */
  loadStateDict(state: never): unknown;
}

/** What a {@linkcode Shadow} can hold. */
export type Shadowable = Tensor | AnyModule | Stateful | Generator | readonly Shadowable[];

/** A tensor as it lay in the memory of its storage. */
class Saved {
  constructor(
    readonly storage: Storage,
    readonly shape: Shape,
    readonly strides: Shape,
    readonly offset: number,
    readonly dtype: DType,
  ) {}
}

/** The bytes of a storage, and of which time they are. */
interface Copy {
  readonly version: number;
  readonly bytes: Uint8Array;
}

/** All that was copied at one time. */
interface Moment<M> {
  /** What is written back in place. */
  readonly tensors: ReadonlySet<Storage>;
  /** The bytes of all storages. */
  readonly copies: ReadonlyMap<Storage, Copy>;
  readonly states: readonly { readonly thing: Stateful; readonly state: unknown }[];
  readonly places: readonly { readonly generator: Generator; readonly place: RandomPlace }[];
  readonly mark: M | undefined;
}

/** All shadows, in the order of their making. */
export const shadows: Set<Shadow<unknown>> = new Set();

/**
 * Copies on the host, as of the last {@linkcode sync}, of tensors, of the parameters and buffers of modules, of the state of
 * optimizers and schedules, and of the place of generators. `torch.webgpu.shadow` makes one.
 *
 * `M` is what marks a state: the number of the step, say.
 */
export class Shadow<M = number> {
  readonly #tensors: readonly Tensor[];
  readonly #modules: readonly AnyModule[];
  readonly #stateful: readonly Stateful[];
  readonly #generators: readonly Generator[];
  #moment: Moment<M> | null = null;
  #started = 0;
  #finished = 0;

  /**
   * Copies nothing yet.
   *
   * @throws {ArgumentTypeError} If one of `things` has no state that could be copied.
   */
  constructor(things: readonly Shadowable[]) {
    const sorted = { tensors: [], modules: [], stateful: [], generators: [] } as Sorted;
    for (const thing of things) sort(thing, sorted);
    this.#tensors = sorted.tensors;
    this.#modules = sorted.modules;
    this.#stateful = sorted.stateful;
    this.#generators = sorted.generators;
    shadows.add(this as Shadow<unknown>);
  }

  /** What the last finished {@linkcode sync} was called with: the state that a recovery returns to. */
  get mark(): M | undefined {
    return this.#moment?.mark;
  }

  /**
   * Copies the state as it is at the call. The program may go on before it is there: what it changes meanwhile is not in it.
   * Tensors that nobody has written to since the last time are not copied again.
   *
   * @param mark Says which state this is.
   * @throws {DeviceLostError} If the device is lost before the copy is there; then the one before stays.
   */
  async sync(mark?: M): Promise<void> {
    const number = ++this.#started;
    const tensors = new Set(this.#allTensors().map(({ storage }) => storage));
    const all = new Set(tensors);
    const states = this.#stateful.map((thing) => ({
      thing,
      state: clone(thing.stateDict(), ({ storage }) => all.add(storage)),
    }));
    const places = this.#generators.map((generator) => ({ generator, place: generator.place }));
    const copies = await this.#copy(all);
    if (number < this.#finished) return; // a later one was faster
    this.#finished = number;
    this.#moment = { tensors, copies, states, places, mark };
  }

  /** The bytes of storages as they are at the call. */
  async #copy(storages: ReadonlySet<Storage>): Promise<ReadonlyMap<Storage, Copy>> {
    const copies = new Map<Storage, Copy>();
    const changed = new Map<Backend, Storage[]>();
    for (const storage of storages) {
      const before = this.#moment?.copies.get(storage);
      if (before !== undefined && before.version === storage.version) copies.set(storage, before);
      else changed.set(storage.backend, [...changed.get(storage.backend) ?? [], storage]);
    }
    await Promise.all([...changed].map(async ([backend, list]) => {
      const versions = list.map(({ version }) => version);
      const bytes = await readAll(backend, list);
      list.forEach((storage, i) => copies.set(storage, { version: versions[i]!, bytes: bytes[i]! }));
    }));
    return copies;
  }

  /** Ends the shadow: its copies are dropped, and a recovery passes it by. */
  dispose(): void {
    shadows.delete(this as Shadow<unknown>);
    this.#moment = null;
  }

  /** The storages that {@linkcode restore} fills. Not for users. */
  get storages(): Iterable<Storage> {
    return this.#moment?.tensors ?? [];
  }

  /** True when there is a state to return to. Not for users. */
  get isReady(): boolean {
    return this.#moment !== null;
  }

  /** Puts everything back as it was at the last {@linkcode sync}. Gradients are dropped. Not for users. */
  restore(): void {
    if (this.#moment === null) return;
    const { tensors, copies, states, places } = this.#moment;
    const now = new Map(copies);
    for (const storage of tensors) {
      if (storage.isDisposed) continue;
      const { bytes } = copies.get(storage)!;
      refill(storage, bytes);
      now.set(storage, { version: storage.version, bytes });
    }
    for (const x of this.#allTensors()) x.grad = null;
    for (const { thing, state } of states) thing.loadStateDict(revived(state, copies) as never);
    for (const { generator, place } of places) generator.place = place;
    this.#moment = { ...this.#moment, copies: now };
  }

  #allTensors(): Tensor[] {
    return [
      ...this.#tensors,
      ...this.#modules.flatMap((module) => [...module.parameters(), ...module.buffers()]),
    ];
  }
}

interface Sorted {
  readonly tensors: Tensor[];
  readonly modules: AnyModule[];
  readonly stateful: Stateful[];
  readonly generators: Generator[];
}

function sort(thing: Shadowable, into: Sorted): void {
  if (thing instanceof Tensor) into.tensors.push(thing);
  else if (thing instanceof Generator) into.generators.push(thing);
  else if (Array.isArray(thing)) thing.forEach((one) => sort(one, into));
  else if (typeof thing === "function" && "parameters" in thing && "buffers" in thing) {
    into.modules.push(thing as AnyModule);
  } else if (
    typeof thing === "object" && thing !== null && "stateDict" in thing && "loadStateDict" in thing
  ) {
    into.stateful.push(thing as Stateful);
  } else {
    throw new ArgumentTypeError(
      `Cannot shadow ${typeof thing}: it must be a tensor, a module, a generator, or have stateDict() and loadStateDict()`,
    );
  }
}

/** The bytes of storages, as they are at the call. */
function readAll(backend: Backend, storages: readonly Storage[]): Promise<Uint8Array[]> {
  const parts = storages.map(({ buffer, bytes }) => ({ buffer, byteOffset: 0, bytes }));
  if (backend === gpu.backend as Backend | null) return gpu.backend!.readAll(parts);
  return Promise.all(parts.map(({ buffer, bytes }) => backend.read(buffer, 0, bytes)));
}

/** A copy of a state in which {@linkcode Saved} stand for tensors; `note` gets these. */
function clone(state: unknown, note: (x: Tensor) => void): unknown {
  return mapLeaves(state, (value) => {
    if (!(value instanceof Tensor)) return value;
    note(value);
    return new Saved(value.storage, value.shape, value.strides, value.offset, value.dtype);
  });
}

/** A copy of a state with tensors again, on a device that is not lost. */
function revived(state: unknown, copies: ReadonlyMap<Storage, Copy>): unknown {
  const host = registeredDevices().find((name) => name !== "webgpu")!;
  return mapLeaves(state, (value) => {
    if (!(value instanceof Saved)) return value;
    const { storage, shape, strides, offset, dtype } = value;
    const { bytes } = copies.get(storage)!;
    const length = bytes.length / dtype.itemsize;
    const all = fromData(viewData(dtype, bytes.slice().buffer, 0, length), [length], dtype, host);
    return all.asStrided(shape, strides, offset);
  });
}

/** A copy of arrays, maps and plain objects with `change` applied to what is inside. */
function mapLeaves(value: unknown, change: (leaf: unknown) => unknown): unknown {
  const inner = (item: unknown): unknown => mapLeaves(item, change);
  if (Array.isArray(value)) return value.map(inner);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, inner(item)]));
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(item)]));
  }
  return change(value);
}
