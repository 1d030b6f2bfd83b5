/**
 * Trains a convolutional network on real handwritten digits, or classifies with a trained one: `deno task mnist --help`.
 *
 * @module
 */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import * as torch from "@flambeau/torch";
import { HELP, type Options, readArgs } from "./args.ts";
import { chart } from "./chart.ts";
import { messageOf } from "./errors.ts";
import { duration, grouped, painter, percent } from "./format.ts";
import { makeNet } from "./model.ts";
import { loadDigits, predict, report } from "./predict.ts";
import { ProgressView, type Terminal } from "./progress.ts";
import { accuracyOf, classify, confusion, trainEpoch } from "./train.ts";

const { data: { DataLoader }, optim } = torch;

/** Steps over which the loss and the speed on the progress line are averaged. */
const WINDOW = 25;

async function main(): Promise<void> {
  const options = readArgs(process.argv.slice(2));
  const terminal = terminalOf(process.stdout);
  if (options.command === "help") return terminal.write(HELP);
  if (options.device !== null) torch.setDefaultDevice(options.device);
  torch.manualSeed(options.seed);
  await (options.command === "predict" ? predict : train)(options, terminal);
}

async function train(options: Options, terminal: Terminal): Promise<void> {
  const { epochs, batchSize, lr, seed, out } = options;
  const { paint, write } = terminal;
  await mkdir(out, { recursive: true });
  const { train, test } = await loadDigits(options.limit);
  const actual = await test.targets.data() as Int32Array;
  const net = makeNet();
  const parameters = [...net.parameters()].reduce((sum, parameter) => sum + parameter.numel(), 0);
  write(`${paint(String(net), "dim")}\n\n`);
  write(
    `${grouped(parameters)} parameters on ${torch.getDefaultDevice()}, ${
      grouped(train.length)
    } digits to train with, ` +
      `${grouped(test.length)} to test with\n\n`,
  );

  const loader = new DataLoader(train, { batchSize, shuffle: true });
  const optimizer = new optim.AdamW(net.parameters(), { lr });
  const schedule = new optim.lrScheduler.OneCycleLR(optimizer, lr, { totalSteps: epochs * loader.length });
  const view = new ProgressView(terminal);
  const losses: number[] = [];
  const accuracies: number[] = [];
  const start = performance.now();
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const epochStart = performance.now();
    let [seen, right] = [0, 0];
    await trainEpoch(net, loader, optimizer, schedule, (step) => {
      losses.push(step.loss);
      seen += step.count;
      right += step.right;
      const now = performance.now();
      view.update({
        epoch,
        epochs,
        seen,
        total: train.length,
        loss: mean(losses.slice(-WINDOW)),
        accuracy: right / seen,
        imagesPerSecond: seen / (now - epochStart) * 1000,
      }, now);
    });
    const seconds = (performance.now() - epochStart) / 1000;
    const { predicted } = await classify(net, test.data);
    accuracies.push(accuracyOf(confusion(actual, predicted)));
    view.endEpoch(
      `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}  loss ${
        mean(losses.slice(-loader.length)).toFixed(4)
      }  train ${percent(right / seen, 1).padStart(6)}  ${
        paint(`test ${percent(accuracies.at(-1)!).padStart(7)}`, "bold")
      }  ${grouped(seen / seconds).padStart(5)} images/s  ${duration(seconds)}`,
    );
  }
  write(`trained in ${duration((performance.now() - start) / 1000)}\n\n`);
  write(`${await report(test, await classify(net, test.data), options, terminal)}\n`);

  const weights = join(out, "mnist.safetensors");
  const picture = join(out, "mnist.svg");
  await torch.save(net.stateDict(), weights);
  const subtitle = `${grouped(parameters)} parameters, ${grouped(train.length)} digits to train with, ${
    grouped(test.length)
  } to test with, batches of ${batchSize}, seed ${seed}`;
  await writeFile(picture, chart({ losses, stepsPerEpoch: loader.length, accuracies, subtitle }));
  write(`Weights  ${weights}\nChart    ${picture}\nTry      deno task mnist --predict ${weights}\n`);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function terminalOf(stream: typeof process.stdout): Terminal {
  const isTerminal = stream.isTTY === true;
  const colors = isTerminal && !process.env["NO_COLOR"]; // https://no-color.org
  return {
    isTerminal,
    columns: (isTerminal && stream.columns) || 80,
    colors,
    paint: painter(colors),
    write: (text) => void stream.write(text),
  };
}

try {
  await main();
} catch (error) {
  const message = messageOf(error);
  if (message === null) throw error;
  process.stderr.write(`mnist: ${message}\n`);
  process.exitCode = 2;
}
