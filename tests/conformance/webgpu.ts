/**
 * The forward tests on the GPU device, in parts: each is a file of its own and so a process of its own.
 *
 * A software driver keeps what it compiled until its process ends, about half a megabyte for each of some 8,000
 * shaders, so all of them in one process take 5 GB. Nothing that the library does gives that back, not even destroying
 * the device.
 *
 * @module
 */

import { readdirSync } from "node:fs";
import process from "node:process";
import type { Name } from "@flambeau/core";
import { opInfos } from "@flambeau/testing";
import { describe, expect, test } from "vitest";
import { gpuRow } from "./backends.ts";
import { testForward } from "./forward.ts";

/** Number of parts: of the files `webgpu_*.test.ts`. */
const PARTS = 12;

/** Bytes that a process may take. */
const MOST_BYTES = 2 * 2 ** 30;

/** Makes the tests of every {@linkcode PARTS}-th primitive. */
export function testGpu(part: number): void {
  test("every part has its file", () => {
    const files = readdirSync(import.meta.dirname!).filter((name) => /^webgpu_\d+\.test\.ts$/.test(name));
    expect(files.sort()).toEqual(Array.from({ length: PARTS }, (_, i) => `webgpu_${i}.test.ts`).sort());
  });
  const names = (Object.keys(opInfos) as Name[]).filter((_, i) => i % PARTS === part);
  if (gpuRow === null) {
    test.skip(`webgpu, part ${part} (skipped: this runtime has no WebGPU adapter)`, () => {});
    return;
  }
  const row = gpuRow;
  describe(`webgpu, part ${part}`, () => testForward(row, names));

  test("the process stays small", () => {
    expect(process.memoryUsage().rss).toBeLessThan(MOST_BYTES);
  });
}
