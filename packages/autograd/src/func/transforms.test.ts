import { int32 } from "@flambeau/core";
import { functional as F } from "@flambeau/nn";
import * as torch from "@flambeau/tensor";
import { noGrad, type Tensor } from "@flambeau/tensor";
import { fromData, transforms } from "@flambeau/tensor/internal";
import { afterEach, describe, expect, it } from "vitest";
import { grad as autogradGrad } from "../engine.ts";
import * as functional from "../functional.ts";
import { backend, leaf, t, values } from "../test_support.ts";
import { jvp } from "./forward.ts";
import { hessian, jacfwd, jacrev } from "./jacobian.ts";
import { grad, gradAndValue, vjp } from "./reverse.ts";
import { vmap } from "./vmap.ts";

const x = t([1, 2, 3]);
const v = t([1, 0, 2]);
const cube = (a: Tensor): Tensor => a.mul(a).mul(a).sum();

function close(got: Tensor, want: readonly number[] | Tensor, digits = 10): void {
  const list = Array.isArray(want) ? want as readonly number[] : values(want as Tensor);
  expect(values(got).length).toBe(list.length);
  values(got).forEach((g, i) => expect(g).toBeCloseTo(list[i]!, digits));
}

afterEach(() => expect(transforms.active).toBeNull());

describe("grad", () => {
  it("gives the gradient of a scalar function, to any order", () => {
    const g = grad(cube)(x);
    expect(values(g)).toEqual([3, 12, 27]);
    expect(g.requiresGrad).toBe(false);
    expect(x.requiresGrad).toBe(false);
    const second = grad((a: Tensor) => grad(cube)(a).sum());
    expect(values(second(x))).toEqual([6, 12, 18]);
    expect(values(grad((a: Tensor) => second(a).sum())(x))).toEqual([6, 6, 6]);
  });

  it("differentiates for the arguments that argnums names", () => {
    const f = (a: Tensor, b: Tensor, k: number) => a.mul(b).sum().mul(k);
    expect(values(grad(f)(x, v, 2))).toEqual([2, 0, 4]);
    expect(values(grad(f, 1)(x, v, 2))).toEqual([2, 4, 6]);
    expect(values(grad(f, { argnums: -2 })(x, v, 2) as Tensor)).toEqual([2, 4, 6]);
    const [gb, ga] = grad(f, [1, 0])(x, v, 2);
    expect(values(gb)).toEqual([2, 4, 6]);
    expect(values(ga)).toEqual([2, 0, 4]);
  });

  it("differentiates for structures", () => {
    const f = (p: { w: Tensor; list: Tensor[] }) => p.w.mul(p.list[0]!).sum().add(p.list[1]!.exp().sum());
    const g = grad(f)({ w: x, list: [v, t([0])] });
    expect(values(g.w)).toEqual([1, 0, 2]);
    expect(values(g.list[0]!)).toEqual([1, 2, 3]);
    expect(values(g.list[1]!)).toEqual([1]);
    const map = grad((m: Map<string, Tensor>) => m.get("a")!.square().sum())(new Map([["a", x], ["b", v]]));
    expect(values(map.get("a")!)).toEqual([2, 4, 6]);
    expect(values(map.get("b")!)).toEqual([0, 0, 0]); // not used
  });

  it("passes on what comes beside the value", () => {
    const f = (a: Tensor) => [cube(a), { double: a.mul(2), n: 3 }] as const;
    const [g, aux] = grad(f, { hasAux: true })(x);
    expect(values(g)).toEqual([3, 12, 27]);
    expect(values(aux.double)).toEqual([2, 4, 6]);
    expect(aux.double.requiresGrad).toBe(false);
    expect(aux.n).toBe(3);
    const [h, [value, rest]] = gradAndValue(f, { hasAux: true })(x);
    expect(values(h)).toEqual([3, 12, 27]);
    expect(value.itemSync()).toBe(36);
    expect(values(rest.double)).toEqual([2, 4, 6]);
    const [k, plain] = gradAndValue(cube)(x);
    expect(values(k)).toEqual([3, 12, 27]);
    expect(plain.itemSync()).toBe(36);
    expect(plain.requiresGrad).toBe(false);
  });

  it("records for tensors outside that require grad", () => {
    const a = leaf([1, 2, 3]);
    const w = leaf([2, 2, 2]);
    const g = grad((b: Tensor) => b.mul(b).mul(w).sum())(a);
    expect(g.requiresGrad).toBe(true);
    g.sum().backward();
    expect(values(a.grad)).toEqual([4, 4, 4]);
    expect(values(w.grad)).toEqual([2, 4, 6]);
    expect(noGrad(() => grad(cube)(a)).requiresGrad).toBe(false);
  });

  it("is not confused by functions of functions", () => {
    // d/dx (x · d/dy (x + y)) = 1
    const f = (a: Tensor) => a.mul(grad((b: Tensor) => a.add(b).sum())(t([1, 1, 1]))).sum();
    expect(values(grad(f)(x))).toEqual([1, 1, 1]);
    // d/dx (x · d/dy (x y)) = 2x
    const g = (a: Tensor) => a.mul(grad((b: Tensor) => a.mul(b).sum())(t([1, 1, 1]))).sum();
    expect(values(grad(g)(x))).toEqual([2, 4, 6]);
    expect(values(jvp(g, [x], [t([1, 1, 1])])[1])).toEqual([12]);
    const h = (a: Tensor) => a.mul(jvp((b: Tensor) => a.mul(b), [t([1, 1, 1])], [t([1, 1, 1])])[1]).sum();
    expect(values(grad(h)(x))).toEqual([2, 4, 6]);
    expect(values(jvp(h, [x], [t([1, 1, 1])])[1])).toEqual([12]);
  });

  it("stops at noGrad and detach inside, not at those outside", () => {
    const f = (a: Tensor) => a.mul(noGrad(() => a.mul(a))).sum();
    expect(values(grad(f)(x))).toEqual([1, 4, 9]);
    expect(values(grad((a: Tensor) => a.mul(a.mul(a).detach()).sum())(x))).toEqual([1, 4, 9]);
    expect(values(noGrad(() => grad(cube)(x)))).toEqual([3, 12, 27]);
    expect(grad(f)(leaf([1, 2, 3])).requiresGrad).toBe(false);
  });

  it("works in inferenceMode, and gives inference tensors there", () => {
    const f = (a: Tensor) => a.exp().mul(a).sum();
    const [g, slope] = torch.inferenceMode(() => [grad(f)(x), jvp(f, [x], [v])[1]] as const);
    close(g, grad(f)(x));
    close(slope, jvp(f, [x], [v])[1]);
    expect(g.isInference).toBe(true);
    const made = torch.inferenceMode(() => x.mul(1));
    close(grad(f)(made), g);
  });

  it("writes in place into what was made inside", () => {
    const f = (a: Tensor) => {
      const out = torch.zeros([4], { dtype: "float64" });
      const view = out.narrow(0, 1, 3);
      const other = out.view([2, 2]);
      view.copy_(a.mul(a));
      out.mul_(2);
      return other.mul(t([1, 2, 3, 4], [2, 2])).sum(); // a view from before the writes
    };
    expect(f(x).itemSync()).toBe(2 * (2 + 12 + 36));
    expect(values(grad(f)(x))).toEqual([8, 24, 48]);
    expect(values(jvp(f, [x], [v])[1])).toEqual([8 + 96]);
    expect(values(grad((a: Tensor) => grad(f)(a).square().sum())(x))).toEqual(
      [128, 288, 768].map((_, i) => [2 * 8 * 8, 2 * 24 * 12, 2 * 48 * 16][i]!),
    );
    const g = (a: Tensor) => {
      const b = a.clone();
      b.index_([0], a.index(2));
      b.exp_();
      return b.sum();
    };
    close(grad(g)(x), [0, Math.exp(2), 2 * Math.exp(3)]);
    close(jvp(g, [x], [v])[1], [4 * Math.exp(3)]);
  });

  it("refuses to change what was captured", () => {
    const w = t([0, 0, 0]);
    expect(() => grad((a: Tensor) => (w.copy_(a), a.sum()))(x)).toThrow(
      "Cannot copy into float64[3] inside grad: the function that is transformed would mutate a captured tensor",
    );
    expect(() => jvp((a: Tensor) => w.add_(a), [x], [v])).toThrow(
      "inside jvp: the function that is transformed would mutate",
    );
    grad((a: Tensor) => {
      noGrad(() => w.copy_(a)); // nothing to differentiate
      return a.sum();
    })(x);
    expect(values(w)).toEqual([1, 2, 3]);
    expect(w.lifted).toBeNull();
  });

  it("reads values inside", () => {
    const f = (a: Tensor) => a.sum().itemSync() > 3 ? a.square().sum() : a.sum();
    expect(values(grad(f)(x))).toEqual([2, 4, 6]);
    expect(values(jvp(f, [x], [v])[1])).toEqual([14]);
    let text = "";
    grad((a: Tensor) => (text = String(a), a.sum()))(x);
    expect(text).toBe("GradTrackingTensor(lvl=1, value=\n    tensor([1., 2., 3.], dtype=torch.float64)\n)");
  });

  it("refuses what is no scalar function of floats", () => {
    expect(() => grad((a: Tensor) => a.mul(2))(x)).toThrow(
      "Cannot grad: the function must return a scalar tensor, got tensor with 1 dims, float64[3]",
    );
    expect(() => grad((_: Tensor) => 3 as never)(x)).toThrow(
      "Cannot grad: the function must return a Tensor, got number",
    );
    expect(() => grad(cube)(3 as never)).toThrow(
      "the arguments to differentiate for must be Tensors, got number",
    );
    expect(() => grad(cube)(fromData(new Int32Array(3), [3], int32))).toThrow(
      "only tensors of floating point dtype can require gradients, got int32",
    );
    expect(() => grad(cube, 1 as 0)(x)).toThrow(
      "argnums must be integers from -1 to 0 for 1 arguments, got 1",
    );
    expect(() => grad((a: Tensor, b: Tensor) => a.mul(b).sum(), [0, -2])(x, x)).toThrow(
      "argnums must be unique",
    );
    expect(() => grad((a: Tensor) => cube(a) as never, { hasAux: true })(x)).toThrow(
      "must give a list [value, aux]",
    );
    expect(() => grad((a: Tensor) => Promise.resolve(a) as never)(x)).toThrow(
      "Cannot grad an async function",
    );
  });

  it("puts everything back when the function throws", () => {
    const fail = (): never => {
      throw new Error("no");
    };
    expect(() =>
      vmap(grad((a: Tensor) => (jvp(fail as (a: Tensor) => Tensor, [a], [a]), a.sum())))(t([1, 2], [2, 1]))
    ).toThrow("no");
    expect(transforms.active).toBeNull();
    expect(leaf([1]).mul(2).requiresGrad).toBe(true);
  });

  it("refuses tensors that have escaped with their history", () => {
    let leaked: Tensor | null = null;
    grad((a: Tensor) => (leaked = a.mul(2)).sum())(x);
    expect(() => leaked!.mul(2)).toThrow(
      "comes from inside a grad that has ended: return it from the function",
    );
    expect(values(leaked!)).toEqual([2, 4, 6]);
    // Inside another transform it is its value.
    expect(values(grad((a: Tensor) => a.mul(leaked!).sum())(x))).toEqual([2, 4, 6]);
  });

  it("frees what the pass does not need", () => {
    const before = backend.memory().liveBuffers;
    const g = grad((a: Tensor) => torch.logsumexp(a, 0))(x);
    expect(backend.memory().liveBuffers - before).toBeLessThanOrEqual(3);
    close(g, values(x.softmax(0)));
  });

  it("lets autograd work inside", () => {
    const f = (a: Tensor) => {
      const b = a.detach();
      b.requiresGrad = true;
      const [g] = autogradGrad(torch.logSoftmax(b, 0).sum(), b);
      return a.mul(g!).sum();
    };
    const b = leaf([1, 2, 3]);
    const [want] = autogradGrad(torch.logSoftmax(b, 0).sum(), b);
    close(grad(f)(x), want!);
    // Primitives whose gradient is that of their decomposition.
    const s = (a: Tensor) => {
      const c = a.detach();
      c.requiresGrad = true;
      torch.silu(c).sum().backward();
      return a.mul(c.grad!).sum();
    };
    const c = leaf([1, 2, 3]);
    torch.silu(c).sum().backward();
    close(grad(s)(x), c.grad!);
  });
});

describe("vjp", () => {
  it("pulls cotangents back, again and again", () => {
    const [y, pullback] = vjp((a: Tensor, b: Tensor) => a.mul(b), x, v);
    expect(values(y)).toEqual([1, 0, 6]);
    expect(y.requiresGrad).toBe(false);
    const [ga, gb] = pullback(t([1, 1, 1]));
    expect(values(ga)).toEqual([1, 0, 2]);
    expect(values(gb)).toEqual([1, 2, 3]);
    expect(values(pullback(t([2, 0, 0]))[0])).toEqual([2, 0, 0]);
  });

  it("takes structures, and gives what comes beside", () => {
    const f = (p: { w: Tensor }) => [{ sum: p.w.sum(), exp: p.w.exp() }, "aux"] as const;
    const [out, pullback, aux] = vjp(f, { w: x }, { hasAux: true });
    expect(aux).toBe("aux");
    expect(values(out.sum)).toEqual([6]);
    close(pullback({ sum: t([2], []), exp: t([1, 0, 0]) })[0].w, [2 + Math.E, 2, 2]);
  });

  it("refuses cotangents that are not like the outputs", () => {
    const [, pullback] = vjp((a: Tensor) => a.mul(2), x);
    expect(() => pullback([x])).toThrow("cotangents must have the structure of the outputs");
    expect(() => pullback(t([1]))).toThrow("cotangent 0 must be float64[3], got float64[1]");
    expect(() => vjp((_: Tensor) => 3, x)).toThrow("the function must only return Tensors, got number");
  });

  it("gives zeros where nothing depends on anything", () => {
    const [y, pullback] = vjp((_: Tensor) => v, x);
    expect(values(y)).toEqual([1, 0, 2]);
    expect(values(pullback(v)[0])).toEqual([0, 0, 0]);
  });
});

describe("jvp", () => {
  it("pushes tangents forward", () => {
    const f = (a: Tensor, b: Tensor) => a.sin().mul(b);
    const [y, slope] = jvp(f, [x, v], [v, x]);
    close(y, f(x, v));
    close(slope, v.mul(x.cos()).mul(v).add(x.sin().mul(x)));
    expect(slope.requiresGrad).toBe(false);
  });

  it("takes structures, and gives what comes beside", () => {
    const f = (p: { w: Tensor }) => [[p.w.exp(), p.w.sum()], p.w.neg()] as const;
    const [[y], [slope, sum], aux] = jvp(f, [{ w: x }], [{ w: v }], { hasAux: true });
    close(y!, x.exp());
    close(slope!, x.exp().mul(v));
    expect(values(sum!)).toEqual([3]);
    expect(values(aux)).toEqual([-1, -2, -3]);
  });

  it("gives zeros where nothing depends on anything", () => {
    expect(values(jvp((_: Tensor) => v, [x], [v])[1])).toEqual([0, 0, 0]);
    expect(values(jvp((a: Tensor) => a.gt(2).to("float64"), [x], [v])[1])).toEqual([0, 0, 0]);
  });

  it("stops at noGrad and detach, as reverse mode does", () => {
    expect(values(jvp((a: Tensor) => a.mul(noGrad(() => a.mul(a))), [x], [v])[1])).toEqual([1, 0, 18]);
    expect(values(jvp((a: Tensor) => a.mul(a.detach()), [x], [v])[1])).toEqual([1, 0, 6]);
    expect(values(noGrad(() => jvp((a: Tensor) => a.mul(a), [x], [v])[1]))).toEqual([2, 0, 12]);
    expect(values(jvp((a: Tensor) => a.mul(a.mul(a).detach_()), [x], [v])[1])).toEqual([1, 0, 18]);
    const f = (a: Tensor) => {
      const b = a.mul(1);
      noGrad(() => b.mul_(3)); // the tangent does not see it
      return b;
    };
    expect(values(jvp(f, [x], [v])[1])).toEqual([1, 0, 2]);
    expect(values(grad((a: Tensor) => f(a).sum())(x))).toEqual([1, 1, 1]);
  });

  it("follows writes in place through bases and views", () => {
    const f = (a: Tensor) => {
      const b = a.mul(1);
      const tail = b.narrow(0, 1, 2);
      tail.mul_(a.narrow(0, 0, 2)); // b = [x, y·x, z·y]
      const first = b.select(0, 0);
      b.square_();
      first.add_(tail.sum());
      return b.mul(t([1, 10, 100]));
    };
    const want = functional.jvp(f, x, v)[1] as Tensor;
    close(jvp(f, [x], [v])[1], want);
    close(jacfwd(f)(x), jacrev(f)(x));
    const g = (a: Tensor) => jvp(f, [a], [v])[1].sum();
    close(
      grad(g)(x),
      functional.jacobian((a) => functional.jvp((b) => f(b), a, v, { createGraph: true })[1] as Tensor, x)
        .sum(0),
    );
  });

  it("follows writes in place where values and tangents lie in memory in different ways", () => {
    const rows = t([1, 2, 3, 4, 5, 6], [2, 3]);
    const other = t([1, -1, 2, -2, 3, -3], [3, 2]).t();
    const expanded = t([5, 7], [2, 1]).expand([2, 3]);
    const f = (a: Tensor) => {
      const column = a.select(1, 1);
      const piece = a.narrow(0, 1, 1);
      a.add_(1); // both views are older
      return torch.cat([column, piece.flatten().mul(2)]);
    };
    const direct = (a: Tensor) => torch.cat([a.select(1, 1), a.narrow(0, 1, 1).flatten().mul(2)]);
    for (
      const value of [rows, rows.t().contiguous().t(), t([0, ...values(rows)]).narrow(0, 1, 6).view([2, 3])]
    ) {
      for (const along of [rows, other, expanded]) {
        close(jvp(f, [value.clone()], [along])[1], jvp(direct, [value], [along])[1]);
        close(jvp(f, [value.add(0).t().contiguous().t()], [along])[1], jvp(direct, [value], [along])[1]);
      }
    }
  });

  it("takes results that an inner transform has left behind", () => {
    const f = (a: Tensor) => {
      let left = a;
      grad((b: Tensor) => (left = b.mul(a).sum()))(a.mul(2));
      return left; // 2 a²
    };
    expect(values(grad(f)(x))).toEqual([4, 8, 12]);
    expect(values(jvp(f, [x], [v])[1])).toEqual([28]);
    expect(values(vmap(f)(t([1, 2], [2, 1])))).toEqual([2, 8]);
  });

  it("takes the weights of classes as constants, as reverse mode does", () => {
    const logp = t([-1, -2, -0.5, -1.5], [2, 2]);
    const target = fromData(Int32Array.from([1, 0]), [2], int32);
    const loss = (a: Tensor, w: Tensor) => F.nllLoss(a, target, { weight: w });
    const w = t([1, 3]);
    expect(values(jvp(loss, [logp, w], [torch.zerosLike(logp), w])[1])).toEqual([0]);
    expect(values(jvp(loss, [logp, w], [torch.onesLike(logp), w])[1])).toEqual([-1]);
  });

  it("is recorded for what requires grad outside", () => {
    const a = leaf([1, 2, 3]);
    jvp((b: Tensor) => b.mul(b).mul(b), [a], [v])[1].sum().backward();
    expect(values(a.grad)).toEqual([6, 0, 36]);
  });

  it("refuses tangents that are not like the primals", () => {
    expect(() => jvp(cube, [x], [t([1])])).toThrow(
      "the tangent of float64[3] must have its shape, got float64[1]",
    );
    expect(() => jvp(cube, [x], [] as never)).toThrow(
      "primals and tangents must be lists of the same structure",
    );
    expect(() => jvp(cube, x as never, x as never)).toThrow("must be lists");
    expect(() => jvp((a: Tensor) => Promise.resolve(a), [x], [v])).toThrow("Cannot jvp an async function");
  });

  it("frees what it makes on the way", () => {
    const before = backend.memory().liveBuffers;
    const [y, slope] = jvp((a: Tensor) => torch.logsumexp(a, 0), [x], [v]);
    expect(backend.memory().liveBuffers - before).toBeLessThanOrEqual(3);
    close(slope, [x.softmax(0).mul(v).sum().itemSync()]);
    y.dispose();
  });
});

describe("jacrev, jacfwd, hessian", () => {
  const f = (a: Tensor) => torch.outer(a.sin(), a).mul(a.sum());

  it("give all partial derivatives", () => {
    const want = functional.jacobian(f, x);
    for (const chunkSize of [null, 2]) {
      for (const jacobian of [jacrev(f, { chunkSize })(x), jacfwd(f, { chunkSize })(x)]) {
        expect(jacobian.shape).toEqual([3, 3, 3]);
        close(jacobian, want);
      }
    }
  });

  it("free what the tape has saved", () => {
    const g = (a: Tensor) => torch.logsumexp(a, 0).mul(torch.logSoftmax(a, 0));
    jacrev(g)(x).dispose(); // constants are made once
    const before = backend.memory().liveBuffers;
    const jacobian = jacrev(g)(x);
    // The Jacobian, the basis, its cotangents, and what the function holds in variables of its own: not the values inside.
    expect(backend.memory().liveBuffers - before).toBeLessThanOrEqual(8);
    close(jacobian, functional.jacobian(g, x));
  });

  it("take structures and several arguments", () => {
    const g = (a: Tensor, p: { w: Tensor }) => ({ dot: a.mul(p.w).sum(), sq: a.square() });
    for (const jacobian of [jacrev, jacfwd]) {
      const out = jacobian(g, [0, 1])(x, { w: v }) as { [name: string]: [Tensor, { w: Tensor }] };
      expect(values(out["dot"]![0])).toEqual([1, 0, 2]);
      expect(values(out["dot"]![1].w)).toEqual([1, 2, 3]);
      expect(out["sq"]![0].shape).toEqual([3, 3]);
      expect(values(out["sq"]![0])).toEqual([2, 0, 0, 0, 4, 0, 0, 0, 6]);
      expect(values(out["sq"]![1].w)).toEqual(new Array(9).fill(0));
      const [one, aux] = jacobian((a: Tensor) => [a.exp(), a.neg()], { hasAux: true })(x) as [Tensor, Tensor];
      close(one.diagonal(), x.exp());
      expect(values(aux)).toEqual([-1, -2, -3]);
    }
  });

  it("agree with torch.autograd.functional.hessian in every order of modes", () => {
    const loss = (a: Tensor) => f(a).tanh().sum();
    const want = functional.hessian(loss, x);
    for (
      const h of [
        hessian(loss)(x),
        jacfwd(jacfwd(loss))(x),
        jacrev(jacrev(loss))(x),
        jacrev(jacfwd(loss))(x),
      ]
    ) {
      expect(h.shape).toEqual([3, 3]);
      close(h, want, 8);
    }
    const [aa, ab] = hessian((a: Tensor, b: Tensor) => a.mul(a).mul(b).sum(), [0, 1])(x, v) as [
      Tensor,
      Tensor,
    ][];
    expect(values(aa![0])).toEqual([2, 0, 0, 0, 0, 0, 0, 0, 4]);
    expect(values(ab![0])).toEqual([2, 0, 0, 0, 4, 0, 0, 0, 6]);
  });

  it("batch: the Hessian of every example", () => {
    const rows = t([1, 2, 3, 4, 5, 6], [2, 3]);
    const loss = (a: Tensor) => f(a).tanh().sum();
    const got = vmap(hessian(loss))(rows);
    expect(got.shape).toEqual([2, 3, 3]);
    close(got, [
      ...values(functional.hessian(loss, rows.select(0, 0))),
      ...values(functional.hessian(loss, rows.select(0, 1))),
    ], 8);
  });

  it("treat random operations as vmap does", () => {
    const noisy = (a: Tensor) => a.mul(torch.rand([3], { dtype: "float64" }));
    expect(() => jacfwd(noisy)(x)).toThrow("randomness error mode");
    torch.manualSeed(3);
    const r = torch.rand([3], { dtype: "float64" });
    torch.manualSeed(3);
    close(jacfwd(noisy, { randomness: "same" })(x).diagonal(), r);
    torch.manualSeed(3);
    close(jacrev(noisy)(x).diagonal(), r);
  });
});
