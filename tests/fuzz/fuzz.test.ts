/**
 * A fixed set of random programs, with what PyTorch made of them, on the CPU and on the reference.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import * as torch from "@flambeau/torch";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checks, runProgram } from "./machine.ts";
import { runNetwork } from "./network.ts";
import type { Program } from "./program.ts";

const programs: Program[] = JSON.parse(
  readFileSync(new URL("./testdata/programs.json", import.meta.url), "utf8"),
);
const categories = [...new Set(programs.map(({ category }) => category))];
const first = torch.getDefaultDevice();

beforeAll(() => {
  checks.names = false;
});
afterAll(() => torch.setDefaultDevice(first));

describe.each(["cpu", "reference"])("on %s", (device) => {
  test.each(categories)("%s: as PyTorch", async (category) => {
    torch.setDefaultDevice(device);
    const failures: string[] = [];
    for (const program of programs) {
      if (program.category !== category) continue;
      try {
        if (program.network === undefined) await runProgram(program);
        else await runNetwork(program.network);
      } catch (error) {
        failures.push(`${program.id}: ${(error as Error).message}`);
      }
    }
    expect(failures).toEqual([]);
  });
});

test("a program that is told the wrong value fails", async () => {
  const program = programs.find(({ end }) => end["x1"]?.data.length)!;
  const end = {
    ...program.end,
    x1: { ...program.end["x1"]!, data: program.end["x1"]!.data.map(() => 12345) },
  };
  await expect(runProgram({ ...program, end })).rejects.toThrow(/must be 12345/);
});

test("a program that is told to throw and does not fails", async () => {
  const program = programs.find(({ category }) => category === "autograd")!;
  const steps = [{ ...program.steps[0]!, error: "RuntimeError" }];
  await expect(runProgram({ ...program, steps, end: {} })).rejects.toThrow(/must throw RuntimeError/);
});
