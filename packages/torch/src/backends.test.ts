import { afterEach, expect, test } from "vitest";
import * as torch from "../mod.ts";

const before = torch.getNumThreads();
afterEach(() => torch.setNumThreads(before));

test("setNumThreads: getNumThreads answers what was set, where memory can be shared", () => {
  torch.setNumThreads(1);
  expect(torch.getNumThreads()).toBe(1);
  torch.setNumThreads(3);
  expect([1, 3]).toContain(torch.getNumThreads());
});

test("setNumThreads: refuses what is no positive integer", () => {
  for (const count of [0, -1, 1.5, NaN]) expect(() => torch.setNumThreads(count)).toThrow("positive integer");
});

test("setNumThreads: a training step learns the same on one thread and on two", async () => {
  const losses = [];
  for (const threads of [1, 2]) {
    torch.setNumThreads(threads);
    torch.manualSeed(0);
    const net = new torch.nn.Linear(256, 256);
    const optimizer = new torch.optim.Adam(net.parameters(), { lr: 1e-2 });
    const x = torch.randn([512, 256]);
    let loss = 0;
    for (let step = 0; step < 5; step++) {
      optimizer.zeroGrad();
      const value = net(x).sub(x).square().mean();
      value.backward();
      optimizer.step();
      loss = Number(await value.item());
    }
    losses.push(loss);
  }
  expect(losses[1]).toBeCloseTo(losses[0]!, 5);
});
