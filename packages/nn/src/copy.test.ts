import { describe, expect, test } from "vitest";
import "@flambeau/autograd";
import { createReferenceBackend } from "@flambeau/reference";
import { ones, registerBackend, setDefaultDevice, type Tensor } from "@flambeau/tensor";
import { deepcopy } from "./copy.ts";
import { Linear } from "./modules/linear.ts";
import { Sequential } from "./containers.ts";

const backend = createReferenceBackend();
registerBackend(backend);
setDefaultDevice(backend);

describe("deepcopy", () => {
  test("gives a module memory of its own, and keeps what is shared inside shared", () => {
    const layer = new Linear(2, 2);
    const net = new Sequential(layer, layer);
    const copy = deepcopy(net);
    const [weight] = copy.parameters() as Iterable<Tensor>;
    expect([...copy.parameters()].length).toBe(2);
    expect(weight!.equal(layer.weight)).toBe(true);
    layer.weight.detach().zero_();
    expect(weight!.equal(layer.weight)).toBe(false);
  });

  test("copies leaves with their gradient, in containers too", () => {
    const x = ones([2], { requiresGrad: true });
    x.mul(3).sum().backward();
    const { list: [copy] } = deepcopy({ list: [x] });
    expect(copy!.requiresGrad).toBe(true);
    expect(copy!.grad!.tolist()).toEqual([3, 3]);
    expect(copy!.storage).not.toBe(x.storage);
  });

  test("refuses tensors that are no leaves", () => {
    const y = ones([2], { requiresGrad: true }).mul(2);
    expect(() => deepcopy(y)).toThrow(/float32\[2\] made by MulBackward0.*graph leaves/);
  });
});
