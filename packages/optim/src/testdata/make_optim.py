"""Makes optim.json: what PyTorch's optimizers and schedulers do in float64.

Run: /usr/bin/python3 make_optim.py (PyTorch 1.13).
"""

import json
import math
import os
import re

import numpy
import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(7)
STEPS = 12

# The second gradient changes sign every third step and is 0 at times: Rprop and Adagrad take notice.
START = {"a": torch.randn(2, 3), "b": torch.tensor(0.7)}
GRADS = {"a": torch.randn(STEPS, 2, 3), "b": torch.tensor([(-1.0) ** (k // 3) * (k % 4) for k in range(STEPS)])}


def camel(name):
    return re.sub(r"(?<=[^_])_+([^_])", lambda m: m[1].upper(), name)


def options(kwargs):
    return {camel(k): v for k, v in kwargs.items()}


def plain(value):
    if isinstance(value, torch.Tensor):
        return value.detach().tolist()
    return value


def trajectory(name, kwargs, before=None):
    """Values after each step; `before` changes parameters and gradients before each."""
    params = {k: v.clone().requires_grad_() for k, v in START.items()}
    optimizer = getattr(torch.optim, name)(list(params.values()), **kwargs)
    out = []
    for step in range(STEPS):
        for k, p in params.items():
            # The scalar misses the third gradient: a parameter without one is left out.
            p.grad = None if k == "b" and step == 2 else GRADS[k][step].clone()
            if before is not None and p.grad is not None:
                before(p)
        optimizer.step()
        out.append([params["a"].detach().flatten().tolist(), params["b"].item()])
    state = {str(i): {k: plain(v) for k, v in s.items()} for i, s in optimizer.state_dict()["state"].items()}
    return out, state


def case(name, ours=None, before=None, **kwargs):
    values, state = trajectory(name, kwargs, before)
    return {"optimizer": name, "options": options(ours if ours is not None else kwargs), "trajectory": values, "state": state}


def decay(factor):
    def apply(p):
        p.data.mul_(factor)
    return apply


def negate(p):
    p.grad = -p.grad


OPTIMIZERS = [
    case("SGD", lr=0.1),
    case("SGD", lr=0.1, weight_decay=0.2, maximize=True),
    case("SGD", lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.1),
    case("SGD", lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.1, maximize=True),
    case("Adam", lr=0.1),
    case("Adam", lr=0.1, betas=[0.7, 0.9], eps=1e-3, weight_decay=0.1, maximize=True),
    case("Adam", lr=0.1, amsgrad=True, weight_decay=0.1, maximize=True),
    case("AdamW", lr=0.1, weight_decay=0.2),
    case("AdamW", lr=0.1, weight_decay=0.2, amsgrad=True, maximize=True),
    case("Adagrad", lr=0.1, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.2, eps=1e-4, maximize=True),
    case("Adadelta", lr=0.5, rho=0.8, eps=1e-4, weight_decay=0.1, maximize=True),
    case("Adamax", lr=0.1, betas=[0.7, 0.9], eps=1e-3, weight_decay=0.1, maximize=True),
    case("NAdam", lr=0.1, betas=[0.7, 0.9], eps=1e-3, weight_decay=0.1, momentum_decay=0.02),
    case("NAdam", ours=dict(lr=0.1, weight_decay=0.2, decoupled_weight_decay=True), before=decay(1 - 0.1 * 0.2), lr=0.1),
    case("NAdam", ours=dict(lr=0.1, maximize=True), before=negate, lr=0.1),
    case("RAdam", lr=0.1, betas=[0.7, 0.8], eps=1e-3, weight_decay=0.1),
    case("RAdam", ours=dict(lr=0.1, weight_decay=0.2, decoupled_weight_decay=True), before=decay(1 - 0.1 * 0.2), lr=0.1),
    case("RAdam", ours=dict(lr=0.1, maximize=True), before=negate, lr=0.1),
    case("RMSprop", lr=0.1, alpha=0.8, eps=1e-3, weight_decay=0.1, maximize=True),
    case("RMSprop", lr=0.1, momentum=0.7, centered=True),
    case("Rprop", lr=0.1),
    case("Rprop", lr=0.1, etas=[0.4, 1.5], step_sizes=[0.05, 0.2], maximize=True),
    case("ASGD", lr=0.1),
    case("ASGD", lr=0.1, lambd=0.1, alpha=0.5, t0=4.0, weight_decay=0.1, maximize=True),
]


def lion(lr, betas, weight_decay):
    """Chen et al. 2023, algorithm 2."""
    params = {k: v.numpy().copy() for k, v in START.items()}
    momenta = {k: numpy.zeros_like(v) for k, v in params.items()}
    out = []
    for step in range(STEPS):
        for k in params:
            if k == "b" and step == 2:
                continue
            g = GRADS[k][step].numpy()
            c = betas[0] * momenta[k] + (1 - betas[0]) * g
            params[k] = params[k] - lr * (numpy.sign(c) + weight_decay * params[k])
            momenta[k] = betas[1] * momenta[k] + (1 - betas[1]) * g
        out.append([params["a"].flatten().tolist(), float(params["b"])])
    state = {str(i): {"exp_avg": m.tolist()} for i, m in enumerate(momenta.values())}
    return out, state


def muon(lr, weight_decay, momentum, nesterov, adjust, transpose):
    """Jordan et al. 2024, for one matrix."""
    a, b, c = 3.4445, -4.775, 2.0315
    w = START["a"].numpy().copy()
    w = w.T.copy() if transpose else w
    m = numpy.zeros_like(w)
    out = []
    for step in range(STEPS):
        g = GRADS["a"][step].numpy()
        g = g.T if transpose else g
        m = momentum * m + (1 - momentum) * g
        u = (1 - momentum) * g + momentum * m if nesterov else m
        x = u.T if u.shape[0] > u.shape[1] else u
        x = x / max(numpy.linalg.norm(x), 1e-7)
        for _ in range(5):
            s = x @ x.T
            x = a * x + (b * s + c * s @ s) @ x
        x = x.T if u.shape[0] > u.shape[1] else x
        rows, columns = w.shape
        scale = 0.2 * math.sqrt(max(rows, columns)) if adjust == "match_rms_adamw" else math.sqrt(max(1, rows / columns))
        w = w * (1 - lr * weight_decay) - lr * scale * x
        out.append(w.flatten().tolist())
    return {"lr": lr, "weightDecay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "adjustLrFn": adjust, "transpose": transpose, "trajectory": out}


for kwargs in [dict(lr=0.1, betas=[0.9, 0.99], weight_decay=0.0), dict(lr=0.1, betas=[0.6, 0.8], weight_decay=0.2)]:
    values, state = lion(**kwargs)
    OPTIMIZERS.append({"optimizer": "Lion", "options": options(kwargs), "trajectory": values, "state": state})

MUON = [
    muon(0.1, 0.1, 0.95, True, "original", False),
    muon(0.1, 0.0, 0.8, False, "original", True),
    muon(0.1, 0.1, 0.95, True, "match_rms_adamw", True),
]


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def lbfgs(calls, **kwargs):
    x = torch.tensor([-1.2, 1.0, 0.5]).requires_grad_()
    y = torch.tensor([[0.3], [1.1]]).requires_grad_()
    optimizer = torch.optim.LBFGS([x, y], **kwargs)
    points, losses, counts = [], [], []

    def closure():
        optimizer.zero_grad()
        loss = rosenbrock(x) + 3 * ((y - 0.5) ** 2).sum()
        loss.backward()
        return loss

    for _ in range(calls):
        losses.append(optimizer.step(closure).item())
        points.append(x.detach().tolist() + y.detach().flatten().tolist())
        s = optimizer.state[x]
        counts.append([s["func_evals"], s["n_iter"]])
    return {"options": options(kwargs), "points": points, "losses": losses, "counts": counts}


LBFGS = [
    lbfgs(6, lr=0.001, max_iter=4),
    lbfgs(6, lr=1, max_iter=5, line_search_fn="strong_wolfe"),
    lbfgs(8, lr=1, max_iter=4, history_size=2, line_search_fn="strong_wolfe"),
    lbfgs(4, lr=30, max_iter=6, max_eval=9, line_search_fn="strong_wolfe"),
    lbfgs(3, lr=0.5, max_iter=40, tolerance_change=1e-5, line_search_fn="strong_wolfe"),
    lbfgs(3, lr=1, max_iter=60, tolerance_grad=1e-3, line_search_fn="strong_wolfe"),
]

S = torch.optim.lr_scheduler
LRS = [0.5, 0.1]


def schedule(name, make, ours, steps=40, momentum=None, betas=None, calls=None):
    """Rates after each step; `calls` are arguments of step."""
    groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for lr in LRS]
    if betas is not None:
        optimizer = torch.optim.Adam(groups, lr=0.5, betas=betas)
    else:
        optimizer = torch.optim.SGD(groups, lr=0.5, **({} if momentum is None else {"momentum": momentum}))
    scheduler = make(optimizer)
    read = lambda: [[g["lr"] for g in optimizer.param_groups],
                    [g["betas"][0] if betas is not None else g["momentum"] for g in optimizer.param_groups]]
    rates = [read()]
    for k in range(steps if calls is None else len(calls)):
        optimizer.step()
        scheduler.step(*([] if calls is None else [calls[k]]))
        rates.append(read())
    out = {"name": name, "make": ours, "rates": rates}
    if momentum is not None:
        out["momentum"] = momentum
    if betas is not None:
        out["betas"] = betas
    if calls is not None:
        out["calls"] = calls
    return out


def simple(name, steps=40, momentum=None, betas=None, calls=None, **kwargs):
    return schedule(name, lambda o: getattr(S, name)(o, **kwargs), options(kwargs), steps, momentum, betas, calls)


JUMPS = [1, 2, 7, 3, 0, 11, 25]
METRICS = [1.0, 0.9, 0.8, 0.81, 0.82, 0.83, 0.84, 0.7, 0.7, 0.7, 0.7, 0.69995, 0.6, 0.61, 0.62, 0.63, 0.64, 0.65, 0.66, 0.67]
SCHEDULES = [
    simple("StepLR", step_size=3, gamma=0.5),
    simple("StepLR", step_size=3, calls=JUMPS),
    simple("MultiStepLR", milestones=[2, 5, 5, 30], gamma=0.3),
    simple("MultiStepLR", milestones=[10, 2, 2], calls=JUMPS),
    simple("ConstantLR"),
    simple("ConstantLR", factor=0.25, total_iters=3, calls=JUMPS),
    simple("LinearLR"),
    simple("LinearLR", start_factor=0.2, end_factor=0.7, total_iters=11),
    simple("LinearLR", start_factor=0.2, total_iters=6, calls=JUMPS),
    simple("ExponentialLR", gamma=0.9),
    simple("ExponentialLR", gamma=0.9, calls=JUMPS),
    simple("PolynomialLR", total_iters=17, power=1.7),
    simple("PolynomialLR", total_iters=17, calls=JUMPS),
    simple("CosineAnnealingLR", T_max=9, eta_min=0.01),
    simple("CosineAnnealingLR", T_max=9, calls=JUMPS),
    simple("CosineAnnealingWarmRestarts", T_0=4),
    simple("CosineAnnealingWarmRestarts", T_0=2, T_mult=3, eta_min=0.02),
    simple("CosineAnnealingWarmRestarts", T_0=2, T_mult=2, calls=[0.5, 1.0, 1.75, 2.0, 3.5, 6.25, 13.5, 14.0, 1.5, 40.0]),
    simple("CosineAnnealingWarmRestarts", T_0=3, calls=[0.5, 2.75, 3.0, 7.5]),
    simple("CyclicLR", base_lr=0.01, max_lr=[0.1, 0.2], step_size_up=4, cycle_momentum=False),
    simple("CyclicLR", base_lr=[0.01, 0.02], max_lr=0.1, step_size_up=3, step_size_down=5, mode="triangular2", momentum=0.9),
    simple("CyclicLR", base_lr=0.01, max_lr=0.1, step_size_up=3, mode="exp_range", gamma=0.97, base_momentum=[0.5, 0.6], max_momentum=0.8, momentum=0.9),
    simple("OneCycleLR", max_lr=[0.1, 0.3], total_steps=41, momentum=0.9),
    simple("OneCycleLR", max_lr=0.1, epochs=6, steps_per_epoch=7, anneal_strategy="linear", three_phase=True, pct_start=0.25, momentum=0.9),
    simple("OneCycleLR", max_lr=0.1, total_steps=50, div_factor=10.0, final_div_factor=50.0, base_momentum=[0.5, 0.6], betas=[0.9, 0.999]),
    simple("ReduceLROnPlateau", patience=2, calls=METRICS),
    simple("ReduceLROnPlateau", mode="max", factor=0.5, patience=1, cooldown=2, min_lr=[0.1, 0.02], threshold=0.01, threshold_mode="abs", calls=METRICS),
    simple("ReduceLROnPlateau", factor=0.3, patience=0, threshold=0.05, eps=0.002, calls=METRICS),
    simple("ReduceLROnPlateau", mode="max", factor=0.3, patience=0, threshold=0.01, threshold_mode="rel", calls=METRICS),
]

FUNCTIONS = {
    "decay": lambda e: 0.95 ** e,
    "warmup": lambda e: min(1, (e + 1) / 5),
    "flip": lambda e: 0.5 if e % 2 else 1.1,
}
for name in ["LambdaLR", "MultiplicativeLR"]:
    SCHEDULES.append(schedule(name, lambda o: getattr(S, name)(o, FUNCTIONS["decay"]), {"functions": ["decay", "decay"]}))
    SCHEDULES.append(schedule(name, lambda o: getattr(S, name)(o, [FUNCTIONS["warmup"], FUNCTIONS["flip"]]), {"functions": ["warmup", "flip"]}))

SCHEDULES.append(schedule(
    "SequentialLR",
    lambda o: S.SequentialLR(o, [S.LinearLR(o, 0.2, total_iters=5), S.CosineAnnealingLR(o, 10), S.StepLR(o, 3, 0.5),
                                 S.CosineAnnealingWarmRestarts(o, 4)], [5, 15, 27]),
    {"milestones": [5, 15, 27], "schedulers": [
        ["LinearLR", {"startFactor": 0.2, "totalIters": 5}], ["CosineAnnealingLR", {"TMax": 10}],
        ["StepLR", {"stepSize": 3, "gamma": 0.5}], ["CosineAnnealingWarmRestarts", {"T0": 4}]]}))
SCHEDULES.append(schedule(
    "ChainedScheduler",
    lambda o: S.ChainedScheduler([S.LinearLR(o, 0.2, total_iters=5), S.CosineAnnealingLR(o, 10), S.ExponentialLR(o, 0.97)]),
    {"schedulers": [["LinearLR", {"startFactor": 0.2, "totalIters": 5}], ["CosineAnnealingLR", {"TMax": 10}],
                    ["ExponentialLR", {"gamma": 0.97}]]}))

for kwargs in [dict(swa_lr=0.05), dict(swa_lr=[0.05, 0.02], anneal_epochs=5, anneal_strategy="linear"), dict(swa_lr=0.05, anneal_epochs=0)]:
    SCHEDULES.append(schedule("SWALR", lambda o: torch.optim.swa_utils.SWALR(o, **kwargs), options(kwargs), steps=15))

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "optim.json"), "w") as f:
    json.dump({
        "start": {"a": START["a"].tolist(), "b": START["b"].item()},
        "grads": {k: v.tolist() for k, v in GRADS.items()},
        "optimizers": OPTIMIZERS,
        "muon": MUON,
        "lbfgs": LBFGS,
        "schedules": SCHEDULES,
    }, f, separators=(",", ":"))
