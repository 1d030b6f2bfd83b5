/**
 * Derivatives of recurrent layers. Their gradients for the gates come step by step from one primitive; the gradient for the
 * weight is one product over the rows of all steps.
 *
 * @module
 */

import type { FusedName } from "@flambeau/core";
import type { Tensor } from "@flambeau/tensor";
import { bind } from "@flambeau/tensor/internal";
import { matmul, sum, transpose, zeros } from "../math.ts";
import { type Derivative, OUTPUT, row, SECOND } from "../row.ts";

/** `grads`, with zeros of the shapes of `likes` where none arrived. */
function filled(grads: readonly (Tensor | null)[], likes: readonly Tensor[]): Tensor[] {
  return likes.map((like, i) => grads[i] ?? zeros(like, like.shape));
}

/** As {@linkcode filled}, or nothing where none arrived at all: only second derivatives move what was saved. */
function filledOrNone(grads: readonly (Tensor | null)[], likes: readonly Tensor[]): Tensor[] {
  return grads.every((grad) => grad === null) ? [] : filled(grads, likes);
}

/** Rows of recurrent layers. */
export const recurrentDerivatives: { readonly [P in FusedName]?: Derivative<P> } = {
  rnnLayer: row(
    SECOND | OUTPUT | (OUTPUT << 1) | (OUTPUT << 2),
    ([gy, ghn, ghiddens], { inputs: [, weight], output: [y, hn, hiddens], attrs, needs }) => {
      const given = filled([gy, ghn], [y, hn]) as [Tensor, Tensor];
      const [ggates, gh] = bind(
        "rnnLayerBackward",
        [...given, weight, y, ...filledOrNone([ghiddens], [hiddens])] as [Tensor, Tensor, Tensor, Tensor],
        attrs,
      );
      return [ggates, needs[1] ? matmul(transpose(ggates), hiddens) : null, gh];
    },
  ),
  lstmLayer: row(
    SECOND | (OUTPUT << 1) | (OUTPUT << 3) | (OUTPUT << 4) | (OUTPUT << 5),
    (grads, { inputs: [, weight], output: [, hn, , activations, hiddens, cells], attrs, needs }) => {
      const [gy, ghn, gcn] = filled(grads.slice(0, 3), [cells, hn, hn]) as [Tensor, Tensor, Tensor];
      const saved = filledOrNone(grads.slice(3), [activations, hiddens, cells]) as [];
      const [ggates, gh, gc] = bind(
        "lstmLayerBackward",
        [gy, ghn, gcn, weight, activations, cells, ...saved],
        attrs,
      );
      return [ggates, needs[1] ? matmul(transpose(ggates), hiddens) : null, gh, gc];
    },
  ),
  gruLayer: row(
    SECOND | (OUTPUT << 1) | (OUTPUT << 2) | (OUTPUT << 3),
    (grads, { inputs: [, weight], output: [, hn, activations, hiddens], attrs, needs }) => {
      const [gy, ghn] = filled(grads.slice(0, 2), [hiddens, hn]) as [Tensor, Tensor];
      const saved = filledOrNone(grads.slice(2), [activations, hiddens]) as [];
      const [ga, gb, gh] = bind(
        "gruLayerBackward",
        [gy, ghn, weight, activations, hiddens, ...saved],
        attrs,
      );
      return [
        ga,
        needs[1] ? matmul(transpose(gb), hiddens) : null,
        needs[2] ? sum(gb, [0]) : null,
        gh,
      ];
    },
  ),
};
