"""Writes edges.json: PyTorch's values and gradients of activations at their kinks, at zeros, infinities and NaN.

Run with PyTorch: python3 make_edges.py
A case is {call, args, weight, x, y, dx, dw}: `call` as Flambeau names it, its arguments, the weight of prelu, and for each
element of x the value, the gradient for x and that for the weight. Numbers that JSON lacks are strings. Each element is
computed alone and in float64: the vectors of PyTorch decide some kinks otherwise, and round more.
"""

import json
import math
import os

import torch
import torch.nn.functional as F

INF, NAN = math.inf, math.nan
EDGES = [-INF, -100.0, -20.0, -6.0, -3.0, -2.0, -1.5, -1.0, -0.5, -0.25, -0.0, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 6.0, 20.0, 100.0, INF, NAN]
CASES = []


def encode(values):
    names = {INF: "inf", -INF: "-inf"}
    return ["nan" if v != v else names.get(v, "-0" if v == 0 and math.copysign(1, v) < 0 else v) for v in values]


def case(call, function, *args, weight=None, at=EDGES):
    ys, dxs, dws = [], [], []
    for value in at:
        pair = value if isinstance(value, tuple) else (value,)
        x = torch.tensor(pair, dtype=torch.float64, requires_grad=True)
        w = None if weight is None else torch.tensor([weight], dtype=torch.float64, requires_grad=True)
        y = function(x) if w is None else function(x, w)
        y.sum().backward()
        ys += y.tolist()
        dxs += x.grad.tolist()
        dws += [] if w is None else w.grad.tolist()
    flat = [v for value in at for v in (value if isinstance(value, tuple) else (value,))]
    row = {"call": call, "args": list(args), "x": encode(flat), "y": encode(ys), "dx": encode(dxs)}
    if weight is not None:
        row |= {"weight": weight, "dw": encode(dws)}
    CASES.append(row)


case("relu", F.relu)
case("relu6", F.relu6)
case("hardtanh", F.hardtanh)
case("hardtanh", lambda x: F.hardtanh(x, -2.0, 0.5), -2, 0.5)
case("hardsigmoid", F.hardsigmoid)
case("hardswish", F.hardswish)
case("leakyRelu", F.leaky_relu)
case("leakyRelu", lambda x: F.leaky_relu(x, 0.0), 0)
for slope in 0.25, 0.0, -0.5:
    case("prelu", F.prelu, weight=slope)
case("rrelu", lambda x: F.rrelu(x, 0.1, 0.3, False), 0.1, 0.3, False)
case("threshold", lambda x: F.threshold(x, 0.5, 20.0), 0.5, 20)
case("hardshrink", F.hardshrink)
case("hardshrink", lambda x: F.hardshrink(x, 1.5), 1.5)
# PyTorch passes the gradient of softshrink on at NaN, where its value is 0.
case("softshrink", F.softshrink, at=EDGES[:-1])
case("softshrink", lambda x: F.softshrink(x, 1.5), 1.5, at=EDGES[:-1])
case("elu", F.elu)
case("elu", lambda x: F.elu(x, -2.0), -2)
case("selu", F.selu)
case("celu", F.celu)
case("celu", lambda x: F.celu(x, 2.0), 2)
case("softplus", F.softplus)
case("softplus", lambda x: F.softplus(x, 2, 3), 2, 3)
case("mish", F.mish)
case("silu", F.silu)
case("gelu", F.gelu)
case("gelu", lambda x: F.gelu(x, approximate="tanh"), {"approximate": "tanh"})
case("sigmoid", torch.sigmoid)
case("logsigmoid", F.logsigmoid)
case("tanh", torch.tanh)
case("tanhshrink", F.tanhshrink)
case("softsign", F.softsign)
SOME = [-INF, -1.0, -0.0, 0.0, 1.0, INF, NAN]
case("glu", F.glu, at=[(a, b) for a in SOME for b in SOME])
case("logNdtr", torch.special.log_ndtr, at=SOME)
for n in 1, 2, 3:
    case("polygamma", lambda x: torch.polygamma(n, x), n, at=[-INF, -1.5, 0.5, 1.0, INF, NAN])

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "edges.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in CASES) + "\n]\n")
