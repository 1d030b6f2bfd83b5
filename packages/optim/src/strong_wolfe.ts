/**
 * A line search for a step that satisfies the strong Wolfe conditions: enough descent, and a slope that has become flat
 * enough. A bracket is found by growing steps, then narrowed by cubic interpolation.
 *
 * Nocedal and Wright, Numerical Optimization, 2nd ed., algorithms 3.5 and 3.6, with the safeguards of minFunc
 * (https://www.cs.ubc.ca/~schmidtm/Software/minFunc.html), as PyTorch has them.
 *
 * @module
 */

import type { Tensor } from "@flambeau/tensor";
import type { Task } from "./task.ts";

/** A place on the line. */
export interface Point {
  /** Distance in steps of the direction. */
  readonly t: number;
  /** The loss. */
  readonly loss: number;
  /** The gradient of all parameters. */
  readonly grad: Tensor;
  /** The slope of the loss along the direction. */
  readonly slope: number;
}

/** Enough descent: this share of what the slope at the start promises. */
const DESCENT = 1e-4;
/** Flat enough: this share of the slope at the start. */
const CURVATURE = 0.9;
const MAX_EVALUATIONS = 25;
/** A bracket that moves no parameter by more is narrow enough. */
const TOLERANCE = 1e-9;

/**
 * Searches from `start` along a direction.
 *
 * @param evaluate Gives the point at `t`. Points that are not returned are freed, but for `start`.
 * @param length The largest element of the direction.
 */
export function* strongWolfe(
  evaluate: (t: number) => Task<Point>,
  start: Point,
  t: number,
  length: number,
): Task<{ point: Point; evaluations: number }> {
  const tooHigh = (p: Point): boolean => p.loss > start.loss + DESCENT * p.t * start.slope;
  const flat = (p: Point): boolean => Math.abs(p.slope) <= -CURVATURE * start.slope;
  const free = (p: Point, ...used: readonly Point[]): void => {
    if (p !== start && used.every(({ grad }) => grad !== p.grad)) p.grad.dispose();
  };

  let previous = start;
  let point = yield* evaluate(t);
  let searched = 0; // evaluations after the first
  let bracket: [Point, Point] | null = null;
  for (; searched < MAX_EVALUATIONS; searched++) {
    if (tooHigh(point) || (searched > 1 && point.loss >= previous.loss)) {
      bracket = [previous, point];
      break;
    }
    if (flat(point)) {
      free(previous);
      return { point, evaluations: searched + 1 };
    }
    if (point.slope >= 0) {
      bracket = [previous, point];
      break;
    }
    const bounds = [point.t + 0.01 * (point.t - previous.t), point.t * 10] as const;
    const next = cubicMinimum(previous, point, bounds);
    free(previous);
    previous = point;
    point = yield* evaluate(next);
  }
  if (bracket === null) {
    free(previous, point);
    bracket = [start, point];
  }

  let low: 0 | 1 = bracket[0].loss <= bracket[1].loss ? 0 : 1;
  let stuck = false;
  while (searched < MAX_EVALUATIONS && Math.abs(bracket[1].t - bracket[0].t) * length >= TOLERANCE) {
    let next = cubicMinimum(bracket[0], bracket[1]);
    const [left, right] = [Math.min(bracket[0].t, bracket[1].t), Math.max(bracket[0].t, bracket[1].t)];
    const margin = 0.1 * (right - left);
    if (Math.min(right - next, next - left) < margin) {
      // Too near to an end, for the second time or beyond it: a tenth of the way in.
      if (stuck || next >= right || next <= left) {
        next = Math.abs(next - right) < Math.abs(next - left) ? right - margin : left + margin;
        stuck = false;
      } else stuck = true;
    } else stuck = false;

    point = yield* evaluate(next);
    searched++;
    const high = 1 - low as 0 | 1;
    if (tooHigh(point) || point.loss >= bracket[low].loss) {
      free(bracket[high]);
      bracket[high] = point;
      low = bracket[0].loss <= bracket[1].loss ? 0 : 1;
      continue;
    }
    const done = flat(point);
    const dropped = !done && point.slope * (bracket[high].t - bracket[low].t) >= 0 ? high : low;
    free(bracket[dropped]);
    if (dropped === high) bracket[high] = bracket[low];
    bracket[low] = point;
    if (done) break;
  }
  free(bracket[1 - low as 0 | 1], bracket[low]);
  return { point: bracket[low], evaluations: searched + 1 };
}

/** Where the cubic through two points with their slopes is least, within bounds; their middle where it has no minimum. */
function cubicMinimum(
  p: Point,
  q: Point,
  [low, high]: readonly [number, number] = [Math.min(p.t, q.t), Math.max(p.t, q.t)],
): number {
  const d = p.slope + q.slope - 3 * (p.loss - q.loss) / (p.t - q.t);
  const square = d * d - p.slope * q.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const [left, right] = p.t <= q.t ? [p, q] : [q, p];
  const r = Math.sqrt(square);
  const t = right.t - (right.t - left.t) * ((right.slope + r - d) / (right.slope - left.slope + 2 * r));
  return Math.min(Math.max(t, low), high);
}
