import * as torch from "@flambeau/torch";
import { describe, expect, test } from "vitest";

// Formulas with a gradient of their own: it is the one that their primitives give, which transforms see, and has one itself.

const x = torch.tensor([-3.7, -2.9, -1.2, -0.3, 0.2, 0.4, 1.7, 2.6, 3.3], { dtype: torch.float64 });
const y = torch.tensor([-3.1, 0.4, -1.5, 0.6, 0.1, -2.2, 1.9, 0.3, 3.9], { dtype: torch.float64 });
const p = torch.tensor([0.1, 0.2, 0.9, 0.35, 0.5, 0.99, 0.01, 0.6, 0.77], { dtype: torch.float64 });
const q = torch.tensor([0.3, 0, 1, 0.5, 0.25, 1, 0, 0.9, 0.1], { dtype: torch.float64 });
const sides = torch.tensor([1, -1, 1, 1, -1, -1, 1, -1, 1], { dtype: torch.float64 });
const none = { reduction: "none" } as const;

const one: Readonly<Record<string, (x: torch.Tensor) => torch.Tensor>> = {
  hardtanh: (x) => torch.nn.functional.hardtanh(x, -1.5, 2),
  relu6: (x) => torch.nn.functional.relu6(x),
  hardswish: (x) => torch.nn.functional.hardswish(x),
  hardsigmoid: (x) => torch.nn.functional.hardsigmoid(x),
  elu: (x) => torch.nn.functional.elu(x, 1.5),
  selu: (x) => torch.nn.functional.selu(x),
  celu: (x) => torch.nn.functional.celu(x, 0.7),
  leakyRelu: (x) => torch.nn.functional.leakyRelu(x, 0.1),
  "leakyRelu, steep": (x) => torch.nn.functional.leakyRelu(x, -2),
  softplus: (x) => torch.nn.functional.softplus(x, 2, 4),
  logsigmoid: (x) => torch.nn.functional.logsigmoid(x),
  hardshrink: (x) => torch.nn.functional.hardshrink(x),
  softshrink: (x) => torch.nn.functional.softshrink(x, 0.35),
  threshold: (x) => torch.nn.functional.threshold(x, 0.5, 2),
};

const pair: Readonly<
  Record<
    string,
    readonly [(x: torch.Tensor, y: torch.Tensor) => torch.Tensor, x: torch.Tensor, y: torch.Tensor]
  >
> = {
  mseLoss: [(x, y) => torch.nn.functional.mseLoss(x, y), x, y],
  l1Loss: [(x, y) => torch.nn.functional.l1Loss(x, y, none), x, y],
  smoothL1Loss: [(x, y) => torch.nn.functional.smoothL1Loss(x, y), x, y],
  "smoothL1Loss, beta": [(x, y) => torch.nn.functional.smoothL1Loss(x, y, { ...none, beta: 2.5 }), x, y],
  huberLoss: [(x, y) => torch.nn.functional.huberLoss(x, y, { reduction: "sum", delta: 0.7 }), x, y],
  binaryCrossEntropy: [(x, y) => torch.nn.functional.binaryCrossEntropy(x, y), p, q],
  "binaryCrossEntropy, weight": [
    (x, y) => torch.nn.functional.binaryCrossEntropy(x, y, { ...none, weight: p }),
    p,
    q,
  ],
  binaryCrossEntropyWithLogits: [
    (x, y) => torch.nn.functional.binaryCrossEntropyWithLogits(x, y, none),
    x,
    q,
  ],
  "binaryCrossEntropyWithLogits, posWeight": [
    (x, y) => torch.nn.functional.binaryCrossEntropyWithLogits(x, y, { posWeight: p }),
    x,
    q,
  ],
  softMarginLoss: [(x, y) => torch.nn.functional.softMarginLoss(x, y), x, sides],
};

const flat = (x: torch.Tensor): number[] => Array.from(x.detach().clone().dataSync() as Float64Array);

function expectClose(got: torch.Tensor, want: torch.Tensor): void {
  const wanted = flat(want);
  flat(got).forEach((value, i) => expect(value, `${i}`).toBeCloseTo(wanted[i]!, 12));
}

describe("of one tensor", () => {
  test.each(Object.keys(one))("%s", (name) => {
    const f = one[name]!;
    const g = torch.randn(x.shape, { dtype: torch.float64 });
    const leaf = x.clone().requiresGrad_();
    f(leaf).backward(g);
    expectClose(leaf.grad!, torch.func.grad((x: torch.Tensor) => torch.sum(f(x).mul(g)))(x) as torch.Tensor);
    expect(torch.autograd.gradcheck(f, [x.clone().requiresGrad_()])).toBe(true);
    expect(torch.autograd.gradgradcheck(f, [x.clone().requiresGrad_()])).toBe(true);
  });
});

describe("of two tensors", () => {
  test.each(Object.keys(pair))("%s", (name) => {
    const [f, a, b] = pair[name]!;
    const leaves = [a.clone().requiresGrad_(), b.clone().requiresGrad_()] as const;
    torch.sum(f(...leaves)).backward();
    const want = torch.func.grad((x: torch.Tensor, y: torch.Tensor) => torch.sum(f(x, y)), {
      argnums: [0, 1],
    })(
      a,
      b,
    ) as unknown as torch.Tensor[];
    leaves.forEach((leaf, i) => expectClose(leaf.grad!, want[i]!));
    const inputs = () => [a.clone().requiresGrad_(), b.clone().requiresGrad_()] as const;
    const both = (...list: torch.Tensor[]) => f(list[0]!, list[1]!);
    // Targets of 0 and 1 stay probabilities only on one side, so only inputs are moved there.
    const isProbable = name.startsWith("binaryCrossEntropy,") || name === "binaryCrossEntropy";
    if (isProbable) {
      expect(torch.autograd.gradgradcheck((x: torch.Tensor) => f(x, b), [inputs()[0]])).toBe(true);
    } else {
      expect(torch.autograd.gradcheck(both, [...inputs()])).toBe(true);
      expect(torch.autograd.gradgradcheck(both, [...inputs()])).toBe(true);
    }
  });

  test("a broadcast operand gets the sum", () => {
    const [wide, few] = [torch.randn([3, 4]).requiresGrad_(), torch.randn([4]).requiresGrad_()];
    torch.nn.functional.mseLoss(wide, few, { reduction: "sum" }).backward();
    const total = torch.sum(wide.grad!, [0]);
    flat(few.grad!).forEach((value, i) => expect(value).toBeCloseTo(-flat(total)[i]!, 4));
  });
});

test("the step is one node with PyTorch's name, and keeps its inputs", () => {
  const leaf = x.clone().requiresGrad_();
  const z = leaf.mul(2);
  const loss = torch.nn.functional.softplus(z);
  expect(loss.gradFn!.name).toBe("SoftplusBackward0");
  expect(loss.gradFn!.nextFunctions[0]![0]).toBe(z.gradFn);
  z.add_(1);
  expect(() => torch.sum(loss).backward()).toThrow(/in.?place|version|overwritten/i);
});
