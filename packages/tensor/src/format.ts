/**
 * How tensors print: the text of `String(tensor)`, character for character that of PyTorch.
 *
 * One format serves all elements: whole floats as `1.`, others with {@linkcode PrintOptions.precision} digits, or all
 * in scientific notation when they are too far apart. Long tensors show only the edges of each dimension, and only
 * the shown elements are read and choose the format.
 *
 * @module
 * @see https://pytorch.org/docs/stable/generated/torch.set_printoptions.html
 */

import { bool, type DType, float32, int32, numelOf, type Shape, ValueError } from "@flambeau/core";
import { fixedText, scientificText } from "./decimal.ts";
import type { ElementValue } from "./elements.ts";

/** How tensors print, in full. */
export interface PrintState {
  /** Digits after the point of floats. Default 4. */
  precision: number;
  /** Tensors with more elements than this are summarized. Default 1000. */
  threshold: number;
  /** Elements shown at each end of a summarized dimension. Default 3. */
  edgeitems: number;
  /** Characters a line. Default 80. */
  linewidth: number;
  /** Scientific notation: always, never, or (null, the default) when the elements ask for it. */
  sciMode: boolean | null;
}

/** Changes to {@linkcode PrintState}; what is left out stays. */
export interface PrintOptions {
  /** Digits after the point of floats. */
  readonly precision?: number | undefined;
  /** Tensors with more elements than this are summarized; `Infinity` for never. */
  readonly threshold?: number | undefined;
  /** Elements shown at each end of a summarized dimension, at least 1. */
  readonly edgeitems?: number | undefined;
  /** Characters a line. */
  readonly linewidth?: number | undefined;
  /** Sets all of the above but `sciMode`, before the others apply: `default`, `short` (2 digits, 2 edge items) or `full` (no summary). */
  readonly profile?: "default" | "short" | "full" | undefined;
  /** Scientific notation: always, never, or (null) when the elements ask for it. */
  readonly sciMode?: boolean | null | undefined;
}

/** What a tensor's text says after its elements. */
export interface PrintSuffix {
  /** Adds `requires_grad=True` where there is no `gradFn`. */
  readonly requiresGrad?: boolean | undefined;
  /** Name of the operation that made the tensor: `AddBackward0` prints `grad_fn=<AddBackward0>`. */
  readonly gradFn?: string | null | undefined;
  /** Adds `device='…'`; leave it out for the default device. */
  readonly device?: string | null | undefined;
  /** Puts `Parameter containing:` and a line break in front. */
  readonly parameter?: boolean | undefined;
  /** The float dtype that needs no `dtype=…`. Default `float32`. */
  readonly defaultDtype?: DType | undefined;
}

/** A tensor as printing sees it. */
export interface Printable {
  /** Sizes. */
  readonly shape: Shape;
  /** Element type. */
  readonly dtype: DType;
  /** The element at a row-major place. */
  readonly at: (index: number) => ElementValue;
}

const profiles = {
  default: { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80 },
  short: { precision: 2, threshold: 1000, edgeitems: 2, linewidth: 80 },
  full: { precision: 4, threshold: Infinity, edgeitems: 3, linewidth: 80 },
} as const;

/** How tensors print where nothing else is said. Change it with {@linkcode setPrintoptions}. */
export const printOptions: Readonly<PrintState> = { ...profiles.default, sciMode: null };

/**
 * Changes how all tensors print from now on, as `torch.set_printoptions`. `sciMode` goes back to automatic when it is
 * left out, as in PyTorch.
 *
 * @throws {ValueError} If a number is out of its range or there is no such profile.
 *
 * @example
 * ```ts
 * import { setPrintoptions } from "@flambeau/tensor";
 * setPrintoptions({ precision: 2 });
 * setPrintoptions({ profile: "default" });
 * ```
 */
export function setPrintoptions(options: PrintOptions): void {
  Object.assign(printOptions, mergeOptions({ ...printOptions, sciMode: null }, options));
}

/**
 * The text of a tensor, as PyTorch prints it: `tensor([[1., 2.],\n        [3., 4.]])`.
 *
 * `dtype=…` is left out for the default float, `bool` and `int32`, which stands where PyTorch has `int64`.
 *
 * @param value What to print. Only the elements that show are read.
 * @param suffix What to say besides the elements.
 * @param options Changes to the global {@linkcode printOptions}, for this text only.
 * @throws {ValueError} If an option is out of its range.
 */
export function formatTensor(value: Printable, suffix: PrintSuffix = {}, options: PrintOptions = {}): string {
  const state = mergeOptions(printOptions, options);
  const prefix = "tensor(";
  const text = prefix + elementsText(value, prefix.length, state);
  const title = suffix.parameter ? "Parameter containing:\n" : "";
  return title + appendSuffixes(text, suffixesOf(value, suffix), prefix.length, state.linewidth);
}

function mergeOptions(state: Readonly<PrintState>, options: PrintOptions): PrintState {
  const { profile } = options;
  if (profile !== undefined && !Object.hasOwn(profiles, profile)) {
    throw new ValueError(
      `Cannot set the print options: profile must be default, short or full, got ${JSON.stringify(profile)}`,
    );
  }
  const base = profile === undefined ? state : { ...state, ...profiles[profile] };
  const count = (name: "precision" | "threshold" | "edgeitems" | "linewidth", least: number): number => {
    const value = options[name] ?? base[name];
    if ((Number.isInteger(value) || (name === "threshold" && value === Infinity)) && value >= least) {
      return value;
    }
    throw new ValueError(
      `Cannot set the print options: ${name} must be an integer >= ${least}, got ${value}`,
    );
  };
  return {
    precision: count("precision", 0),
    threshold: count("threshold", 0),
    edgeitems: count("edgeitems", 1),
    linewidth: count("linewidth", 0),
    sciMode: options.sciMode === undefined ? base.sciMode : options.sciMode,
  };
}

function suffixesOf({ shape, dtype }: Printable, suffix: PrintSuffix): string[] {
  const { requiresGrad, gradFn, device, defaultDtype = float32 } = suffix;
  const out: string[] = [];
  if (device) out.push(`device='${device}'`);
  const empty = numelOf(shape) === 0;
  if (empty && shape.length !== 1) out.push(`size=(${shape.join(", ")})`);
  // Without elements nothing tells integers and booleans from floats.
  const implied = dtype === defaultDtype || (!empty && (dtype === bool || dtype === int32));
  if (!implied) out.push(`dtype=${dtype}`);
  if (gradFn) out.push(`grad_fn=<${gradFn}>`);
  else if (requiresGrad) out.push("requires_grad=True");
  return out;
}

function appendSuffixes(
  text: string,
  suffixes: readonly string[],
  indent: number,
  linewidth: number,
): string {
  let out = text;
  let column = text.length - text.lastIndexOf("\n") + 1; // of a later end of line: PyTorch counts 2 more here
  for (const suffix of suffixes) {
    if (column + suffix.length + 2 > linewidth) {
      out += `,\n${" ".repeat(indent)}${suffix}`;
      column = indent + suffix.length;
    } else {
      out += `, ${suffix}`;
      column += suffix.length + 2;
    }
  }
  return out + ")";
}

function elementsText({ shape, dtype, at }: Printable, indent: number, state: PrintState): string {
  const numel = numelOf(shape);
  if (numel === 0) return "[]";
  const edge = numel > state.threshold ? state.edgeitems : Infinity;
  const format = chooseFormat(shownElements(shape, at, edge), dtype, state);
  if (shape.length === 0) return format.text(at(0));

  const perLine = Math.max(
    1,
    Math.floor((state.linewidth - indent - (shape.length - 1)) / (format.width + 2)),
  );
  const dimText = (dim: number, offset: number, step: number): string => {
    const margin = " ".repeat(indent + dim + 1);
    const inner = step / shape[dim]!; // elements from one index to the next
    const last = dim === shape.length - 1;
    const parts = shownIndices(shape[dim]!, edge).map((i) => {
      if (i === null) return last ? " ..." : "...";
      return last ? format.text(at(offset + i)) : dimText(dim + 1, offset + i * inner, inner);
    });
    if (!last) return `[${parts.join("," + "\n".repeat(shape.length - dim - 1) + margin)}]`;
    const lines: string[] = [];
    for (let i = 0; i < parts.length; i += perLine) lines.push(parts.slice(i, i + perLine).join(", "));
    return `[${lines.join(",\n" + margin)}]`;
  };
  return dimText(0, 0, numel);
}

/** Indices along one dimension, with null for those left out. */
function shownIndices(size: number, edge: number): (number | null)[] {
  const all = size <= 2 * edge;
  const out: (number | null)[] = [];
  for (let i = 0; i < (all ? size : edge); i++) out.push(i);
  if (!all) {
    out.push(null);
    for (let i = size - edge; i < size; i++) out.push(i);
  }
  return out;
}

function shownElements(shape: Shape, at: Printable["at"], edge: number): ElementValue[] {
  let places = [0];
  for (const size of shape) {
    const indices = shownIndices(size, edge).filter((i) => i !== null);
    places = places.flatMap((place) => indices.map((i) => place * size + i));
  }
  return places.map((place) => at(place));
}

/** How each element prints, and how wide they are taken to be when lines are filled. */
interface ElementFormat {
  readonly width: number;
  readonly text: (value: ElementValue) => string;
}

function chooseFormat(shown: readonly ElementValue[], dtype: DType, state: PrintState): ElementFormat {
  if (dtype.isFloatingPoint) return floatFormat(shown.map(Number), state);
  const write = dtype === bool ? (value: ElementValue) => (value ? "True" : "False") : String;
  return padded(widthOf(shown, write), write);
}

/** Zeros and what is not finite take no part in the choice, nor in the width. */
function floatFormat(shown: readonly number[], { precision, sciMode }: PrintState): ElementFormat {
  const whole = (value: ElementValue) =>
    fixedText(Number(value), 0) + (Number.isFinite(Number(value)) ? "." : "");
  const fraction = (value: ElementValue) => fixedText(Number(value), precision);
  const scientific = (value: ElementValue) => scientificText(Number(value), precision);

  const values = shown.filter((value) => Number.isFinite(value) && value !== 0);
  if (values.length === 0) return padded(1, whole);
  let [min, max, allWhole] = [Infinity, 0, true];
  for (const value of values) {
    min = Math.min(min, Math.abs(value));
    max = Math.max(max, Math.abs(value));
    allWhole &&= Number.isInteger(value);
  }
  const plain = allWhole ? whole : fraction;
  const spread = max / min > 1000 || max > 1e8 || (!allWhole && min < 1e-4);
  // A notation that is asked for changes the text but not the width that was found without it, as in PyTorch.
  return padded(widthOf(values, spread ? scientific : plain), sciMode ?? spread ? scientific : plain);
}

function widthOf(values: readonly ElementValue[], write: (value: ElementValue) => string): number {
  let width = 1;
  for (const value of values) width = Math.max(width, write(value).length);
  return width;
}

function padded(width: number, write: (value: ElementValue) => string): ElementFormat {
  return { width, text: (value) => write(value).padStart(width) };
}
