/**
 * One kernel for many pointwise primitives: each element of the operands is read once, and only results are written.
 *
 * @module
 */

import type { FusedExpression, FusedOutput } from "@flambeau/core";
import type { GpuDispatch } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf, WORKGROUP } from "../draft.ts";
import { count, isFlat, loopsOf, loopUniforms, placesText } from "../geometry.ts";
import { wgsl } from "../wgsl.ts";
import { Outputs } from "./outputs.ts";
import { valuesText } from "./values.ts";

/** The dispatch of an expression without a fold, or null when it has too many uniforms. */
export function fusePointwise(
  limits: GpuLimits,
  expression: FusedExpression,
  list: readonly FusedOutput[],
): GpuDispatch | null {
  const { shape } = expression;
  const text = valuesText(expression, "");
  if (text === null) return null;
  const inputs = Object.keys(text.operands);
  const operands = Object.values(text.operands);
  const loops = loopsOf(shape, [...operands, ...list.map(({ target }) => target)]);
  const rank = loops.sizes.length;
  const flat = isFlat(loops);
  const n = count(shape);
  // Each result by itself: what runs on in its memory may be several loops for the kernel.
  const outputs = new Outputs(list, list.map(({ target }) => loopsOf(shape, [target]).steps[0]!), true);
  const { span } = outputs;
  const draft = new Draft(text.names.join(", "), limits).u32("n", n);
  for (const name of inputs) draft.bind(name, text.operands[name]!, { as: "read" });
  outputs.bind(draft);
  const names = [...inputs, ...outputs.names];
  if (!flat) loopUniforms(draft, "", names, loops);
  text.uniforms(draft);
  const form = flat ? "flat" : `rank${rank}`;
  return draft.step(
    `${text.key}|${outputs.key}|${form}`,
    grid(Math.ceil(n / span / WORKGROUP)),
    () => {
      const element = wgsl`
        ${flat ? wgsl`${names.map((name) => `let p_${name} = i;`)}` : placesText(rank, "", names, "i")}
        ${inputs.map((name) => `let ${name} = get_${name}(p_${name});`)}
        ${text.lines}
        ${outputs.text("")}
      `;
      if (span === 1) {
        return mainOf(
          WORKGROUP,
          wgsl`
            let i = group * ${WORKGROUP}u + lane;
            if (i >= P.n) { return; }
            ${element}
          `,
        );
      }
      return mainOf(
        WORKGROUP,
        wgsl`
          let first = (group * ${WORKGROUP}u + lane) * ${span}u;
          ${outputs.setup}
          for (var i = first; i < min(first + ${span}u, P.n); i++) {
            ${element}
          }
        `,
      );
    },
  );
}
