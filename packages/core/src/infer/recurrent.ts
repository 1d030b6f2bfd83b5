/**
 * Shape rules of recurrent layers: rows of packed steps, and states of samples.
 *
 * @module
 */

import type { Aval } from "../backend.ts";
import type { FusedPrimitives, RecurrentAttrs } from "../primitives.ts";
import { formatShape } from "../shape.ts";
import { checkShapeIs, checkValues, type RulesOf, shapeError, valueError } from "./checks.ts";

type RecurrentName =
  | "rnnLayer"
  | "rnnLayerBackward"
  | "lstmLayer"
  | "lstmLayerBackward"
  | "gruLayer"
  | "gruLayerBackward";

/** Types of what has a row for each step of each sample, and of what has one for each sample. */
interface Types {
  /** `[R, parts · H]`. */
  readonly rows: (parts: number) => Aval;
  /** `[N, H]`. */
  readonly states: Aval;
}

/** Checks dtypes, the weight `[parts · H, H]` and the sizes of steps. */
function typesOf(
  op: RecurrentName,
  inputs: readonly Aval[],
  weight: Aval,
  parts: number,
  { sizes }: RecurrentAttrs,
): Types {
  checkValues(op, inputs);
  const { dtype } = weight;
  const h = weight.shape[1];
  if (weight.shape.length !== 2 || h === undefined || weight.shape[0] !== parts * h) {
    throw shapeError(
      op,
      inputs,
      `weight must be [${parts === 1 ? "H" : `${parts} H`}, H]`,
      formatShape(weight.shape),
    );
  }
  let total = 0;
  for (let t = 0; t < sizes.length; t++) {
    const size = sizes[t]!;
    if (!Number.isInteger(size) || size < 1 || (t > 0 && size > sizes[t - 1]!)) {
      throw valueError(op, inputs, "sizes must be integers >= 1 that never grow", formatShape(sizes));
    }
    total += size;
  }
  if (sizes.length === 0) throw valueError(op, inputs, "there must be one step or more", "0");
  return {
    rows: (count) => ({ shape: [total, count * h], dtype }),
    states: { shape: [sizes[0]!, h], dtype },
  };
}

/** Checks that each input has the shape of the type beside it. */
function checkAll(
  op: RecurrentName,
  inputs: readonly Aval[],
  wanted: readonly (readonly [role: string, x: Aval | undefined, type: Aval])[],
): void {
  for (const [role, x, { shape }] of wanted) if (x !== undefined) checkShapeIs(op, inputs, role, x, shape);
}

/** Rules of recurrent layers. */
export const recurrentRules: RulesOf<Pick<FusedPrimitives<unknown>, RecurrentName>> = {
  rnnLayer(inputs, attrs) {
    const [gates, weight, h] = inputs;
    const { rows, states } = typesOf("rnnLayer", inputs, weight, 1, attrs);
    checkAll("rnnLayer", inputs, [["gates", gates, rows(1)], ["h", h, states]]);
    return [rows(1), states, rows(1)];
  },

  rnnLayerBackward(inputs, attrs) {
    const [gy, ghn, weight, y, ghiddens] = inputs;
    const { rows, states } = typesOf("rnnLayerBackward", inputs, weight, 1, attrs);
    checkAll("rnnLayerBackward", inputs, [
      ["gy", gy, rows(1)],
      ["ghn", ghn, states],
      ["y", y, rows(1)],
      ["ghiddens", ghiddens, rows(1)],
    ]);
    return [rows(1), states];
  },

  lstmLayer(inputs, attrs) {
    const [gates, weight, h, c] = inputs;
    const { rows, states } = typesOf("lstmLayer", inputs, weight, 4, attrs);
    checkAll("lstmLayer", inputs, [["gates", gates, rows(4)], ["h", h, states], ["c", c, states]]);
    return [rows(1), states, states, rows(4), rows(1), rows(1)];
  },

  lstmLayerBackward(inputs, attrs) {
    const [gy, ghn, gcn, weight, activations, cells, gactivations, ghiddens, gcells] = inputs;
    const { rows, states } = typesOf("lstmLayerBackward", inputs, weight, 4, attrs);
    checkAll("lstmLayerBackward", inputs, [
      ["gy", gy, rows(1)],
      ["ghn", ghn, states],
      ["gcn", gcn, states],
      ["activations", activations, rows(4)],
      ["cells", cells, rows(1)],
      ["gactivations", gactivations, rows(4)],
      ["ghiddens", ghiddens, rows(1)],
      ["gcells", gcells, rows(1)],
    ]);
    return [rows(4), states, states];
  },

  gruLayer(inputs, attrs) {
    const [gates, weight, bias, h] = inputs;
    const { rows, states } = typesOf("gruLayer", inputs, weight, 3, attrs);
    checkAll("gruLayer", inputs, [["gates", gates, rows(3)], ["h", h, states]]);
    checkShapeIs("gruLayer", inputs, "bias", bias, [weight.shape[0]!]);
    return [rows(1), states, rows(4), rows(1)];
  },

  gruLayerBackward(inputs, attrs) {
    const [gy, ghn, weight, activations, hiddens, gactivations, ghiddens] = inputs;
    const { rows, states } = typesOf("gruLayerBackward", inputs, weight, 3, attrs);
    checkAll("gruLayerBackward", inputs, [
      ["gy", gy, rows(1)],
      ["ghn", ghn, states],
      ["activations", activations, rows(4)],
      ["hiddens", hiddens, rows(1)],
      ["gactivations", gactivations, rows(4)],
      ["ghiddens", ghiddens, rows(1)],
    ]);
    return [rows(3), rows(3), states];
  },
};
