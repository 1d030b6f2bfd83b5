"""Programs of category `networks`: small random networks, trained for a few steps by random optimizers."""

import random

import torch
from torch import nn

from oracle import Skip, full

# Class, then positional arguments and options by the shape that arrives: features F of [N, F], or channels and length of
# [N, C, L], or of [N, C, H, W].


def activation(rng):
    return rng.choice([
        ("ReLU", [], {}), ("Tanh", [], {}), ("Sigmoid", [], {}), ("GELU", [], {}), ("SiLU", [], {}), ("ELU", [], {"alpha": 0.5}),
        ("LeakyReLU", [0.2], {}), ("Softplus", [], {}), ("PReLU", [], {}), ("Mish", [], {}), ("Hardtanh", [], {}),
        ("Softsign", [], {}), ("Hardswish", [], {}), ("LogSigmoid", [], {}), ("CELU", [], {}), ("SELU", [], {}),
        ("GELU", [], {"approximate": "tanh"}), ("Softmax", [1], {}), ("Tanhshrink", [], {}), ("ReLU6", [], {}),
    ])


def layers(rng, shape):
    """A list of rows and the shape of what comes out."""
    rows = []
    for _ in range(rng.randint(1, 4)):
        if len(shape) == 2:
            options = [("Linear", [shape[1], rng.randint(2, 5)], {"bias": rng.random() < 0.8}),
                       ("BatchNorm1d", [shape[1]], {"momentum": rng.choice([0.1, 0.3, None]), "affine": rng.random() < 0.7}),
                       ("LayerNorm", [shape[1]], {"elementwise_affine": rng.random() < 0.7}),
                       ("Linear", [shape[1], rng.randint(2, 5)], {}), ("Identity", [], {}), ("Dropout", [0.0], {})]
        elif len(shape) == 3:
            c, n = shape[1:]
            options = [("Conv1d", [c, rng.randint(1, 3), rng.randint(1, min(3, n))], {"padding": rng.randint(0, 1), "stride": rng.randint(1, 2)}),
                       ("BatchNorm1d", [c], {"track_running_stats": rng.random() < 0.7}), ("AvgPool1d", [min(2, n)], {}), ("MaxPool1d", [min(2, n)], {}),
                       ("ConvTranspose1d", [c, 2, 2], {"stride": rng.randint(1, 2)}), ("Flatten", [], {}), ("Linear", [n, 3], {}),
                       ("GroupNorm", [1, c], {}), ("AdaptiveAvgPool1d", [2], {}), ("InstanceNorm1d", [c], {"affine": True}),
                       ("ConstantPad1d", [1, 0.5], {}), ("Upsample", [], {"scale_factor": 2}), ("LSTM", [n, 2], {"batch_first": True}),
                       ("GRU", [n, 2], {"bidirectional": rng.random() < 0.5}), ("RNN", [n, 2], {"nonlinearity": rng.choice(["tanh", "relu"])})]
            if n % 2 == 0:
                options += [("MultiheadAttention", [n, 2], {"batch_first": True}),
                            ("TransformerEncoderLayer", [n, 1, 4], {"dropout": 0.0, "batch_first": True, "norm_first": rng.random() < 0.5})]
        else:
            c, h, w = shape[1:]
            options = [("Conv2d", [c, 2, rng.randint(1, min(3, h, w))], {"padding": rng.choice([0, 1, "same"]), "bias": rng.random() < 0.7,
                                                                    "padding_mode": rng.choice(["zeros", "zeros", "circular", "replicate"])}),
                       ("BatchNorm2d", [c], {}), ("MaxPool2d", [min(2, h, w)], {}), ("AvgPool2d", [min(2, h, w)], {"count_include_pad": False}),
                       ("ConvTranspose2d", [c, 2, 2], {"stride": 2, "output_padding": rng.randint(0, 1)}), ("Flatten", [], {}),
                       ("AdaptiveAvgPool2d", [1], {}), ("Conv2d", [c, c * 2, 2], {"groups": c}), ("GroupNorm", [c, c], {}),
                       ("Upsample", [], {"scale_factor": 2, "mode": "bilinear"}), ("ZeroPad2d", [1], {}), ("InstanceNorm2d", [c], {})]
        options += [activation(rng)] * 4
        row = rng.choice(options)
        try:
            with torch.no_grad():
                y = apply(make(row), row, torch.zeros(shape))
        except (RuntimeError, ValueError):
            continue
        if not 0 < y.numel() < 400:
            continue
        rows.append(row)
        shape = list(y.shape)
    if not rows:
        raise Skip("no layers")
    return rows, shape


def make(row):
    name, args, kwargs = row
    return getattr(nn, name)(*args, **kwargs)


def apply(module, row, x):
    if row[0] in ("LSTM", "GRU", "RNN"):
        return module(x)[0]
    if row[0] == "MultiheadAttention":
        return module(x, x, x)[0]
    return module(x)


OPTIMIZERS = [
    ("SGD", {"lr": 0.1}), ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.05, "momentum": 0.8, "dampening": 0.1, "maximize": True}), ("Adam", {"lr": 0.01}),
    ("Adam", {"lr": 0.02, "amsgrad": True, "weight_decay": 0.01, "betas": [0.8, 0.95]}), ("AdamW", {"lr": 0.01, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.01, "centered": True, "momentum": 0.5}), ("Adagrad", {"lr": 0.05, "lr_decay": 0.1}), ("Adadelta", {"lr": 0.5}),
    ("Adamax", {"lr": 0.02}), ("NAdam", {"lr": 0.01}), ("RAdam", {"lr": 0.02}), ("ASGD", {"lr": 0.05}), ("Rprop", {"lr": 0.01}),
]


def network(rng):
    """A network with its weights, what is done to it, and what PyTorch gets."""
    shape = rng.choice([[4, 3], [3, 2, 4], [3, 2, 5], [2, 2, 4, 4], [2, 1, 5, 4]])
    optimizer_row = rng.choice(OPTIMIZERS)
    # PyTorch keeps numbers of these two in float32, whatever the dtype of the parameters.
    double = rng.random() < 0.7 and optimizer_row[0] not in ("ASGD", "NAdam")
    dtype = torch.float64 if double else torch.float32
    rows, _ = layers(rng, shape)
    modules = [make(row).to(dtype) for row in rows]
    with torch.no_grad():
        for module in modules:
            for p in module.parameters():
                p.copy_(torch.tensor([round(random_normal(rng), 2) for _ in range(p.numel())], dtype=dtype).reshape(p.shape))
    net = nn.ModuleList(modules)
    start = {name: full(value) for name, value in net.state_dict().items()}
    groups = rng.random() < 0.3 and len(list(net.parameters())) > 1
    if not list(net.parameters()):
        raise Skip("nothing to train")

    def optimizer_of(module):
        name, kwargs = optimizer_row
        parameters = list(module.parameters())
        if groups:
            parameters = [{"params": parameters[:1], "lr": 0.003}, {"params": parameters[1:]}]
        return getattr(torch.optim, name)(parameters, **kwargs)

    optimizer = optimizer_of(net)
    steps = []
    for _ in range(rng.randint(2, 4)):
        x = torch.tensor([round(random_normal(rng), 2) for _ in range(torch.Size(shape).numel())], dtype=dtype).reshape(shape)
        row = {"x": full(x), "train": rng.random() < 0.8}
        net.train(row["train"])
        event = rng.choice(["", "", "", "reload", "deepcopy", "freeze", "clip", "zero"])
        if event == "deepcopy":
            import copy
            state = optimizer.state_dict()
            net = copy.deepcopy(net)
            optimizer = optimizer_of(net)
            optimizer.load_state_dict(state)
        elif event == "reload":
            state, inner = net.state_dict(), optimizer.state_dict()
            net.load_state_dict({k: v.clone() for k, v in state.items()})
            optimizer = optimizer_of(net)
            optimizer.load_state_dict(inner)
        elif event == "freeze":
            for p in list(net.parameters())[:1]:
                p.requires_grad_(not p.requires_grad)
        row["event"] = event
        optimizer.zero_grad(set_to_none=event != "zero")
        y = x
        for module, r in zip(net, rows):
            y = apply(module, r, y)
        row["y"] = full(y)
        loss = y.square().mean() if y.numel() else y.sum()
        if y.requires_grad:
            loss.backward()
            if event == "clip":
                row["norm"] = nn.utils.clip_grad_norm_(net.parameters(), 0.5).item()
            for p in net.parameters():
                if p.grad is not None and ((p.grad != 0) & (p.grad.abs() < (1e-9 if double else 1e-4))).any():
                    raise Skip("a gradient that is nothing but rounding, which optimizers make large")
            optimizer.step()
        steps.append(row)
    end = {name: full(value) for name, value in net.state_dict().items()}
    if any(isinstance(v, str) or abs(v) > 1e4 for part in end.values() for v in part["data"]):
        raise Skip("diverges")
    return {"network": {
        "rows": rows, "double": double, "start": start, "optimizer": optimizer_row, "groups": groups, "steps": steps, "end": end,
        "texts": [str(module) for module in modules],
    }, "steps": [], "end": {}}


def random_normal(rng):
    return rng.gauss(0, 0.7)
