/**
 * Where random numbers come from: generators with a seed and a counter.
 *
 * A generator is a key and a place in the stream of Philox 4x32-10 blocks that belongs to it. Each draw takes the blocks that
 * it needs, so the same seed gives the same numbers on every device, whatever the order of work inside a draw.
 *
 * @module
 */

import { type DType, float64, numelOf, type Shape, uint8, ValueError } from "@flambeau/core";
import { requireTensor } from "./coerce.ts";
import { dataSync, fromData } from "./ops/data.ts";
import type { Tensor } from "./tensor.ts";

/** The seed of a new {@linkcode Generator}, as in PyTorch. */
const DEFAULT_SEED = 67280421310721;
const STATE_BYTES = 16;
const WORD = 2 ** 32;

/** A place in a stream of random blocks: what random primitives take. */
export interface RandomPlace {
  /** The 64-bit key: low and high word. */
  readonly key: readonly [low: number, high: number];
  /** The first block. */
  readonly counter: number;
}

/**
 * A source of random numbers of its own, as `torch.Generator`.
 *
 * @example
 * ```ts
 * const generator = new Generator().manualSeed(0);
 * const x = rand([3], { generator });
 * ```
 */
export class Generator {
  #key: readonly [low: number, high: number] | null;
  #counter = 0;

  /**
   * Starts at the beginning of the stream of a seed.
   *
   * @param seed Default: 67280421310721; null: chosen at random on first use.
   */
  constructor(seed: number | bigint | null = DEFAULT_SEED) {
    this.#key = seed === null ? null : keyOf(seed);
  }

  /** Starts the stream of `seed` from its beginning. Negative seeds wrap to 64 bits. */
  manualSeed(seed: number | bigint): this {
    this.#key = keyOf(seed);
    this.#counter = 0;
    return this;
  }

  /** Starts a stream chosen at random, and gives its seed. */
  seed(): number {
    const words = new Uint32Array(2);
    globalThis.crypto.getRandomValues(words);
    const seed = (words[1]! >>> 11) * WORD + words[0]!; // 53 bits: a number holds it exactly
    this.manualSeed(seed);
    return seed;
  }

  /** The seed of the stream; a bigint where no number holds it exactly. */
  initialSeed(): number | bigint {
    const [low, high] = this.#keyInUse();
    const seed = high * WORD + low;
    return Number.isSafeInteger(seed) ? seed : BigInt(high) * BigInt(WORD) + BigInt(low);
  }

  /** The place in the stream, as 16 bytes. */
  getState(): Tensor {
    const words = new DataView(new ArrayBuffer(STATE_BYTES));
    const [low, high] = this.#keyInUse();
    [low, high, this.#counter % WORD, Math.floor(this.#counter / WORD)].forEach((word, i) =>
      words.setUint32(4 * i, word, true)
    );
    return fromData(new Uint8Array(words.buffer), [STATE_BYTES], uint8);
  }

  /**
   * Returns to a place in a stream.
   *
   * @param state What {@linkcode getState} gave.
   * @throws {ValueError} If it is no state.
   */
  setState(state: Tensor): this {
    const bytes = dataSync(requireTensor("setState", "state", state));
    if (!(bytes instanceof Uint8Array) || bytes.length !== STATE_BYTES) {
      throw new ValueError(
        `Cannot setState: it must be uint8[${STATE_BYTES}], got ${state.dtype.name}[${
          state.shape.join(", ")
        }]`,
      );
    }
    const words = new DataView(bytes.buffer, bytes.byteOffset, STATE_BYTES);
    const [low, high, counter, carry] = [0, 4, 8, 12].map((at) => words.getUint32(at, true));
    this.#key = [low!, high!];
    this.#counter = carry! * WORD + counter!;
    return this;
  }

  /** Takes as many blocks as `count` draws of 32 or 64 bits need. Not for users. */
  take(count: number, wide: boolean): RandomPlace {
    const key = this.#keyInUse();
    const counter = this.#counter;
    this.#counter += Math.ceil((wide ? 2 * count : count) / 4);
    return { key, counter };
  }

  /** The place in the stream, on the host. Not for users. */
  get place(): RandomPlace {
    return { key: this.#keyInUse(), counter: this.#counter };
  }

  /** Returns to a place in a stream. Not for users. */
  set place({ key, counter }: RandomPlace) {
    this.#key = key;
    this.#counter = counter;
  }

  #keyInUse(): readonly [low: number, high: number] {
    if (this.#key === null) this.seed();
    return this.#key!;
  }
}

function keyOf(seed: number | bigint): readonly [low: number, high: number] {
  if (typeof seed === "number" && !Number.isSafeInteger(seed)) {
    throw new ValueError(
      `Cannot seed with ${seed}: it must be an integer, a bigint beyond 2^53, got ${seed}`,
    );
  }
  const bits = BigInt.asUintN(64, BigInt(seed));
  return [Number(bits & 0xffffffffn), Number(bits >> 32n)];
}

/** The generator of all draws that name none. Its seed is chosen at random on first use. */
export const defaultGenerator: Generator = new Generator(null);

/**
 * Seeds the default generator, and gives it back.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.manual_seed.html
 */
export function manualSeed(seed: number | bigint): Generator {
  return defaultGenerator.manualSeed(seed);
}

/** Seeds the default generator at random, and gives the seed. */
export function seed(): number {
  return defaultGenerator.seed();
}

/** The seed of the default generator. */
export function initialSeed(): number | bigint {
  return defaultGenerator.initialSeed();
}

/** The state of the default generator, for {@linkcode setRngState}. */
export function getRngState(): Tensor {
  return defaultGenerator.getState();
}

/** Returns the default generator to a state. */
export function setRngState(state: Tensor): void {
  defaultGenerator.setState(state);
}

/**
 * Runs `body`, then returns the default generator to where it was, as `torch.random.fork_rng`. A promise that `body` returns
 * is awaited.
 */
export function forkRng<R>(body: () => R): R {
  const state = defaultGenerator.getState();
  const restore = () => {
    defaultGenerator.setState(state);
    state.dispose();
  };
  let result: R;
  try {
    result = body();
  } catch (error) {
    restore();
    throw error;
  }
  if (result instanceof Promise) return result.finally(restore) as R;
  restore();
  return result;
}

/** The place for `shape` draws of `dtype` from a generator. */
export function drawPlace(
  shape: Shape,
  dtype: DType,
  generator: Generator | null | undefined,
  span = 0,
): RandomPlace {
  const wide = dtype === float64 || span > WORD;
  return (generator ?? defaultGenerator).take(numelOf(shape), wide);
}

/** Where draws come from. */
export interface GeneratorOption {
  /** The source. Default: the default generator. */
  readonly generator?: Generator | null;
}
