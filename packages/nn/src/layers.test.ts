import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { float64 } from "@flambeau/core";
import { manualSeed, noGrad, ones, type Tensor, tensor, zeros } from "@flambeau/tensor";
import * as nn from "../mod.ts";
import { backwardSum, flat, ramp, t, useReference } from "./test_support.ts";

beforeAll(useReference);

const F = nn.functional;
const values = JSON.parse(readFileSync(new URL("./testdata/values.json", import.meta.url), "utf8"));
const i = (list: number[]): Tensor => tensor(list, { dtype: "int32" });

function fill<M extends nn.AnyModule>(module: M): M {
  const sines = (p: Tensor, phase: number) => ramp(p.shape, phase, 0.7).sin().mul(0.5);
  noGrad(() => module.parameters().forEach((p: Tensor, k: number) => p.copy_(sines(p, k))));
  return module;
}

describe("constructors", () => {
  test("take PyTorch's positions, a tail by name, or all by name", () => {
    const want = "Conv2d(1, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), bias=False)";
    expect(String(new nn.Conv2d(1, 4, 3, 2, 1, 1, 1, false))).toBe(want);
    expect(String(new nn.Conv2d(1, 4, 3, 2, { padding: 1, bias: false }))).toBe(want);
    expect(
      String(
        new nn.Conv2d({ inChannels: 1, outChannels: 4, kernelSize: 3, stride: 2, padding: 1, bias: false }),
      ),
    ).toBe(want);
    expect(String(new nn.Linear({ inFeatures: 2, outFeatures: 3 }))).toBe(
      "Linear(in_features=2, out_features=3, bias=True)",
    );
    expect(new nn.Linear(2, 3, { dtype: float64 }).weight.dtype).toBe(float64);
  });

  test("refuse what cannot be, in words", () => {
    expect(() => new nn.Linear(2, { bias: false } as never)).toThrow(
      "Cannot make Linear: outFeatures must be given",
    );
    expect(() => new nn.Linear(2, 3, { biais: false } as never)).toThrow('with option "biais"');
    expect(() => new nn.Linear(-1, 3)).toThrow("Cannot make Linear: inFeatures must be at least 0, got -1");
    expect(() => new nn.Linear(2.5, 3)).toThrow("must be an integer, got 2.5");
    expect(() => new nn.Conv2d(3, 4, 3, { groups: 2 })).toThrow(
      "inChannels must be divisible by groups, got 3 and 2",
    );
    expect(() => new nn.Conv2d(3, 4, [3, 3, 3])).toThrow("kernelSize must be an integer or 2 of them, got 3");
    expect(() => new nn.Conv2d(3, 4, 3, { padding: "same", stride: 2 })).toThrow(
      "the stride must be 1, got [2, 2]",
    );
    expect(() => new nn.Conv2d(3, 4, 3, { paddingMode: "mirror" as "zeros" })).toThrow(
      "must be one of zeros, reflect",
    );
    expect(() => new nn.Dropout(1.5)).toThrow("must be in [0, 1], got 1.5");
    expect(() => new nn.GroupNorm(3, 4)).toThrow("numChannels must be divisible by numGroups, got 4 and 3");
    expect(() => new nn.Embedding(3, 4, { paddingIdx: 3 })).toThrow("paddingIdx must be in [-3, 3), got 3");
    expect(() => new nn.MultiheadAttention(5, 2)).toThrow(
      "embedDim must be divisible by numHeads, got 5 and 2",
    );
    expect(() => new nn.LSTM(2, 3, { projSize: 3 })).toThrow(
      "projSize must be smaller than hiddenSize 3, got 3",
    );
    expect(() => new nn.RNN(2, 3, { nonlinearity: "sin" as "tanh" })).toThrow('it must be "tanh" or "relu"');
  });
});

describe("inputs that do not fit are errors in words", () => {
  test("ranks and sizes", () => {
    expect(() => new nn.BatchNorm2d(3)(ramp([2, 3]))).toThrow(
      "Cannot BatchNorm2d float32[2, 3]: it must have 4 dimensions",
    );
    expect(() => new nn.BatchNorm1d(3)(ramp([1, 3]))).toThrow("more than 1 value per channel");
    expect(() => new nn.LSTM(2, 3)(ramp([4, 1, 3]))).toThrow("the last size must be inputSize 2, got 3");
    expect(() => new nn.GRU(2, 3)(ramp([4, 1, 2]), zeros([1, 2, 3]))).toThrow(
      "must be [1, 1, 3], got [1, 2, 3]",
    );
    expect(() => new nn.GRUCell(2, 3)(ramp([1, 3]))).toThrow("it must be [N, 2] or [2]");
    expect(() => new nn.MultiheadAttention(4, 2)(ramp([3, 1, 4]), ramp([3, 1, 2]), ramp([3, 1, 4]))).toThrow(
      "must be 4 and 4",
    );
    expect(() => new nn.Softmax2d()(ramp([2]))).toThrow("it must have 3 or 4 dimensions, got 1");
    expect(() => new nn.Transformer(4, 2, 1, 1, 4)(ramp([2, 1, 4]), ramp([2, 2, 4]))).toThrow(
      "the same batch, got 1 and 2",
    );
  });

  test("options that exclude each other", () => {
    const [q, mask] = [ramp([1, 2, 2]), ones([2, 2], { dtype: "bool" })];
    expect(() => F.scaledDotProductAttention(q, q, q, mask, 0, true)).toThrow("attnMask must be left out");
    expect(() => F.interpolate(ramp([1, 1, 4]), { size: 2, scaleFactor: 2 })).toThrow(
      "exactly one of size and scaleFactor",
    );
    expect(() => F.interpolate(ramp([1, 1, 4]), { size: 2, alignCorners: true })).toThrow(
      "alignCorners must be left out",
    );
    expect(() => F.interpolate(ramp([1, 1, 4]), { size: 2, mode: "bilinear" })).toThrow(
      "takes 4 dimensions, got 3",
    );
    expect(() => F.gridSample(ramp([1, 1, 2, 2]), ramp([1, 2, 2]))).toThrow("with 4 dimensions");
    expect(() => F.affineGrid(ramp([1, 2, 2]), [1, 1, 2, 2])).toThrow(
      "theta must be [1, 2, 3], got [1, 2, 2]",
    );
  });
});

describe("layers", () => {
  test("MaxPool2d gives places when asked, MaxUnpool2d puts values back", () => {
    const pool = new nn.MaxPool2d(2, { returnIndices: true });
    const [y, places] = pool(ramp([1, 1, 4, 4])) as unknown as [Tensor, Tensor];
    expect(flat(places)).toEqual([5, 7, 13, 15]);
    const back = new nn.MaxUnpool2d(2)(y, places, [4, 4]);
    expect(flat(back).filter((x) => x !== 0)).toEqual([5, 7, 13, 15]);
  });

  test("ConvTranspose2d chooses the size of its output", () => {
    const layer = new nn.ConvTranspose2d(1, 1, 3, { stride: 2, padding: 1 });
    expect(layer(ramp([1, 1, 3, 3])).shape).toEqual([1, 1, 5, 5]);
    expect(layer(ramp([1, 1, 3, 3]), [6, 5]).shape).toEqual([1, 1, 6, 5]);
    expect(() => layer(ramp([1, 1, 3, 3]), [7, 5])).toThrow("size 0 must be in [5, 6], got 7");
  });

  test("Embedding: pretrained tables, padding without gradient", () => {
    const table = nn.Embedding.fromPretrained(ramp([3, 2]), { paddingIdx: 0, freeze: false });
    const y = table(i([0, 2, 2]));
    expect(y.toArraySync()).toEqual([[0, 1], [4, 5], [4, 5]]);
    backwardSum(y);
    expect(table.weight.grad!.toArraySync()).toEqual([[0, 0], [0, 0], [2, 2]]);
    expect(nn.Embedding.fromPretrained(ramp([3, 2])).weight.requiresGrad).toBe(false);
    expect(flat(new nn.Embedding(4, 2, { paddingIdx: -1 }).weight.select(0, 3))).toEqual([0, 0]);
  });

  test("Dropout drops while training only", () => {
    manualSeed(1);
    const layer = new nn.Dropout(0.5);
    const y = flat(layer(ones([1000])));
    expect(new Set(y)).toEqual(new Set([0, 2]));
    const zerosSeen = y.filter((x) => x === 0).length;
    expect(zerosSeen).toBeGreaterThan(420);
    expect(zerosSeen).toBeLessThan(580);
    expect(flat(layer.eval()(ones([4])))).toEqual([1, 1, 1, 1]);
  });

  test("attention drops weights while training", () => {
    manualSeed(3);
    const layer = new nn.MultiheadAttention(4, 2, { dropout: 0.5 });
    const x = ramp([6, 1, 4], 0, 0.1);
    const shares = flat(layer(x, x, x)[1]!);
    expect(shares.some((share) => share === 0)).toBe(true);
    const [a, b] = [layer(x, x, x, { needWeights: false })[0], layer(x, x, x, { needWeights: false })[0]];
    expect(flat(a)).not.toEqual(flat(b));
    layer.eval();
    const [c, d] = [layer(x, x, x)[0], layer(x, x, x, { needWeights: false })[0]];
    flat(c).forEach((value, k) => expect(value).toBeCloseTo(flat(d)[k]!, 5));
  });

  test("LSTM drops between layers while training", () => {
    manualSeed(5);
    const net = new nn.LSTM(2, 8, 2, { dropout: 0.5 });
    const x = ramp([3, 1, 2]);
    expect(flat(net(x)[0])).not.toEqual(flat(net(x)[0]));
    net.eval();
    expect(flat(net(x)[0])).toEqual(flat(net(x)[0]));
    expect(net.allWeights.map((weights) => weights.length)).toEqual([4, 4]);
    expect((net as unknown as { weightIhL0: unknown }).weightIhL0).toBe(net.getParameter("weight_ih_l0"));
  });

  test("AdaptiveLogSoftmaxWithLoss: values and gradient of PyTorch", () => {
    const want = values["adaptive softmax"];
    const layer = fill(new nn.AdaptiveLogSoftmaxWithLoss(6, 7, [2, 4], { divValue: 2, headBias: true }));
    expect([...layer.stateDict().keys()]).toEqual(want.state);
    const x = ramp([4, 6], 0, 0.7).sin().detach().requiresGrad_();
    const { output, loss } = layer(x, i([0, 3, 6, 1]));
    flat(output).forEach((value, k) => expect(value).toBeCloseTo(want.y[k], 5));
    loss.backward();
    flat(x.grad!).forEach((value, k) => expect(value).toBeCloseTo(want.grad[k], 5));
    flat(layer.logProb(x)).forEach((value, k) => expect(value).toBeCloseTo(want.logProb[k], 5));
    expect(flat(layer.predict(x))).toEqual(want.predict);
    expect(() => layer(x, i([0, 3, 7, 1]))).toThrow("targets must be in [0, 7), got 7");
    expect(() => new nn.AdaptiveLogSoftmaxWithLoss(6, 7, [4, 2])).toThrow("cutoffs must ascend");
  });

  test("BatchNorm loads state dicts without a count of batches", () => {
    const norm = new nn.BatchNorm1d(2);
    const state = norm.stateDict();
    state.delete("num_batches_tracked");
    expect(norm.loadStateDict(state).missingKeys).toEqual([]);
  });
});

describe("lazy modules", () => {
  test("learn their sizes at the first call and become ordinary", () => {
    const net = new nn.Sequential(
      new nn.LazyLinear(3),
      new nn.LazyBatchNorm1d(),
      new nn.LazyLinear(2, { bias: false }),
    );
    const { weight } = net[0] as nn.LazyLinear;
    expect(String(weight)).toBe("<UninitializedParameter>");
    expect(net(ramp([4, 5])).shape).toEqual([4, 2]);
    expect(weight.shape).toEqual([3, 5]);
    expect((net[0] as nn.Linear).weight).toBe(weight);
    expect(weight).not.toBeInstanceOf(nn.UninitializedParameter);
    expect(flat(weight).some((x) => x !== 0)).toBe(true);
    expect(String(net)).toBe(
      "Sequential(\n  (0): Linear(in_features=5, out_features=3, bias=True)\n" +
        "  (1): BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)\n" +
        "  (2): Linear(in_features=3, out_features=2, bias=False)\n)",
    );
  });

  test("convolutions and normalizations of all ranks", () => {
    expect(new nn.LazyConv1d(4, 3)(ramp([2, 3, 5])).shape).toEqual([2, 4, 3]);
    expect(new nn.LazyConv2d(4, 3, { groups: 2 })(ramp([2, 5, 5])).shape).toEqual([4, 3, 3]);
    expect(new nn.LazyConv3d(4, 1)(ramp([1, 2, 2, 2, 2])).shape).toEqual([1, 4, 2, 2, 2]);
    expect(new nn.LazyConvTranspose1d(4, 3)(ramp([2, 3, 5])).shape).toEqual([2, 4, 7]);
    const transposed = new nn.LazyConvTranspose2d(4, 3);
    expect(transposed(ramp([1, 3, 2, 2])).shape).toEqual([1, 4, 4, 4]);
    expect(transposed.weight.shape).toEqual([3, 4, 3, 3]);
    expect(new nn.LazyBatchNorm2d()(ramp([2, 3, 2, 2])).shape).toEqual([2, 3, 2, 2]);
    const norm = new nn.LazyInstanceNorm2d();
    norm(ramp([3, 2, 2]));
    expect(norm.runningMean!.shape).toEqual([3]);
    expect(() => new nn.LazyConv2d(4, 3, { groups: 2 })(ramp([3, 5, 5]))).toThrow(
      "divisible by groups 2, got 3",
    );
  });

  test("learn their sizes from a state dict", () => {
    const [from, to] = [new nn.Linear(5, 3), new nn.LazyLinear(3)];
    to.loadStateDict(from.stateDict());
    expect(to.constructor.name).toBe("Linear");
    expect(flat(to(ramp([1, 5])))).toEqual(flat(from(ramp([1, 5]))));
    const [norm, lazy] = [new nn.BatchNorm1d(2), new nn.LazyBatchNorm1d()];
    lazy.loadStateDict(norm.stateDict());
    expect(lazy.numFeatures).toBe(2);
    const [conv, late] = [new nn.Conv2d(2, 3, 1), new nn.LazyConv2d(3, 1)];
    late.loadStateDict(conv.stateDict());
    expect(late.inChannels).toBe(2);
  });
});

describe("deepcopy", () => {
  test("copies parameters, keeps what is shared, and the class", () => {
    class Tied extends nn.Module {
      a = new nn.Linear(2, 2);
      b = new nn.Linear(2, 2);
      sizes = [1, 2];
      constructor() {
        super();
        this.b.weight = this.a.weight;
      }
      override forward(x: Tensor): Tensor {
        return this.b(this.a(x));
      }
    }
    const net = new Tied().eval();
    const copy = nn.deepcopy(net);
    expect(copy).toBeInstanceOf(Tied);
    expect(copy.training).toBe(false);
    expect(copy.a.weight).toBe(copy.b.weight);
    expect(copy.sizes).not.toBe(net.sizes);
    expect(copy.parameters()).toHaveLength(3);
    const x = ramp([1, 2]);
    expect(flat(copy(x))).toEqual(flat(net(x)));
    noGrad(() => copy.a.weight.zero_());
    expect(flat(copy(x))).not.toEqual(flat(net(x)));
  });

  test("copies recurrent networks, batch norms and hooks", () => {
    const norm = new nn.BatchNorm1d(2);
    const copy = nn.deepcopy(norm);
    norm(ramp([3, 2]));
    expect(flat(copy.runningMean!)).toEqual([0, 0]);
    expect([...copy.stateDict().keys()]).toEqual([...norm.stateDict().keys()]);
    const rnn = new nn.RNN(2, 3);
    const twin = nn.deepcopy(rnn);
    expect((twin as unknown as { weightIhL0: unknown }).weightIhL0).toBe(twin.getParameter("weight_ih_l0"));
    const layer = new nn.Linear(1, 1);
    layer.registerForwardHook((_, __, y) => y.mul(0));
    expect(flat(nn.deepcopy(layer)(t([[5]])))).toEqual([0]);
  });
});

describe("utils", () => {
  test("parametersToVector and vectorToParameters", () => {
    const layer = new nn.Linear(2, 1);
    const vec = nn.utils.parametersToVector(layer.parameters());
    expect(vec.shape).toEqual([3]);
    const other = t([1, 2, 3]);
    nn.utils.vectorToParameters(other, layer.parameters());
    expect(flat(layer(t([[1, 1]])))).toEqual([6]);
    other.fill_(0);
    expect(flat(layer.bias!)).toEqual([0]);
    expect(() => nn.utils.vectorToParameters(t([1]), layer.parameters())).toThrow("a vector of 3 elements");
  });

  test("clipGradNorm_ and clipGradValue_ take one tensor too, and refuse norms that are not finite", () => {
    const x = t([0, 0]).requiresGrad_();
    x.grad = t([3, 4]);
    expect(nn.utils.clipGradNorm_(x, 1).itemSync()).toBeCloseTo(5);
    flat(x.grad).forEach((g, k) => expect(g).toBeCloseTo([0.6, 0.8][k]!));
    nn.utils.clipGradValue_([x], 0.7);
    expect(flat(x.grad)[1]).toBeCloseTo(0.7);
    x.grad = t([Infinity, 1]);
    expect(() => nn.utils.clipGradNorm_(x, 1, { errorIfNonfinite: true })).toThrow(
      "must be finite, got Infinity",
    );
    expect(nn.utils.clipGradNorm_([t([1])], 1).itemSync()).toBe(0);
    expect(() => nn.utils.clipGradNorm_([x], { maxNorm: "1" } as never)).toThrow("maxNorm must be a number");
  });

  test("fuseConvBnEval and fuseLinearBnEval do what both layers do", () => {
    const x = ramp([2, 2, 3, 3], 0, 0.1).sin();
    for (const conv of [new nn.Conv2d(2, 3, 2), new nn.ConvTranspose2d(2, 3, 2, { bias: false })]) {
      const norm = new nn.BatchNorm2d(3);
      norm(conv(x));
      fill(norm);
      const want = flat(norm.eval()(conv.eval()(x)));
      const fused = nn.utils.fuseConvBnEval(conv as nn.Conv2d, norm);
      flat(fused(x)).forEach((value, k) => expect(value).toBeCloseTo(want[k]!, 5));
    }
    const [linear, norm] = [new nn.Linear(3, 2).eval(), new nn.BatchNorm1d(2).eval()];
    const fused = nn.utils.fuseLinearBnEval(linear, norm);
    flat(fused(ramp([1, 3]))).forEach((y, k) =>
      expect(y).toBeCloseTo(flat(norm(linear(ramp([1, 3]))))[k]!, 5)
    );
    expect(() => nn.utils.fuseLinearBnEval(linear.train(), norm)).toThrow("both must be in evaluation");
  });
});

describe("init", () => {
  const { init } = nn;

  test("fills in place, unrecorded, from a seed or a generator", () => {
    const weight = new nn.Parameter(zeros([3, 4]));
    manualSeed(7);
    expect(init.xavierUniform_(weight)).toBe(weight);
    const first = flat(weight);
    manualSeed(7);
    expect(flat(init.xavierUniform_(weight))).toEqual(first);
    expect(weight.isLeaf).toBe(true);
    init.constant_(weight, 0.5);
    expect(new Set(flat(weight))).toEqual(new Set([0.5]));
  });

  test("dirac_ with groups is PyTorch's", () => {
    expect(flat(init.dirac_(zeros([4, 3, 3]), 2))).toEqual(values["dirac groups"]);
    expect(() => init.dirac_(zeros([3, 3, 3]), 2)).toThrow("divisible by groups, got 2");
  });

  test("orthogonal_ gives orthonormal rows or columns", () => {
    for (const shape of [[3, 5], [5, 3], [4, 2, 2]]) {
      const q = init.orthogonal_(zeros(shape)).reshape(shape[0]!, -1);
      const gram = q.shape[0]! <= q.shape[1]! ? q.matmul(q.mT) : q.mT.matmul(q);
      const n = gram.shape[0]!;
      flat(gram).forEach((x, k) => expect(x).toBeCloseTo(k % (n + 1) === 0 ? 1 : 0, 5));
    }
  });

  test("truncNormal_ stays inside, far from the mean too", () => {
    manualSeed(11);
    const x = flat(init.truncNormal_(zeros([2000]), { mean: 0, std: 1, a: 1, b: 3 }));
    expect(Math.min(...x)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...x)).toBeLessThanOrEqual(3);
    const mean = x.reduce((a, b) => a + b) / x.length;
    // (φ(1) − φ(3)) / (Φ(3) − Φ(1)) = 1.5101
    expect(Math.abs(mean - 1.5101)).toBeLessThan(0.04);
  });

  test("refuses ranks, gains and modes that it does not know", () => {
    expect(() => init.eye_(zeros([2]))).toThrow("Cannot eye_ float32[2]: it must have 2 dimensions, got 1");
    expect(() => init.xavierUniform_(zeros([2]))).toThrow("it must have at least 2 dimensions, got 1");
    expect(() => init.calculateGain("sine" as "tanh")).toThrow('Cannot calculateGain of "sine"');
    expect(() => init.kaimingNormal_(zeros([2, 2]), { mode: "fan" as "fanIn" })).toThrow(
      'it must be "fanIn" or "fanOut"',
    );
    expect(() => init.sparse_(zeros([2]), 0.5)).toThrow("it must have 2 dimensions");
  });

  test("sparse_ puts zeros into each column", () => {
    const x = init.sparse_(ones([10, 4]), 0.3).toArraySync() as number[][];
    for (let column = 0; column < 4; column++) expect(x.filter((row) => row[column] === 0)).toHaveLength(3);
  });
});

test("a small network learns: the loss falls", () => {
  manualSeed(0);
  const net = new nn.Sequential(
    new nn.Conv2d(1, 4, 3, { padding: 1 }),
    new nn.BatchNorm2d(4),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(16, 2),
  );
  // Bright pictures and dark ones.
  const y = i([0, 1, 0, 1, 1, 0]);
  const x = ramp([6, 1, 4, 4], 0, 0.37).sin().add(y.to("float32").reshape(6, 1, 1, 1));
  const losses: number[] = [];
  for (let step = 0; step < 30; step++) {
    const loss = F.crossEntropy(net(x), y);
    losses.push(loss.itemSync());
    net.zeroGrad();
    loss.backward();
    noGrad(() => {
      for (const p of net.parameters()) p.sub_(p.grad!.mul(0.1));
    });
  }
  expect(losses.at(-1)!).toBeLessThan(0.3 * losses[0]!);
});

test("what is no tensor is refused by its kind", () => {
  const linear = new nn.Linear(2, 2);
  const call = (input: unknown) => () => linear(input as Tensor);
  expect(call(undefined)).toThrow("Cannot linear: argument input must be a Tensor, got undefined");
  expect(call([[1, 2]])).toThrow("Cannot linear: argument input must be a Tensor, got an array");
  expect(() => new nn.Embedding(2, 2)(ones([1]))).toThrow("make it with { dtype: torch.int32 }");
});
