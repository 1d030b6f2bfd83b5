/**
 * Recurrent networks over sequences: RNN, LSTM, GRU.
 *
 * @module
 */

import { formatShape, formatType, ShapeError, ValueError } from "@flambeau/core";
import {
  add,
  cat,
  dropout,
  linear,
  narrow,
  reshape,
  select,
  squeeze,
  stack,
  type Tensor,
  transpose,
  unsqueeze,
  zeros,
} from "@flambeau/tensor";
import { bind, temporaries } from "@flambeau/tensor/internal";
import { uniform_ } from "../init.ts";
import { Module } from "../module.ts";
import type { Parameter } from "../parameter.ts";
import { pythonFloat } from "../python.ts";
import { fieldOf } from "../registry.ts";
import { PackedSequence } from "../utils/rnn.ts";
import {
  FACTORY_NAMES,
  type FactoryOptions,
  makeParameter,
  type ModuleArgs,
  requireSize,
  settingsOf,
} from "./factory.ts";
import {
  GATES,
  type Nonlinearity,
  type RecurrentMode,
  type RecurrentSizes,
  requireNonlinearity,
  type State,
  step,
  type StepWeights,
} from "./recurrent_cell.ts";

/** Options of {@linkcode GRU}. */
export interface RecurrentOptions extends FactoryOptions {
  /** Number of layers, each over the outputs of the one before. Default 1. */
  readonly numLayers?: number;
  /** Whether it adds learned vectors. Default true. */
  readonly bias?: boolean;
  /** Whether the batch is the first dimension, else the second. Default false. */
  readonly batchFirst?: boolean;
  /** Probability of dropout between layers. Default 0. */
  readonly dropout?: number;
  /** Whether a second network runs backward over each layer's input. Default false. */
  readonly bidirectional?: boolean;
}

/** Options of {@linkcode LSTM}. */
export interface LSTMOptions extends RecurrentOptions {
  /** Size that the hidden state is projected to; 0 for no projection. Default 0. */
  readonly projSize?: number;
}

/** Options of {@linkcode RNN}. */
export interface RNNOptions extends RecurrentOptions {
  /** Default `"tanh"`. */
  readonly nonlinearity?: Nonlinearity;
}

const SIZES = ["inputSize", "hiddenSize"] as const;
const NAMES = ["numLayers", "bias", "batchFirst", "dropout", "bidirectional"] as const;

/** What all recurrent networks are: sizes, weights by layer and direction, and the run over time. */
export abstract class RNNBase<A extends readonly unknown[], R> extends Module<A, R> {
  /** PyTorch's name of the kind. */
  mode: RecurrentMode;
  /** Size of the input. */
  inputSize: number;
  /** Size of the hidden state. */
  hiddenSize: number;
  /** Number of layers. */
  numLayers: number;
  /** Whether it adds learned vectors. */
  bias: boolean;
  /** Whether the batch is the first dimension. */
  batchFirst: boolean;
  /** Probability of dropout between layers. */
  dropout: number;
  /** Whether a second network runs backward. */
  bidirectional: boolean;
  /** Size that the hidden state is projected to; 0 for no projection. */
  projSize: number;

  /** Makes a network with random parameters, uniform within 1 / √hiddenSize. */
  constructor(mode: RecurrentMode, settings: RecurrentSizes & LSTMOptions) {
    super();
    const name = mode.slice(0, mode.includes("_") ? mode.indexOf("_") : undefined);
    const { inputSize, hiddenSize, numLayers = 1, bias = true, batchFirst = false } = settings;
    const { dropout: p = 0, bidirectional = false, projSize = 0, device = null, dtype = null } = settings;
    this.mode = mode;
    this.inputSize = requireSize(name, "inputSize", inputSize);
    this.hiddenSize = requireSize(name, "hiddenSize", hiddenSize, 1);
    this.numLayers = requireSize(name, "numLayers", numLayers, 1);
    this.bias = bias;
    this.batchFirst = batchFirst;
    if (!(typeof p === "number" && p >= 0 && p <= 1)) {
      throw new ValueError(`Cannot make ${name}: dropout must be in [0, 1], got ${p}`);
    }
    this.dropout = p;
    this.bidirectional = bidirectional;
    this.projSize = requireSize(name, "projSize", projSize);
    if (projSize >= hiddenSize) {
      throw new ValueError(
        `Cannot make ${name}: projSize must be smaller than hiddenSize ${hiddenSize}, got ${projSize}`,
      );
    }
    const factory = { device, dtype };
    const rows = GATES[mode] * hiddenSize;
    const out = projSize === 0 ? hiddenSize : projSize;
    const directions = bidirectional ? 2 : 1;
    for (let layer = 0; layer < numLayers; layer++) {
      for (let direction = 0; direction < directions; direction++) {
        const suffix = suffixOf(layer, direction);
        const add = (part: string, shape: number[]) => {
          const parameter = this.registerParameter(part + suffix, makeParameter(shape, factory));
          alias(this, part + suffix);
          return parameter;
        };
        add("weight_ih", [rows, layer === 0 ? inputSize : out * directions]);
        add("weight_hh", [rows, out]);
        if (bias) add("bias_ih", [rows]);
        if (bias) add("bias_hh", [rows]);
        if (projSize > 0) add("weight_hr", [projSize, hiddenSize]);
      }
    }
    this.resetParameters();
  }

  /** The parameters by layer and direction. */
  get allWeights(): Parameter[][] {
    const count = this.numLayers * (this.bidirectional ? 2 : 1);
    const all = this.parameters(false);
    const each = all.length / count;
    return Array.from({ length: count }, (_, i) => all.slice(i * each, (i + 1) * each));
  }

  /** Fills the parameters anew. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.hiddenSize);
    for (const parameter of this.parameters(false)) uniform_(parameter, -bound, bound);
  }

  /** Does nothing: there is no packed form of the weights. */
  flattenParameters(): void {}

  /** Settings, as PyTorch prints them. */
  override extraRepr(): string {
    const parts = [`${this.inputSize}, ${this.hiddenSize}`];
    if (this.projSize !== 0) parts.push(`proj_size=${this.projSize}`);
    if (this.numLayers !== 1) parts.push(`num_layers=${this.numLayers}`);
    if (!this.bias) parts.push("bias=False");
    if (this.batchFirst) parts.push("batch_first=True");
    if (this.dropout !== 0) parts.push(`dropout=${pythonFloat(this.dropout)}`);
    if (this.bidirectional) parts.push("bidirectional=True");
    return parts.join(", ");
  }
}

type AnyRecurrent = RNNBase<readonly unknown[], unknown>;

function suffixOf(layer: number, direction: number): string {
  return `_l${layer}${direction === 1 ? "_reverse" : ""}`;
}

/** Makes `weight_ih_l0` readable as `weightIhL0` too. */
function alias(module: object, name: string): void {
  const camel = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  Object.defineProperty(module, camel, {
    get(this: Record<string, unknown>): unknown {
      return this[name];
    },
    configurable: true,
  });
}

/** The steps of all samples, time by time, and how many samples each time has. */
interface Steps {
  readonly data: Tensor;
  readonly sizes: readonly number[];
}

interface Direction {
  readonly mode: RecurrentMode;
  readonly ih: Tensor;
  readonly biasIh: Tensor | null;
  readonly weights: StepWeights;
  readonly reverse: boolean;
}

/** Runs one direction of one layer over time → the outputs in the order of the input, and the last state. */
function runDirection(steps: Steps, direction: Direction, first: State): [Tensor, State] {
  return direction.weights.hr === null
    ? runFused(steps, direction, first)
    : runSteps(steps, direction, first);
}

/** All steps in one primitive. */
function runFused(
  steps: Steps,
  { mode, ih, biasIh, weights, reverse }: Direction,
  first: State,
): [Tensor, State] {
  const { hh, biasHh } = weights;
  const attrs = { sizes: steps.sizes, reverse };
  const [h, c] = first;
  if (mode === "GRU") {
    const gates = linear(steps.data, ih, biasIh);
    const bias = biasHh ?? zeros([hh.shape[0]!], { dtype: hh.dtype, device: hh.device });
    const [y, hn] = bind("gruLayer", [gates, hh, bias, h], attrs);
    return [y, [hn]];
  }
  const bias = biasIh === null || biasHh === null ? biasIh ?? biasHh : add(biasIh, biasHh);
  const gates = linear(steps.data, ih, bias);
  if (mode === "LSTM") {
    const [y, hn, cn] = bind("lstmLayer", [gates, hh, h, c!], attrs);
    return [y, [hn, cn]];
  }
  const nonlinearity = mode === "RNN_RELU" ? "relu" : "tanh";
  const [y, hn] = bind("rnnLayer", [gates, hh, h], { ...attrs, nonlinearity });
  return [y, [hn]];
}

/** Step after step: what a projection of the state needs. */
function runSteps(
  steps: Steps,
  { mode, ih, biasIh, weights, reverse }: Direction,
  first: State,
): [Tensor, State] {
  const gates = linear(steps.data, ih, biasIh);
  const starts = startsOf(steps.sizes);
  const times = steps.sizes.map((_, t) => reverse ? steps.sizes.length - 1 - t : t);
  const outputs = new Array<Tensor>(times.length);
  // The state of the samples that have a step now, and (forward in time) the last states of those that ended.
  let state = reverse ? first.map((x) => narrow(x, 0, 0, steps.sizes.at(-1)!)) as unknown as State : first;
  const ended: State[] = [];
  for (const t of times) {
    const size = steps.sizes[t]!;
    const had = state[0].shape[0]!;
    if (size < had) {
      ended.unshift(state.map((x) => narrow(x, 0, size, had - size)) as unknown as State);
      state = state.map((x) => narrow(x, 0, 0, size)) as unknown as State;
    } else if (size > had) {
      state = state.map((x, i) => cat([x, narrow(first[i]!, 0, had, size - had)], 0)) as unknown as State;
    }
    const before = state;
    const part = narrow(gates, 0, starts[t]!, size);
    state = temporaries(() => step(mode, part, before, weights));
    outputs[t] = state[0];
  }
  const last = ended.length === 0
    ? state
    : state.map((x, i) => cat([x, ...ended.map((some) => some[i]!)], 0)) as unknown as State;
  return [cat(outputs, 0), last];
}

function startsOf(sizes: readonly number[]): number[] {
  const starts: number[] = [];
  let start = 0;
  for (const size of sizes) {
    starts.push(start);
    start += size;
  }
  return starts;
}

/** Runs all layers → the outputs of the last, and the last states `[layers · directions, N, …]`. */
function runLayers(network: AnyRecurrent, steps: Steps, first: readonly Tensor[]): [Tensor, Tensor[]] {
  const { mode, numLayers, bidirectional, training } = network;
  const parameter = (part: string, suffix: string) =>
    (fieldOf(network as unknown as Parameters<typeof fieldOf>[0], part + suffix) ?? null) as Tensor | null;
  const lasts: State[] = [];
  let { data } = steps;
  for (let layer = 0; layer < numLayers; layer++) {
    const outputs: Tensor[] = [];
    for (let direction = 0; direction < (bidirectional ? 2 : 1); direction++) {
      const suffix = suffixOf(layer, direction);
      const place = lasts.length;
      const [output, last] = runDirection({ ...steps, data }, {
        mode,
        ih: parameter("weight_ih", suffix)!,
        biasIh: parameter("bias_ih", suffix),
        weights: {
          hh: parameter("weight_hh", suffix)!,
          biasHh: parameter("bias_hh", suffix),
          hr: parameter("weight_hr", suffix),
        },
        reverse: direction === 1,
      }, first.map((x) => select(x, 0, place)) as unknown as State);
      outputs.push(output);
      lasts.push(last);
    }
    data = outputs.length === 1 ? outputs[0]! : cat(outputs, 1);
    if (layer < numLayers - 1 && network.dropout > 0) data = dropout(data, { p: network.dropout, training });
  }
  return [data, first.map((_, i) => stack(lasts.map((last) => last[i]!), 0))];
}

/** What a run gives: outputs, and the last states. */
type RunResult = [output: Tensor | PackedSequence, states: Tensor[]];

/** Runs a network over a tensor or a packed sequence. */
function run(network: unknown, input: Tensor | PackedSequence, states: readonly Tensor[] | null): RunResult {
  const self = network as AnyRecurrent;
  return input instanceof PackedSequence ? runPacked(self, input, states) : runPadded(self, input, states);
}

function runPadded(self: AnyRecurrent, input: Tensor, states: readonly Tensor[] | null): RunResult {
  const what = `Cannot ${nameOf(self)} ${formatType(input)}`;
  if (input.ndim !== 2 && input.ndim !== 3) {
    throw new ShapeError(`${what}: input must have 2 or 3 dimensions, got ${input.ndim}`);
  }
  if (input.shape.at(-1) !== self.inputSize) {
    throw new ShapeError(
      `${what}: the last size must be inputSize ${self.inputSize}, got ${input.shape.at(-1)}`,
    );
  }
  const batched = input.ndim === 3;
  const swap = batched && self.batchFirst;
  const [length, batch] = batched
    ? [input.shape[swap ? 1 : 0]!, input.shape[swap ? 0 : 1]!]
    : [input.shape[0]!, 1];
  if (length === 0) throw new ShapeError(`${what}: there must be one step or more, got 0`);
  const shapes = checkStates(what, self, states, batched ? batch : null);
  let lasts: Tensor[] = [];
  const [output, ...rest] = temporaries(() => {
    const lifted = (states ?? shapes.map((shape) =>
      zeros(shape, { dtype: input.dtype, device: input.device })
    ))
      .map((x) => batched ? x : unsqueeze(x, 1));
    const steps = reshape(swap ? transpose(input, 0, 1) : input, [length * batch, self.inputSize]);
    const sizes = new Array<number>(length).fill(batch);
    const [data, made] = runLayers(self, { data: steps, sizes }, lifted);
    const timed = reshape(data, [length, batch, data.shape[1]!]);
    const shaped = batched ? swap ? transpose(timed, 0, 1) : timed : squeeze(timed, 1);
    return [shaped, ...made.map((x) => batched ? x : squeeze(x, 1))];
  });
  lasts = rest;
  return [output!, lasts];
}

function runPacked(self: AnyRecurrent, input: PackedSequence, states: readonly Tensor[] | null): RunResult {
  const { data, batchSizes, sortedIndices, unsortedIndices } = input;
  const what = `Cannot ${nameOf(self)} a packed sequence of ${formatType(data)}`;
  if (data.ndim !== 2 || data.shape[1] !== self.inputSize) {
    throw new ShapeError(
      `${what}: the last size must be inputSize ${self.inputSize}, got ${data.shape.at(-1)}`,
    );
  }
  const batch = batchSizes[0]!;
  const shapes = checkStates(what, self, states, batch);
  const [output, ...lasts] = temporaries(() => {
    const first = states === null
      ? shapes.map((shape) => zeros(shape, { dtype: data.dtype, device: data.device }))
      : states.map((x) => sortedIndices === null ? x : bind("indexSelect", [x, sortedIndices], { dim: 1 }));
    const [out, made] = runLayers(self, { data, sizes: batchSizes }, first);
    return [
      out,
      ...made.map((x) =>
        unsortedIndices === null ? x : bind("indexSelect", [x, unsortedIndices], { dim: 1 })
      ),
    ];
  });
  return [input.with(output!), lasts];
}

function nameOf({ mode }: AnyRecurrent): string {
  return mode.startsWith("RNN") ? "RNN" : mode;
}

/** The shapes that states must have, after a check of those given. */
function checkStates(
  what: string,
  { mode, numLayers, bidirectional, hiddenSize, projSize }: AnyRecurrent,
  states: readonly Tensor[] | null,
  batch: number | null,
): number[][] {
  const places = numLayers * (bidirectional ? 2 : 1);
  const shape = (size: number) => batch === null ? [places, size] : [places, batch, size];
  const shapes = [shape(projSize === 0 ? hiddenSize : projSize)];
  if (mode === "LSTM") shapes.push(shape(hiddenSize));
  states?.forEach((state, i) => {
    if (state.shape.join() !== shapes[i]?.join()) {
      const role = i === 0 ? "hidden" : "cell";
      throw new ShapeError(
        `${what}: the ${role} state must be ${formatShape(shapes[i] ?? [])}, got ${formatShape(state.shape)}`,
      );
    }
  });
  return shapes;
}

/** Calls of {@linkcode RNN} with packed sequences. */
export interface RNN {
  /** Runs over a packed sequence. */
  (input: PackedSequence, hx?: Tensor | null): [output: PackedSequence, hn: Tensor];
}

/**
 * A plain recurrent network, `h′ = tanh(W_ih x + b_ih + W_hh h + b_hh)`, of one or more layers.
 *
 * Shapes: input `[L, N, inputSize]`, or `[N, L, inputSize]` with `batchFirst`, or `[L, inputSize]`, or packed; hx
 * `[D · numLayers, N, hiddenSize]` with D directions → the outputs `[L, N, D · hiddenSize]` and the last hidden states.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.nn.RNN.html
 */
export class RNN extends RNNBase<[input: Tensor, hx?: Tensor | null], [output: Tensor, hn: Tensor]> {
  /** The function. */
  nonlinearity: Nonlinearity;

  /** Makes a network with random parameters, uniform within 1 / √hiddenSize. */
  constructor(
    ...args: ModuleArgs<
      [inputSize: number, hiddenSize: number],
      RecurrentSizes,
      RNNOptions,
      ["numLayers", "nonlinearity", "bias", "batchFirst", "dropout", "bidirectional", "device", "dtype"]
    >
  ) {
    const names = ["numLayers", "nonlinearity", ...NAMES.slice(1), ...FACTORY_NAMES] as const;
    const settings = settingsOf<RecurrentSizes, RNNOptions>("RNN", args, SIZES, names);
    const nonlinearity = requireNonlinearity("RNN", settings.nonlinearity ?? "tanh");
    super(nonlinearity === "relu" ? "RNN_RELU" : "RNN_TANH", settings);
    this.nonlinearity = nonlinearity;
  }

  /** Runs over a tensor. */
  override forward(input: Tensor, hx?: Tensor | null): [output: Tensor, hn: Tensor];
  /** Runs over a packed sequence. */
  override forward(input: PackedSequence, hx?: Tensor | null): [output: PackedSequence, hn: Tensor];
  /** Implementation of both forms. */
  override forward(input: Tensor | PackedSequence, hx: Tensor | null = null): [never, Tensor] {
    const [output, [hn]] = run(this, input, hx === null ? null : [hx]);
    return [output as never, hn!];
  }
}

/** States of an {@linkcode LSTM}: hidden and cell. */
export type LSTMState = [h: Tensor, c: Tensor];

/** Calls of {@linkcode LSTM} with packed sequences. */
export interface LSTM {
  /** Runs over a packed sequence. */
  (input: PackedSequence, hx?: Readonly<LSTMState> | null): [output: PackedSequence, state: LSTMState];
}

/**
 * A long short-term memory of one or more layers.
 *
 * Shapes: input `[L, N, inputSize]`, or `[N, L, inputSize]` with `batchFirst`, or `[L, inputSize]`, or packed; state h
 * `[D · numLayers, N, projSize or hiddenSize]` and c `[D · numLayers, N, hiddenSize]` with D directions → the outputs
 * `[L, N, D · (projSize or hiddenSize)]` and the last states `[h, c]`.
 *
 * @see Hochreiter and Schmidhuber 1997, https://doi.org/10.1162/neco.1997.9.8.1735
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LSTM.html
 */
export class LSTM
  extends RNNBase<[input: Tensor, hx?: Readonly<LSTMState> | null], [output: Tensor, state: LSTMState]> {
  /** Makes a network with random parameters, uniform within 1 / √hiddenSize. */
  constructor(
    ...args: ModuleArgs<
      [inputSize: number, hiddenSize: number],
      RecurrentSizes,
      LSTMOptions,
      ["numLayers", "bias", "batchFirst", "dropout", "bidirectional", "projSize", "device", "dtype"]
    >
  ) {
    const names = [...NAMES, "projSize", ...FACTORY_NAMES] as const;
    super("LSTM", settingsOf<RecurrentSizes, LSTMOptions>("LSTM", args, SIZES, names));
  }

  /** Runs over a tensor. */
  override forward(input: Tensor, hx?: Readonly<LSTMState> | null): [output: Tensor, state: LSTMState];
  /** Runs over a packed sequence. */
  override forward(
    input: PackedSequence,
    hx?: Readonly<LSTMState> | null,
  ): [output: PackedSequence, state: LSTMState];
  /** Implementation of both forms. */
  override forward(
    input: Tensor | PackedSequence,
    hx: Readonly<LSTMState> | null = null,
  ): [never, LSTMState] {
    const [output, [h, c]] = run(this, input, hx);
    return [output as never, [h!, c!]];
  }
}

/** Calls of {@linkcode GRU} with packed sequences. */
export interface GRU {
  /** Runs over a packed sequence. */
  (input: PackedSequence, hx?: Tensor | null): [output: PackedSequence, hn: Tensor];
}

/**
 * A network of gated recurrent units of one or more layers.
 *
 * Shapes: input `[L, N, inputSize]`, or `[N, L, inputSize]` with `batchFirst`, or `[L, inputSize]`, or packed; hx
 * `[D · numLayers, N, hiddenSize]` with D directions → the outputs `[L, N, D · hiddenSize]` and the last hidden states.
 *
 * @see Cho et al. 2014, https://arxiv.org/abs/1406.1078
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GRU.html
 */
export class GRU extends RNNBase<[input: Tensor, hx?: Tensor | null], [output: Tensor, hn: Tensor]> {
  /** Makes a network with random parameters, uniform within 1 / √hiddenSize. */
  constructor(
    ...args: ModuleArgs<
      [inputSize: number, hiddenSize: number],
      RecurrentSizes,
      RecurrentOptions,
      ["numLayers", "bias", "batchFirst", "dropout", "bidirectional", "device", "dtype"]
    >
  ) {
    super(
      "GRU",
      settingsOf<RecurrentSizes, RecurrentOptions>("GRU", args, SIZES, [...NAMES, ...FACTORY_NAMES]),
    );
  }

  /** Runs over a tensor. */
  override forward(input: Tensor, hx?: Tensor | null): [output: Tensor, hn: Tensor];
  /** Runs over a packed sequence. */
  override forward(input: PackedSequence, hx?: Tensor | null): [output: PackedSequence, hn: Tensor];
  /** Implementation of both forms. */
  override forward(input: Tensor | PackedSequence, hx: Tensor | null = null): [never, Tensor] {
    const [output, [hn]] = run(this, input, hx === null ? null : [hx]);
    return [output as never, hn!];
  }
}
