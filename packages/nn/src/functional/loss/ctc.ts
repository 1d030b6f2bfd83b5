/**
 * Connectionist temporal classification: ctcLoss.
 *
 * @module
 */

import {
  DTypeError,
  float32,
  formatShape,
  formatType,
  IndexError,
  ShapeError,
  ValueError,
} from "@flambeau/core";
import {
  add,
  type Args,
  cat,
  clampMin,
  detach,
  div,
  eq,
  exp,
  expand,
  full,
  gt,
  logicalAnd,
  logsumexp,
  lt,
  narrow,
  ne,
  neg,
  reshape,
  select,
  stack,
  sub,
  sum,
  Tensor,
  tensor,
  to,
  unsqueeze,
  where,
} from "@flambeau/tensor";
import { bind, named, requireTensor, temporaries } from "@flambeau/tensor/internal";
import { plainOf } from "@flambeau/tensor/internal";
import { reduceLoss, type Reduction, reductionOf } from "./reduction.ts";

/** Options of {@linkcode ctcLoss}. */
export interface CtcLossOptions {
  /** The class of nothing. Default 0. */
  readonly blank?: number;
  /** Default `"mean"`: each loss is divided by the length of its target before the mean is taken. */
  readonly reduction?: Reduction;
  /** Whether infinite losses, of targets too long for their input, and their gradients are 0. Default false. */
  readonly zeroInfinity?: boolean;
}

/** ln 0 that can be calculated with: no ∞ − ∞ in the gradient. */
const NEVER = -1e30;

/**
 * Negative log likelihood of label sequences, summed over all their alignments with the input.
 *
 * Shapes: logProbs `[T, N, C]` or `[T, C]`; targets of integers `[N, S]`, `[S]`, or all behind one another; lengths `[N]` or
 * scalars, as tensors or numbers. The gradient is PyTorch's, `exp(logProbs)` minus the occupancy: that of normalized
 * log probabilities. Lengths, and targets behind one another, are read on the host.
 *
 * @throws {ShapeError} If shapes do not fit.
 * @throws {DTypeError} If targets are not of integers.
 * @throws {ValueError} If a length is longer than what it measures.
 * @throws {IndexError} If a target is no class, on devices that can be read at once.
 * @see Graves et al. 2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.ctc_loss.html
 */
export function ctcLoss(
  logProbs: Tensor,
  targets: Tensor,
  inputLengths: Tensor | number | readonly number[],
  targetLengths: Tensor | number | readonly number[],
  ...args: Args<CtcLossOptions, ["blank", "reduction", "zeroInfinity"]>
): Tensor {
  requireTensor("ctcLoss", "logProbs", logProbs);
  requireTensor("ctcLoss", "targets", targets);
  const { blank = 0, reduction: wanted, zeroInfinity = false } = named<CtcLossOptions>("ctcLoss", args, [
    "blank",
    "reduction",
    "zeroInfinity",
  ]);
  const reduction = reductionOf("ctcLoss", wanted === undefined ? {} : { reduction: wanted });
  const what = `Cannot ctcLoss ${formatType(logProbs)} and ${formatType(targets)}`;
  if (logProbs.ndim !== 3 && logProbs.ndim !== 2) {
    throw new ShapeError(`${what}: logProbs must be [T, N, C] or [T, C], got ${formatShape(logProbs.shape)}`);
  }
  if (targets.dtype.kind !== "int") {
    throw new DTypeError(`${what}: targets must be integers, got ${targets.dtype.name}`);
  }
  const batched = logProbs.ndim === 3;
  const [steps, batch, classes] = batched
    ? logProbs.shape as [number, number, number]
    : [logProbs.shape[0]!, 1, logProbs.shape[1]!];
  if (!(blank >= 0 && blank < classes)) {
    throw new ValueError(`${what}: blank must be in [0, ${classes}), got ${blank}`);
  }
  const lengths = lengthsOf(what, "inputLengths", inputLengths, batch, steps);
  checkLabels(what, targets, classes);
  return temporaries(() => {
    const wide = to(batched ? logProbs : unsqueeze(logProbs, 1), float32);
    const { labels, labelLengths } = labelsOf(what, targets, targetLengths, batch, batched);
    const losses = alignmentLoss({ logp: wide, labels, lengths, labelLengths, blank });
    const finite = zeroInfinity ? where(lt(losses, -NEVER / 2), losses, 0) : infinite(losses);
    const shaped = batched ? finite : reshape(finite, []);
    if (reduction !== "mean") return to(reduceLoss(shaped, reduction), logProbs.dtype);
    const divisor = clampMin(numbers(labelLengths, losses), 1);
    return to(reduceLoss(div(shaped, batched ? divisor : reshape(divisor, [])), "mean"), logProbs.dtype);
  });
}

/** Losses that stand for an impossible alignment, as infinities. */
function infinite(losses: Tensor): Tensor {
  return where(lt(losses, -NEVER / 2), losses, Infinity);
}

/** −ln of the summed probability of all alignments, for each sample. */
function alignmentLoss({ logp, labels, lengths, labelLengths, blank }: {
  logp: Tensor;
  labels: Tensor;
  lengths: readonly number[];
  labelLengths: readonly number[];
  blank: number;
}): Tensor {
  const [steps, batch] = logp.shape as [number, number, number];
  const width = labels.shape[1]!;
  // Blank, label, blank, label, …, blank: 2S + 1 places.
  const blanks = full([batch, width], blank, { dtype: labels.dtype, device: labels.device });
  const inner = reshape(stack([blanks, labels], 2), [batch, 2 * width]);
  const path = cat([inner, full([batch, 1], blank, { dtype: labels.dtype, device: labels.device })], 1);
  const places = 2 * width + 1;
  const emitted = bind("gather", [logp, expand(unsqueeze(path, 0), [steps, batch, places])], { dim: 2 }); // (T, N, 2S + 1)
  // A label may follow the one before directly when they differ.
  const skips = width === 0 ? null : logicalAnd(
    ne(narrow(path, 1, 2, places - 2), blank),
    ne(narrow(path, 1, 2, places - 2), narrow(path, 1, 0, places - 2)),
  );
  const never = (count: number) => full([batch, count], NEVER, { dtype: logp.dtype, device: logp.device });
  const inputLength = numbers(lengths, logp);
  const first = Math.min(2, places);
  let alpha = cat([narrow(select(emitted, 0, 0), 1, 0, first), never(places - first)], 1);
  for (let t = 1; t < steps; t++) {
    const ways = [alpha, cat([never(1), narrow(alpha, 1, 0, places - 1)], 1)];
    if (skips !== null) {
      ways.push(cat([never(2), where(skips, narrow(alpha, 1, 0, places - 2), NEVER)], 1));
    }
    const next = add(logsumexp(stack(ways, 0), 0), select(emitted, 0, t));
    alpha = where(unsqueeze(gt(inputLength, t), 1), clampMin(next, NEVER), alpha);
  }
  const ends = tensor(
    labelLengths.map((length) => [2 * length, Math.max(2 * length - 1, 0)]),
    { dtype: "int32", device: logp.device },
  );
  const last = bind("gather", [alpha, ends], { dim: 1 }); // (N, 2)
  const hasLabels = unsqueeze(gt(numbers(labelLengths, logp), 0), 1);
  const total = logsumexp(cat([narrow(last, 1, 0, 1), where(hasLabels, narrow(last, 1, 1, 1), NEVER)], 1), 1);
  const empty = eq(inputLength, 0);
  const atOnce = numbers(labelLengths.map((length) => length === 0 ? 0 : NEVER), logp);
  const losses = neg(where(empty, atOnce, total));
  // PyTorch's gradient has the one of the normalization too: a term of value 0 with gradient exp(logp).
  const times = tensor(Array.from({ length: steps }, (_, t) => [t]), { dtype: "int32", device: logp.device });
  const inside = gt(unsqueeze(inputLength, 0), times);
  const mass = sum(where(unsqueeze(inside, 2), exp(logp), 0), [0, 2]);
  return add(losses, sub(mass, detach(mass)));
}

function numbers(values: readonly number[], like: Tensor): Tensor {
  return tensor([...values], { dtype: like.dtype, device: like.device });
}

function lengthsOf(
  what: string,
  name: string,
  lengths: Tensor | number | readonly number[],
  batch: number,
  most: number,
): number[] {
  const list = lengths instanceof Tensor
    ? Array.from(lengths.dataSync() as ArrayLike<number | bigint>, Number)
    : typeof lengths === "number"
    ? [lengths]
    : [...lengths];
  if (list.length !== batch) {
    throw new ShapeError(
      `${what}: ${name} must have a length for each of ${batch} samples, got ${list.length}`,
    );
  }
  for (const length of list) {
    if (!(Number.isInteger(length) && length >= 0 && length <= most)) {
      throw new ValueError(`${what}: ${name} must be in [0, ${most}], got ${length}`);
    }
  }
  return list;
}

/** Targets as `[N, S]`, and their lengths. */
function labelsOf(
  what: string,
  targets: Tensor,
  targetLengths: Tensor | number | readonly number[],
  batch: number,
  batched: boolean,
): { labels: Tensor; labelLengths: number[] } {
  if (targets.ndim === 2 || !batched) {
    const labels = targets.ndim === 2 ? targets : reshape(targets, [1, -1]);
    if (labels.shape[0] !== batch) {
      throw new ShapeError(
        `${what}: targets must have a row for each of ${batch} samples, got ${labels.shape[0]}`,
      );
    }
    const labelLengths = lengthsOf(what, "targetLengths", targetLengths, batch, labels.shape[1]!);
    return { labels: inRange(labels, labelLengths), labelLengths };
  }
  const labelLengths = lengthsOf(what, "targetLengths", targetLengths, batch, targets.shape[0] ?? 0);
  const total = labelLengths.reduce((a, b) => a + b, 0);
  if (targets.ndim !== 1 || targets.shape[0] !== total) {
    throw new ShapeError(
      `${what}: targets must be [N, S] or have as many elements as the targetLengths together, ${total}`,
    );
  }
  const width = Math.max(0, ...labelLengths);
  const classes = Array.from(targets.dataSync() as ArrayLike<number | bigint>, Number);
  let start = 0;
  const rows = labelLengths.map((length) => {
    const row = classes.slice(start, start += length);
    return [...row, ...new Array<number>(width - length).fill(0)];
  });
  const labels = reshape(tensor(rows, { dtype: "int32", device: targets.device }), [batch, width]);
  return { labels, labelLengths };
}

/** Labels with class 0 where they do not count: padding may hold anything. */
function inRange(labels: Tensor, lengths: readonly number[]): Tensor {
  const width = labels.shape[1]!;
  const counted = lengths.map((length) => Array.from({ length: width }, (_, i) => i < length));
  const mask = reshape(tensor(counted, { dtype: "bool", device: labels.device }), labels.shape);
  return where(mask, labels, 0);
}

function checkLabels(what: string, targets: Tensor, classes: number): void {
  if (!targets.backend.canReadSync || targets.ndim !== 1) return;
  for (const value of plainOf(targets).dataSync()) {
    if (!(Number(value) >= 0 && Number(value) < classes)) {
      throw new IndexError(`${what}: targets must be in [0, ${classes}), got ${value}`);
    }
  }
}
