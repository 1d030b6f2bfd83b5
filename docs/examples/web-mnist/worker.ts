/**
 * The worker: loads the digits, trains, and answers the page, which stays free to draw.
 *
 * @module
 */

import { useDevice } from "./device.ts";
import { fetchDigits, PIXELS, type Split } from "./digits.ts";
import type { Command, Report, State } from "./messages.ts";
import { type Answers, Trainer } from "./trainer.ts";

/** Digits to test with that the page shows. */
const SAMPLES = 24;
/** How many times an epoch the network is tested. */
const TESTS_PER_EPOCH = 3;
/** Milliseconds over which the speed is averaged. */
const SPEED_WINDOW = 1500;

/** What of a worker's scope matters here. */
interface Scope {
  onmessage: ((event: MessageEvent<Command>) => void) | null;
  postMessage(report: Report): void;
}
const scope = globalThis as unknown as Scope;

let trainer: Trainer;
let digits: Split;
let state: State = "idle";
/** Whether training stops after the step under way, which is reported before the state is. */
let pausing = false;
let looping = false;
/** Counts resets, so that what belongs to an earlier network is not reported. */
let generation = 0;
let seed = 0;

scope.onmessage = ({ data }) => {
  answer(data).catch((error: unknown) => {
    scope.postMessage({ type: "error", message: (error as Error).message ?? String(error) });
  });
};

async function answer(command: Command): Promise<void> {
  switch (command.type) {
    case "open":
      return await open(command);
    case "train":
      pausing = false;
      if (state !== "training") enter("training");
      return await loop();
    case "pause":
      pausing = state === "training";
      return;
    case "reset":
      generation++;
      scope.postMessage({ type: "forgotten" });
      enter("idle");
      await exclusive(() => Promise.resolve(trainer.reset(++seed)));
      return await test();
    case "predict": {
      const shares = Array.from(await exclusive(() => trainer.predict(command.pixels)));
      return scope.postMessage({ type: "prediction", id: command.id, shares });
    }
    default:
      command satisfies never;
  }
}

function enter(next: State): void {
  state = next;
  pausing = false;
  scope.postMessage({ type: "state", state });
}

async function open(command: Command & { type: "open" }): Promise<void> {
  seed = command.seed;
  const device = await useDevice(command.device);
  const url = new URL("./digits.bin", import.meta.url);
  digits = await fetchDigits(url, (share) => scope.postMessage({ type: "loading", share })).catch((error) => {
    throw new Error(`Cannot load the digits: ${(error as Error).message}`);
  });
  trainer = new Trainer(digits, seed);
  const { train, test: tests } = digits;
  scope.postMessage({
    type: "ready",
    setup: {
      device: device.name,
      deviceInWords: device.inWords,
      devices: device.choices,
      parameters: trainer.parameters,
      trainCount: train.labels.length,
      testCount: tests.labels.length,
      epochs: trainer.epochs,
      stepsPerEpoch: trainer.stepsPerEpoch,
      batchSize: trainer.batchSize,
      samples: {
        images: tests.images.slice(0, SAMPLES * PIXELS),
        labels: tests.labels.slice(0, SAMPLES),
      },
    },
  });
  await test();
}

/** Trains until it is done or stopped. At most one such loop runs. */
async function loop(): Promise<void> {
  if (looping) return;
  looping = true;
  try {
    const testEvery = Math.ceil(trainer.stepsPerEpoch / TESTS_PER_EPOCH);
    const durations: number[] = [];
    while (state === "training") {
      const mine = generation;
      const start = performance.now();
      const loss = await exclusive(() => trainer.step());
      durations.push(performance.now() - start);
      await turn();
      if (mine !== generation) {
        durations.length = 0;
        continue;
      }
      const step = trainer.steps;
      scope.postMessage({ type: "step", step, loss, imagesPerSecond: speed(durations) });
      if (!Number.isFinite(loss)) {
        throw new Error(`Training went wrong: the loss of step ${step} is ${loss}. Reset it.`);
      }
      if (step % testEvery === 0 || step === trainer.totalSteps) await test();
      if (mine !== generation) continue;
      if (step === trainer.totalSteps) enter("done");
      else if (pausing) enter("idle");
    }
  } catch (error) {
    enter("idle");
    throw error;
  } finally {
    looping = false;
  }
}

/** Images a second, of the last steps. Forgets older ones. */
function speed(durations: number[]): number {
  let sum = durations.reduce((total, duration) => total + duration, 0);
  while (durations.length > 1 && sum > SPEED_WINDOW) sum -= durations.shift()!;
  return 1000 * trainer.batchSize * durations.length / sum;
}

async function test(): Promise<void> {
  const mine = generation;
  const step = trainer.steps;
  const { predicted, confidence }: Answers = await trainer.test(turn);
  if (mine !== generation) return;
  const right = predicted.reduce((sum, digit, i) => sum + Number(digit === digits.test.labels[i]), 0);
  scope.postMessage({
    type: "test",
    step,
    accuracy: right / predicted.length,
    predicted: Array.from(predicted.subarray(0, SAMPLES)),
    confidence: Array.from(confidence.subarray(0, SAMPLES)),
  });
}

let last: Promise<unknown> = Promise.resolve();

/** Runs what must not be mixed with others of its kind: a step, a prediction, a reset. */
function exclusive<T>(work: () => Promise<T>): Promise<T> {
  const result = last.then(work);
  last = result.catch(() => {});
  return result;
}

const channel = new MessageChannel();
const waiting: (() => void)[] = [];
channel.port1.onmessage = () => waiting.shift()?.();

/** Lets messages of the page through. A channel, because timers wait for at least 4 milliseconds. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    channel.port2.postMessage(null);
  });
}
