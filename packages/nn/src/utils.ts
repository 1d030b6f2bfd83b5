/**
 * Helpers around modules: `torch.nn.utils`.
 *
 * @module
 */

export * as rnn from "./utils/rnn.ts";
