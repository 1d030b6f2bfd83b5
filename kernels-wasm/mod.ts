/**
 * The CPU backend: WASM SIMD kernels compiled from AssemblyScript.
 *
 * @module
 */

export {};
