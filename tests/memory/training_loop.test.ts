/**
 * Training as users write it, without dispose and without scopes: memory stays bounded by the needs of a step and a
 * constant, whatever the number of steps.
 *
 * @module
 */

import type { Backend } from "@flambeau/core";
import * as torch from "@flambeau/torch";
import { PRESSURE_BYTES } from "../../packages/tensor/src/memory.ts";
import { afterEach, describe, expect, test } from "vitest";
import { collectGarbage } from "../../packages/testing/src/leaks.ts";

const { nn, optim } = torch;
const MIB = 2 ** 20;
const first = torch.getDefaultDevice();
const gpu = await torch.enableWebGpu();
afterEach(() => torch.setDefaultDevice(first));

/** What a loop took. */
interface Footprint {
  /** Most bytes that lived at a time during one step alone, from a clean start. */
  readonly step: number;
  /** Most bytes that lived at a time during the loop. */
  readonly peak: number;
  /** Bytes that live after the loop and a collection, beside those that lived before the loop. */
  readonly left: number;
  /** Bytes that were taken in all. */
  readonly total: number;
  /** The loss of the first and of the last step. */
  readonly losses: readonly [first: number, last: number];
}

/** Trains a small network to tell where points lie, one awaited read a step. */
async function train(device: string, batch: number, hidden: number, steps: number): Promise<Footprint> {
  torch.setDefaultDevice(device);
  torch.manualSeed(0);
  const { backend } = torch.zeros([1]);
  const net = new nn.Sequential(
    new nn.Linear(2, hidden),
    new nn.ReLU(),
    new nn.Linear(hidden, 3),
  );
  const optimizer = new optim.AdamW(net.parameters(), { lr: 3e-3 });
  const x = torch.randn([batch, 2]);
  const y = x.index(":", 0).gt(0).to("int32").add(x.index(":", 1).gt(0).to("int32")); // how many are positive

  const step = async (): Promise<number> => {
    const scaled = x.mul(1.5).sub(0.5);
    const loss = nn.functional.crossEntropy(net(scaled), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return await loss.item() as number;
  };

  const start = await step(); // makes the state of the optimizer
  await collectGarbage();
  backend.resetPeak();
  const base = backend.memory().liveBytes;
  await step();
  const need = backend.memory().peakBytes - base;

  await collectGarbage();
  const counted = countAllocated(backend);
  backend.resetPeak();
  let last = NaN;
  for (let i = 0; i < steps; i++) last = await step();
  const total = counted.stop();
  const peak = backend.memory().peakBytes - base;
  await collectGarbage();
  return {
    step: need,
    peak,
    left: backend.memory().liveBytes - base,
    total,
    losses: [start, last],
  };
}

/** Counts the bytes that a device is asked for. */
function countAllocated(backend: Backend): { stop: () => number } {
  let total = 0;
  const { allocate } = backend;
  backend.allocate = (bytes) => {
    total += bytes;
    return allocate.call(backend, bytes);
  };
  return {
    stop: () => {
      backend.allocate = allocate;
      return total;
    },
  };
}

describe.each(["cpu", "reference"])("on %s", (device) => {
  test("2,000 small steps: bounded, and it learns", async () => {
    const { step, peak, left, total, losses } = await train(device, 32, 16, 2000);
    expect(total).toBeGreaterThan(1000 * step);
    expect(peak).toBeLessThan(2 * step + PRESSURE_BYTES);
    expect(left).toBeLessThan(step); // the loop is far below the pressure: what it dropped must go all the same
    expect(losses[1]).toBeLessThan(losses[0] / 3);
  }, 120_000);

  test("steps that take several GiB in all: bounded", async () => {
    const [batch, steps] = device === "cpu" ? [32768, 160] : [16384, 120];
    const { step, peak, left, total } = await train(device, batch, 32, steps);
    expect(total).toBeGreaterThan(4 * (2 * step + PRESSURE_BYTES)); // so that a loop that freed nothing would fail
    expect(total / MIB).toBeGreaterThan(2048);
    expect(peak).toBeLessThan(2 * step + PRESSURE_BYTES);
    expect(left).toBeLessThan(step);
  }, 120_000);
});

describe.skipIf(!gpu)(`on webgpu${gpu ? "" : " (skipped: this runtime has no WebGPU adapter)"}`, () => {
  test("300 steps: bounded by what a step needs, in the pool too, and it learns", async () => {
    torch.webgpu.emptyCache();
    const { step, peak, left, total, losses } = await train("webgpu", 256, 64, 300);
    expect(total).toBeGreaterThan(150 * step);
    expect(peak).toBeLessThan(2 * step + PRESSURE_BYTES);
    expect(left).toBeLessThan(step);
    // Memory that is given back is used again at once: the driver is asked for little more than lived at a time.
    expect(torch.webgpu.memoryReserved()).toBeLessThan(1.5 * peak + 2 * MIB);
    expect(losses[1]).toBeLessThan(losses[0] / 2);
  }, 120_000);
});
