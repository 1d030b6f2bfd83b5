/**
 * From the JSON of a case to arguments of a call.
 *
 * @module
 */

import type { Json } from "./fixtures.ts";
import type { Library } from "./library.ts";
import { camelKeys, member } from "./names.ts";

/** Where tagged values come from. */
export interface Sources {
  readonly library: Library;
  /** `{"$tensor": name}` */
  tensor?(name: string): unknown;
  /** `{"$var": name}` */
  variable?(name: string): unknown;
  /** `{"$scheduler": name, kwargs}` */
  scheduler?(name: string, kwargs: Readonly<Record<string, Json>>): unknown;
  /** `{"$zeros": shape}`, `{"$full": shape, value}`, `{"$data": values}`, `{"$randn": shape}` with a dtype */
  made?(tag: string, value: Json, row: Readonly<Record<string, Json>>): unknown;
}

type Row = Readonly<Record<string, Json>>;

/** A Python float: a number, or one of the words for what JSON cannot write. */
export function float(value: Json): number {
  if (value === "inf") return Infinity;
  if (value === "-inf") return -Infinity;
  if (value === "nan") return NaN;
  return value as number;
}

/** `a:b:c` as Flambeau's indexing takes it. */
export function sliceText([start, stop, step]: readonly (number | null)[]): string {
  const text = `${start ?? ""}:${stop ?? ""}`;
  return step === null || step === undefined ? text : `${text}:${step}`;
}

/** One value of a case as an argument. */
export function decode(value: Json, sources: Sources): unknown {
  if (value === null || typeof value !== "object") return value;
  if (isList(value)) return value.map((item) => decode(item, sources));
  const tag = Object.keys(value).find((key) => key.startsWith("$"));
  if (tag === undefined) return camelKeys(value, (item) => decode(item, sources));
  return tagged(tag, value, sources);
}

function tagged(tag: string, row: Row, sources: Sources): unknown {
  const value = row[tag]!;
  switch (tag) {
    case "$float":
      return float(value);
    case "$tuple":
    case "$size":
      return (value as readonly Json[]).map((item) => decode(item, sources));
    case "$tensor":
      return take(tag, sources.tensor)(value as string);
    case "$var":
      return take(tag, sources.variable)(value as string);
    case "$dtype":
      return sources.library.dtype(value as string);
    case "$slice":
      return sliceText(value as readonly (number | null)[]);
    case "$ellipsis":
      return "...";
    case "$memory_format":
      return memoryFormat(value as string, sources.library);
    case "$fn":
      return functionOf(value as string);
    case "$bigint":
      return BigInt(value as string);
    case "$device":
      return value;
    case "$scheduler":
      return take(tag, sources.scheduler)(value as string, (row["kwargs"] ?? {}) as Row);
    case "$zeros":
    case "$full":
    case "$data":
    case "$randn":
      return take(tag, sources.made)(tag, value, row);
    default:
      throw new Error(`The runner does not know values of the form ${tag}`);
  }
}

function take<T>(tag: string, source: T | undefined): T {
  if (source === undefined) throw new Error(`A value of the form ${tag} has no meaning in this kind of case`);
  return source;
}

/** `torch.channels_last` where the library has a constant of that name, else the name: it is a hint on strides. */
function memoryFormat(name: string, library: Library): unknown {
  return member(library.torch, Object.keys(camelKeys({ [name]: null }, String))[0]!) ?? name;
}

/** A function of one number, `epoch` or `x`, whose text is a JavaScript expression. */
function functionOf(text: string): (value: number) => number {
  const body = new Function("epoch", "x", `return (${text});`) as (epoch: number, x: number) => number;
  return (value) => body(value, value);
}

/** Positional and named arguments as one call's list: the names go into one trailing object of options. */
export function callArguments(
  args: readonly Json[],
  kwargs: Readonly<Record<string, Json>> | undefined,
  sources: Sources,
): unknown[] {
  const positional = args.map((arg) => decode(arg, sources));
  if (kwargs === undefined || Object.keys(kwargs).length === 0) return positional;
  return [...positional, camelKeys(kwargs, (value) => decode(value, sources))];
}

/**
 * The items of `x[index]`. A tuple is one index per dimension. So is a list with anything but numbers in it, as
 * PyTorch reads `x[[[0, 1], [1, 2]]]`; a list of numbers is one index list.
 */
export function indexItems(index: Json, sources: Sources): unknown[] {
  if (isList(index)) {
    const perDimension = index.some((item) => item === null || typeof item === "object");
    return perDimension ? index.map((item) => decode(item, sources)) : [decode(index, sources)];
  }
  if (index !== null && typeof index === "object" && "$tuple" in index) {
    return (index["$tuple"] as readonly Json[]).map((item) => decode(item, sources));
  }
  return [decode(index, sources)];
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
