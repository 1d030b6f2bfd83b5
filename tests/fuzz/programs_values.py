"""Programs about values: category `dtypes` (promotion), `inputs` (odd inputs to reductions, sorts and the like), `printing`."""

import torch

from oracle import Skip
from programs_autograd import Writer

DTYPES = ["float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]
ODD = ["nan", "inf", "-inf", "-0", 0, 1, -1, 0.5, 2, -2.5]
ARITHMETIC = ["add", "sub", "mul", "div", "remainder", "fmod", "floor_divide", "maximum", "minimum", "pow", "atan2"]
COMPARE = ["eq", "ne", "lt", "le", "gt", "ge"]
LOGIC = ["logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor"]
FLOATING = ["exp", "sin", "sqrt", "tanh", "sigmoid", "log1p", "reciprocal", "erf", "abs", "neg", "square", "sign", "floor",
            "round", "logical_not", "isnan", "bitwise_not", "relu", "ceil", "trunc", "rsqrt", "deg2rad", "expm1"]


def small(rng, dtype, n):
    """Values that every dtype holds and few operations leave its range with."""
    if dtype == "bool":
        return [rng.randint(0, 1) for _ in range(n)]
    low = 0 if dtype == "uint8" else -4
    if dtype.startswith(("float", "bfloat")) and rng.random() < 0.7:
        return [rng.choice([-2.5, -1, -0.5, 0.25, 0.5, 1, 1.5, 3]) for _ in range(n)]
    return [rng.randint(low, 5) for _ in range(n)]


def promotion(rng):
    """Mixed dtypes and ranks, and numbers of Python. Whole floats are left out next to integers: see docs/differences.md."""
    w = Writer(rng)
    for _ in range(3):
        shape = rng.choice([[], [], [3], [2, 3], [0], [1], [2, 1]])
        dtype = rng.choice(DTYPES)
        n = 1
        for s in shape:
            n *= s
        w.leaf(shape, False, dtype, small(rng, dtype, n))
    for _ in range(rng.randint(2, 5)):
        x = w.pick()
        other = {"v": w.pick()} if rng.random() < 0.65 else rng.choice([2, 3, 1.5, 0.5, True, -1])
        kind = rng.choice(["arithmetic", "compare", "logic", "float", "inplace", "where", "cat", "sum", "lerp", "clamp", "fill",
                           "to", "matmul", "addcmul", "scalar_first", "mean", "copy_", "stack", "masked_fill", "index_put"])
        if kind in ("sum", "clamp", "float") and not w.of(x).is_floating_point():
            continue  # sums and indices are of the default integer, which is int32 here
        try:
            if kind == "arithmetic":
                w.method(rng.choice(ARITHMETIC), x, other)
            elif kind == "compare":
                w.method(rng.choice(COMPARE), x, other)
            elif kind == "logic":
                w.method(rng.choice(LOGIC), x, other)
            elif kind == "float":
                w.method(rng.choice(FLOATING), x)
            elif kind == "inplace":
                w.inplace(rng.choice(ARITHMETIC[:7] + ["pow", "atan2"] + COMPARE + LOGIC) + "_" if rng.random() < 0.9 else "neg_", x, other)
            elif kind == "where":
                a, b = w.pick(), w.pick()
                mask = w.mask_leaf(list(w.of(a).shape))
                w.function("torch.where", [{"v": mask}, {"v": a}, {"v": b}])
            elif kind in ("cat", "stack"):
                a, b = w.pick(), w.pick()
                w.function(f"torch.{kind}", [[{"v": a}, {"v": b}]])
            elif kind == "sum":
                w.method(rng.choice(["sum", "prod", "cumsum", "cumprod", "amax", "any", "all", "nansum"]), x,
                         *([0] if rng.random() < 0.5 else []))
            elif kind == "mean":
                w.method(rng.choice(["mean", "std", "var", "norm", "logsumexp"]), x, *([0] if rng.random() < 0.3 else []))
            elif kind == "lerp":
                w.method("lerp", x, {"v": w.pick()}, 0.5)
            elif kind == "clamp":
                w.method("clamp", x, rng.choice([-1, 0, 0.5]), rng.choice([2, 1.5]))
            elif kind == "fill":
                w.inplace("fill_", x, rng.choice([1, 0, 1.5, True]))
            elif kind == "to":
                w.method("to", x, {"d": rng.choice(DTYPES)})
            elif kind == "matmul":
                w.method("matmul", x, {"v": w.pick()})
            elif kind == "addcmul":
                w.function("torch.addcmul", [{"v": x}, {"v": w.pick()}, {"v": w.pick()}])
            elif kind == "copy_":
                w.inplace("copy_", x, {"v": w.pick()})
            elif kind == "masked_fill":
                w.method("masked_fill", x, {"v": w.mask_leaf(list(w.of(x).shape))}, other)
        except Skip:
            continue
    if any("error" in s and s["error"] == "TypeError" for s in w.steps):
        raise Skip("arguments")
    return w


REDUCE = ["sum", "mean", "prod", "amax", "amin", "max", "min", "argmax", "argmin", "any", "all", "nansum", "nanmean", "std",
          "var", "logsumexp", "median", "nanmedian", "mode", "norm", "count_nonzero", "aminmax", "quantile", "nanquantile",
          "var_mean"]
LINE = ["cumsum", "cumprod", "cummax", "cummin", "logcumsumexp", "sort", "argsort", "msort", "softmax", "log_softmax", "flip",
        "diff", "unique_consecutive", "roll"]


def odd_inputs(rng):
    """Reductions, sorts and lookups of odd values in odd layouts."""
    w = Writer(rng)
    dtype = rng.choice(["float32", "float32", "float64", "int32", "uint8", "bool"])
    shape = [rng.choice([0, 1, 2, 3, 4, 5, 9]) if rng.random() < 0.2 else rng.choice([2, 3, 4, 7]) for _ in range(rng.randint(0, 3))]
    n = 1
    for s in shape:
        n *= s
    if dtype.startswith("float"):
        odd = rng.random()
        data = [rng.choice(ODD) if rng.random() < odd * 0.6 else round(rng.gauss(0, 2), 2) for _ in range(n)]
    else:
        data = [rng.randint(0, 1) if dtype == "bool" else rng.randint(0 if dtype == "uint8" else -5, 6) for _ in range(n)]
    x = w.leaf(shape, False, dtype, data)
    for _ in range(rng.randint(0, 2)):
        try:
            out = rng.choice([
                lambda: w.method("transpose", x, 0, -1), lambda: w.run({"do": "get", "of": x, "items": w.slice_items(w.of(x)), "out": [w.name()]}),
                lambda: w.method("expand", x, [2, *w.of(x).shape]), lambda: w.method("flip", x, [0]),
                lambda: w.method("unsqueeze", x, 0), lambda: w.method("narrow", x, 0, 1, 1), lambda: w.method("diagonal", x),
            ])()
            if out and w.of(out[0]).numel() < 500:
                x, = out
        except Skip:
            pass
    for _ in range(3):
        t = w.of(x)
        d = rng.randrange(-t.dim(), t.dim()) if t.dim() else 0
        try:
            one(rng, w, x, t, d)
        except Skip:
            pass
    if any("error" in s and s["error"] == "TypeError" for s in w.steps):
        raise Skip("arguments")
    return w


def one(rng, w, x, t, d):
    size = t.shape[d] if t.dim() else 1
    kind = rng.choice(["reduce", "reduce", "line", "line", "topk", "kthvalue", "unique", "gather", "index_select", "masked_select",
                       "nonzero", "isclose", "searchsorted", "bincount", "take", "where", "clamp", "nan_to_num", "maximum",
                       "unary", "cat", "histc", "index", "unique_dim", "take_along", "compare", "scatter_reduce", "pow"])
    distinct = t.dtype != torch.bool and len(set(map(str, t.reshape(-1).tolist()))) == t.numel() and not any(
        v != v for v in t.reshape(-1).tolist())
    if kind == "reduce":
        f = rng.choice(REDUCE)
        if f in ("var_mean",):
            return w.function("torch.var_mean", [{"v": x}, d], outs=2)
        if f in ("quantile", "nanquantile"):
            return w.method(f, x, rng.choice([0, 0.25, 0.5, 1]), d)
        whole = rng.random() < 0.3
        if f in ("max", "min", "median", "nanmedian", "mode"):
            if whole and f != "mode":
                return w.method(f, x)
            return w.method(f, x, d, outs=2) if distinct or f in ("max", "min") else w.run(
                {"do": "call", "f": f, "args": [{"v": x}, d], "out": [w.name(), None]})
        if f == "aminmax":
            return w.function("torch.aminmax", [{"v": x}], dim=d, outs=2)
        if f == "norm":
            return w.method(f, x, rng.choice([2, 1, {"f": "inf"}, 0]), d)
        return w.method(f, x, *([] if whole else [d]), **({} if whole or rng.random() < 0.7 else {"keepdim": True}))
    if kind == "line":
        f = rng.choice(LINE)
        if f in ("sort", "argsort"):
            descending = rng.random() < 0.5
            if f == "sort":
                return w.function("torch.sort", [{"v": x}], dim=d, descending=descending, stable=True, outs=2)
            if distinct:
                return w.method("argsort", x, d, descending)
            raise Skip("ties")
        if f in ("cummax", "cummin"):
            return w.method(f, x, d, outs=2)
        if f == "flip":
            return w.method(f, x, [d])
        if f == "msort":
            return w.method(f, x)
        if f == "diff":
            return w.method(f, x, rng.randint(1, 2), d)
        if f == "unique_consecutive":
            return w.function("torch.unique_consecutive", [{"v": x}], return_inverse=True, return_counts=True, outs=3)
        if f == "roll":
            return w.method(f, x, rng.randint(-3, 3), d)
        return w.method(f, x, d)
    if kind in ("topk", "kthvalue"):
        k = rng.randint(0 if kind == "topk" else 1, max(size, 1))
        step = {"do": "call", "f": kind, "args": [{"v": x}, k, d], "out": [w.name(), w.name() if distinct else None]}
        if kind == "topk":
            step["args"].append(rng.random() < 0.5)
        return w.run(step)
    if kind == "unique":
        if any(v != v for v in t.reshape(-1).tolist()):
            raise Skip("NaN")
        return w.function("torch.unique", [{"v": x}], return_inverse=True, return_counts=True, outs=3)
    if kind == "unique_dim" and t.dim():
        if any(v != v for v in t.reshape(-1).tolist()):
            raise Skip("NaN")
        return w.function("torch.unique", [{"v": x}], return_inverse=True, return_counts=True, dim=d, outs=3)
    if kind in ("gather", "take_along") and t.dim() and size:
        shape = [rng.randint(0, s) for s in t.shape]
        return w.method("gather", x, d, {"v": w.index_leaf(shape, size)})
    if kind == "index_select" and t.dim() and size:
        return w.method("index_select", x, d, {"v": w.index_leaf([rng.randint(0, 4)], size)})
    if kind == "masked_select":
        return w.method("masked_select", x, {"v": w.mask_leaf(list(t.shape))})
    if kind == "nonzero":
        return w.method("nonzero", x)
    if kind == "isclose":
        return w.function("torch.isclose", [{"v": x}, {"v": x}], equal_nan=rng.random() < 0.5)
    if kind == "searchsorted" and t.dim() == 1 and not any(v != v for v in t.tolist()) and t.dtype != torch.bool:
        a, = w.run({"do": "call", "f": "sort", "args": [{"v": x}], "out": [w.name(), None]})
        return w.function("torch.searchsorted", [{"v": a}, {"v": x}], right=rng.random() < 0.5)
    if kind == "take" and t.numel():
        return w.method("take", x, {"v": w.index_leaf([3], t.numel())})
    if kind == "where":
        return w.function("torch.where", [{"v": w.mask_leaf(list(t.shape))}, {"v": x}, 0.5 if t.is_floating_point() else 1])
    if kind == "clamp":
        return w.method("clamp", x, -1, 2)
    if kind == "nan_to_num":
        return w.method("nan_to_num", x, 0.5)
    if kind == "maximum":
        return w.method(rng.choice(["maximum", "minimum", "fmax", "fmin", "copysign", "heaviside", "remainder", "fmod", "floor_divide", "hypot", "nextafter"]), x, {"v": x})
    if kind == "unary":
        return w.method(rng.choice(FLOATING + ["signbit", "sgn", "frac", "isinf", "isposinf", "isfinite", "positive", "log", "log2", "acos", "atan", "sinh"]), x)
    if kind == "cat":
        return w.function("torch.cat", [[{"v": x}, {"v": x}], d])
    if kind == "index" and t.dim() and t.shape[0]:
        return w.run({"do": "get", "of": x, "items": [{"v": w.index_leaf([2, 2], t.shape[0])}], "out": [w.name()]})
    if kind == "compare":
        return w.method(rng.choice(COMPARE), x, rng.choice([0, 1, 2]))
    if kind == "scatter_reduce" and t.dim() and size and t.is_floating_point():
        index = w.index_leaf(list(t.shape), size)
        return w.method("scatter_reduce", x, d, {"v": index}, {"v": x}, rng.choice(["sum", "amax", "amin", "mean", "prod"]))
    if kind == "pow":
        return w.method("pow", x, rng.choice([0, 1, 2, 3, 0.5]))
    raise Skip("one")


def printing(rng):
    """A tensor and the text that PyTorch prints of it."""
    w = Writer(rng)
    # int32 is the default integer here as int64 is there: the one prints as the other.
    dtype = rng.choice(["float32"] * 4 + [d for d in DTYPES if d != "int32"])
    shape = [rng.choice([0, 1, 1, 2, 2, 3, 4, 5, 8, 12, 30, 70, 130]) if rng.random() < 0.4 else rng.choice([1, 2, 3, 4]) for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4]))]
    n = 1
    for s in shape:
        n *= s
    if n > 3000:
        raise Skip("long")
    style = rng.choice(["whole", "small", "wide", "odd", "huge", "tiny", "mixed", "decimal"])

    def value():
        if dtype == "bool":
            return rng.randint(0, 1)
        if not dtype.startswith(("float", "bfloat")):
            info = torch.iinfo(torch.int32 if dtype == "int64" else getattr(torch, dtype))
            high = rng.choice([9, 99, 1000, 10**6, 2**31])
            return max(info.min, min(info.max, rng.randint(-high, high)))
        if style == "odd" and rng.random() < 0.4:
            return rng.choice(ODD)
        if style == "whole":
            return rng.randint(-10**rng.randint(0, 7), 10**rng.randint(0, 7))
        if style == "huge":
            return rng.gauss(0, 1) * 10 ** rng.randint(3, 12)
        if style == "tiny":
            return rng.gauss(0, 1) * 10 ** rng.randint(-12, -3)
        if style == "mixed":
            return rng.gauss(0, 1) * 10 ** rng.randint(-6, 6)
        if style == "decimal":
            return rng.choice([0.5, 1.25, -0.125, 2.0625, 3, 0.00005, 1.00005, 99999.5, 1e5, 1e8])
        if style == "wide":
            return rng.gauss(0, 300)
        return round(rng.gauss(0, 2), 4)

    data = []
    for _ in range(n):
        v = value()
        data.append(int(v) if isinstance(v, float) and v == int(v) else v)
    x = w.leaf(shape, rng.random() < 0.2 and dtype == "float32", dtype, data)
    if rng.random() < 0.3 and shape:
        made = w.method("transpose", x, 0, -1)
        x = made[0] if made else x
    if rng.random() < 0.2 and w.of(x).requires_grad:
        x, = w.method(rng.choice(["neg", "sum", "exp"]), x)
    w.steps.append({"do": "print", "of": x, "text": str(w.of(x))})
    return w
