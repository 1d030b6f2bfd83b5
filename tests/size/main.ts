/**
 * Prints how much a user downloads: `deno task size`, or `deno task size --write` to write it down.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import process from "node:process";
import { knownSizes, measureSizes, SIZES_FILE } from "./measure.ts";

const sizes = await measureSizes();
const write = process.argv.includes("--write");
const known = write ? {} : knownSizes();
for (const [name, { minified, gzip }] of Object.entries(sizes)) {
  const before = known[name];
  const change = before === undefined ? "" : `  ${(100 * (gzip / before.gzip - 1)).toFixed(1).padStart(5)} %`;
  const kilobytes = [minified, gzip].map((bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(10));
  console.log(`${name.padEnd(32)} minified ${kilobytes[0]}  gzip ${kilobytes[1]}${change}`);
}
if (write) writeFileSync(SIZES_FILE, `${JSON.stringify(sizes, null, 2)}\n`);
