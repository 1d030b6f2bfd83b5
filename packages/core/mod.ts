/**
 * What everything rests on: dtypes, shapes, errors, primitives and their inference rules, graphs, programs and the backend interface.
 *
 * @module
 */

export {};
