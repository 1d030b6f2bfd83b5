/**
 * Runs the two fixtures beside it under the leak check, as the root's configuration runs every test file.
 *
 * @module
 */

import { join } from "node:path";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { workspaceAliases } from "../workspace_alias.ts";

const root = join(import.meta.dirname!, "..", "..");

const config: ViteUserConfig = defineConfig({
  resolve: { alias: workspaceAliases(root) },
  test: {
    root,
    include: ["tests/leaks/*.fixture.ts"],
    pool: "forks",
    setupFiles: ["tests/setup_leaks.ts"],
    reporters: ["json"],
  },
});

export default config;
