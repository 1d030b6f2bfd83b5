import * as nn from "@flambeau/nn";
import * as torch from "@flambeau/tensor";
import { manualSeed, noGrad, type Tensor } from "@flambeau/tensor";
import { beforeEach, describe, expect, it } from "vitest";
import { checkpoint, checkpointSequential } from "./checkpoint.ts";
import { grad } from "./engine.ts";
import { grad as funcGrad } from "./func/reverse.ts";
import { vmap } from "./func/vmap.ts";
import { backend, leaf, t, values } from "./test_support.ts";

const F = nn.functional;
const f64 = { dtype: "float64" } as const;

beforeEach(() => void manualSeed(5));

function mlp(): nn.Sequential {
  return new nn.Sequential(new nn.Linear(3, 4, f64), new nn.Tanh(), new nn.Linear(4, 3, f64), new nn.GELU());
}

describe("checkpoint", () => {
  it("gives the result and the gradients of the function, for inputs and for what it has from elsewhere", () => {
    const net = mlp();
    const x = torch.randn([2, 3], f64).requiresGrad_();
    let calls = 0;
    const f = (x: Tensor) => {
      calls++;
      return net(x);
    };
    const plain = f(x);
    plain.square().sum().backward();
    const want = [x.grad!, ...net.parameters().map((p) => p.grad!)].map(values);
    x.grad = null;
    net.zeroGrad();
    calls = 0;
    const y = checkpoint(f, x);
    expect(values(y)).toEqual(values(plain));
    y.square().sum().backward();
    expect(calls).toBe(2);
    expect([x.grad!, ...net.parameters().map((p) => p.grad!)].map(values)).toEqual(want);
  });

  it("works when only what it has from elsewhere requires grad, and with autograd.grad", () => {
    const net = mlp();
    const x = torch.randn([2, 3], f64);
    const want = grad(net(x).sum(), net.parameters()).map(values);
    const got = grad(checkpoint((x) => net(x), x).sum(), net.parameters()).map(values);
    expect(got).toEqual(want);
  });

  it("takes and gives structures, and other arguments", () => {
    const x = leaf([1, 2]);
    const f = (a: Tensor, k: number, { shift }: { shift: Tensor }) => ({
      y: a.exp().mul(k).add(shift),
      pair: [a.sin()],
    });
    const shift = leaf([3, 4]);
    const { y, pair } = checkpoint(f, x, 3, { shift });
    y.sum().add(pair[0]!.sum()).backward();
    values(x.grad).forEach((g, i) => expect(g).toBeCloseTo(3 * Math.exp(i + 1) + Math.cos(i + 1), 12));
    expect(values(shift.grad)).toEqual([1, 1]);
  });

  it("draws the same random numbers the second time, and leaves the generator where it was", () => {
    const x = leaf([1, 1, 1, 1, 1, 1, 1, 1]);
    const y = checkpoint((a: Tensor) => torch.dropout(a.mul(2), 0.5).exp(), x);
    const next = values(torch.rand([2], f64));
    y.sum().backward();
    // d/dx exp(m 2x) = 2m exp(2m) with m of 0 and 2
    values(y).forEach((v, i) => expect(values(x.grad)[i]).toBeCloseTo(v === 1 ? 0 : 4 * v, 9));
    const after = values(torch.rand([2], f64));
    manualSeed(5);
    torch.dropout(x.mul(2), 0.5);
    expect(values(torch.rand([2], f64))).toEqual(next);
    expect(values(torch.rand([2], f64))).toEqual(after);
  });

  it("draws on when it is told to", () => {
    const x = leaf(new Array(64).fill(1));
    const y = checkpoint((a: Tensor) => torch.dropout(a.mul(2), 0.5).exp(), x, { preserveRngState: false });
    y.sum().backward();
    expect(values(y).some((v, i) => (v === 1) !== (values(x.grad)[i] === 0))).toBe(true);
  });

  it("takes useReentrant of either value, and gives the function its arguments only", () => {
    const net = mlp();
    const x = torch.randn([2, 3], f64);
    const want = grad(net(x).sum(), net.parameters()).map(values);
    for (const useReentrant of [false, true]) {
      let count = 0;
      const f = (...args: readonly unknown[]): Tensor => {
        count = args.length;
        return net(args[0] as Tensor);
      };
      const one = checkpoint((a) => net(a), x, { useReentrant });
      const two: Tensor = checkpoint(f, x, { useReentrant, preserveRngState: false });
      expect(count).toBe(1);
      expect(grad(one.sum(), net.parameters()).map(values)).toEqual(want);
      expect(grad(two.sum(), net.parameters()).map(values)).toEqual(want);
    }
    // With an optional argument, which the options do not stand for.
    const scaled = (a: Tensor, factor?: number) => a.mul(factor ?? 2).sin();
    const y = leaf([1, 2]);
    expect(values(checkpoint(scaled, y, { useReentrant: false }))).toEqual(values(y.mul(2).sin()));
    expect(values(checkpoint(scaled, y, 3, { useReentrant: false }))).toEqual(values(y.mul(3).sin()));
  });

  it("keeps nothing of what is made inside", () => {
    const size = 4096;
    const bytes = size * 8;
    const deep = (a: Tensor) => {
      let y = a;
      for (let i = 0; i < 8; i++) y = y.mul(1.01).sin();
      return y;
    };
    const peak = (run: (x: Tensor) => Tensor): { held: number; peak: number; grads: number[] } => {
      const x = torch.ones([size], f64).mul(0.5).requiresGrad_();
      const before = backend.memory().liveBytes;
      const loss = run(x).sum();
      const held = backend.memory().liveBytes - before;
      backend.resetPeak();
      loss.backward();
      const found = { held, peak: backend.memory().peakBytes - before, grads: values(x.grad).slice(0, 3) };
      x.grad = null;
      return found;
    };
    const plain = peak((x) => deep(deep(deep(deep(x)))));
    const saving = peak((x) => [1, 2, 3, 4].reduce((y) => checkpoint(deep, y), x));
    expect(saving.grads).toEqual(plain.grads);
    // Four segments of 8 steps: 64 values are kept, or the 4 results.
    expect(plain.held).toBeGreaterThanOrEqual(64 * bytes);
    expect(saving.held).toBeLessThanOrEqual(4 * bytes + 64);
    // The backward pass holds one segment at a time.
    expect(plain.peak).toBeGreaterThanOrEqual(64 * bytes);
    expect(saving.peak).toBeLessThanOrEqual(4 * bytes + 16 * bytes + 6 * bytes);
  });

  it("frees everything after the backward pass", () => {
    const x = torch.ones([512], f64).requiresGrad_();
    const before = backend.memory().liveBytes;
    const y = checkpoint((a: Tensor) => a.exp().sin().exp(), x);
    const loss = y.sum();
    loss.backward();
    x.grad!.dispose();
    y.dispose();
    loss.dispose();
    expect(backend.memory().liveBytes - before).toBe(0);
  });

  it("nests", () => {
    const net = mlp();
    const x = torch.randn([2, 3], f64).requiresGrad_();
    let inner = 0;
    const block = (a: Tensor) => {
      inner++;
      return net(a);
    };
    const nested = (a: Tensor) => checkpoint(block, checkpoint(block, a.mul(2)).sin()).exp();
    const [want] = grad(net(net(x.mul(2)).sin()).exp().sum(), x);
    const loss = checkpoint(nested, x).sum();
    const [got] = grad(loss, x);
    values(got!).forEach((g, i) => expect(g).toBeCloseTo(values(want!)[i]!, 12));
    // Each block: once, once in the second run of the outer one, once in its own.
    expect(inner).toBe(6);
  });

  it("lets gradients be differentiated, and graphs be walked twice", () => {
    const x = leaf([0.5, 1, 2]);
    const f = (a: Tensor) => a.mul(a).exp().sin();
    const second = (y: Tensor) => {
      const [g] = grad(y.sum(), x, { createGraph: true });
      return values(grad(g!.square().sum(), x)[0]!);
    };
    const want = second(f(x));
    second(checkpoint(f, x)).forEach((g, i) => expect(g).toBeCloseTo(want[i]!, 9));
    const y = checkpoint(f, x).sum();
    const twice = [grad(y, x, { retainGraph: true }), grad(y, x)].map(([g]) => values(g!));
    expect(twice[0]).toEqual(twice[1]);
    expect(() => grad(y, x)).toThrow("a second time");
  });

  it("notices that an input was overwritten", () => {
    const x = leaf([1, 2]).mul(1);
    const y = checkpoint((a: Tensor) => a.exp().sin(), x);
    x.mul_(2);
    expect(() => y.sum().backward()).toThrow("modified by an inplace operation");
  });

  it("notices that the function did something else", () => {
    const x = leaf([1, 2]);
    let first = true;
    const other = checkpoint((a: Tensor) => {
      const y = first ? a.exp().sin() : a.exp().narrow(0, 0, 1).sin();
      first = false;
      return y;
    }, x);
    expect(() => other.sum().backward()).toThrow(
      "the values that were computed anew differ from the original ones, got float64[1] for float64[2]",
    );
    let calls = 0;
    const less = checkpoint((a: Tensor) => calls++ === 0 ? a.exp().sin() : a.exp(), x);
    expect(() => less.sum().backward()).toThrow("a different number of tensors was saved");
  });

  it("frees activations that the function put aside, and spares what is no activation", () => {
    const x = leaf([1, 2]);
    const aside: { activation?: Tensor; table?: Tensor; kept?: Tensor } = {};
    const f = (a: Tensor) => {
      aside.table ??= t([3, 4]).mul(2); // as a module that caches a table on its first call
      const y = a.mul(aside.table);
      aside.activation = y;
      aside.kept = torch.keep(a.exp());
      return y.sin();
    };
    const [want] = grad(f(x).sum(), x);
    delete aside.table;
    const [got] = grad(checkpoint(f, x).sum(), x);
    expect(values(got!)).toEqual(values(want!));
    expect(values(aside.table!)).toEqual([6, 8]);
    expect(values(aside.kept!).length).toBe(2);
    expect(() => aside.activation!.add(1)).toThrow("its memory was given back");
  });

  it("is a plain call where nothing is recorded, and inside transforms", () => {
    let calls = 0;
    const f = (a: Tensor) => (calls++, a.exp().sin().sum());
    const x = leaf([1, 2]);
    noGrad(() => checkpoint(f, x));
    expect(calls).toBe(1);
    const loss = (a: Tensor) => checkpoint(f, a);
    expect(values(funcGrad(loss)(x.detach()))).toEqual(values(grad(f(x), x)[0]!));
    expect(vmap(funcGrad(loss))(t([1, 2, 3, 4], [2, 2])).shape).toEqual([2, 2]);
    expect(calls).toBe(4);
  });

  it("puts everything back when the function throws", () => {
    const fail = (a: Tensor): Tensor => {
      throw new Error(`no ${a.exp().numel()}`);
    };
    expect(() => checkpoint(fail, leaf([1, 2]))).toThrow("no 2");
    const x = leaf([1, 2]);
    x.exp().sum().backward(); // values are saved as always
    expect(values(x.grad)[0]).toBeCloseTo(Math.E, 12);
    expect(() => checkpoint((a: Tensor) => Promise.resolve(a.exp()), x)).toThrow(
      "Cannot checkpoint an async function",
    );
  });

  it("trains a network with normalization and dropout as without it", () => {
    class Block extends nn.Module {
      fc = new nn.Linear(4, 4, f64);
      norm = new nn.LayerNorm(4, f64);
      drop = new nn.Dropout(0.2);
      override forward(x: Tensor): Tensor {
        return x.add(this.drop(F.relu(this.norm(this.fc(x)))));
      }
    }
    const run = (saves: boolean): number[] => {
      manualSeed(11);
      const blocks = [new Block(), new Block(), new Block()];
      const x = torch.randn([5, 4], f64);
      const losses: number[] = [];
      for (let step = 0; step < 3; step++) {
        const y = blocks.reduce((y, block) => saves ? checkpoint((z: Tensor) => block(z), y) : block(y), x);
        const loss = y.square().mean();
        loss.backward();
        losses.push(loss.itemSync());
        for (const block of blocks) {
          for (const p of block.parameters()) noGrad(() => p.sub_(p.grad!.mul(0.1)));
          block.zeroGrad();
        }
      }
      return losses;
    };
    expect(run(true)).toEqual(run(false));
  });
});

describe("checkpointSequential", () => {
  it("checkpoints all parts but the last", () => {
    const net = mlp();
    const x = torch.randn([2, 3], f64).requiresGrad_();
    const [want] = grad(net(x).sum(), x);
    for (const segments of [1, 2, 3, 4]) {
      const [got] = grad(checkpointSequential(net, segments, x).sum(), x);
      expect(values(got!)).toEqual(values(want!));
      const [listed] = grad(checkpointSequential([...net], segments, x).sum(), x);
      expect(values(listed!)).toEqual(values(want!));
      const [named] = grad(checkpointSequential(net, segments, x, { useReentrant: false }).sum(), x);
      expect(values(named!)).toEqual(values(want!));
    }
    expect(() => checkpointSequential(net, 5, x)).toThrow("segments must be an integer from 1 to 4, got 5");
  });
});
