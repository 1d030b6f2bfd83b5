import { createWebGpuBackend, isWebGpuAvailable } from "@flambeau/kernels-webgpu";
import { expect, test } from "vitest";
import * as torch from "../mod.ts";

const available = await isWebGpuAvailable();

test("enableWebGpu: says whether there is an adapter, and only then the device is known", async () => {
  expect(torch.registeredDevices()).not.toContain("webgpu");
  expect(await torch.enableWebGpu()).toBe(available);
  expect(torch.registeredDevices().includes("webgpu")).toBe(available);
  expect(await torch.enableWebGpu()).toBe(available);
  expect(torch.getDefaultDevice().type).not.toBe("webgpu");
});

test.skipIf(!available)("a module moves to the GPU and learns there as on the CPU", async () => {
  await torch.enableWebGpu();
  const losses: Record<string, number[]> = {};
  for (const device of ["cpu", "webgpu"]) {
    torch.manualSeed(0);
    const x = torch.randn([64, 8]);
    const net = new torch.nn.Sequential(
      new torch.nn.Linear(8, 16),
      new torch.nn.Tanh(),
      new torch.nn.Linear(16, 2),
    );
    const y = x.index(":", "0:2").mul(2);
    net.to(device);
    const optimizer = new torch.optim.Adam(net.parameters(), { lr: 1e-2 });
    const [input, target] = [x.to(device), y.to(device)];
    losses[device] = [];
    for (let step = 0; step < 20; step++) {
      optimizer.zeroGrad();
      const loss = torch.nn.functional.mseLoss(net(input), target);
      loss.backward();
      optimizer.step();
      losses[device]!.push(Number(await loss.item()));
    }
  }
  losses["webgpu"]!.forEach((loss, i) => expect(loss).toBeCloseTo(losses["cpu"]![i]!, 4));
  expect(losses["webgpu"]![19]!).toBeLessThan(losses["webgpu"]![0]! / 1.5);
});

test.skipIf(!available)(
  "64-bit tensors do not move to the GPU, and the message names the way out",
  async () => {
    await torch.enableWebGpu();
    const wide = torch.tensor([1.5], { dtype: torch.float64, device: "cpu" });
    expect(() => wide.to("webgpu")).toThrow('it has no float64; convert first, as in x.to("float32")');
  },
);

test.skipIf(!available)(
  "autotune: products are the same afterwards, and the table can be stored",
  async () => {
    await torch.enableWebGpu();
    const [x, y] = [torch.ones([40, 24]).to("webgpu"), torch.ones([24, 40]).to("webgpu")];
    const before = await x.matmul(y).data();
    const table = await torch.webgpu.autotune({ shapes: [{ m: 40, n: 40, k: 24 }], budgetMs: 60_000 });
    expect(JSON.parse(JSON.stringify(table))).toEqual(table);
    expect(table.rows).toHaveLength(1);
    expect(await x.matmul(y).data()).toEqual(before);
  },
);

test.skipIf(!available)(
  "crossEntropy: does not wait for its targets, and tells of one that is no class at the read",
  async () => {
    await torch.enableWebGpu();
    const scores = torch.randn([4, 3]).to("webgpu");
    for (const reduction of ["mean", "sum", "none"] as const) {
      const target = torch.tensor([0, 2, 3, 1], { dtype: torch.int32, device: "webgpu" });
      const loss = torch.nn.functional.crossEntropy(scores, target, { reduction });
      await expect(loss.data()).rejects.toThrow(torch.IndexError);
      const ignored = torch.nn.functional.crossEntropy(scores, target, { reduction, ignoreIndex: 3 });
      expect((await ignored.data()).every((value) => Number.isFinite(Number(value)))).toBe(true);
    }
  },
);

test.skipIf(!available)("synchronize: computes what waits", async () => {
  await torch.enableWebGpu();
  await torch.webgpu.synchronize(); // what waited before gives memory back too
  const x = torch.tensor([1], { device: "webgpu" });
  const y = x.expand(2 ** 22).add(1).mul(3);
  // Far more than what earlier tests left, which may be given back at any time.
  expect(torch.webgpu.memoryAllocated()).toBeLessThan(2 ** 24); // it has no memory yet
  await torch.webgpu.synchronize();
  expect(torch.webgpu.memoryAllocated()).toBeGreaterThanOrEqual(2 ** 24);
  expect(await y.sum().item()).toBe(6 * 2 ** 22);
});

test.skipIf(!available)(
  "a ceiling of memory is an error that names the largest tensors, and is over when they go",
  async () => {
    const small = await createWebGpuBackend({ maxBytes: 2 ** 20, maxIdleBytes: 2 ** 20 });
    const make = () => torch.tensor(new Float32Array(2 ** 17), { device: small });
    const [x] = [make(), make()];
    const thrown = (() => {
      try {
        make();
      } catch (error) {
        return error as torch.OutOfMemoryError;
      }
    })();
    expect(thrown).toBeInstanceOf(torch.OutOfMemoryError);
    expect(thrown!.bytes).toBe(2 ** 19);
    expect(thrown!.message).toContain("all buffers must have at most 1048576 bytes together, got 1572864");
    expect(thrown!.message).toContain("2 × float32[131072] (1.0 MiB)");
    x!.dispose();
    expect(make().numel()).toBe(2 ** 17);
    small.destroy();
  },
);
