/**
 * A product of matrices in the making: what is multiplied, and how elements are read and written.
 *
 * @module
 */

import type { Operand } from "@flambeau/core";
import type { GpuDispatch } from "../../dispatch.ts";
import type { Draft } from "../../draft.ts";
import { perWord, storageOf } from "../../element.ts";
import { SKINNY } from "./tiles.ts";

/** The side on which an operand of a kernel stands: its free index counts rows of the left one, columns of the right one. */
export type Side = "a" | "b";

/**
 * How an operand is read: four neighbouring elements at a time, along its free index f or along the depth k.
 *
 * The text declares, for the side `s` on which the operand stands: a structure `Fix_s` of what does not change with k;
 * `fix_s(p, f, end)`, where `end` is the number of free indices; and
 * - along "free": `load_s(fix, k, k_end)`, elements f … f + 3 at k;
 * - along "k": `load_s(fix, i, k, k_end)`, elements k … k + 3 at f + i, with i below 4 and k dividing by 4.
 *
 * What lies outside is 0. `p` is what the setup of the product gives.
 */
export interface Loader {
  readonly along: "free" | "k";
  /** Names the text. */
  readonly key: string;
  readonly text: (side: Side) => string;
}

/** How a result is written. */
export interface Storer {
  /** Names the text. */
  readonly key: string;
  /** Statements that put the scalar `v` at (po, m, n), which is within bounds; for storers without `four`. */
  readonly one: string;
  /** Statements that put four `v` at (po, m, n … n + 3), all within bounds; null where fours are not whole. */
  readonly four: string | null;
}

/** What is done with the elements of a result in place of storing them: steps that follow, whose results are written. */
export interface Epilogue {
  /** The steps, for messages and for the key. */
  readonly op: string;
  /** Names the text. */
  readonly key: string;
  /** True where four neighbours, of which the first one's number divides by 4, can be written at once. */
  readonly fours: boolean;
  /**
   * The function `put_o(i, v)`, or `put_quad_o(i, v)` for four neighbours, as if there were a result `o` that is contiguous:
   * `i` is the row-major number of the element.
   */
  readonly text: (quads: boolean) => string;
  /** Binds operands and results, and adds uniforms. */
  readonly bind: (draft: Draft, quads: boolean) => void;
  /** The same after the first dimension of `partial` was added up. */
  readonly sum: (partial: Operand) => GpuDispatch | null;
}

/** Binds a result as `o`, or what an epilogue makes of it. */
export function bindResult(draft: Draft, o: Operand, quads: boolean, epilogue: Epilogue | null): Draft {
  if (epilogue !== null) {
    epilogue.bind(draft, quads);
    return draft;
  }
  const packed = perWord(storageOf(o.dtype, false)) > 1;
  return draft.bind("o", o, { as: packed && !quads ? "atomic" : "write", quads });
}

/** A product. */
export interface Product {
  /** The primitive. */
  readonly op: string;
  /** What the text depends on beside loaders and storer. */
  readonly key: string;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Products of one size; the text gets the number as `batch`. */
  readonly batch: number;
  readonly type: "f32" | "i32";
  readonly a: Loader;
  readonly b: Loader;
  readonly store: Storer;
  /** Body of a function of n that gives what is added to column n; null for nothing. */
  readonly bias: string | null;
  readonly output: Operand;
  /** Steps of the dimensions of `output` in memory that is ordered by batch, m, n. */
  readonly dense: readonly number[];
  /** Binds the inputs and adds uniforms. */
  readonly inputs: (draft: Draft) => void;
  /** Binds `output` by {@linkcode bindResult}, with its uniforms; not called where parts are written instead. */
  readonly result: (draft: Draft) => void;
  /** Statements that make variables of `batch`: `pa`, `pb`, `po`. */
  readonly setup: string;
  /** What is done with the result, if it is not just stored: then `output` is contiguous, and nobody reads its buffer. */
  readonly epilogue: Epilogue | null;
}

/** True where a kernel takes the columns of a product for its rows: the few are rows. Then results are not written in fours. */
export function isSwapped({ m, n }: { readonly m: number; readonly n: number }): boolean {
  return m > SKINNY && n <= SKINNY;
}

/** A kernel for a product: how many workgroups, and its text. */
export interface Plan {
  /** Names the text. */
  readonly key: string;
  /** Workgroups of one part of the depth. */
  readonly groups: number;
  /** What the depth of a part divides by. */
  readonly depth: number;
  /** Parts into which the kernel cuts the depth when nobody says. */
  readonly parts: number;
  /** Adds uniforms of its own. */
  readonly uniforms: (draft: Draft) => void;
  /** True where the text sums over subgroups. */
  readonly subgroups: boolean;
  /**
   * Text that has `main`. It finds the functions of the loaders and `store_o(po, row, column, v, part)`, and may use
   * `P.rows`, `P.columns`, `P.k`, `P.batches`, `P.piece` and `P.groups`. Where the depth is cut into parts (`parted`), `po` is
   * the number of the part times the batches plus the batch.
   */
  readonly text: (parted: boolean) => string;
}
