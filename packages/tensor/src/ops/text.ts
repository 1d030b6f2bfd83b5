/**
 * Tensors as text, as PyTorch prints them.
 *
 * @module
 */

import { int32, numelOf, type Shape } from "@flambeau/core";
import { bind } from "../bind.ts";
import { defaults } from "../coerce.ts";
import { defaultBackend } from "../device.ts";
import { elementReader } from "../elements.ts";
import { formatTensor, type PrintOptions, printOptions, type PrintSuffix } from "../format.ts";
import { noGrad } from "../grad_mode.ts";
import { temporaries } from "../temporaries.ts";
import type { Tensor } from "../tensor.ts";
import type { Lifted } from "../transform.ts";
import { data, dataSync, fromData } from "./data.ts";

function suffixOf(x: Tensor): PrintSuffix {
  return {
    requiresGrad: x.requiresGrad,
    gradFn: x.gradFn?.name ?? null,
    device: x.backend === defaultBackend() ? null : x.backend.name,
    defaultDtype: defaults.dtype,
  };
}

/** Where elements of a large tensor lie among those that were kept to show. */
interface Shown {
  /** The tensor without what does not show. */
  readonly x: Tensor;
  /** The kept place of a row-major place of the whole. */
  readonly place: (index: number) => number;
}

/** Leaves the middle of long dimensions out when the text will: only the ends are read then. */
function shown(x: Tensor, options: PrintOptions): Shown {
  const { shape } = x;
  const threshold = options.threshold ?? printOptions.threshold;
  const edge = options.edgeitems ?? printOptions.edgeitems;
  if (numelOf(shape) <= threshold) return { x, place: (index) => index };
  const kept = shape.map((size) => Math.min(size, 2 * edge));
  const ends = shape.reduce((y, size, dim) => {
    if (size <= 2 * edge) return y;
    const places = Int32Array.from({ length: 2 * edge }, (_, i) => i < edge ? i : size - 2 * edge + i);
    return bind("indexSelect", [y, fromData(places, [places.length], int32, x.device)], { dim });
  }, x);
  return { x: ends, place: (index) => keptPlace(index, shape, kept) };
}

function keptPlace(index: number, shape: Shape, kept: Shape): number {
  let [rest, place, step] = [index, 0, 1];
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    const [size, short] = [shape[dim]!, kept[dim]!];
    const i = rest % size;
    rest = Math.floor(rest / size);
    place += step * (i < short / 2 ? i : i - size + short);
    step *= short;
  }
  return place;
}

/** What can be said of a tensor whose elements cannot be read now. */
function outline(x: Tensor, why: string | null): string {
  const parts = [
    "...",
    `device='${x.backend.name}'`,
    `size=(${x.shape.join(", ")}${x.shape.length === 1 ? "," : ""})`,
  ];
  if (x.dtype !== defaults.dtype) parts.push(`dtype=${x.dtype}`);
  if (why !== null) parts.push(why);
  else if (x.gradFn !== null) parts.push(`grad_fn=<${x.gradFn.name}>`);
  else if (x.requiresGrad) parts.push("requires_grad=True");
  return `tensor(${parts.join(", ")})`;
}

/** The text of a tensor inside a transform, around that of its value. */
function traced({ level }: Lifted, value: string): string {
  const head = level.kind === "vmap"
    ? `BatchedTensor(lvl=${level.depth}, bdim=0, value=`
    : `GradTrackingTensor(lvl=${level.depth}, value=`;
  return `${head}\n    ${value.replaceAll("\n", "\n    ")}\n)`;
}

/**
 * The text of a tensor, as PyTorch prints it. On a device that cannot be read at once, and of a tensor whose memory was
 * given back, only shape and dtype: see {@linkcode repr}.
 */
export function toText(x: Tensor, options: PrintOptions = {}): string {
  if (x.lifted !== null) return traced(x.lifted, toText(x.lifted.value, options));
  if (x.storage.isDisposed) return outline(x, "disposed");
  if (!x.backend.canReadSync) return outline(x, null);
  let text = "";
  noGrad(() =>
    temporaries(() => {
      const { x: kept, place } = shown(x, options);
      const read = elementReader(dataSync(kept), x.dtype);
      text = formatTensor(
        { shape: x.shape, dtype: x.dtype, at: (i) => read(place(i)) },
        suffixOf(x),
        options,
      );
      return null;
    })
  );
  return text;
}

/**
 * The text of a tensor with its elements, on any device.
 *
 * @throws {DisposedError} If its memory was given back.
 *
 * @example
 * ```ts
 * console.log(await repr(x));
 * ```
 */
export async function repr(x: Tensor, options: PrintOptions = {}): Promise<string> {
  if (x.lifted !== null) return traced(x.lifted, await repr(x.lifted.value, options));
  const suffix = suffixOf(x);
  const { x: kept, place } = noGrad(() => shown(x, options));
  try {
    const read = elementReader(await data(kept), x.dtype);
    return formatTensor({ shape: x.shape, dtype: x.dtype, at: (i) => read(place(i)) }, suffix, options);
  } finally {
    if (kept.storage !== x.storage) kept.storage.dispose();
  }
}
