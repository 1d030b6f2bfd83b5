import { createReferenceBackend } from "@flambeau/reference";
import { DTypeError, ValueError } from "@flambeau/core";
import { describe, expect, it } from "vitest";
import * as torch from "../../mod.ts";

torch.registerBackend(createReferenceBackend());

const { special } = torch;
const values = (x: torch.Tensor) => x.toArraySync();
const floats = (...list: number[]) => torch.tensor(list);
const close = (x: torch.Tensor, want: number[]) =>
  expect(torch.allclose(x, torch.tensor(want), 1e-5, 1e-6)).toBe(true);

describe("special", () => {
  it("has the functions of torch under their other names", () => {
    expect(special.expit).toBe(torch.sigmoid);
    expect(special.psi).toBe(torch.digamma);
    expect(special.gammaln).toBe(torch.lgamma);
    expect(special.gammainc).toBe(torch.igamma);
    expect(special.multigammaln).toBe(torch.mvlgamma);
  });

  it("agrees with PyTorch", () => {
    close(special.entr(floats(0, 0.5, 1)), [0, 0.5 * Math.LN2, 0]);
    close(special.ndtr(floats(-1, 0, 1)), [0.15865525, 0.5, 0.8413447]);
    close(special.ndtri(floats(0.15865525, 0.5)), [-1, 0]);
    close(special.zeta(floats(2), floats(1)), [Math.PI ** 2 / 6]);
    close(special.polygamma(1, floats(1)), [Math.PI ** 2 / 6]);
    close(torch.mvlgamma(floats(3), 2), [1.5501950]);
    close(torch.sinc(floats(0, 0.5, 1)), [1, 2 / Math.PI, 0]);
    close(torch.logit(floats(0.5, 0.75)), [0, Math.log(3)]);
    close(torch.logit(floats(0, 1), 0.25), [-Math.log(3), Math.log(3)]);
    close(floats(180).deg2rad(), [Math.PI]);
    close(torch.ones([1], { dtype: "int32" }).rad2deg(), [180 / Math.PI]);
  });

  it("0 · ln 0 is 0, 0 · NaN is NaN", () => {
    expect(values(torch.xlogy(floats(0, 0, 0, 2), floats(0, Infinity, NaN, 1)))).toEqual([0, 0, NaN, 0]);
    expect(values(special.xlog1py(floats(0, 0), floats(-1, -5)))).toEqual([0, 0]);
    expect(values(torch.xlogy(2, floats(1)))).toEqual([0]);
    expect(values(special.entr(floats(-1, NaN)))).toEqual([-Infinity, NaN]);
  });

  it("nanToNum takes the limits of the dtype", () => {
    expect(values(floats(NaN, Infinity, -Infinity, 1).nanToNum())).toEqual([
      0,
      3.4028234663852886e38,
      -3.4028234663852886e38,
      1,
    ]);
    expect(values(floats(NaN, Infinity).nanToNum(5, { posinf: 7 }))).toEqual([5, 7]);
    expect(values(floats(Infinity).half().nanToNum())).toEqual([65504]);
  });

  it("refuses orders that do not exist", () => {
    expect(() => special.polygamma(-1, floats(1))).toThrow(ValueError);
    expect(() => torch.mvlgamma(floats(1), 0)).toThrow(ValueError);
    expect(() => torch.ones([1], { dtype: "int32" }).sinc_()).toThrow(DTypeError);
  });
});

describe("dtypes", () => {
  it("convert by PyTorch's names", () => {
    const x = floats(1.7, -1, 0);
    expect(values(x.int())).toEqual([1, -1, 0]);
    expect(values(x.bool())).toEqual([true, true, false]);
    expect(values(x.long())).toEqual([1n, -1n, 0n]);
    expect(values(x.byte())).toEqual([1, 255, 0]);
    expect(x.float()).toBe(x);
    expect([x.half(), x.bfloat16(), x.double(), x.short(), x.char()].map((y) => y.dtype.name)).toEqual([
      "float16",
      "bfloat16",
      "float64",
      "int16",
      "int8",
    ]);
    expect(x.typeAs(x.int()).dtype.name).toBe("int32");
    expect(x.type()).toBe("torch.FloatTensor");
    expect(x.type("torch.IntTensor").dtype.name).toBe("int32");
    expect(x.type("int16").dtype.name).toBe("int16");
  });

  it("promote as in PyTorch", () => {
    expect(torch.resultType(torch.ones([2], { dtype: "int32" }), 2.5).name).toBe("float32");
    expect(torch.promoteTypes("uint8", "int8").name).toBe("int16");
    expect(torch.canCast("float32", "int32")).toBe(false);
    expect(torch.canCast("int32", "float16")).toBe(true);
  });

  it("say what they hold", () => {
    const { eps, max, tiny, bits, resolution } = torch.finfo("float16");
    expect([eps, max, tiny, bits, resolution]).toEqual([2 ** -10, 65504, 2 ** -14, 16, 1e-3]);
    expect(torch.finfo("float64").max).toBe(Number.MAX_VALUE);
    expect(torch.finfo().eps).toBe(2 ** -23);
    expect(torch.iinfo("uint8").max).toBe(255);
    expect(torch.iinfo("int64").min).toBe(-(2n ** 63n));
    expect(() => torch.finfo("int32")).toThrow(/must be a float dtype/);
    expect(() => torch.iinfo("bool")).toThrow(/must be an integer dtype/);
  });

  it("answer questions", () => {
    const x = torch.zeros([2, 3], { dtype: "int16" });
    expect([x.isFloatingPoint(), x.isSigned(), x.isComplex()]).toEqual([false, true, false]);
    expect([x.nelement(), x.elementSize(), x.nbytes, torch.numel(x)]).toEqual([6, 2, 12, 6]);
    expect([torch.isTensor(x), torch.isTensor([1])]).toEqual([true, false]);
    expect([x.stride(), x.stride(-1), x.index(1).storageOffset()]).toEqual([[3, 1], 1, 3]);
  });
});
