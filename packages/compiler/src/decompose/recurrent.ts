/**
 * Recurrent layers over all steps of packed sequences, and their gradients.
 *
 * The state of every sample is one row of a matrix [N, H]. A step reads and replaces its first rows: those of the samples
 * that have the step. Backward in time the same matrix carries the gradients.
 *
 * @module
 */

import type { Aval, RecurrentAttrs } from "@flambeau/core";
import { type Decomposition, Formula } from "./formula.ts";

/** One step: its place in time, its first row and the number of its rows. */
interface Step {
  readonly time: number;
  readonly start: number;
  readonly size: number;
}

/** The steps in the order in which the layer runs, or in which its gradient does. */
function stepsOf({ sizes, reverse }: RecurrentAttrs, backward: boolean): Step[] {
  let start = 0;
  const steps = sizes.map((size, time) => {
    start += size;
    return { time, start: start - size, size };
  });
  return reverse === backward ? steps : steps.reverse();
}

/** What the steps of a layer are written with. */
class Layer<T extends Aval> extends Formula<T> {
  /** `size` rows of x from `start` on. */
  rows(x: T, { start, size }: { readonly start: number; readonly size: number }): T {
    const width = x.shape[1]!;
    if (start === 0 && size === x.shape[0]) return x;
    return this.bind("slice", [x], { starts: [start, 0], stops: [start + size, width], steps: [1, 1] });
  }

  /** The columns of x in `count` equal parts. */
  parts(x: T, count: number): T[] {
    const [size, width] = x.shape as [number, number];
    const step = width / count;
    return Array.from(
      { length: count },
      (_, i) =>
        this.bind("slice", [x], { starts: [0, i * step], stops: [size, (i + 1) * step], steps: [1, 1] }),
    );
  }

  /** Parts beside one another. */
  beside(...parts: T[]): T {
    return this.bind("concat", parts, { dim: 1 });
  }

  /** The rows of all steps, in the order of time. */
  joined(steps: readonly T[]): T {
    return this.bind("concat", [...steps], { dim: 0 });
  }

  /** `states` with the first rows replaced. */
  replaced(states: T, first: T): T {
    const [all, size] = [states.shape[0]!, first.shape[0]!];
    if (size === all) return first;
    return this.bind("concat", [first, this.rows(states, { start: size, size: all - size })], { dim: 0 });
  }

  sigmoid(x: T): T {
    return this.bind("sigmoid", [x], null);
  }

  tanh(x: T): T {
    return this.bind("tanh", [x], null);
  }

  /** g · y (1 − y): through y = σ(x). */
  throughSigmoid(g: T, y: T): T {
    return this.mul(g, this.sub(y, this.mul(y, y)));
  }

  /** g · (1 − y²): through y = tanh(x). */
  throughTanh(g: T, y: T): T {
    return this.sub(g, this.mul(g, this.mul(y, y)));
  }

  /** x + rows of y, when there is a y. */
  plus(x: T, y: T | undefined, step: Step): T {
    return y === undefined ? x : this.add(x, this.rows(y, step));
  }
}

/** h ← f(gates + h weightᵀ). */
export const rnnLayer: Decomposition<"rnnLayer"> = (bind, [gates, weight, h], attrs) => {
  const f = new Layer(bind);
  type T = typeof gates;
  const turned = f.transpose(weight);
  const [y, hiddens]: [T[], T[]] = [[], []];
  let hn = h;
  for (const step of stepsOf(attrs, false)) {
    const before = f.rows(hn, { start: 0, size: step.size });
    const sums = f.add(f.rows(gates, step), f.matmul(before, turned));
    hiddens[step.time] = before;
    y[step.time] = f.bind(attrs.nonlinearity, [sums], null);
    hn = f.replaced(hn, y[step.time]!);
  }
  return [f.joined(y), hn, f.joined(hiddens)];
};

/** Gradients of rnnLayer for gates and h. */
export const rnnLayerBackward: Decomposition<"rnnLayerBackward"> = (bind, inputs, attrs) => {
  const [gy, ghn, weight, y, ghiddens] = inputs;
  const f = new Layer(bind);
  const ggates: (typeof gy)[] = [];
  let gh = ghn;
  for (const step of stepsOf(attrs, true)) {
    const g = f.add(f.rows(gy, step), f.rows(gh, { start: 0, size: step.size }));
    const after = f.rows(y, step);
    const inner = attrs.nonlinearity === "tanh"
      ? f.throughTanh(g, after)
      : f.bind("reluBackward", [g, after], null);
    ggates[step.time] = inner;
    gh = f.replaced(gh, f.plus(f.matmul(inner, weight), ghiddens, step));
  }
  return [f.joined(ggates), gh];
};

/** c ← f c + i g, h ← o tanh(c). */
export const lstmLayer: Decomposition<"lstmLayer"> = (bind, [gates, weight, h, c], attrs) => {
  const f = new Layer(bind);
  type T = typeof gates;
  const turned = f.transpose(weight);
  const [y, activations, hiddens, cells]: [T[], T[], T[], T[]] = [[], [], [], []];
  let [hn, cn] = [h, c];
  for (const step of stepsOf(attrs, false)) {
    const { time, size } = step;
    hiddens[time] = f.rows(hn, { start: 0, size });
    cells[time] = f.rows(cn, { start: 0, size });
    const sums = f.parts(f.add(f.rows(gates, step), f.matmul(hiddens[time]!, turned)), 4);
    const [input, forget, output] = [sums[0]!, sums[1]!, sums[3]!].map((x) => f.sigmoid(x)) as [T, T, T];
    const fresh = f.tanh(sums[2]!);
    const cell = f.add(f.mul(forget, cells[time]!), f.mul(input, fresh));
    activations[time] = f.beside(input, forget, fresh, output);
    y[time] = f.mul(output, f.tanh(cell));
    hn = f.replaced(hn, y[time]!);
    cn = f.replaced(cn, cell);
  }
  return [f.joined(y), hn, cn, f.joined(activations), f.joined(hiddens), f.joined(cells)];
};

/** Gradients of lstmLayer for gates, h and c. */
export const lstmLayerBackward: Decomposition<"lstmLayerBackward"> = (bind, inputs, attrs) => {
  const [gy, ghn, gcn, weight, activations, cells, gactivations, ghiddens, gcells] = inputs;
  const f = new Layer(bind);
  type T = typeof gy;
  const ggates: T[] = [];
  let [gh, gc] = [ghn, gcn];
  for (const step of stepsOf(attrs, true)) {
    const first = { start: 0, size: step.size };
    const [input, forget, fresh, output] = f.parts(f.rows(activations, step), 4) as [T, T, T, T];
    const before = f.rows(cells, step);
    const squashed = f.tanh(f.add(f.mul(forget, before), f.mul(input, fresh)));
    const g = f.add(f.rows(gy, step), f.rows(gh, first));
    const gcell = f.add(f.rows(gc, first), f.throughTanh(f.mul(g, output), squashed));
    const direct = f.plus(
      f.beside(f.mul(gcell, fresh), f.mul(gcell, before), f.mul(gcell, input), f.mul(g, squashed)),
      gactivations,
      step,
    );
    const [gi, gf, gg, go] = f.parts(direct, 4) as [T, T, T, T];
    const gsums = f.beside(
      f.throughSigmoid(gi, input),
      f.throughSigmoid(gf, forget),
      f.throughTanh(gg, fresh),
      f.throughSigmoid(go, output),
    );
    ggates[step.time] = gsums;
    gh = f.replaced(gh, f.plus(f.matmul(gsums, weight), ghiddens, step));
    gc = f.replaced(gc, f.plus(f.mul(gcell, forget), gcells, step));
  }
  return [f.joined(ggates), gh, gc];
};

/** r, z = σ(a + b), n = tanh(a + r b), h ← n + z (h − n), with a = gates and b = h weightᵀ + bias. */
export const gruLayer: Decomposition<"gruLayer"> = (bind, [gates, weight, bias, h], attrs) => {
  const f = new Layer(bind);
  type T = typeof gates;
  const turned = f.transpose(weight);
  const [y, activations, hiddens]: [T[], T[], T[]] = [[], [], []];
  let hn = h;
  for (const step of stepsOf(attrs, false)) {
    const { time, size } = step;
    const before = f.rows(hn, { start: 0, size });
    const [ar, az, an] = f.parts(f.rows(gates, step), 3) as [T, T, T];
    const [br, bz, bn] = f.parts(f.add(f.matmul(before, turned), bias), 3) as [T, T, T];
    const reset = f.sigmoid(f.add(ar, br));
    const update = f.sigmoid(f.add(az, bz));
    const fresh = f.tanh(f.add(an, f.mul(reset, bn)));
    hiddens[time] = before;
    activations[time] = f.beside(reset, update, bn, fresh);
    y[time] = f.add(fresh, f.mul(update, f.sub(before, fresh)));
    hn = f.replaced(hn, y[time]!);
  }
  return [f.joined(y), hn, f.joined(activations), f.joined(hiddens)];
};

/** Gradients of gruLayer for a, b and h. */
export const gruLayerBackward: Decomposition<"gruLayerBackward"> = (bind, inputs, attrs) => {
  const [gy, ghn, weight, activations, hiddens, gactivations, ghiddens] = inputs;
  const f = new Layer(bind);
  type T = typeof gy;
  const [ga, gb]: [T[], T[]] = [[], []];
  let gh = ghn;
  for (const step of stepsOf(attrs, true)) {
    const { time, size } = step;
    const [reset, update, inner, fresh] = f.parts(f.rows(activations, step), 4) as [T, T, T, T];
    const none = [undefined, undefined, undefined, undefined] as const;
    const [gr, gz, gi, gf] = gactivations === undefined
      ? none
      : f.parts(f.rows(gactivations, step), 4) as [T, T, T, T];
    const sum = (x: T, extra: T | undefined): T => extra === undefined ? x : f.add(x, extra);
    const g = f.add(f.rows(gy, step), f.rows(gh, { start: 0, size }));
    const kept = f.mul(g, update);
    const gn = f.throughTanh(sum(f.sub(g, kept), gf), fresh);
    const gupdate = sum(f.mul(g, f.sub(f.rows(hiddens, step), fresh)), gz);
    const pr = f.throughSigmoid(sum(f.mul(gn, inner), gr), reset);
    const pz = f.throughSigmoid(gupdate, update);
    ga[time] = f.beside(pr, pz, gn);
    gb[time] = f.beside(pr, pz, sum(f.mul(gn, reset), gi));
    gh = f.replaced(gh, f.plus(f.add(kept, f.matmul(gb[time]!, weight)), ghiddens, step));
  }
  return [f.joined(ga), f.joined(gb), gh];
};
