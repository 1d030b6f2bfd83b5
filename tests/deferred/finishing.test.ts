import { Buffer } from "node:buffer";
import * as torch from "@flambeau/torch";
import type { Tensor } from "@flambeau/torch";
import { createWasmBackend } from "@flambeau/kernels-wasm";
import { hostKernels } from "@flambeau/reference";
import { registerBackend } from "@flambeau/tensor";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { Finishing, finishing, FinishStep } from "../../kernels-wasm/src/finish.ts";
import { Dice } from "./programs.ts";

// Biases of convolutions, and relu in scopes, are done where the CPU device stores products, and give the same bits.

const F: typeof torch.nn.functional = torch.nn.functional;

function cpu(name: string, waits: boolean): ReturnType<typeof createWasmBackend> {
  const backend = createWasmBackend({ fallback: hostKernels, threads: 1 });
  Object.defineProperty(backend, "name", { value: name });
  if (!waits) Object.defineProperty(backend, "runSoon", { value: undefined });
  registerBackend(backend);
  return backend;
}
const backend = cpu("cpu-finishing", true);
cpu("cpu-apart", false);

const { from } = finishing;
beforeAll(() => {
  finishing.from = 1;
});
afterAll(() => {
  finishing.from = from;
});
afterEach(() => {
  vi.restoreAllMocks();
});

const make = (shape: readonly number[], seed: number, device = "cpu-finishing"): Tensor => {
  const dice = new Dice(seed);
  const n = shape.reduce((a, b) => a * b, 1);
  return torch.tensor(Array.from({ length: n }, () => (dice.roll(4001) - 2000) / 1500), { device }).view(
    shape,
  );
};
const bytes = (x: Tensor): Uint8Array => new Uint8Array((x.dataSync() as Float32Array).slice().buffer);

test("outside of scopes a convolution takes its bias along, and nothing waits afterwards", () => {
  const [x, w, b] = [make([2, 3, 9, 8], 1), make([5, 3, 3, 3], 2), make([5], 3)];
  const alone = vi.spyOn(FinishStep.prototype, "run");
  const join = vi.spyOn(Finishing.prototype, "join");
  const y = F.conv2d(x, w, b);
  const z = F.convTranspose2d(x, w.transpose(0, 1).contiguous(), b, { stride: 2 });
  expect(join.mock.results.map(({ value }) => value)).toEqual([true, true]);
  expect(alone).not.toHaveBeenCalled();
  join.mockClear();
  y.relu_();
  z.relu();
  expect(join).not.toHaveBeenCalled();
  const live = backend.memory().liveBytes;
  F.conv2d(x, w, b).dispose();
  expect(backend.memory().liveBytes).toBe(live);
});

/** Most bytes that `body` takes at a time, beside what it found. */
function taken(body: () => void): number {
  const { liveBytes } = backend.memory();
  backend.resetPeak();
  body();
  return backend.memory().peakBytes - liveBytes;
}

test("a convolution with a bias takes the memory of its result, and no more", () => {
  const [x, w, b] = [make([2, 3, 9, 8], 1), make([5, 3, 3, 3], 2), make([5], 3)];
  const [turned, small] = [w.transpose(0, 1).contiguous(), make([1, 3, 3, 3], 4)];
  const leaves = [x, w, b, turned].map((value) => value.clone().requiresGrad_(true));
  for (const [from, joins] of [[1, true], [Infinity, false]] as const) {
    finishing.from = from;
    const join = vi.spyOn(Finishing.prototype, "join");
    for (const [input, weight, bias, back] of [[x, w, b, turned], leaves] as const) {
      expect(taken(() => F.conv2d(input!, weight!, bias!).dispose())).toBe(4 * 2 * 5 * 7 * 6);
      expect(taken(() => F.conv2d(small, weight!, bias!).dispose())).toBe(4 * 5);
      expect(taken(() => F.convTranspose2d(input!, back!, bias!).dispose())).toBe(4 * 2 * 5 * 11 * 10);
      expect(taken(() => torch.scope(() => void F.conv2d(input!, weight!, bias!).relu_()))).toBe(1680);
      // What has no name may be read until the scope ends.
      expect(taken(() => torch.scope(() => void F.conv2d(input!, weight!, bias!).relu()))).toBe(2 * 1680);
    }
    expect(join.mock.results.some(({ value }) => value === true)).toBe(joins);
    vi.restoreAllMocks();
  }
  finishing.from = 1;
});

test("a bias in the memory of the convolution leaves the graph and the gradients of one added apart", () => {
  const [x, w, b] = [make([2, 3, 9, 8], 1), make([5, 3, 3, 3], 2), make([5], 3)].map((value) =>
    value.requiresGrad_(true)
  );
  const y = F.conv2d(x!, w!, b!);
  expect(y.gradFn!.name).toBe("ConvolutionBackward0");
  expect(y.storage.version).toBe(0);
  const plain = F.conv2d(x!, w!);
  const sum = plain.add(b!.view(1, 5, 1, 1));
  expect(plain.storage).not.toBe(sum.storage);
  expect(Buffer.compare(bytes(y.detach()), bytes(sum.detach()))).toBe(0);
  expect(() => F.conv2d(x!.detach(), w!.detach(), torch.ones([5]))).toThrow(/device/);
  y.square().sum().backward();
  const got = [x!, w!, b!].map((leaf) => bytes(leaf.grad!));
  for (const leaf of [x!, w!, b!]) leaf.grad = null;
  sum.square().sum().backward();
  [x!, w!, b!].forEach((leaf, i) => expect(Buffer.compare(bytes(leaf.grad!), got[i]!)).toBe(0));
});

test("in scopes relu goes along too: in place, into another tensor, of a linear layer", () => {
  const [x, w, b] = [make([2, 3, 9, 8], 1), make([5, 3, 3, 3], 2), make([5], 3)];
  const join = vi.spyOn(Finishing.prototype, "join");
  torch.scope(() => void F.conv2d(x, w, b).relu_());
  torch.scope(() => void F.conv2d(x, w).relu());
  torch.scope(() => void F.linear(x.view(-1, 8), make([4, 8], 4), make([4], 5)).relu_());
  expect(join.mock.results.map(({ value }) => value)).toEqual([true, true, true, true]);
});

test("a scope that awaits finishes what waits first", async () => {
  const [x, w, b] = [make([1, 3, 9, 8], 1), make([5, 3, 3, 3], 2), make([5], 3)];
  const settle = vi.spyOn(Finishing.prototype, "settle");
  const y = await torch.scope(async () => {
    const inner = F.conv2d(x, w, b).relu_();
    await Promise.resolve();
    return inner;
  });
  expect(settle).toHaveBeenCalled();
  expect(Buffer.compare(bytes(y), bytes(F.conv2d(x, w, b).relu()))).toBe(0);
});

/** Values and gradients of a random network in a scope, or outside of all. */
function network(device: string, seed: number, inScope: boolean): Uint8Array[] {
  const dice = new Dice(seed);
  const channels = [3, 8][dice.roll(2)]!;
  const leaves = [make([2, channels, 8, 8], seed, device)].map((x) => x.requiresGrad_(true));
  const leaf = (shape: readonly number[]): Tensor => {
    leaves.push(make(shape, seed + leaves.length, device).requiresGrad_(true));
    return leaves.at(-1)!;
  };
  const body = (): Tensor => {
    let x = leaves[0]!;
    const kept: Tensor[] = [];
    for (let i = 0; i < 5; i++) {
      const groups = dice.roll(3) === 0 ? channels : 1;
      const kind = dice.roll(4);
      const bias = kind !== 2 && dice.roll(4) > 0 ? leaf([channels]) : null;
      const before = x;
      if (kind === 0) {
        const w = leaf([channels, channels / groups, 3, 3]);
        x = F.convTranspose2d(x, w, bias, { padding: 1, groups });
      } else if (kind === 1) x = F.conv2d(x, leaf([channels, channels, 1, 1]), bias);
      else if (kind === 2) x = F.linear(x, leaf([8, 8]), leaf([8]));
      else x = F.conv2d(x, leaf([channels, channels / groups, 3, 3]), bias, { padding: "same", groups });
      // A view that lives, what was before, or the product itself is read again.
      if (dice.roll(3) === 0) kept.push(x.detach().select(1, 0));
      const next = dice.roll(4);
      if (next === 0) x = x.relu_();
      else if (next === 1) x = x.relu();
      else if (next === 2) x = x.relu().add(x);
      if (dice.roll(3) === 0) x = x.add(before);
    }
    const loss = x.square().mean().add(kept.reduce((sum, v) => sum.add(v.sum()), x.sum()));
    loss.backward();
    return loss.detach();
  };
  const loss = inScope ? torch.scope(body) : body();
  return [loss, ...leaves.map((p) => p.grad!)].map(bytes);
}

test.each([true, false])("random networks give the same bits, in a scope: %s", (inScope) => {
  const join = vi.spyOn(Finishing.prototype, "join");
  for (let seed = 1; seed <= 30; seed++) {
    const want = network("cpu-apart", seed * 31, inScope);
    network("cpu-finishing", seed * 31, inScope).forEach((value, i) => {
      expect(Buffer.compare(value, want[i]!), `network ${seed}, value ${i}`).toBe(0);
    });
  }
  expect(join.mock.results.filter(({ value }) => value === true).length).toBeGreaterThan(30);
});
