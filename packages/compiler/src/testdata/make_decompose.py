"""Writes decompose.json: what PyTorch answers, in float64, for each fused primitive.

Run with PyTorch: python3 make_decompose.py
A case is {primitive, attrs, inputs, outputs}; a tensor is {dtype, shape, data}. Numbers that JSON lacks are strings.
Inputs of one case come from a few digits, so that the file stays small; outputs have all digits.
"""

import json
import math
import os

import torch
import torch.nn.functional as F

torch.manual_seed(2)
torch.set_default_dtype(torch.float64)
CASES = []
INF, NAN = math.inf, math.nan


def rand(*shape):
    return (torch.randn(*shape) * 100).round() / 100


def number(x):
    if isinstance(x, float) and not math.isfinite(x):
        return {INF: "Infinity", -INF: "-Infinity"}.get(x, "NaN")
    return int(x) if isinstance(x, float) and x == int(x) and abs(x) < 2**53 else x


def tensor(x):
    x = x.detach()
    name = {torch.float64: "float64", torch.int64: "int32", torch.bool: "bool"}[x.dtype]
    return {"dtype": name, "shape": list(x.shape), "data": [number(v) for v in x.flatten().tolist()]}


def case(primitive, attrs, inputs, outputs):
    outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
    attrs = attrs and {k: number(v) for k, v in attrs.items()}
    CASES.append({
        "primitive": primitive,
        "attrs": attrs,
        "inputs": [tensor(x) for x in inputs],
        "outputs": [tensor(x) for x in outputs],
    })


def grads(output, inputs, g):
    return torch.autograd.grad(output, inputs, g)


# softmax

rows = torch.stack([rand(4), torch.tensor([1000.0, 1001, 999, -1000]), torch.tensor([-INF, 0, 1, -INF])])
odd = torch.tensor([[-INF, -INF], [INF, 1], [NAN, 1], [3, 3]])
for x, dim in ((rows, 1), (rows, 0), (odd, 1), (rand(2, 3, 2), 1)):
    case("softmax", {"dim": dim}, [x], x.softmax(dim))
    case("logSoftmax", {"dim": dim}, [x], x.log_softmax(dim))
for dim in (0, 1):
    x, g = rand(3, 4).requires_grad_(), rand(3, 4)
    for name, f in (("softmaxBackward", torch.softmax), ("logSoftmaxBackward", torch.log_softmax)):
        y = f(x, dim)
        case(name, {"dim": dim}, [g, y], grads(y, x, g))

# pointwise

x = torch.cat([rand(4), torch.tensor([0.0, 6, -6, 20, -20, NAN])]).requires_grad_()
g = rand(10)
for approximate in ("none", "tanh"):
    y = F.gelu(x, approximate=approximate)
    case("gelu", {"approximate": approximate}, [x], y)
    case("geluBackward", {"approximate": approximate}, [g, x], grads(y, x, g))
case("silu", None, [x], F.silu(x))
x = torch.tensor([-1.5, -0.0, 0.0, 2.0]).requires_grad_()
case("reluBackward", None, [g[:4], x], grads(F.relu(x), x, g[:4]))
x = torch.tensor([-3.0, -0.5, 0, 0.25, 9, INF, -INF, NAN])
for low, high in ((-1.0, 1.0), (None, 0.5), (-2.0, None), (1.0, -1.0)):
    case("clamp", {"min": low, "max": high}, [x], x.clamp(low, high))
case("clamp", {"min": None, "max": None}, [x], x)


def philox(counter, key):
    """The four words of a block of Philox 4x32-10: Salmon et al. 2011, https://doi.org/10.1145/2063384.2063405"""
    x = [counter & 0xFFFFFFFF, counter >> 32, 0, 0]
    for i in range(10):
        k = [(key[0] + i * 0x9E3779B9) & 0xFFFFFFFF, (key[1] + i * 0xBB67AE85) & 0xFFFFFFFF]
        p, q = x[0] * 0xD2511F53, x[2] * 0xCD9E8D57
        x = [(q >> 32) ^ x[1] ^ k[0], q & 0xFFFFFFFF, (p >> 32) ^ x[3] ^ k[1], p & 0xFFFFFFFF]
    return x


for shape, key, counter, p in (((3, 5), [1, 2], 0, 0.5), ((7,), [0xFFFFFFFF, 7], 2**33, 0.25), ((2, 2), [3, 0], 1, 1.0)):
    y = rand(*shape)
    words = [word for block in range(y.numel() // 4 + 1) for word in philox(counter + block, key)]
    kept = torch.tensor([(word >> 8) / 2**24 >= p for word in words[: y.numel()]]).reshape(shape)
    scale = 1 / (1 - p) if p < 1 else 0.0
    attrs = {"key": key, "counter": counter, "p": p, "scale": scale}
    case("dropout", attrs, [y], [torch.where(kept, y * scale, torch.zeros(())), kept])
for alpha in (0.3, 1.0):
    x, y = rand(2, 3), rand(3)
    case("addScaled", {"alpha": alpha}, [x, y], torch.add(x, y, alpha=alpha))

# linear

for shape in ((3,), (2, 3), (2, 2, 3), (0, 3)):
    x, w, b = rand(*shape), rand(4, 3), rand(4)
    case("linear", None, [x, w, b], F.linear(x, w, b))

# norms

for shape, size in (((3, 5), (5,)), ((2, 2, 3), (2, 3)), ((4,), (4,))):
    for offset in (0, 100):
        x = (rand(*shape) + offset).requires_grad_()
        w, b = rand(*size).requires_grad_(), rand(*size).requires_grad_()
        g = rand(*shape)
        y, mean, rstd = torch.native_layer_norm(x, size, w, b, 1e-5)
        case("layerNorm", {"eps": 1e-5}, [x, w, b], [y, mean, rstd])
        if offset == 0:
            case("layerNormBackward", None, [g, x, w, mean, rstd], grads(y, [x, w, b], g))
for n, groups, c, l in ((2, 3, 2, 4), (3, 1, 4, 1), (2, 4, 1, 5)):
    x, g = rand(n, groups, c, l).requires_grad_(), rand(n, groups, c, l)
    w, b = rand(groups, c).requires_grad_(), rand(groups, c).requires_grad_()
    args = x.reshape(n, groups * c, l), w.reshape(-1), b.reshape(-1), n, groups * c, l, groups, 1e-5
    y, mean, rstd = torch.native_group_norm(*args)
    mean, rstd = mean.reshape(n, groups, 1, 1), rstd.reshape(n, groups, 1, 1)
    case("groupNorm", {"eps": 1e-5}, [x, w, b], [y.reshape(x.shape), mean, rstd])
    case("groupNormBackward", None, [g, x, w, mean, rstd], grads(y.reshape(x.shape), [x, w, b], g))
for shape in ((4, 3), (2, 3, 4), (2, 2, 2, 3)):
    x, g = rand(*shape).requires_grad_(), rand(*shape)
    w, b = rand(shape[1]).requires_grad_(), rand(shape[1]).requires_grad_()
    y, mean, rstd = torch.native_batch_norm(x, w, b, None, None, True, 0.1, 1e-3)
    case("batchNorm", {"eps": 1e-3}, [x, w, b], [y, mean, rstd])
    case("batchNormBackward", None, [g, x, w, mean, rstd], grads(y, [x, w, b], g))

# convolution: input sizes, channels in and out, kernel, stride, padding, dilation, groups

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
for n, size, ci, co, kernel, stride, padding, dilation, groups in (
    (2, [7], 2, 3, [3], [1], [0], [1], 1),
    (1, [9], 2, 4, [3], [2], [1], [2], 2),
    (2, [10], 1, 2, [2], [4], [0], [1], 1),  # the last two inputs are not reached
    (1, [5], 1, 1, [1], [3], [2], [1], 1),  # windows within the padding
    (1, [1], 2, 2, [1], [5], [3], [1], 1),
    (2, [5, 4], 3, 2, [3, 2], [1, 1], [1, 0], [1, 1], 1),
    (1, [6, 7], 4, 4, [3, 3], [2, 3], [1, 2], [1, 1], 4),  # depthwise
    (2, [7, 6], 2, 4, [2, 3], [2, 2], [0, 1], [3, 2], 2),
    (2, [3, 3], 2, 3, [1, 1], [1, 1], [0, 0], [1, 1], 1),
    (1, [4, 3, 5], 2, 2, [2, 3, 2], [2, 1, 3], [1, 1, 0], [1, 1, 2], 2),
    (0, [4, 4], 2, 3, [3, 3], [1, 1], [1, 1], [1, 1], 1),
):
    x, w = rand(n, ci, *size).requires_grad_(), rand(co, ci // groups, *kernel).requires_grad_()
    attrs = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    y = CONV[len(size)](x, w, None, stride, padding, dilation, groups)
    case("conv", attrs, [x, w], y)
    g = rand(*y.shape)
    gx, gw = grads(y, [x, w], g)
    case("convInputGrad", {**attrs, "inputSize": size}, [g, w], gx)
    case("convWeightGrad", {**attrs, "kernelSize": kernel}, [g, x], gw)

# pooling: input sizes, kernel, stride, padding, dilation, ceil_mode

MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
for size, kernel, stride, padding, dilation, ceil in (
    ([7], [3], [2], [1], [1], False),
    ([8], [3], [2], [1], [2], False),
    ([8], [3], [3], [1], [1], True),
    ([5, 6], [2, 3], [2, 2], [0, 1], [1, 1], True),
    ([6, 5], [3, 2], [1, 2], [1, 1], [2, 3], False),
    ([4, 4], [2, 2], [2, 2], [0, 0], [1, 1], False),
    ([4, 3, 5], [2, 2, 3], [2, 1, 2], [1, 0, 1], [1, 2, 1], True),
):
    random, ties = rand(2, 2, *size), torch.randint(0, 3, (1, 1, *size)).double()
    special = rand(1, 2, *size)
    special[0, 0] = -INF
    special.view(-1)[-1] = NAN
    for x in (random, ties, special):
        x.requires_grad_()
        attrs = {"kernelSize": kernel, "stride": stride, "padding": padding, "dilation": dilation, "ceilMode": ceil}
        values, indices = MAX[len(size)](x, kernel, stride, padding, dilation, ceil, return_indices=True)
        case("maxPool", attrs, [x], [values, indices])
        case("maxPoolValues", attrs, [x], values)
        if x is not special:
            g = rand(*values.shape)
            case("maxPoolBackward", {"inputSize": size}, [g, indices], grads(values, x, g))

AVG = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
for size, kernel, stride, padding, ceil, include, divisor in (
    ([7], [3], [2], [1], False, True, None),
    ([8], [3], [3], [1], True, False, None),
    ([8], [3], [3], [1], True, True, None),
    ([5, 6], [2, 3], [2, 2], [1, 1], True, True, None),
    ([5, 6], [2, 3], [2, 2], [0, 1], True, False, None),
    ([4, 4], [2, 2], [2, 2], [0, 0], False, False, None),
    ([4, 5], [3, 3], [1, 2], [1, 1], False, True, 5),
    ([4, 5], [2, 2], [3, 3], [0, 1], True, False, 2),
    ([4, 3, 5], [2, 2, 3], [2, 1, 2], [1, 0, 1], True, False, None),
):
    x = rand(2, 1, *size).requires_grad_()
    attrs = {"kernelSize": kernel, "stride": stride, "padding": padding, "dilation": [1] * len(size), "ceilMode": ceil,
             "countIncludePad": include, "divisor": divisor}
    y = AVG[len(size)](x, kernel, stride, padding, ceil, include, *(() if len(size) == 1 else (divisor,)))
    g = rand(*y.shape)
    case("avgPool", attrs, [x], y)
    case("avgPoolBackward", {**attrs, "inputSize": size}, [g], grads(y, x, g))

# attention; rows that see nothing give 0 and -inf

for lead, l, s, e, f, causal, bias in (
    ((), 3, 4, 2, 3, False, None),
    ((2,), 3, 3, 2, 2, True, None),
    ((2, 2), 2, 3, 3, 1, False, (2, 1, 2, 3)),
    ((1,), 4, 2, 2, 2, True, (2,)),
    ((), 3, 3, 2, 2, True, "masked"),
    ((2,), 2, 0, 2, 3, False, None),
):
    q, k, v = rand(*lead, l, e) * 10, rand(*lead, s, e) * 10, rand(*lead, s, f)
    scores = q @ k.transpose(-1, -2) * 0.7
    inputs = [q, k, v]
    if bias == "masked":
        inputs.append(torch.tensor([[-INF, 0, 0], [0.5, -INF, 0], [-INF, -INF, -INF]]))
    elif bias:
        inputs.append(rand(*bias))
    if len(inputs) == 4:
        scores = scores + inputs[3]
    if causal:
        scores = scores.masked_fill(torch.ones(l, s).tril() == 0, -INF)
    y = (scores.softmax(-1).nan_to_num(0) @ v)
    case("attention", {"scale": 0.7, "causal": causal}, inputs, [y, scores.logsumexp(-1, keepdim=True)])

# nll loss

logp = rand(4, 3).log_softmax(1)
hole = logp.clone()
hole[1] = -INF
target, weight = torch.tensor([2, 0, -100, 1]), torch.tensor([0.5, 2.0, 0.0])
for reduction, code in (("mean", 1), ("sum", 2)):
    for p, t, ignore in ((logp, target, -100), (hole, torch.tensor([2, 1, 1, 2]), 1), (logp, target * 0 + 1, 1),
                         (logp[:0], target[:0], -100)):
        out = torch.ops.aten.nll_loss_forward(p, t, weight, code, ignore)
        if len(t) == 0:
            out = (F.nll_loss(p, t, weight, reduction=reduction, ignore_index=ignore), torch.zeros(()))
        elif bool((t == ignore).all()):
            out = (out[0], torch.zeros(()))
        case("nllLoss", {"reduction": reduction, "ignoreIndex": ignore}, [p, t, weight], out)

# optimizer steps: the third of a run, and for SGD the first as well

for momentum, dampening, decay, nesterov, maximize in (
    (0.9, 0.0, 0.0, False, False), (0.9, 0.3, 0.1, False, False), (0.8, 0.0, 0.1, True, True), (0.0, 0.0, 0.2, False, False),
):
    p = rand(3).requires_grad_()
    opt = torch.optim.SGD([p], 0.1, momentum, dampening, decay, nesterov, maximize=maximize)
    for step in range(3):
        p.grad = rand(3)
        before = p.detach().clone()
        buffer = opt.state[p].get("momentum_buffer")
        buffer = torch.zeros(3) if buffer is None else buffer.clone()
        opt.step()
        after = opt.state[p].get("momentum_buffer")
        attrs = {"lr": 0.1, "momentum": momentum, "dampening": dampening if step else 0.0, "weightDecay": decay,
                 "nesterov": nesterov, "maximize": maximize}
        if step != 1:
            case("sgdStep", attrs, [before, p.grad, buffer], [p, buffer if after is None else after])
for make, decay, maximize in (
    (torch.optim.Adam, 0.0, False), (torch.optim.Adam, 0.1, True), (torch.optim.AdamW, 0.2, False),
):
    p = rand(3).requires_grad_()
    opt = make([p], lr=0.01, betas=(0.8, 0.95), eps=1e-6, weight_decay=decay, maximize=maximize)
    for step in range(1, 4):
        p.grad = rand(3)
        state = opt.state[p]
        before = [p.detach().clone(), p.grad] + [
            state[key].clone() if key in state else torch.zeros(3) for key in ("exp_avg", "exp_avg_sq")]
        opt.step()
        attrs = {"lr": 0.01, "beta1": 0.8, "beta2": 0.95, "eps": 1e-6, "weightDecay": decay,
                 "decoupled": make is torch.optim.AdamW, "maximize": maximize, "step": step}
        if step != 2:
            case("adamStep", attrs, before, [p, state["exp_avg"], state["exp_avg_sq"]])

# gradients of attention, for a gradient of the result and one of the logarithms

for lead, l, s, e, f, causal, bias in (
    ((), 3, 4, 2, 3, False, None), ((2,), 3, 3, 2, 2, True, None), ((1,), 2, 3, 2, 2, True, (3,)),
    ((), 3, 3, 2, 2, True, "masked"), ((2,), 2, 0, 2, 3, False, None),
):
    q, k, v = (x.requires_grad_() for x in (rand(*lead, l, e), rand(*lead, s, e), rand(*lead, s, f)))
    scores = q @ k.transpose(-1, -2) * 0.7
    added = []
    if bias == "masked":
        added.append(torch.tensor([[-INF, 0, 0], [0.5, -INF, 0], [0.25, -INF, 0]]))
    elif bias:
        added.append(rand(*bias))
    for x in added:
        scores = scores + x
    if causal:
        scores = scores.masked_fill(torch.ones(l, s).tril() == 0, -INF)
    seen = (scores > -INF).any(-1, keepdim=True)
    weights = torch.where(seen, torch.where(seen, scores, 0.0).softmax(-1), torch.zeros(()))
    y = weights @ v
    logs = torch.where(seen, torch.where(seen, scores, 0.0).logsumexp(-1, keepdim=True), torch.tensor(-INF)) \
        if s > 0 else torch.full((*lead, l, 1), -INF)
    g, g_logs = rand(*lead, l, f), rand(*lead, l, 1) * seen
    sure = torch.where(seen, logs, 0.0)
    gq, gk, gv = torch.autograd.grad((y * g).sum() + (sure * g_logs).sum(), (q, k, v), allow_unused=True)
    grads_ = [torch.zeros_like(x) if gx is None else gx for gx, x in zip((gq, gk, gv), (q, k, v))]
    delta = ((y * g).sum(-1, keepdim=True) - g_logs).detach()
    case("attentionBackward", {"scale": 0.7, "causal": causal}, [g, q, k, v, logs, delta, *added], grads_)

# recurrent layers: what PyTorch gives over packed rows, and what their formulas save step by step

def states_before(y, first, sizes, reverse):
    """The state before each row: of the same sample one step earlier, or the first one."""
    parts, ends = [None] * len(sizes), [sum(sizes[:t]) for t in range(len(sizes) + 1)]
    for t, size in enumerate(sizes):
        other = t + 1 if reverse else t - 1
        known = min(size, sizes[other]) if 0 <= other < len(sizes) else 0
        rows = [y[ends[other]:ends[other] + known]] if known else []
        parts[t] = torch.cat(rows + [first[known:size]])
    return torch.cat(parts)


def layer(run, parts, gates, weight, bias, states, sizes, reverse):
    """Runs PyTorch's layer with the gates as its input -> rows of states, last states."""
    h = weight.shape[1]
    weights = [torch.eye(parts * h), weight, torch.zeros(parts * h), bias]
    first = [torch.stack([x, x] if reverse else [x]) for x in states]
    y, *last = run(gates, torch.tensor(sizes), first if len(first) == 2 else first[0], weights * (2 if reverse else 1),
                   True, 1, 0.0, False, reverse)
    return (y[:, -h:], *(x[-1] for x in last))


for sizes, h, reverse in (([2, 2], 3, False), ([3, 2, 1], 2, False), ([3, 3, 1], 2, True)):
    n, r = sizes[0], sum(sizes)
    attrs = {"sizes": sizes, "reverse": reverse}
    for nonlinearity in ("tanh", "relu"):
        gates, weight, first = (x.requires_grad_() for x in (rand(r, h), rand(h, h), rand(n, h)))
        run = {"tanh": torch.rnn_tanh, "relu": torch.rnn_relu}[nonlinearity]
        y, hn = layer(run, 1, gates, weight, torch.zeros(h), [first], sizes, reverse)
        before = states_before(y, first, sizes, reverse)
        named = {**attrs, "nonlinearity": nonlinearity}
        case("rnnLayer", named, [gates, weight, first], [y, hn, before])
        gy, ghn, gbefore = rand(r, h), rand(n, h), rand(r, h)
        case("rnnLayerBackward", named, [gy, ghn, weight, y],
             torch.autograd.grad([y, hn], [gates, first], [gy, ghn], retain_graph=True))
        case("rnnLayerBackward", named, [gy, ghn, weight, y, gbefore],
             torch.autograd.grad([y, hn, before], [gates, first], [gy, ghn, gbefore]))

    gates, weight, first, cell = (x.requires_grad_() for x in (rand(r, 4 * h), rand(4 * h, h), rand(n, h), rand(n, h)))
    y, hn, cn = layer(torch.lstm, 4, gates, weight, torch.zeros(4 * h), [first, cell], sizes, reverse)
    before = states_before(y, first, sizes, reverse)
    i, f, g, o = (gates + before @ weight.T).chunk(4, 1)
    saved = torch.cat([i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()], 1)
    order = range(len(sizes) - 1, -1, -1) if reverse else range(len(sizes))
    cells, state = [None] * len(sizes), cell
    for t in order:
        size, start = sizes[t], sum(sizes[:t])
        a = saved[start:start + size].chunk(4, 1)
        cells[t] = state[:size]
        state = torch.cat([a[1] * state[:size] + a[0] * a[2], state[size:]])
    cells = torch.cat(cells)
    assert torch.allclose(state, cn)
    case("lstmLayer", attrs, [gates, weight, first, cell], [y, hn, cn, saved, before, cells])
    given = [rand(r, h), rand(n, h), rand(n, h)]
    case("lstmLayerBackward", attrs, [*given, weight, saved, cells],
         torch.autograd.grad([y, hn, cn], [gates, first, cell], given, retain_graph=True))
    extra = [rand(r, 4 * h), rand(r, h), rand(r, h)]
    case("lstmLayerBackward", attrs, [*given, weight, saved, cells, *extra],
         torch.autograd.grad([y, hn, cn, saved, before, cells], [gates, first, cell], given + extra))

    gates, weight, bias, first = (
        x.requires_grad_() for x in (rand(r, 3 * h), rand(3 * h, h), rand(3 * h), rand(n, h)))
    y, hn = layer(torch.gru, 3, gates, weight, bias, [first], sizes, reverse)
    before = states_before(y, first, sizes, reverse)
    b = before @ weight.T + bias
    (ar, az, an), (br, bz, bn) = gates.chunk(3, 1), b.chunk(3, 1)
    reset = (ar + br).sigmoid()
    saved = torch.cat([reset, (az + bz).sigmoid(), bn, (an + reset * bn).tanh()], 1)
    case("gruLayer", attrs, [gates, weight, bias, first], [y, hn, saved, before])
    given, extra = [rand(r, h), rand(n, h)], [rand(r, 4 * h), rand(r, h)]
    for outputs, more in (([y, hn], []), ([y, hn, saved, before], extra)):
        ga, gbias, gweight, gfirst = torch.autograd.grad(
            outputs, [gates, bias, weight, first], given + more, retain_graph=True)
        # The gradient for b is that for the gates, but for its last part: there it goes through r, and directly.
        r_, z_, bn_, n_ = saved.detach().chunk(4, 1)
        gb = torch.cat([ga[:, :2 * h], ga[:, 2 * h:] * r_ + (more[0][:, 2 * h:3 * h] if more else 0)], 1)
        assert torch.allclose(gb.sum(0), gbias) and torch.allclose(gb.T @ before, gweight)
        case("gruLayerBackward", attrs, [*given, weight, saved, before, *more], [ga, gb, gfirst])

# cross entropy; what it gives beside the loss by its own definition

for shape, target, ignore in (
    ((4, 3), [2, 0, -100, 1], -100),
    ((3, 4), [1, 3, 1], 1),
    ((2, 3, 2, 2), [[[0, 1], [2, -1]], [[1, 1], [0, 2]]], -1),
    ((2, 3), [-1, -1], -1),
    ((0, 3), [], -100),
):
    t = torch.tensor(target, dtype=torch.int64)
    for weight in (None, rand(shape[1]).abs() + 0.1):
        for smoothing in (0.0, 0.2):
            if weight is not None and smoothing > 0:
                continue  # PyTorch spreads by the weights
            for reduction in ("mean", "sum", "none"):
                x = (rand(*shape) * 4).requires_grad_()
                if x.numel() > 4:
                    x.data.view(-1)[4] = 800.0
                loss = F.cross_entropy(x, t, weight, ignore_index=ignore, reduction=reduction, label_smoothing=smoothing)
                counts = t != ignore
                ones = torch.ones(shape[1]) if weight is None else weight
                total = ones[t[counts]].sum() if reduction != "none" else torch.zeros(())
                largest = x.amax(1)
                logs = (x - largest.unsqueeze(1)).exp().sum(1).log()
                attrs = {"reduction": reduction, "ignoreIndex": ignore, "smoothing": smoothing}
                scores = [x, t] if weight is None else [x, t, weight]
                case("crossEntropy", attrs, scores, [loss, largest, logs, total])
                g = rand(1, *loss.shape)[0]
                rest = [] if weight is None else [weight]
                case("crossEntropyBackward", attrs, [g, x, t, largest, logs, total, *rest], grads(loss, x, g))

# resample, by the table of linear interpolation

for size, out, dim in ((5, 8, 2), (7, 3, 2), (4, 4, 2), (5, 7, 1), (1, 3, 2)):
    places = [max((i + 0.5) * size / out - 0.5, 0) for i in range(out)]
    low = [min(int(p), size - 1) for p in places]
    index = torch.tensor([low, [min(i + 1, size - 1) for i in low]])
    weight = torch.tensor([[1 - p + i for p, i in zip(places, low)], [p - i for p, i in zip(places, low)]])
    x = rand(2, 3, size).requires_grad_()
    y = F.interpolate(x, out, mode="linear")
    g = rand(2, 3, out)
    turn = (lambda t: t) if dim == 2 else (lambda t: t.transpose(1, 2).contiguous())
    case("resample", {"dim": dim, "size": None}, [turn(x), index, weight], turn(y))
    case("resample", {"dim": dim, "size": size}, [turn(g), index, weight], turn(grads(y, x, g)[0]))

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "decompose.json")
with open(path, "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in CASES) + "\n]\n")
print(len(CASES), "cases")
