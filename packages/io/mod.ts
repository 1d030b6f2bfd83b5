/**
 * Model files: reading and writing tensors and state dicts.
 *
 * @module
 */

export {};
