/**
 * Runs around every test file: fails it when tensors are still held after its last test, beside those that its module
 * level code made.
 *
 * @module
 */

import { afterAll, beforeAll } from "vitest";
import { LeakCheck } from "../packages/testing/src/leaks.ts";
import { liveAllocations } from "../packages/tensor/src/memory.ts";

let check: LeakCheck;

beforeAll(() => {
  check = new LeakCheck(liveAllocations);
});

afterAll(() => check.finish());
