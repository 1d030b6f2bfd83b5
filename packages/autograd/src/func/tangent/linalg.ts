/**
 * Forward-mode rules of dense linear algebra.
 *
 * @module
 */

import type { LinalgPrimitives } from "@flambeau/core";
import { matmul } from "../../math.ts";
import { linearIn, sumOf, type TangentRulesOf, transposed } from "./rule.ts";

/** Rules of linear algebra. Those of factorizations transpose the derivative rows. */
export const linalgTangents: TangentRulesOf<LinalgPrimitives<unknown>> = {
  matmul: ({ inputs: [x, y], tangents: [tx, ty] }) =>
    sumOf(tx ? matmul(tx, y) : null, ty ? matmul(x, ty) : null),
  cholesky: transposed("cholesky"),
  luFactor: transposed("luFactor"),
  qr: transposed("qr"),
  eigh: transposed("eigh"),
  svd: transposed("svd"),
  solveTriangular: transposed("solveTriangular"),
  fft: linearIn("fft"),
};
