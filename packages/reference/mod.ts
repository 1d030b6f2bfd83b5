/**
 * The reference backend: plain TypeScript, clear over fast, the oracle of the tests.
 *
 * @module
 */

export {};
