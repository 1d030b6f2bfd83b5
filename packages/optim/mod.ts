/**
 * Optimizers and learning-rate schedulers.
 *
 * @module
 */

export {};
