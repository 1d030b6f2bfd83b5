/**
 * Finding the forward operation behind a bad gradient.
 *
 * @module
 */

import type { ModeGuard } from "@flambeau/tensor";
import { anomaly } from "./node.ts";

/** Options of {@linkcode setDetectAnomaly}. */
export interface AnomalyOptions {
  /** Also throw when a gradient is NaN. Default true. */
  readonly checkNan?: boolean;
}

/**
 * Turns anomaly detection on or off: errors of a backward pass then name the forward call, and NaN gradients are errors.
 * Slow: every recorded operation notes its stack.
 *
 * @see https://pytorch.org/docs/stable/autograd.html#anomaly-detection
 */
export function setDetectAnomaly(enabled: boolean, options: AnomalyOptions = {}): ModeGuard {
  const before = { ...anomaly };
  anomaly.enabled = enabled;
  anomaly.checkNan = options.checkNan ?? true;
  const dispose = () => void Object.assign(anomaly, before);
  return { dispose, [Symbol.dispose]: dispose };
}

/** Runs `body` with anomaly detection on. */
export function detectAnomaly<R>(body: () => R, options: AnomalyOptions = {}): R {
  const guard = setDetectAnomaly(true, options);
  try {
    return body();
  } finally {
    guard.dispose();
  }
}
