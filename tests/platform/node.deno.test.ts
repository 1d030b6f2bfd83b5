/**
 * Node: one bundled file runs from version 20 on, gives the same numbers, and the process ends by itself.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bundle } from "./bundle.ts";
import { expectSameOutcome } from "./outcome.ts";
import { run, temporaryFolder, versionOf } from "./processes.ts";
import type { Outcome } from "./program.ts";

const version = versionOf("node");
const OLDEST = 20;
const reason = version === null
  ? "skipped: there is no node here"
  : Number(/^v([0-9]+)/.exec(version)![1]) < OLDEST
  ? `skipped: node here is ${version}, at least ${OLDEST} is needed`
  : null;

describe.skipIf(reason !== null)(`node ${reason ?? version}`, () => {
  const folder = temporaryFolder();

  test("the library gives the same numbers as here, and the process ends", async () => {
    const file = join(folder, "program.mjs");
    const source = `
      import { run } from "./program.ts"; 
      console.log(JSON.stringify({ version: process.version, outcome: await run() }));`;
    writeFileSync(file, await bundle({ source, target: `node${OLDEST}` }));
    const ended = await run("node", [file], { cwd: folder });
    expect({ ...ended, stdout: "" }).toEqual({ code: 0, stdout: "", stderr: "" });
    const printed = JSON.parse(ended.stdout) as { version: string; outcome: Outcome };
    expect(printed.version).toBe(version);
    await expectSameOutcome(printed.outcome);
  });

  test("a user's program trains", async () => {
    const file = join(folder, "xor.mjs");
    writeFileSync(file, await bundle({ source: `import "./xor.ts";`, target: `node${OLDEST}` }));
    expect(await run("node", [file], { cwd: folder })).toEqual({
      code: 0,
      stdout: "[0,1,1,0]\n",
      stderr: "",
    });
  });

  test("tensors are written to a file and read again", async () => {
    const file = join(folder, "files.mjs");
    const source = `
      import * as torch from "@flambeau/torch";
      const path = ${JSON.stringify(join(folder, "x.safetensors"))};
      await torch.save(new Map([["x", torch.arange(6).reshape([2, 3])]]), path);
      console.log(JSON.stringify(await (await torch.load(path)).get("x").toArray()));`;
    writeFileSync(file, await bundle({ source, target: `node${OLDEST}` }));
    expect(await run("node", [file], { cwd: folder })).toEqual({
      code: 0,
      stdout: "[[0,1,2],[3,4,5]]\n",
      stderr: "",
    });
  });
});
