/**
 * Tensors and the functions over them: views, in-place writes, indexing, printing, random numbers, scopes.
 *
 * @module
 */

export {};
