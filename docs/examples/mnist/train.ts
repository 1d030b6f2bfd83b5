/**
 * The training loop and the test.
 *
 * @module
 */

import * as torch from "@flambeau/torch";
import type { Tensor } from "@flambeau/torch";

const { nn: { functional: F } } = torch;

/** What one step of training says. */
export interface Step {
  /** Mean cross entropy of the batch. */
  readonly loss: number;
  /** Digits of the batch that were right. */
  readonly right: number;
  /** Digits of the batch. */
  readonly count: number;
}

/** Batches of images and their digits. */
export type Batches = AsyncIterable<readonly Tensor[]>;

/** One pass over the training digits. Each step updates the weights and the learning rate. */
export async function trainEpoch(
  net: torch.nn.Module,
  batches: Batches,
  optimizer: torch.optim.Optimizer,
  schedule: torch.optim.lrScheduler.LRScheduler,
  onStep: (step: Step) => void,
): Promise<void> {
  net.train();
  for await (const [images, digits] of batches) {
    const scores = net(await shifted(images!));
    const loss = F.crossEntropy(scores, digits!);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    schedule.step();
    const right = scores.argmax(1).eq(digits!).sum();
    onStep({ loss: await loss.item(), right: await right.item(), count: digits!.shape[0]! });
  }
}

/** Images moved by up to two pixels, all the same way: more to learn from few digits. Their border is empty, so it may wrap. */
async function shifted(images: Tensor): Promise<Tensor> {
  const [down, right] = await torch.randint(-2, 3, [2]).toArray() as [number, number];
  return images.roll([down, right], [2, 3]);
}

/** What the network says about digits. */
export interface Answers {
  /** The most likely digit of each. */
  readonly predicted: Int32Array;
  /** Its probability. */
  readonly confidence: Float32Array;
}

/** Classifies images, float32[N, 1, 28, 28]. */
export async function classify(net: torch.nn.Module, images: Tensor, batchSize = 250): Promise<Answers> {
  net.eval();
  const predicted = new Int32Array(images.shape[0]!);
  const confidence = new Float32Array(predicted.length);
  for (let at = 0; at < predicted.length; at += batchSize) {
    const part = images.narrow(0, at, Math.min(batchSize, predicted.length - at));
    const [best, digit] = torch.noGrad(() => net(part).softmax(1).max(1));
    confidence.set(await best.data() as Float32Array, at);
    predicted.set(await digit.data() as Int32Array, at);
  }
  return { predicted, confidence };
}

/** How many of each digit (rows) were taken for which (columns). */
export function confusion(actual: ArrayLike<number>, predicted: ArrayLike<number>): number[][] {
  const counts = Array.from({ length: 10 }, () => new Array<number>(10).fill(0));
  for (let i = 0; i < actual.length; i++) counts[actual[i]!]![predicted[i]!]!++;
  return counts;
}

/** Share of the counts on the diagonal. */
export function accuracyOf(counts: readonly (readonly number[])[]): number {
  const right = counts.reduce((sum, row, digit) => sum + row[digit]!, 0);
  return right / counts.flat().reduce((sum, count) => sum + count, 0);
}
