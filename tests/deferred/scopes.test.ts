import { Buffer } from "node:buffer";
import * as torch from "@flambeau/torch";
import type { Tensor } from "@flambeau/torch";
import { createWasmBackend } from "@flambeau/kernels-wasm";
import { hostKernels } from "@flambeau/reference";
import { registerBackend } from "@flambeau/tensor";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Chain, chaining } from "../../kernels-wasm/src/chain.ts";
import { Dice, trainRandomly } from "./programs.ts";

// In a scope the CPU device runs steps over many elements as one pass; outside of all scopes nothing waits.

function cpu(name: string, waits: boolean): ReturnType<typeof createWasmBackend> {
  const backend = createWasmBackend({ fallback: hostKernels, threads: 1 });
  Object.defineProperty(backend, "name", { value: name });
  if (!waits) Object.defineProperty(backend, "runSoon", { value: undefined });
  registerBackend(backend);
  return backend;
}
const backend = cpu("cpu-chains", true);
cpu("cpu-plain", false);
const device = "cpu-chains";

const { from } = chaining;
beforeAll(() => {
  chaining.from = 1;
});
afterAll(() => {
  chaining.from = from;
});

/** How often a step began to wait while `body` ran, and whether one waits at its end. */
function waiting(body: () => void): { began: number; left: boolean } {
  const own = Chain.prototype.add;
  let [began, chain] = [0, null as Chain | null];
  const add = vi.spyOn(Chain.prototype, "add").mockImplementation(function (this: Chain, step) {
    own.call(this, step);
    if (!this.isEmpty) began++;
    chain = this;
  });
  try {
    body();
    return { began, left: chain !== null && !(chain as Chain).isEmpty };
  } finally {
    add.mockRestore();
  }
}

const make = (n: number, seed = 1): Tensor => {
  const dice = new Dice(seed);
  return torch.tensor(Array.from({ length: n }, () => (dice.roll(4001) - 2000) / 700), { device });
};

describe("when", () => {
  test("outside of scopes every step runs at the call", () => {
    const x = make(100);
    expect(waiting(() => void x.mul(2).add(x).relu())).toEqual({ began: 0, left: false });
  });

  test("in a scope steps wait, at the end of the outermost nothing does", () => {
    const x = make(100);
    const { began, left } = waiting(() => {
      const y = torch.scope(() => torch.scope(() => x.mul(2).add(x)).relu());
      y.dispose();
    });
    expect([began, left]).toEqual([3, false]);
    expect(waiting(() => {
      expect(() =>
        torch.scope(() => {
          x.neg_().abs_();
          throw new Error("stop");
        })
      ).toThrow("stop");
    })).toEqual({ began: 2, left: false });
    expect((x.dataSync() as Float32Array).every((v) => v >= 0)).toBe(true);
  });

  test("when backward returns outside of scopes, nothing waits", () => {
    const x = make(100).requiresGrad_(true);
    const { began, left } = waiting(() => x.mul(3).neg().abs().mul(2).sum().backward());
    expect([began > 0, left]).toEqual([true, false]);
    expect(waiting(() => void torch.utils.checkpoint((y: Tensor) => y.mul(2).neg(), x)).left).toBe(false);
  });

  test("errors of shape come at the call, those of memory too", () => {
    const x = make(100);
    torch.scope(() => {
      const y = x.mul(2);
      expect(() => y.add(make(3))).toThrow("sizes must match");
      const live = backend.memory().liveBytes;
      y.relu();
      expect(backend.memory().liveBytes).toBe(live + 400);
    });
  });

  test("a scope that awaits runs what waits first, and lets nothing wait after", async () => {
    const x = make(100);
    let after = { began: -1, left: true };
    const before = waiting(() => {
      void torch.scope(async () => {
        const y = x.mul(2).add(1);
        await Promise.resolve();
        after = waiting(() => void y.mul(3).add(1));
      });
    });
    expect(before).toEqual({ began: 2, left: false });
    await new Promise((then) => setTimeout(then, 0));
    expect(after).toEqual({ began: 0, left: false });
  });
});

const STEPS: ((x: Tensor, y: Tensor) => Tensor)[] = [
  (x) => x.mul(1.5),
  (x) => x.mul(x),
  (x) => torch.rsub(x, 2),
  (x) => torch.tensor(1, { device }).to(x.device).div(x),
  (x, y) => x.add(y),
  (x, y) => y.sub(x),
  (x, y) => x.div(y.abs().add(0.5)),
  (x, y) => x.add(y, { alpha: 0.37 }),
  (x, y) => torch.maximum(x, y),
  (x, y) => torch.minimum(x, y),
  (x) => x.relu(),
  (x) => x.clamp(-0.5, 0.75),
  (x) => x.exp(),
  (x) => x.abs().sqrt(),
  (x) => x.neg().mul_(0.5).add_(1),
  (x, y) => x.clone().sub_(y),
];

/** A value and gradients of random steps over `n` elements in a scope. */
function steps(on: string, seed: number, n: number): Float32Array[] {
  const dice = new Dice(seed);
  const leaves = [1, 2].map((k) => make(n, seed + k).to(on).requiresGrad_(true));
  const last = torch.scope(() => {
    const pool: Tensor[] = [...leaves];
    for (let i = 0; i < 14; i++) pool.push(dice.pick(STEPS)(dice.pick(pool.slice(-2)), dice.pick(pool)));
    const value = pool.at(-1)!.add(leaves[0]!).sub(leaves[1]!);
    value.mean().backward();
    return value.detach();
  });
  return [last, ...leaves.map((leaf) => leaf.grad!)].map((x) => x.dataSync().slice() as Float32Array);
}

describe("what", () => {
  test.each([1, 33, 1000])("random steps over %i elements give the same bits", (n) => {
    for (let seed = 1; seed <= 40; seed++) {
      const want = steps("cpu-plain", seed, n);
      steps(device, seed, n).forEach((values, i) => {
        expect(Buffer.compare(bytes(values), bytes(want[i]!)), `program ${seed}, value ${i}`).toBe(0);
      });
    }
  });

  test("random networks give the same numbers", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      expect(await trainRandomly(seed, 12, device, true)).toEqual(
        await trainRandomly(seed, 12, "cpu-plain", true),
      );
    }
  });
});

function bytes(x: Float32Array): Uint8Array {
  return new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
}
