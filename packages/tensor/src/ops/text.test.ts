import { createReferenceBackend } from "@flambeau/reference";
import { type Backend, DisposedError } from "@flambeau/core";
import "@flambeau/autograd";
import { describe, expect, it } from "vitest";
import * as torch from "../../mod.ts";

const backend = createReferenceBackend();
torch.registerBackend(backend);
const remote = new Proxy(createReferenceBackend(), {
  get(target, key) {
    if (key === "name") return "remote";
    if (key === "canReadSync") return false;
    const value = Reflect.get(target, key, target);
    return typeof value === "function" ? value.bind(target) : value;
  },
}) as Backend;
torch.registerBackend(remote);

describe("String(tensor)", () => {
  it("is what PyTorch prints", () => {
    expect(String(torch.tensor([[1, 2.5], [3, 4]]))).toBe(
      "tensor([[1.0000, 2.5000],\n        [3.0000, 4.0000]])",
    );
    expect(String(torch.tensor([1, 2]).requiresGrad_())).toBe("tensor([1., 2.], requires_grad=True)");
    expect(String(torch.tensor([1, 2]).requiresGrad_().mul(2))).toBe(
      "tensor([2., 4.], grad_fn=<MulBackward0>)",
    );
    expect(String(torch.zeros([0, 2]))).toBe("tensor([], size=(0, 2))");
    expect(String(torch.arange(3).t())).toBe("tensor([0, 1, 2])");
  });

  it("reads only the ends of large tensors, of any strides", () => {
    const x = torch.arange(3000).reshape(50, 60);
    const whole = String(x.t());
    expect(whole).toContain("[   0,   60,  120,  ..., 2820, 2880, 2940]");
    expect(whole).toContain("[  59,  119,  179,  ..., 2879, 2939, 2999]");
    expect(whole.split("\n")).toHaveLength(7);
  });

  it("is what console.log shows", () => {
    const x = torch.tensor(true);
    for (const name of ["Deno.customInspect", "nodejs.util.inspect.custom"]) {
      expect((x as unknown as Record<symbol, () => string>)[Symbol.for(name)]!()).toBe("tensor(True)");
    }
  });

  it("throws nothing for a tensor whose memory was given back", () => {
    const x = torch.zeros([2]);
    x.dispose();
    expect(String(x)).toBe("tensor(..., device='reference', size=(2,), disposed)");
    return expect(x.repr()).rejects.toThrow(DisposedError);
  });
});

describe("on a device that cannot be read at once", () => {
  it("String gives the type, repr the elements", async () => {
    const x = torch.tensor([1, 2]).to(remote);
    expect(String(x)).toBe("tensor(..., device='remote', size=(2,))");
    expect(await x.repr()).toBe("tensor([1., 2.], device='remote')");
    expect(await torch.repr(x, { sciMode: true })).toContain("1.0000e+00");
  });
});
