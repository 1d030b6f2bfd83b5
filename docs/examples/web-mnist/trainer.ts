/**
 * Trains the network of the MNIST example step by step, so that whoever calls can pause, test and predict between steps.
 *
 * @module
 */

import * as torch from "@flambeau/torch";
import type { Tensor } from "@flambeau/torch";
import { makeNet } from "../mnist/model.ts";
import { type Digits, PIXELS, type Split } from "./digits.ts";

const { nn: { functional: F }, optim } = torch;

/** Mean and standard deviation of all grey levels of MNIST, from 0 to 1. */
const MEAN = 0.1307;
const STD = 0.3081;

const BATCH = 64;
const EPOCHS = 8;
/** The highest learning rate; it rises to it and then falls to almost nothing. */
const LR = 0.006;

/** What the network says about many digits. */
export interface Answers {
  readonly predicted: Int32Array;
  readonly confidence: Float32Array;
}

/** A network, its digits and how far its training is. */
export class Trainer {
  /** Passes over the digits to train with. */
  readonly epochs: number = EPOCHS;
  readonly stepsPerEpoch: number;
  /** Digits in a step. */
  readonly batchSize: number = BATCH;
  /** Steps made so far. */
  steps = 0;

  readonly #images: Tensor;
  readonly #labels: Tensor;
  readonly #testImages: Tensor;
  #net!: torch.nn.Module;
  #optimizer!: torch.optim.Optimizer;
  #schedule!: torch.optim.lrScheduler.LRScheduler;
  #order!: Tensor;

  /** Puts the digits on the default device and makes a network with random weights. */
  constructor({ train, test }: Split, seed: number) {
    [this.#images, this.#testImages] = [imagesOf(train), imagesOf(test)];
    this.#labels = torch.tensor(Int32Array.from(train.labels), { dtype: torch.int32 });
    this.stepsPerEpoch = Math.floor(train.labels.length / BATCH);
    this.reset(seed);
  }

  /** Steps of the whole training. */
  get totalSteps(): number {
    return this.epochs * this.stepsPerEpoch;
  }

  /** Numbers that are trained. */
  get parameters(): number {
    return [...this.#net.parameters()].reduce((sum, parameter) => sum + parameter.numel(), 0);
  }

  /** Forgets all that was learned. */
  reset(seed: number): void {
    torch.manualSeed(seed);
    this.steps = 0;
    this.#net = makeNet();
    this.#optimizer = new optim.AdamW(this.#net.parameters(), { lr: LR });
    this.#schedule = new optim.lrScheduler.OneCycleLR(this.#optimizer, LR, { totalSteps: this.totalSteps });
  }

  /** One step of training. Answers the mean loss of its digits. */
  async step(): Promise<number> {
    const place = this.steps % this.stepsPerEpoch;
    if (place === 0) this.#order = torch.randperm(this.#labels.shape[0]!);
    const chosen = this.#order.narrow(0, place * BATCH, BATCH);
    const images = await moved(this.#images.indexSelect(0, chosen));
    this.#net.train();
    const loss = F.crossEntropy(this.#net(images), this.#labels.indexSelect(0, chosen));
    this.#optimizer.zeroGrad();
    loss.backward();
    this.#optimizer.step();
    this.#schedule.step();
    this.steps++;
    return await loss.item();
  }

  /** What the digits to test with are taken for. Waits for `turn` between parts, so that others may go first. */
  async test(turn: () => Promise<void>): Promise<Answers> {
    const count = this.#testImages.shape[0]!;
    const predicted = new Int32Array(count);
    const confidence = new Float32Array(count);
    for (let at = 0; at < count; at += 250) {
      const part = this.#testImages.narrow(0, at, Math.min(250, count - at));
      const [best, digit] = this.#shares(part).max(1);
      confidence.set(await best.data() as Float32Array, at);
      predicted.set(Int32Array.from(await digit.data() as ArrayLike<number>), at);
      await turn();
    }
    return { predicted, confidence };
  }

  /** The probability of each digit, for one image of 784 values from 0 (paper) to 1 (ink). */
  async predict(pixels: Float32Array): Promise<Float32Array> {
    const image = torch.tensor(pixels).sub(MEAN).div(STD).reshape([1, 1, 28, 28]);
    return await this.#shares(image).data() as Float32Array;
  }

  #shares(images: Tensor): Tensor {
    this.#net.eval();
    return torch.noGrad(() => this.#net(images).softmax(1));
  }
}

function imagesOf({ images }: Digits): Tensor {
  const values = Float32Array.from(images, (level) => (level / 255 - MEAN) / STD);
  return torch.tensor(values).reshape([images.length / PIXELS, 1, 28, 28]);
}

/** Images moved by up to two pixels, all the same way: more to learn from few digits. Their border is empty, so it may wrap. */
async function moved(images: Tensor): Promise<Tensor> {
  const [down, right] = await torch.randint(-2, 3, [2]).toArray() as [number, number];
  return images.roll([down, right], [2, 3]);
}
