/**
 * The chart of a training run, as SVG: the loss of each step and smoothed, and the test accuracy after each epoch.
 *
 * @module
 */

/** What a run leaves behind. */
export interface History {
  /** Loss of each step. */
  readonly losses: readonly number[];
  readonly stepsPerEpoch: number;
  /** Share of the test digits that were right, after each epoch. */
  readonly accuracies: readonly number[];
  /** What was trained, under the title. */
  readonly subtitle: string;
}

const WIDTH = 860;
const HEIGHT = 640;
const LEFT = 76;
const RIGHT = WIDTH - 118;
const LOSS = { top: 112, bottom: 368 } as const;
const ACCURACY = { top: 430, bottom: 572 } as const;

const INK = "#1f2328";
const SOFT = "#656d76";
const GRID = "#e4e7eb";
const RAW = "#b9cfe8";
const SMOOTH = "#1f5fa8";
const TEST = "#b3471b";

type Scale = (value: number) => number;

/** A running mean that is right from the first value on: Adam's correction of a decaying average. */
export function smoothed(values: readonly number[], decay: number): number[] {
  let mean = 0;
  let weight = 0;
  return values.map((value) => {
    mean = decay * mean + (1 - decay) * value;
    weight = decay * weight + (1 - decay);
    return mean / weight;
  });
}

/** Round numbers from `low` to `high`, about `count` of them: steps of 1, 2 or 5 times a power of ten. */
export function linearTicks(low: number, high: number, count: number): number[] {
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999) ?? 10);
  const ticks: number[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    ticks.push(Number((k * step).toPrecision(12)));
  }
  return ticks;
}

/** 1, 2 and 5 times powers of ten within `low` and `high`; powers of ten alone when those are many. */
export function logTicks(low: number, high: number): number[] {
  const factors = Math.log10(high / low) > 3 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const factor of factors) {
      const tick = Number((factor * 10 ** power).toPrecision(6));
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks;
}

/** The chart as an SVG document. */
export function chart(history: History): string {
  const { losses, stepsPerEpoch, accuracies, subtitle } = history;
  const epochs = losses.length / stepsPerEpoch;
  const x = linear(0, epochs, LEFT, RIGHT);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}"
  font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="13" fill="${INK}" role="img">
<title>MNIST: training loss and test accuracy</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>
${text(LEFT, 38, "MNIST: training loss and test accuracy", 'font-size="20" font-weight="600"')}
${text(LEFT, 61, subtitle, `fill="${SOFT}"`)}
${lossPanel(losses, stepsPerEpoch, x)}
${accuracyPanel(accuracies, x)}
${xAxis(epochs, x)}
</svg>
`;
}

function lossPanel(losses: readonly number[], stepsPerEpoch: number, x: Scale): string {
  const smooth = smoothed(losses, 1 - 1 / Math.max(10, losses.length / 50));
  const low = Math.min(...smooth) / 3;
  const high = Math.max(...losses, low * 10) * 1.15;
  const y = logarithmic(low, high, LOSS.bottom, LOSS.top);
  const line = (values: readonly number[]): string =>
    values.map((value, i) => `${fixed(x((i + 1) / stepsPerEpoch))},${fixed(y(Math.max(value, low)))}`).join(
      " ",
    );
  const end = y(smooth.at(-1)!);
  return `${text(LEFT, LOSS.top - 10, "Training loss (cross entropy, log scale)", 'font-weight="600"')}
${yGrid(logTicks(low, high), y, (tick) => String(tick))}
${polyline(line(losses), RAW, 1)}
${polyline(line(smooth), SMOOTH, 2.4)}
${text(RIGHT + 10, end - 2, "smoothed", `fill="${SMOOTH}" font-weight="600"`)}
${text(RIGHT + 10, end + 14, smooth.at(-1)!.toPrecision(2), `fill="${SMOOTH}"`)}
${text(RIGHT + 10, Math.min(LOSS.bottom, end + 42), "each step", 'fill="#7fa3cd"')}`;
}

function accuracyPanel(accuracies: readonly number[], x: Scale): string {
  const percents = accuracies.map((share) => 100 * share);
  const low = Math.min(99, Math.floor(Math.min(...percents)) - 1);
  const y = linear(Math.max(0, low), 100, ACCURACY.bottom, ACCURACY.top);
  const ticks = linearTicks(Math.max(0, low), 100, 4);
  const points = percents.map((value, i) => [x(i + 1), y(value)] as const);
  const dots = points.map(([px, py]) =>
    `<circle cx="${fixed(px)}" cy="${fixed(py)}" r="3.6" fill="${TEST}" stroke="#ffffff" stroke-width="1.5"/>`
  );
  const last = points.at(-1)!;
  return `${text(LEFT, ACCURACY.top - 10, "Test accuracy (%)", 'font-weight="600"')}
${yGrid(ticks, y, (tick) => String(tick))}
${polyline(points.map(([px, py]) => `${fixed(px)},${fixed(py)}`).join(" "), TEST, 2.4)}
${dots.join("\n")}
${text(RIGHT + 10, last[1] + 4, `${percents.at(-1)!.toFixed(2)} %`, `fill="${TEST}" font-weight="600"`)}`;
}

function yGrid(ticks: readonly number[], y: Scale, label: (tick: number) => string): string {
  return ticks.map((tick) =>
    `<line x1="${LEFT}" x2="${RIGHT}" y1="${fixed(y(tick))}" y2="${fixed(y(tick))}" stroke="${GRID}"/>
${text(LEFT - 10, y(tick) + 4.5, label(tick), `fill="${SOFT}" text-anchor="end"`)}`
  ).join("\n");
}

function xAxis(epochs: number, x: Scale): string {
  const ticks = linearTicks(0, epochs, Math.min(10, Math.ceil(epochs))).filter(Number.isInteger);
  const marks = ticks.flatMap((tick) => [
    ...[LOSS, ACCURACY].map(({ bottom }) =>
      `<line x1="${fixed(x(tick))}" x2="${fixed(x(tick))}" y1="${bottom}" y2="${
        bottom + 5
      }" stroke="${SOFT}"/>`
    ),
    text(x(tick), ACCURACY.bottom + 22, String(tick), `fill="${SOFT}" text-anchor="middle"`),
  ]);
  const lines = [LOSS, ACCURACY].map(({ bottom }) =>
    `<line x1="${LEFT}" x2="${RIGHT}" y1="${bottom}" y2="${bottom}" stroke="${SOFT}"/>`
  );
  return [...lines, ...marks, text((LEFT + RIGHT) / 2, ACCURACY.bottom + 46, "Epoch", 'text-anchor="middle"')]
    .join(
      "\n",
    );
}

function linear(low: number, high: number, from: number, to: number): Scale {
  return (value) => from + (value - low) / (high - low) * (to - from);
}

function logarithmic(low: number, high: number, from: number, to: number): Scale {
  const scale = linear(Math.log(low), Math.log(high), from, to);
  return (value) => scale(Math.log(value));
}

function polyline(points: string, color: string, width: number): string {
  return `<polyline points="${points}" fill="none" stroke="${color}" stroke-width="${width}" stroke-linejoin="round" stroke-linecap="round"/>`;
}

function text(x: number, y: number, content: string, attributes: string): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${attributes}>${escaped}</text>`;
}

function fixed(value: number): string {
  return String(Number(value.toFixed(1)));
}
