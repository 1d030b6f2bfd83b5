/**
 * Grey images of any size, and how they become what the network was trained on.
 *
 * @module
 */

/** An image of grey values in row-major order, 0 is black and 1 is white. */
export interface Grey {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** An image that cannot be read. */
export class ImageError extends Error {}

const SIDE = 28;
/** MNIST scales the longer side of each digit to 20 pixels and puts its center of mass in the middle of 28. */
const BOX = 20;

/**
 * 784 values from 0 (paper) to 1 (ink), prepared as MNIST's digits are. An image of 28 × 28 is only inverted where needed.
 *
 * @throws {ImageError} If there is nothing on the image.
 */
export function toDigit(image: Grey): Float32Array {
  const ink = inkOf(image);
  if (ink.width === SIDE && ink.height === SIDE) return ink.values;
  const box = inkBox(ink);
  const scale = BOX / Math.max(box.right - box.left, box.bottom - box.top);
  const [centerX, centerY] = centerOfMass(ink);
  const out = new Float32Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      out[y * SIDE + x] = mean(
        ink,
        centerX + (x - SIDE / 2) / scale,
        centerY + (y - SIDE / 2) / scale,
        1 / scale,
      );
    }
  }
  const most = Math.max(...out);
  return out.map((value) => value / most);
}

/** Ink is what differs from the paper, and the paper is what the border shows. Scaled to reach from 0 to 1. */
function inkOf({ width, height, values }: Grey): Grey {
  let sum = 0;
  let count = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (x > 0 && y > 0 && x < width - 1 && y < height - 1) continue;
      sum += values[y * width + x]!;
      count++;
    }
  }
  const bright = sum / count > 0.5;
  const paper = bright ? Math.max(...sampled(values)) : Math.min(...sampled(values));
  const raw = values.map((value) => bright ? paper - value : value - paper);
  const most = raw.reduce((max, value) => Math.max(max, value), 0);
  if (most < 0.05) throw new ImageError("there is nothing on the image");
  return { width, height, values: raw.map((value) => Math.max(0, value / most)) };
}

/** At most some thousand of the values, which is few enough to spread. */
function sampled(values: Float32Array): Float32Array {
  const step = Math.ceil(values.length / 4096);
  return values.filter((_, i) => i % step === 0);
}

function inkBox(
  { width, height, values }: Grey,
): { left: number; right: number; top: number; bottom: number } {
  const box = { left: width, right: 0, top: height, bottom: 0 };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (values[y * width + x]! < 0.3) continue;
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x + 1);
      box.top = Math.min(box.top, y);
      box.bottom = Math.max(box.bottom, y + 1);
    }
  }
  return box;
}

function centerOfMass({ width, values }: Grey): [x: number, y: number] {
  let [sum, sumX, sumY] = [0, 0, 0];
  for (const [i, value] of values.entries()) {
    sum += value;
    sumX += value * (i % width + 0.5);
    sumY += value * (Math.floor(i / width) + 0.5);
  }
  return [sumX / sum, sumY / sum];
}

/** Mean over a square whose upper left corner is at (x, y), weighted by how much of each pixel it covers. */
function mean({ width, height, values }: Grey, x: number, y: number, size: number): number {
  let sum = 0;
  for (let row = Math.max(0, Math.floor(y)); row < Math.min(height, y + size); row++) {
    const rows = Math.min(row + 1, y + size) - Math.max(row, y);
    for (let column = Math.max(0, Math.floor(x)); column < Math.min(width, x + size); column++) {
      sum += values[row * width + column]! * rows * (Math.min(column + 1, x + size) - Math.max(column, x));
    }
  }
  return sum / (size * size);
}
