/**
 * An edge runtime: workerd runs the library, compiling the kernels as it starts or with a module that it compiled itself.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, test } from "vitest";
import { bundle } from "./bundle.ts";
import { expectSameOutcome } from "./outcome.ts";
import { ROOT, run, temporaryFolder } from "./processes.ts";
import type { Outcome } from "./program.ts";

const EDGE = join(ROOT, "tests/platform/edge");
const folder = temporaryFolder();
const reason = await install();

/** Installs workerd in a folder of its own, because the binary is large. Answers why it cannot be used, or null. */
async function install(): Promise<string | null> {
  if (!("Deno" in globalThis)) return "skipped: these tests do not run in Deno";
  if (process.platform !== "linux" || process.arch !== "x64") {
    return `skipped: the binary is for linux x64, this is ${process.platform} ${process.arch}`;
  }
  copyFileSync(join(EDGE, "deno.json"), join(folder, "deno.json"));
  const env = Object.fromEntries(
    ["HOME", "DENO_DIR", "NPM_CONFIG_REGISTRY", "NPM_CONFIG_USERCONFIG", "HTTPS_PROXY", "SSL_CERT_FILE"]
      .flatMap((name) => process.env[name] === undefined ? [] : [[name, process.env[name]]]),
  );
  const { code, stderr } = await run(process.execPath, ["install"], { cwd: folder, env });
  return code === 0 ? null : `skipped: workerd could not be installed: ${stderr.trim().split("\n").at(-1)}`;
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    })
  );
}

/** Starts a worker, asks it once, and stops it. */
async function ask(source: string, date: string): Promise<Outcome> {
  writeFileSync(join(folder, "worker.js"), await bundle({ source, external: ["simd.wasm"] }));
  copyFileSync(join(ROOT, "kernels-wasm/src/generated/simd.wasm"), join(folder, "simd.wasm"));
  const port = await freePort();
  const config = readFileSync(join(EDGE, "config.capnp"), "utf8").replace("PORT", String(port)).replace(
    "DATE",
    date,
  );
  writeFileSync(join(folder, "config.capnp"), config);
  const binary = join(folder, "node_modules/@cloudflare/workerd-linux-64/bin/workerd");
  const child = spawn(binary, ["serve", "config.capnp"], {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => complaints += text);
  const ended = new Promise<void>((resolve) =>
    child.once("close", () => resolve()).once("error", () => resolve())
  );
  try {
    const answer = await firstAnswer(child, `http://127.0.0.1:${port}/`);
    if (answer === null) throw new Error(complaints);
    expect(answer).toMatch(/^\{/); // else it is the stack of an error
    return JSON.parse(answer) as Outcome;
  } finally {
    child.kill();
    await ended;
  }
}

/** Asks until the worker listens. Null when it ended without an answer. */
async function firstAnswer(child: ChildProcess, url: string): Promise<string | null> {
  for (let patience = 200; patience > 0 && child.exitCode === null; patience--) {
    try {
      return await (await fetch(url)).text();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return null;
}

const ANSWER = `
  export default {
    async fetch() {
      try {
        return Response.json(await run());
      } catch (error) {
        return new Response(error.stack, { status: 500 });
      }
    },
  };`;

describe.skipIf(reason !== null)(`workerd ${reason ?? ""}`, () => {
  test("kernels that are compiled as the worker starts", async () => {
    const outcome = await ask(`import { run } from "./program.ts"; ${ANSWER}`, "2026-11-01");
    expect(outcome.threads).toBe(1);
    await expectSameOutcome(outcome);
  });

  test("a module that is handed in, where compiling is forbidden", async () => {
    const source = `
      import simd from "simd.wasm";
      import { createWasmBackend } from "@flambeau/kernels-wasm";
      import { hostKernels } from "@flambeau/reference";
      import { registerBackend, setDefaultDevice } from "@flambeau/tensor";
      import { run } from "./program.ts";
      registerBackend(createWasmBackend({ module: simd, fallback: hostKernels }));
      setDefaultDevice("cpu");
      ${ANSWER}`;
    await expectSameOutcome(await ask(source, "2025-05-20"));
  });
});
