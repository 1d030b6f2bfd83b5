/**
 * The Kullback–Leibler divergence between two distributions of one kind.
 *
 * @module
 */

import { NotImplementedError } from "@flambeau/core";
import { type Tensor, where } from "@flambeau/tensor";
import { temporaries } from "@flambeau/tensor/internal";
import { functional } from "@flambeau/nn";
import { Exponential, Laplace, Normal, Uniform } from "./continuous.ts";
import { Bernoulli, Categorical } from "./discrete.ts";
import type { Distribution } from "./distribution.ts";
import { Independent, sumRightmost } from "./independent.ts";

type Kind<D> = abstract new (...args: never[]) => D;

/** A row of the table: the kind, and the divergence between two of it. */
function row<D extends Distribution>(kind: Kind<D>, divergence: (p: D, q: D) => Tensor): {
  readonly kind: Kind<Distribution>;
  readonly divergence: (p: Distribution, q: Distribution) => Tensor;
} {
  return { kind, divergence: divergence as (p: Distribution, q: Distribution) => Tensor };
}

const { softplus } = functional;

/** The terms of a sum over outcomes: 0 for what `p` never gives, infinite for what `q` alone never gives. */
function settled(terms: Tensor, neverP: Tensor, neverQ: Tensor): Tensor {
  return terms.maskedFill(neverQ.expandAs(terms), Infinity).maskedFill(neverP.expandAs(terms), 0);
}

const TABLE = [
  row(Normal, (p, q) => {
    const ratio = p.scale.div(q.scale).square();
    const distance = p.loc.sub(q.loc).div(q.scale).square();
    return ratio.add(distance).sub(1).sub(ratio.log()).mul(0.5);
  }),
  row(Laplace, (p, q) => {
    const ratio = p.scale.div(q.scale);
    const distance = p.loc.sub(q.loc).abs();
    const far = distance.neg().div(p.scale).exp();
    return ratio.log().neg().add(distance.div(q.scale)).add(ratio.mul(far)).sub(1);
  }),
  row(Uniform, (p, q) => {
    const outside = q.low.gt(p.low).logicalOr(q.high.lt(p.high));
    return where(outside, Infinity, q.high.sub(q.low).div(p.high.sub(p.low)).log());
  }),
  row(Exponential, (p, q) => {
    const ratio = q.rate.div(p.rate);
    return ratio.log().neg().add(ratio).sub(1);
  }),
  row(Bernoulli, (p, q) => {
    const one = p.probs.mul(softplus(q.logits.neg()).sub(softplus(p.logits.neg())));
    const zero = p.probs.neg().add(1).mul(softplus(q.logits).sub(softplus(p.logits)));
    return settled(one, p.probs.eq(0), q.probs.eq(0)).add(settled(zero, p.probs.eq(1), q.probs.eq(1)));
  }),
  row(Categorical, (p, q) => {
    const terms = p.probs.mul(p.logits.sub(q.logits));
    return settled(terms, p.probs.eq(0), q.probs.eq(0)).sum(-1);
  }),
  row(
    Independent,
    (p, q) => sumRightmost(klDivergence(p.baseDist, q.baseDist), p.reinterpretedBatchNdims),
  ),
];

/**
 * How far `q` is from `p`: the expected value under `p` of `ln p − ln q`, in nats. Batches broadcast.
 *
 * @throws {NotImplementedError} If the two are not of one kind, or there is no closed form.
 * @see https://pytorch.org/docs/stable/distributions.html#torch.distributions.kl.kl_divergence
 */
export function klDivergence(p: Distribution, q: Distribution): Tensor {
  const found = TABLE.find(({ kind }) => p instanceof kind && q instanceof kind);
  const nested = !(p instanceof Independent && q instanceof Independent) ||
    p.reinterpretedBatchNdims === q.reinterpretedBatchNdims;
  if (found === undefined || !nested) {
    throw new NotImplementedError(
      `Cannot klDivergence of ${p} and ${q}: they must be of one kind that has a closed form`,
    );
  }
  return temporaries(() => found.divergence(p, q));
}
