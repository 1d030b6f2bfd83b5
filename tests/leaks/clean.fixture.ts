import { float32 } from "@flambeau/core";
import { createReferenceBackend } from "@flambeau/reference";
import { makeEmpty } from "@flambeau/tensor/internal";
import { expect, test } from "vitest";
import "@flambeau/tensor";

const backend = createReferenceBackend();
const ofTheModule = makeEmpty(backend, [1000, 100], float32);

test("drops what it makes, without a word", () => {
  for (let i = 0; i < 30; i++) makeEmpty(backend, [100, 100], float32);
  expect(backend.memory().liveBytes).toBeGreaterThan(ofTheModule.storage.bytes);
});
