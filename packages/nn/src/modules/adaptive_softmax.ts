/**
 * A softmax over many classes, most of them rare: AdaptiveLogSoftmaxWithLoss.
 *
 * @module
 */

import { formatShape, formatType, IndexError, int32, int64, ShapeError, ValueError } from "@flambeau/core";
import {
  add,
  cat,
  clamp,
  ge,
  logicalAnd,
  logSoftmax,
  lt,
  mean,
  narrow,
  neg,
  reshape,
  squeeze,
  sub,
  type Tensor,
  unsqueeze,
  where,
} from "@flambeau/tensor";
import { bind, castTo, temporaries } from "@flambeau/tensor/internal";
import { ModuleList, Sequential } from "../containers.ts";
import { Module } from "../module.ts";
import { FACTORY_NAMES, type FactoryOptions, type ModuleArgs, requireSize, settingsOf } from "./factory.ts";
import { Linear } from "./linear.ts";

/** Sizes of {@linkcode AdaptiveLogSoftmaxWithLoss}. */
export interface AdaptiveSoftmaxSizes {
  /** Size of the input. */
  readonly inFeatures: number;
  /** Number of classes. */
  readonly nClasses: number;
  /** First class of each cluster of rare classes, ascending. */
  readonly cutoffs: readonly number[];
}

/** Options of {@linkcode AdaptiveLogSoftmaxWithLoss}. */
export interface AdaptiveSoftmaxOptions extends FactoryOptions {
  /** Each cluster is computed from this many times fewer numbers than the one before. Default 4. */
  readonly divValue?: number;
  /** Whether the head adds a learned vector. Default false. */
  readonly headBias?: boolean;
}

/** The log probability of each target, and their mean as a loss. */
export type AdaptiveSoftmaxResult = [output: Tensor, loss: Tensor] & {
  /** Log probability of each target. */
  readonly output: Tensor;
  /** Minus their mean. */
  readonly loss: Tensor;
};

/**
 * Log probabilities of many classes that are sorted by how often they occur: the frequent ones directly, the others in
 * clusters of which each is one class of the head.
 *
 * Shapes: input `[N, inFeatures]` or `[inFeatures]`, target of integers `[N]` or a scalar.
 *
 * @see Grave et al. 2016, https://arxiv.org/abs/1609.04309
 * @see https://pytorch.org/docs/stable/generated/torch.nn.AdaptiveLogSoftmaxWithLoss.html
 */
export class AdaptiveLogSoftmaxWithLoss
  extends Module<[input: Tensor, target: Tensor], AdaptiveSoftmaxResult> {
  /** Size of the input. */
  inFeatures: number;
  /** Number of classes. */
  nClasses: number;
  /** First class of each cluster, and the number of classes. */
  cutoffs: readonly number[];
  /** Each cluster is computed from this many times fewer numbers than the one before. */
  divValue: number;
  /** Frequent classes and clusters. */
  head: Linear;
  /** The clusters. */
  tail: ModuleList<Sequential>;

  /** Makes a layer with random parameters. */
  constructor(
    ...args: ModuleArgs<
      [inFeatures: number, nClasses: number, cutoffs: readonly number[]],
      AdaptiveSoftmaxSizes,
      AdaptiveSoftmaxOptions,
      ["divValue", "headBias", "device", "dtype"]
    >
  ) {
    super();
    const name = "AdaptiveLogSoftmaxWithLoss";
    const settings = settingsOf<AdaptiveSoftmaxSizes, AdaptiveSoftmaxOptions>(
      name,
      args,
      ["inFeatures", "nClasses", "cutoffs"],
      ["divValue", "headBias", ...FACTORY_NAMES],
    );
    const { inFeatures, nClasses, cutoffs, divValue = 4, headBias = false, device = null, dtype = null } =
      settings;
    this.inFeatures = requireSize(name, "inFeatures", inFeatures, 1);
    this.nClasses = requireSize(name, "nClasses", nClasses, 1);
    const ascending = cutoffs.every((cutoff, i) =>
      Number.isInteger(cutoff) && cutoff > (cutoffs[i - 1] ?? 0) && cutoff < nClasses
    );
    if (cutoffs.length === 0 || !ascending) {
      throw new ValueError(
        `Cannot make ${name}: cutoffs must ascend between 0 and ${nClasses}, got ${formatShape(cutoffs)}`,
      );
    }
    this.cutoffs = [...cutoffs, nClasses];
    this.divValue = divValue;
    const factory = { device, dtype };
    this.head = new Linear(inFeatures, cutoffs[0]! + cutoffs.length, { bias: headBias, ...factory });
    this.tail = new ModuleList(cutoffs.map((low, i) => {
      const inner = Math.floor(inFeatures / divValue ** (i + 1));
      return new Sequential(
        new Linear(inFeatures, inner, { bias: false, ...factory }),
        new Linear(inner, this.cutoffs[i + 1]! - low, { bias: false, ...factory }),
      );
    }));
  }

  /** Number of clusters. */
  get nClusters(): number {
    return this.cutoffs.length - 1;
  }

  /** Fills the parameters anew. */
  resetParameters(): void {
    for (const module of this.modules()) if (module instanceof Linear) module.resetParameters();
  }

  /** The log probability of each target, and minus their mean. */
  override forward(input: Tensor, target: Tensor): AdaptiveSoftmaxResult {
    const batched = target.ndim === 1;
    check(this, input, target);
    const [output, loss] = temporaries(() => {
      const x = batched ? input : unsqueeze(input, 0);
      const index = target.dtype === int32 || target.dtype === int64 ? target : castTo(target, int32);
      const classes = reshape(index, [-1, 1]);
      const head = logSoftmax(this.head(x), 1);
      const first = this.cutoffs[0]!;
      let column = classes;
      let inCluster: Tensor | null = null;
      for (let i = 0; i < this.nClusters; i++) {
        const [low, high] = [this.cutoffs[i]!, this.cutoffs[i + 1]!];
        const here = logicalAnd(ge(classes, low), lt(classes, high));
        const place = clamp(sub(classes, low), 0, high - low - 1);
        const own = bind("gather", [logSoftmax(this.tail.at(i)(x), 1), place], { dim: 1 });
        const part = where(here, own, 0);
        inCluster = inCluster === null ? part : add(inCluster, part);
        column = where(here, first + i, column);
      }
      const each = squeeze(add(bind("gather", [head, column], { dim: 1 }), inCluster!), 1);
      return [batched ? each : squeeze(each, 0), neg(mean(each))];
    });
    return Object.assign([output!, loss!] as [Tensor, Tensor], { output: output!, loss: loss! });
  }

  /** Log probabilities of all classes, `[N, nClasses]`. */
  logProb(input: Tensor): Tensor {
    return temporaries(() => {
      const head = logSoftmax(this.head(input), 1);
      const first = this.cutoffs[0]!;
      const clusters = [...this.tail].map((cluster, i) =>
        add(logSoftmax(cluster(input), 1), narrow(head, 1, first + i, 1))
      );
      return cat([narrow(head, 1, 0, first), ...clusters], 1);
    });
  }

  /** The most probable class of each row. */
  predict(input: Tensor): Tensor {
    return this.logProb(input).argmax(1);
  }
}

/** Checks a call. */
function check({ inFeatures, nClasses }: AdaptiveLogSoftmaxWithLoss, input: Tensor, target: Tensor): void {
  const what = `Cannot AdaptiveLogSoftmaxWithLoss ${formatType(input)} and ${formatType(target)}`;
  const fits = target.ndim === 1
    ? input.ndim === 2 && input.shape[0] === target.shape[0]
    : target.ndim === 0 && input.ndim === 1;
  if (!fits) throw new ShapeError(`${what}: they must be [N, ${inFeatures}] and [N], or both without N`);
  if (target.dtype.kind !== "int") throw new ValueError(`${what}: the target must be of integers`);
  if (target.backend.canReadSync && target.numel() > 0) {
    for (const value of target.dataSync()) {
      if (!(Number(value) >= 0 && Number(value) < nClasses)) {
        throw new IndexError(`${what}: targets must be in [0, ${nClasses}), got ${value}`);
      }
    }
  }
}
