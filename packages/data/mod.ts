/**
 * Datasets, samplers and loaders.
 *
 * @module
 */

export {};
