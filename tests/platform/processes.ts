/**
 * Programs that tests start, and where they put files.
 *
 * @module
 */

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

/** The root of the repository. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** How a program ended. */
export interface Ended {
  /** Its exit code; null if it had to be killed because it did not end in time. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program until it ends, in an environment of only the variables given. */
export function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string>; readonly seconds?: number } = {},
): Promise<Ended> {
  const { cwd = ROOT, env = {}, seconds = 60 } = options;
  // Through a shell and a variable: Deno gives all its permissions to a Deno that it finds on the command line.
  const child = spawn("/bin/sh", ["-c", 'exec "$PROGRAM" "$@"', "sh", ...args], {
    cwd,
    env: { NO_COLOR: "1", PATH: process.env["PATH"], PROGRAM: command, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), seconds * 1000);
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => stdout += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}

/** What `command --version` prints on its first line, or null where there is no such program. */
export function versionOf(command: string): string | null {
  const { status, stdout } = spawnSync(command, ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.split("\n")[0]! : null;
}

/** A folder that is removed after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "flambeau-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
