import { createReferenceBackend } from "@flambeau/reference";
import { GradError, IndexError, ShapeError, ValueError } from "@flambeau/core";
import "@flambeau/autograd";
import { describe, expect, it } from "vitest";
import * as torch from "../../mod.ts";
import type { Tensor } from "../../mod.ts";

torch.registerBackend(createReferenceBackend());

const values = (x: Tensor) => x.toArraySync();
const type = (x: Tensor) => `${x.dtype.name}[${x.shape.join(", ")}]`;
const counting = (...shape: number[]) =>
  torch.arange(shape.reduce((n, s) => n * s, 1)).to("float32").reshape(shape);
const shares = (x: Tensor, y: Tensor) => x.storage === y.storage;

describe("views alias their input, as in PyTorch", () => {
  const x = counting(2, 3, 4);
  const aliasing: Record<string, Tensor | Tensor[]> = {
    view: x.view(6, 4),
    reshape: x.reshape([4, -1]),
    flatten: x.flatten(),
    ravel: x.ravel(),
    unflatten: x.unflatten(2, [2, 2]),
    transpose: x.transpose(0, 2),
    permute: x.permute(2, 0, 1),
    T: x.select(0, 0).T,
    mT: x.mT,
    t: x.select(0, 0).t(),
    movedim: x.movedim(0, 2),
    unsqueeze: x.unsqueeze(1),
    squeeze: x.unsqueeze(0).squeeze(),
    expand: x.expand(5, -1, -1, -1),
    narrow: x.narrow(1, 1, 2),
    select: x.select(1, -1),
    split: x.split(2, 1),
    chunk: x.chunk(2, 2),
    unbind: x.unbind(),
    tensorSplit: x.tensorSplit(3, 2),
    diagonal: x.diagonal(),
    unfold: x.unfold(2, 2, 1),
    asStrided: x.asStrided([2, 2], [1, 2], 3),
    viewAs: x.viewAs(counting(24)),
    atleast3d: torch.atleast3d(x.select(0, 0)),
    index: x.index("...", null, "1:"),
  };
  for (const [name, made] of Object.entries(aliasing)) {
    it(name, () => expect([made].flat().every((y) => shares(x, y))).toBe(true));
  }

  const copying: Record<string, Tensor> = {
    "reshape of a transpose": x.transpose(0, 1).reshape(-1),
    "ravel of a transpose": x.mT.ravel(),
    repeat: x.repeat(1, 1, 1),
    tile: x.tile(1),
    flip: x.flip(0),
    roll: x.roll(0),
    rot90: x.rot90(0),
    narrowCopy: x.narrowCopy(0, 0, 1),
    cat: torch.cat([x]),
    "index by a list": x.index([0, 1]),
    repeatInterleave: x.repeatInterleave(1, 0),
  };
  for (const [name, made] of Object.entries(copying)) {
    it(`not ${name}`, () => expect(shares(x, made)).toBe(false));
  }
});

describe("gradFn: PyTorch's names", () => {
  const x = counting(2, 3, 4).requiresGrad_();
  const made: Record<string, () => Tensor> = {
    ViewBackward0: () => x.view(6, 4),
    UnsafeViewBackward0: () => x.mT.reshape(-1),
    TransposeBackward0: () => x.swapaxes(0, 1),
    TBackward0: () => x.select(0, 0).t(),
    PermuteBackward0: () => x.movedim(0, 1),
    UnsqueezeBackward0: () => x.index(null),
    SqueezeBackward0: () => x.squeeze(),
    SqueezeBackward1: () => x.squeeze(0),
    SelectBackward0: () => x.index(0),
    SliceBackward0: () => x.narrow(0, 0, 1),
    AliasBackward0: () => x.index("..."),
    ExpandBackward0: () => x.broadcastTo([2, 2, 3, 4]),
    SplitBackward0: () => x.chunk(2)[0]!,
    SplitWithSizesBackward0: () => x.split([1, 1])[0]!,
    UnbindBackward0: () => x.unbind()[0]!,
    DiagonalBackward0: () => x.diagonal(),
    UnfoldBackward0: () => x.unfold(0, 2, 1),
    AsStridedBackward0: () => x.asStrided([2], [1]),
    RepeatBackward0: () => x.tile(2),
    CatBackward0: () => torch.hstack([x, x]),
    StackBackward0: () => torch.stack([x, x]),
    FlipBackward0: () => x.fliplr(),
    RollBackward0: () => x.roll(1),
    Rot90Backward0: () => x.rot90(),
    TriuBackward0: () => x.triu(),
    IndexBackward0: () => x.index([0]),
    GatherBackward0: () => x.gather(0, torch.zeros([1, 1, 1], { dtype: "int32" })),
    MmBackward0: () => x.select(0, 0).matmul(x.select(0, 0).t()),
    BmmBackward0: () => x.bmm(x.mT),
    ConstantPadNdBackward0: () => torch.pad(x, [1, 1]),
    ReflectionPad1DBackward0: () => torch.pad(x, [1, 1], "reflect"),
  };
  for (const [name, make] of Object.entries(made)) it(name, () => expect(make().gradFn?.name).toBe(name));
});

describe("view and reshape", () => {
  it("infer one size", () => {
    expect(type(counting(6).reshape(2, -1))).toBe("float32[2, 3]");
    expect(type(torch.zeros([0, 3]).view(-1, 3))).toBe("float32[0, 3]");
    expect(() => counting(6).reshape([4, -1])).toThrow(
      "Cannot reshape float32[6] to [4, -1]: 6 is not divisible by 4",
    );
    expect(() => counting(6).view(-1, -1)).toThrow(/only one dimension can be inferred/);
    expect(() => torch.zeros([0]).view(0, -1)).toThrow(/ambiguous/);
    expect(() => counting(6).view(7)).toThrow(ShapeError);
  });

  it("view throws where a copy is needed", () => {
    expect(() => counting(2, 3).t().view(6)).toThrow("Use .reshape(...) instead");
  });

  it("view reads the bytes as another dtype", () => {
    expect(values(torch.tensor([1, -2]).view("int32"))).toEqual([0x3f800000, -1073741824]);
    const bytes = torch.tensor([1, 256], { dtype: "int32" }).view("uint8");
    expect(values(bytes)).toEqual([1, 0, 0, 0, 0, 1, 0, 0]);
    expect(values(bytes.view("int32"))).toEqual([1, 256]);
    expect(() => torch.zeros([3], { dtype: "uint8" }).view("int16")).toThrow(/divisible by 2/);
  });

  it("flatten gives the tensor itself when there is nothing to merge", () => {
    const x = counting(2, 3);
    expect(x.flatten(1)).toBe(x);
    expect(type(torch.tensor(1).flatten())).toBe("float32[1]");
    expect(() => x.flatten(1, 0)).toThrow(ShapeError);
  });
});

describe("dimension numbers", () => {
  const x = counting(2, 3);
  it("out of range name the range", () => {
    expect(() => x.transpose(0, 2)).toThrow(
      "Cannot transpose along dimension 2: it must be in the range [-2, 1] for a tensor of rank 2",
    );
    expect(() => x.unsqueeze(3)).toThrow(IndexError);
    expect(() => x.permute(0, 0)).toThrow(ValueError);
    expect(() => x.permute(0)).toThrow(/must name each of 2 dimensions/);
    expect(() => counting(2, 2, 2).t()).toThrow(/at most 2 dimensions/);
  });

  it("squeeze takes several, and leaves sizes other than 1", () => {
    expect(type(torch.zeros([1, 2, 1]).squeeze([0, 1]))).toBe("float32[2, 1]");
    expect(type(torch.zeros([1, 2, 1]).squeeze({ dim: -1 }))).toBe("float32[1, 2]");
  });
});

describe("parts", () => {
  const x = counting(5);
  it("split, chunk and tensorSplit divide as PyTorch", () => {
    expect(x.split(2).map(values)).toEqual([[0, 1], [2, 3], [4]]);
    expect(x.chunk(3).map(values)).toEqual([[0, 1], [2, 3], [4]]);
    expect(x.chunk(4).map(values)).toEqual([[0, 1], [2, 3], [4]]);
    expect(x.tensorSplit(3).map(values)).toEqual([[0, 1], [2, 3], [4]]);
    expect(x.tensorSplit([1, -1]).map(values)).toEqual([[0], [1, 2, 3], [4]]);
    expect(x.tensorSplit([3, 1, 9]).map(values)).toEqual([[0, 1, 2], [], [1, 2, 3, 4], []]);
    expect(torch.zeros([0]).split(0).map(values)).toEqual([[]]);
    expect(torch.zeros([0]).chunk(2).map(values)).toEqual([[], []]);
  });

  it("refuse what does not divide", () => {
    expect(() => x.split(0)).toThrow(ValueError);
    expect(() => x.split([2, 2])).toThrow("sum exactly to 5, got [2, 2]");
    expect(() => x.chunk(0)).toThrow(/greater than 0/);
    expect(() => x.hsplit(2)).toThrow(/divisible/);
    expect(() => torch.tensor(1).split(1)).toThrow(/at least one dimension/);
  });

  it("narrow and select count from the end", () => {
    expect(values(x.narrow(0, -2, 2))).toEqual([3, 4]);
    expect(values(x.select(0, -1))).toBe(4);
    expect(() => x.narrow(0, 4, 2)).toThrow("start + length must not exceed 5");
    expect(() => x.select(0, 5)).toThrow(
      "Cannot select from float32[5] along dimension 0: index must be from -5 to 4, got 5",
    );
  });

  it("asStrided stays inside the storage", () => {
    expect(() => x.asStrided([3], [2], 1)).toThrow(
      "must lie within the 5 elements of its storage, got place 5",
    );
  });
});

describe("joins", () => {
  it("promote and leave out legacy empties", () => {
    const y = torch.cat([torch.tensor([1n]), torch.tensor([]), torch.tensor([0.5])]);
    expect(type(y)).toBe("float32[2]");
    expect(type(torch.cat([torch.zeros([0]), counting(2, 2)]))).toBe("float32[2, 2]");
  });

  it("refuse other sizes", () => {
    expect(() => torch.cat([counting(2, 2), counting(3, 3)])).toThrow(
      "sizes must match except in dimension 0",
    );
    expect(() => torch.stack([counting(2), counting(3)])).toThrow(/equal size/);
    expect(() => torch.cat([])).toThrow(ValueError);
    expect(() => torch.cat([torch.tensor(1)])).toThrow(/zero-dimensional/);
  });
});

describe("views in place", () => {
  it("change the geometry of the tensor itself", () => {
    const x = counting(2, 3);
    expect(x.t_()).toBe(x);
    expect(values(x)).toEqual([[0, 3], [1, 4], [2, 5]]);
    expect(type(x.unsqueeze_(0).transpose_(0, 2).squeeze_(2))).toBe("float32[2, 3]");
  });

  it("keep the history", () => {
    const w = counting(2, 3).requiresGrad_();
    const y = w.mul(2);
    y.transpose_(0, 1);
    expect(y.gradFn?.name).toBe("TransposeBackward1");
    y.backward(counting(3, 2));
    expect(values(w.grad!)).toEqual([[0, 4, 8], [2, 6, 10]]);
    expect(() => w.t_()).toThrow(GradError);
    expect(type(torch.noGrad(() => w.t_()))).toBe("float32[3, 2]");
  });

  it("count as a write to what was saved", () => {
    const w = counting(2, 3).requiresGrad_();
    const y = w.mul(1);
    const z = y.mul(y);
    y.t_();
    expect(() => z.sum().backward()).toThrow(/modified by an inplace operation/);
  });
});

describe("roll", () => {
  it("refuses a dimension of a scalar", () => {
    expect(() => torch.tensor(1).roll(1, 0)).toThrow(/it has no dimensions/);
    expect(torch.tensor(1).roll(1).shape).toEqual([]);
  });
});
