/**
 * What is known of adapters that compute on the CPU.
 *
 * @module
 */

/** Adapters that compute on the CPU and do not always say so. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i;

/** Those of Mesa compile by LLVM, in time that grows with the text. */
const MESA = /llvmpipe|lavapipe/i;

/** True for adapters that compute on the CPU, by what the runtime tells of them. */
export function isSoftware(info: GPUAdapterInfo | undefined): boolean {
  const { isFallbackAdapter } = (info ?? {}) as { isFallbackAdapter?: boolean };
  const words = [info?.description, info?.device, info?.architecture, info?.vendor].join(" ");
  return isFallbackAdapter === true || SOFTWARE.test(words);
}

/**
 * True for adapters whose compiler takes far longer than in proportion for long texts: all software but Mesa's.
 *
 * @param facts Whether the adapter computes on the CPU, and what it is called.
 */
export function compilesSlowly(facts: { readonly isFallback: boolean; readonly adapter: string }): boolean {
  return facts.isFallback && !MESA.test(facts.adapter);
}
