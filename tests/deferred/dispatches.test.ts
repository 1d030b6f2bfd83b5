import * as torch from "@flambeau/torch";
import type { Tensor } from "@flambeau/torch";
import { liveAllocations } from "@flambeau/tensor/internal";
import { describe, expect, test } from "vitest";
import { collectGarbage, LeakCheck } from "../../packages/testing/src/leaks.ts";
import { type Counted, gpus, reference } from "./fusing.ts";

// How many kernels run for what users write.

const gpu = await gpus();
const devices: [name: string, counted: Counted][] = [["fusing", reference("fusing", true)]];
if (gpu !== null) devices.push(["fusing-gpu", gpu.fusing]);

const { functional } = torch.nn;

describe.each(devices)("dispatches on %s", (device, { dispatches, backend }) => {
  const make = (...shape: number[]): Tensor => {
    const x = torch.linspace(-2, 2, shape.reduce((a, b) => a * b, 1), { device }).reshape(shape);
    void x.buffer;
    return x;
  };
  /** Kernels that `body` and reading what it gives run. */
  const count = async (body: () => Tensor): Promise<number> => {
    const before = dispatches();
    await body().data();
    return dispatches() - before;
  };
  /** Kernels that `body` runs at once. */
  const atOnce = (body: () => unknown): number => {
    const before = dispatches();
    body();
    return dispatches() - before;
  };

  test("ten pointwise steps are one", async () => {
    const x = make(100);
    const chain = (): Tensor => x.mul(2).add(1).exp().neg().relu().add(x).sub(3).abs().sqrt().tanh();
    expect(atOnce(chain)).toBe(0);
    expect(await count(chain)).toBe(1);
  });

  test("a chain and its sum, mean or largest value are one", async () => {
    const x = make(10, 10);
    expect(await count(() => x.mul(2).add(1).exp().sum())).toBe(1);
    expect(await count(() => x.mul(2).tanh().mean())).toBe(1);
    expect(await count(() => x.sub(1).abs().amax(1))).toBe(1);
    expect(await count(() => x.square().mean(0).add(1e-5).rsqrt().mul(x.numel()))).toBe(1);
  });

  test("a reduction that is repeated over the rows is made first", async () => {
    const x = make(10, 10);
    expect(await count(() => x.sub(x.mean(1, true)).mul(2))).toBe(2);
  });

  test("compositions: gelu by hand, losses", async () => {
    const x = make(100);
    const gelu = (): Tensor => x.mul(0.5).mul(x.div(Math.SQRT2).erf().add(1));
    expect(await count(gelu)).toBe(1);
    const y = make(100);
    expect(await count(() => functional.mseLoss(x, y))).toBe(1);
    expect(await count(() => functional.smoothL1Loss(x, y))).toBe(1);
    expect(await count(() => functional.binaryCrossEntropyWithLogits(x, y.sigmoid()))).toBeLessThanOrEqual(2);
  });

  test("cross entropy: rows and their sum, and one kernel for the gradient", async () => {
    if (!device.endsWith("gpu")) return;
    const target = torch.arange(12, { dtype: "int32", device }).remainder(5);
    const weight = make(5).abs();
    void [target.buffer, weight.buffer];
    for (const shape of [[12, 5], [3, 5, 2, 2]]) {
      const x = make(...shape).requiresGrad_(true);
      const y = target.reshape([shape[0]!, ...shape.slice(2)]);
      for (const options of [{}, { weight }, { labelSmoothing: 0.1 }, { reduction: "none" as const }]) {
        const loss = functional.crossEntropy(x, y, options);
        const g = torch.ones(loss.shape, { device });
        void g.buffer;
        expect(await count(() => functional.crossEntropy(x, y, options))).toBe(
          "reduction" in options ? 1 : 2,
        );
        x.grad = null;
        expect(atOnce(() => loss.backward(g))).toBe(1);
      }
    }
  });

  test("rows, columns and scalars broadcast in the kernel", async () => {
    const x = make(8, 6);
    const row = make(6);
    const column = make(8, 1);
    expect(await count(() => x.add(row).mul(column).sub(row.mul(2)).gt(0))).toBe(1);
  });

  test("views of what waits are computed where they look", async () => {
    const x = make(6, 8);
    expect(await count(() => x.mul(2).t().add(1).narrow(0, 2, 3).reshape([3, 2, 3]).neg())).toBe(1);
    expect(await count(() => x.add(1).unsqueeze(0).expand([3, 6, 8]).mul(2))).toBe(1);
  });

  test("shared parts are computed once, and written when somebody else needs them", async () => {
    const x = make(50);
    expect(
      await count(() => {
        const t = x.exp().add(1);
        return t.mul(t).add(t);
      }),
    ).toBe(1);
    const t = x.exp().mul(2);
    const [a, b] = [t.add(1), t.sub(1)];
    expect(await count(() => a)).toBe(1); // writes t beside
    expect(await count(() => t)).toBe(0);
    expect(await count(() => b)).toBe(1);
  });

  test("steps in place take what waits on the right", () => {
    const [x, y] = [make(40), make(40)];
    expect(atOnce(() => x.add_(y.mul(2)))).toBe(1);
    expect(atOnce(() => x.copy_(y.exp().add(1)))).toBe(1);
    expect(atOnce(() => x.narrow(0, 0, 10).mul_(y.narrow(0, 0, 10).neg()))).toBe(1);
  });

  test("a tensor that waits takes steps in place without running", async () => {
    const x = make(40);
    const y = x.mul(2);
    const z = y.add(1);
    expect(atOnce(() => y.add_(3).relu_())).toBe(0);
    expect(await count(() => y)).toBe(1);
    const want = (await x.data() as Float32Array).map((v) => v * 2 + 1);
    expect(Array.from(await z.data() as Float32Array)).toEqual(Array.from(want));
  });

  test("what waits keeps the values that it was made of", async () => {
    const x = torch.arange(30, { dtype: "float32", device });
    const before = Array.from(await x.data() as Float32Array);
    const y = x.mul(2);
    const z = y.add(1);
    x.zero_();
    expect(Array.from(await z.data() as Float32Array)).toEqual(before.map((v) => v * 2 + 1));
    const u = z.mul(3);
    z.dispose();
    expect(Array.from(await u.data() as Float32Array)).toEqual(before.map((v) => (v * 2 + 1) * 3));
  });

  test("sizes and numbers change nothing in the text", async () => {
    if (!("counters" in backend)) return;
    const pipelines = (): number =>
      (backend as unknown as { counters: { pipelines: number } }).counters.pipelines;
    const run = async (n: number, factor: number): Promise<void> => {
      const x = make(n);
      await count(() => x.mul(factor).add(1 - factor).sinh());
    };
    await run(10, 0.1);
    const before = pipelines();
    for (let i = 0; i < 5; i++) await run(11 + i, 0.2 * i);
    expect(pipelines()).toBe(before);
  });

  test("numbers stay numbers after they got memory, until they are written", async () => {
    const x = make(12);
    const half = torch.full([12], 0.5, { device });
    void half.buffer;
    for (let i = 0; i < 20; i++) void torch.full([], i, { device }).buffer;
    const sum = (): Tensor => Array.from({ length: 10 }, (_, i) => i).reduce((y, i) => y.mul(half).add(i), x);
    expect(await count(sum)).toBe(1);
    half.add_(1);
    expect(await count(() => x.mul(half).sub(x).sub(x.mul(0.5)).abs().amax())).toBe(1);
    expect(await x.mul(half).sub(x.mul(1.5)).abs().amax().item()).toBe(0);
    half.zero_();
    expect(await x.mul(half).abs().amax().item()).toBe(0);
    const y = half.add(2);
    half.copy_(x);
    expect(Array.from(await y.data() as Float32Array)).toEqual(new Array(12).fill(2));
    expect(await half.sub(x).abs().amax().item()).toBe(0);
  });

  test("a loop without reads runs now and then, and keeps nothing", () => {
    const x = make(64);
    let e = torch.zeros([64], { device });
    const before = backend.memory().liveBuffers;
    let most = 0;
    const ran = atOnce(() => {
      for (let i = 0; i < 10_000; i++) {
        const next = torch.scope(() => e.mul(0.9).add(x));
        e.dispose();
        e = next;
        most = Math.max(most, backend.memory().liveBuffers - before);
      }
    });
    expect(ran).toBeGreaterThan(200);
    expect(ran).toBeLessThan(2000);
    expect(most).toBeLessThan(10);
    e.dispose();
  });

  test("a long chain is cut, many operands are split, the numbers stay", async () => {
    const x = make(20);
    const want = await x.data() as Float32Array;
    let y = x;
    for (let i = 0; i < 200; i++) y = y.add(1);
    expect(await count(() => y)).toBeLessThan(12);
    const list = Array.from({ length: 40 }, (_, i) => x.add(i).clone());
    list.forEach((item) => void item.buffer);
    const all = list.reduce((sum, item) => sum.add(item));
    expect(await count(() => all)).toBeLessThan(10);
    expect((await all.data())[0]).toBeCloseTo(Number(want[0]) * 40 + 780, 2);
  });

  test("memory: what nobody holds is given back at once", () => {
    const live = (): number => backend.memory().liveBuffers;
    const x = make(1000);
    const before = live();
    const y = torch.scope(() => {
      const a = x.mul(2);
      const b = a.exp();
      return b.add(a);
    });
    expect(live()).toBe(before);
    void y.buffer;
    expect(live()).toBe(before + 1);
    y.dispose();
    expect(live()).toBe(before);
    const z = x.mul(5);
    z.dispose();
    expect(live()).toBe(before);
    expect(() => z.add(1)).toThrow("its memory was given back");
  });

  test("errors of shape and dtype come at the call, and so do those of integers divided by zero", async () => {
    const x = make(3);
    expect(() => x.mul(2).add(make(4))).toThrow("Cannot add float32[3] and float32[4]");
    expect(() => x.add(1).bitwiseNot()).toThrow("bitwiseNot");
    const zero = torch.zeros([3], { dtype: "int32", device });
    await expect((async () => {
      const y = torch.ones([3], { dtype: "int32", device }).floorDivide(zero).add(1);
      await y.data();
      await y.data();
    })()).rejects.toThrow("by zero");
  });

  test("gradients: a composition and its backward pass", async () => {
    const x = make(64).requiresGrad_(true);
    const f = (v: Tensor): Tensor => v.mul(v.mul(1.5).add(0.5).tanh()).sigmoid();
    const want = torch.linspace(-2, 2, 64, { device: "cpu" }).requiresGrad_(true);
    f(want).sum().backward();
    const ran = atOnce(() => f(x).sum().backward());
    expect(ran).toBeLessThanOrEqual(4);
    const got = await x.grad!.data() as Float32Array;
    (await want.grad!.data() as Float32Array).forEach((g, i) => expect(got[i]).toBeCloseTo(g, 5));
  });

  test("a step of training by hand: forward, backward and update", async () => {
    const [w, c] = [make(16).mul(0.3), make(16).add(0.1)].map((p) => p.detach().requiresGrad_(true));
    const z = make(64, 16);
    const sgd = new torch.optim.SGD([w!, c!], { lr: 0.1 });
    const step = async (): Promise<number> => {
      sgd.zeroGrad();
      const h = z.mul(w!).add(c!);
      const y = h.mul(h.mul(0.8).add(h.pow(3).mul(0.04)).tanh().add(1)).mul(0.5);
      const loss = y.sub(z).square().mean();
      loss.backward();
      sgd.step();
      return Number(await loss.item());
    };
    const losses = [await step(), await step(), await step()];
    const before = dispatches();
    losses.push(await step());
    expect(dispatches() - before).toBeLessThanOrEqual(12); // one by one: 40
    expect(losses[3]!).toBeLessThan(losses[0]!);
  });

  test("leaks: a value that waits counts with all that it keeps", async () => {
    const check = new LeakCheck(liveAllocations);
    let held: Tensor | null = torch.scope(() => make(100).mul(2));
    expect(check.report()).toMatchObject({ bytes: 800, count: 2 });
    void held.buffer;
    expect(check.report()).toMatchObject({ bytes: 400, count: 1 });
    held.dispose();
    expect(check.report()).toMatchObject({ bytes: 0, count: 0 });
    held = torch.scope(() => make(20_000).mul(2));
    expect(held.numel()).toBe(20_000);
    held = null;
    if (await collectGarbage()) expect(check.report().bytes).toBeLessThan(1000);
  });

  test("noGrad, rank 0, narrow dtypes, nothing at all", async () => {
    const x = make(16);
    expect(await count(() => torch.noGrad(() => x.mul(2).add(1)))).toBe(1);
    expect(await count(() => torch.tensor(2, { device }).mul(3).add(1))).toBeLessThanOrEqual(2);
    expect(await count(() => x.to("float16").mul(3).add(1).to("int8").mul(2))).toBe(1);
    expect(await count(() => x.narrow(0, 0, 0).mul(2).add(1))).toBe(0);
  });
});
