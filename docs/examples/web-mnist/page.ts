/**
 * The page: buttons, numbers, the plot, the pad. All computing is done by the worker.
 *
 * @module
 */

import { PIXELS } from "./digits.ts";
import type { Command, DeviceChoice, Report, Setup, State } from "./messages.ts";
import { drawPixels, Pad } from "./pad.ts";
import { drawRun } from "./plot.ts";
import { onLookChange } from "./theme.ts";

/** Milliseconds between predictions of an unchanged drawing while the network learns. */
const REFRESH = 250;
const NAMES: Readonly<Record<DeviceChoice, string>> = {
  auto: "best",
  cpu: "CPU (WASM)",
  webgpu: "GPU (WebGPU)",
};

function element<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const trainButton = element<HTMLButtonElement>("train");
const resetButton = element<HTMLButtonElement>("reset");
const clearButton = element<HTMLButtonElement>("clear");
const exampleButton = element<HTMLButtonElement>("example");
const deviceSelect = element<HTMLSelectElement>("device");
const plot = element<HTMLCanvasElement>("plot");

let worker: Worker;
let setup: Setup | null = null;
let state: State = "idle";
/** Whether the worker was asked to pause, which it does after the step under way. */
let pausing = false;
let losses: number[] = [];
let accuracies: { step: number; accuracy: number }[] = [];
let imagesPerSecond = 0;
/** Milliseconds of training, without pauses; the last part began at `since`. */
let trained = 0;
let since = 0;
/** The frame that will draw the numbers, or 0. */
let frame = 0;

// Talking to the worker

function send(command: Command): void {
  worker.postMessage(command);
}

/** Starts a worker that computes on a device; an earlier one is ended with all that it learned. */
function start(device: DeviceChoice): void {
  worker?.terminate();
  setup = null;
  asked = 0;
  answered = 0;
  forget();
  element("error").hidden = true;
  setState("idle");
  worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<Report>) => take(data);
  worker.onerror = (event) =>
    fail(event.message || "The worker could not be started: worker.js cannot be loaded");
  send({ type: "open", device, seed: Date.now() % 2 ** 31 });
}

function take(report: Report): void {
  switch (report.type) {
    case "loading":
      return say(`Loading the digits … ${Math.round(100 * report.share)} %`);
    case "ready":
      return ready(report.setup);
    case "state":
      return setState(report.state);
    case "forgotten":
      return forget();
    case "step":
      losses[report.step - 1] = report.loss;
      imagesPerSecond = report.imagesPerSecond;
      return later();
    case "test":
      accuracies.push(report);
      showTest(report);
      return later();
    case "prediction":
      answered = report.id;
      showPrediction(report.shares);
      return;
    case "error":
      return fail(report.message);
    default:
      report satisfies never;
  }
}

function fail(message: string): void {
  element("error-text").textContent = message;
  element("error").hidden = false;
  if (setup === null) say("Not started");
}

function say(text: string): void {
  element("status").textContent = text;
}

// The state of training

function ready(has: Setup): void {
  setup = has;
  const { parameters, trainCount, testCount, deviceInWords, devices, device } = has;
  element("about").textContent = `${parameters.toLocaleString("en")} parameters · ${
    trainCount.toLocaleString("en")
  } digits to train with, ${testCount.toLocaleString("en")} to test with · ${deviceInWords}`;
  deviceSelect.replaceChildren(
    ...devices.map((choice) => new Option(NAMES[choice], choice, false, choice === device)),
  );
  element("device-label").hidden = devices.length < 2;
  document.documentElement.dataset["device"] = device;
  makeSamples(has);
  setState(state);
  predict();
  later();
}

function setState(next: State): void {
  if (state === "training") trained += performance.now() - since;
  if (next === "training") since = performance.now();
  state = next;
  pausing = false;
  if (frame !== 0) draw(); // the numbers of a training that ended are there when its end is told
  const open = setup !== null;
  trainButton.disabled = resetButton.disabled = exampleButton.disabled = !open;
  trainButton.textContent = state === "training"
    ? "Pause"
    : state === "done"
    ? "Train again"
    : losses.length > 0
    ? "Continue"
    : "Train";
  if (!open) say("Starting …");
  else if (state === "training") say("Learning …");
  else if (state === "done") {
    const { accuracy } = accuracies.at(-1)!;
    say(`Done in ${duration(trained)}: ${percent(accuracy, 2)} of unseen digits are right`);
  } else say(losses.length > 0 ? "Paused" : "Ready");
}

function forget(): void {
  losses = [];
  accuracies = [];
  trained = 0;
  for (const id of ["loss", "accuracy", "speed", "epoch"]) element(id).textContent = "–";
  later();
}

/** Draws the numbers and the plot at the next frame. */
function later(): void {
  frame ||= requestAnimationFrame(draw);
}

/** Draws the numbers and the plot, now. */
function draw(): void {
  cancelAnimationFrame(frame);
  frame = 0;
  const { epochs, stepsPerEpoch, batchSize } = setup ?? { epochs: 8, stepsPerEpoch: 125, batchSize: 64 };
  drawRun(plot, { losses, accuracies, stepsPerEpoch, epochs });
  const steps = losses.length;
  element("progress").style.width = `${100 * steps / (epochs * stepsPerEpoch)}%`;
  if (steps === 0) return;
  const recent = losses.slice(-20);
  const mean = recent.reduce((sum, loss) => sum + loss, 0) / recent.length;
  element("loss").textContent = mean.toPrecision(3);
  element("speed").textContent = Math.round(imagesPerSecond).toLocaleString("en");
  if (state === "training" && !pausing && imagesPerSecond > 0) {
    const left = (epochs * stepsPerEpoch - steps) * batchSize / imagesPerSecond;
    say(`Learning … about ${duration(1000 * left)} left`);
  }
  element("epoch").textContent = `${Math.ceil(steps / stepsPerEpoch)} of ${epochs}`;
  if (!pad.empty && performance.now() - askedAt > REFRESH) predict();
}

/** A time in milliseconds, such as `9 s` and `2 min 5 s`. */
function duration(time: number): string {
  const seconds = Math.max(1, Math.round(time / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

function percent(share: number, digits: number): string {
  return `${(100 * share).toFixed(digits)} %`;
}

// What is drawn, and its prediction

let asked = 0;
let answered = 0;
let askedAt = 0;
let changed = false;

const pad = new Pad(element("pad"), () => {
  element("hint").hidden = !pad.empty;
  clearButton.disabled = pad.empty;
  changed = true;
  predict();
});

/** Asks for a prediction, at most one at a time. */
function predict(): void {
  if (setup === null) return;
  if (pad.empty) {
    changed = false;
    return showPrediction(null);
  }
  if (asked !== answered) return;
  const pixels = pad.pixels();
  if (pixels === null) return;
  changed = false;
  askedAt = performance.now();
  drawPixels(element("seen"), pixels);
  send({ type: "predict", id: ++asked, pixels });
}

const bars = Array.from({ length: 10 }, (_, digit) => {
  const item = document.createElement("li");
  item.innerHTML =
    `<span>${digit}</span><div class="track"><div class="fill"></div></div><span class="percent"></span>`;
  element("bars").append(item);
  return item;
});

function showPrediction(shares: readonly number[] | null): void {
  if (shares !== null && pad.empty) shares = null; // wiped since it was asked
  const best = shares === null ? -1 : shares.indexOf(Math.max(...shares));
  for (const [digit, bar] of bars.entries()) {
    bar.classList.toggle("best", digit === best);
    bar.querySelector<HTMLElement>(".fill")!.style.transform = `scaleX(${shares?.[digit] ?? 0})`;
    bar.querySelector(".percent")!.textContent = shares === null ? "" : percent(shares[digit]!, 1);
  }
  element("digit").textContent = shares === null ? "?" : String(best);
  element("confidence").textContent = shares === null
    ? "nothing drawn yet"
    : losses.length === 0
    ? "a guess: it has learned nothing yet"
    : `${shares[best]! > 0.999 ? "over 99.9 %" : percent(shares[best]!, 1)} sure`;
  if (shares === null) drawPixels(element("seen"), []);
  if (changed) predict();
}

// Digits to test with

function makeSamples(setup: Setup): void {
  const { images, labels } = setup.samples;
  const items = Array.from(labels, (label, i) => {
    const image = images.subarray(i * PIXELS, (i + 1) * PIXELS);
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.title = `A ${label}: put it on the pad`;
    button.onclick = () => pad.show(image);
    button.append(document.createElement("canvas"));
    item.append(button, document.createElement("span"));
    return item;
  });
  element("samples").replaceChildren(...items);
  paintSamples(setup);
}

function paintSamples({ samples: { images } }: Setup): void {
  for (const [i, canvas] of element("samples").querySelectorAll("canvas").entries()) {
    drawPixels(canvas, Array.from(images.subarray(i * PIXELS, (i + 1) * PIXELS), (level) => level / 255));
  }
}

function showTest({ accuracy, predicted, confidence }: Report & { type: "test" }): void {
  element("accuracy").textContent = percent(accuracy, 1);
  const { labels } = setup!.samples;
  const items = element("samples").children;
  let right = 0;
  for (const [i, label] of labels.entries()) {
    const correct = predicted[i] === label;
    right += Number(correct);
    items[i]!.className = correct ? "right" : "wrong";
    items[i]!.querySelector("span")!.textContent = correct ? `${label}` : `${predicted[i]}, is ${label}`;
    items[i]!.querySelector("button")!.title = `${predicted[i]}, ${
      percent(confidence[i]!, 0)
    } sure: put it on the pad`;
  }
  element("score").textContent = `${right} of ${labels.length} right here`;
}

// Buttons

trainButton.onclick = () => {
  if (state === "training") {
    pausing = trainButton.disabled = true;
    say("Pausing …");
    return send({ type: "pause" });
  }
  if (state === "done") send({ type: "reset" });
  send({ type: "train" });
};
resetButton.onclick = () => send({ type: "reset" });
clearButton.onclick = () => pad.clear();
exampleButton.onclick = () => {
  const { images, labels } = setup!.samples;
  const i = Math.floor(Math.random() * labels.length);
  pad.show(images.subarray(i * PIXELS, (i + 1) * PIXELS));
};
deviceSelect.onchange = () => start(deviceSelect.value as DeviceChoice);
element("retry").onclick = () => location.reload();
onLookChange(() => {
  later();
  if (setup !== null) paintSamples(setup);
  predict();
});

const wanted = new URLSearchParams(location.search).get("device");
start(wanted === "cpu" || wanted === "webgpu" ? wanted : "auto");
