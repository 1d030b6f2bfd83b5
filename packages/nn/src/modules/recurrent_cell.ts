/**
 * One step of a recurrent network: RNNCell, LSTMCell, GRUCell, and the formulas behind them.
 *
 * @module
 */

import { formatType, ShapeError, ValueError } from "@flambeau/core";
import {
  add,
  chunk,
  linear,
  mul,
  relu,
  sigmoid,
  squeeze,
  sub,
  tanh,
  type Tensor,
  unsqueeze,
  zeros,
} from "@flambeau/tensor";
import { temporaries } from "@flambeau/tensor/internal";
import { uniform_ } from "../init.ts";
import { Module } from "../module.ts";
import type { Parameter } from "../parameter.ts";
import { pythonRepr } from "../python.ts";
import {
  FACTORY_NAMES,
  type FactoryOptions,
  makeParameter,
  type ModuleArgs,
  requireSize,
  settingsOf,
} from "./factory.ts";

/** The function of a plain recurrent network. */
export type Nonlinearity = "tanh" | "relu";

/** What all recurrent networks are called in PyTorch. */
export type RecurrentMode = "RNN_TANH" | "RNN_RELU" | "LSTM" | "GRU";

/** Rows of the weights for each hidden element. */
export const GATES: Readonly<Record<RecurrentMode, number>> = { RNN_TANH: 1, RNN_RELU: 1, LSTM: 4, GRU: 3 };

/** The state between steps: hidden, and for an LSTM the cell. */
export type State = readonly [hidden: Tensor] | readonly [hidden: Tensor, cell: Tensor];

/** Weights of the step from a state. */
export interface StepWeights {
  readonly hh: Tensor;
  readonly biasHh: Tensor | null;
  readonly hr: Tensor | null;
}

/**
 * One step: from the state and the part of the gates that comes from the input, `[N, gates · H]`, to the next state.
 */
export function step(mode: RecurrentMode, gatesOfInput: Tensor, state: State, weights: StepWeights): State {
  const gatesOfHidden = linear(state[0], weights.hh, weights.biasHh);
  if (mode === "GRU") return [gruStep(gatesOfInput, gatesOfHidden, state[0])];
  if (mode === "LSTM") return lstmStep(gatesOfInput, gatesOfHidden, state[1]!, weights.hr);
  const sum = add(gatesOfInput, gatesOfHidden);
  return [mode === "RNN_RELU" ? relu(sum) : tanh(sum)];
}

/** r, z = σ(…), n = tanh(iₙ + r hₙ), h′ = n + z (h − n). */
function gruStep(input: Tensor, hidden: Tensor, before: Tensor): Tensor {
  const [ir, iz, inner] = chunk(input, 3, 1) as [Tensor, Tensor, Tensor];
  const [hr, hz, hn] = chunk(hidden, 3, 1) as [Tensor, Tensor, Tensor];
  const reset = sigmoid(add(ir, hr));
  const update = sigmoid(add(iz, hz));
  const fresh = tanh(add(inner, mul(reset, hn)));
  return add(fresh, mul(update, sub(before, fresh)));
}

/** i, f, o = σ(…), g = tanh(…), c′ = f c + i g, h′ = o tanh(c′), projected where there is a projection. */
function lstmStep(input: Tensor, hidden: Tensor, before: Tensor, projection: Tensor | null): State {
  const [i, f, g, o] = chunk(add(input, hidden), 4, 1) as [Tensor, Tensor, Tensor, Tensor];
  const cell = add(mul(sigmoid(f), before), mul(sigmoid(i), tanh(g)));
  const out = mul(sigmoid(o), tanh(cell));
  return [projection === null ? out : linear(out, projection), cell];
}

/** Sizes of recurrent networks. */
export interface RecurrentSizes {
  /** Size of the input. */
  readonly inputSize: number;
  /** Size of the hidden state. */
  readonly hiddenSize: number;
}

/** Options of {@linkcode LSTMCell} and {@linkcode GRUCell}. */
export interface CellOptions extends FactoryOptions {
  /** Whether it adds learned vectors. Default true. */
  readonly bias?: boolean;
}

/** Options of {@linkcode RNNCell}. */
export interface RNNCellOptions extends CellOptions {
  /** Default `"tanh"`. */
  readonly nonlinearity?: Nonlinearity;
}

/** Positional options of {@linkcode LSTMCell} and {@linkcode GRUCell}. */
export type CellArgs = ModuleArgs<
  [inputSize: number, hiddenSize: number],
  RecurrentSizes,
  CellOptions,
  ["bias", "device", "dtype"]
>;

const SIZES = ["inputSize", "hiddenSize"] as const;

/** What all cells are: sizes and weights. */
export abstract class RNNCellBase<A extends readonly unknown[], R> extends Module<A, R> {
  /** Size of the input. */
  inputSize: number;
  /** Size of the hidden state. */
  hiddenSize: number;
  /** Weight of the input, `[gates · hiddenSize, inputSize]`. */
  weight_ih: Parameter;
  /** Weight of the state, `[gates · hiddenSize, hiddenSize]`. */
  weight_hh: Parameter;
  /** Bias of the input, `[gates · hiddenSize]`. */
  bias_ih: Parameter | null;
  /** Bias of the state, `[gates · hiddenSize]`. */
  bias_hh: Parameter | null;

  /** Makes a cell with random parameters, uniform within 1 / √hiddenSize. */
  constructor(name: string, settings: RecurrentSizes & CellOptions, gates: number) {
    super();
    const { inputSize, hiddenSize, bias = true, device = null, dtype = null } = settings;
    this.inputSize = requireSize(name, "inputSize", inputSize);
    this.hiddenSize = requireSize(name, "hiddenSize", hiddenSize, 1);
    const factory = { device, dtype };
    this.weight_ih = makeParameter([gates * hiddenSize, inputSize], factory);
    this.weight_hh = makeParameter([gates * hiddenSize, hiddenSize], factory);
    this.bias_ih = bias ? makeParameter([gates * hiddenSize], factory) : null;
    this.bias_hh = bias ? makeParameter([gates * hiddenSize], factory) : null;
    this.resetParameters();
  }

  /** Weight of the input. */
  get weightIh(): Parameter {
    return this.weight_ih;
  }

  /** Weight of the state. */
  get weightHh(): Parameter {
    return this.weight_hh;
  }

  /** Bias of the input. */
  get biasIh(): Parameter | null {
    return this.bias_ih;
  }

  /** Bias of the state. */
  get biasHh(): Parameter | null {
    return this.bias_hh;
  }

  /** Fills the parameters anew. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.hiddenSize);
    for (const parameter of this.parameters()) uniform_(parameter, -bound, bound);
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return `${this.inputSize}, ${this.hiddenSize}${
      this.bias_ih === null ? `, bias=${pythonRepr(false)}` : ""
    }`;
  }
}

type AnyCell = RNNCellBase<readonly unknown[], unknown>;

/** Runs one step with or without a batch. */
function runCell(
  name: string,
  cell: unknown,
  mode: RecurrentMode,
  input: Tensor,
  states: readonly Tensor[] | null,
): State {
  const { weight_ih, weight_hh, bias_ih, bias_hh, inputSize, hiddenSize } = cell as AnyCell;
  if (input.ndim !== 1 && input.ndim !== 2 || input.shape.at(-1) !== inputSize) {
    throw new ShapeError(
      `Cannot ${name} ${formatType(input)}: it must be [N, ${inputSize}] or [${inputSize}]`,
    );
  }
  const wanted = [...input.shape.slice(0, -1), hiddenSize];
  for (const state of states ?? []) {
    if (state.shape.join() !== wanted.join()) {
      throw new ShapeError(
        `Cannot ${name} ${formatType(input)} with state ${formatType(state)}: its shape must be [${
          wanted.join(", ")
        }]`,
      );
    }
  }
  return temporaries(() => {
    const batched = input.ndim === 2;
    const lift = (x: Tensor) => batched ? x : unsqueeze(x, 0);
    const count = mode === "LSTM" ? 2 : 1;
    const before = (states ?? Array.from({ length: count }, () =>
      zeros(wanted, { dtype: input.dtype, device: input.device }))).map(lift) as unknown as State;
    const weights = { hh: weight_hh, biasHh: bias_hh, hr: null };
    const after = step(mode, linear(lift(input), weight_ih, bias_ih), before, weights);
    return (batched ? after : after.map((x) =>
      squeeze(x, 0)
    )) as State;
  });
}

/**
 * One step of a plain recurrent network: `tanh(W_ih x + b_ih + W_hh h + b_hh)`.
 *
 * Shapes: input `[N, inputSize]` and hx `[N, hiddenSize]` (or both without N) → `[N, hiddenSize]`.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RNNCell.html
 */
export class RNNCell extends RNNCellBase<[input: Tensor, hx?: Tensor | null], Tensor> {
  /** The function. */
  nonlinearity: Nonlinearity;

  /** Makes a cell with random parameters, uniform within 1 / √hiddenSize. */
  constructor(
    ...args: ModuleArgs<
      [inputSize: number, hiddenSize: number],
      RecurrentSizes,
      RNNCellOptions,
      ["bias", "nonlinearity", "device", "dtype"]
    >
  ) {
    const names = ["bias", "nonlinearity", ...FACTORY_NAMES] as const;
    const settings = settingsOf<RecurrentSizes, RNNCellOptions>("RNNCell", args, SIZES, names);
    super("RNNCell", settings, 1);
    this.nonlinearity = requireNonlinearity("RNNCell", settings.nonlinearity ?? "tanh");
  }

  /** Runs the step; without `hx` from zeros. */
  override forward(input: Tensor, hx: Tensor | null = null): Tensor {
    const mode = this.nonlinearity === "relu" ? "RNN_RELU" : "RNN_TANH";
    return runCell("RNNCell", this, mode, input, hx === null ? null : [hx])[0];
  }

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    return super.extraRepr() + (this.nonlinearity === "tanh" ? "" : `, nonlinearity=${this.nonlinearity}`);
  }
}

/**
 * Checks the name of a nonlinearity.
 *
 * @throws {ValueError} If it is neither tanh nor relu.
 */
export function requireNonlinearity(module: string, nonlinearity: string): Nonlinearity {
  if (nonlinearity === "tanh" || nonlinearity === "relu") return nonlinearity;
  throw new ValueError(
    `Cannot make ${module} with nonlinearity ${JSON.stringify(nonlinearity)}: it must be "tanh" or "relu"`,
  );
}

/**
 * One step of a long short-term memory.
 *
 * Shapes: input `[N, inputSize]`, state h and c `[N, hiddenSize]` (or all without N) → h and c.
 *
 * @see Hochreiter and Schmidhuber 1997, https://doi.org/10.1162/neco.1997.9.8.1735
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html
 */
export class LSTMCell
  extends RNNCellBase<[input: Tensor, hx?: readonly [h: Tensor, c: Tensor] | null], [h: Tensor, c: Tensor]> {
  /** Makes a cell with random parameters, uniform within 1 / √hiddenSize. */
  constructor(...args: CellArgs) {
    const names = ["bias", ...FACTORY_NAMES] as const;
    super("LSTMCell", settingsOf<RecurrentSizes, CellOptions>("LSTMCell", args, SIZES, names), 4);
  }

  /** Runs the step; without `hx` from zeros. */
  override forward(input: Tensor, hx: readonly [h: Tensor, c: Tensor] | null = null): [h: Tensor, c: Tensor] {
    return [...runCell("LSTMCell", this, "LSTM", input, hx)] as [Tensor, Tensor];
  }
}

/**
 * One step of a gated recurrent unit.
 *
 * Shapes: input `[N, inputSize]` and hx `[N, hiddenSize]` (or both without N) → `[N, hiddenSize]`.
 *
 * @see Cho et al. 2014, https://arxiv.org/abs/1406.1078
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GRUCell.html
 */
export class GRUCell extends RNNCellBase<[input: Tensor, hx?: Tensor | null], Tensor> {
  /** Makes a cell with random parameters, uniform within 1 / √hiddenSize. */
  constructor(...args: CellArgs) {
    const names = ["bias", ...FACTORY_NAMES] as const;
    super("GRUCell", settingsOf<RecurrentSizes, CellOptions>("GRUCell", args, SIZES, names), 3);
  }

  /** Runs the step; without `hx` from zeros. */
  override forward(input: Tensor, hx: Tensor | null = null): Tensor {
    return runCell("GRUCell", this, "GRU", input, hx === null ? null : [hx])[0];
  }
}
