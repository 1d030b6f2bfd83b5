import { createReferenceBackend } from "@flambeau/reference";
import { describe, expect, it } from "vitest";
import * as torch from "../../mod.ts";
import { liveAllocations } from "../memory.ts";

torch.registerBackend(createReferenceBackend());

const x = torch.tensor([[0.5, 2, 3], [4, -5, 6]]);
const p = torch.tensor([[0.5, 0.2, 0.3], [0.1, 0.8, 0.1]]);
const i = torch.tensor([[3, 1, 2], [1, 1, 0]], { dtype: "int32" });
const b = torch.tensor([[true, false, true], [false, true, true]]);
const half = x.half();
const short = i.short();
const byte = i.byte();
const wide = torch.ones(2, 4);
const scalar = torch.tensor(3);

/** Calls that make temporaries: each must leave nothing but its results. */
const calls: Readonly<Record<string, () => unknown>> = {
  "add of other dtypes": () => x.add(i),
  "add with alpha": () => i.add(x, { alpha: 2 }),
  "sub with alpha": () => x.sub(p, { alpha: 2 }),
  "div of integers": () => i.div(2),
  exp: () => i.exp(),
  round: () => x.round({ decimals: 1 }),
  frac: () => x.frac(),
  isfinite: () => x.isfinite(),
  addcmul: () => x.addcmul(p, i, { value: 2 }),
  lerp: () => x.lerp(p, p),
  clamp: () => x.clamp(p, 2),
  fmax: () => torch.fmax(x, p),
  frexp: () => torch.frexp(x),
  logaddexp: () => torch.logaddexp(x, p),
  heaviside: () => torch.heaviside(x, p),
  lcm: () => torch.lcm(i, i),
  ldexp: () => torch.ldexp(x, i),
  isclose: () => torch.isclose(x, p),
  allclose: () => torch.allclose(x, p),
  equal: () => torch.equal(x, p),
  isin: () => torch.isin(x, p),
  logicalAnd: () => torch.logicalAnd(x, i),
  where: () => torch.where(b, x, i),
  "where of a condition": () => torch.where(b),
  eye: () => torch.eye(3),
  diag: () => x.diag(),
  vander: () => torch.vander(x),
  kaiserWindow: () => torch.kaiserWindow(5),
  sum: () => b.sum(1),
  mean: () => half.mean(),
  nansum: () => x.nansum(),
  nanmean: () => x.nanmean(0),
  prod: () => short.prod(),
  all: () => byte.all(),
  countNonzero: () => x.countNonzero(),
  logsumexp: () => x.logsumexp(1),
  sumToSize: () => x.sumToSize(1, 3),
  max: () => x.max(1),
  "max of bools": () => b.max(1),
  argmax: () => b.argmax(),
  kthvalue: () => x.kthvalue(2),
  median: () => [x.median(), ...x.median(1)],
  nanmedian: () => [x.nanmedian(), ...x.nanmedian(1)],
  mode: () => i.mode(),
  std: () => x.std(1),
  varMean: () => torch.varMean(x, 1),
  quantile: () => x.quantile(0.3, 1),
  nanquantile: () => torch.nanquantile(x, 0.3),
  cov: () => x.cov(),
  corrcoef: () => x.corrcoef(),
  norm: () => [x.norm(), x.norm(1), x.norm(0.5), x.norm(3), x.norm("nuc")],
  dist: () => torch.dist(x, p),
  renorm: () => torch.renorm(x, 2, 0, 1),
  cumsum: () => b.cumsum(1),
  cummax: () => x.cummax(0),
  diff: () => x.diff({ prepend: x }),
  trapezoid: () => torch.trapezoid(x, torch.asTensor(x)),
  gradient: () => torch.gradient(x),
  sort: () => [...x.sort(), ...scalar.sort()],
  topk: () => x.topk(2),
  unique: () => x.unique({ returnInverse: true, returnCounts: true }),
  "unique along a dimension": () => x.unique({ returnInverse: true, returnCounts: true, dim: 0 }),
  searchsorted: () => torch.searchsorted(torch.asTensor(p), x),
  bucketize: () => torch.bucketize(i, x.index(0)),
  bincount: () => torch.bincount(i.index(0)),
  histc: () => torch.histc(x, 3),
  histogram: () => torch.histogram(x, 3, { density: true }),
  histogramdd: () => torch.histogramdd(x, [2, 2, 2]),
  dropout: () => torch.dropout(x),
  alphaDropout: () => torch.alphaDropout(x, 0.5, true),
  bernoulli: () => torch.bernoulli(p),
  multinomial: () => [torch.multinomial(p, 2), torch.multinomial(p, 4, true)],
  normal: () => torch.normal(x, p),
  randperm: () => torch.randperm(5),
  normal_: () => x.clone().normal_(),
  hardswish: () => torch.hardswish(x),
  hardtanh: () => torch.hardtanh(x),
  elu: () => torch.elu(x),
  prelu: () => torch.prelu(x, torch.asTensor(p.index(0, 0))),
  glu: () => torch.glu(wide),
  softplus: () => torch.softplus(x),
  mish: () => torch.mish(x),
  softmin: () => torch.softmin(x, 0),
  gumbelSoftmax: () => torch.gumbelSoftmax(x, { hard: true }),
  nanToNum: () => x.nanToNum(),
  logit: () => p.logit(0.1),
  sinc: () => x.sinc(),
  mvlgamma: () => x.mvlgamma(3),
  polygamma: () => torch.polygamma(2, x),
  xlogy: () => torch.xlogy(x, p),
  entr: () => torch.special.entr(p),
  ndtr: () => torch.special.ndtr(x),
};

const inputs = new Set([x, p, i, b, half, short, byte, wide, scalar].map((tensor) => tensor.storage));

/** The storages that a result has of its own. */
function storagesOf(result: unknown): torch.Storage[] {
  if (result instanceof torch.Tensor) return inputs.has(result.storage) ? [] : [result.storage];
  return Array.isArray(result) ? result.flatMap(storagesOf) : [];
}

function run(call: () => unknown): void {
  storagesOf(call()).forEach((storage) => storage.dispose());
}

const live = () => [...liveAllocations()].length;

describe("temporaries", () => {
  for (const [name, call] of Object.entries(calls)) {
    it(`${name} leaves only its result`, () => {
      run(call); // constants are made once and stay
      const before = live();
      run(call);
      expect(live() - before).toBe(0);
    });
  }
});
