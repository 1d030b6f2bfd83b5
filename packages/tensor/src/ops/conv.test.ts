import { createReferenceBackend } from "@flambeau/reference";
import { IndexError, ShapeError, ValueError } from "@flambeau/core";
import { describe, expect, it } from "vitest";
import * as torch from "../../mod.ts";
import type { Tensor } from "../../mod.ts";

torch.registerBackend(createReferenceBackend());

const values = (x: Tensor) => x.toArraySync();
const counting = (...shape: number[]) =>
  torch.arange(shape.reduce((n, s) => n * s, 1)).to("float32").reshape(shape);
const shape = (x: Tensor) => [...x.shape];

describe("conv", () => {
  it("pads an odd sum of `same` behind", () => {
    const y = torch.conv2d(counting(1, 1, 4, 4), torch.ones([1, 1, 2, 2]), { padding: "same" });
    expect(values(y)).toEqual([[[[10, 14, 18, 10], [26, 30, 34, 18], [42, 46, 50, 26], [25, 27, 29, 15]]]]);
  });

  it("takes inputs without a batch, options by position, and integers", () => {
    expect(shape(torch.conv1d(counting(2, 5), torch.ones([3, 2, 2])))).toEqual([3, 4]);
    expect(shape(torch.conv2d(counting(1, 1, 5, 5), torch.ones([1, 1, 3, 3]), null, 2, [1, 0]))).toEqual([
      1,
      1,
      3,
      2,
    ]);
    const ints = torch.ones([1, 1, 3], { dtype: "int32" });
    expect(values(torch.conv1d(ints, ints, torch.tensor([1], { dtype: "int32" })))).toEqual([[[4]]]);
  });

  it("says what does not fit", () => {
    const [x, w] = [counting(1, 2, 3, 3), torch.ones([4, 2, 2, 2])];
    expect(() => torch.conv2d(x, w, torch.ones([3]))).toThrow("bias must have shape [4], got [3]");
    expect(() => torch.conv2d(x, torch.ones([4, 3, 2, 2]))).toThrow(/x must have 3 channels, got 2/);
    expect(() => torch.conv2d(x, w, { padding: "full" as "same" })).toThrow(/padding must be integers/);
    expect(() => torch.conv2d(x, w, { padding: "same", stride: 2 })).toThrow(/stride must be 1/);
    expect(() => torch.conv2d(x, torch.ones([4, 2, 4, 4]))).toThrow(ShapeError);
    expect(() => torch.conv2d(counting(3), w)).toThrow(
      "it must have 4 dimensions, or 3 without a batch, got rank 1",
    );
    expect(() => torch.conv2d(x, w, { stride: [1, 1, 1] })).toThrow("stride must be 1 or 2 integers >= 1");
    expect(() => torch.conv2d(x, w, { strides: 1 } as object)).toThrow(/must be one of bias, stride/);
  });
});

describe("convTranspose", () => {
  it("adds output padding up to the dilation", () => {
    const [x, w] = [torch.tensor([[[1, 2]]]), torch.tensor([[[1, 10, 100]]])];
    expect(values(torch.convTranspose1d(x, w, { dilation: 2, outputPadding: 1 }))).toEqual([[[
      1,
      2,
      10,
      20,
      100,
      200,
      0,
    ]]]);
    expect(values(torch.convTranspose1d(x, w, { stride: 2, padding: 1, outputPadding: 1 }))).toEqual([[[
      10,
      102,
      20,
      200,
    ]]]);
    expect(() => torch.convTranspose1d(x, w, { outputPadding: 1 })).toThrow(
      /smaller than either stride or dilation/,
    );
    expect(() => torch.convTranspose1d(torch.ones([1, 2, 2]), w)).toThrow("x must have 1 channels, got 2");
  });
});

describe("pooling", () => {
  it("max: NaN wins, indices are places in the plane", () => {
    const [y, places] = torch.maxPool1d(torch.tensor([[1, NaN, 3, 2]]), 2, { returnIndices: true });
    expect(values(y)).toEqual([[NaN, 3]]);
    expect(values(places)).toEqual([[1, 2]]);
    const [, plane] = torch.maxPool2d(counting(1, 4, 4), 2, { returnIndices: true });
    expect(values(plane)).toEqual([[[5, 7], [13, 15]]]);
  });

  it("refuses too much padding and empty planes", () => {
    expect(() => torch.maxPool2d(counting(1, 4, 4), 2, { padding: 2 })).toThrow(/at most half/);
    expect(() => torch.maxPool1d(torch.ones([0, 4]), 2)).toThrow("only the batch may be empty");
    expect(shape(torch.maxPool1d(torch.ones([0, 1, 4]), 2))).toEqual([0, 1, 2]);
    expect(() => torch.avgPool2d(counting(1, 4, 4), 2, { divisorOverride: 0 })).toThrow(ValueError);
    expect(() => torch.maxPool2d(counting(1, 4, 4))).toThrow(/kernelSize must be given/);
  });

  it("adaptive: windows of several sizes do not leak into one another", () => {
    const x = torch.tensor([[[1, Infinity, 3, 4, 5]]]);
    expect(values(torch.adaptiveAvgPool1d(x, 3))).toEqual([[[Infinity, Infinity, 4.5]]]);
    const [y, places] = torch.adaptiveMaxPool1d(torch.tensor([[[1, 7, 7, 4, 5]]]), 3, true);
    expect(values(y)).toEqual([[[7, 7, 5]]]);
    expect(values(places)).toEqual([[[1, 1, 4]]]);
    expect(shape(torch.adaptiveAvgPool2d(counting(1, 6, 4), [null, 2]))).toEqual([1, 6, 2]);
  });

  it("maxUnpool puts values back", () => {
    const x = counting(1, 1, 5);
    const [y, places] = torch.maxPool1d(x, 2, { returnIndices: true });
    expect(values(torch.maxUnpool1d(y, places, 2))).toEqual([[[0, 1, 0, 3]]]);
    expect(values(torch.maxUnpool1d(y, places, 2, { outputSize: [1, 1, 5] }))).toEqual([[[0, 1, 0, 3, 0]]]);
    expect(() => torch.maxUnpool1d(y, places.add(9), 2)).toThrow(IndexError);
    expect(() => torch.maxUnpool1d(y, places, 2, { outputSize: [9] })).toThrow(/within one step of \[4\]/);
  });
});

describe("pad", () => {
  const x = counting(1, 4);
  it("modes", () => {
    expect(values(torch.pad(x, [2, 1]))).toEqual([[0, 0, 0, 1, 2, 3, 0]]);
    expect(values(torch.pad(x, [-1, 1], "constant", 7))).toEqual([[1, 2, 3, 7]]);
    expect(values(torch.pad(x, [2, 1], "reflect"))).toEqual([[2, 1, 0, 1, 2, 3, 2]]);
    expect(values(torch.pad(x, [2, 1], { mode: "replicate" }))).toEqual([[0, 0, 0, 1, 2, 3, 3]]);
    expect(values(torch.pad(x, [3, 2], "circular"))).toEqual([[1, 2, 3, 0, 1, 2, 3, 0, 1]]);
  });

  it("refuses what a mode cannot make", () => {
    expect(() => torch.pad(x, [1])).toThrow(ValueError);
    expect(() => torch.pad(x, [4, 0], "reflect")).toThrow(/less than the size 4/);
    expect(() => torch.pad(x, [5, 0], "circular")).toThrow(/at most the size 4/);
    expect(() => torch.pad(counting(4), [1, 1], "reflect")).toThrow(/one or two more/);
    expect(() => torch.pad(x, [1, 1], "wrap" as "circular")).toThrow(/mode must be/);
    expect(() => torch.pad(x, [-3, -3])).toThrow(ShapeError);
  });
});

describe("rearranging channels and blocks", () => {
  it("pixelShuffle and back, channelShuffle", () => {
    const x = counting(1, 4, 1, 2);
    expect(values(torch.pixelShuffle(x, 2))).toEqual([[[[0, 2, 1, 3], [4, 6, 5, 7]]]]);
    expect(values(torch.pixelUnshuffle(torch.pixelShuffle(x, 2), 2))).toEqual(values(x));
    expect(values(torch.channelShuffle(counting(1, 4, 1), 2))).toEqual([[[0], [2], [1], [3]]]);
    expect(() => torch.pixelShuffle(counting(1, 3, 1, 1), 2)).toThrow(/divisible by the square/);
  });

  it("fold adds what unfold took apart", () => {
    const x = counting(1, 1, 3, 3);
    const blocks = torch.unfold(x, 2);
    expect(shape(blocks)).toEqual([1, 4, 4]);
    expect(values(torch.fold(blocks, [3, 3], 2))).toEqual([[[[0, 2, 2], [6, 16, 10], [6, 14, 8]]]]);
    expect(() => torch.fold(blocks, [4, 4], 2)).toThrow("the last size must be 3 · 3 blocks, got 4");
    expect(() => torch.unfold(x, 4)).toThrow(/must fit into the padded image/);
  });
});

describe("normalization", () => {
  it("batchNorm updates running statistics in training", () => {
    const [mean, variance] = [torch.zeros([2]), torch.ones([2])];
    const x = torch.tensor([[1, 2], [3, 6]]);
    const y = torch.batchNorm(x, mean, variance, { training: true, momentum: 0.5 });
    expect(torch.allclose(y, torch.tensor([[-1, -1], [1, 1]]), { atol: 1e-5 })).toBe(true);
    expect(torch.allclose(mean, torch.tensor([1, 2]))).toBe(true);
    expect(torch.allclose(variance, torch.tensor([1.5, 4.5]))).toBe(true);
    expect(() => torch.batchNorm(torch.ones([1, 2]), null, null, { training: true })).toThrow(
      /more than 1 value per channel/,
    );
    expect(() => torch.batchNorm(x, null, null)).toThrow(/runningMean must be given/);
    expect(() => torch.batchNorm(x, torch.zeros([3]), variance)).toThrow(
      "runningMean must have shape [2], got [3]",
    );
  });

  it("instanceNorm updates them by the mean over the batch", () => {
    const [mean, variance] = [torch.zeros([1]), torch.ones([1])];
    torch.instanceNorm(torch.tensor([[[1, 3]], [[2, 6]]]), mean, variance, { momentum: 0.5 });
    expect(values(mean)).toEqual([1.5]);
    expect(torch.allclose(variance, torch.tensor([3]))).toBe(true);
    expect(() => torch.instanceNorm(torch.ones([1, 2, 1]))).toThrow(/more than 1 spatial element/);
  });

  it("layerNorm and groupNorm say what does not fit", () => {
    expect(() => torch.layerNorm(counting(2, 3), [2])).toThrow(
      "it must end in the sizes of normalizedShape [2], got [2, 3]",
    );
    expect(() => torch.layerNorm(counting(2, 3), [3], torch.ones([2]))).toThrow(
      "weight must have shape [3], got [2]",
    );
    expect(() => torch.groupNorm(counting(2, 3), 2)).toThrow(/divisible by the number of groups/);
    expect(() => torch.groupNorm(torch.ones([1, 2, 1]), 2)).toThrow(/more than 1 value per group/);
  });

  it("normalize leaves zeros", () => {
    expect(values(torch.normalize(torch.tensor([[3, 4], [0, 0]])))).toEqual([[
      Math.fround(0.6),
      Math.fround(0.8),
    ], [0, 0]]);
  });
});
