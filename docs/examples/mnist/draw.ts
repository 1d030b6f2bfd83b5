/**
 * Digits and the confusion matrix as text.
 *
 * @module
 */

import { columnsOf, padded, type Paint, percent } from "./format.ts";

const SIDE = 28;
/** Digits fill at most 20 of 28 columns and rows, somewhere near the middle: so much is drawn. */
const BOX = 20;
const GAP = 3;

/** A digit with what the network says about it. */
export interface Guess {
  /** 784 values from 0 (paper) to 1 (ink). */
  readonly pixels: ArrayLike<number>;
  readonly predicted: number;
  /** What it is; null when nobody knows. */
  readonly actual: number | null;
  /** Probability of the prediction. */
  readonly confidence: number;
}

/**
 * A digit in half blocks, two rows of pixels in a line: 10 lines of 20 columns. With colors in 24 shades of grey, else in
 * black and white.
 */
export function drawDigit(pixels: ArrayLike<number>, colors: boolean): string[] {
  const [left, top] = corner(pixels);
  const at = (x: number, y: number): number => pixels[(top + y) * SIDE + left + x] ?? 0;
  return Array.from({ length: BOX / 2 }, (_, line) => {
    let text = "";
    let before = "";
    for (let x = 0; x < BOX; x++) {
      const [upper, lower] = [at(x, 2 * line), at(x, 2 * line + 1)];
      if (colors) {
        const shades = `\x1b[38;5;${shade(upper)};48;5;${shade(lower)}m`;
        text += `${shades === before ? "" : shades}▀`;
        before = shades;
      } else {
        text += upper > 0.4 ? lower > 0.4 ? "█" : "▀" : lower > 0.4 ? "▄" : " ";
      }
    }
    return colors ? `${text}\x1b[0m` : text;
  });
}

/** The number of a grey in the palette of 256 colors. */
function shade(value: number): number {
  return 232 + Math.round(23 * Math.min(1, Math.max(0, value)));
}

/** The place of the box that has the ink in its middle. */
function corner(pixels: ArrayLike<number>): [left: number, top: number] {
  const xs: number[] = [];
  const ys: number[] = [];
  for (let k = 0; k < SIDE * SIDE; k++) {
    if (pixels[k]! <= 0.1) continue;
    xs.push(k % SIDE);
    ys.push(Math.floor(k / SIDE));
  }
  const place = (values: number[]): number => {
    if (values.length === 0) return (SIDE - BOX) / 2;
    const middle = (Math.min(...values) + Math.max(...values) + 1) / 2;
    return Math.min(SIDE - BOX, Math.max(0, Math.round(middle - BOX / 2)));
  };
  return [place(xs), place(ys)];
}

/** What stands under a digit: `✓ 7  99.8 %`, or `✗ 4  71.0 %  (is 9)`. */
export function caption({ predicted, actual, confidence }: Guess, paint: Paint): string {
  const sure = percent(confidence, 1);
  if (actual === null) return paint(`${predicted}  ${sure}`, "bold");
  return actual === predicted
    ? `${paint(`✓ ${predicted}`, "green")}  ${sure}`
    : `${paint(`✗ ${predicted}`, "red")}  ${sure}  ${paint(`is ${actual}`, "bold")}`;
}

/** Digits side by side with their captions, as many in a row as fit. */
export function gallery(guesses: readonly Guess[], columns: number, colors: boolean, paint: Paint): string {
  const perRow = Math.max(1, Math.floor((columns - 2 + GAP) / (BOX + GAP)));
  const blocks: string[] = [];
  for (let i = 0; i < guesses.length; i += perRow) {
    const row = guesses.slice(i, i + perRow);
    const cells = row.map((guess) => [...drawDigit(guess.pixels, colors), caption(guess, paint)]);
    blocks.push(
      cells[0]!.map((_, line) =>
        `  ${cells.map((cell) => padded(cell[line]!, BOX)).join(" ".repeat(GAP))}`.trimEnd()
      ).join("\n"),
    );
  }
  return blocks.join("\n\n");
}

/** Counts by digit (rows) and prediction (columns) as a table, with the share that is right in each row. */
export function confusionTable(counts: readonly (readonly number[])[], paint: Paint): string {
  const width = Math.max(4, 2 + Math.max(...counts.flat().map((count) => String(count).length)));
  const cell = (text: string): string => " ".repeat(width - columnsOf(text)) + text;
  const head = counts.map((_, digit) => cell(paint(String(digit), "bold"))).join("");
  const rule = "─".repeat(width * counts.length + 1);
  const lines = counts.map((row, digit) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    const cells = row.map((count, predicted) =>
      cell(count === 0 ? paint("·", "dim") : paint(String(count), predicted === digit ? "green" : "red"))
    );
    return `${paint(String(digit).padStart(7), "bold")} │${cells.join("")} │ ${
      (total === 0 ? "–" : percent(row[digit]! / total, 1)).padStart(7)
    }`;
  });
  return [
    `  digit │${head} │   right`,
    `  ──────┼${rule}┼────────`,
    ...lines,
  ].join("\n");
}
