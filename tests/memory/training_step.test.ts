/**
 * The most memory that lives during one training step, against what cannot be done without: parameters, their gradients,
 * the state of the optimizer, the batch, and what the backward pass has saved.
 *
 * The step is written as the guide shows (chapter 6): what the forward pass makes on its way belongs to a scope.
 *
 * @module
 */

import * as torch from "@flambeau/torch";
import { tape } from "@flambeau/tensor/internal";
import { expect, test } from "vitest";
import { collectGarbage } from "../../packages/testing/src/leaks.ts";
import { Cnn, Gpt, Mlp } from "../bench/models.ts";

const MIB = 2 ** 20;
const fill = (shape: readonly number[], _seed: number, scale: number): torch.Tensor =>
  torch.rand(shape).sub(0.5).mul(scale);
const images = (...shape: number[]): torch.Tensor => torch.rand([64, ...shape]);
const digits = (): torch.Tensor => torch.randint(0, 10, [64], { dtype: torch.int32 });
const letters = (shape: number[]): torch.Tensor => torch.randint(0, 65, shape, { dtype: torch.int32 });

const networks: readonly {
  readonly name: string;
  readonly classes: number;
  readonly make: () => torch.nn.Module;
  readonly batch: () => readonly [x: torch.Tensor, y: torch.Tensor];
}[] = [
  {
    name: "MLP",
    classes: 10,
    make: () => new Mlp([784, 256, 128, 10], fill),
    batch: () => [images(784), digits()],
  },
  {
    name: "CNN",
    classes: 10,
    make: () => new Cnn(fill),
    batch: () => [images(1, 28, 28), digits()],
  },
  {
    name: "GPT",
    classes: 65,
    make: () => new Gpt({ layers: 4, d: 128, heads: 4, ctx: 64, vocab: 65 }, fill),
    batch: () => [letters([16, 64]), letters([1024])],
  },
];

for (const { name, classes, make, batch } of networks) {
  test(`${name}: a step takes at most 1.3 times what it needs`, async () => {
    torch.setDefaultDevice("cpu");
    const { backend } = torch.zeros([1]);
    await collectGarbage();
    const others = backend.memory().liveBytes;
    const net = make();
    const optimizer = new torch.optim.AdamW(net.parameters(), { lr: 1e-3 });
    await collectGarbage();
    const parameters = [...net.parameters()].reduce((sum, p) => sum + p.storage.bytes, 0);
    let [saved, peak] = [0, 0];
    for (let i = 0; i < 3; i++) {
      optimizer.zeroGrad();
      backend.resetPeak();
      const [x, y] = batch();
      const loss = torch.scope(() => torch.nn.functional.crossEntropy(net(x).view(-1, classes), y));
      const held = new Set([...tape.current!.heldStorages(loss), x.storage, y.storage]) as Set<
        torch.Tensor["storage"]
      >;
      for (const p of net.parameters()) held.delete(p.storage);
      saved = [...held].reduce((sum, storage) => sum + storage.bytes, 0);
      loss.backward();
      optimizer.step();
      for (const value of [loss, x, y]) value.dispose();
      peak = Math.max(peak, backend.memory().peakBytes - others);
    }
    const need = 4 * parameters + saved;
    console.log(
      `${name}: peak ${(peak / MIB).toFixed(1)} MiB, needed ${(need / MIB).toFixed(1)} MiB ` +
        `(parameters, gradients, state ${(4 * parameters / MIB).toFixed(1)}, saved ${
          (saved / MIB).toFixed(1)
        }): ` +
        `${(peak / need).toFixed(2)} ×`,
    );
    expect(saved).toBeGreaterThan(0);
    expect(peak).toBeGreaterThan(need - parameters);
    expect(peak).toBeLessThan(1.3 * need);
  });
}
