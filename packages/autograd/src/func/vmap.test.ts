import { bool, int32 } from "@flambeau/core";
import * as torch from "@flambeau/tensor";
import { manualSeed, type Tensor } from "@flambeau/tensor";
import { fromData } from "@flambeau/tensor/internal";
import { beforeEach, describe, expect, it } from "vitest";
import { backend, t, values } from "../test_support.ts";
import { grad } from "./reverse.ts";
import { vmap } from "./vmap.ts";

const ints = (list: readonly number[], shape: readonly number[] = [list.length]): Tensor =>
  fromData(Int32Array.from(list), shape, int32);
const bools = (list: readonly boolean[]): Tensor =>
  fromData(Uint8Array.from(list, Number), [list.length], bool);

const x = t([1, 2, 3, 4, 5, 6], [3, 2]);

describe("vmap: arguments and results", () => {
  it("hides the batch dimension, wherever it stands", () => {
    const seen: string[] = [];
    const f = (row: Tensor) => {
      seen.push(`${row.shape} ${row.ndim} ${row.numel()}`);
      return row.mul(2);
    };
    expect(values(vmap(f)(x))).toEqual([2, 4, 6, 8, 10, 12]);
    expect(vmap(f, 1)(x).shape).toEqual([2, 3]);
    expect(values(vmap(f, { inDims: 1 })(x))).toEqual([2, 6, 10, 4, 8, 12]);
    expect(vmap(f, { inDims: -1, outDims: -1 })(x).shape).toEqual([3, 2]);
    expect(vmap(f, 0, 1)(x).shape).toEqual([2, 3]);
    expect(seen).toEqual(["2 1 2", "3 1 3", "3 1 3", "3 1 3", "2 1 2"]);
  });

  it("shares inputs with null, and passes what is no tensor", () => {
    const w = t([10, 100]);
    const f = (row: Tensor, w: Tensor, k: number) => row.mul(w).sum().mul(k);
    expect(values(vmap(f, { inDims: [0, null, null] })(x, w, 3))).toEqual([630, 1290, 1950]);
  });

  it("takes and gives nested structures", () => {
    const f = ({ a, rest: [b, c] }: { a: Tensor; rest: Tensor[] }) => ({
      sum: a.add(b!),
      pair: [c!.neg(), a],
    });
    const args = { a: x, rest: [x, t([1, 2])] };
    const out = vmap(f, { inDims: [{ a: 0, rest: [0, null] }] })(args);
    expect(values(out.sum)).toEqual([2, 4, 6, 8, 10, 12]);
    expect(out.pair[0]!.shape).toEqual([3, 2]);
    expect(values(out.pair[1]!)).toEqual(values(x));
    const map = vmap((m: Map<string, Tensor>) => new Map([["y", m.get("x")!.exp()]]))(new Map([["x", x]]));
    expect(values(map.get("y")!)).toEqual(values(x.exp()));
    const dims = vmap((a: Tensor) => [a, a.sum()], { outDims: [1, 0] })(x);
    expect(dims.map(({ shape }) => [...shape])).toEqual([[2, 3], [3]]);
  });

  it("repeats results that do not depend on the batch, unless outDims is null", () => {
    const w = t([7, 8]);
    const repeated = vmap((_: Tensor) => w)(x);
    expect(repeated.shape).toEqual([3, 2]);
    expect(values(repeated)).toEqual([7, 8, 7, 8, 7, 8]);
    expect(vmap((_: Tensor) => w.mul(2), { outDims: null })(x).shape).toEqual([2]);
    expect(() => vmap((row: Tensor) => row, { outDims: null })(x)).toThrow(
      "outDims of a result may only be null when it does not depend on the batch, got float64[2]",
    );
  });

  it("computes in chunks", () => {
    let calls = 0;
    const f = (row: Tensor) => {
      calls++;
      return [row.mul(2), row.sum()];
    };
    const [double, sum] = vmap(f, { chunkSize: 2, outDims: [-1, 0] })(x);
    expect(calls).toBe(2);
    expect(double!.shape).toEqual([2, 3]);
    expect(values(double!)).toEqual([2, 6, 10, 4, 8, 12]);
    expect(values(sum!)).toEqual([3, 7, 11]);
  });

  it("nests, with inner functions that see outer batches", () => {
    const outer = vmap((a: Tensor) => vmap((b: Tensor) => a.mul(b).sum())(x));
    const want = [1, 2, 3, 4, 5, 6];
    expect(values(outer(x))).toEqual(
      [0, 2, 4].flatMap((i) => [0, 2, 4].map((j) => want[i]! * want[j]! + want[i + 1]! * want[j + 1]!)),
    );
  });

  it("takes batches without elements", () => {
    const none = torch.zeros([0, 2], { dtype: "float64" });
    expect(vmap((row: Tensor) => row.mul(2).sum())(none).shape).toEqual([0]);
    expect(vmap((row: Tensor) => torch.matmul(row.view([1, 2]), row.view([2, 1])))(none).shape).toEqual([
      0,
      1,
      1,
    ]);
  });

  it("refuses what does not go together", () => {
    const f = (a: Tensor, _: unknown = null) => a;
    expect(() => vmap(f)(x, 3)).toThrow(
      "Cannot vmap over input 1: it is no Tensor, so its entry of inDims must be null, got 0",
    );
    expect(() => vmap(f, { inDims: [null, null] })(x, x)).toThrow(
      "at least one entry of inDims must be a number",
    );
    expect(() => vmap(f, { inDims: [0, 1] })(x, x)).toThrow(
      "Cannot vmap: all tensors must have the same size in the mapped dimension, got sizes 3, 2",
    );
    expect(() => vmap(f, { inDims: 2 })(x)).toThrow("got inDims 2, which must be an integer from -2 to 1");
    expect(() => vmap(f, { inDims: [0] })(x, x)).toThrow(
      "inDims is not compatible with the structure of the arguments",
    );
    expect(() => vmap(f, { outDims: [0, 1] })(x)).toThrow(
      "outDims is not compatible with the structure of the results",
    );
    expect(() => vmap(() => x)()).toThrow("Cannot vmap over no inputs");
    expect(() => vmap((_: Tensor) => 3)(x)).toThrow(
      "Cannot vmap: the function must only return Tensors, got number",
    );
    expect(() => vmap(f, { inDims: null as never })(x)).toThrow("inDims must be a number or a list");
    expect(() => vmap(f, { randomness: "some" as never })).toThrow(
      'randomness must be "error", "same" or "different"',
    );
    expect(() => vmap(f, { chunkSize: 0 })).toThrow("chunkSize must be null or an integer > 0, got 0");
  });

  it("refuses async functions", () => {
    expect(() => vmap((a: Tensor) => Promise.resolve(a))(x)).toThrow("Cannot vmap an async function");
    expect(values(x.mul(1))).toEqual([1, 2, 3, 4, 5, 6]); // nothing is left in force
  });
});

describe("vmap: reading", () => {
  it("refuses what depends on the values of a batch", async () => {
    const words = /inside vmap: it has other elements for each element of the batch/;
    expect(() => vmap((a: Tensor) => a.mul(a.sum().itemSync()))(x)).toThrow(words);
    expect(() => vmap((a: Tensor) => (a.dataSync(), a))(x)).toThrow("Cannot dataSync float64[2] inside vmap");
    expect(() => vmap((a: Tensor) => (a.toArraySync(), a))(x)).toThrow(words);
    expect(() => vmap((a: Tensor) => torch.nonzero(a))(x)).toThrow(words);
    expect(() => vmap((a: Tensor) => a.index(a.gt(2)))(x)).toThrow(words);
    expect(() => vmap((a: Tensor) => torch.maskedSelect(a, a.gt(2)))(x)).toThrow(words);
    expect(() => vmap((a: Tensor) => torch.unique(a) as Tensor)(x)).toThrow(words);
    expect(() => vmap((a: Tensor) => torch.equal(a, a) ? a : a.neg())(x)).toThrow(words);
    let read: Promise<number> | null = null;
    vmap((a: Tensor) => {
      read = a.sum().item();
      return a;
    })(x);
    await expect(read).rejects.toThrow(words);
  });

  it("reads what all elements share", () => {
    const w = t([5]);
    expect(values(vmap((a: Tensor) => a.mul(w.itemSync()))(x))).toEqual([5, 10, 15, 20, 25, 30]);
  });

  it("refuses batches that have escaped", () => {
    let leaked: Tensor | null = null;
    vmap((a: Tensor) => leaked = a.mul(2))(x);
    expect(() => leaked!.add(1)).toThrow("a tensor that comes from inside a vmap that has ended");
    expect(() => leaked!.view([2, 1])).toThrow("a vmap that has ended");
    expect(() => leaked!.dataSync()).toThrow("inside vmap");
    expect(() => vmap((a: Tensor) => a.add(leaked!))(x)).toThrow("comes from inside a vmap that has ended");
  });

  it("prints batches as such", () => {
    let text = "";
    vmap((a: Tensor) => {
      text = String(a.to("int32"));
      return a;
    })(x);
    expect(text.split("\n")[0]).toBe("BatchedTensor(lvl=1, bdim=0, value=");
    expect(text).toContain("[5, 6]");
  });
});

describe("vmap: composite operations", () => {
  const places = ints([1, 0, 1]);

  it("indexes with an index for each element", () => {
    const pick = vmap((a: Tensor, i: Tensor) => a.index(i));
    expect(values(pick(x, places))).toEqual([2, 3, 6]);
    expect(values(pick(x, ints([-1, 0, -2])))).toEqual([2, 3, 5]);
    expect(
      values(vmap((a: Tensor, i: Tensor) => torch.indexSelect(a, 0, i))(x, ints([0, 0, 1, 1, 1, 0], [3, 2]))),
    )
      .toEqual([1, 1, 4, 4, 6, 5]);
    expect(values(vmap((a: Tensor, i: Tensor) => torch.take(a, i))(x, ints([-1, 0, 1], [3, 1])))).toEqual([
      2,
      3,
      6,
    ]);
    expect(values(vmap((i: Tensor) => t([7, 8]).index(i))(places))).toEqual([8, 7, 8]);
    expect(values(vmap((a: Tensor, i: Tensor) => torch.gather(a, 0, i))(x, ints([1, 1, 0, 0, 1, 0], [3, 2]))))
      .toEqual([2, 2, 3, 3, 6, 5]);
  });

  it("checks the indices of all elements", () => {
    expect(() => vmap((a: Tensor, i: Tensor) => torch.indexSelect(a, 0, i))(x, ints([0, 1, 2], [3, 1])))
      .toThrow(
        "index 2 is out of bounds for dimension 0 with size 2",
      );
    expect(() => vmap((a: Tensor, i: Tensor) => a.index(i))(x, ints([0, 1, 2]))).toThrow(
      "index 2 is out of bounds for dimension 0 with size 2",
    );
  });

  it("writes by index and by mask into batches", () => {
    const put = vmap((a: Tensor, i: Tensor) => torch.indexPut(a, [i.view([1])], t([9])));
    expect(values(put(x, places))).toEqual([1, 9, 9, 4, 5, 9]);
    // The values have a batch, the tensor has none.
    const shared = vmap((v: Tensor) => torch.indexPut(t([0, 0, 0]), [ints([1])], v.view([1])));
    expect(values(shared(t([7, 8])))).toEqual([0, 7, 0, 0, 8, 0]);
    expect(values(vmap((a: Tensor) => torch.where(a.gt(2), a, 0))(x))).toEqual([0, 0, 3, 4, 5, 6]);
    expect(values(vmap((a: Tensor) => a.maskedFill(a.gt(2), 0))(x))).toEqual([1, 2, 0, 0, 0, 0]);
    expect(values(vmap((a: Tensor) => a.clone().setIndex([a.gt(2)], 0))(x))).toEqual([1, 2, 0, 0, 0, 0]);
    expect(values(vmap((m: Tensor) => t([1, 2]).maskedFill(m, 0), 0)(bools([true, false])))).toEqual([
      0,
      0,
      1,
      2,
    ]);
  });

  it("solves, inverts and takes determinants of batches of matrices", () => {
    const a = t([2, 1, 1, 3, 0, 1, 1, 0, 4, 1, 2, 5], [3, 2, 2]);
    const determinants = vmap((m: Tensor) => torch.linalg.det(m))(a);
    [5, -1, 18].forEach((want, i) => expect(values(determinants)[i]).toBeCloseTo(want, 12));
    const solved = vmap((m: Tensor, b: Tensor) => torch.linalg.solve(m, b))(a, x);
    const back = vmap((m: Tensor, b: Tensor) => torch.matmul(m, b.view([2, 1])).view([2]))(a, solved);
    values(back).forEach((v, i) => expect(v).toBeCloseTo(values(x)[i]!, 12));
    const want = values(torch.linalg.matrixExp(a));
    values(vmap((m: Tensor) => torch.linalg.matrixExp(m))(a)).forEach((v, i) =>
      expect(v).toBeCloseTo(want[i]!, 8)
    );
    expect(() => vmap((m: Tensor) => torch.linalg.cholesky(m))(a.neg())).toThrow(
      "Cannot cholesky float64[2, 2]",
    );
  });

  it("sorts, reduces and normalizes along dimensions of the element", () => {
    const y = t([3, 1, 2, 6, 4, 5], [2, 3]);
    expect(values(vmap((a: Tensor) => torch.sort(a)[0])(y))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(values(vmap((a: Tensor) => torch.argmax(a))(y))).toEqual([0, 0]);
    expect(values(vmap((a: Tensor) => a.softmax(-1))(y))).toEqual(values(torch.softmax(y, -1)));
    expect(values(vmap((a: Tensor) => a.mean())(y))).toEqual([2, 5]);
    expect(values(vmap((a: Tensor) => a.unsqueeze(0).expand([2, 3]).flatten())(y)).length).toBe(12);
    expect(vmap((a: Tensor) => torch.stack([a, a, t([0, 0, 0])]))(y).shape).toEqual([2, 3, 3]);
    expect(vmap((a: Tensor) => torch.cat([a, t([0])]))(y).shape).toEqual([2, 4]);
    expect(vmap((a: Tensor) => torch.einsum("i,j->ij", a, a))(y).shape).toEqual([2, 3, 3]);
  });
});

describe("vmap: writing in place", () => {
  it("writes into batches, through views too", () => {
    const f = (a: Tensor) => {
      const b = a.clone();
      b.add_(1).mul_(a);
      b.select(0, 0).fill_(7);
      b.setIndex([1], a.index(0));
      return b;
    };
    expect(values(vmap(f)(x))).toEqual([7, 1, 7, 3, 7, 5]);
    const y = x.clone();
    vmap((a: Tensor) => a.mul_(10))(y); // the batch itself is written
    expect(values(y)).toEqual([10, 20, 30, 40, 50, 60]);
    vmap((a: Tensor) => a.zero_(), { inDims: 1 })(y.narrow(0, 0, 2));
    expect(values(y)).toEqual([0, 0, 0, 0, 50, 60]);
    expect(values(vmap((a: Tensor) => a.newZeros([2]).add_(a))(x))).toEqual(values(x));
    expect(values(vmap((a: Tensor) => torch.zerosLike(a).add_(a))(x))).toEqual(values(x));
    expect(values(vmap((a: Tensor) => a.clone().to("int32").add_(1))(x))).toEqual([2, 3, 4, 5, 6, 7]);
    expect(values(vmap((a: Tensor) => a.unsqueeze(0).transpose_(0, 1).squeeze_())(x))).toEqual(values(x));
  });

  it("refuses to write a batch into one tensor for all", () => {
    const w = t([1, 2]);
    expect(() => vmap((a: Tensor) => w.add_(a))(x)).toThrow(
      /Cannot \w+ into float64\[2\] inside vmap: in-place arithmetic is not possible because there exists a Tensor/,
    );
    expect(() => vmap((a: Tensor) => w.copy_(a))(x)).toThrow(
      "the target is not being vmapped over at level 1",
    );
    expect(() => vmap((a: Tensor) => torch.zeros([2], { dtype: "float64" }).addcmul_(a, a))(x)).toThrow(
      "use out-of-place operators",
    );
    expect(values(w)).toEqual([1, 2]);
    vmap((a: Tensor) => {
      w.mul_(2); // for all elements at once
      return a;
    })(x);
    expect(values(w)).toEqual([2, 4]);
  });

  it("keeps the rules of autograd", () => {
    const y = x.clone();
    y.requiresGrad = true;
    expect(() => vmap((a: Tensor) => a.mul_(2))(y)).toThrow("leaf Variable that requires grad");
    const out = vmap((a: Tensor) => a.mul(2).add_(a).exp_())(y);
    out.sum().backward();
    values(y.grad).forEach((g, i) => expect(g).toBeCloseTo(3 * Math.exp(3 * (i + 1)), 3));
    const cubes = (rows: Tensor) =>
      vmap((a: Tensor) => {
        const b = a.clone();
        b.mul_(a);
        b.narrow(0, 0, 1).mul_(b.narrow(0, 1, 1));
        return b;
      })(rows).sum();
    // [a² b², b²]
    expect(values(grad(cubes)(t([1, 2, 3, 4], [2, 2])))).toEqual([8, 8, 96, 80]);
  });
});

describe("vmap: random numbers", () => {
  beforeEach(() => void manualSeed(0));
  const draw = (a: Tensor) => a.mul(0).add(torch.rand([2], { dtype: "float64" }));

  it("throws unless it is told what to do", () => {
    expect(() => vmap(draw)(x)).toThrow(
      "Cannot draw random numbers inside vmap: it called a random operation while in randomness error mode",
    );
    expect(() => vmap((a: Tensor) => torch.dropout(a, 0.5))(x)).toThrow("randomness error mode");
  });

  it("draws once for the batch, or once for each element", () => {
    const same = values(vmap(draw, { randomness: "same" })(x));
    manualSeed(0);
    const want = values(torch.rand([2], { dtype: "float64" }));
    expect(same).toEqual([...want, ...want, ...want]);
    manualSeed(0);
    const different = values(vmap(draw, { randomness: "different" })(x));
    expect(new Set(different).size).toBe(6);
    manualSeed(0);
    expect(different).toEqual(values(torch.rand([3, 2], { dtype: "float64" })));
  });

  it("lets each level of nested batches decide", () => {
    const nested = (outer: "same" | "different", inner: "same" | "different") =>
      new Set(values(
        vmap((row: Tensor) =>
          vmap((a: Tensor) => a.add(torch.rand([], { dtype: "float64" })), {
            randomness: inner,
          })(row), { randomness: outer })(x.mul(0)),
      )).size;
    expect(nested("different", "different")).toBe(6);
    expect(nested("same", "different")).toBe(2);
    expect(nested("different", "same")).toBe(3);
    expect(nested("same", "same")).toBe(1);
  });

  it("draws integers, permutations, choices and masks", () => {
    const big = torch.ones([4, 50], { dtype: "float64" });
    const count = (f: (a: Tensor) => Tensor, randomness: "same" | "different") => {
      const out = values(vmap(f, { randomness })(big).to("float64"));
      return new Set([0, 1, 2, 3].map((row) => out.slice(50 * row, 50 * row + 50).join())).size;
    };
    const draws: ((a: Tensor) => Tensor)[] = [
      (a) => torch.randint(0, 1000, [50]).add(a.mul(0)),
      (a) => torch.randperm(50).add(a.mul(0)),
      (a) => torch.multinomial(a, 50),
      (a) => torch.dropout(a, 0.5),
      (a) => torch.bernoulli(a.mul(0.5)),
      (a) => a.clone().normal_(),
      (a) => torch.randnLike(a),
    ];
    for (const f of draws) {
      expect(count(f, "different")).toBe(4);
      expect(count(f, "same")).toBe(1);
    }
  });
});

describe("vmap and autograd", () => {
  it("lets gradients through to batches and to what they share", () => {
    const w = t([10, 100]);
    const y = x.clone();
    w.requiresGrad = true;
    y.requiresGrad = true;
    vmap((a: Tensor) => a.mul(w).sum().square())(y).sum().backward();
    const dots = [0, 1, 2].map((i) => values(x)[2 * i]! * 10 + values(x)[2 * i + 1]! * 100);
    expect(values(y.grad)).toEqual(dots.flatMap((d) => [2 * d * 10, 2 * d * 100]));
    expect(values(w.grad)).toEqual(
      [0, 1].map((k) => dots.reduce((s, d, i) => s + 2 * d * values(x)[2 * i + k]!, 0)),
    );
  });

  it("runs autograd.grad inside", () => {
    const f = (a: Tensor) => {
      const b = a.detach();
      b.requiresGrad = true;
      const loss = b.mul(b).sum();
      loss.backward();
      return b.grad!;
    };
    expect(values(vmap(f)(x))).toEqual([2, 4, 6, 8, 10, 12]);
  });

  it("gives the gradient of every example for shared parameters", () => {
    const w = t([0.1, 0.2]);
    const loss = (w: Tensor, a: Tensor) => a.mul(w).sum().sigmoid();
    const got = values(vmap(grad(loss), { inDims: [null, 0] })(w, x));
    const want = [0, 1, 2].flatMap((i) => values(grad(loss)(w, x.select(0, i))));
    got.forEach((g, i) => expect(g).toBeCloseTo(want[i]!, 14));
  });

  it("keeps the history of a copy that becomes a batch because batches are written into it", () => {
    const w = t([1, 2, 3]);
    const loss = (w: Tensor, v: Tensor) => torch.indexPut(w, [ints([1])], v).square().sum();
    const [gw, gv] = vmap(grad(loss, [0, 1]), { inDims: [null, 0] })(w, t([5, 7], [2, 1]));
    expect(values(gw)).toEqual([2, 0, 6, 2, 0, 6]);
    expect(values(gv)).toEqual([10, 14]);
  });

  it("frees what it makes on the way", () => {
    const before = backend.memory().liveBuffers;
    const y = vmap((a: Tensor) => torch.logsumexp(a.mul(2), 0))(x);
    // The product is the user's; what logsumexp makes on its way is freed.
    expect(backend.memory().liveBuffers - before).toBeLessThanOrEqual(3);
    expect(y.shape).toEqual([3]);
  });
});
