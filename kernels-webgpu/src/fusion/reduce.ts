/**
 * One kernel for a reduction with the pointwise primitives before it and after it.
 *
 * @module
 */

import type { FusedExpression, FusedOutput, FusedValue, Operand } from "@flambeau/core";
import type { GpuDispatch } from "../dispatch.ts";
import type { GpuLimits } from "../draft.ts";
import { computed } from "../element.ts";
import { loopsOf, loopUniforms, placesText } from "../geometry.ts";
import { foldInto } from "../kernels/reduce.ts";
import { wgsl } from "../wgsl.ts";
import { Outputs } from "./outputs.ts";
import { valuesText } from "./values.ts";

/** The dispatch of an expression with a fold, or null when it has too many uniforms. */
export function fuseReduce(
  limits: GpuLimits,
  expression: FusedExpression,
  list: readonly FusedOutput[],
): GpuDispatch | null {
  const fold = expression.values.find((value) => value.kind === "fold") as FusedValue & { kind: "fold" };
  const before = valuesText(fold.input, "x_", null, fold.input.values.length - 1);
  const after = valuesText(expression, "y_", "total");
  if (before === null || after === null) return null;
  const { shape } = expression;
  const last = fold.input.values.at(-1)!;
  const dtype = last.kind === "operand" ? last.operand.dtype : last.dtype;
  const outputs = new Outputs(list, [], false);
  const inputs = Object.keys(after.operands);
  const names = [...inputs, ...outputs.names];
  const loops = loopsOf(shape, [...Object.values(after.operands), ...list.map(({ target }) => target)]);
  const rank = loops.sizes.length;
  return foldInto(limits, [...before.names, ...after.names].join(", "), fold.name, {
    operands: before.operands,
    shape: fold.input.shape,
    strides: fold.strides,
    dims: fold.dims,
    type: computed(dtype),
    text: wgsl`
      ${before.lines}
      let x = x_v${fold.input.values.length - 1};`,
    key: before.key,
    uniforms: before.uniforms,
  }, {
    key: `${after.key}|${outputs.key}|${rank}`,
    steps: null,
    bind: (draft) => {
      for (const name of inputs) draft.bind(name, after.operands[name] as Operand, { as: "read" });
      outputs.bind(draft);
    },
    uniforms: (draft) => {
      loopUniforms(draft, "e_", names, loops);
      after.uniforms(draft);
    },
    text: wgsl`
      ${placesText(rank, "e_", names, "o")}
      ${inputs.map((name) => `let ${name} = get_${name}(p_${name});`)}
      ${after.lines}
      ${outputs.text("y_")}`,
  });
}
