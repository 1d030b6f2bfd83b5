/**
 * Progress of training: a bar that moves on a terminal, plain lines elsewhere.
 *
 * @module
 */

import { duration, grouped, type Paint, percent } from "./format.ts";

/** How far an epoch is. */
export interface Progress {
  readonly epoch: number;
  readonly epochs: number;
  /** Digits seen in this epoch. */
  readonly seen: number;
  /** Digits in an epoch. */
  readonly total: number;
  /** Mean loss of the last steps. */
  readonly loss: number;
  /** Share of this epoch's digits that were right when they were trained with. */
  readonly accuracy: number;
  readonly imagesPerSecond: number;
}

/** Where progress goes. */
export interface Terminal {
  /** True for one that can move its cursor. */
  readonly isTerminal: boolean;
  readonly columns: number;
  /** True when text may have colors. */
  readonly colors: boolean;
  readonly paint: Paint;
  write(text: string): void;
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar of `columns` columns, filled from the left in eighths of a column. */
export function bar(share: number, columns: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * columns * 8);
  const full = "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
  return full + "·".repeat(columns - full.length);
}

/** Seconds until all epochs are done. */
export function remaining({ epoch, epochs, seen, total, imagesPerSecond }: Progress): number {
  return ((epochs - epoch) * total + total - seen) / imagesPerSecond;
}

/** One line about an epoch that runs: `epoch 2/5  ━━━━  loss 0.1034 …`. */
export function progressLine(progress: Progress, columns: number, isTerminal: boolean): string {
  const { epoch, epochs, seen, total, loss, accuracy, imagesPerSecond } = progress;
  const name = `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`;
  const facts = `${percent(seen / total, 0).padStart(5)}  loss ${loss.toFixed(4)}  train ${
    percent(accuracy, 1).padStart(6)
  }  ${grouped(imagesPerSecond).padStart(5)} images/s  ${duration(remaining(progress))} left`;
  if (!isTerminal) return `${name}  ${facts}`;
  const room = Math.min(30, columns - name.length - facts.length - 5);
  return room < 4 ? `${name} ${facts}`.slice(0, columns - 1) : `${name} ${bar(seen / total, room)} ${facts}`;
}

/** Shows progress, often on a terminal and four times an epoch elsewhere. */
export class ProgressView {
  #terminal: Terminal;
  #drawnAt = -Infinity;
  #quarter = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Takes note of a step. `now` is in milliseconds. */
  update(progress: Progress, now: number): void {
    const { isTerminal, columns, write } = this.#terminal;
    if (isTerminal) {
      if (now - this.#drawnAt < 80) return;
      this.#drawnAt = now;
      write(`\r${progressLine(progress, columns, true)}\x1b[K`);
      return;
    }
    const quarter = Math.floor(4 * progress.seen / progress.total);
    if (quarter === this.#quarter || quarter === 4) return;
    this.#quarter = quarter;
    write(`${progressLine(progress, columns, false)}\n`);
  }

  /** Ends an epoch with a line that stays. */
  endEpoch(line: string): void {
    this.#quarter = 0;
    this.#drawnAt = -Infinity;
    this.#terminal.write(this.#terminal.isTerminal ? `\r\x1b[K${line}\n` : `${line}\n`);
  }
}
