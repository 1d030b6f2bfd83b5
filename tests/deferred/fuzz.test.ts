import { describe, expect, test } from "vitest";
import { gpus, reference } from "./fusing.ts";
import { runProgram, trainRandomly } from "./programs.ts";

// The same program with and without fusing: every value must be the same, to the last bit.

const devices = await gpus();

describe.skipIf(devices === null)("GPU: fused programs give what the same steps give one by one", () => {
  for (let seed = 1; seed <= 60; seed++) {
    test(`program ${seed}`, async () => {
      expect(await runProgram(seed, 60, "fusing-gpu")).toEqual(await runProgram(seed, 60, "plain-gpu"));
    });
  }
});

describe.skipIf(devices === null)("GPU: training gives the same with and without fusing", () => {
  for (let seed = 1; seed <= 12; seed++) {
    test(`network ${seed}`, async () => {
      const want = await trainRandomly(seed, 10, "plain-gpu", true);
      expect(await trainRandomly(seed, 10, "fusing-gpu", seed % 2 === 0)).toEqual(want);
    });
  }
});

describe("reference: fused programs give what the same steps give one by one", () => {
  reference("fusing", true);
  reference("fusing-little", true, 4, 3);
  reference("plain", false);
  for (let seed = 100; seed < 300; seed++) {
    test(`program ${seed}`, async () => {
      const want = await runProgram(seed, 80, "plain");
      expect(await runProgram(seed, 80, "fusing")).toEqual(want);
      expect(await runProgram(seed, 80, "fusing-little")).toEqual(want);
    });
  }
  for (let seed = 1; seed <= 60; seed++) {
    test(`network ${seed}`, async () => {
      const want = await trainRandomly(seed, 12, "plain", true);
      expect(await trainRandomly(seed, 12, "fusing", seed % 2 === 0)).toEqual(want);
      expect(await trainRandomly(seed, 12, "fusing-little", seed % 2 === 1)).toEqual(want);
    });
  }
});
