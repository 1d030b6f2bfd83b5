/**
 * What every runtime must be able to do, with the numbers it gives.
 *
 * @module
 */

import * as torch from "@flambeau/torch";

const { nn, optim } = torch;

/** Numbers that every runtime must give. */
export interface Outcome {
  /** The default device. */
  readonly device: string;
  /** Threads that large operations run on. */
  readonly threads: number;
  /** Random numbers of seed 0: equal to the last bit, as they need no arithmetic that engines do differently. */
  readonly uniform: readonly number[];
  /** A permutation of seed 0. */
  readonly permutation: readonly number[];
  /** Equal up to rounding: engines may fuse a multiplication and an addition, or not. */
  readonly values: Readonly<Record<string, readonly number[]>>;
  /** Losses of a small training run. */
  readonly losses: readonly number[];
}

async function numbers(x: torch.Tensor): Promise<number[]> {
  return Array.from(await x.data() as ArrayLike<number>);
}

/** A network of convolution, normalization and linear layers, trained on the position of a bright spot. */
async function train(steps: number): Promise<number[]> {
  torch.manualSeed(1);
  const net = new nn.Sequential(
    new nn.Conv2d(1, 4, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.LayerNorm([64]),
    new nn.Linear(64, 4),
  );
  const optimizer = new optim.AdamW(net.parameters(), { lr: 0.02 });
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const targets = torch.randint(0, 4, [16]);
    const spots = nn.functional.oneHot(targets, 4).to(torch.float32).reshape([16, 1, 2, 2]);
    const images = spots.repeatInterleave(4, 2).repeatInterleave(4, 3).add(
      torch.randn([16, 1, 8, 8]).mul(0.3),
    );
    const loss = nn.functional.crossEntropy(net(images), targets);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    losses.push(await loss.item());
  }
  return losses;
}

/** Runs it all. */
export async function run(): Promise<Outcome> {
  torch.manualSeed(0);
  const uniform = await numbers(torch.rand([8]));
  const permutation = await numbers(torch.randperm(10));
  const x = torch.randn([33, 17]);
  const y = torch.randn([17, 9]);
  // Large enough for several threads, where there are any.
  const large = torch.rand([256, 256]);
  const z = torch.linspace(-3, 3, 7, { requiresGrad: true });
  z.tanh().square().sum().backward();
  return {
    device: String(torch.getDefaultDevice()),
    threads: torch.getNumThreads(),
    uniform,
    permutation,
    values: {
      normal: await numbers(x.flatten().narrow(0, 0, 16)),
      matmul: await numbers(x.matmul(y).sum(0)),
      large: await numbers(large.matmul(large).diagonal().narrow(0, 100, 16)),
      softmax: await numbers(x.softmax(1).max(1)[0]),
      sorted: await numbers(x.flatten().sort()[0].narrow(0, 0, 12)),
      gradient: await numbers(z.grad!),
      wide: await numbers(torch.arange(5, { dtype: torch.float64 }).exp()),
    },
    losses: await train(30),
  };
}
