/**
 * What JavaScript's own syntax makes of tensors: JSON, operators and foreign names.
 *
 * @module
 */

import { createReferenceBackend } from "@flambeau/reference";
import "@flambeau/autograd";
import { ArgumentTypeError, type Backend, DeviceError } from "@flambeau/core";
import { describe, expect, it, test } from "vitest";
import * as torch from "../../mod.ts";

torch.registerBackend(createReferenceBackend());
const remote = new Proxy(createReferenceBackend(), {
  get(target, key) {
    if (key === "name") return "remote";
    if (key === "canReadSync") return false;
    const value = Reflect.get(target, key, target);
    return typeof value === "function" ? value.bind(target) : value;
  },
}) as Backend;
torch.registerBackend(remote);

describe("JSON.stringify", () => {
  it("writes the elements", () => {
    const x = torch.tensor([[1, 2.5], [NaN, -3]], { requiresGrad: true });
    expect(JSON.stringify({ x })).toBe('{"x":[[1,2.5],[null,-3]]}');
    expect(JSON.stringify([torch.tensor(true), torch.tensor([1n, -2n]), torch.tensor([0.5]).half()]))
      .toBe("[true,[1,-2],[0.5]]");
  });

  it("says what to await where the device cannot be read at once", () => {
    const x = torch.ones([2]).to("remote");
    expect(() => JSON.stringify(x)).toThrow(DeviceError);
    expect(() => JSON.stringify(x)).toThrow("await");
  });
});

describe("operators", () => {
  // deno-lint-ignore no-explicit-any
  const x = torch.ones([2]) as any;

  it("refuse to take a tensor for a number", () => {
    for (const use of [() => x * 2, () => x - x, () => -x, () => x > 0, () => Number(x), () => Math.max(x)]) {
      expect(use).toThrow(ArgumentTypeError);
      expect(use).toThrow("Cannot use float32[2] as a number: operators are methods, such as x.mul(2)");
    }
  });

  it("write its text where a string is wanted", () => {
    expect(`${x}`).toBe("tensor([1., 1.])");
    expect("x: " + x).toBe("x: tensor([1., 1.])");
    expect(x == "tensor([1., 1.])").toBe(true);
  });
});

describe("cpu", () => {
  it("is the tensor itself on the device of that name", () => {
    const cpu = new Proxy(createReferenceBackend(), {
      get(target, key) {
        if (key === "name") return "cpu";
        const value = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    }) as Backend;
    torch.registerBackend(cpu);
    const x = torch.ones([2], { device: "reference" });
    const there = x.cpu();
    expect(String(there.device)).toBe("cpu");
    expect(there.cpu()).toBe(there);
    expect(there.toArraySync()).toEqual([1, 1]);
  });
});

test("a device that is not there: which are, and how to get a GPU", () => {
  expect(() => torch.ones([2]).to("abacus")).toThrow(
    /^Cannot use device "abacus": it must be one of those that are registered: .*remote/,
  );
  expect(() => torch.ones([2], { device: "cuda:0" })).toThrow(
    'for a GPU, await torch.enableWebGpu() and use "webgpu"',
  );
});
