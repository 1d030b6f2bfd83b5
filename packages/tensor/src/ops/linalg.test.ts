import { createReferenceBackend } from "@flambeau/reference";
import { DTypeError, ShapeError, ValueError } from "@flambeau/core";
import "@flambeau/autograd";
import { describe, expect, it } from "vitest";
import * as torch from "../../mod.ts";
import type { Tensor } from "../../mod.ts";

torch.registerBackend(createReferenceBackend());

const { linalg, fft } = torch;
const values = (x: Tensor) => x.toArraySync();
const double = (data: number[] | number[][] | number[][][]) => torch.tensor(data, { dtype: "float64" });
const close = (x: Tensor, y: Tensor) => torch.allclose(x, y, { rtol: 1e-9, atol: 1e-9 });
const a = double([[[2, 1, 0], [1, 3, 1], [0, 1, 4]], [[5, 2, 1], [2, 6, 2], [1, 2, 7]]]);
const oblong = double([[1, 2], [3, 4], [5, 7]]);

describe("factorizations multiply to the matrix", () => {
  it("cholesky, upper too", () => {
    const l = linalg.cholesky(a);
    expect(close(l.matmul(l.mT), a)).toBe(true);
    const u = linalg.cholesky(a, { upper: true });
    expect(close(u.mT.matmul(u), a)).toBe(true);
    expect(close(torch.choleskyInverse(l), linalg.inv(a))).toBe(true);
    expect(close(a.matmul(torch.choleskySolve(oblong, l)), oblong.expand(2, 3, 2))).toBe(true);
  });

  it("lu of any size", () => {
    for (const x of [a, oblong, oblong.t().contiguous()]) {
      const { P, L, U } = linalg.lu(x);
      expect(close(P.matmul(L).matmul(U), x)).toBe(true);
      const packed = linalg.luFactor(x);
      expect(close(torch.luUnpack(packed.LU, packed.pivots).L, L)).toBe(true);
    }
    const { LU, pivots } = linalg.luFactor(a);
    const b = oblong.expand(2, 3, 2);
    expect(close(a.matmul(linalg.luSolve(LU, pivots, b)), b)).toBe(true);
    expect(close(a.mT.matmul(linalg.luSolve(LU, pivots, b, { adjoint: true })), b)).toBe(true);
    expect(close(linalg.luSolve(LU, pivots, b.mT, { left: false }).matmul(a), b.mT)).toBe(true);
  });

  it("qr in its modes", () => {
    for (const mode of ["reduced", "complete"] as const) {
      const { Q, R } = linalg.qr(oblong, mode);
      expect(close(Q.matmul(R), oblong)).toBe(true);
      expect(Q.shape).toEqual([3, mode === "reduced" ? 2 : 3]);
    }
    expect(linalg.qr(oblong, "r").Q.shape).toEqual([0]);
    expect(values(linalg.qr(torch.zeros([2, 0]), { mode: "complete" }).Q)).toEqual([[1, 0], [0, 1]]);
    expect(() => linalg.qr(oblong, "full" as "r")).toThrow(ValueError);
  });

  it("svd and eigh", () => {
    const { U, S, Vh } = linalg.svd(oblong, { fullMatrices: false });
    expect(close(U.mul(S).matmul(Vh), oblong)).toBe(true);
    expect(linalg.svd(oblong).U.shape).toEqual([3, 3]);
    const { eigenvalues, eigenvectors } = linalg.eigh(a);
    expect(close(eigenvectors.mul(eigenvalues.unsqueeze(-2)).matmul(eigenvectors.mT), a)).toBe(true);
    expect(close(linalg.eigvalsh(a.triu(), "U"), eigenvalues)).toBe(true);
  });

  it("ldl of an indefinite matrix", () => {
    const x = double([[0, 1, 2], [1, 0, 3], [2, 3, 0]]);
    const { LD, pivots } = linalg.ldlFactor(x);
    const b = double([[1], [2], [3]]);
    expect(close(x.matmul(linalg.ldlSolve(LD, pivots, b)), b)).toBe(true);
    expect(() => linalg.ldlFactor(double([[0, 0], [0, 1]]))).toThrow(/zero block/);
  });
});

describe("solve", () => {
  it("vectors, batches and the right side", () => {
    const v = double([1, 2, 3]);
    expect(close(a.matmul(linalg.solve(a, v).unsqueeze(-1)).squeeze(-1), v.expand(2, 3))).toBe(true);
    const rows = oblong.t().unsqueeze(0);
    expect(close(linalg.solve(a, rows, { left: false }).matmul(a), rows.expand(2, 2, 3))).toBe(true);
    expect(close(linalg.tensorinv(a.index(0).reshape(3, 1, 3), 1), linalg.inv(a.index(0)).reshape(1, 3, 3)))
      .toBe(true);
  });

  it("says which matrix is singular", () => {
    const x = torch.stack([torch.eye(2), torch.zeros([2, 2])]);
    expect(() => linalg.inv(x)).toThrow(ValueError);
    expect(() => linalg.inv(x)).toThrow("(batch element 1): it must be invertible");
    expect(values(linalg.invEx(x).info)).toEqual([0, 1]);
    expect(() => linalg.solve(x, torch.ones([2, 3]))).toThrow(/singular/);
    expect(() => linalg.cholesky(double([[1, 2], [2, 1]]))).toThrow(
      /positive-definite, got a leading minor of order 2/,
    );
    expect(values(linalg.choleskyEx(double([[1, 2], [2, 1]])).info)).toBe(2);
  });

  it("says what is no matrix", () => {
    expect(() => linalg.inv(torch.ones([2, 3]))).toThrow(
      "A must be square matrices",
    );
    expect(() => linalg.svd(torch.ones([2]))).toThrow(ShapeError);
    expect(() => linalg.qr(torch.ones([2, 2], { dtype: "int32" }))).toThrow(DTypeError);
    expect(() => linalg.solve(torch.eye(2), torch.ones([3, 1]))).toThrow("B must have 2 rows, got 3");
  });
});

describe("determinants", () => {
  it("det, slogdet and logdet", () => {
    expect(close(linalg.det(a), double([18, 164]))).toBe(true);
    const [sign, log] = linalg.slogdet(double([[0, 1], [1, 0]]));
    expect([values(sign), values(log)]).toEqual([-1, 0]);
    expect(values(torch.logdet(double([[0, 1], [1, 0]])))).toBeNaN();
    expect(values(torch.logdet(torch.zeros([2, 2])))).toBe(-Infinity);
    expect(values(linalg.det(torch.zeros([0, 0])))).toBe(1);
  });
});

describe("pinv and least squares", () => {
  it("has a gradient where singular values are equal, and where some are 0", () => {
    const x = torch.eye(2, { dtype: "float64" }).requiresGrad_();
    linalg.pinv(x).backward(double([[1, 2], [3, 4]]));
    expect(values(x.grad!)).toEqual([[-1, -2], [-3, -4]]);
    const y = double([[1, 0], [0, 0], [0, 0]]).requiresGrad_();
    linalg.pinv(y).backward(double([[0, 1, 2], [3, 4, 5]]));
    expect(values(y.grad!)).toEqual([[0, 3], [1, 0], [2, 0]]);
  });

  it("lstsq solves for any rank", () => {
    const [x, b] = [double([[1, 0], [0, 2], [0, 0]]), double([[1], [4], [3]])];
    for (const driver of ["gels", "gelsy", "gelsd", "gelss"] as const) {
      const { solution, residuals, rank } = linalg.lstsq(x, b, { driver });
      expect(close(solution, double([[1], [2]]))).toBe(true);
      expect(values(residuals)).toEqual(driver === "gelsy" ? [] : [9]);
      expect(values(rank)).toEqual(driver === "gels" ? [] : 2);
    }
    expect(close(linalg.lstsq(double([[1, 1], [1, 1]]), double([2, 2])).solution, double([1, 1]))).toBe(true);
  });

  it("matrixRank and cond", () => {
    expect(values(linalg.matrixRank(double([[1, 2], [2, 4]])))).toBe(1);
    expect(values(linalg.matrixRank(a, { atol: 2 }))).toEqual([2, 3]);
    expect(values(linalg.cond(double([[2, 0], [0, 1]])))).toBe(2);
    expect(values(linalg.cond(double([[1, 0], [0, 0]]), 1))).toBe(Infinity);
  });
});

describe("norms and powers", () => {
  const x = double([[3, 0], [0, -4]]);
  it.each([["fro", 5], ["nuc", 7], [1, 4], [-1, 3], [2, 4], [-2, 3], [Infinity, 4], [-Infinity, 3]] as const)(
    "matrixNorm of order %s",
    (ord, expected) => {
      expect(values(linalg.matrixNorm(x, ord))).toBeCloseTo(expected, 12);
      expect(values(linalg.norm(x, ord))).toBeCloseTo(expected, 12);
    },
  );

  it("norm of vectors, and without an order", () => {
    expect(values(linalg.norm(x))).toBe(5);
    expect(values(linalg.norm(x, 1, 0))).toEqual([3, 4]);
    expect(() => linalg.norm(a, 2)).toThrow(/without dim it must have 1 or 2 dimensions/);
    expect(() => linalg.matrixNorm(x, 3)).toThrow(ValueError);
  });

  it("matrixPower and matrixExp", () => {
    expect(values(linalg.matrixPower(x, 3))).toEqual([[27, 0], [0, -64]]);
    expect(close(linalg.matrixPower(x, -1), double([[1 / 3, 0], [0, -0.25]]))).toBe(true);
    const turn = double([[0, -Math.PI / 2], [Math.PI / 2, 0]]);
    expect(close(torch.matrixExp(turn), double([[0, -1], [1, 0]]))).toBe(true);
  });
});

describe("fft", () => {
  const signal = double([1, 2, 3, 4, 7]);
  it("gives pairs", () => {
    expect(close(fft.rfft(double([1, 2, 3, 4])), double([[10, 0], [-2, 2], [-2, 0]]))).toBe(true);
    expect(fft.fft(signal).shape).toEqual([5, 2]);
  });

  it("goes back", () => {
    expect(close(fft.irfft(fft.rfft(signal), { n: 5, complex: true }), signal)).toBe(true);
    expect(close(fft.ifft(fft.fft(signal), { complex: true }).select(-1, 0), signal)).toBe(true);
    const plane = double([[1, 2, 3], [4, 5, 7]]);
    expect(close(fft.irfft2(fft.rfft2(plane), { s: [2, 3], complex: true }), plane)).toBe(true);
    expect(close(fft.ihfft(fft.hfft(fft.rfft(signal), { n: 5, complex: true })), fft.rfft(signal))).toBe(
      true,
    );
    const shifted = fft.fftshift(signal);
    expect(values(shifted)).toEqual([4, 7, 1, 2, 3]);
    expect(values(fft.ifftshift(shifted))).toEqual(values(signal));
  });

  it("names the frequencies of its results (values by PyTorch)", () => {
    expect(values(fft.fftfreq(5))).toEqual([0, 0.2, 0.4, -0.4, -0.2].map(Math.fround));
    expect(values(fft.fftfreq(4, 0.5))).toEqual([0, 0.5, -1, -0.5]);
    expect(values(fft.rfftfreq(5, { d: 2, dtype: "float64" }))).toEqual([0, 0.1, 0.2]);
    expect(values(fft.rfftfreq(4))).toEqual([0, 0.25, 0.5]);
    expect(() => fft.fftfreq(4, { dtype: "int32" })).toThrow("must have a float dtype");
    expect(() => fft.fftfreq(-1)).toThrow("Cannot fftfreq of length -1");
  });

  it("says what does not fit", () => {
    expect(() => fft.ifft(signal, { complex: true })).toThrow("the last size must be 2, for complex pairs");
    expect(() => fft.rfft(fft.fft(signal), { complex: true })).toThrow(/must be real/);
    expect(() => fft.fft(signal, 0)).toThrow(/number of data points must be positive/);
    expect(() => fft.fft(signal, { norm: "none" as "ortho" })).toThrow(/backward, ortho or forward/);
    expect(() => fft.fft2(signal)).toThrow(/range/);
  });

  it("stft and back", () => {
    const x = torch.arange(64).to("float64").sin();
    const window = torch.hannWindow(16, { dtype: "float64" });
    const spectra = torch.stft(x, 16, { window });
    expect(spectra.shape).toEqual([9, 17, 2]);
    expect(torch.allclose(torch.istft(spectra, 16, { window }), x, { atol: 1e-6 })).toBe(true);
    expect(() => torch.istft(spectra, 15)).toThrow(/must be \[8, windows, 2\]/);
  });
});
