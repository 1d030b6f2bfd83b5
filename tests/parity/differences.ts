/**
 * Where Flambeau differs from PyTorch on purpose, by case. The reasons in full are in `docs/differences.md`.
 *
 * @module
 */

import type { Kind } from "./fixtures.ts";

/** A difference: the cases that show it and how. */
export interface Difference {
  /** Heading in `docs/differences.md`, as an anchor. */
  readonly see: string;
  readonly kind: Kind;
  /** Ids of the cases; `*` stands for any text. Every one of them must show the difference. */
  readonly id: readonly string[];
  /** What the failure looks like: another failure of the same case is no accepted difference. */
  readonly shows: RegExp;
}

/** All accepted differences. */
export const differences: readonly Difference[] = [
  {
    see: "whole-numbers-are-integers",
    kind: "ops",
    id: ["arange/any/h05", "where/float32/h01"],
    shows: /dtype must be float32, got int32/,
  },
  {
    see: "numbers-make-floats",
    kind: "ops",
    id: [
      "tensor/any/h00",
      "tensor/any/h02",
      "tensor/any/h04",
      "tensor/any/h11",
      "tensor/any/h12",
      "full/any/h03",
      "as_tensor/any/h00",
      "as_tensor/any/h02",
      "as_tensor/any/h04",
      "as_tensor/any/h11",
      "as_tensor/any/h12",
    ],
    shows: /dtype must be int64, got float32|dtype must be int32, got float32/,
  },
  {
    see: "the-gradient-of-masked_select-of-a-transposed-tensor",
    kind: "ops",
    id: ["masked_select/float32/001"],
    shows: /grad of i0\[\d+\]: must be/,
  },
  {
    see: "the-gradient-of-a-cholesky-factor",
    kind: "ops",
    id: [
      "cholesky_inverse/float32/001",
      "cholesky_inverse/float32/002",
      "cholesky_inverse/float32/003",
      "cholesky_inverse/float32/004",
      "cholesky_solve/float32/001",
      "cholesky_solve/float32/002",
      "cholesky_solve/float32/003",
      "cholesky_solve/float32/004",
    ],
    shows: /grad of i[01]\[\d+\]: must be .*, got 0;/,
  },
  {
    see: "bessel-functions-at-infinity-and-nan",
    kind: "ops",
    id: ["i0/float32/000", "special.i1/float32/000"],
    shows: /o0\[0\]: must be NaN, got Infinity/,
  },
  {
    see: "bessel-functions-at-infinity-and-nan",
    kind: "ops",
    id: ["special.i1e/float32/000"],
    shows: /grad of i0\[6\]: must be 0\.1\d+, got NaN/,
  },
];
