import { isWebGpuAvailable, type WebGpuBackend } from "@flambeau/kernels-webgpu";
import { afterEach, describe, expect, test, vi } from "vitest";
import * as torch from "../mod.ts";

const { nn, optim } = torch;
const available = await isWebGpuAvailable();
if (available) await torch.enableWebGpu();
const backend = available ? torch.backendOf("webgpu") as WebGpuBackend : null as unknown as WebGpuBackend;
const reason = available ? "" : " (skipped: this runtime has no WebGPU adapter)";

/** How long a machine with other work may take to tell of a loss and to make a device. */
const PATIENCE = { timeout: 20_000 };

/** As if the driver was restarted: the library hears of it when the event loop turns. */
const lose = () => backend.gpu.destroy();
const lossKnown = () => vi.waitFor(() => expect(torch.webgpu.isLost()).toBe(true), PATIENCE);

afterEach(async () => {
  if (available) await torch.webgpu.recover();
});

class Net extends nn.Module {
  first = new nn.Linear(4, 16);
  norm = new nn.BatchNorm1d(16);
  drop = new nn.Dropout(0.25);
  second = new nn.Linear(16, 1);
  override forward(x: torch.Tensor): torch.Tensor {
    return this.second(this.drop(this.norm(this.first(x)).tanh()));
  }
}

/** A training run of `steps` steps, with a look at the device before each. */
async function train(
  steps: number,
  shadowed: boolean,
  before: (step: number, time: number) => unknown = () => {},
): Promise<{ losses: number[]; caught: string[] }> {
  torch.manualSeed(3);
  const net = new Net().to("webgpu");
  const optimizer = new optim.Adam(net.parameters(), { lr: 0.05 });
  const schedule = new optim.lrScheduler.StepLR(optimizer, 4, { gamma: 0.5 });
  const data = Array.from({ length: steps }, () => torch.randn([8, 4], { device: "cpu" }));
  const shadow = shadowed
    ? await torch.webgpu.shadow(net, optimizer, schedule, torch.defaultGenerator)
    : null;
  await shadow?.sync(0);
  const losses: number[] = [];
  const caught: string[] = [];
  const times = new Array(steps).fill(0);
  for (let step = 0; step < steps; step++) {
    try {
      await before(step, times[step]++);
      const x = data[step]!.to("webgpu");
      const loss = net(x).sub(x.sum(1, { keepdim: true })).square().mean();
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      schedule.step();
      losses[step] = await loss.item();
      if (step % 3 === 2) await shadow?.sync(step + 1);
    } catch (error) {
      if (!(error instanceof torch.DeviceLostError)) throw error;
      caught.push(error.message);
      expect(caught.length).toBeLessThan(10);
      await torch.webgpu.recover();
      step = shadow!.mark! - 1;
    }
  }
  shadow?.dispose();
  return { losses, caught };
}

describe.skipIf(!available)(`shadow${reason}`, () => {
  test("training goes on from the last sync as if nothing had happened", async () => {
    const want = await train(12, false);
    // Before the first sync, just after one, in between; the second time the step is clean.
    const got = await train(12, true, (step, time) => {
      if ([1, 3, 8].includes(step) && time === 0) lose();
    });
    expect(got.caught).toHaveLength(3);
    expect(got.losses).toEqual(want.losses);
    expect(want.losses[11]).toBeLessThan(want.losses[0]!);
  }, 120_000); // each new device compiles its shaders anew

  test(
    "so it does when the loss is known before the step begins, and when it is recovered by then",
    async () => {
      const want = await train(6, false);
      const known = await train(6, true, async (step, time) => {
        if (step !== 4 || time > 0) return;
        lose();
        await new Promise((resolve) => setTimeout(resolve, 2));
      });
      const back = await train(6, true, async (step, time) => {
        if (step !== 4 || time > 0) return;
        lose();
        await lossKnownOrBack();
        await vi.waitFor(() => expect(torch.webgpu.isLost()).toBe(false), PATIENCE);
      });
      for (const { caught, losses } of [known, back]) {
        expect(caught).toHaveLength(1);
        expect(losses).toEqual(want.losses);
      }
    },
    120_000,
  );

  test("what was done before anybody knew of the loss is undone", async () => {
    const x = torch.tensor([1, 2], { device: "webgpu" });
    const shadow = await torch.webgpu.shadow(x);
    lose();
    await lossKnownOrBack();
    await vi.waitFor(() => expect(torch.webgpu.isLost()).toBe(false), PATIENCE);
    const steps = async (): Promise<unknown> => {
      x.add_(1); // may wait to be computed
      return await x.toArray();
    };
    await expect(steps()).rejects.toThrow("with what was kept on the host");
    expect(await x.toArray()).toEqual([1, 2]);
    shadow.dispose();
  });

  test("a loss while a sync is on its way leaves the copy before", async () => {
    const x = torch.ones([2], { device: "webgpu" });
    const shadow = await torch.webgpu.shadow<string>(x);
    await shadow.sync("one");
    x.add_(1);
    lose();
    await vi.waitFor(() => expect(shadow.sync("two")).rejects.toThrow(torch.DeviceLostError), PATIENCE);
    await torch.webgpu.recover();
    expect(shadow.mark).toBe("one");
    expect(await x.toArray()).toEqual([1, 1]);
    x.mul_(5);
    const before = shadow.sync("three");
    x.mul_(2); // not in the copy
    await before;
    lose();
    await lossKnownOrBack();
    await torch.webgpu.recover();
    expect(await x.toArray()).toEqual([5, 5]);
    shadow.dispose();
  });

  test("what is not shadowed is gone, and says so; constants of the library are made anew", async () => {
    const kept = torch.tensor([1, 2, 3], { device: "webgpu", dtype: torch.int32 });
    const view = kept.index("1:");
    const half = torch.tensor([1.5], { device: "webgpu", dtype: torch.float16 });
    const gone = kept.add(1);
    const host = torch.ones([2], { device: "cpu" });
    const shadow = await torch.webgpu.shadow([kept, host], half);
    host.add_(1);
    const { liveBuffers } = torch.webgpu.memoryStats();
    backend.destroy();
    expect(torch.webgpu.isLost()).toBe(true);
    expect(() => gone.add(1)).toThrow(torch.DeviceLostError);
    await expect(kept.add(1).toArray()).rejects.toThrow("await recover() to get a new one");
    expect(() => torch.tensor([1], { device: "webgpu" })).toThrow(torch.DeviceLostError);
    await torch.webgpu.recover();
    expect(torch.webgpu.isLost()).toBe(false);
    expect(await view.add(1).toArray()).toEqual([3, 4]);
    expect(await half.toArray()).toEqual([1.5]);
    expect(await host.toArray()).toEqual([1, 1]);
    const thrown = await gone.toArray().catch((error) => error);
    expect(thrown).toBeInstanceOf(torch.DeviceLostError);
    expect(thrown.message).toBe(
      "Cannot use int32[3]: it was on webgpu when the device was lost, and no copy of it was kept on the host; make it anew",
    );
    expect(() => gone.index("0:1")).toThrow(torch.DeviceLostError);
    expect(torch.webgpu.memoryStats().liveBuffers).toBeLessThanOrEqual(liveBuffers);
    shadow.dispose();
  });

  test("without a shadow a loss stays until recover() is called", async () => {
    const x = torch.ones([2], { device: "webgpu" });
    lose();
    await lossKnown();
    expect(() => torch.tensor([1], { device: "webgpu" })).toThrow("await recover() to get a new one");
    await expect(torch.webgpu.synchronize()).rejects.toThrow(torch.DeviceLostError);
    expect(torch.backends.describe().backends[0]!.reason).toContain("await torch.webgpu.recover()");
    await torch.webgpu.recover();
    expect(() => x.add(1)).toThrow("Cannot use float32[2]: it was on webgpu");
    expect(await torch.ones([2], { device: "webgpu" }).add(1).toArray()).toEqual([2, 2]);
  });

  test("unchanged tensors are not copied again", async () => {
    const xs = [torch.ones([1000], { device: "webgpu" }), torch.ones([1000], { device: "webgpu" })];
    const shadow = await torch.webgpu.shadow(xs);
    const read = vi.spyOn(backend, "readAll");
    await shadow.sync();
    expect(read).not.toHaveBeenCalled();
    xs[1]!.add_(1);
    await shadow.sync();
    expect(read.mock.calls.map(([parts]) => parts.length)).toEqual([1]);
    read.mockRestore();
    shadow.dispose();
  });

  test("refuses what has no state", async () => {
    await expect(torch.webgpu.shadow(3 as never)).rejects.toThrow(torch.ArgumentTypeError);
    await expect(torch.webgpu.shadow({ stateDict: () => ({}) } as never)).rejects.toThrow(
      "Cannot shadow object",
    );
  });

  test("memory: what tensors take, and what is kept", () => {
    torch.webgpu.emptyCache();
    const before = torch.webgpu.memoryAllocated();
    torch.webgpu.resetPeakMemoryStats();
    const x = torch.tensor(new Float32Array(1 << 18), { device: "webgpu" });
    expect(torch.webgpu.memoryAllocated() - before).toBe(2 ** 20);
    x.dispose();
    expect(torch.webgpu.memoryAllocated()).toBe(before);
    expect(torch.webgpu.maxMemoryAllocated()).toBe(before + 2 ** 20);
    const reserved = torch.webgpu.memoryReserved();
    torch.webgpu.emptyCache();
    expect(reserved - torch.webgpu.memoryReserved()).toBe(2 ** 20);
  });
});

/** Until a loss is known, or the device is back already. */
async function lossKnownOrBack(): Promise<void> {
  const { gpu } = backend;
  await vi.waitFor(() => expect(backend.lost !== null || backend.gpu !== gpu).toBe(true), PATIENCE);
}

test.skipIf(available)("without an adapter everything says that there is none", async () => {
  await torch.enableWebGpu();
  await expect(torch.webgpu.synchronize()).rejects.toThrow("Cannot synchronize webgpu");
  await expect(torch.webgpu.recover()).rejects.toThrow(torch.DeviceError);
  expect(() => torch.webgpu.memoryStats()).toThrow(torch.DeviceError);
});
