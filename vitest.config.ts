/**
 * How the tests run: `deno task test`, optionally with a path or `--project cpu`.
 *
 * @module
 */

import { defineConfig, type ViteUserConfig } from "vitest/config";
import { workspaceAliases } from "./tests/workspace_alias.ts";

const config: ViteUserConfig = defineConfig({
  test: {
    reporters: ["default", "./tests/reporter.ts"],
    projects: [
      {
        resolve: { alias: workspaceAliases(import.meta.dirname!) },
        test: {
          name: "cpu",
          include: ["tests", "packages", "kernels-wasm", "kernels-webgpu", "tools", "docs"]
            .map((folder) => `${folder}/**/*.test.ts`),
          exclude: ["**/node_modules/**", "**/*.browser.test.ts"],
          // Under Deno the `threads` and `vmThreads` pools do not start.
          pool: "forks",
          setupFiles: ["./tests/setup_leaks.ts"],
          testTimeout: 120_000,
        },
      },
    ],
  },
});

export default config;
