/**
 * The MNIST example: its parts, a short run, and what it says when something is wrong.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { crc32, deflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseSafetensorsHeader } from "@flambeau/io";
import { type Options, readArgs, UsageError } from "./args.ts";
import { chart, linearTicks, logTicks, smoothed } from "./chart.ts";
import { caption, confusionTable, drawDigit, gallery, type Guess } from "./draw.ts";
import { columnsOf, duration, grouped, padded, painter, percent } from "./format.ts";
import { type Grey, toDigit } from "./grey.ts";
import { readImage } from "./image.ts";
import { bar, type Progress, progressLine, ProgressView, remaining } from "./progress.ts";
import { accuracyOf, confusion } from "./train.ts";

const plain = painter(false);
const folder = mkdtempSync(join(tmpdir(), "flambeau-mnist-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("args", () => {
  it("nothing given: eight epochs of training", () => {
    const expected: Options = {
      command: "train",
      epochs: 8,
      batchSize: 64,
      lr: 0.006,
      seed: 0,
      out: "mnist-out",
      device: null,
      limit: null,
      weights: null,
      image: null,
      count: 6,
    };
    expect(readArgs([])).toEqual(expected);
  });

  it("options with a space or an equals sign", () => {
    const options = readArgs([
      "--epochs",
      "3",
      "--batch-size=32",
      "--lr",
      "1e-3",
      "--out",
      "x",
      "--device=cpu",
    ]);
    expect(options).toMatchObject({ epochs: 3, batchSize: 32, lr: 0.001, out: "x", device: "cpu" });
    expect(readArgs(["--help"]).command).toBe("help");
    expect(readArgs(["-h"]).command).toBe("help");
    expect(readArgs(["--predict", "f", "--image", "i", "--show", "0"])).toMatchObject({
      command: "predict",
      weights: "f",
      image: "i",
      count: 0,
    });
  });

  it.each<[string[], string]>([
    [["--epoch", "3"], "there is no option --epoch, did you mean --epochs?"],
    [["--zebra"], "there is no option --zebra"],
    [["--epochs", "0"], '--epochs must be a whole number from 1 to 1000, got "0"'],
    [["--epochs", "1.5"], 'got "1.5"'],
    [["--epochs"], "--epochs"],
    [["--lr=-1"], '--lr must be a positive number, got "-1"'],
    [["--lr", "-1"], "needs a value"],
    [["--lr", ""], 'got ""'],
    [["file"], "file"],
    [["--help=3"], "does not take an argument"],
    [["--image", "x.png"], "--image needs --predict FILE"],
    [["--predict", "f", "--lr", "1"], "--lr is for training"],
  ])("refuses %j in one line", (args, message) => {
    expect(() => readArgs(args)).toThrow(UsageError);
    expect(() => readArgs(args)).toThrow(message);
    expect(() => readArgs(args)).not.toThrow("\n");
  });
});

describe("format", () => {
  it("numbers for people", () => {
    expect([percent(0.98765), percent(1, 0)]).toEqual(["98.77 %", "100 %"]);
    expect([7, 1234, 1234567.4].map(grouped)).toEqual(["7", "1,234", "1,234,567"]);
    expect([0, 9.94, 9.96, 59.6, 65, 3600 + 61].map(duration)).toEqual([
      "0.0 s",
      "9.9 s",
      "10 s",
      "1 min 00 s",
      "1 min 05 s",
      "1 h 01 min",
    ]);
    expect(duration(Infinity)).toBe("–");
  });

  it("styles take no columns", () => {
    expect(painter(true)("ab", "red")).toBe("\x1b[31mab\x1b[0m");
    expect(columnsOf(painter(true)("ab", "red"))).toBe(2);
    expect(padded(painter(true)("ab", "red"), 4)).toBe("\x1b[31mab\x1b[0m  ");
  });
});

describe("progress", () => {
  const progress: Progress = {
    epoch: 2,
    epochs: 10,
    seen: 2000,
    total: 8000,
    loss: 0.10341,
    accuracy: 0.968,
    imagesPerSecond: 2500,
  };

  it("bar: full, empty, and eighths of a column", () => {
    expect([bar(0, 4), bar(0.5, 4), bar(1, 4), bar(0.28, 4)]).toEqual(["····", "██··", "████", "█▏··"]);
    for (let share = -0.1; share < 1.1; share += 0.01) expect(bar(share, 7).length).toBe(7);
  });

  it("remaining: the rest of this epoch and those to come", () => {
    expect(remaining(progress)).toBe((8 * 8000 + 6000) / 2500);
  });

  it("a line fits the terminal, whatever its width, and has no bar elsewhere", () => {
    expect(progressLine(progress, 100, true)).toBe(
      "epoch  2/10 ██████▎··················  25 %  loss 0.1034  train 96.8 %  2,500 images/s  28 s left",
    );
    for (const columns of [20, 60, 80, 200]) {
      expect(progressLine(progress, columns, true).length).toBeLessThan(columns);
    }
    expect(progressLine(progress, 80, false)).toBe(
      "epoch  2/10   25 %  loss 0.1034  train 96.8 %  2,500 images/s  28 s left",
    );
  });

  it("a terminal's line moves at most every 80 ms; elsewhere there are three lines an epoch", () => {
    const view = (isTerminal: boolean) => {
      const written: string[] = [];
      const write = (text: string) => void written.push(text);
      return {
        written,
        view: new ProgressView({ isTerminal, columns: 80, colors: false, paint: plain, write }),
      };
    };
    const moving = view(true);
    for (let ms = 0; ms <= 200; ms += 20) moving.view.update(progress, ms);
    moving.view.endEpoch("done");
    expect(moving.written.length).toBe(4);
    expect(moving.written.slice(0, 3).every((text) => text.startsWith("\r") && text.endsWith("\x1b[K"))).toBe(
      true,
    );
    expect(moving.written[3]).toBe("\r\x1b[Kdone\n");
    const lines = view(false);
    for (let epoch = 1; epoch <= 2; epoch++) {
      for (let seen = 500; seen <= 8000; seen += 500) lines.view.update({ ...progress, epoch, seen }, 0);
      lines.view.endEpoch("done");
    }
    expect(lines.written.length).toBe(8);
    expect(lines.written.join("")).not.toContain("\r");
    expect(lines.written.join("")).not.toContain("\x1b");
  });
});

describe("draw", () => {
  /** An empty image with ink in these places. */
  const ink = (...places: [x: number, y: number][]): Float32Array => {
    const pixels = new Float32Array(784);
    for (const [x, y] of places) pixels[28 * y + x] = 1;
    return pixels;
  };

  it("drawDigit: two rows of pixels in a line, the ink in the middle", () => {
    const lines = drawDigit(ink([14, 10], [15, 11], [16, 10], [16, 11], [14, 12]), false);
    expect(lines.length).toBe(10);
    expect(lines.every((line) => line.length === 20)).toBe(true);
    expect(lines.map((line) => line.trim()).join("")).toBe("▀▄█▀");
    const colored = drawDigit(ink([14, 10]), true);
    expect(colored.every((line) => columnsOf(line) === 20 && line.endsWith("\x1b[0m"))).toBe(true);
    expect(drawDigit(ink(), false).join("").trim()).toBe("");
  });

  it("nothing of a digit is cut off", () => {
    const places: [number, number][] = [[4, 1], [23, 20], [4, 20], [23, 1]];
    expect(drawDigit(ink(...places), false).join("").replaceAll(" ", "").length).toBe(4);
  });

  it("captions mark what is wrong", () => {
    const guess = { pixels: ink(), predicted: 4, actual: 4, confidence: 0.998 };
    expect(caption(guess, plain)).toBe("✓ 4  99.8 %");
    expect(caption({ ...guess, actual: 9 }, plain)).toBe("✗ 4  99.8 %  is 9");
    expect(caption({ ...guess, actual: null }, plain)).toBe("4  99.8 %");
  });

  it("gallery: as many in a row as fit", () => {
    const guesses: Guess[] = [1, 2, 3, 4].map((n) => ({
      pixels: ink([14, 14]),
      predicted: n,
      actual: n,
      confidence: 1,
    }));
    const rows = (columns: number) =>
      gallery(guesses, columns, false, plain).split("\n").filter((line) => line.includes("✓"));
    expect(rows(80)).toEqual([
      "  ✓ 1  100.0 %           ✓ 2  100.0 %           ✓ 3  100.0 %",
      "  ✓ 4  100.0 %",
    ]);
    expect(rows(200).length).toBe(1);
    expect(rows(10).length).toBe(4);
    for (const line of gallery(guesses, 80, false, plain).split("\n")) {
      expect(line.length).toBeLessThanOrEqual(80);
    }
  });

  it("confusion table: columns stand under each other, zeros are dots", () => {
    const counts = confusion([0, 0, 1, 1, 1, 9], [0, 1, 1, 1, 1, 9]);
    expect(accuracyOf(counts)).toBeCloseTo(5 / 6);
    counts[2]![2] = 12345;
    const lines = confusionTable(counts, plain).split("\n");
    expect(new Set(lines.map((line) => line.length))).toEqual(new Set([lines[0]!.length]));
    expect(lines[2]).toMatch(/^ {6}0 │ +1 +1( +·){8} │ {2}50\.0 %$/);
    expect(lines[5]).toMatch(/3 │( +·){10} │ +–$/);
    const end = (line: string, text: string) => line.indexOf(text) + text.length;
    expect(end(lines[4]!, "12345")).toBe(end(lines[0]!, "2"));
  });
});

describe("chart", () => {
  it("smoothed: right from the first value, and flat stays flat", () => {
    expect(smoothed([5, 5, 5], 0.9)).toEqual([5, 5, 5].map((value) => expect.closeTo(value, 12)));
    const [first, second] = smoothed([1, 3], 0.5);
    expect([first, second]).toEqual([1, expect.closeTo(7 / 3, 12)]);
  });

  it("ticks are round and within the range", () => {
    expect(linearTicks(0, 8, 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(linearTicks(88, 100, 4)).toEqual([90, 95, 100]);
    expect(linearTicks(0, 1, 4)).toEqual([0, 0.5, 1]);
    expect(logTicks(0.03, 2.4)).toEqual([0.05, 0.1, 0.2, 0.5, 1, 2]);
    expect(logTicks(1e-5, 2)).toEqual([1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1]);
  });

  it("is well-formed SVG with both curves, labels and no number that is none", () => {
    const losses = Array.from({ length: 60 }, (_, i) => 2 / (i + 1));
    const svg = chart({ losses, stepsPerEpoch: 20, accuracies: [0.9, 0.95, 0.975], subtitle: "a < b & c" });
    expect(svg).toContain("a &lt; b &amp; c");
    expect(svg).toContain("97.50 %");
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    const points = [...svg.matchAll(/points="([^"]*)"/g)].map((match) => match[1]!.split(" ").length);
    expect(points).toEqual([60, 60, 3]);
    const open = [...svg.matchAll(/<([a-z]+)(?:\s[^>]*[^/])?>/g)].map((match) => match[1]).sort();
    const closed = [...svg.matchAll(/<\/([a-z]+)>/g)].map((match) => match[1]).sort();
    expect(open).toEqual(closed);
  });

  it("copes with one step, one epoch, equal values and perfect scores", () => {
    for (const losses of [[1], [0.5, 0.5], [1, 1e-9]]) {
      const svg = chart({ losses, stepsPerEpoch: losses.length, accuracies: [1], subtitle: "" });
      expect(svg).not.toMatch(/NaN|Infinity/);
    }
  });
});

/** A PNG file of 8 or fewer bits a sample, with the given filter on every row. */
function png(
  width: number,
  rows: readonly (readonly number[])[],
  color: number,
  depth = 8,
  palette?: number[],
): Uint8Array {
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length, 0);
    ends.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(rows.length, 4);
  header.set([depth, color, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    ...palette === undefined ? [] : [chunk("PLTE", Buffer.from(palette))],
    chunk("IDAT", deflateSync(Buffer.from(rows.flat()))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

const values = (image: Grey) => [...image.values].map((value) => Math.round(value * 255));

describe("images", () => {
  it("PNG: grey, color, palette, alpha, few bits, 16 bits", () => {
    expect(values(readImage(png(2, [[0, 0, 255], [0, 51, 102]], 0)))).toEqual([0, 255, 51, 102]);
    expect(values(readImage(png(1, [[0, 255, 255, 255], [0, 0, 255, 0]], 2)))).toEqual([255, 182]);
    expect(values(readImage(png(2, [[0, 1, 0]], 3, 8, [0, 0, 0, 255, 255, 255])))).toEqual([255, 0]);
    expect(values(readImage(png(2, [[0, 0, 255, 0, 0]], 4)))).toEqual([0, 255]);
    expect(values(readImage(png(1, [[0, 0, 0, 0, 51]], 6)))).toEqual([204]);
    expect(values(readImage(png(4, [[0, 0b10100000]], 0, 1)))).toEqual([255, 0, 255, 0]);
    expect(values(readImage(png(2, [[0, 0xf0]], 0, 4)))).toEqual([255, 0]);
    expect(values(readImage(png(1, [[0, 51, 7]], 0, 16)))).toEqual([51]);
  });

  it("PNG: every filter", () => {
    const rows = [[0, 10, 20], [1, 10, 20], [2, 1, 2], [3, 5, 5], [4, 1, 1]];
    expect(values(readImage(png(2, rows, 0)))).toEqual([10, 20, 10, 30, 11, 32, 10, 26, 11, 27]);
  });

  it("PGM, CSV and JSON, from 0 to 1 or to 255", () => {
    const text = (content: string) => values(readImage(new TextEncoder().encode(content)));
    expect(text("P2\n# a comment\n2 1\n100\n0 100\n")).toEqual([0, 255]);
    expect(values(readImage(Uint8Array.of(...new TextEncoder().encode("P5 2 1 255\n"), 7, 9)))).toEqual([
      7,
      9,
    ]);
    expect(text("0,255\n51,102\n")).toEqual([0, 255, 51, 102]);
    expect(text("[[0, 1], [0.2, 0.4]]")).toEqual([0, 255, 51, 102]);
    expect(text(JSON.stringify(new Array(784).fill(0.2))).length).toBe(784);
  });

  it.each<[string, Uint8Array | string, string]>([
    ["text", "hello", "it must be a PNG or PGM image, or grey values"],
    ["rows of different lengths", "1,2\n3\n4,5,6", "rows of the same length, or 784 in one, got 6"],
    ["JSON that is cut off", "[[1, 2], [3", "the JSON file is damaged"],
    ["PGM without all values", "P2 2 2 255 1 2 3", "must have 2 × 2 values up to 255"],
    ["PGM without a header", "P5 x", "no valid header"],
    ["PNG that is cut off", png(1, [[0, 1]], 0).subarray(0, 50), "truncated"],
    ["PNG with too few rows", png(9, [[0, 1]], 0), "damaged"],
    ["PNG with an unknown filter", png(1, [[9, 1]], 0), "damaged"],
    ["PNG of an unknown color type", png(1, [[0, 1]], 5), "unknown color type"],
    ["PNG without a palette", png(1, [[0, 1]], 3), "no palette"],
    ["PNG of no pixels", png(0, [], 0), "1 to 16777216 pixels, got 0 × 0"],
  ])("refuses %s", (_, content, message) => {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    expect(() => readImage(bytes)).toThrow(message);
  });

  it("toDigit: 28 × 28 stays, dark ink on bright paper is inverted", () => {
    const image = (paper: number, ink: number): Grey => ({
      width: 28,
      height: 28,
      values: Float32Array.from({ length: 784 }, (_, i) => i === 300 ? ink : paper),
    });
    for (const [paper, ink] of [[0, 1], [1, 0], [0.9, 0.1]] as const) {
      expect([...toDigit(image(paper, ink))]).toEqual(
        Array.from({ length: 784 }, (_, i) => i === 300 ? 1 : 0),
      );
    }
    expect(() => toDigit(image(0.5, 0.5))).toThrow("there is nothing on the image");
  });

  it("toDigit: a bar anywhere on a large image becomes 20 rows high, in the middle", () => {
    const [width, height] = [200, 120];
    const grey: Grey = {
      width,
      height,
      values: Float32Array.from({ length: width * height }, (_, i) => {
        const [x, y] = [i % width, Math.floor(i / width)];
        return x >= 150 && x < 162 && y >= 20 && y < 80 ? 0.1 : 0.95;
      }),
    };
    const digit = toDigit(grey);
    const rows = Array.from({ length: 28 }, (_, y) => digit[28 * y + 14]! > 0.5);
    expect(rows.indexOf(true)).toBe(4);
    expect(rows.lastIndexOf(true)).toBe(23);
    const columns = Array.from({ length: 28 }, (_, x) => digit[28 * 14 + x]! > 0.5);
    expect([columns.indexOf(true), columns.lastIndexOf(true)]).toEqual([12, 15]);
  });
});

/** Runs the example as a user does. */
function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const command = ["run", "-A", join(import.meta.dirname!, "main.ts"), ...args];
    execFile(process.execPath, command, { env: { ...process.env, NO_COLOR: "1" } }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

describe.runIf("Deno" in globalThis)("a run", { timeout: 120_000 }, () => {
  const out = join(folder, "run");
  const weights = join(out, "mnist.safetensors");
  let trained: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => {
    trained = await run("--limit", "1200", "--epochs", "2", "--out", out);
  }, 120_000);

  it("learns, and says how well", () => {
    expect(trained.err).toBe("");
    expect(trained.code).toBe(0);
    const accuracy = Number(/Test accuracy ([0-9.]+) %: [0-9]+ of 300 digits/.exec(trained.out)?.[1]);
    expect(accuracy).toBeGreaterThan(60); // one in ten by chance
    expect(trained.out.match(/^epoch [12]\/2 .* test +[0-9.]+ %/gm)).toHaveLength(2);
    expect(trained.out).toMatch(/27 % {2}loss [0-9.]+ {2}train +[0-9.]+ % +[0-9,]+ images\/s {2}.* left/);
    expect(trained.out).toContain("digit │");
    expect(trained.out).toContain("✓");
    expect(trained.out).not.toContain("\x1b");
  });

  it("leaves the weights and the chart", () => {
    const { tensors } = parseSafetensorsHeader(new Uint8Array(readFileSync(weights)));
    expect(tensors.get("conv2.weight")).toMatchObject({ dtype: "F32", shape: [32, 16, 3, 3] });
    expect(readFileSync(join(out, "mnist.svg"), "utf8")).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  });

  it("predicts with the weights as well as it was trained", async () => {
    const accuracy = /Test accuracy .*/.exec(trained.out)![0];
    const again = await run("--predict", weights, "--limit", "1200", "--show", "2");
    expect(again.code).toBe(0);
    expect(again.out).toContain(accuracy);
    expect(again.out.match(/[✓✗] \d {2}/g)).toHaveLength(2);
  });

  it("classifies an image", async () => {
    const image = join(folder, "one.csv");
    const rows = Array.from(
      { length: 60 },
      (_, y) => Array.from({ length: 40 }, (_, x) => y > 9 && y < 50 && x > 17 && x < 23 ? 0 : 255).join(),
    );
    writeFileSync(image, rows.join("\n"));
    const { code, out: said } = await run("--predict", weights, "--image", image);
    expect(code).toBe(0);
    expect(said).toMatch(/It is a 1, with probability [0-9.]+ %/);
  });

  it.each<[string, () => string[], RegExp]>([
    ["an unknown option", () => ["--epoch", "1"], /did you mean --epochs\? \(see --help\)$/],
    ["an unknown device", () => ["--device", "abacus"], /Cannot use device "abacus": it must be one of/],
    [
      "a missing file",
      () => ["--predict", join(folder, "no")],
      /Cannot use ".*no": there is no such file or folder$/,
    ],
    ["a damaged file", () => {
      writeFileSync(join(folder, "cut"), readFileSync(weights).subarray(0, 9999));
      return ["--predict", join(folder, "cut")];
    }, /Cannot load ".*cut": tensor ".*" ends at byte \d+, the file has 9999 bytes$/],
    ["weights of another network", () => [
      "--predict",
      join(import.meta.dirname!, "../../../tests/fixtures/torch/serialization/files/basic.safetensors"),
    ], /as weights: .*Missing key\(s\) in state_dict: "conv1.weight"/],
    [
      "an image that is none",
      () => ["--predict", weights, "--image", join(out, "mnist.svg")],
      /mnist.svg": it must be a PNG/,
    ],
    ["a folder that cannot be made", () => ["--out", join(weights, "x")], /Cannot use ".*": /],
  ])("%s: one line and exit code 2", async (_, args, message) => {
    const { code, out: said, err } = await run(...args());
    expect(err).toMatch(/^mnist: [^\n]*\n$/);
    expect(err.trim()).toMatch(message);
    expect(said).toBe("");
    expect(code).toBe(2);
  });
});
