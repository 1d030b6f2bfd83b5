import * as torch from "@flambeau/torch";
import { afterAll, describe, expect, test, vi } from "vitest";
import { chaining } from "../../kernels-wasm/src/chain.ts";
import { Kernels } from "../../kernels-wasm/src/module.ts";

// Frequent chains have loops of their own: with them, and with gradients, formulas give the bits of single steps.

const { from } = chaining;
afterAll(() => {
  chaining.from = from;
});

const F = torch.nn.functional;
const none = { reduction: "none" } as const;

const formulas: Readonly<
  Record<string, (x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) => torch.Tensor>
> = {
  smoothL1: (x, y) => F.smoothL1Loss(x, y, none),
  "smoothL1, mean": (x, y) => F.smoothL1Loss(x, y),
  huber: (x, y) => F.huberLoss(x, y, { delta: 0.5 }),
  l1: (x, y) => F.l1Loss(x, y, none),
  "l1, mean": (x, y) => F.l1Loss(x, y),
  mse: (x, y) => F.mseLoss(x, y, none),
  "mse, mean": (x, y) => F.mseLoss(x, y),
  binaryCrossEntropy: (x, _, z) => F.binaryCrossEntropy(x.nanToNum().sigmoid(), z),
  leakyRelu: (x) => F.leakyRelu(x, 0.1),
  prelu: (x) => F.prelu(x, torch.tensor([0.2])),
  hardtanh: (x) => F.hardtanh(x),
  hardswish: (x) => F.hardswish(x),
  hardsigmoid: (x) => F.hardsigmoid(x),
  softshrink: (x) => F.softshrink(x),
  hardshrink: (x) => F.hardshrink(x),
  threshold: (x) => F.threshold(x, 0.2, 2),
  softsign: (x) => F.softsign(x),
  elu: (x) => F.elu(x),
  clamp: (x) => x.clamp(-0.5, 0.75),
  "clamp between tensors": (x, y, z) => x.clamp(y, z),
  where: (x, y) => torch.where(x.gt(y), x, y),
  maskedFill: (x, y) => x.maskedFill(y.gt(0), 3),
  "a factor, a sum, relu": (x, y) => x.mul(2).add(y).relu(),
  "a factor, a sum": (x, y) => x.mul(2).add(y),
  "a sum, relu": (x, y) => x.add(y).relu(),
  addcmul: (x, y, z) => torch.addcmul(x, y, z, { value: 0.5 }),
  addcdiv: (x, y, z) => torch.addcdiv(x, y, z, { value: 0.5 }),
  lerp: (x, y, z) => torch.lerp(x, y, z),
  "lerp by a number": (x, y) => torch.lerp(x, y, 0.3),
  "pow 3": (x) => x.pow(3),
  frac: (x) => x.frac(),
  sigmoid: (x) => x.sigmoid(),
  tanh: (x) => x.tanh(),
  rsqrt: (x) => x.abs().rsqrt(),
  hypot: (x, y) => torch.hypot(x, y),
  copysign: (x, y) => torch.copysign(x, y),
};

/** The bytes of a formula's value, without a graph and with one, and of its gradient. */
function bytesOf(formula: (typeof formulas)[string], n: number): Uint8Array[] {
  torch.manualSeed(7);
  const [x, y] = [torch.randn([n]), torch.randn([n])];
  const z = torch.rand([n]);
  const special = torch.tensor([0, -0, 1, -1, 3, -3, Infinity, -Infinity, NaN].slice(0, n));
  const first = torch.cat([special, x]);
  const [second, third] = [torch.cat([special, y]), torch.cat([torch.rand(special.shape), z])];
  const read = (t: torch.Tensor): Uint8Array =>
    new Uint8Array((t.detach().clone().dataSync() as Float32Array).slice().buffer);
  return torch.scope(() => {
    const plain = read(torch.noGrad(() => formula(first, second, third)));
    const leaf = first.clone().requiresGrad_();
    const value = formula(leaf, second, third);
    value.backward(torch.onesLike(value.detach()).mul(0.7));
    return [plain, read(value), read(leaf.grad!)];
  });
}

describe.each([3, 1037])("%i elements", (n) => {
  test.each(Object.keys(formulas))("%s", (name) => {
    chaining.from = Infinity;
    const want = bytesOf(formulas[name]!, n);
    chaining.from = 1;
    const got = bytesOf(formulas[name]!, n);
    expect(got).toEqual(want);
  });
});

test("a formula is one call of its loop", () => {
  chaining.from = 1;
  const [x, y] = [torch.randn([100]), torch.randn([100])];
  const find = vi.spyOn(Kernels.prototype, "find");
  const found = (body: () => torch.Tensor): (string | undefined)[] => {
    find.mockClear();
    torch.noGrad(body);
    return find.mock.results.map(({ value }) => value?.name).filter((key) =>
      key?.startsWith("chain_") ?? true
    );
  };
  const smooth = found(() => F.smoothL1Loss(x, y, none));
  expect(smooth).toHaveLength(1);
  expect(smooth[0]).toMatch(/^chain_\d/);
  find.mockRestore();
});
