/**
 * The umbrella: re-exports the library, installs autograd and picks the backend.
 *
 * @module
 */

export {};
