import { expect, test } from "vitest";
import * as errors from "./errors.ts";

test("errors: each is a TorchError with its class name and message", () => {
  const classes = Object.entries(errors);
  expect(classes.length).toBe(13);
  for (const [name, Class] of classes) {
    const error = new (Class as new (message: string, bytes: number) => Error)("Cannot add", 8);
    expect(error).toBeInstanceOf(errors.TorchError);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toBe(`${name}: Cannot add`);
  }
});

test("OutOfMemoryError: says how much was asked for", () => {
  expect(new errors.OutOfMemoryError("Cannot allocate 8 bytes", 8).bytes).toBe(8);
});
