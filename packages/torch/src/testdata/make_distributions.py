"""Writes distributions.json: what torch.distributions of PyTorch gives. Run with a Python that has torch."""

import json
import pathlib

import torch
from torch import distributions as D

torch.set_default_dtype(torch.float64)
t = torch.tensor


def finite(x):
    """Nested lists, with JavaScript's names for the numbers that JSON has not."""
    if isinstance(x, list):
        return [finite(v) for v in x]
    return x if x == x and abs(x) != float("inf") else {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[str(x)]


def values(d, value, chance):
    out = {"batchShape": list(d.batch_shape), "eventShape": list(d.event_shape), "text": str(d)}
    made = {"logProb": lambda: d.log_prob(value), "entropy": d.entropy, "perplexity": d.perplexity,
            "mean": lambda: d.mean, "variance": lambda: d.variance, "stddev": lambda: d.stddev, "mode": lambda: d.mode}
    if chance is not None:
        made |= {"cdf": lambda: d.cdf(value), "icdf": lambda: d.icdf(chance)}
    for name, f in made.items():
        out[name] = finite(f().tolist())
    return out


chance = t([0.1, 0.5, 0.9])
cases = {
    "normal": values(D.Normal(t([0.0, 1.0, -2.0]), t([1.0, 0.5, 3.0])), t([0.5, 1.5, -4.0]), chance),
    "standard": values(D.Normal(0.0, 1.0), t([-1.0, 0.0, 2.0]), chance),
    "laplace": values(D.Laplace(t([0.0, 1.0, -2.0]), t([1.0, 0.5, 3.0])), t([0.5, 1.0, -4.0]), chance),
    "uniform": values(D.Uniform(t([0.0, -1.0, 2.0]), 3.0), t([0.5, 3.0, 2.0]), chance),
    "exponential": values(D.Exponential(t([0.5, 1.0, 4.0])), t([0.0, 1.0, 2.0]), chance),
    "bernoulli": values(D.Bernoulli(t([0.0, 0.3, 0.5, 1.0])), t([0.0, 1.0, 0.0, 1.0]), None),
    "bernoulliLogits": values(D.Bernoulli(logits=t([-2.0, 0.0, 3.0])), t([1.0, 1.0, 0.0]), None),
    "categorical": values(D.Categorical(t([[1.0, 2.0, 1.0], [0.0, 0.5, 0.5]])), t([1, 2]), None),
    "categoricalLogits": values(D.Categorical(logits=t([0.1, -1.0, 2.0])), t([[0, 1], [2, 0]]), None),
    "independent": values(D.Independent(D.Normal(torch.zeros(2, 3), t([1.0, 0.5, 3.0])), 1), torch.ones(2, 3), None),
}
pairs = {
    "normal": (D.Normal(t([0.0, 1.0]), 1.0), D.Normal(0.5, t([2.0, 0.1]))),
    "laplace": (D.Laplace(t([0.0, 1.0]), 1.0), D.Laplace(0.5, t([2.0, 0.1]))),
    "uniform": (D.Uniform(0.0, t([1.0, 2.0])), D.Uniform(-1.0, 1.5)),
    "exponential": (D.Exponential(t([0.5, 3.0])), D.Exponential(2.0)),
    "bernoulli": (D.Bernoulli(t([0.0, 0.3, 1.0, 0.5])), D.Bernoulli(t([0.5, 0.9, 1.0, 0.0]))),
    "categorical": (D.Categorical(t([[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])), D.Categorical(t([0.0, 0.5, 0.5]))),
    "independent": (D.Independent(D.Normal(t([0.0, 1.0]), 1.0), 1), D.Independent(D.Normal(t([0.5, 0.5]), 2.0), 1)),
}
cases = {"cases": cases, "kl": {name: finite(D.kl_divergence(p, q).tolist()) for name, (p, q) in pairs.items()}}
path = pathlib.Path(__file__).with_name("distributions.json")
path.write_text(json.dumps(cases) + "\n")
