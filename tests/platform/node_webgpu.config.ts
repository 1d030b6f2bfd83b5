/**
 * The core of the tests of the GPU kernels under Node, where the package `webgpu` brings a WebGPU of its own (Dawn);
 * `node_webgpu.deno.test.ts` starts it.
 *
 * @module
 */

import { join } from "node:path";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { workspaceAliases } from "../workspace_alias.ts";

/** Without those that take long on a software adapter. */
const FILES = [
  "backend",
  "recorder",
  "memory",
  "data",
  "pointwise",
  "reduce",
  "gather",
  "rows",
  "conv",
  "gemm",
  "recurrent",
  "linalg",
  "edges",
  "split",
  "attention",
];

const root = join(import.meta.dirname!, "..", "..");

const config: ViteUserConfig = defineConfig({
  root,
  resolve: { alias: workspaceAliases(root) },
  test: {
    reporters: ["json"],
    include: FILES.map((name) => `kernels-webgpu/src/${name}.test.ts`),
    pool: "forks",
    fileParallelism: false,
    setupFiles: ["./tests/platform/node_webgpu_setup.ts", "./tests/setup_leaks.ts"],
    testTimeout: 60_000,
  },
});

export default config;
