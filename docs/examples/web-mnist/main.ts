/**
 * Builds the page and serves it: `deno task web-mnist`, optionally with `--port N` or `--build` to write `dist/` only.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { build, DIST } from "./build.ts";
import { serveFolder } from "./serve.ts";

const { values } = parseArgs({
  options: { port: { type: "string", default: "8080" }, build: { type: "boolean", default: false } },
});

await build();
if (values.build) {
  console.log(`Built in ${DIST}`);
} else {
  try {
    const { url } = await serveFolder(DIST, Number(values.port));
    console.log(`Open ${url} (Ctrl+C ends)`);
  } catch (error) {
    console.error(`web-mnist: Cannot serve on port ${values.port}: ${(error as Error).message}`);
    process.exitCode = 2;
  }
}
