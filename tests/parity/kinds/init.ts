/**
 * Kind `init`: the functions of `nn.init`, and how the modules fill their parameters.
 *
 * @module
 */

import { isScalarClose, Mismatch } from "../compare.ts";
import { type Context, describe } from "../context.ts";
import { callArguments, type Sources } from "../decode.ts";
import type { Case, Json } from "../fixtures.ts";
import { invoke } from "../names.ts";
import { expectProperties } from "../statistics.ts";
import { construct, entries } from "./modules.ts";

interface InitCase extends Case {
  readonly call?: string;
  readonly module?: string;
  readonly param?: string;
  readonly shape?: readonly number[];
  readonly args?: readonly Json[];
  readonly kwargs?: Readonly<Record<string, Json>>;
  readonly checks: Readonly<Record<string, Json>>;
}

/** A seed, so that a run of the fixtures is the same each time. */
const SEED = 20230417;

/** Runs a case of kind `init`. */
export async function runInit({ library }: Context, testCase: Case): Promise<void> {
  const { call, module, param, shape, args = [], kwargs, checks } = testCase as InitCase;
  const sources: Sources = { library };
  await library.call("manualSeed", SEED);
  const values = callArguments(args, kwargs, sources);
  if (shape !== undefined) {
    const tensor = library.call("zeros", [...shape]);
    const result = await library.function(call!)(tensor, ...values);
    if (result !== tensor) throw new Mismatch("it must return the tensor that it filled");
    return await check(tensor);
  }
  if (module !== undefined) {
    const state = new Map(entries(invoke(construct(library, module, values), "stateDict")));
    return await check(state.get(param!));
  }
  const got = await library.function(call!)(...values);
  const want = checks["value"] as number;
  if (typeof got !== "number" || !isScalarClose(got, want)) {
    throw new Mismatch(`value: must be ${want}, got ${describe(got)}`);
  }

  async function check(tensor: unknown): Promise<void> {
    if (!library.isTensor(tensor)) throw new Mismatch(`result: must be a tensor, got ${describe(tensor)}`);
    expectProperties(await library.read(tensor), checks, kwargs);
  }
}
