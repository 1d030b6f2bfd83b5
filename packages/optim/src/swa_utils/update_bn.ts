/**
 * Running statistics of normalizations, computed anew for weights that were averaged.
 *
 * @module
 */

import { type DeviceLike, noGrad, type Tensor } from "@flambeau/tensor";

/** A model, as far as {@linkcode updateBn} needs it. */
export interface NormalizedModel {
  /** Computes a result, and updates running statistics on the way. */
  (input: Tensor): unknown;
  /** The model and all modules in it. */
  modules(): Iterable<object>;
  /** Whether it trains. */
  readonly training: boolean;
  /** Says whether it trains. */
  train(mode?: boolean): unknown;
}

/** A module with running statistics. */
interface Normalization {
  momentum: number | null;
  resetRunningStats(): void;
}

/** Batches: tensors, or lists whose first element is one. */
export type Batches = Iterable<Tensor | readonly unknown[]> | AsyncIterable<Tensor | readonly unknown[]>;

/**
 * Computes the running statistics of all normalizations in `model` anew, as plain means over the batches of `loader`:
 * averaged weights have seen no data yet.
 *
 * @param device Where to move batches first. Default: nowhere.
 * @see https://pytorch.org/docs/stable/optim.html#weight-averaging-swa-and-ema
 */
export async function updateBn(
  loader: Batches,
  model: NormalizedModel,
  device: DeviceLike | null = null,
): Promise<void> {
  const layers = [...model.modules()].filter(isNormalization);
  if (layers.length === 0) return;
  const momenta = layers.map(({ momentum }) => momentum);
  const { training } = model;
  model.train(true);
  for (const layer of layers) layer.resetRunningStats();
  try {
    let seen = 0;
    for await (const batch of loader) {
      const input = (Array.isArray(batch) ? batch[0] : batch) as Tensor;
      seen++;
      for (const layer of layers) layer.momentum = 1 / seen; // a plain mean so far
      noGrad(() => void model(device === null ? input : input.to(device)));
    }
  } finally {
    layers.forEach((layer, i) => layer.momentum = momenta[i]!);
    model.train(training);
  }
}

function isNormalization(module: object): module is Normalization {
  const { resetRunningStats, trackRunningStats } = module as Record<string, unknown>;
  return typeof resetRunningStats === "function" && trackRunningStats !== false && "momentum" in module;
}
