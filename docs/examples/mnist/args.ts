/**
 * The options of the MNIST example.
 *
 * @module
 */

import { parseArgs } from "node:util";

/** What the user asked for. */
export interface Options {
  /** `"help"` prints {@linkcode HELP}, `"predict"` loads weights, `"train"` is the default. */
  readonly command: "train" | "predict" | "help";
  readonly epochs: number;
  readonly batchSize: number;
  readonly lr: number;
  readonly seed: number;
  /** Folder for the weights and the chart. */
  readonly out: string;
  /** Name of a device; null is the default one. */
  readonly device: string | null;
  /** Digits to train with; a quarter as many are for tests. Null: all. */
  readonly limit: number | null;
  /** The weights to predict with. */
  readonly weights: string | null;
  /** An image to classify instead of test digits. */
  readonly image: string | null;
  /** Test digits to draw. */
  readonly count: number;
}

/** A command line that cannot be followed. */
export class UsageError extends Error {}

/** What `--help` prints. */
export const HELP =
  `Train a small convolutional network on 8,000 real handwritten digits, or classify with a trained one.

  deno task mnist [options]
  deno task mnist --predict FILE [--image IMAGE] [options]

Training
  --epochs N        passes over the training digits (8)
  --batch-size N    digits in a step (64)
  --lr X            highest learning rate (0.006)
  --seed N          seed of all random numbers (0)
  --limit N         train with the first N digits only, test with N / 4
  --out DIR         folder for mnist.safetensors and mnist.svg (mnist-out)

Predicting
  --predict FILE    weights, as training writes them
  --image IMAGE     classify this .png, .pgm, .csv or .json instead of test digits

Both
  --device NAME     cpu, reference, … (the best that there is)
  --show N          test digits to draw (6)
  --help            this text
`;

/**
 * Reads the command line.
 *
 * @throws {UsageError} In one line, if an option is unknown or its value is wrong.
 */
export function readArgs(args: readonly string[]): Options {
  const values = parse(args);
  const weights = values.predict ?? null;
  const image = values.image ?? null;
  if (image !== null && weights === null) {
    throw new UsageError("--image needs --predict FILE with the weights");
  }
  if (weights !== null) {
    const unused = (["epochs", "batch-size", "lr", "out"] as const).find((name) =>
      values[name] !== undefined
    );
    if (unused !== undefined) {
      throw new UsageError(`--${unused} is for training, it does not go with --predict`);
    }
  }
  return {
    command: values.help ? "help" : weights === null ? "train" : "predict",
    epochs: whole("epochs", values.epochs ?? "8", 1, 1000),
    batchSize: whole("batch-size", values["batch-size"] ?? "64", 1, 8000),
    lr: positive("lr", values.lr ?? "0.006"),
    seed: whole("seed", values.seed ?? "0", 0, Number.MAX_SAFE_INTEGER),
    out: values.out ?? "mnist-out",
    device: values.device ?? null,
    limit: values.limit === undefined ? null : whole("limit", values.limit, 40, 8000),
    weights,
    image,
    count: whole("show", values.show ?? "6", 0, 2000),
  };
}

const STRING = { type: "string" } as const;
const OPTIONS = {
  epochs: STRING,
  "batch-size": STRING,
  lr: STRING,
  seed: STRING,
  out: STRING,
  device: STRING,
  limit: STRING,
  predict: STRING,
  image: STRING,
  show: STRING,
  help: { type: "boolean", short: "h" },
} as const;

type Values = { readonly [K in Exclude<keyof typeof OPTIONS, "help">]?: string } & {
  readonly help?: boolean;
};

function parse(args: readonly string[]): Values {
  const unknown = args.map((arg) => /^--([a-z-]*)/.exec(arg)?.[1]).find((name) => name && !(name in OPTIONS));
  if (unknown !== undefined) {
    const near = Object.keys(OPTIONS).find((name) => name.startsWith(unknown.slice(0, 3)));
    throw new UsageError(
      `there is no option --${unknown}${near === undefined ? "" : `, did you mean --${near}?`}`,
    );
  }
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    // The first sentence says what is wrong, the others are about Node. A value that begins with a dash is "ambiguous".
    const [sentence] = (error as Error).message.split(/\.\s|\n/) as [string];
    throw new UsageError(sentence.replace("argument is ambiguous", "needs a value, got another option"));
  }
}

function whole(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value >= low && value <= high) return value;
  throw new UsageError(
    `--${name} must be a whole number from ${low} to ${high}, got ${JSON.stringify(text)}`,
  );
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && value < Infinity) return value;
  throw new UsageError(`--${name} must be a positive number, got ${JSON.stringify(text)}`);
}
