/**
 * Averages of weights.
 *
 * @module
 */

import { float32, int64, ValueError } from "@flambeau/core";
import { isGradEnabled, type Tensor } from "@flambeau/tensor";
import { fromData } from "@flambeau/tensor/internal";
import { describe, expect, test } from "vitest";
import { swaUtils } from "../mod.ts";
import { backend, expectClose, leaf, t, values } from "./test_support.ts";

const { AveragedModel, getEmaAvgFn, getSwaAvgFn, updateBn } = swaUtils;

/** A module, as far as averages see it. */
class Model {
  weight = leaf([1, 2]);
  runningMean = t([10]);
  calls: Tensor = fromData(BigInt64Array.of(0n), [], int64);

  *parameters(): Iterable<Tensor> {
    yield this.weight;
  }
  *buffers(): Iterable<Tensor> {
    yield* [this.runningMean, this.calls];
  }
  *namedParameters(): Iterable<[string, Tensor]> {
    yield ["weight", this.weight];
  }
  *namedBuffers(): Iterable<[string, Tensor]> {
    yield* [["running_mean", this.runningMean], ["calls", this.calls]] as [string, Tensor][];
  }
  set(weight: number[], mean: number, calls: bigint): void {
    this.weight.requiresGrad = false;
    this.weight.copy_(t(weight));
    this.weight.requiresGrad = true;
    this.runningMean.copy_(mean);
    this.calls.copy_(calls);
  }
}

describe("AveragedModel", () => {
  test("gives all values the same weight, and copies buffers", () => {
    const model = new Model();
    const average = new AveragedModel(model);
    expect(average.parameters()[0]).not.toBe(model.weight);
    [[1, 4], [2, 6], [6, 2]].forEach((weight, i) => {
      model.set(weight, 20 + i, BigInt(i));
      average.updateParameters(model);
    });
    expectClose(values(average.parameters()[0]), [3, 4]);
    expect(average.buffers().map(values)).toEqual([[22], [2n]]);
    expect(average.nAveraged).toBe(3);
    expect(average.parameters()[0]!.requiresGrad).toBe(false);
  });

  test("averages float buffers with useBuffers, and still copies integers", () => {
    const model = new Model();
    const average = new AveragedModel(model, { useBuffers: true, avgFn: getEmaAvgFn(0.75) });
    model.set([1, 1], 4, 1n);
    average.updateParameters(model);
    model.set([5, 9], 8, 7n);
    average.updateParameters(model);
    expectClose(values(average.parameters()[0]), [2, 3]);
    expect(average.buffers().map(values)).toEqual([[5], [7n]]);
  });

  test("takes a list of parameters, and a function of the user's", () => {
    const w = leaf([1, 2]);
    const average = new AveragedModel([w], {
      avgFn: (averaged, current, n) => averaged.add(current.mul(n * 10)),
    });
    for (let i = 0; i < 3; i++) average.updateParameters([w]);
    expectClose(values(average.parameters()[0]), [31, 62]);
  });

  test("withAverages: the model has the averages meanwhile, also in a promise and after an error", async () => {
    const model = new Model();
    const average = new AveragedModel(model);
    model.set([3, 3], 1, 1n);
    const seen = average.withAverages(model, () => [values(model.weight), values(model.runningMean)]);
    expect(seen).toEqual([[1, 2], [10]]);
    expect([values(model.weight), values(model.runningMean)]).toEqual([[3, 3], [1]]);
    const later = average.withAverages(model, async () => {
      await Promise.resolve();
      return values(model.weight);
    });
    expect(await later).toEqual([1, 2]);
    expect(values(model.weight)).toEqual([3, 3]);
    expect(() =>
      average.withAverages(model, () => {
        throw new Error("no data");
      })
    ).toThrow("no data");
    expect(values(model.weight)).toEqual([3, 3]);
    average.copyTo(model);
    expect(values(model.weight)).toEqual([1, 2]);
    expect(model.weight.requiresGrad).toBe(true);
  });

  test("state dicts have PyTorch's names, and go on", () => {
    const model = new Model();
    const first = new AveragedModel(model);
    first.updateParameters(model);
    model.set([5, 6], 0, 0n);
    first.updateParameters(model);
    const dict = first.stateDict();
    expect([...dict.keys()]).toEqual(["n_averaged", "module.weight", "module.running_mean", "module.calls"]);
    expect(values(dict.get("n_averaged"))).toEqual([2n]);
    const second = new AveragedModel(new Model());
    second.loadStateDict(Object.fromEntries(dict));
    model.set([9, 10], 0, 0n);
    for (const average of [first, second]) average.updateParameters(model);
    expectClose(values(second.parameters()[0]), [5, 6]);
    expect(values(second.parameters()[0])).toEqual(values(first.parameters()[0]));
    expect(() => second.loadStateDict(new Map())).toThrow("the state dict must have module.weight, got none");
  });

  test("updates hold no memory", () => {
    const model = new Model();
    const average = new AveragedModel(model, { avgFn: getEmaAvgFn() });
    average.updateParameters(model);
    average.updateParameters(model);
    const { liveBytes } = backend.memory();
    for (let i = 0; i < 50; i++) average.updateParameters(model);
    average.withAverages(model, () => 1);
    expect(backend.memory().liveBytes).toBe(liveBytes);
  });

  test("refuses models that do not fit", () => {
    const average = new AveragedModel([leaf([1])]);
    expect(() => average.updateParameters([])).toThrow(
      "Cannot update the averages of a model: it must have 1 parameters and buffers, got 0",
    );
    expect(() => new AveragedModel(1 as unknown as Tensor[])).toThrow(
      "Cannot average a number: it must be a module or an iterable of parameters",
    );
    expect(() => new AveragedModel([1 as unknown as Tensor])).toThrow(
      "Cannot average 0: it must be a Tensor, got number",
    );
  });
});

test("averaging functions", () => {
  const [a, b] = [t([1, 2], float32), t([3, 6], float32)];
  expect(values(getSwaAvgFn()(a, b, 3))).toEqual([1.5, 3]);
  expectClose(values(getEmaAvgFn()(a, b, 3)), [1.002, 2.004], 1e-6);
  expect(() => getEmaAvgFn(1.5)).toThrow(ValueError);
});

describe("updateBn", () => {
  /** A layer that keeps a running mean, in a model that calls it. */
  function makeModel(): {
    model: swaUtils.NormalizedModel;
    layer: { mean: number; momentum: number | null };
    log: unknown[];
  } {
    const layer = {
      mean: 100,
      momentum: 0.1 as number | null,
      resetRunningStats: () => void (layer.mean = 0),
    };
    const log: unknown[] = [];
    const model = Object.assign((input: Tensor) => {
      log.push(model.training, isGradEnabled());
      layer.mean += layer.momentum! * (values(input)[0]! - layer.mean);
    }, {
      training: false,
      modules: () => [model, layer],
      train: (mode = true) => void (model.training = mode),
    });
    return { model, layer, log };
  }

  test("takes plain means over the batches, and leaves momentum and mode as they were", async () => {
    const { model, layer, log } = makeModel();
    async function* loader(): AsyncGenerator<Tensor | [Tensor, number]> {
      yield t([1]);
      yield [t([2]), 5];
      yield t([9]);
    }
    await updateBn(loader(), model);
    expectClose([layer.mean], [4]);
    expect(layer.momentum).toBe(0.1);
    expect(model.training).toBe(false);
    expect(log).toEqual([true, false, true, false, true, false]);
  });

  test("moves batches, and gives momentum and mode back after an error", async () => {
    const { model, layer } = makeModel();
    await updateBn([t([1])], model, "reference");
    expect(layer.mean).toBe(1);
    await expect(updateBn([t([1]), 1 as unknown as Tensor], model)).rejects.toThrow();
    expect([layer.momentum, model.training]).toEqual([0.1, false]);
  });

  test("does nothing without normalizations", async () => {
    const { model, log } = makeModel();
    await updateBn([t([1])], Object.assign(() => log.push("called"), { ...model, modules: () => [{}] }));
    expect(log).toEqual([]);
  });
});
