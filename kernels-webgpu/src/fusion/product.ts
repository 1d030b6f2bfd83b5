/**
 * Steps after a product of matrices or a convolution, in the kernel that makes it: they take the place of its store.
 *
 * @module
 */

import {
  contiguousStrides,
  type ConvAttrs,
  type FusedExpression,
  type FusedOutput,
  type FusedValue,
  type Operand,
} from "@flambeau/core";
import type { GpuDispatch } from "../dispatch.ts";
import type { GpuLimits } from "../draft.ts";
import { computed } from "../element.ts";
import { isDense, isFlat, loopsOf, loopUniforms, placesText } from "../geometry.ts";
import { convWith } from "../kernels/conv.ts";
import { gemmWith } from "../kernels/gemm.ts";
import type { Epilogue } from "../kernels/gemm/product.ts";
import { AXES, plus } from "../kernels/gemm/text.ts";
import { wgsl } from "../wgsl.ts";
import { Outputs } from "./outputs.ts";
import { fuseReduce } from "./reduce.ts";
import { valuesText } from "./values.ts";

type ProductValue = FusedValue & { readonly kind: "product" };

/**
 * The dispatch of an expression with a product, or null when that is made in pieces, or one kernel would have too many operands
 * or uniforms.
 *
 * @param maxBuffers Storage bindings of a shader.
 */
export function fuseProduct(
  limits: GpuLimits,
  maxBuffers: number,
  expression: FusedExpression,
  list: readonly FusedOutput[],
): GpuDispatch | null {
  const at = expression.values.findIndex(({ kind }) => kind === "product");
  const { name, inputs, attrs, shape, dtype } = expression.values[at] as ProductValue;
  const epilogue = epilogueOf(limits, expression, at, list);
  if (epilogue === null || inputs.length + epilogue.bindings > maxBuffers) return null;
  const o: Operand = { buffer: { bytes: 0 }, dtype, shape, strides: contiguousStrides(shape), offset: 0 };
  return name === "matmul" || name === "linear"
    ? gemmWith(limits, name, inputs, o, epilogue)
    : convWith(limits, name, inputs, o, attrs as ConvAttrs, epilogue);
}

/** The steps after the value number `at`; null when they have no text. */
function epilogueOf(
  limits: GpuLimits,
  expression: FusedExpression,
  at: number,
  list: readonly FusedOutput[],
): Epilogue & { readonly bindings: number } | null {
  const text = valuesText(expression, "y_", "total");
  if (text === null) return null;
  const { shape, values } = expression;
  const { dtype, inputs } = values[at] as ProductValue;
  const names = Object.keys(text.operands);
  const operands = Object.values(text.operands);
  const targets = list.map(({ target }) => target);
  const outputs = new Outputs(list, [], false);
  const one = loopsOf(shape, [...operands, ...targets]);
  const four = loopsOf(shape, operands);
  // Results that are bound as fours share no binding with what is read.
  const fours = targets.every((target) =>
    isDense(target) && target.offset % 4 === 0 &&
    ![...inputs, ...operands].some(({ buffer }) => buffer === target.buffer)
  );
  const key = (quads: boolean): string => {
    const loops = quads ? four : one;
    return isFlat(loops) ? "flat" : `rank${loops.sizes.length}`;
  };
  /** Statements that read element `i` of the operands and compute the values. */
  const element = (quads: boolean): string => {
    const loops = quads ? four : one;
    const all = quads ? names : [...names, ...outputs.names];
    return wgsl`
      ${
      isFlat(loops) ? all.map((name) => `let p_${name} = i;`) : placesText(loops.sizes.length, "e_", all, "i")
    }
      ${names.map((name) => `let ${name} = get_${name}(p_${name});`)}
      ${text.lines}
    `;
  };
  const type = computed(dtype);
  const typeOf = ({ target }: FusedOutput): string => computed(target.dtype);
  return {
    op: text.names.join(", "),
    key: `${text.key}|${outputs.key}|${key(false)}|${key(true)}`,
    fours,
    bindings: new Set([...operands, ...targets].map(({ buffer }) => buffer)).size,
    bind: (draft, quads) => {
      for (const name of names) draft.bind(name, text.operands[name]!, { as: "read" });
      if (quads) list.forEach(({ target }, i) => draft.bind(`o${i}`, target, { as: "write", quads }));
      else outputs.bind(draft);
      const loops = quads ? four : one;
      if (!isFlat(loops)) loopUniforms(draft, "e_", quads ? names : [...names, ...outputs.names], loops);
      text.uniforms(draft);
    },
    text: (quads) =>
      quads
        ? wgsl`
          struct Finished {
            ${list.map((output, i) => `o${i}: ${typeOf(output)},`)}
          }
          fn finished(i: u32, total: ${type}) -> Finished {
            ${element(true)}
            return Finished(${list.map(({ value }) => `y_v${value}`).join(", ")});
          }
          fn put_quad_o(i: u32, v: vec4<${type}>) {
            ${AXES.map((axis, k) => `let ${axis} = finished(${plus("i", k)}, v.${axis});`)}
            ${
          list.map((output, i) =>
            `put_quad_o${i}(i, vec4<${typeOf(output)}>(${AXES.map((axis) => `${axis}.o${i}`).join(", ")}));`
          )
        }
          }`
        : wgsl`
          fn put_o(i: u32, total: ${type}) {
            ${element(false)}
            ${outputs.text("y_")}
          }`,
    sum: (partial) => {
      const fold: FusedValue = {
        kind: "fold",
        name: "sum",
        dims: [0],
        input: { shape: partial.shape, values: [{ kind: "operand", operand: partial }] },
        strides: partial.strides,
        dtype,
      };
      return fuseReduce(limits, { shape, values: values.with(at, fold) }, list);
    },
  };
}
