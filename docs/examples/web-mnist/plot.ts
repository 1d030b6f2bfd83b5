/**
 * The plot of a training run: the loss of each step and smoothed, on a logarithmic scale, and the test accuracy.
 *
 * @module
 */

import { linearTicks, logTicks, smoothed } from "../mnist/chart.ts";
import { color, fitted } from "./theme.ts";

/** What happened so far. */
export interface Run {
  /** Loss of each step. */
  readonly losses: readonly number[];
  /** Test accuracies with the number of steps before them. */
  readonly accuracies: readonly { readonly step: number; readonly accuracy: number }[];
  readonly stepsPerEpoch: number;
  readonly epochs: number;
}

type Scale = (value: number) => number;
interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const FONT = "12px system-ui, sans-serif";
const CAPTION = "600 12px system-ui, sans-serif";

/** Draws it all. */
export function drawRun(canvas: HTMLCanvasElement, run: Run): void {
  const context = fitted(canvas);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  context.clearRect(0, 0, width, height);
  const steps = run.epochs * run.stepsPerEpoch;
  const [left, right] = [44, width - 12];
  const middle = Math.round(height * 0.62);
  const x: Scale = (step) => left + step / steps * (right - left);
  drawLosses(context, run, x, { left, right, top: 26, bottom: middle - 14 });
  drawAccuracies(context, run, x, { left, right, top: middle + 18, bottom: height - 24 });
  drawEpochs(context, run, x, height);
}

function drawLosses(context: CanvasRenderingContext2D, { losses }: Run, x: Scale, box: Box): void {
  const [low, high] = [
    Math.min(0.03, ...losses.map((loss) => Math.max(loss, 0.003))),
    Math.max(3, ...losses),
  ];
  const scale = (box.bottom - box.top) / Math.log(high / low);
  const y: Scale = (loss) => box.bottom - Math.log(Math.max(loss, low) / low) * scale;
  grid(context, logTicks(low, high), y, box, String);
  caption(context, "Training loss", box);
  const points = losses.map((loss, i) => [x(i + 1), y(loss)] as const);
  line(context, points, color("faint-line"), 1);
  const means = smoothed(losses, 0.95);
  line(context, means.map((loss, i) => [x(i + 1), y(loss)] as const), color("accent"), 2.5);
}

function drawAccuracies(context: CanvasRenderingContext2D, { accuracies }: Run, x: Scale, box: Box): void {
  // The last percents matter: the scale is that of the errors, from all wrong to one in a hundred.
  const [least, most] = [0.01, 1];
  const share: Scale = (accuracy) => Math.log(most / Math.max(least, 1 - accuracy)) / Math.log(most / least);
  const y: Scale = (accuracy) => box.bottom - share(accuracy) * (box.bottom - box.top);
  grid(context, [0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99], y, box, (tick) => `${Math.round(100 * tick)} %`);
  caption(context, "Test accuracy", box);
  const points = accuracies.map(({ step, accuracy }) => [x(step), y(accuracy)] as const);
  line(context, points, color("good"), 2.5);
  context.fillStyle = color("good");
  for (const [px, py] of points) {
    context.beginPath();
    context.arc(px, py, 3, 0, 2 * Math.PI);
    context.fill();
  }
}

function drawEpochs(
  context: CanvasRenderingContext2D,
  { epochs, stepsPerEpoch }: Run,
  x: Scale,
  height: number,
): void {
  context.font = FONT;
  context.fillStyle = color("soft");
  context.textAlign = "center";
  for (const epoch of linearTicks(0, epochs, epochs)) {
    context.fillText(epoch === 0 ? "epoch" : String(epoch), x(epoch * stepsPerEpoch), height - 6);
  }
}

function grid(
  context: CanvasRenderingContext2D,
  ticks: readonly number[],
  y: Scale,
  { left, right }: Box,
  label: (tick: number) => string,
): void {
  context.font = FONT;
  context.textAlign = "right";
  context.textBaseline = "alphabetic";
  context.lineWidth = 1;
  context.strokeStyle = color("line");
  context.fillStyle = color("soft");
  let last = Infinity;
  for (const tick of ticks) {
    const at = Math.round(y(tick)) + 0.5;
    if (last - at < 14) continue; // its label would cover the last one
    last = at;
    context.beginPath();
    context.moveTo(left, at);
    context.lineTo(right, at);
    context.stroke();
    context.fillText(label(tick), left - 6, at + 4);
  }
}

function caption(context: CanvasRenderingContext2D, text: string, { left, top }: Box): void {
  context.font = CAPTION;
  context.textAlign = "left";
  context.fillStyle = color("ink");
  context.fillText(text, left, top - 9);
}

function line(
  context: CanvasRenderingContext2D,
  points: readonly (readonly [x: number, y: number])[],
  stroke: string,
  width: number,
): void {
  context.strokeStyle = stroke;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.lineCap = "round";
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.stroke();
}
