/**
 * Makes the dispatch of a product: chooses the kernel, and cuts a long depth into parts that are added afterwards, always
 * in the same order.
 *
 * @module
 */

import { float32, int32, type Operand } from "@flambeau/core";
import { type GpuDispatch, Sequence } from "../../dispatch.ts";
import { Draft, type GpuLimits, grid } from "../../draft.ts";
import { Scratch } from "../../memory.ts";
import { wgsl } from "../../wgsl.ts";
import { sumOfParts } from "../reduce.ts";
import { briefPlan } from "./brief.ts";
import { isSwapped, type Plan, type Product } from "./product.ts";
import { skinnyPlan } from "./skinny.ts";
import { AXES, plus, upTo } from "./text.ts";
import { tiledPlan } from "./tiled.ts";
import { choose, plainSettings, TILES } from "./tiles.ts";

/** The dispatch of a product, or null where it has more uniforms than there is room for. */
export function gemm(limits: GpuLimits, product: Product): GpuDispatch | null {
  const settings = limits.gemm ?? plainSettings();
  const { k, batch, output, type } = product;
  const swapped = isSwapped(product);
  const [m, n] = swapped ? [product.n, product.m] : [product.m, product.n];
  const choice = choose(settings, { m, n, k, batch });
  const plan = limits.brief === true
    ? briefPlan(product, { m, n, swapped }, choice.way)
    : choice.way === "skinny"
    ? skinnyPlan(product, { m, n, swapped }, settings.subgroups)
    : tiledPlan(product, { m, n, swapped }, TILES[choice.way]);
  const size = batch * m * n;
  const parts = Math.min(
    choice.parts === 0 ? plan.parts : choice.parts,
    Math.ceil(k / plan.depth),
    Math.floor(limits.maxBindingBytes / (size * 4)),
  );
  const directive = plan.subgroups && settings.subgroups === "directive";
  if (parts <= 1) return step(limits, product, plan, { swapped, parts: 1, directive }, output);
  const scratch = new Scratch(parts * size * 4);
  const partial: Operand = {
    buffer: scratch,
    dtype: type === "f32" ? float32 : int32,
    shape: [parts, ...output.shape],
    strides: [size, ...product.dense],
    offset: 0,
  };
  const first = step(limits, product, plan, { swapped, parts, directive }, partial);
  const { epilogue } = product;
  const second = epilogue === null ? sumOfParts(limits, partial, output) : epilogue.sum(partial);
  return first === null || second === null ? null : new Sequence([first, second], [scratch]);
}

interface Layout {
  readonly swapped: boolean;
  readonly parts: number;
  readonly directive: boolean;
}

function step(
  limits: GpuLimits,
  product: Product,
  plan: Plan,
  layout: Layout,
  into: Operand,
): GpuDispatch | null {
  const { op, m, n, k, batch, a, b, store, bias } = product;
  const { swapped, parts } = layout;
  const epilogue = parts > 1 ? null : product.epilogue;
  const piece = Math.max(1, Math.ceil(k / parts / plan.depth)) * plan.depth;
  const groups = plan.groups * parts;
  const draft = new Draft(epilogue === null ? op : `${op}, ${epilogue.op}`, limits)
    .u32("rows", swapped ? n : m).u32("columns", swapped ? m : n).u32("k", k)
    .u32("batches", batch).u32("piece", piece).u32("groups", groups);
  if (layout.directive) draft.directive("enable subgroups;");
  plan.uniforms(draft);
  product.inputs(draft);
  const fours = parts > 1 ? n % 4 === 0 && !swapped : store.four !== null;
  if (parts > 1) draft.bind("o", into, { as: "write", quads: fours });
  else product.result(draft);
  const key = [
    product.key,
    plan.key,
    `${a.along} ${a.key}`,
    `${b.along} ${b.key}`,
    parts > 1 ? "parts" : store.key,
    ...(fours ? ["x4"] : []),
    ...(swapped ? ["swapped"] : []),
    ...(bias === null ? [] : ["bias"]),
    ...(epilogue === null ? [] : [epilogue.key]),
  ].join("|");
  return draft.step(key, grid(groups), () =>
    wgsl`
      ${a.text(swapped ? "b" : "a")}
      ${b.text(swapped ? "a" : "b")}

      ${epilogue !== null && epilogue.text(fours)}
      ${storeText(product, layout, fours)}

      ${plan.text(parts > 1)}
    `);
}

/** `store_o(po, row, column, v, part)`: four results in a row of the kernel, as far as they are within bounds. */
function storeText({ type, bias, store }: Product, { swapped, parts }: Layout, fours: boolean): string {
  const [m, n] = swapped ? ["P.columns", "P.rows"] : ["P.rows", "P.columns"];
  const dense = `(po * ${m} + m) * ${n} + n`;
  const added = fours
    ? `vec4<${type}>(${upTo(4).map((i) => `bias_of(m, ${plus("n", i)})`).join(", ")})`
    : "bias_of(m, n)";
  const head = wgsl`
    if (m >= ${m} || n >= ${n}) { return; }
    var v = value;
    ${bias !== null && (parts > 1 ? `if (part == 0u) { v += ${added}; }` : `v += ${added};`)}`;
  const biasText = bias !== null && wgsl`
    fn bias_of(m: u32, n: u32) -> ${type} {
      ${bias}
    }`;
  if (fours) {
    return wgsl`
      ${biasText}
      fn store_o(po: u32, m: u32, n: u32, value: vec4<${type}>, part: u32) {
        ${head}
        ${parts > 1 ? `put_quad_o(${dense}, v);` : store.four}
      }
    `;
  }
  return wgsl`
    ${biasText}
    fn store_one(po: u32, m: u32, n: u32, value: ${type}, part: u32) {
      ${head}
      ${parts > 1 ? `put_o(${dense}, v);` : store.one}
    }
    fn store_o(po: u32, row: u32, column: u32, v: vec4<${type}>, part: u32) {
      ${
    AXES.map((axis, i) =>
      `store_one(po, ${
        swapped ? `${plus("column", i)}, row` : `row, ${plus("column", i)}`
      }, v.${axis}, part);`
    )
  }
    }
  `;
}
