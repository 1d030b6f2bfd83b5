/**
 * Where a digit is drawn, with a mouse, a pen or a finger, and how it becomes what the network was trained on.
 *
 * @module
 */

import { ImageError, toDigit } from "../mnist/grey.ts";
import { color, onLookChange } from "./theme.ts";

/** Side of the bitmap; drawings are kept in shares of it. */
const SIDE = 280;
/** A stroke is as wide as those of MNIST: its digits are 20 pixels high, their strokes about 2.5. */
const STROKE = 0.075;
const GRID = 28;

type Point = readonly [x: number, y: number];

/** A square to draw on. */
export class Pad {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #onChange: () => void;
  #strokes: Point[][] = [];
  #image: Uint8Array | null = null;

  /** @param onChange Called after each change of what is drawn. */
  constructor(canvas: HTMLCanvasElement, onChange: () => void) {
    this.#canvas = canvas;
    this.#onChange = onChange;
    canvas.width = canvas.height = SIDE;
    this.#context = canvas.getContext("2d", { willReadFrequently: true })!;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#go(event));
    onLookChange(() => this.#redraw());
  }

  /** True when nothing is drawn. */
  get empty(): boolean {
    return this.#strokes.length === 0 && this.#image === null;
  }

  /** Wipes it. */
  clear(): void {
    this.#strokes = [];
    this.#image = null;
    this.#redraw();
    this.#onChange();
  }

  /** Shows an image of 784 grey levels instead of what is drawn. */
  show(image: Uint8Array): void {
    this.#strokes = [];
    this.#image = image;
    this.#redraw();
    this.#onChange();
  }

  /** 784 values from 0 (paper) to 1 (ink), centered and scaled as MNIST's digits are; null when nothing is drawn. */
  pixels(): Float32Array | null {
    if (this.#image !== null && this.#strokes.length === 0) {
      return Float32Array.from(this.#image, (level) => level / 255);
    }
    const { data } = this.#context.getImageData(0, 0, SIDE, SIDE);
    const values = Float32Array.from({ length: SIDE * SIDE }, (_, i) => data[4 * i + 3]! / 255);
    try {
      return toDigit({ width: SIDE, height: SIDE, values });
    } catch (error) {
      if (error instanceof ImageError) return null;
      throw error;
    }
  }

  #begin(event: PointerEvent): void {
    if (event.button !== 0) return;
    event.preventDefault();
    this.#canvas.setPointerCapture(event.pointerId);
    if (this.#image !== null) this.#image = null;
    this.#strokes.push([this.#place(event)]);
    this.#redraw();
    this.#onChange();
  }

  #go(event: PointerEvent): void {
    if (!this.#canvas.hasPointerCapture(event.pointerId) || this.#strokes.length === 0) return;
    // Between two frames a hand moves further than from point to point.
    const events = event.getCoalescedEvents?.() ?? [];
    const stroke = this.#strokes.at(-1)!;
    for (const each of events.length > 0 ? events : [event]) stroke.push(this.#place(each));
    this.#redraw();
    this.#onChange();
  }

  #place({ clientX, clientY }: PointerEvent): Point {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    return [(clientX - left) / width, (clientY - top) / height];
  }

  #redraw(): void {
    const context = this.#context;
    context.clearRect(0, 0, SIDE, SIDE);
    context.fillStyle = context.strokeStyle = color("ink");
    if (this.#image !== null) {
      const size = SIDE / GRID;
      this.#image.forEach((level, i) => {
        context.globalAlpha = level / 255;
        context.fillRect((i % GRID) * size, Math.floor(i / GRID) * size, size, size);
      });
      context.globalAlpha = 1;
    }
    context.lineWidth = STROKE * SIDE;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.#strokes) {
      context.beginPath();
      const [first, ...others] = stroke.map(([x, y]) => [x * SIDE, y * SIDE] as const) as [Point, ...Point[]];
      context.moveTo(...first);
      // Curves from middle to middle, bent by the points between: no corners where events were far apart.
      others.forEach(([x, y], i) => {
        const [nextX, nextY] = others[i + 1] ?? [x, y];
        context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
      });
      if (others.length === 0) context.lineTo(...first);
      context.stroke();
    }
  }
}

/** Draws 784 values from 0 (paper) to 1 (ink) on a small canvas, one pixel each. */
export function drawPixels(canvas: HTMLCanvasElement, pixels: ArrayLike<number>): void {
  canvas.width = canvas.height = GRID;
  const context = canvas.getContext("2d")!;
  context.fillStyle = color("ink");
  context.clearRect(0, 0, GRID, GRID);
  for (let i = 0; i < pixels.length; i++) {
    context.globalAlpha = pixels[i]!;
    context.fillRect(i % GRID, Math.floor(i / GRID), 1, 1);
  }
  context.globalAlpha = 1;
}
