/**
 * The reference backend: plain TypeScript, clear over fast, the oracle of the tests and the fallback of the CPU device.
 *
 * @module
 */

export { createReferenceBackend } from "./src/backend.ts";
export type { HostDispatch } from "./src/iterate.ts";
export { hostKernels } from "./src/kernels.ts";
