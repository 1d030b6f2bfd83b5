/**
 * `torch.distributions`: probability distributions for policies, variational inference and sampling.
 *
 * @module
 */

export { Exponential, Laplace, Normal, Uniform } from "./distributions/continuous.ts";
export { Bernoulli, Categorical, type ChoiceOptions } from "./distributions/discrete.ts";
export { Distribution, type DistributionOptions, type Parameter } from "./distributions/distribution.ts";
export { Independent } from "./distributions/independent.ts";
export { klDivergence } from "./distributions/kl.ts";
