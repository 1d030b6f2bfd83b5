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
    id: ["full/any/h01", "full/any/h02", "arange/any/h05", "where/float32/h01"],
    shows: /dtype must be float32, got int32/,
  },
];
