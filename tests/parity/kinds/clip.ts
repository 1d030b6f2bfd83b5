/**
 * Kind `clip`: gradient clipping.
 *
 * @module
 */

import { Mismatch } from "../compare.ts";
import { type Context, describe, entryOf, expectTensor, Inputs } from "../context.ts";
import { callArguments } from "../decode.ts";
import type { Case, Json } from "../fixtures.ts";
import { invoke } from "../names.ts";
import { numel } from "../safetensors.ts";

interface ClipCase extends Case {
  readonly call: string;
  readonly kwargs?: Readonly<Record<string, Json>>;
  readonly gradients: readonly string[];
  readonly gradients_after: readonly string[];
  readonly total_norm?: string;
}

/** Runs a case of kind `clip`. */
export async function runClip(context: Context, testCase: Case): Promise<void> {
  const { library } = context;
  const c = testCase as ClipCase;
  const inputs = new Inputs(context, testCase);
  const params = c.gradients.map((name) => {
    const { dtype, shape } = entryOf(c, name);
    const param = library.tensor({ dtype, shape, data: new Float32Array(numel(shape)) });
    invoke(param.tensor, "requiresGrad_");
    param.tensor.grad = inputs.get(name);
    return param.tensor;
  });
  const result = await library.function(c.call)(params, ...callArguments([], c.kwargs, { library }));
  for (const [i, name] of c.gradients_after.entries()) {
    await expectTensor(context, testCase, name, params[i]!.grad, `gradient ${i}`);
  }
  if (c.total_norm === undefined) return;
  if (!library.isTensor(result)) throw new Mismatch(`total norm: must be a tensor, got ${describe(result)}`);
  await expectTensor(context, testCase, c.total_norm, result, "total norm");
}
