/**
 * Deno: no permission is asked for, neither by importing nor by training.
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bundle } from "./bundle.ts";
import { run, temporaryFolder } from "./processes.ts";

const deno = "Deno" in globalThis ? process.execPath : null;
const TRAINED = "[0,1,1,0]\n";
const NOTHING_ALLOWED = ["read", "write", "net", "env", "run", "sys", "ffi"].map((name) => `--deny-${name}`);

/** An access that a permission guards. */
interface Request {
  readonly permission: string;
  readonly value: string;
}

describe.skipIf(deno === null)(
  `deno ${deno === null ? "(skipped: these tests do not run in Deno)" : ""}`,
  () => {
    const folder = temporaryFolder();

    /** Runs a program and lists what it asked the runtime's permissions for. */
    async function audited(args: string[]): Promise<{ stdout: string; requests: Request[] }> {
      const log = join(folder, "audit.jsonl");
      writeFileSync(log, "");
      const { stdout } = await run(deno!, ["run", ...args], { env: { DENO_AUDIT_PERMISSIONS: log } });
      const lines = readFileSync(log, "utf8").split("\n").filter((line) => line !== "");
      const requests = lines.map((line) => JSON.parse(line) as Request).map(({ permission, value }) => ({
        permission,
        value,
      }));
      return { stdout, requests };
    }

    test("a program that trains asks for no permission", async () => {
      const ended = await run(deno!, ["run", "--no-prompt", "tests/platform/xor.ts"]);
      expect(ended).toEqual({ code: 0, stdout: TRAINED, stderr: "" });
    });

    test("nothing is allowed: no file, variable, program, library or network is needed", async () => {
      const ended = await run(deno!, ["run", "--no-prompt", ...NOTHING_ALLOWED, "tests/platform/xor.ts"]);
      expect(ended).toEqual({ code: 0, stdout: TRAINED, stderr: "" });
    });

    test("programs really start without permissions", async () => {
      const file = join(folder, "reads.ts");
      writeFileSync(file, `Deno.env.get("FLAMBEAU");`);
      const ended = await run(deno!, ["run", "--no-prompt", file]);
      expect(ended.code).toBe(1);
      expect(ended.stderr).toContain("NotCapable");
    });

    test("nothing is looked at that would need a permission, not even where that is caught", async () => {
      const everything = await audited(["--allow-all", "tests/platform/xor.ts"]);
      expect(everything.requests).toEqual([]);
      expect(everything.stdout).toBe(TRAINED);

      const file = join(folder, "looks.ts");
      writeFileSync(file, `try { Deno.env.get("FLAMBEAU"); } catch { console.log("caught"); }`);
      const looks = await audited(["--no-prompt", file]);
      expect(looks.stdout).toBe("caught\n");
      expect(looks.requests).toEqual([{ permission: "env", value: "FLAMBEAU" }]);
    });

    test("one bundled file trains without permission and without configuration", async () => {
      const file = join(folder, "xor.js");
      writeFileSync(file, await bundle({ source: `import "./xor.ts";` }));
      const ended = await run(deno!, ["run", "--no-prompt", "--no-config", ...NOTHING_ALLOWED, file], {
        cwd: folder,
      });
      expect(ended).toEqual({ code: 0, stdout: TRAINED, stderr: "" });
    });
  },
);
