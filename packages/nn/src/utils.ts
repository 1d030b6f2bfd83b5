/**
 * Helpers around modules: `torch.nn.utils`.
 *
 * @module
 */

export * from "./utils/clip.ts";
export * from "./utils/fusion.ts";
export * as parametrizations from "./utils/parametrizations.ts";
export * as parametrize from "./utils/parametrize.ts";
export * as rnn from "./utils/rnn.ts";
export { removeSpectralNorm, spectralNorm, type SpectralNormOptions } from "./utils/spectral_norm.ts";
export * from "./utils/vector.ts";
export * from "./utils/weight_norm.ts";
