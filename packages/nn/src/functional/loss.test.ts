import { beforeAll, describe, expect, test } from "vitest";
import { DTypeError, float16, IndexError, int64, ShapeError, ValueError } from "@flambeau/core";
import { arange, type Tensor, tensor } from "@flambeau/tensor";
import { backwardSum, flat, ramp, t, useReference } from "../test_support.ts";
import {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  crossEntropy,
  ctcLoss,
  gaussianNllLoss,
  hingeEmbeddingLoss,
  huberLoss,
  klDiv,
  l1Loss,
  marginRankingLoss,
  mseLoss,
  multilabelMarginLoss,
  multiMarginLoss,
  nllLoss,
  smoothL1Loss,
  tripletMarginLoss,
} from "./loss.ts";

beforeAll(useReference);

const i = (values: number[]): Tensor => tensor(values, { dtype: "int32" });
const close = (got: Tensor | null, want: readonly number[], digits = 5): void => {
  const values = flat(got!);
  expect(values).toHaveLength(want.length);
  values.forEach((value, at) => {
    if (Number.isFinite(want[at]!)) expect(value).toBeCloseTo(want[at]!, digits);
    else expect(value).toBe(want[at]!);
  });
};

describe("reductions", () => {
  test("mean by default, by name or in PyTorch's old form", () => {
    const [x, y] = [t([1, 2]), t([2, 4])];
    expect(mseLoss(x, y).itemSync()).toBe(2.5);
    expect(mseLoss(x, y, { reduction: "sum" }).itemSync()).toBe(5);
    expect(flat(mseLoss(x, y, null, null, "none"))).toEqual([1, 4]);
    expect(mseLoss(x, y, false).itemSync()).toBe(5);
    expect(flat(mseLoss(x, y, { reduce: false }))).toEqual([1, 4]);
    expect(mseLoss(x, y, { sizeAverage: false, reduction: "none" }).itemSync()).toBe(5);
  });

  test("refuse what they do not know", () => {
    expect(() => mseLoss(t([1]), t([1]), { reduction: "max" as "sum" })).toThrow(
      'Cannot mseLoss with reduction "max": it must be "none", "mean" or "sum"',
    );
    expect(() => mseLoss(t([1]), [1] as never)).toThrow("argument target must be a Tensor");
    expect(() => l1Loss(t([1]), t([1]), { beta: 1 } as never)).toThrow('with option "beta"');
  });

  test("name their step as PyTorch does", () => {
    const x = t([[1, 2]]).requiresGrad_();
    expect(mseLoss(x, t([[0, 0]])).gradFn!.name).toBe("MseLossBackward0");
    expect(crossEntropy(x, i([1])).gradFn!.name).toBe("NllLossBackward0");
  });
});

describe("losses between numbers", () => {
  test("smoothL1Loss and huberLoss: gradients at 0 and at infinity", () => {
    const x = t([0, Infinity, 3, -0.5]).requiresGrad_();
    const loss = smoothL1Loss(x, t([0, 0, 0, 0]), { reduction: "none" });
    close(loss, [0, Infinity, 2.5, 0.125]);
    backwardSum(loss);
    close(x.grad, [0, 1, 1, -0.5]);
    close(huberLoss(t([3, -0.5]), t([0, 0]), "none", 2), [4, 0.125]);
    close(smoothL1Loss(t([3]), t([0]), { beta: 0 }), [3]);
    expect(() => smoothL1Loss(t([3]), t([0]), { beta: -1 })).toThrow(ValueError);
    expect(() => huberLoss(t([3]), t([0]), { delta: 0 })).toThrow("delta must be greater than 0, got 0");
  });

  test("gaussianNllLoss refuses negative variances and shapes that do not fit", () => {
    const [x, y] = [ramp([2, 3]), ramp([2, 3])];
    expect(() => gaussianNllLoss(x, y, t([[1, 1, 1], [1, -1, 1]]))).toThrow("variances must not be negative");
    expect(() => gaussianNllLoss(x, y, t([1, 1, 1]))).toThrow(ShapeError);
  });

  test("half precision sums in float32", () => {
    const x = arange(0, 100, { dtype: "float32" }).mul(0).add(0.1).to(float16);
    expect(mseLoss(x, x.mul(0)).itemSync()).toBeCloseTo(0.01, 4);
  });
});

describe("nllLoss and crossEntropy", () => {
  const scores = () => t([[1, 2, 3], [1, 0, -1]]).requiresGrad_();

  test("class indices, also as int64", () => {
    const x = scores();
    close(crossEntropy(x, i([2, 0])), [0.407606]);
    close(crossEntropy(x, tensor([2, 0], { dtype: int64 })), [0.407606]);
    close(crossEntropy(x, i([2, 0]), { reduction: "none" }), [0.407606, 0.407606]);
    backwardSum(crossEntropy(x, i([2, -100])));
    close(x.grad, [0.0900306, 0.2447285, -0.3347591, 0, 0, 0]);
  });

  test("labels of small integers", () => {
    close(crossEntropy(scores(), tensor([2, 0], { dtype: "uint8" })), [0.407606]);
    close(multiMarginLoss(t([[1, 2]]), tensor([0], { dtype: "uint8" })), [1]);
  });

  test("probabilities of the same classes give the same", () => {
    const x = scores();
    close(crossEntropy(x, t([[0, 0, 1], [1, 0, 0]])), [0.407606]);
  });

  test("one sample without a batch, and one label for each pixel", () => {
    close(crossEntropy(t([1, 2, 3]), tensor(2, { dtype: "int32" })), [0.407606]);
    const image = t([[[[1, 1]], [[2, 0]], [[3, -1]]]]); // (1, 3, 1, 2)
    close(crossEntropy(image, tensor([[[2, 0]]], { dtype: "int32" })), [0.407606]);
    close(crossEntropy(image, tensor([[[2, 0]]], { dtype: "int32" }), { reduction: "none" }), [
      0.407606,
      0.407606,
    ]);
  });

  test("refuse labels that are no classes, in words", () => {
    expect(() => crossEntropy(scores(), i([3, 0]))).toThrow(
      "Cannot crossEntropy float32[2, 3] and int32[2]: class indices must be in [0, 3) or be ignoreIndex -100, got 3",
    );
    expect(() => nllLoss(scores(), i([-1, 0]))).toThrow(IndexError);
    expect(() => nllLoss(scores(), i([-1, 0]), { ignoreIndex: -1 })).not.toThrow();
    expect(() => crossEntropy(scores(), t([NaN, 1]))).toThrow(
      "Cannot crossEntropy float32[2, 3] and float32[2]: class indices must be integers, got float32; " +
        "make them with { dtype: torch.int32 }, or convert them by target.int()",
    );
    expect(() => nllLoss(scores(), t([2, 0]))).toThrow(DTypeError);
    expect(() => crossEntropy(scores(), i([1, 2, 0]))).toThrow(
      "target must have the shape of input without its dimension of classes, [2], got [3]",
    );
    expect(() => crossEntropy(scores(), i([1, 2]), { weight: t([1, 1]) })).toThrow(
      "one factor for each class, [3]",
    );
    expect(() => crossEntropy(scores(), i([1, 2]), { labelSmoothing: 2 })).toThrow(
      "labelSmoothing must be in [0, 1]",
    );
    expect(() => crossEntropy(tensor([[1, 2]], { dtype: "int32" }), i([0]))).toThrow(
      "input must be of a float dtype",
    );
  });
});

describe("losses between probabilities", () => {
  test("binaryCrossEntropy: PyTorch's values and gradients at 0 and 1", () => {
    const x = t([0, 1, 0.5, 1e-3]).requiresGrad_();
    const loss = binaryCrossEntropy(x, t([1, 0, 1, 0]), { reduction: "none" });
    close(loss, [100, 100, 0.693147, 1.0005e-3]);
    backwardSum(loss);
    const grad = flat(x.grad!);
    expect(grad[0]! / -1e12).toBeCloseTo(1, 5);
    expect(grad[1]! / 1e12).toBeCloseTo(1, 5);
    close(x.grad!.narrow(0, 2, 2), [-2, 1.001001]);
    const y = t([0, 1]).requiresGrad_();
    backwardSum(binaryCrossEntropy(y, t([0, 1])));
    expect(flat(y.grad!).map(Math.abs)).toEqual([0, 0]);
  });

  test("binaryCrossEntropy refuses what is no probability", () => {
    expect(() => binaryCrossEntropy(t([1.5]), t([1]))).toThrow("all elements of input must be in [0, 1]");
    expect(() => binaryCrossEntropy(t([NaN]), t([1]))).toThrow(ValueError);
    expect(() => binaryCrossEntropy(t([[0.5]]), t([1]))).toThrow(
      "target must have the shape of input, got [1]",
    );
    expect(() => binaryCrossEntropy(t([0.5]), t([1]), { weight: t([[1], [1]]) })).toThrow(ShapeError);
  });

  test("binaryCrossEntropyWithLogits has PyTorch's gradient at 0 and does not overflow", () => {
    const x = t([0, 200, -200]).requiresGrad_();
    const loss = binaryCrossEntropyWithLogits(x, t([1, 0, 1]), { reduction: "none" });
    close(loss, [0.693147, 200, 200]);
    backwardSum(loss);
    close(x.grad, [-0.5, 1, -1]);
  });

  test("klDiv: targets of 0 count nothing, batchmean divides by the batch", () => {
    const logp = t([[-0.5, -1], [-2, -0.1]]).requiresGrad_();
    const target = t([[0, 1], [0.5, 0.5]]).requiresGrad_();
    const loss = klDiv(logp, target, { reduction: "batchmean" });
    close(loss, [0.6784265]);
    loss.backward();
    expect(flat(target.grad!)[0]).toBe(0);
    close(logp.grad, [0, -0.5, -0.25, -0.25]);
  });
});

describe("losses of margins and distances", () => {
  test("refuse shapes and classes that do not fit", () => {
    expect(() => marginRankingLoss(t([1]), t([[1]]), t([1]))).toThrow(
      "the same number of dimensions, got 1, 2 and 1",
    );
    expect(() => multiMarginLoss(t([[1, 2]]), i([2]))).toThrow("classes must be in [0, 2), got 2");
    expect(() => multiMarginLoss(t([[1, 2]]), i([0]), { p: 3 })).toThrow("p must be 1 or 2, got 3");
    expect(() => multilabelMarginLoss(t([[1, 2]]), t([[0, -1]]))).toThrow("classes must be integers");
    expect(() => tripletMarginLoss(t([1]), t([[1]]), t([1]))).toThrow("the same number of dimensions");
  });

  test("hingeEmbeddingLoss counts both terms for other targets, as PyTorch does", () => {
    close(hingeEmbeddingLoss(t([0.25, 0.25, 0.25]), t([1, -1, 0]), { reduction: "none" }), [0.25, 0.75, 1]);
  });
});

describe("ctcLoss", () => {
  const logProbs = () => {
    const x = ramp([4, 2, 3]).sin();
    return x.sub(x.exp().sum(-1, true).log()).detach().requiresGrad_();
  };

  test("values and gradient of PyTorch", () => {
    const lp = logProbs();
    const loss = ctcLoss(lp, tensor([[1, 1], [2, 0]], { dtype: "int32" }), i([4, 3]), i([2, 1]), {
      reduction: "none",
    });
    close(loss, [4.1327, 1.587], 3);
    backwardSum(loss);
    // deno-fmt-ignore
    close(lp.grad, [
      0.0400398, -0.4678967, 0.427857, 0.04118, 0.2341101, -0.27529, -0.4200793, -0.0803218, 0.5004011, 0.0367563,
      0.2361015, -0.2728578, -0.4377148, -0.1233189, 0.5610339, -0.0846839, 0.2459856, -0.1613017, -0.0128431, -0.5911578,
      0.6040009, 0, 0, 0,
    ], 4);
  });

  test("targets behind one another, and lengths as numbers", () => {
    close(ctcLoss(logProbs(), i([1, 1, 2]), [4, 3], [2, 1]), [1.8267], 3);
    const one = logProbs().select(1, 1);
    close(ctcLoss(one, i([2]), 3, 1), [1.587], 3);
  });

  test("a target that does not fit has loss infinity, or 0 when asked", () => {
    const targets = tensor([[1, 1], [2, 0]], { dtype: "int32" });
    close(ctcLoss(logProbs(), targets, [2, 3], [2, 1], { reduction: "none" }), [Infinity, 1.587], 3);
    close(ctcLoss(logProbs(), targets, [2, 3], [2, 1], 0, "none", true), [0, 1.587], 3);
  });

  test("refuses lengths and targets that do not fit", () => {
    expect(() => ctcLoss(logProbs(), i([1, 1, 2]), [5, 3], [2, 1])).toThrow(
      "inputLengths must be in [0, 4], got 5",
    );
    expect(() => ctcLoss(logProbs(), i([1, 1, 3]), [4, 3], [2, 1])).toThrow(
      "targets must be in [0, 3), got 3",
    );
    expect(() => ctcLoss(logProbs(), i([1, 1]), [4, 3], [2, 1])).toThrow(
      "as many elements as the targetLengths",
    );
    expect(() => ctcLoss(logProbs(), i([1, 1, 2]), [4, 3], [2, 1], { blank: 3 })).toThrow(
      "blank must be in [0, 3)",
    );
  });
});
