/**
 * Batching rules of dense linear algebra, whose leading dimensions are batches already.
 *
 * @module
 */

import type { LinalgPrimitives } from "@flambeau/core";
import { bind } from "@flambeau/tensor/internal";
import { type BatchRule, type BatchRulesOf, full } from "./lowered.ts";
import { broadcasting } from "./pointwise.ts";
import { along } from "./reduce.ts";

/** Rules of linear algebra. */
export const linalgBatchRules: BatchRulesOf<LinalgPrimitives<unknown>> = {
  matmul: broadcasting("matmul") as BatchRule<"matmul">,
  cholesky: ([{ x }]) => bind("cholesky", [x], null),
  luFactor: ([{ x }]) => bind("luFactor", [x], null),
  qr: ([{ x }], attrs) => bind("qr", [x], attrs),
  eigh: ([{ x }]) => bind("eigh", [x], null),
  svd: ([{ x }], attrs) => bind("svd", [x], attrs),
  solveTriangular: ([a, b], attrs, size) => bind("solveTriangular", [full(a, size), full(b, size)], attrs),
  fft: along("fft") as unknown as BatchRule<"fft">,
};
