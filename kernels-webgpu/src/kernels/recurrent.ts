/**
 * Recurrent layers and their gradients: one dispatch a step, which multiplies the states before it with the weight and goes
 * on to the states after it, or from the gradients of the gates after it to those before.
 *
 * A step reads states where the step before has left them in the results: nothing is read that it writes, but elements
 * that belong to one invocation.
 *
 * @module
 */

import { float32, type KernelTable, type Operand, type RecurrentAttrs } from "@flambeau/core";
import { type GpuDispatch, Sequence } from "../dispatch.ts";
import { Draft, type GpuLimits, grid, mainOf, WORKGROUP } from "../draft.ts";
import { count, isDense, isInPlace } from "../geometry.ts";
import { isTooLarge } from "../split.ts";
import { wgsl } from "../wgsl.ts";
import { copyOf } from "./data.ts";

type RecurrentName =
  | "rnnLayer"
  | "rnnLayerBackward"
  | "lstmLayer"
  | "lstmLayerBackward"
  | "gruLayer"
  | "gruLayerBackward";

/** Samples and hidden elements of a workgroup, and the depth of a step of its product. */
const TILE = 16;
/** Rows of workgroup memory are one longer than what they hold, so that columns lie in different banks. */
const STRIDE = TILE + 1;
/** Elements of the states beyond which tiles of whole products are faster. */
const MOST = 1 << 16;

/** A step: its first row, its samples, and those of the step that ran before it. */
interface Step {
  readonly start: number;
  readonly size: number;
  readonly beforeStart: number;
  readonly beforeSize: number;
}

/** The steps in the order in which the layer runs, or in which its gradient does. */
function stepsOf({ sizes, reverse }: RecurrentAttrs, backward: boolean): Step[] {
  let next = 0;
  const rows = sizes.map((size) => {
    next += size;
    return { start: next - size, size };
  });
  const order = reverse === backward ? rows : rows.reverse();
  return order.map(({ start, size }, i) => ({
    start,
    size,
    beforeStart: order[i - 1]?.start ?? 0,
    beforeSize: order[i - 1]?.size ?? 0,
  }));
}

/** Rows of one operand that are the same as rows of another. */
interface Rows {
  readonly from: Operand;
  readonly first: number;
  readonly to: number;
  readonly rows: number;
}

/** Copies of rows, those that go on in both operands together. */
function copies(
  limits: GpuLimits,
  op: RecurrentName,
  target: Operand,
  list: readonly Rows[],
): (GpuDispatch | null)[] {
  const width = target.shape[1]!;
  const joined: Rows[] = [];
  for (const here of [...list].sort((a, b) => a.to - b.to)) {
    const last = joined.at(-1);
    if (here.rows === 0) continue;
    if (
      last?.from === here.from && last.first + last.rows === here.first && last.to + last.rows === here.to
    ) {
      joined[joined.length - 1] = { ...last, rows: last.rows + here.rows };
    } else joined.push(here);
  }
  const part = ({ buffer, dtype, offset }: Operand, first: number, rows: number): Operand => ({
    buffer,
    dtype,
    offset: offset + first * width,
    shape: [rows * width],
    strides: [1],
  });
  return joined.map(({ from, first, to, rows }) =>
    copyOf(limits, op, part(from, first, rows), part(target, to, rows))
  );
}

/** The states before each row: those after the step before, or the first ones. */
function hiddensOf(steps: readonly Step[], y: Operand, h: Operand): Rows[] {
  return steps.flatMap(({ start, size, beforeStart, beforeSize }) => {
    const kept = Math.min(size, beforeSize);
    return [
      { from: y, first: beforeStart, to: start, rows: kept },
      { from: h, first: kept, to: start + kept, rows: size - kept },
    ];
  });
}

/** Samples by the step that runs last for them: its first row, and where they begin and end. */
function lastSteps(steps: readonly Step[]): { start: number; low: number; high: number }[] {
  return steps.map(({ start, size }, i) => ({
    start,
    low: Math.min(size, steps[i + 1]?.size ?? 0),
    high: size,
  }))
    .filter(({ low, high }) => low < high);
}

/** What a step is made of. */
interface Recipe {
  readonly op: RecurrentName;
  readonly key: string;
  /** Operands by name; those behind `reads` are written. */
  readonly operands: Readonly<Record<string, Operand>>;
  readonly reads: number;
  readonly hidden: number;
  /** Sums that the product gives: `sum_0` … */
  readonly sums: number;
  /** The length of the product. */
  readonly depth: number;
  /** Statements that return factor `k` of sample `i`. */
  readonly left: string;
  /** False where the first step has no product. */
  readonly always: boolean;
  /** An expression for the weight of sum `g`, factor `k` and hidden element `u`. */
  readonly right: string;
  /** From the sums to the results of sample `i`, row `row`, element `u`; `ran`: the sample ran in the step before. */
  readonly finish: string;
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** The dispatch of one step; `low` is the first sample. */
function stepOf(
  limits: GpuLimits,
  { op, key, operands, reads, hidden, sums, depth, left, always, right, finish }: Recipe,
  { start, size, beforeStart, beforeSize }: Step,
  low = 0,
): GpuDispatch | null {
  const across = Math.ceil(hidden / TILE);
  const groups = Math.ceil((size - low) / TILE) * across;
  const draft = new Draft(op, limits).u32("groups", groups).u32("across", across).u32("hidden", hidden)
    .u32("depth", always || beforeSize > 0 ? depth : 0)
    .u32("low", low).u32("start", start).u32("size", size).u32("before_start", beforeStart)
    .u32("before_size", beforeSize);
  Object.entries(operands).forEach(([name, x], i) =>
    draft.bind(name, x, { as: i < reads ? "read" : "write" })
  );
  return draft.step(key, grid(groups), () =>
    wgsl`
      var<workgroup> tile_a: array<f32, ${TILE * STRIDE}>;
      var<workgroup> tile_b: array<f32, ${sums * TILE * STRIDE}>;

      fn left_of(i: u32, k: u32, ran: bool) -> f32 {
        ${left}
      }
      fn right_of(g: u32, k: u32, u: u32) -> f32 { return ${right}; }

      ${
      mainOf(
        WORKGROUP,
        wgsl`
          if (group >= P.groups) { return; }
          let i0 = P.low + group / P.across * ${TILE}u;
          let u0 = group % P.across * ${TILE}u;
          let column = lane % ${TILE}u;
          let line = lane / ${TILE}u;
          ${upTo(sums).map((g) => `var sum_${g} = 0.0;`)}
          for (var k0 = 0u; k0 < P.depth; k0 += ${TILE}u) {
            let inside = k0 + column < P.depth;
            var value = 0.0;
            if (inside && i0 + line < P.size) { value = left_of(i0 + line, k0 + column, i0 + line < P.before_size); }
            tile_a[line * ${STRIDE}u + column] = value;
            for (var g = 0u; g < ${sums}u; g++) {
              var factor = 0.0;
              if (inside && u0 + line < P.hidden) { factor = right_of(g, k0 + column, u0 + line); }
              tile_b[(g * ${TILE}u + line) * ${STRIDE}u + column] = factor;
            }
            workgroupBarrier();
            for (var k = 0u; k < ${TILE}u; k++) {
              let a = tile_a[line * ${STRIDE}u + k];
              ${upTo(sums).map((g) => `sum_${g} += a * tile_b[(${g * TILE}u + column) * ${STRIDE}u + k];`)}
            }
            workgroupBarrier();
          }
          let i = i0 + line;
          let u = u0 + column;
          if (i < P.size && u < P.hidden) {
            let row = P.start + i;
            let ran = i < P.before_size;
            let state = i * P.hidden + u;
            let at = row * P.hidden + u;
            ${finish}
          }
        `,
      )
    }
    `);
}

/** `let <name> = …;` where the sample ran before, else from where states begin. */
function either(name: string, ran: string, otherwise: string): string {
  return wgsl`
    var ${name} = 0.0;
    if (ran) { ${name} = ${ran}; } else { ${name} = ${otherwise}; }`;
}

/** State `k` of sample `i` before a step. */
const STATES = wgsl`
  if (ran) { return get_y((P.before_start + i) * P.hidden + k); }
  return get_h(i * P.hidden + k);`;

/** True for what these kernels take. */
function fits(
  limits: GpuLimits,
  inputs: readonly Operand[],
  outputs: readonly Operand[],
  weight: Operand,
  { sizes }: RecurrentAttrs,
): boolean {
  const all = [...inputs, ...outputs];
  return all.every((x) => x.dtype === float32 && isDense(x) && count(x.shape) > 0) &&
    !isInPlace(outputs, inputs) && !all.some((x) => isTooLarge(limits, x, all)) &&
    sizes.length > 0 && sizes[0]! * weight.shape[1]! <= MOST;
}

/** All dispatches in order, or null. */
function inOrderOrNull(steps: readonly (GpuDispatch | null)[]): GpuDispatch | null {
  return steps.includes(null) ? null : new Sequence(steps as GpuDispatch[]);
}

/** Recurrent layers of float32; others go through their decompositions. */
export function recurrentKernels(
  limits: GpuLimits,
): Pick<Required<KernelTable<GpuDispatch>>, RecurrentName> {
  const forward = (
    op: RecurrentName,
    attrs: RecurrentAttrs,
    recipe: Pick<Recipe, "key" | "operands" | "reads" | "sums" | "finish">,
    [h, y, hn, hiddens]: readonly [Operand, Operand, Operand, Operand],
  ): GpuDispatch | null => {
    const hidden = h.shape[1]!;
    const steps = stepsOf(attrs, false);
    const all: Recipe = {
      ...recipe,
      op,
      hidden,
      depth: hidden,
      left: STATES,
      always: true,
      right: "get_w((g * P.hidden + u) * P.hidden + k)",
    };
    return inOrderOrNull([
      ...steps.map((step) => stepOf(limits, all, step)),
      ...copies(limits, op, hiddens, hiddensOf(steps, y, h)),
      ...copies(
        limits,
        op,
        hn,
        lastSteps(steps).map(({ start, low, high }) => ({
          from: y,
          first: start + low,
          to: low,
          rows: high - low,
        })),
      ),
    ]);
  };
  const backward = (
    op: RecurrentName,
    attrs: RecurrentAttrs,
    recipe: Pick<Recipe, "key" | "operands" | "reads" | "finish">,
    gates: { readonly name: string; readonly x: Operand },
    weight: Operand,
    gh: Operand,
    rest: string,
  ): GpuDispatch | null => {
    const hidden = weight.shape[1]!;
    const width = gates.x.shape[1]!;
    const steps = stepsOf(attrs, true);
    const product = {
      op,
      hidden,
      sums: 1,
      depth: width,
      left: wgsl`
        if (!ran) { return 0.0; }
        return get_${gates.name}((P.before_start + i) * ${width / hidden}u * P.hidden + k);`,
      right: "get_w(k * P.hidden + u)",
    };
    const all: Recipe = { ...recipe, ...product, always: false };
    const last: Recipe = {
      ...product,
      key: `last|${rest}|${width / hidden}`,
      operands: { [gates.name]: gates.x, w: weight, gh },
      reads: 2,
      always: true,
      finish: `put_gh(state, sum_0${rest});`,
    };
    return inOrderOrNull([
      ...steps.map((step) => stepOf(limits, all, step)),
      ...lastSteps(steps).map(({ start, low, high }) =>
        stepOf(limits, last, { start, size: high, beforeStart: start, beforeSize: high }, low)
      ),
    ]);
  };
  return {
    rnnLayer([gates, weight, h], [y, hn, hiddens], attrs) {
      if (!fits(limits, [gates, weight, h], [y, hn, hiddens], weight, attrs)) return null;
      const f = attrs.nonlinearity === "tanh" ? "m_tanh(x)" : "m_max(x, 0.0)";
      return forward("rnnLayer", attrs, {
        key: attrs.nonlinearity,
        operands: { gates, w: weight, h, y },
        reads: 3,
        sums: 1,
        finish: wgsl`
          let x = get_gates(at) + sum_0;
          put_y(at, ${f});`,
      }, [h, y, hn, hiddens]);
    },
    rnnLayerBackward([gy, ghn, weight, y, ghiddens], [ggates, gh], attrs) {
      if (ghiddens !== undefined) return null;
      if (!fits(limits, [gy, ghn, weight, y], [ggates, gh], weight, attrs)) return null;
      const inner = attrs.nonlinearity === "tanh"
        ? "g - g * (after * after)"
        : "select(g, 0.0, after <= 0.0 && !m_isnan(after))";
      return backward(
        "rnnLayerBackward",
        attrs,
        {
          key: attrs.nonlinearity,
          operands: { gy, ghn, w: weight, y, gg: ggates },
          reads: 4,
          finish: wgsl`
          ${either("g", "sum_0", "get_ghn(state)")}
          g += get_gy(at);
          let after = get_y(at);
          put_gg(at, ${inner});`,
        },
        { name: "gg", x: ggates },
        weight,
        gh,
        "",
      );
    },
    lstmLayer([gates, weight, h, c], [y, hn, cn, activations, hiddens, cells], attrs) {
      const outputs = [y, hn, cn, activations, hiddens, cells];
      if (!fits(limits, [gates, weight, h, c], outputs, weight, attrs)) return null;
      return forward("lstmLayer", attrs, {
        key: "",
        operands: { gates, w: weight, h, c, y, cn, s: activations, cells },
        reads: 4,
        sums: 4,
        finish: wgsl`
          let first = row * 4u * P.hidden + u;
          let input = m_sigmoid(get_gates(first) + sum_0);
          let forget = m_sigmoid(get_gates(first + P.hidden) + sum_1);
          let fresh = m_tanh(get_gates(first + 2u * P.hidden) + sum_2);
          let output = m_sigmoid(get_gates(first + 3u * P.hidden) + sum_3);
          ${either("cell", "get_cn(state)", "get_c(state)")}
          put_cells(at, cell);
          cell = forget * cell + input * fresh;
          put_cn(state, cell);
          put_y(at, output * m_tanh(cell));
          put_s(first, input);
          put_s(first + P.hidden, forget);
          put_s(first + 2u * P.hidden, fresh);
          put_s(first + 3u * P.hidden, output);`,
      }, [h, y, hn, hiddens]);
    },
    lstmLayerBackward(inputs, [ggates, gh, gc], attrs) {
      if (inputs.length > 6) return null;
      const [gy, ghn, gcn, weight, activations, cells] = inputs;
      if (!fits(limits, inputs as readonly Operand[], [ggates, gh, gc], weight, attrs)) return null;
      return backward(
        "lstmLayerBackward",
        attrs,
        {
          key: "",
          operands: { gy, ghn, gcn, w: weight, s: activations, cells, gg: ggates, gc },
          reads: 6,
          finish: wgsl`
          let first = row * 4u * P.hidden + u;
          let input = get_s(first);
          let forget = get_s(first + P.hidden);
          let fresh = get_s(first + 2u * P.hidden);
          let output = get_s(first + 3u * P.hidden);
          let before = get_cells(at);
          let squashed = m_tanh(forget * before + input * fresh);
          ${either("g", "sum_0", "get_ghn(state)")}
          g += get_gy(at);
          ${either("gcell", "get_gc(state)", "get_gcn(state)")}
          gcell += g * output * (1.0 - squashed * squashed);
          put_gg(first, gcell * fresh * (input - input * input));
          put_gg(first + P.hidden, gcell * before * (forget - forget * forget));
          put_gg(first + 2u * P.hidden, gcell * input * (1.0 - fresh * fresh));
          put_gg(first + 3u * P.hidden, g * squashed * (output - output * output));
          put_gc(state, gcell * forget);`,
        },
        { name: "gg", x: ggates },
        weight,
        gh,
        "",
      );
    },
    gruLayer([gates, weight, bias, h], [y, hn, activations, hiddens], attrs) {
      if (!fits(limits, [gates, weight, bias, h], [y, hn, activations, hiddens], weight, attrs)) return null;
      return forward("gruLayer", attrs, {
        key: "",
        operands: { gates, w: weight, b: bias, h, y, s: activations },
        reads: 4,
        sums: 3,
        finish: wgsl`
          let given = row * 3u * P.hidden + u;
          let first = row * 4u * P.hidden + u;
          let reset = m_sigmoid(get_gates(given) + (sum_0 + get_b(u)));
          let update = m_sigmoid(get_gates(given + P.hidden) + (sum_1 + get_b(P.hidden + u)));
          let inner = sum_2 + get_b(2u * P.hidden + u);
          let fresh = m_tanh(get_gates(given + 2u * P.hidden) + reset * inner);
          let before = left_of(i, u, ran);
          put_y(at, fresh + update * (before - fresh));
          put_s(first, reset);
          put_s(first + P.hidden, update);
          put_s(first + 2u * P.hidden, inner);
          put_s(first + 3u * P.hidden, fresh);`,
      }, [h, y, hn, hiddens]);
    },
    gruLayerBackward(inputs, [ga, gb, gh], attrs) {
      if (inputs.length > 5) return null;
      const [gy, ghn, weight, activations, hiddens] = inputs;
      if (!fits(limits, inputs as readonly Operand[], [ga, gb, gh], weight, attrs)) return null;
      return backward(
        "gruLayerBackward",
        attrs,
        {
          key: "",
          // gh holds what goes past the gates until the step behind is done.
          operands: { gy, ghn, w: weight, s: activations, hiddens, ga, gb, gh },
          reads: 5,
          finish: wgsl`
          let to = row * 3u * P.hidden + u;
          let first = row * 4u * P.hidden + u;
          let reset = get_s(first);
          let update = get_s(first + P.hidden);
          let inner = get_s(first + 2u * P.hidden);
          let fresh = get_s(first + 3u * P.hidden);
          ${either("g", "sum_0 + get_gh(state)", "get_ghn(state)")}
          g += get_gy(at);
          let kept = g * update;
          let gn = (g - kept) * (1.0 - fresh * fresh);
          let pr = gn * inner * (reset - reset * reset);
          let pz = g * (get_hiddens(at) - fresh) * (update - update * update);
          put_ga(to, pr);
          put_ga(to + P.hidden, pz);
          put_ga(to + 2u * P.hidden, gn);
          put_gb(to, pr);
          put_gb(to + P.hidden, pz);
          put_gb(to + 2u * P.hidden, gn * reset);
          put_gh(state, kept);`,
        },
        { name: "gb", x: gb },
        weight,
        gh,
        " + get_gh(state)",
      );
    },
  };
}
