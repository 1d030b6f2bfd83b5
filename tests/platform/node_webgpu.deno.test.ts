/**
 * The GPU device under Node: the package `webgpu` (Dawn) on the software adapter that Chromium brings along.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT, run, temporaryFolder, versionOf } from "./processes.ts";

/** SwiftShader, as Debian installs it. Dawn refuses Debian's lavapipe. */
const DRIVER = "/usr/lib/chromium/vk_swiftshader_icd.json";
const VITEST = join("node_modules", "vitest", "vitest.mjs");
const OLDEST = 20;

const version = versionOf("node");
const reason = version === null
  ? "there is no node here"
  : Number(/^v([0-9]+)/.exec(version)![1]) < OLDEST
  ? `node here is ${version}, at least ${OLDEST} is needed`
  : !existsSync(join(ROOT, "node_modules", "webgpu"))
  ? "the package webgpu is not installed, deno install"
  : !existsSync(DRIVER)
  ? `there is no ${DRIVER}, apt-get install chromium`
  : null;
if (reason !== null) console.log(`the GPU device under Node is not tested: ${reason}`);

/** What matters of vitest's report. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

describe.skipIf(reason !== null)(
  `the GPU device, node ${reason === null ? version : `skipped: ${reason}`}`,
  () => {
    const folder = temporaryFolder();

    test("the core of its tests passes on Dawn and SwiftShader", async () => {
      const file = join(folder, "report.json");
      const config = join("tests", "platform", "node_webgpu.config.ts");
      const { code, stdout, stderr } = await run(
        "node",
        [VITEST, "run", "--config", config, `--outputFile=${file}`],
        { env: { VK_DRIVER_FILES: DRIVER, XDG_RUNTIME_DIR: folder }, seconds: 400 },
      );
      expect(existsSync(file), stdout + stderr).toBe(true);
      const report = JSON.parse(readFileSync(file, "utf8")) as Report;
      const problems = report.testResults.flatMap(({ name, status, message, assertionResults }) => {
        const failed = assertionResults.filter((one) => one.status === "failed")
          .map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages[0]}`);
        return status === "passed" || failed.length > 0 ? failed : [`${name}: ${message}`];
      });
      expect(problems).toEqual([]);
      expect({ code, failed: report.numFailedTests }, stderr).toEqual({ code: 0, failed: 0 });
      // Without an adapter nearly all of them would be skipped.
      expect(report.numPassedTests).toBeGreaterThan(250);
    }, 420_000);
  },
);
