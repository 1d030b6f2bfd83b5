import { float32 } from "@flambeau/core";
import { createReferenceBackend } from "@flambeau/reference";
import { liveAllocations, makeEmpty } from "@flambeau/tensor/internal";
import type { Tensor } from "@flambeau/tensor";
import { describe, expect, test } from "vitest";
import "@flambeau/tensor";
import { collectGarbage, FILE_ALLOWANCE, LeakCheck } from "./leaks.ts";

const backend = createReferenceBackend();
const make = (n: number): Tensor => makeEmpty(backend, [n], float32);

describe("LeakCheck", () => {
  test("counts what is held, by type, and not what was there before", () => {
    const before = make(5000);
    const check = new LeakCheck(liveAllocations);
    const held = [make(1000), make(1000), make(3000)];
    expect(check.report()).toEqual({
      bytes: 20000,
      count: 3,
      largest: ["1 × float32[3000] (11.7 KiB)", "2 × float32[1000] (7.8 KiB)"],
    });
    held.forEach((x) => x.dispose());
    expect(check.report()).toEqual({ bytes: 0, count: 0, largest: [] });
    before.dispose();
  });

  test("finish: fails for what is held, not for what was dropped", async () => {
    const check = new LeakCheck(liveAllocations);
    const held = [make(20_000)];
    for (let i = 0; i < 20; i++) make(20_000);
    await expect(check.finish()).rejects.toThrow(
      `Cannot end without a leak: at most ${FILE_ALLOWANCE.bytes} bytes of tensors may be held after all tests, ` +
        "got 80000 in 1 tensors: 1 × float32[20000] (78.1 KiB)",
    );
    await check.finish({ bytes: 80_000 });
    held.pop();
    await check.finish();
  });
});

test("collectGarbage: runs finalizers", async () => {
  let finalized = false;
  const registry = new FinalizationRegistry(() => finalized = true);
  (() => registry.register({}, null))();
  expect(await collectGarbage()).toBe(true);
  expect(finalized).toBe(true);
});
