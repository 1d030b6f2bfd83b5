/**
 * Sequences of different lengths in one batch: `torch.nn.utils.rnn`.
 *
 * A packed sequence holds only the steps that exist: those of all samples at time 0, then at time 1, and so on, the longest
 * sample first. Lengths are kept on the host.
 *
 * @module
 */

import { ArgumentTypeError, type DType, formatType, ShapeError, ValueError } from "@flambeau/core";
import {
  type Args,
  cat,
  type DeviceLike,
  full,
  narrow,
  pad,
  reshape,
  stack,
  Tensor,
  tensor,
} from "@flambeau/tensor";
import { bind, named, requireTensor, temporaries } from "@flambeau/tensor/internal";

/** Lengths of the samples of a batch: a tensor of integers or numbers. */
export type SequenceLengths = Tensor | readonly number[];

/**
 * The steps of a batch of sequences, time by time.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.PackedSequence.html
 */
export class PackedSequence {
  /** All steps, `[total, …]`. */
  readonly data: Tensor;
  /** How many samples have a step at each time. */
  readonly batchSizes: readonly number[];
  /** Which sample of the batch comes first, second, …; null when they were sorted by length. */
  readonly sortedIndices: Tensor | null;
  /** Where each sample of the batch is; null when they were sorted by length. */
  readonly unsortedIndices: Tensor | null;

  /** Made by {@linkcode packPaddedSequence} and {@linkcode packSequence}. */
  constructor(
    data: Tensor,
    batchSizes: readonly number[],
    sortedIndices: Tensor | null = null,
    unsortedIndices: Tensor | null = null,
  ) {
    this.data = data;
    this.batchSizes = batchSizes;
    this.sortedIndices = sortedIndices;
    this.unsortedIndices = unsortedIndices ?? invertPermutation(sortedIndices);
  }

  /** The packed sequence with other data of the same steps. */
  with(data: Tensor): PackedSequence {
    return new PackedSequence(data, this.batchSizes, this.sortedIndices, this.unsortedIndices);
  }

  /** The packed sequence with its data moved or converted. */
  to(target: DType | DeviceLike | Tensor): PackedSequence {
    const data = this.data.to(target);
    const move = (x: Tensor | null) => x === null ? null : x.to(data.device);
    return new PackedSequence(data, this.batchSizes, move(this.sortedIndices), move(this.unsortedIndices));
  }
}

/** The permutation that undoes another; null for none. */
export function invertPermutation(permutation: Tensor | null): Tensor | null {
  if (permutation === null) return null;
  const order = numbersOf(permutation);
  const inverse = new Array<number>(order.length).fill(0);
  order.forEach((place, i) => inverse[place] = i);
  return tensor(inverse, { dtype: "int32", device: permutation.device });
}

function numbersOf(values: SequenceLengths): number[] {
  return values instanceof Tensor
    ? Array.from(values.dataSync() as ArrayLike<number | bigint>, Number)
    : [...values as readonly number[]];
}

function places(values: readonly number[], like: Tensor): Tensor {
  return tensor([...values], { dtype: "int32", device: like.device });
}

/** How many samples have a step at each time. */
function batchSizesOf(lengths: readonly number[]): number[] {
  return Array.from(
    { length: Math.max(0, ...lengths) },
    (_, t) => lengths.filter((length) => length > t).length,
  );
}

function isDescending(lengths: readonly number[]): boolean {
  return lengths.every((length, i) => i === 0 || lengths[i - 1]! >= length);
}

function requireSequences(op: string, sequences: readonly Tensor[]): void {
  if (!Array.isArray(sequences) || sequences.length === 0) {
    throw new ArgumentTypeError(`Cannot ${op}: the sequences must be an array of one Tensor or more`);
  }
  sequences.forEach((sequence) => requireTensor(op, "sequences", sequence));
}

/** Options of {@linkcode padSequence}. */
export interface PadSequenceOptions {
  /** Whether the batch is the first dimension, else the second. Default false. */
  readonly batchFirst?: boolean;
  /** What fills the shorter ones. Default 0. */
  readonly paddingValue?: number;
  /** Where the shorter ones are filled. Default `"right"`. */
  readonly paddingSide?: "right" | "left";
}

/**
 * Sequences of different lengths in one tensor: `[L, …]` each → `[T, B, …]` or `[B, T, …]`.
 *
 * @throws {ShapeError} If they differ in more than their lengths.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_sequence.html
 */
export function padSequence(
  sequences: readonly Tensor[],
  ...args: Args<PadSequenceOptions, ["batchFirst", "paddingValue", "paddingSide"]>
): Tensor {
  requireSequences("padSequence", sequences);
  const names = ["batchFirst", "paddingValue", "paddingSide"] as const;
  const options = named<PadSequenceOptions>("padSequence", args, names);
  const { batchFirst = false, paddingValue = 0, paddingSide = "right" } = options;
  if (paddingSide !== "right" && paddingSide !== "left") {
    throw new ValueError(`Cannot padSequence: paddingSide must be "right" or "left", got ${paddingSide}`);
  }
  const rest = sequences[0]!.shape.slice(1).join();
  for (const sequence of sequences) {
    if (sequence.ndim === 0 || sequence.shape.slice(1).join() !== rest) {
      throw new ShapeError(
        `Cannot padSequence ${
          sequences.map(formatType).join(", ")
        }: they must differ in their first size only`,
      );
    }
  }
  const longest = Math.max(...sequences.map((sequence) => sequence.shape[0]!));
  return temporaries(() => {
    const padded = sequences.map((sequence) => {
      const missing = longest - sequence.shape[0]!;
      const sides = sequence.shape.slice(1).flatMap(() => [0, 0]);
      return pad(
        sequence,
        [...sides, ...(paddingSide === "right" ? [0, missing] : [missing, 0])],
        "constant",
        paddingValue,
      );
    });
    return stack(padded, batchFirst ? 0 : 1);
  });
}

/**
 * The sequences behind {@linkcode padSequence}.
 *
 * @throws {ShapeError} If there is not a length for each.
 */
export function unpadSequence(
  padded: Tensor,
  lengths: SequenceLengths,
  batchFirst: boolean | { readonly batchFirst?: boolean } = false,
): Tensor[] {
  requireTensor("unpadSequence", "paddedSequences", padded);
  const first = typeof batchFirst === "boolean" ? batchFirst : batchFirst.batchFirst ?? false;
  const batch = padded.shape[first ? 0 : 1]!;
  const list = numbersOf(lengths);
  if (list.length !== batch) {
    throw new ShapeError(
      `Cannot unpadSequence ${
        formatType(padded)
      }: there must be a length for each of ${batch}, got ${list.length}`,
    );
  }
  return list.map((length, i) => narrow(padded.select(first ? 0 : 1, i), 0, 0, length));
}

/** Options of {@linkcode packPaddedSequence}. */
export interface PackOptions {
  /** Whether the batch is the first dimension, else the second. Default false. */
  readonly batchFirst?: boolean;
  /** Whether the lengths must descend already. Default true. */
  readonly enforceSorted?: boolean;
}

/**
 * The steps of padded sequences that exist.
 *
 * Shapes: input `[T, B, …]`, or `[B, T, …]` with `batchFirst`.
 *
 * @throws {ValueError} If a length is not in [1, T], or lengths do not descend although `enforceSorted`.
 * @throws {ShapeError} If there is not a length for each sample.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_padded_sequence.html
 */
export function packPaddedSequence(
  input: Tensor,
  lengths: SequenceLengths,
  ...args: Args<PackOptions, ["batchFirst", "enforceSorted"]>
): PackedSequence {
  requireTensor("packPaddedSequence", "input", input);
  const options = named<PackOptions>("packPaddedSequence", args, ["batchFirst", "enforceSorted"]);
  const { batchFirst = false, enforceSorted = true } = options;
  const what = `Cannot packPaddedSequence ${formatType(input)}`;
  const list = numbersOf(lengths);
  const [steps, batch] = [input.shape[batchFirst ? 1 : 0]!, input.shape[batchFirst ? 0 : 1]!];
  if (input.ndim < 2 || list.length !== batch) {
    throw new ShapeError(`${what}: there must be a length for each of ${batch} samples, got ${list.length}`);
  }
  for (const length of list) {
    if (!(Number.isInteger(length) && length > 0 && length <= steps)) {
      throw new ValueError(`${what}: lengths must be in [1, ${steps}], got ${length}`);
    }
  }
  if (enforceSorted && !isDescending(list)) {
    throw new ValueError(
      `${what}: lengths must descend when enforceSorted is true, got [${
        list.join(", ")
      }]; pass enforceSorted: false ` +
        "to have them sorted",
    );
  }
  const order = list.map((_, i) => i).sort((a, b) => list[b]! - list[a]!);
  const batchSizes = batchSizesOf(list);
  const rows = batchSizes.flatMap((size, t) =>
    order.slice(0, size).map((sample) => batchFirst ? sample * steps + t : t * batch + sample)
  );
  const data = temporaries(() => {
    const flat = reshape(input, [steps * batch, ...input.shape.slice(2)]);
    return bind("indexSelect", [flat, places(rows, input)], { dim: 0 });
  });
  return new PackedSequence(data, batchSizes, enforceSorted ? null : places(order, input));
}

/** Options of {@linkcode padPackedSequence}. */
export interface PadPackedOptions {
  /** Whether the batch becomes the first dimension, else the second. Default false. */
  readonly batchFirst?: boolean;
  /** What fills the shorter ones. Default 0. */
  readonly paddingValue?: number;
  /** Steps of the result. Default: those of the longest. */
  readonly totalLength?: number | null;
}

/**
 * The padded sequences of a packed one, and their lengths (int32), in the order of the batch.
 *
 * @throws {ValueError} If `totalLength` is less than the longest sequence.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_packed_sequence.html
 */
export function padPackedSequence(
  sequence: PackedSequence,
  ...args: Args<PadPackedOptions, ["batchFirst", "paddingValue", "totalLength"]>
): [padded: Tensor, lengths: Tensor] {
  const names = ["batchFirst", "paddingValue", "totalLength"] as const;
  const options = named<PadPackedOptions>("padPackedSequence", args, names);
  const { batchFirst = false, paddingValue = 0, totalLength = null } = options;
  if (!(sequence instanceof PackedSequence)) {
    throw new ArgumentTypeError("Cannot padPackedSequence: the sequence must be a PackedSequence");
  }
  const { data, batchSizes } = sequence;
  const longest = batchSizes.length;
  const steps = totalLength ?? longest;
  if (steps < longest) {
    throw new ValueError(
      `Cannot padPackedSequence: totalLength must be at least the length of the longest sequence, ${longest}, got ${steps}`,
    );
  }
  const batch = batchSizes[0] ?? 0;
  const lengths = Array.from({ length: batch }, (_, i) => batchSizes.filter((size) => size > i).length);
  const starts = batchSizes.map((_, t) => batchSizes.slice(0, t).reduce((a, b) => a + b, 0));
  const order = sequence.unsortedIndices === null
    ? lengths.map((_, i) => i)
    : numbersOf(sequence.unsortedIndices);
  const total = data.shape[0]!;
  const rowOf = (t: number, sample: number) => t < lengths[sample]! ? starts[t]! + sample : total;
  const rows: number[] = [];
  for (let i = 0; i < steps * batch; i++) {
    const [t, b] = batchFirst ? [i % steps, Math.floor(i / steps)] : [Math.floor(i / batch), i % batch];
    rows.push(rowOf(t, order[b]!));
  }
  const padded = temporaries(() => {
    const filler = full([1, ...data.shape.slice(1)], paddingValue, {
      dtype: data.dtype,
      device: data.device,
    });
    const picked = bind("indexSelect", [cat([data, filler], 0), places(rows, data)], { dim: 0 });
    return reshape(picked, [...(batchFirst ? [batch, steps] : [steps, batch]), ...data.shape.slice(1)]);
  });
  return [padded, tensor(order.map((sample) => lengths[sample]!), { dtype: "int32", device: data.device })];
}

/**
 * Packs sequences of different lengths: `[L, …]` each.
 *
 * @param enforceSorted Whether the lengths must descend already. Default true.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_sequence.html
 */
export function packSequence(
  sequences: readonly Tensor[],
  enforceSorted: boolean | { readonly enforceSorted?: boolean } = true,
): PackedSequence {
  const sorted = typeof enforceSorted === "boolean" ? enforceSorted : enforceSorted.enforceSorted ?? true;
  requireSequences("packSequence", sequences);
  const lengths = sequences.map((sequence) => sequence.shape[0] ?? 0);
  return packPaddedSequence(padSequence(sequences), lengths, { enforceSorted: sorted });
}

/** The sequences behind {@linkcode packSequence}. */
export function unpackSequence(sequence: PackedSequence): Tensor[] {
  const [padded, lengths] = padPackedSequence(sequence, { batchFirst: true });
  return unpadSequence(padded, lengths, true);
}
