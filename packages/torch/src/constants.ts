/**
 * The numbers that PyTorch has names for.
 *
 * @module
 */

/** Euler's number, `torch.e`. */
export const e: number = Math.E;

/** Positive infinity, `torch.inf`. */
export const inf: number = Infinity;

/** Not a number, `torch.nan`. */
export const nan: number = NaN;

/** The ratio of a circle's circumference to its diameter, `torch.pi`. */
export const pi: number = Math.PI;
