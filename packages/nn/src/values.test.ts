import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { numelOf, type Shape } from "@flambeau/core";
import { noGrad, type Tensor } from "@flambeau/tensor";
import * as nn from "../mod.ts";
import { backwardSum, flat, t, useReference } from "./test_support.ts";

beforeAll(useReference);

const F = nn.functional;
const { rnn, parametrizations, parametrize } = nn.utils;
const values = JSON.parse(readFileSync(new URL("./testdata/values.json", import.meta.url), "utf8"));

/** sin(0.7 i + phase), as the fixtures are made of. */
function wave(shape: Shape, phase = 0): Tensor {
  return t(Array.from({ length: numelOf(shape) }, (_, i) => Math.sin(0.7 * i + phase))).reshape(shape);
}

function fill<M extends nn.AnyModule>(module: M): M {
  noGrad(() => module.parameters().forEach((p: Tensor, i: number) => p.copy_(wave(p.shape, i).mul(0.5))));
  return module;
}

function expectClose(got: Tensor | null, want: readonly number[], scale = 1e-4): void {
  const numbers = flat(got!);
  expect(numbers).toHaveLength(want.length);
  numbers.forEach((x, i) => expect(Math.abs(x - want[i]!)).toBeLessThan(scale * (1 + Math.abs(want[i]!))));
}

describe("packed sequences", () => {
  for (const name of ["RNN", "LSTM", "GRU"] as const) {
    test(`${name}: values, states and gradients of PyTorch`, () => {
      const want = values[`packed ${name}`];
      const make = nn[name] as unknown as new (...args: unknown[]) => nn.AnyModule;
      const net = fill(new make(2, 3, 2, { bidirectional: true }));
      const x = wave([4, 3, 2], 0.3).requiresGrad_();
      const packed = rnn.packPaddedSequence(x, [2, 4, 1], { enforceSorted: false });
      expectClose(packed.data, want.data);
      expect(packed.batchSizes).toEqual(want.batchSizes);
      expect(flat(packed.sortedIndices!)).toEqual(want.sorted);
      expect(flat(packed.unsortedIndices!)).toEqual(want.unsorted);
      const [y, state] = net(packed);
      const [padded, lengths] = rnn.padPackedSequence(y, { paddingValue: -1, totalLength: 5 });
      expectClose(padded, want.padded);
      expect(flat(lengths)).toEqual(want.lengths);
      const h: Tensor = name === "LSTM" ? state[0] : state;
      expectClose(h, want.h);
      if (name === "LSTM") expectClose(state[1], want.c);
      padded.sum().add(h.square().sum()).backward();
      expectClose(x.grad, want.grad);
      expectClose(net.getParameter("weight_hh_l1_reverse").grad, want.weightGrad);
    });
  }

  test("a packed batch gives what its samples give alone", () => {
    const net = fill(new nn.GRU(2, 3));
    const samples = [wave([4, 2]), wave([2, 2], 1), wave([1, 2], 2)];
    const [y, hn] = net(rnn.packSequence(samples));
    const alone = samples.map((sample) => net(sample));
    rnn.unpackSequence(y).forEach((part, i) => expectClose(part, flat(alone[i]![0]), 1e-6));
    expectClose(hn, alone.flatMap(([, h]) => flat(h)), 1e-6);
  });

  test("padSequence on both sides, unpadSequence back", () => {
    const parts = [t([1, 2, 3]), t([4])];
    expect(rnn.padSequence(parts, true, 9).toArraySync()).toEqual([[1, 2, 3], [4, 9, 9]]);
    expect(rnn.padSequence(parts, { paddingSide: "left" }).toArraySync()).toEqual([[1, 0], [2, 0], [3, 4]]);
    const back = rnn.unpadSequence(rnn.padSequence(parts), [3, 1]);
    expect(back.map(flat)).toEqual([[1, 2, 3], [4]]);
  });

  test("refuse lengths that do not fit", () => {
    const x = wave([4, 2, 1]);
    expect(() => rnn.packPaddedSequence(x, [1, 2])).toThrow(
      "lengths must descend when enforceSorted is true, got [1, 2]",
    );
    expect(() => rnn.packPaddedSequence(x, [5, 2])).toThrow("lengths must be in [1, 4], got 5");
    expect(() => rnn.packPaddedSequence(x, [3])).toThrow("a length for each of 2 samples, got 1");
    expect(() => rnn.padPackedSequence(rnn.packPaddedSequence(x, [3, 2]), { totalLength: 2 })).toThrow(
      "got 2",
    );
    expect(() => new nn.LSTM(2, 3)(rnn.packPaddedSequence(x, [3, 2]))).toThrow("must be inputSize 2, got 1");
    expect(() => rnn.padSequence([t([1]), t([[1]])])).toThrow("must differ in their first size only");
  });
});

describe("resizing and sampling", () => {
  for (const mode of ["bilinear", "bicubic"] as const) {
    for (const size of [[2, 3], [8, 9]] as const) {
      test(`interpolate ${mode} with antialias to ${size}`, () => {
        const got = F.interpolate(wave([1, 1, 5, 7]), { size, mode, antialias: true });
        expectClose(got, values[`antialias ${mode} ${size[0]}x${size[1]}`], 1e-5);
      });
    }
  }

  for (const mode of ["bilinear", "nearest", "bicubic"] as const) {
    for (const paddingMode of ["zeros", "border", "reflection"] as const) {
      for (const [alignCorners, python] of [[false, "False"], [true, "True"]] as const) {
        test(`gridSample ${mode}, ${paddingMode}, alignCorners ${alignCorners}`, () => {
          const want = values[`grid ${mode} ${paddingMode} ${python}`];
          const image = wave([1, 2, 4, 3]).requiresGrad_();
          const grid = wave([1, 3, 4, 2], 1).mul(1.9).detach().requiresGrad_();
          const y = F.gridSample(image, grid, { mode, paddingMode, alignCorners });
          expectClose(y, want.y);
          backwardSum(y.mul(wave(y.shape, 2)));
          expectClose(image.grad, want.image);
          expectClose(grid.grad, want.grid);
        });
      }
    }
  }

  test("gridSample of volumes", () => {
    expectClose(F.gridSample(wave([1, 1, 2, 3, 2]), wave([1, 2, 2, 2, 3], 0.2)), values["grid volume"]);
  });

  test("gridSample outside, at NaN, gives 0 with zeros around", () => {
    const y = F.gridSample(wave([1, 1, 2, 2], 1), t([[[[NaN, NaN], [9, 9]]]]), { mode: "nearest" });
    expect(flat(y)[1]).toBe(0);
  });
});

describe("normalized weights", () => {
  test("weightNorm by hooks", () => {
    const want = values["weightNorm old"];
    const layer = nn.utils.weightNorm(fill(new nn.Conv1d(2, 3, 2)));
    expect([...layer.stateDict().keys()]).toEqual(want.state);
    const before = flat(layer.weight);
    const y = layer(wave([1, 2, 4]));
    expectClose(y, want.y);
    backwardSum(y.square());
    expectClose(layer.getParameter("weight_g").grad, want.g);
    expectClose(layer.getParameter("weight_v").grad, want.v);
    nn.utils.removeWeightNorm(layer);
    expect(layer.namedParameters().map(([name]) => name)).toEqual(["bias", "weight"]);
    expectClose(layer.weight, before);
    expect(() => nn.utils.removeWeightNorm(layer)).toThrow('weightNorm of "weight" was not applied');
  });

  test("weightNorm by parametrization computes the same", () => {
    const want = values["weightNorm old"];
    const layer = parametrizations.weightNorm(fill(new nn.Conv1d(2, 3, 2)));
    expect([...layer.stateDict().keys()]).toEqual([
      "bias",
      "parametrizations.weight.original0",
      "parametrizations.weight.original1",
    ]);
    const y = layer(wave([1, 2, 4]));
    expectClose(y, want.y);
    backwardSum(y.square());
    expectClose(layer.getParameter("parametrizations.weight.original0").grad, want.g);
    expectClose(layer.getParameter("parametrizations.weight.original1").grad, want.v);
  });

  test("spectralNorm by hooks", () => {
    const want = values["spectralNorm old"];
    const layer = nn.utils.spectralNorm(fill(new nn.Linear(3, 4)));
    expect([...layer.stateDict().keys()]).toEqual(want.state);
    const unit = (x: Tensor) => x.div(x.square().sum().sqrt());
    layer.getBuffer("weight_u").copy_(unit(wave([4], 1)));
    layer.getBuffer("weight_v").copy_(unit(wave([3], 2)));
    const y = layer(wave([2, 3]));
    expectClose(y, want.y);
    backwardSum(y.square());
    expectClose(layer.getParameter("weight_orig").grad, want.grad);
    expectClose(layer.getBuffer("weight_u"), want.u);
    expectClose(layer.getBuffer("weight_v"), want.v);
    layer.eval();
    layer(wave([2, 3]));
    expectClose(layer.getBuffer("weight_u"), want.u);
    nn.utils.removeSpectralNorm(layer);
    expect(layer.namedParameters().map(([name]) => name)).toEqual(["bias", "weight"]);
  });

  test("spectralNorm by parametrization: largest singular value 1, PyTorch's names and text", () => {
    const want = values["spectralNorm new"];
    const layer = parametrizations.spectralNorm(fill(new nn.Linear(3, 4)));
    expect([...layer.stateDict().keys()]).toEqual(want.state);
    expect(String(layer)).toBe(want.printed);
    for (let i = 0; i < 20; i++) layer(wave([2, 3]));
    layer.eval();
    const w = layer.weight.detach();
    let v = wave([3], 0.3);
    for (let i = 0; i < 60; i++) {
      v = w.mT.matmul(w.matmul(v));
      v = v.div(v.square().sum().sqrt());
    }
    expect(w.matmul(v).square().sum().sqrt().itemSync()).toBeCloseTo(1, 4);
  });
});

describe("parametrize", () => {
  class Symmetric extends nn.Module {
    override forward(x: Tensor): Tensor {
      return x.triu().add(x.triu(1).mT);
    }
    rightInverse(x: Tensor): Tensor {
      return x.triu();
    }
  }
  class Double extends nn.Module {
    override forward(x: Tensor): Tensor {
      return x.mul(2);
    }
  }

  test("a parametrized weight is computed, and trained by its original", () => {
    const layer = new nn.Linear(2, 2);
    layer.weight.detach().copy_(t([[1, 2], [5, 3]]));
    parametrize.registerParametrization(layer, "weight", new Symmetric());
    expect(layer.weight.toArraySync()).toEqual([[1, 2], [2, 3]]);
    expect(layer.namedParameters().map(([name]) => name)).toEqual([
      "bias",
      "parametrizations.weight.original",
    ]);
    expect(layer).toBeInstanceOf(nn.Linear);
    expect(String(layer)).toContain("ParametrizedLinear(");
    backwardSum(layer(t([[1, 10]])));
    expect(layer.getParameter("parametrizations.weight.original").grad!.toArraySync()).toEqual([[1, 11], [
      0,
      10,
    ]]);
    (layer as { weight: unknown }).weight = t([[7, 8], [8, 9]]);
    expect(layer.weight.toArraySync()).toEqual([[7, 8], [8, 9]]);
    parametrize.registerParametrization(layer, "weight", new Double());
    expect(layer.weight.toArraySync()).toEqual([[14, 16], [16, 18]]);
    expect(parametrize.isParametrized(layer)).toBe(true);
    expect(parametrize.isParametrized(layer, "bias")).toBe(false);
    parametrize.removeParametrizations(layer, "weight");
    expect(String(layer)).toBe("Linear(in_features=2, out_features=2, bias=True)");
    expect(layer.weight).toBeInstanceOf(nn.Parameter);
    expect(layer.weight.toArraySync()).toEqual([[14, 16], [16, 18]]);
    expect(parametrize.isParametrized(layer)).toBe(false);
  });

  test("removeParametrizations may leave the original", () => {
    const layer = new nn.Linear(1, 1);
    layer.weight.detach().fill_(3);
    parametrize.registerParametrization(layer, "weight", new Double());
    parametrize.removeParametrizations(layer, "weight", { leaveParametrized: false });
    expect(flat(layer.weight)).toEqual([3]);
  });

  test("cached computes once", () => {
    let count = 0;
    class Counting extends nn.Module {
      override forward(x: Tensor): Tensor {
        count++;
        return x.mul(1);
      }
    }
    const layer = parametrize.registerParametrization(new nn.Linear(1, 1), "weight", new Counting());
    count = 0;
    parametrize.cached(() => {
      layer(t([[1]]));
      layer(t([[1]]));
    });
    expect(count).toBe(1);
    layer(t([[1]]));
    expect(count).toBe(2);
  });

  test("refuses what changes shapes, and names that are no parameters", () => {
    class Half extends nn.Module {
      override forward(x: Tensor): Tensor {
        return x.narrow(0, 0, 1);
      }
    }
    const layer = new nn.Linear(2, 2);
    expect(() => parametrize.registerParametrization(layer, "weight", new Half())).toThrow(
      "must be float32[2, 2]",
    );
    expect(() => parametrize.registerParametrization(layer, "scale", new Double())).toThrow(
      "must have a parameter",
    );
    expect(() => parametrize.removeParametrizations(layer, "weight")).toThrow("has none");
  });
});

describe("others", () => {
  test("BatchNorm without momentum averages over all batches", () => {
    const norm = new nn.BatchNorm1d(2, { momentum: null });
    for (const phase of [0, 1]) norm(wave([3, 2], phase));
    expectClose(norm.runningMean, values["batchNorm average"].mean);
    expectClose(norm.runningVar, values["batchNorm average"].var);
    expect(flat(norm.numBatchesTracked!)).toEqual([2]);
  });

  test("Transformer with a causal mask", () => {
    const net = fill(new nn.Transformer(4, 2, 1, 1, 6, { dropout: 0 }));
    const tgtMask = nn.Transformer.generateSquareSubsequentMask(3);
    expect(tgtMask.toArraySync()).toEqual([[0, -Infinity, -Infinity], [0, 0, -Infinity], [0, 0, 0]]);
    expectClose(net(wave([2, 1, 4]), wave([3, 1, 4], 1), { tgtMask }), values["transformer causal"]);
  });

  test("cosineSimilarity: the gradient at a zero vector is PyTorch's", () => {
    const want = values["cosine zero"];
    const a = t([[0, 0], [3, 4]]).requiresGrad_();
    const b = t([[1, 2], [4, 3]]).requiresGrad_();
    const y = F.cosineSimilarity(a, b);
    expectClose(y, want.y);
    backwardSum(y);
    expectClose(a.grad, want.a);
    expectClose(b.grad, want.b);
  });
});
