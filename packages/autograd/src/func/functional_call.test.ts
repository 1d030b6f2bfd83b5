import * as nn from "@flambeau/nn";
import * as torch from "@flambeau/tensor";
import { manualSeed, type Tensor } from "@flambeau/tensor";
import { beforeEach, describe, expect, it } from "vitest";
import { values } from "../test_support.ts";
import { jvp } from "./forward.ts";
import { functionalCall, stackModuleState } from "./functional_call.ts";
import { grad, gradAndValue } from "./reverse.ts";
import { vmap } from "./vmap.ts";

const F = nn.functional;
const f64 = { dtype: "float64" } as const;

beforeEach(() => void manualSeed(1));

class Mlp extends nn.Module {
  fc1 = new nn.Linear(3, 5, f64);
  fc2 = new nn.Linear(5, 2, f64);
  override forward(x: Tensor): Tensor {
    return this.fc2(torch.tanh(this.fc1(x)));
  }
}

class ConvNet extends nn.Module {
  conv1 = new nn.Conv2d(1, 3, 3, { padding: 1, ...f64 });
  norm = new nn.GroupNorm(3, 3, f64);
  conv2 = new nn.Conv2d(3, 2, 3, { stride: 2, ...f64 });
  fc = new nn.Linear(2, 4, f64);
  override forward(x: Tensor): Tensor {
    const hidden = F.maxPool2d(torch.relu(this.norm(this.conv1(x))), 2);
    return this.fc(F.avgPool2d(F.gelu(this.conv2(hidden)), 1).flatten(1));
  }
}

function close(got: Tensor, want: Tensor, digits = 10): void {
  expect(got.shape).toEqual(want.shape);
  const list = values(want);
  values(got).forEach((g, i) => expect(g).toBeCloseTo(list[i]!, digits));
}

type Parameters = Record<string, Tensor>;

function parametersOf(net: nn.AnyModule): Parameters {
  return Object.fromEntries(net.namedParameters());
}

/** The gradient of every example, one after the other, by backward(). */
function looped(
  net: nn.AnyModule,
  loss: (x: Tensor, y: Tensor) => Tensor,
  xs: Tensor,
  ys: Tensor,
): Map<string, Tensor[]> {
  const found = new Map<string, Tensor[]>();
  for (let i = 0; i < xs.shape[0]!; i++) {
    net.zeroGrad();
    loss(xs.select(0, i), ys.select(0, i)).backward();
    for (const [name, parameter] of net.namedParameters()) {
      found.set(name, [...found.get(name) ?? [], parameter.grad!.clone()]);
    }
  }
  net.zeroGrad();
  return found;
}

describe("gradients of every example", () => {
  it("of an MLP are those of a loop", () => {
    const net = new Mlp();
    const [xs, ys] = [torch.randn([6, 3], f64), torch.randn([6, 2], f64)];
    const loss = (p: Parameters, x: Tensor, y: Tensor) => F.mseLoss(functionalCall(net, p, [x]), y);
    const [grads, losses] = vmap(gradAndValue(loss), { inDims: [null, 0, 0] })(parametersOf(net), xs, ys);
    const want = looped(net, (x, y) => F.mseLoss(net(x), y), xs, ys);
    expect(losses.shape).toEqual([6]);
    for (const [name, list] of want) close(grads[name]!, torch.stack(list));
  });

  it("of a convolutional network are those of a loop", () => {
    const net = new ConvNet();
    const xs = torch.randn([5, 1, 6, 6], f64);
    const ys = torch.tensor([0, 3, 1, 2, 2], { dtype: "int32" });
    const loss = (p: Parameters, x: Tensor, y: Tensor) =>
      F.crossEntropy(functionalCall(net, p, [x.unsqueeze(0)]), y.unsqueeze(0));
    const grads = vmap(grad(loss), { inDims: [null, 0, 0] })(parametersOf(net), xs, ys);
    const want = looped(net, (x, y) => F.crossEntropy(net(x.unsqueeze(0)), y.unsqueeze(0)), xs, ys);
    for (const [name, list] of want) close(grads[name]!, torch.stack(list));
    expect(() => vmap(grad(loss), { inDims: [null, 0, 0] })(parametersOf(net), xs, ys.add(2))).toThrow(
      "class indices",
    );
  });

  it("of recurrent, embedding and attention layers are those of a loop", () => {
    class Reader extends nn.Module {
      embedding = new nn.Embedding(7, 4, f64);
      lstm = new nn.LSTM(4, 4, { batchFirst: true, ...f64 });
      attention = new nn.MultiheadAttention(4, 2, { batchFirst: true, ...f64 });
      norm = new nn.LayerNorm(4, f64);
      override forward(x: Tensor): Tensor {
        const [states] = this.lstm(this.embedding(x));
        const [seen] = this.attention(states, states, states, { needWeights: false });
        return this.norm(seen.add(states)).mean(1);
      }
    }
    const net = new Reader();
    const xs = torch.randint(0, 7, [3, 5]);
    const ys = torch.randn([3, 4], f64);
    const loss = (p: Parameters, x: Tensor, y: Tensor) =>
      F.mseLoss(functionalCall(net, p, [x.unsqueeze(0)]), y.unsqueeze(0));
    const grads = vmap(grad(loss), { inDims: [null, 0, 0] })(parametersOf(net), xs, ys);
    const want = looped(net, (x, y) => F.mseLoss(net(x.unsqueeze(0)), y.unsqueeze(0)), xs, ys);
    for (const [name, list] of want) close(grads[name]!, torch.stack(list));
  });
});

describe("functionalCall", () => {
  it("runs a module with other parameters, and puts its own back", () => {
    const net = new Mlp();
    const before = net.namedParameters();
    const zero = Object.fromEntries(before.map(([name, p]) => [name, torch.zerosLike(p)]));
    const x = torch.randn([2, 3], f64);
    expect(values(functionalCall(net, zero, [x]))).toEqual([0, 0, 0, 0]);
    expect(values(functionalCall(net, new Map(Object.entries(zero)), x))).toEqual([0, 0, 0, 0]);
    expect(
      values(
        functionalCall(net, [{ "fc2.weight": zero["fc2.weight"]! }, { "fc2.bias": torch.ones([2], f64) }], x),
      ),
    )
      .toEqual([1, 1, 1, 1]);
    expect(net.namedParameters().map(([name]) => name)).toEqual(before.map(([name]) => name));
    net.namedParameters().forEach(([, p], i) => expect(p).toBe(before[i]![1]));
  });

  it("puts them back when the module throws", () => {
    const net = new Mlp();
    const { weight } = net.fc1;
    expect(() => functionalCall(net, { "fc1.weight": torch.zeros([5, 3], f64) }, [torch.ones([2, 4], f64)]))
      .toThrow();
    expect(net.fc1.weight).toBe(weight);
  });

  it("lets gradients flow to what is put in", () => {
    const net = new Mlp();
    const p = Object.fromEntries(
      net.namedParameters().map(([name, x]) => [name, x.detach().requiresGrad_()]),
    );
    functionalCall(net, p, [torch.ones([1, 3], f64)]).sum().backward();
    expect(values(p["fc2.bias"]!.grad)).toEqual([1, 1]);
    expect(net.fc2.bias!.grad).toBeNull();
  });

  it("keeps shared parameters shared", () => {
    class Tied extends nn.Module {
      embedding = new nn.Embedding(4, 3, f64);
      out = new nn.Linear(3, 4, { bias: false, ...f64 });
      constructor() {
        super();
        this.out.weight = this.embedding.weight;
      }
      override forward(x: Tensor): Tensor {
        return this.out(this.embedding(x));
      }
    }
    const net = new Tied();
    const x = torch.tensor([1, 2], { dtype: "int32" });
    const w = torch.randn([4, 3], f64);
    const want = torch.matmul(torch.index(w, x), w.t());
    close(functionalCall(net, { "embedding.weight": w }, x), want);
    close(functionalCall(net, { "out.weight": w }, x), want);
    const apart = functionalCall(net, { "out.weight": w }, x, { tieWeights: false });
    close(apart, torch.matmul(torch.index(net.embedding.weight, x), w.t()));
    expect(() => functionalCall(net, { "embedding.weight": w, "out.weight": w.neg() }, x)).toThrow(
      "got multiple values for embedding.weight and out.weight, which are tied",
    );
    // Modules that are shared as a whole have each of their names.
    const linear = new nn.Linear(2, 2, { bias: false, ...f64 });
    const twice = new nn.Sequential(linear, linear);
    const eye = torch.eye(2, f64).mul(3);
    for (const name of ["0.weight", "1.weight"]) {
      expect(values(functionalCall(twice, { [name]: eye }, torch.ones([1, 2], f64)))).toEqual([9, 9]);
    }
  });

  it("puts parameters into containers too", () => {
    class Sum extends nn.Module {
      list = new nn.ParameterList([torch.ones([2], f64), torch.ones([2], f64)]);
      override forward(x: Tensor): Tensor {
        return [...this.list].reduce((sum, p) => sum.add(p), x);
      }
    }
    const net = new Sum();
    const g = grad((p: Parameters) => functionalCall(net, p, torch.zeros([2], f64)).sum())({
      "list.1": torch.ones([2], f64),
    });
    expect(values(g["list.1"]!)).toEqual([1, 1]);
    expect(net.list.length).toBe(2);
  });

  it("refuses names that the module does not have", () => {
    const net = new Mlp();
    const x = torch.ones([1, 3], f64);
    expect(() => functionalCall(net, { "fc3.weight": x }, x)).toThrow(
      "the module must have a parameter or a buffer of each name, got fc3.weight",
    );
    expect(() => functionalCall(net, { "fc1.weight": 3 as never }, x)).toThrow(
      "Cannot functionalCall with fc1.weight: it must be a Tensor",
    );
    expect(() => functionalCall(net, { "fc2.bias": torch.ones([2], f64) }, x, { strict: true })).toThrow(
      "missing fc1.weight, fc1.bias, fc2.weight",
    );
    expect(() => functionalCall(net, [{ "fc2.bias": x }, { "fc2.bias": x }], x)).toThrow(
      "fc2.bias was given by two of the dicts",
    );
  });

  it("writes running statistics into the buffers that are given", () => {
    const norm = new nn.BatchNorm1d(2, f64);
    const mine = norm.runningMean!.clone();
    const buffers = Object.fromEntries(norm.namedBuffers().map(([name, x]) => [name, x.clone()]));
    const x = torch.randn([4, 2], f64);
    functionalCall(norm, buffers, x);
    close(buffers["running_mean"]!, x.mean(0).mul(0.1));
    expect(values(norm.runningMean!)).toEqual(values(mine));
    // Each example of a batch has statistics of its own.
    const batch = torch.randn([3, 4, 2], f64);
    const shared = Object.fromEntries(
      Object.entries(buffers).map(([name, b]) => [name, torch.stack([b, b, b])]),
    );
    const y = vmap((b: Parameters, x: Tensor) => functionalCall(norm, b, x))(shared, batch);
    expect(y.shape).toEqual([3, 4, 2]);
    close(shared["running_mean"]!, batch.mean(1).mul(0.1).add(x.mean(0).mul(0.09)));
    expect(() => vmap((x: Tensor) => functionalCall(norm, {}, x))(batch)).toThrow("not being vmapped over");
    const slope = jvp((b: Tensor) => functionalCall(norm, buffers, b), [x], [torch.onesLike(x)])[1];
    values(slope).forEach((s) => expect(s).toBeCloseTo(0, 10)); // a shift of all is taken out again
  });
});

describe("stackModuleState", () => {
  it("runs an ensemble at once", () => {
    const models = [new Mlp(), new Mlp(), new Mlp()];
    const [params, buffers] = stackModuleState(models);
    expect(Object.keys(params)).toEqual(["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]);
    expect(params["fc1.weight"]!.shape).toEqual([3, 5, 3]);
    expect(params["fc1.weight"]!.requiresGrad).toBe(true);
    expect(params["fc1.weight"]!.isLeaf).toBe(true);
    const x = torch.randn([4, 3], f64);
    const call = (p: Parameters, b: Parameters, x: Tensor) => functionalCall(models[0]!, [p, b], x);
    const out = vmap(call, { inDims: [0, 0, null] })(params, buffers, x);
    close(out, torch.stack(models.map((net) => net(x))));
    out.sum().backward();
    models.forEach((net) => net(x).sum().backward());
    close(params["fc1.weight"]!.grad!, torch.stack(models.map((net) => net.fc1.weight.grad!)));
  });

  it("stacks buffers, and refuses models that do not go together", () => {
    const norms = [new nn.BatchNorm1d(2, f64), new nn.BatchNorm1d(2, f64)];
    const [, buffers] = stackModuleState(norms);
    expect(buffers["running_mean"]!.shape).toEqual([2, 2]);
    expect(buffers["num_batches_tracked"]!.shape).toEqual([2]);
    expect(() => stackModuleState([])).toThrow("there must be a model, got none");
    expect(() => stackModuleState([norms[0]!, new Mlp()])).toThrow("all models must be of the same class");
    expect(() => stackModuleState([norms[0]!, norms[1]!.eval()])).toThrow(
      "the same training or evaluation mode",
    );
    expect(() => stackModuleState([new nn.Linear(2, 3), new nn.Linear(2, 4)])).toThrow(
      "all models must have weight of float32[3, 2], got weight of float32[4, 2]",
    );
  });
});
