/**
 * `einsum`: sums of products by letters, contracted two at a time along a greedy path.
 *
 * @module
 * @see https://pytorch.org/docs/stable/generated/torch.einsum.html
 */

import { formatType, numelOf, type Shape, ShapeError, ValueError } from "@flambeau/core";
import { bind } from "../bind.ts";
import { requireTensor } from "../coerce.ts";
import { TensorHandle } from "../handle.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import { owned, permuteTo, reshapeTo, viewAsShape } from "./building.ts";

/**
 * A label of a dimension: a letter, or for the dimensions of `...` their distance from the last one, as `"#0"`, `"#1"`.
 */
type Label = string;

/** A tensor with one label per dimension; no label twice. */
interface Term {
  readonly x: Tensor;
  readonly labels: readonly Label[];
}

function failure(equation: string, why: string): ValueError {
  return new ValueError(`Cannot einsum ${JSON.stringify(equation)}: ${why}`);
}

/** The letters of one operand; `"..."` stands as one label. */
function parseLabels(equation: string, text: string): Label[] {
  const labels: Label[] = [];
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === " ") continue;
    if (/[A-Za-z]/.test(c)) labels.push(c);
    else if (text.startsWith("...", i)) {
      if (labels.includes("...")) throw failure(equation, 'an operand can only have one "...", got another');
      labels.push("...");
      i += 2;
    } else throw failure(equation, `labels must be letters or "...", got ${JSON.stringify(c)}`);
  }
  return labels;
}

/** Labels with `"..."` spelled out as `count` dimensions. */
function spellEllipsis(labels: readonly Label[], count: number): Label[] {
  const hidden = Array.from({ length: count }, (_, i) => `#${count - 1 - i}`);
  return labels.flatMap((label) => label === "..." ? hidden : [label]);
}

/**
 * The sum of products that `equation` describes: letters name dimensions, those that are not in the output are summed.
 * Without `->` the output has the letters that appear once, in alphabetical order, after the dimensions of `"..."`. A
 * letter twice in one operand takes its diagonal; dimensions of size 1 broadcast.
 *
 * @throws {ValueError} If the equation is no equation, or does not fit the number of operands.
 * @throws {ShapeError} If ranks do not fit, or sizes of one letter differ.
 * @see https://pytorch.org/docs/stable/generated/torch.einsum.html
 *
 * @example
 * ```ts
 * const y = einsum("bij,bjk->bik", a, b);
 * ```
 */
export function einsum(
  equation: string,
  ...operands: readonly Tensor[] | readonly [readonly Tensor[]]
): Tensor {
  if (typeof equation !== "string") throw failure(String(equation), "the equation must be a string");
  const list = operands.length === 1 && !(operands[0] instanceof TensorHandle)
    ? operands[0] as readonly Tensor[]
    : operands as readonly Tensor[];
  const tensors = list.map((x, i) => requireTensor("einsum", `operands[${i}]`, x));
  const [left, right, ...more] = equation.split("->");
  if (more.length > 0) throw failure(equation, 'there must be at most one "->"');
  const inputs = left!.split(",").map((text) => parseLabels(equation, text));
  if (tensors.length === 0 || inputs.length !== tensors.length) {
    throw failure(
      equation,
      `there must be one list of labels for each operand, got ${inputs.length} for ${tensors.length} operands`,
    );
  }
  const hidden = hiddenCounts(equation, tensors, inputs);
  const labels = inputs.map((input, i) => spellEllipsis(input, hidden[i]!));
  const output = outputLabels(equation, right, labels, Math.max(...hidden));
  const sizes = sizesOf(tensors, labels);
  for (const label of output) {
    if (!sizes.has(label)) throw failure(equation, `output label ${label} must appear in an operand`);
  }
  return temporaries(() => {
    const terms = tensors.map((x, i) => distinct(x, labels[i]!));
    return contractAll(terms, output, sizes);
  });
}

/** How many dimensions `"..."` stands for in each operand. */
function hiddenCounts(
  equation: string,
  tensors: readonly Tensor[],
  inputs: readonly (readonly Label[])[],
): number[] {
  return inputs.map((labels, i) => {
    const named = labels.filter((label) => label !== "...").length;
    const rank = tensors[i]!.shape.length;
    const fits = labels.includes("...") ? named <= rank : named === rank;
    if (!fits) {
      throw new ShapeError(
        `Cannot einsum ${JSON.stringify(equation)} with operand ${i}, ${
          formatType(tensors[i]!)
        }: the number of labels must ` +
          `match its dimensions, got ${named} for ${rank}`,
      );
    }
    return rank - named;
  });
}

function outputLabels(
  equation: string,
  right: string | undefined,
  labels: readonly (readonly Label[])[],
  hidden: number,
): Label[] {
  if (right !== undefined) {
    const output = spellEllipsis(parseLabels(equation, right), hidden);
    const repeated = output.find((label, i) => output.indexOf(label) !== i);
    if (repeated !== undefined) {
      throw failure(equation, `output label ${repeated} must not appear more than once`);
    }
    return output;
  }
  const counts = new Map<Label, number>();
  for (const label of labels.flat()) {
    if (!label.startsWith("#")) counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const single = [...counts].filter(([, count]) => count === 1).map(([label]) => label).sort();
  return [...spellEllipsis(["..."], hidden), ...single];
}

/** The size of each label: that of its dimensions, which are equal or 1. */
function sizesOf(tensors: readonly Tensor[], labels: readonly (readonly Label[])[]): Map<Label, number> {
  const sizes = new Map<Label, number>();
  tensors.forEach((x, i) => {
    labels[i]!.forEach((label, d) => {
      const size = x.shape[d]!;
      const known = sizes.get(label);
      if (known === undefined || known === 1) sizes.set(label, size);
      else if (size !== 1 && size !== known) {
        const what = label.startsWith("#") ? "a dimension of ..." : `label ${label}`;
        throw new ShapeError(
          `Cannot einsum operand ${i}, ${formatType(x)}: ${what} must have size ${known} or 1, got ${size}`,
        );
      }
    });
  });
  return sizes;
}

/** A term without repeated labels: their diagonals. */
function distinct(x: Tensor, labels: readonly Label[]): Term {
  const again = labels.findIndex((label, i) => labels.indexOf(label) !== i);
  if (again < 0) return { x, labels };
  const first = labels.indexOf(labels[again]!);
  if (x.shape[first] !== x.shape[again]) {
    throw new ShapeError(
      `Cannot einsum ${formatType(x)}: dimensions of repeated label ${
        labels[again]
      } must have one size, got ` +
        `${x.shape[first]} and ${x.shape[again]}`,
    );
  }
  const y = bind("diagonal", [x], { offset: 0, dim1: first, dim2: again });
  const rest = labels.filter((_, i) => i !== first && i !== again);
  return distinct(y, [...rest, labels[first]!]);
}

/** Contracts pairs until one term is left, then brings it into the order of the output. */
function contractAll(
  terms: readonly Term[],
  output: readonly Label[],
  sizes: ReadonlyMap<Label, number>,
): Tensor {
  const left = terms.map((term, i) => {
    const others = new Set([...output, ...terms.filter((_, k) => k !== i).flatMap(({ labels }) => labels)]);
    return summed(term, (label) => !others.has(label));
  });
  while (left.length > 1) {
    const [i, k] = cheapestPair(left, output, sizes);
    const needed = new Set([
      ...output,
      ...left.filter((_, t) => t !== i && t !== k).flatMap(({ labels }) => labels),
    ]);
    const joined = contractPair(left[i]!, left[k]!, needed);
    left.splice(k, 1);
    left.splice(i, 1, joined);
  }
  return ordered(left[0]!, output, sizes);
}

/** A term summed over the labels that `drop` names. */
function summed({ x, labels }: Term, drop: (label: Label) => boolean): Term {
  const dims = labels.flatMap((label, d) => drop(label) ? [d] : []);
  if (dims.length === 0) return { x, labels };
  return { x: bind("sum", [x], { dims, keepdim: false }), labels: labels.filter((label) => !drop(label)) };
}

/** The pair whose product is smallest beside what it replaces: the greedy path. First pairs win ties. */
function cheapestPair(
  terms: readonly Term[],
  output: readonly Label[],
  sizes: ReadonlyMap<Label, number>,
): [number, number] {
  if (terms.length === 2) return [0, 1];
  const volume = (labels: Iterable<Label>) => [...labels].reduce((n, label) => n * sizes.get(label)!, 1);
  let best: [number, number] = [0, 1];
  let least = Infinity;
  for (let i = 0; i < terms.length; i++) {
    for (let k = i + 1; k < terms.length; k++) {
      const others = new Set([
        ...output,
        ...terms.filter((_, t) => t !== i && t !== k).flatMap(({ labels }) => labels),
      ]);
      const union = new Set([...terms[i]!.labels, ...terms[k]!.labels]);
      const result = [...union].filter((label) => others.has(label));
      const growth = volume(result) - volume(terms[i]!.labels) - volume(terms[k]!.labels);
      if (growth < least) {
        least = growth;
        best = [i, k];
      }
    }
  }
  return best;
}

/** The product of two terms as batches of matrices, summed over the labels that are not needed any more. */
function contractPair(a: Term, b: Term, needed: ReadonlySet<Label>): Term {
  // A dimension of size 1 beside a larger one of its label broadcasts: the larger one then belongs to its term alone.
  const first = withoutOnes(a, b);
  const second = withoutOnes(b, first);
  const alone = (term: Term, other: Term) =>
    summed(term, (label) => !needed.has(label) && !other.labels.includes(label));
  const [x, y] = [alone(first, second), alone(second, first)];
  const shared = x.labels.filter((label) => y.labels.includes(label));
  const batch = shared.filter((label) => needed.has(label));
  const inner = shared.filter((label) => !needed.has(label));
  const rows = x.labels.filter((label) => !shared.includes(label));
  const columns = y.labels.filter((label) => !shared.includes(label));
  const sizeX = (label: Label) => x.x.shape[x.labels.indexOf(label)]!;
  const sizeY = (label: Label) => y.x.shape[y.labels.indexOf(label)]!;
  const [b0, m, k, n] = [batch.map(sizeX), rows.map(sizeX), inner.map(sizeX), columns.map(sizeY)];
  const labels = [...batch, ...rows, ...columns];
  const shape: Shape = [...b0, ...m, ...n];
  if (inner.length === 0) {
    const wide = reshapeTo(arranged(x, [...batch, ...rows]), [...b0, ...m, ...n.map(() => 1)]);
    const other = reshapeTo(arranged(y, [...batch, ...columns]), [...b0, ...m.map(() => 1), ...n]);
    return { x: bind("mul", [wide, other], null), labels };
  }
  const lead = b0.length === 0 ? [] : [numelOf(b0)];
  const left = reshapeTo(arranged(x, [...batch, ...rows, ...inner]), [...lead, numelOf(m), numelOf(k)]);
  const right = reshapeTo(arranged(y, [...batch, ...inner, ...columns]), [...lead, numelOf(k), numelOf(n)]);
  return { x: owned(viewAsShape(bind("matmul", [left, right], null), shape)), labels };
}

/** `term` without dimensions of size 1 whose label has another size in `other`. */
function withoutOnes({ x, labels }: Term, other: Term): Term {
  const ones = labels.filter((label, d) => {
    const k = other.labels.indexOf(label);
    return x.shape[d] === 1 && k >= 0 && other.x.shape[k] !== 1;
  });
  if (ones.length === 0) return { x, labels };
  const kept = labels.filter((label) => !ones.includes(label));
  return { x: viewAsShape(x, kept.map((label) => x.shape[labels.indexOf(label)]!)), labels: kept };
}

/** The tensor of a term with its dimensions in the order of `labels`. */
function arranged(term: Term, labels: readonly Label[]): Tensor {
  const dims = labels.map((label) => term.labels.indexOf(label));
  return dims.every((dim, i) => dim === i) ? term.x : permuteTo(term.x, dims);
}

/** The last term in the order of the output, with dimensions that broadcasting took away. */
function ordered(term: Term, output: readonly Label[], sizes: ReadonlyMap<Label, number>): Tensor {
  const present = output.filter((label) => term.labels.includes(label));
  const y = arranged(term, present);
  if (present.length === output.length) return y;
  return viewAsShape(
    y,
    output.map((label) => present.includes(label) ? y.shape[present.indexOf(label)]! : sizes.get(label)!),
  );
}
