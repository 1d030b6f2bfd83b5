import { float32 } from "@flambeau/core";
import { createReferenceBackend } from "@flambeau/reference";
import { makeEmpty } from "@flambeau/tensor/internal";
import type { Tensor } from "@flambeau/tensor";
import { expect, test } from "vitest";
import "@flambeau/tensor";

const backend = createReferenceBackend();
const held: Tensor[] = [];

test("holds on to what it makes", () => {
  for (let i = 0; i < 3; i++) held.push(makeEmpty(backend, [100, 100], float32));
  expect(held.length).toBe(3);
});
