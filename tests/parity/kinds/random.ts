/**
 * Kind `random`: results that no two libraries share, checked by their properties.
 *
 * @module
 */

import { Mismatch } from "../compare.ts";
import { type Context, describe } from "../context.ts";
import { callArguments, type Sources } from "../decode.ts";
import type { Case, Json } from "../fixtures.ts";
import type { Library } from "../library.ts";
import { invoke, isMethod, memberName } from "../names.ts";
import { numel, type Raw } from "../safetensors.ts";
import { expectProperties } from "../statistics.ts";

interface RandomCase extends Case {
  readonly call: string;
  readonly args: readonly Json[];
  readonly kwargs?: Readonly<Record<string, Json>>;
  readonly checks: Readonly<Record<string, Json>>;
}

/** A seed, so that a run of the fixtures is the same each time. */
const SEED = 20230417;

/** Runs a case of kind `random`. */
export async function runRandom({ library }: Context, testCase: Case): Promise<void> {
  const random = testCase as RandomCase;
  const first = await draw(library, random);
  expectProperties(first, random.checks);
  if (random.checks["reproducible"] !== true) return;
  const second = await draw(library, random);
  const differs = Array.from(first.data).findIndex((x, i) => x !== second.data[i]);
  if (differs >= 0) throw new Mismatch(`reproducible: the same seed gave another value at ${differs}`);
}

async function draw(library: Library, { call, args, kwargs }: RandomCase): Promise<Raw> {
  const sources: Sources = { library, made: (tag, value, row) => make(library, tag, value, row) };
  const values = callArguments(args, kwargs, sources);
  const [self, ...rest] = values;
  await library.call("manualSeed", SEED);
  const result = isMethod(call)
    ? await invoke(self, memberName(call), ...rest)
    : await library.function(call)(...values);
  if (!library.isTensor(result)) throw new Mismatch(`result: must be a tensor, got ${describe(result)}`);
  return await library.read(result);
}

function make(library: Library, tag: string, value: Json, row: Readonly<Record<string, Json>>): unknown {
  const shape = tag === "$data" ? shapeOf(value) : value as readonly number[];
  const data = tag === "$data"
    ? flatten(value)
    : tag === "$randn"
    ? normals(numel(shape))
    : new Array<number>(numel(shape)).fill(tag === "$full" ? row["value"] as number : 0);
  return library.tensor({ dtype: row["dtype"] as string, shape, data }).tensor;
}

function flatten(value: Json): number[] {
  return Array.isArray(value) ? value.flatMap(flatten) : [value as number];
}

function shapeOf(value: Json): number[] {
  return Array.isArray(value) ? [value.length, ...shapeOf(value[0] as Json)] : [];
}

/** Standard normal numbers by Box and Muller over mulberry32, the same each time. */
function normals(count: number): number[] {
  let state = SEED;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
  return Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}
