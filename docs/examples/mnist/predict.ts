/**
 * `--predict`: weights from a file, and what they say about test digits or an image.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import * as torch from "@flambeau/torch";
import { MNIST, MNIST_MEAN, MNIST_STD } from "@flambeau/data/mnist";
import type { Options } from "./args.ts";
import { confusionTable, drawDigit, gallery, type Guess } from "./draw.ts";
import { InputError, messageOf } from "./errors.ts";
import { grouped, padded, percent } from "./format.ts";
import { toDigit } from "./grey.ts";
import { readImage } from "./image.ts";
import { makeNet } from "./model.ts";
import { bar, type Terminal } from "./progress.ts";
import { accuracyOf, type Answers, classify, confusion } from "./train.ts";

/** Loads weights and classifies with them. */
export async function predict(options: Options, terminal: Terminal): Promise<void> {
  const net = makeNet();
  await loadWeights(net, options.weights!);
  if (options.image !== null) {
    terminal.write(await describeImage(net, options.image, terminal));
    return;
  }
  const { test } = await loadDigits(options.limit);
  const answers = await classify(net, test.data);
  terminal.write(await report(test, answers, options, terminal));
}

async function loadWeights(net: torch.nn.Module, path: string): Promise<void> {
  const weights: unknown = await torch.load(path);
  try {
    if (!(weights instanceof Map)) throw new InputError("it holds no named tensors");
    net.loadStateDict(weights);
  } catch (error) {
    throw new InputError(`Cannot use ${JSON.stringify(path)} as weights: ${(error as Error).message}`);
  }
}

/** The digits to train with and to test with, as many as asked for, normalized. */
export async function loadDigits(limit: number | null): Promise<{ train: MNIST; test: MNIST }> {
  return {
    train: await MNIST.load({ train: true, normalize: true, limit }),
    test: await MNIST.load({ train: false, normalize: true, limit: limit && Math.ceil(limit / 4) }),
  };
}

/** The accuracy, the confusion matrix and some drawn digits. */
export async function report(
  test: MNIST,
  answers: Answers,
  options: Options,
  terminal: Terminal,
): Promise<string> {
  const { paint } = terminal;
  const actual = await test.targets.data() as Int32Array;
  const counts = confusion(actual, answers.predicted);
  const accuracy = accuracyOf(counts);
  const right = Math.round(accuracy * actual.length);
  const parts = [
    `${paint(`Test accuracy ${percent(accuracy)}`, "bold")}: ${grouped(right)} of ${
      grouped(actual.length)
    } digits`,
    `Confusion matrix: a row for each digit, a column for each prediction\n\n${
      confusionTable(counts, paint)
    }`,
  ];
  if (options.count > 0) {
    const shown = choose(answers.predicted, actual, options.count);
    const pixels = await test.data.data() as Float32Array;
    const guesses = shown.map((i): Guess => ({
      pixels: pixels.subarray(784 * i, 784 * (i + 1)).map((value) => value * MNIST_STD + MNIST_MEAN),
      predicted: answers.predicted[i]!,
      actual: actual[i]!,
      confidence: answers.confidence[i]!,
    }));
    const wrong = guesses.filter((guess) => guess.predicted !== guess.actual).length;
    const what = wrong === 0
      ? "some test digits"
      : `${guesses.length - wrong} that were right, ${wrong} that were not`;
    parts.push(`Test digits: ${what}\n\n${gallery(guesses, terminal.columns, terminal.colors, paint)}`);
  }
  return `${parts.join("\n\n")}\n`;
}

/** Digits to draw: half of them wrong ones, where there are so many, and the others drawn at random. */
function choose(predicted: Int32Array, actual: Int32Array, count: number): number[] {
  const order = [...new torch.data.RandomSampler(actual)];
  const wrong = order.filter((i) => predicted[i] !== actual[i]);
  const right = order.filter((i) => predicted[i] === actual[i]);
  const wrongShown = Math.min(wrong.length, Math.floor(count / 2));
  return [...right.slice(0, count - wrongShown), ...wrong.slice(0, wrongShown)];
}

async function describeImage(
  net: torch.nn.Module,
  path: string,
  { colors, paint }: Terminal,
): Promise<string> {
  const pixels = await readDigit(path);
  const input = torch.tensor(pixels).sub(MNIST_MEAN).div(MNIST_STD).reshape([1, 1, 28, 28]);
  net.eval();
  const shares = await torch.noGrad(() => net(input).softmax(1)).data() as Float32Array;
  const best = shares.indexOf(Math.max(...shares));
  const rows = Array.from(shares, (share, digit) => {
    const row = `${digit}  ${padded(bar(share, 24), 24)} ${percent(share, 1).padStart(7)}`;
    return digit === best ? paint(row, "bold") : row;
  });
  const picture = drawDigit(pixels, colors).map((line, i) => `  ${padded(line, 20)}    ${rows[i]}`);
  return `${picture.join("\n")}\n\n${paint(`It is a ${best}`, "bold")}, with probability ${
    percent(shares[best]!, 1)
  }\n`;
}

async function readDigit(path: string): Promise<Float32Array> {
  try {
    return toDigit(readImage(await readFile(path)));
  } catch (error) {
    const message = messageOf(error, path);
    if (message === null) throw error;
    throw new InputError(message);
  }
}
