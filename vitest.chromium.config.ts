/**
 * The unit tests in a page of Chromium: `deno task test:chromium`, optionally with a path. Not a part of `deno task test`, so
 * that this one needs no browser.
 *
 * @module
 */

import { join } from "node:path";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { launchOptions } from "./tests/platform/chromium.ts";
import { ISOLATION } from "./tests/platform/server.ts";
import { workspaceAliases } from "./tests/workspace_alias.ts";

/** Folders whose tests run in a page. */
const FOLDERS = [
  "packages/core",
  "packages/tensor",
  "packages/autograd",
  "packages/nn",
  "packages/optim",
  "packages/data",
  "packages/compiler",
  "packages/torch",
  "kernels-wasm",
  "kernels-webgpu",
];

/** Tests that look into folders, start programs or read installed packages, which pages cannot. */
const NEEDS_SYSTEM = [
  "packages/data/src/mnist.test.ts",
  "packages/nn/src/printed_names.test.ts",
  "kernels-wasm/src/data.test.ts",
  "kernels-wasm/src/packed.test.ts",
  "kernels-wasm/src/threads.test.ts",
];

const config: ViteUserConfig = defineConfig({
  resolve: {
    alias: [
      ...workspaceAliases(import.meta.dirname!),
      { find: "node:fs", replacement: join(import.meta.dirname!, "tests/platform/fs_in_page.ts") },
    ],
  },
  // What is found only while tests run would reload the page under one of them.
  optimizeDeps: { include: ["fast-check"] },
  // With these a page may share memory with its workers, so that the kernels run on several threads.
  server: { headers: { ...ISOLATION } },
  test: {
    name: "chromium",
    reporters: ["default", "./tests/reporter.ts"],
    include: FOLDERS.map((folder) => `${folder}/src/**/*.test.ts`),
    exclude: ["**/node_modules/**", "**/*.deno.test.ts", ...NEEDS_SYSTEM],
    setupFiles: ["./tests/setup_leaks.ts"],
    testTimeout: 30_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions }),
      instances: [{ browser: "chromium" }],
    },
  },
});

export default config;
