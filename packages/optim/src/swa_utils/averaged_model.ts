/**
 * AveragedModel: running averages of weights, equal (SWA) or exponential (EMA).
 *
 * @module
 */

import { ArgumentTypeError, int32, int64, ValueError } from "@flambeau/core";
import { type Args, type DeviceLike, keep, noGrad, Tensor } from "@flambeau/tensor";
import { bind, bindInto, executeOn, named, temporaries } from "@flambeau/tensor/internal";
import { camelCase, fieldsOf } from "../names.ts";
import { readNumber } from "../state_dict.ts";
import { plus, scalar } from "../update.ts";

/** A module, as far as averages need it: its parameters and buffers, with names where it has them. */
export interface ModuleLike {
  /** The parameters. */
  parameters(): Iterable<Tensor>;
  /** The buffers. */
  buffers?(): Iterable<Tensor>;
  /** The parameters with their names. */
  namedParameters?(): Iterable<readonly [name: string, param: Tensor]>;
  /** The buffers with their names. */
  namedBuffers?(): Iterable<readonly [name: string, buffer: Tensor]>;
}

/** What is averaged: a module, or parameters. */
export type AverageInput = ModuleLike | Iterable<Tensor>;

/** The next average of an average of `numAveraged` values and a new value. */
export type AvgFn = (averaged: Tensor, current: Tensor, numAveraged: number) => Tensor;

/** Options of {@linkcode AveragedModel}. */
export interface AveragedModelOptions {
  /** Where the averages live. Default: where the parameters do. */
  device: DeviceLike | null;
  /** How averages are made. Default: all values have the same weight. */
  avgFn: AvgFn | null;
  /** Average float buffers too, instead of copying them. Default false. */
  useBuffers: boolean;
}

/**
 * An exponential average: `decay · averaged + (1 − decay) · current`.
 *
 * @param decay Weight of the average. Default 0.999.
 * @throws {ValueError} If decay is not between 0 and 1.
 * @see https://pytorch.org/docs/stable/optim.html#weight-averaging-swa-and-ema
 */
export function getEmaAvgFn(decay = 0.999): AvgFn {
  if (!(decay >= 0 && decay <= 1)) {
    throw new ValueError(`Cannot average with decay ${decay}: it must be between 0 and 1`);
  }
  return (averaged, current) =>
    temporaries(() => plus(bind("mul", [averaged, scalar(decay, averaged)], null), current, 1 - decay));
}

/** An average in which all values have the same weight: `averaged + (current − averaged) / (n + 1)`. */
export function getSwaAvgFn(): AvgFn {
  return (averaged, current, numAveraged) =>
    temporaries(() => plus(averaged, bind("sub", [current, averaged], null), 1 / (numAveraged + 1)));
}

/** A tensor of the model under its name, with what is averaged of it. */
interface Entry {
  readonly name: string;
  readonly average: Tensor;
  readonly isBuffer: boolean;
}

/**
 * Running averages of the parameters of a model, which often do better than its last ones.
 *
 * It holds tensors, not a copy of the model: `withAverages(model, body)` runs `body` while the model has the averages, and
 * `copyTo(model)` gives them to it for good. Buffers are copied at each update, or averaged with `useBuffers`.
 *
 * @throws {ArgumentTypeError} If `model` is neither a module nor parameters.
 * @see https://pytorch.org/docs/stable/optim.html#weight-averaging-swa-and-ema
 * @see Izmailov et al. 2018, https://arxiv.org/abs/1803.05407
 *
 * @example
 * ```ts
 * const ema = new optim.swaUtils.AveragedModel(net, { avgFn: optim.swaUtils.getEmaAvgFn(0.999) });
 * for await (const batch of loader) {
 *   trainOnce(net, batch);
 *   ema.updateParameters(net);
 * }
 * const accuracy = await ema.withAverages(net, () => evaluate(net));
 * ```
 */
export class AveragedModel {
  /** Updates so far. */
  nAveraged = 0;
  readonly #avgFn: AvgFn;
  readonly #useBuffers: boolean;
  readonly #entries: Entry[];

  /** Averages of `model`, which start with its values; options by name, or the device first. */
  constructor(model: AverageInput, ...args: Args<AveragedModelOptions, ["device"]>) {
    const options = named<AveragedModelOptions>("create AveragedModel", args, ["device"], [
      "avgFn",
      "useBuffers",
    ]);
    this.#avgFn = options.avgFn ?? getSwaAvgFn();
    this.#useBuffers = options.useBuffers ?? false;
    const device = options.device ?? null;
    this.#entries = noGrad(() =>
      tensorsOf(model).map(({ name, tensor, isBuffer }) => ({
        name,
        average: keep(tensor.to({ device: device ?? tensor.device, copy: true })),
        isBuffer,
      }))
    );
  }

  /** The averages of the parameters. */
  parameters(): Tensor[] {
    return this.#entries.filter(({ isBuffer }) => !isBuffer).map(({ average }) => average);
  }

  /** The averages, or copies, of the buffers. */
  buffers(): Tensor[] {
    return this.#entries.filter(({ isBuffer }) => isBuffer).map(({ average }) => average);
  }

  /**
   * Takes the values that the model has now into the averages. The first values are copied.
   *
   * @throws {ValueError} If the model has not as many tensors as the one before.
   */
  updateParameters(model: AverageInput): void {
    noGrad(() => {
      for (const [{ average, isBuffer }, current] of this.#pairs("update the averages of", model)) {
        temporaries(() => {
          const near = current.to(average.device);
          const copied = this.nAveraged === 0 || average.dtype.kind !== "float" ||
            (isBuffer && !this.#useBuffers);
          average.copy_(copied ? near : this.#avgFn(average, near, this.nAveraged));
          return null;
        });
      }
    });
    this.nAveraged++;
  }

  /**
   * Gives the averages to a model.
   *
   * @throws {ValueError} If the model has not as many tensors as the one that was averaged.
   */
  copyTo(model: AverageInput): void {
    noGrad(() => {
      for (const [{ average }, current] of this.#pairs("copy averages to", model)) current.copy_(average);
    });
  }

  /**
   * Runs `body` while the model has the averages; it has its own values again afterwards. A promise that `body` returns is
   * waited for.
   *
   * @throws {ValueError} If the model has not as many tensors as the one that was averaged.
   */
  withAverages<R>(model: AverageInput, body: () => R): R {
    const before = noGrad(() =>
      this.#pairs("run with averages", model).map(([, current]) => ({
        current,
        value: keep(bind("copy", [current], null)),
      }))
    );
    const giveBack = (): void => {
      noGrad(() => {
        for (const { current, value } of before) {
          bindInto([current], "copy", [value], null);
          value.dispose();
        }
      });
    };
    this.copyTo(model);
    let result: R;
    try {
      result = body();
    } catch (error) {
      giveBack();
      throw error;
    }
    if (result instanceof Promise) return result.finally(giveBack) as R;
    giveBack();
    return result;
  }

  /** The averages under PyTorch's names: `n_averaged`, and those of the model behind `module.`. */
  stateDict(): Map<string, Tensor> {
    const out = new Map<string, Tensor>();
    const [first] = this.#entries;
    if (first !== undefined) {
      const { backend } = first.average;
      const dtype = backend.dtypes.has(int64) ? int64 : int32;
      out.set("n_averaged", executeOn(backend, "full", { shape: [], value: this.nAveraged, dtype }));
    }
    for (const { name, average } of this.#entries) out.set(`module.${name}`, average);
    return out;
  }

  /**
   * Takes over a state dict.
   *
   * @throws {ValueError} If it lacks a name.
   * @throws {ShapeError} If a shape differs.
   */
  loadStateDict(stateDict: ReadonlyMap<string, unknown> | { readonly [name: string]: unknown }): void {
    const given = new Map(fieldsOf(stateDict));
    const found = this.#entries.map(({ name, average }) => {
      const value = given.get(`module.${name}`);
      if (value instanceof Tensor) return { average, value };
      throw new ValueError(`Cannot load averages: the state dict must have module.${name}, got none`);
    });
    noGrad(() => found.forEach(({ average, value }) => average.copy_(value)));
    const count = [...given].find(([name]) => camelCase(name) === "nAveraged")?.[1];
    this.nAveraged = Number(readNumber(count ?? 0, "n_averaged"));
  }

  #pairs(what: string, model: AverageInput): [Entry, Tensor][] {
    const tensors = tensorsOf(model);
    if (tensors.length !== this.#entries.length) {
      throw new ValueError(
        `Cannot ${what} a model: it must have ${this.#entries.length} parameters and buffers, got ${tensors.length}`,
      );
    }
    return this.#entries.map((entry, i) => [entry, tensors[i]!.tensor]);
  }
}

/** Parameters, then buffers, with their names or numbers. */
function tensorsOf(model: AverageInput): { name: string; tensor: Tensor; isBuffer: boolean }[] {
  const isModule = (typeof model === "object" || typeof model === "function") && model !== null &&
    "parameters" in model;
  if (!isModule && (typeof model !== "object" || model === null || !(Symbol.iterator in model))) {
    throw new ArgumentTypeError(
      `Cannot average a ${typeof model}: it must be a module or an iterable of parameters`,
    );
  }
  const parts: [isBuffer: boolean, pairs: Iterable<readonly [string, Tensor]>][] = isModule
    ? [
      [false, model.namedParameters?.() ?? numbered(model.parameters())],
      [true, model.namedBuffers?.() ?? numbered(model.buffers?.() ?? [], "buffer")],
    ]
    : [[false, numbered(model)]];
  return parts.flatMap(([isBuffer, pairs]) =>
    Array.from(pairs, ([name, tensor]) => {
      if (tensor instanceof Tensor) return { name, tensor, isBuffer };
      throw new ArgumentTypeError(`Cannot average ${name}: it must be a Tensor, got ${typeof tensor}`);
    })
  );
}

function numbered(tensors: Iterable<Tensor>, prefix = ""): [string, Tensor][] {
  return Array.from(tensors, (tensor, i) => [`${prefix}${i}`, tensor]);
}
