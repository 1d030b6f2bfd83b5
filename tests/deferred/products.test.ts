import * as torch from "@flambeau/torch";
import type { Tensor } from "@flambeau/torch";
import { liveAllocations } from "@flambeau/tensor/internal";
import { describe, expect, test } from "vitest";
import { LeakCheck } from "../../packages/testing/src/leaks.ts";
import { gpus, reference } from "./fusing.ts";

// Products of matrices and convolutions wait for the steps that follow them.

const { functional } = torch.nn;
const gpu = await gpus();

function make(device: string, ...shape: number[]): Tensor {
  const n = shape.reduce((a, b) => a * b, 1);
  const x = torch.linspace(-1, 1.5, n, { device }).mul(7).sin().reshape(shape);
  void x.buffer;
  return x;
}

describe.skipIf(gpu === null)("GPU: products with the steps that follow", () => {
  const both = (body: (device: string) => Tensor): Promise<(Float32Array)[]> =>
    Promise.all(
      ["fusing-gpu", "plain-gpu"].map(async (device) =>
        await torch.scope(() => body(device)).data() as Float32Array
      ),
    );
  const cases: Record<string, (device: string) => Tensor> = {
    "linear and relu": (d) => functional.linear(make(d, 40, 20), make(d, 30, 20), make(d, 30)).relu(),
    "linear, gelu and a residual": (d) =>
      functional.gelu(functional.linear(make(d, 40, 20), make(d, 20, 20), make(d, 20))).add(make(d, 40, 20)),
    "linear of few rows": (d) =>
      functional.linear(make(d, 3, 200), make(d, 33, 200), make(d, 33)).sigmoid().mul(2),
    "linear of a vector": (d) => functional.linear(make(d, 200), make(d, 33, 200), make(d, 33)).tanh(),
    "matmul of many rows and few columns": (d) =>
      make(d, 50, 30).matmul(make(d, 30, 5)).mul(2).add(make(d, 5)),
    "matmul in batches": (d) => make(d, 3, 20, 30).matmul(make(d, 3, 30, 18)).mul(0.5).add(make(d, 20, 1)),
    "matmul, long depth": (d) => make(d, 20, 3000).matmul(make(d, 3000, 24)).relu().add(1),
    "matmul, long depth, few rows": (d) => make(d, 4, 6000).matmul(make(d, 6000, 24)).relu().add(1),
    "matmul, seen otherwise": (d) =>
      make(d, 20, 30).matmul(make(d, 30, 24)).add(1).reshape(6, 80).mul(make(d, 80)),
    "halves": (d) =>
      make(d, 20, 30).to("float16").matmul(make(d, 30, 24).to("float16")).mul(1.7).exp().to("float32"),
    "halves, odd": (d) =>
      make(d, 21, 30).to("bfloat16").matmul(make(d, 30, 23).to("bfloat16")).mul(1.7).exp().to("float32"),
    "truths": (d) => make(d, 20, 30).matmul(make(d, 30, 24)).gt(0.1).to("float32"),
    "convolution, bias, relu": (d) =>
      functional.conv2d(make(d, 2, 3, 9, 8), make(d, 20, 3, 3, 3), make(d, 20), { padding: 1 }).relu(),
    "1 × 1 convolution, bias, relu": (d) =>
      functional.conv2d(make(d, 2, 24, 9, 8), make(d, 20, 24, 1, 1), make(d, 20)).relu(),
    "convolution of groups": (d) =>
      functional.conv2d(make(d, 2, 4, 9, 7), make(d, 8, 2, 3, 3), make(d, 8), { groups: 2, stride: 2 })
        .relu(),
    "depthwise convolution, bias, relu": (d) =>
      functional.conv2d(make(d, 2, 6, 9, 8), make(d, 12, 1, 3, 3), make(d, 12), { padding: 1, groups: 6 })
        .relu(),
    "depthwise in one dimension": (d) =>
      functional.conv1d(make(d, 2, 6, 50), make(d, 6, 1, 4), make(d, 6), { padding: 3, groups: 6 }).sigmoid(),
  };
  for (const [name, body] of Object.entries(cases)) {
    test(`${name}: the same numbers`, async () => {
      const [got, want] = await both(body);
      expect(got).toEqual(want);
    });
  }
});

const devices = [reference("fusing", true), ...(gpu === null ? [] : [gpu.fusing])];

describe.each(devices.map((counted) => [counted.backend.name, counted] as const))(
  "products on %s",
  (device, { backend, dispatches }) => {
    const isGpu = device === "fusing-gpu";
    const tensor = (...shape: number[]): Tensor => make(device, ...shape);
    /** Kernels that `body` and reading what it gives run. */
    const count = async (body: () => Tensor): Promise<number> => {
      const before = dispatches();
      await torch.scope(body).data();
      return dispatches() - before;
    };
    const atOnce = (body: () => unknown): number => {
      const before = dispatches();
      body();
      return dispatches() - before;
    };
    const live = (): number => backend.memory().liveBuffers;

    test("what follows is in their kernel", async () => {
      const [x, w, b, row] = [tensor(40, 20), tensor(20, 30), tensor(30), tensor(20)];
      expect(atOnce(() => torch.scope(() => void x.matmul(w).add(b).relu()))).toBe(0);
      expect(await count(() => x.matmul(w).add(b).relu())).toBe(1);
      expect(await count(() => x.matmul(w).mul(0.5).tanh().reshape([60, 20]).add(row))).toBe(1);
      expect(await count(() => b.addmm(x, w, { beta: 2 }).sigmoid())).toBe(1);
      expect(await count(() => x.reshape([2, 20, 20]).bmm(x.reshape([2, 20, 20])).relu())).toBe(1);
      expect(await count(() => x.matmul(w))).toBe(1);
      expect(await count(() => x.matmul(w).matmul(b))).toBe(2);
      expect(await count(() => x.matmul(w).relu().sum())).toBe(2);
      expect(await count(() => x.matmul(w).add(x.matmul(w).relu()))).toBe(2);
      expect(await count(() => x.matmul(w).t().add(1))).toBe(2);
      if (!isGpu) return;
      const [i, k, c] = [tensor(2, 3, 9, 8), tensor(20, 3, 3, 3), tensor(20)];
      expect(await count(() => functional.linear(x, w.t().contiguous(), b).relu())).toBe(2);
      expect(await count(() => functional.linear(x.narrow(0, 0, 3), w.t(), b).relu())).toBe(1);
      expect(await count(() => functional.gelu(functional.linear(x, w.t(), b)).mul(2).add(b))).toBe(1);
      expect(await count(() => functional.conv2d(i, k, c, { padding: 1 }).relu())).toBe(1);
    });

    test("errors of shape and dtype come at the call", () => {
      expect(() => tensor(4, 5).matmul(tensor(4, 5))).toThrow(
        "Cannot matmul float32[4, 5] and float32[4, 5]",
      );
      expect(() => functional.linear(tensor(4, 5), tensor(3, 4))).toThrow("Cannot linear");
    });

    test("a product that somebody may ask for is written beside", async () => {
      const [x, w] = [tensor(12, 8), tensor(8, 9)];
      const h = x.matmul(w);
      const y = h.relu();
      expect(await count(() => y)).toBe(1);
      w.zero_();
      expect(await count(() => h)).toBe(0);
      expect(Array.from(await h.relu().data() as Float32Array)).toEqual(
        Array.from(await y.data() as Float32Array),
      );
      // One that nobody can have is not, and what is between is.
      const z = torch.scope(() => h.t().matmul(x).add(1));
      const before = live();
      const u = z.mul(2);
      void u.buffer;
      expect(live()).toBe(before + 2);
      h.zero_();
      expect(await count(() => z)).toBe(0);
    });

    test("operands keep the values that they had", async () => {
      const [x, w] = [tensor(6, 5), tensor(5, 4)];
      const want = await x.clone().matmul(w.clone()).add(1).data();
      const y = x.matmul(w).add(1);
      x.zero_();
      expect(await y.data()).toEqual(want);
      const x2 = tensor(6, 5);
      const z = x2.matmul(w).add(1);
      w.narrow(0, 0, 1).fill_(7);
      expect(await z.data()).toEqual(want);
      const [x3, w3] = [tensor(6, 5), tensor(5, 4)];
      const u = x3.matmul(w3).add(1);
      x3.dispose();
      w3.dispose();
      expect(await u.data()).toEqual(want);
    });

    test("steps in place on a product, and with one", async () => {
      const [x, w, b] = [tensor(6, 6), tensor(6, 6), tensor(6, 6)];
      const want = await x.matmul(w).relu().mul(2).data();
      const y = x.matmul(w);
      expect(atOnce(() => y.relu_().mul_(2))).toBe(0);
      expect(await count(() => y)).toBe(1);
      expect(await y.data()).toEqual(want);
      const sum = await b.sub(x.matmul(w)).data();
      const target = b.clone();
      void target.buffer;
      expect(atOnce(() => torch.scope(() => void target.sub_(x.matmul(w))))).toBe(1);
      expect(await target.data()).toEqual(sum);
      const square = await x.add(x.matmul(x)).data();
      expect(atOnce(() => torch.scope(() => void x.add_(x.matmul(x))))).toBe(2);
      expect(await x.data()).toEqual(square);
    });

    test("few wait at a time, and what is dropped never runs", () => {
      const [x, w] = [tensor(6, 6), tensor(6, 6)];
      const before = live();
      const list: Tensor[] = [];
      expect(atOnce(() => {
        for (let i = 0; i < 10; i++) list.push(torch.scope(() => x.matmul(w).add(i)));
      })).toBe(8);
      for (const y of list) y.dispose();
      expect(live()).toBe(before);
      expect(atOnce(() => {
        for (let i = 0; i < 10; i++) torch.scope(() => void x.matmul(w).add(i));
      })).toBe(0);
      expect(live()).toBe(before);
    });

    test("gradients through layers, and their updates", async () => {
      const { Linear, ReLU, GELU, Sequential } = torch.nn;
      for (const [Activation, most] of [[ReLU, 11], [GELU, 11]] as const) {
        torch.manualSeed(3);
        const model = new Sequential(new Linear(12, 16), new Activation(), new Linear(16, 5)).to(device);
        const plain = new Sequential(new Linear(12, 16), new Activation(), new Linear(16, 5));
        plain.loadStateDict(model.to("cpu").stateDict());
        model.to(device);
        const target = torch.tensor([0, 1, 2, 3, 4, 0, 1, 2], { dtype: "int32" });
        const step = async (net: typeof model, on: string): Promise<number> => {
          const sgd = new torch.optim.SGD(net.parameters(), { lr: 0.1 });
          sgd.zeroGrad();
          const loss = functional.crossEntropy(net.forward(make(on, 8, 12)), target.to(on));
          loss.backward();
          sgd.step();
          return Number(await loss.item());
        };
        for (let i = 0; i < 3; i++) {
          expect(await step(model, device)).toBeCloseTo(await step(plain, "cpu"), 5);
        }
        if (!isGpu) continue;
        const sgd = new torch.optim.SGD(model.parameters(), { lr: 0.1 });
        const [x, t] = [tensor(8, 12), target.to(device)];
        void t.buffer;
        const ran = await count(() => {
          sgd.zeroGrad();
          const loss = functional.crossEntropy(model.forward(x), t);
          loss.backward();
          sgd.step();
          return loss.detach();
        });
        expect(ran).toBeLessThanOrEqual(most);
      }
    });

    test("leaks: nothing is kept by what waited", () => {
      const check = new LeakCheck(liveAllocations);
      torch.scope(() => {
        const [x, w] = [tensor(30, 20).requiresGrad_(true), tensor(20, 10).requiresGrad_(true)];
        for (let i = 0; i < 3; i++) x.matmul(w).relu().matmul(tensor(10, 10)).tanh().sum().backward();
        for (const { grad } of [x, w]) grad!.dispose();
        x.matmul(w).add(1);
      });
      expect(check.report()).toMatchObject({ bytes: 0, count: 0 });
    });
  },
);
