import { createReferenceBackend } from "@flambeau/reference";
import { DeviceError, ShapeError, ValueError } from "@flambeau/core";
import { afterEach, describe, expect, it } from "vitest";
import * as torch from "../../mod.ts";

const backend = createReferenceBackend();
torch.registerBackend(backend);

const values = (x: torch.Tensor) => x.toArraySync();
const type = (x: torch.Tensor) => `${x.dtype.name}[${x.shape.join(", ")}]`;

afterEach(() => torch.setDefaultDtype("float32"));

describe("sizes", () => {
  it("are an array or numbers, then options", () => {
    expect(type(torch.zeros(2, 3))).toBe("float32[2, 3]");
    expect(type(torch.zeros([2, 3]))).toBe("float32[2, 3]");
    expect(type(torch.ones(2, 3, { dtype: "int32" }))).toBe("int32[2, 3]");
    expect(type(torch.empty([2], { dtype: "bool" }))).toBe("bool[2]");
    expect(type(torch.zeros())).toBe("float32[]");
    expect(type(torch.zeros([]))).toBe("float32[]");
    expect(type(torch.zeros(0))).toBe("float32[0]");
  });

  it("must be integers >= 0", () => {
    expect(() => torch.zeros(2, -1)).toThrow(
      "Cannot make zeros of shape [2, -1]: sizes must be integers >= 0, got -1",
    );
    expect(() => torch.ones(1.5)).toThrow(/must be an integer/);
    expect(() => torch.eye(-1)).toThrow(ValueError);
  });
});

describe("dtypes", () => {
  it("follow the default dtype", () => {
    torch.setDefaultDtype("float64");
    expect(torch.getDefaultDtype().name).toBe("float64");
    expect(
      [torch.zeros(1), torch.linspace(0, 1, 2), torch.tensor([1.5]), torch.rand(1)].map((x) => x.dtype.name),
    )
      .toEqual(["float64", "float64", "float64", "float64"]);
    expect(() => torch.setDefaultDtype("int32")).toThrow(/must be a float dtype/);
  });

  it("are those of the values in tensor and full", () => {
    expect(type(torch.tensor([[1, 2]]))).toBe("float32[1, 2]");
    expect(type(torch.tensor(true))).toBe("bool[]");
    expect(type(torch.tensor([1n]))).toBe("int64[1]");
    expect(type(torch.tensor(new Uint8Array(3)))).toBe("uint8[3]");
    expect(type(torch.full([2], true))).toBe("bool[2]");
    expect(type(torch.full([2], 7))).toBe("float32[2]");
    expect(values(torch.full([2], 2.7, { dtype: "int32" }))).toEqual([2, 2]);
  });

  it("that a device lacks are an error", () => {
    const poor = { ...backend, name: "poor", dtypes: new Set([torch.getDefaultDtype()]) } as typeof backend;
    expect(() => torch.zeros([2], { dtype: "int64", device: poor })).toThrow(DeviceError);
    expect(() => torch.zeros([2], { dtype: "int64", device: poor })).toThrow("it has no int64");
  });
});

describe("tensor", () => {
  it("copies and leaves history behind; asTensor does neither", () => {
    const x = torch.tensor([1, 2]).requiresGrad_();
    const copy = torch.tensor(x);
    expect(copy.storage).not.toBe(x.storage);
    expect(copy.requiresGrad).toBe(false);
    expect(torch.asTensor(x)).toBe(x);
    expect(type(torch.asTensor(x, { dtype: "float64" }))).toBe("float64[2]");
  });

  it("takes tensors inside arrays", () => {
    expect(values(torch.tensor([torch.arange(2), [5, 6]]))).toEqual([[0, 1], [5, 6]]);
  });

  it("refuses ragged arrays and values that do not fit", () => {
    expect(() => torch.tensor([[1, 2], [3]])).toThrow(/expected a sequence of length 2 at dim 1, got 1/);
    expect(() => torch.tensor([300], { dtype: "uint8" })).toThrow(ValueError);
  });

  it("can require grad", () => {
    expect(torch.tensor([1], { requiresGrad: true }).requiresGrad).toBe(true);
    expect(torch.zeros(2, { requiresGrad: true }).isLeaf).toBe(true);
  });
});

describe("fromTypedArray", () => {
  it("takes the dtype of the array and copies it", () => {
    const array = Float32Array.of(1, 2, 3, 4);
    const x = torch.fromTypedArray(array, [2, 2]);
    array[0] = 9;
    expect(values(x)).toEqual([[1, 2], [3, 4]]);
    expect(type(torch.fromTypedArray(new BigInt64Array(1)))).toBe("int64[1]");
    expect(() => torch.fromTypedArray(array, [3])).toThrow(ShapeError);
  });

  it("converts to another dtype", () => {
    expect(values(torch.fromTypedArray(Uint8Array.of(0, 2), [2], { dtype: "bool" }))).toEqual([false, true]);
    expect(values(torch.fromTypedArray(Float32Array.of(1.9), [1], { dtype: "int32" }))).toEqual([1]);
  });

  it("takes bit patterns of halves, as data() reads them", () => {
    const x = torch.tensor([1, -2.5], { dtype: "bfloat16" });
    const again = torch.fromTypedArray(x.dataSync() as Uint16Array, [2], { dtype: "bfloat16" });
    expect(values(again)).toEqual([1, -2.5]);
  });
});

describe("frombuffer", () => {
  it("reads elements from a byte on", () => {
    const bytes = new Uint8Array(Int16Array.of(7, -1, 5).buffer);
    expect(values(torch.frombuffer(bytes, { dtype: "int16" }))).toEqual([7, -1, 5]);
    expect(values(torch.frombuffer(bytes, { dtype: "int16", offset: 2, count: 1 }))).toEqual([-1]);
    expect(() => torch.frombuffer(bytes, { dtype: "int32" })).toThrow(/whole elements of 4 bytes, got 1.5/);
  });
});

describe("old constructors", () => {
  it("take sizes or data", () => {
    expect(type(torch.FloatTensor(2, 2))).toBe("float32[2, 2]");
    expect(values(torch.FloatTensor([[1, 2], [3, 4]]))).toEqual([[1, 2], [3, 4]]);
    expect(type(torch.LongTensor([1]))).toBe("int64[1]");
    expect(type(torch.ByteTensor([1, 2]))).toBe("uint8[2]");
    expect(type(torch.BoolTensor([true]))).toBe("bool[1]");
    expect(type(torch.IntTensor())).toBe("int32[0]");
    expect(type(torch.DoubleTensor(3))).toBe("float64[3]");
  });
});

describe("like and new", () => {
  it("take shape, dtype and device of a tensor unless told otherwise", () => {
    const x = torch.ones([2, 1], { dtype: "int32" });
    expect(type(torch.zerosLike(x))).toBe("int32[2, 1]");
    expect(type(torch.onesLike(x, { dtype: "float32" }))).toBe("float32[2, 1]");
    expect(values(torch.fullLike(x, 2.9))).toEqual([[2], [2]]);
    expect(type(torch.emptyLike(x))).toBe("int32[2, 1]");
    expect(type(x.newZeros(3))).toBe("int32[3]");
    expect(type(x.newOnes([2], { dtype: "bool" }))).toBe("bool[2]");
    expect(values(x.newFull([1], 5))).toEqual([5]);
    expect(type(x.newEmpty([4]))).toBe("int32[4]");
    expect(type(x.newTensor([1, 2]))).toBe("int32[2]");
  });
});

describe("arange", () => {
  it("takes one, two or three bounds, or names", () => {
    expect(values(torch.arange(3))).toEqual([0, 1, 2]);
    expect(values(torch.arange(1, 3))).toEqual([1, 2]);
    expect(values(torch.arange(3, 1, -0.5))).toEqual([3, 2.5, 2, 1.5]);
    expect(values(torch.arange(0, { end: 2, dtype: "float32" }))).toEqual([0, 1]);
    expect(values(torch.arange({ end: 2 }))).toEqual([0, 1]);
  });

  it("is int32 of whole numbers, int64 of bigints, else float", () => {
    expect([torch.arange(2), torch.arange(2n), torch.arange(0, 1, 0.5)].map((x) => x.dtype.name)).toEqual([
      "int32",
      "int64",
      "float32",
    ]);
  });

  it("refuses steps that lead nowhere", () => {
    expect(() => torch.arange(0, 3, 0)).toThrow(/step must not be 0/);
    expect(() => torch.arange(0, 3, -2)).toThrow(/the step must lead from start to end/);
    expect(() => torch.arange(-Infinity, 1)).toThrow(/must be finite/);
  });
});

describe("linspace and logspace", () => {
  it("reach both ends exactly", () => {
    const x = torch.linspace(-0.3, 0.7, 7).dataSync();
    expect([x[0], x[6]]).toEqual([Math.fround(-0.3), Math.fround(0.7)]);
    expect(values(torch.linspace(0, 10, 5, { dtype: "int32" }))).toEqual([0, 2, 5, 7, 10]);
    expect(values(torch.linspace(2, 5, 1))).toEqual([2]);
    expect(values(torch.logspace(0, 2, 3))).toEqual([1, 10, 100]);
    expect(values(torch.logspace(0, 3, 4, { base: 2 }))).toEqual([1, 2, 4, 8]);
    expect(() => torch.linspace(0, 1, -1)).toThrow(/steps must be >= 0, got -1/);
  });
});

describe("windows", () => {
  it("are periodic unless told otherwise", () => {
    expect(values(torch.hannWindow(4))).toEqual([0, 0.5, 1, 0.5]);
    expect(values(torch.hannWindow(3, false))).toEqual([0, 1, 0]);
    expect(values(torch.bartlettWindow(4))).toEqual([0, 0.5, 1, 0.5]);
    expect(values(torch.hannWindow(1))).toEqual([1]);
    expect(values(torch.hannWindow(0))).toEqual([]);
  });

  it("agree with PyTorch", () => {
    // torch.hamming_window(4), torch.blackman_window(4), torch.kaiser_window(4, True, 3.)
    const close = (x: torch.Tensor, want: number[]) =>
      expect(torch.allclose(x, torch.tensor(want), { atol: 1e-6 })).toBe(true);
    close(torch.hammingWindow(4), [0.08, 0.54, 1, 0.54]);
    close(torch.blackmanWindow(4), [0, 0.34, 1, 0.34]);
    close(torch.kaiserWindow(4, { beta: 3 }), [0.20488474, 0.7269255, 1, 0.7269255]);
  });

  it("are of floats", () => {
    expect(() => torch.hannWindow(4, { dtype: "int32" })).toThrow(/must have a float dtype/);
  });
});

describe("structured tensors", () => {
  it("eye", () => {
    expect(values(torch.eye(2, 3))).toEqual([[1, 0, 0], [0, 1, 0]]);
    expect(type(torch.eye(2, { dtype: "bool" }))).toBe("bool[2, 2]");
  });

  it("meshgrid gives views", () => {
    const [x, y] = [torch.arange(2), torch.arange(3)];
    const [gx, gy] = torch.meshgrid(x, y, { indexing: "xy" });
    expect(values(gx!)).toEqual([[0, 1], [0, 1], [0, 1]]);
    expect(values(gy!)).toEqual([[0, 0], [1, 1], [2, 2]]);
    expect(gx!.storage).toBe(x.storage);
    expect(torch.meshgrid([x, y]).map(type)).toEqual(["int32[2, 3]", "int32[2, 3]"]);
    expect(() => torch.meshgrid(torch.zeros(2, 2))).toThrow(ShapeError);
  });

  it("diag goes both ways", () => {
    const x = torch.tensor([[1, 2], [3, 4]]);
    expect(values(x.diag())).toEqual([1, 4]);
    expect(values(x.diag({ diagonal: 1 }))).toEqual([2]);
    expect(values(torch.diag(torch.tensor([1, 2]), -1))).toEqual([[0, 0, 0], [1, 0, 0], [0, 2, 0]]);
    expect(values(torch.diagflat(torch.tensor([[1], [2]])))).toEqual([[1, 0], [0, 2]]);
    expect(() => torch.zeros(1, 1, 1).diag()).toThrow(ShapeError);
  });

  it("triangle indices run row by row", () => {
    expect(values(torch.trilIndices(2, 3))).toEqual([[0, 1, 1], [0, 0, 1]]);
    expect(values(torch.triuIndices(2, 3, 1))).toEqual([[0, 0, 1], [1, 2, 2]]);
  });

  it("vander", () => {
    const x = torch.tensor([2, 3]);
    expect(values(torch.vander(x, 3))).toEqual([[4, 2, 1], [9, 3, 1]]);
    expect(values(torch.vander(x, { N: 3, increasing: true }))).toEqual([[1, 2, 4], [1, 3, 9]]);
  });
});

describe("options", () => {
  it("with names that are not known are refused, not ignored", () => {
    const options = { requires_grad: true } as object;
    for (
      const make of [
        () => torch.zeros(2, options),
        () => torch.ones([2], options),
        () => torch.randn(2, options),
        () => torch.tensor([1], options),
        () => torch.full([2], 1, options),
      ]
    ) expect(make).toThrow(/with option "requires_grad": it must be one of .*dtype, device, requiresGrad/);
  });
});
