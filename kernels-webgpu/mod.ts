/**
 * The GPU backend: WebGPU kernels written in WGSL.
 *
 * @module
 */

export {};
