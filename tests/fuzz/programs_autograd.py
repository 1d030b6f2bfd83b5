"""Programs of category `autograd`: views, writes in place, and backward passes, mixed."""

import torch

from oracle import Abort, Machine, Skip, facts, parts_of

UNARY = ["sin", "tanh", "exp", "neg", "square", "sigmoid", "abs", "relu", "cos", "sign", "floor", "erf", "expm1"]
UNARY_INPLACE = ["sin_", "tanh_", "exp_", "neg_", "square_", "sigmoid_", "abs_", "relu_", "cos_", "floor_", "zero_"]
BINARY = ["add", "sub", "mul", "maximum", "minimum", "atan2", "fmax", "div", "hypot", "logaddexp"]
BINARY_INPLACE = ["add_", "sub_", "mul_", "copy_", "div_"]

# Errors on which there is no need to agree: strides of results, missing kernels, uninitialised memory in slice_scatter.
UNLIKE = [
    "view size is not compatible",
    "not implemented",
    "Negative strides are not supported",
    "represented as a SymInt",
    # Writes that PyTorch cannot do and Flambeau can.
    "some elements of the input tensor and the written-to",
    "more than one element of the written-to",
    "function that returns multiple views",
    "view was created in no_grad mode",
    "'NoneType'",
    "could not compute gradients",
    # What an operation saves is its own business: PyTorch keeps results where Flambeau keeps inputs, and the reverse.
    "has been modified by an inplace",
]


class Writer:
    """Makes one program: chooses steps, runs them, and notes what PyTorch says."""

    def __init__(self, rng, dtype="float32"):
        self.rng = rng
        self.dtype = dtype
        self.machine = Machine()
        self.steps = []
        self.count = 0
        self.plain = set()  # variables whose strides PyTorch and a library with contiguous results agree on
        self.ended = False

    def name(self):
        self.count += 1
        return f"x{self.count}"

    def pick(self, test=None):
        names = [n for n, t in self.machine.variables.items() if test is None or test(t)]
        if not names:
            raise Skip("nothing fits")
        # Later variables are nearer to what is interesting.
        return self.rng.choice(names[-6:] if self.rng.random() < 0.6 else names)

    def of(self, name):
        return self.machine.variables[name]

    def values(self, n, spread=1.0):
        rng = self.rng
        if rng.random() < 0.25:
            return [rng.choice([-2, -1, -0.5, 0, 0.5, 1, 2]) for _ in range(n)]
        return [round(rng.gauss(0, spread), 2) for _ in range(n)]

    def shape(self, low=0, high=3):
        return [self.rng.choice([1, 2, 2, 3, 3, 4]) for _ in range(self.rng.randint(low, high))]

    def leaf(self, shape=None, rg=None, dtype=None, data=None):
        shape = self.shape(1) if shape is None else shape
        n = 1
        for size in shape:
            n *= size
        name = self.name()
        step = {
            "do": "leaf",
            "dtype": dtype or self.dtype,
            "shape": shape,
            "data": self.values(n) if data is None else data,
            "rg": (self.rng.random() < 0.7 if rg is None else rg) and dtype in (None, "float32", "float64"),
            "out": [name],
        }
        self.run(step)
        self.plain.add(name)
        return name

    def index_leaf(self, shape, size, unique=False):
        n = 1
        for s in shape:
            n *= s
        if unique:
            data = self.rng.sample(range(size), n)
        else:
            data = [self.rng.randrange(size) for _ in range(n)]
        return self.leaf(shape, False, "int64", data)

    def mask_leaf(self, shape):
        n = 1
        for s in shape:
            n *= s
        return self.leaf(shape, False, "bool", [int(self.rng.random() < 0.5) for _ in range(n)])

    def run(self, step, target=None, view=False):
        """Runs a step, notes its outcome, and gives the names of the new variables."""
        try:
            result = self.machine.execute(step)
        except Skip:
            raise
        except (RuntimeError, IndexError, ValueError, TypeError) as error:
            if any(text in str(error) for text in UNLIKE):
                raise Abort from error
            step["error"] = type(error).__name__
            step["message"] = str(error).split("\n")[0][:160]
            step.pop("out", None)
            self.steps.append(step)
            if step["do"] in ("backward", "grad"):
                self.ended = True
            return []
        seen = [self.of(target)] if target else parts_of(result)
        if step["do"] not in ("leaf", "backward") and seen:
            step["facts"] = [t is not None and facts(t) for t in seen]
        for t in seen:
            if t is not None and t.numel() > 2000:
                raise Skip("too large")
        self.steps.append(step)
        out = [n for n in step.get("out", []) if n is not None and n in self.machine.variables]
        if view and step.get("args", [{}])[0].get("v", step.get("of")) in self.plain:
            self.plain.update(out)
        return out

    def method(self, f, x, *args, outs=1, view=False, **kw):
        step = {"do": "call", "f": f, "args": [{"v": x}, *args], "out": [self.name() for _ in range(outs)]}
        if kw:
            step["kw"] = kw
        return self.run(step, view=view)

    def function(self, f, args, outs=1, **kw):
        step = {"do": "call", "f": f, "args": args, "out": [self.name() for _ in range(outs)]}
        if kw:
            step["kw"] = kw
        return self.run(step)

    def inplace(self, f, x, *args, **kw):
        step = {"do": "call", "f": f, "args": [{"v": x}, *args]}
        if kw:
            step["kw"] = kw
        return self.run(step, target=x)

    # Views

    def slice_items(self, t):
        rng = self.rng
        items = []
        used_ellipsis = False
        for size in t.shape:
            roll = rng.random()
            if roll < 0.15:
                items.append({"s": [None, None, None]})
            elif roll < 0.35 and size:
                items.append(rng.randrange(-size, size))
            elif roll < 0.42 and not used_ellipsis:
                used_ellipsis = True
                items.append({"e": 1})
                break
            elif roll < 0.5:
                items.append(None)
                items.append({"s": [None, None, None]})
            else:
                a = rng.choice([None, None, 0, 1, -1, -2])
                b = rng.choice([None, None, None, size, size - 1, -1, 2])
                items.append({"s": [a, b, rng.choice([None, None, 2, 3])]})
            if rng.random() < 0.15:
                break
        return items or [{"e": 1}]

    def view(self):
        rng = self.rng
        # In no_grad, PyTorch says of a view that it requires grad when its base does, though it has no history.
        x = self.pick(lambda t: t.dtype.is_floating_point and (torch.is_grad_enabled() or not t.requires_grad))
        t = self.of(x)
        n = t.dim()
        d = rng.randrange(-n, n) if n else 0
        e = rng.randrange(-n, n) if n else 0
        kind = rng.choice([
            "slice", "slice", "slice", "select", "narrow", "transpose", "t", "permute", "expand", "diagonal", "unfold",
            "as_strided", "view", "reshape", "flatten", "squeeze", "unsqueeze", "unbind", "chunk", "split", "movedim",
            "T", "mT", "detach", "expand_as", "unflatten", "tensor_split", "view_as", "squeeze_dim", "ravel", "alias",
            "swapaxes", "split_list", "hsplit", "broadcast_to", "index_none", "contiguous",
        ])
        if kind == "slice":
            return self.run({"do": "get", "of": x, "items": self.slice_items(t), "out": [self.name()]}, view=True)
        if kind == "index_none":
            return self.run({"do": "get", "of": x, "items": [None, {"e": 1}], "out": [self.name()]}, view=True)
        if kind == "select" and n:
            return self.method("select", x, d, rng.randrange(max(t.shape[d], 1)), view=True)
        if kind == "narrow" and n:
            start = rng.randrange(max(t.shape[d], 1))
            return self.method("narrow", x, d, start, rng.randint(0, t.shape[d] - start), view=True)
        if kind in ("transpose", "swapaxes") and n:
            return self.method(kind, x, d, e, view=True)
        if kind == "t" and n <= 2:
            return self.method("t", x, view=True)
        if kind == "permute":
            order = list(range(n))
            rng.shuffle(order)
            return self.method("permute", x, order, view=True)
        if kind in ("expand", "broadcast_to"):
            shape = [rng.choice([2, 3]) if s == 1 else s for s in t.shape]
            if kind == "expand":
                shape = [-1 if rng.random() < 0.2 and s == o else s for s, o in zip(shape, t.shape)]
            return self.method(kind, x, ([2] if rng.random() < 0.4 else []) + shape, view=True)
        if kind == "expand_as":
            other = self.leaf([2] + [3 if s == 1 else s for s in t.shape], False)
            return self.method("expand_as", x, {"v": other}, view=True)
        if kind == "diagonal" and n >= 2:
            a, b = rng.sample(range(n), 2)
            return self.method("diagonal", x, rng.randint(-1, 1), a, b, view=True)
        if kind == "unfold" and n and t.shape[d] >= 1:
            return self.method("unfold", x, d, rng.randint(1, t.shape[d]), rng.randint(1, 2), view=True)
        if kind == "as_strided" and x in self.plain and t.is_contiguous() and t.numel() >= 4:
            shape, strides = rng.choice([
                ([2, 2], [1, 2]), ([2, 2], [2, 1]), ([2, 2], [1, 1]), ([3], [1]), ([2], [2]), ([2, 3], [0, 1]), ([], []),
            ])
            room = t.numel() - 1 - sum((s - 1) * k for s, k in zip(shape, strides))
            offset = t.storage_offset() + rng.randint(0, room)
            return self.method("as_strided", x, shape, strides, offset, view=True)
        if kind in ("view", "reshape"):
            sizes = self.factors(t.numel())
            if kind == "view" and (x not in self.plain or not t.is_contiguous()):
                kind = "reshape"
            if rng.random() < 0.3 and sizes and t.numel():
                sizes[rng.randrange(len(sizes))] = -1
            return self.method(kind, x, sizes, view=x in self.plain and t.is_contiguous())
        if kind == "view_as" and x in self.plain and t.is_contiguous():
            other = self.leaf(self.factors(t.numel()), False)
            return self.method("view_as", x, {"v": other}, view=True)
        if kind in ("flatten", "ravel") and n:
            return self.method(kind, x, view=x in self.plain and t.is_contiguous())
        if kind == "squeeze":
            return self.method("squeeze", x, view=True)
        if kind == "squeeze_dim" and n:
            return self.method("squeeze", x, d, view=True)
        if kind == "unsqueeze":
            return self.method("unsqueeze", x, rng.randint(-n - 1, n), view=True)
        if kind == "unflatten" and n and t.shape[d] in (2, 4):
            return self.method("unflatten", x, d, [2, -1], view=True)
        if kind == "unbind" and n and 0 < t.shape[d] <= 4:
            return self.method("unbind", x, d, outs=t.shape[d], view=True)
        if kind in ("chunk", "tensor_split") and n and torch.is_grad_enabled():
            return self.method(kind, x, rng.randint(1, 3), d, outs=3, view=True)
        if kind == "split" and n and t.shape[d]:
            return self.method("split", x, rng.randint(1, t.shape[d]), d, outs=4, view=True)
        if kind == "split_list" and n and t.shape[d] >= 2:
            return self.method("split", x, [1, t.shape[d] - 1], d, outs=2, view=True)
        if kind == "hsplit" and n >= 1 and t.shape[0 if n == 1 else 1] % 2 == 0:
            return self.method("hsplit", x, 2, outs=2, view=True)
        if kind == "movedim" and n:
            return self.method("movedim", x, d, e, view=True)
        if kind in ("T", "mT"):
            if n != 2:
                raise Skip("T")
            return self.method(kind, x, view=True)
        if kind in ("detach", "alias"):
            return self.method("detach" if kind == "detach" else "view_as", x, *([] if kind == "detach" else [{"v": x}]), view=True)
        if kind == "contiguous":
            return self.method("contiguous", x)
        raise Skip("view")

    def factors(self, n):
        sizes = []
        for p in (2, 3, 2, 2, 3):
            if n and n % p == 0 and self.rng.random() < 0.7:
                sizes.append(p)
                n //= p
        sizes.append(n)
        if self.rng.random() < 0.3:
            sizes.append(1)
        self.rng.shuffle(sizes)
        return sizes

    # Writes in place

    def other_for(self, t, grow=False):
        """Something that broadcasts to `t`: a variable, a new leaf, or a number."""
        rng = self.rng
        roll = rng.random()
        if roll < 0.25:
            return rng.choice([2, -1, 0.5, 1.5, 3])
        if roll < 0.6:
            fit = [n for n, o in self.machine.variables.items()
                   if o.dtype == t.dtype and self.broadcasts(list(o.shape), list(t.shape), grow)]
            if fit:
                return {"v": rng.choice(fit)}
        shape = [1 if rng.random() < 0.25 else s for s in t.shape]
        if rng.random() < 0.3:
            shape = shape[rng.randint(0, len(shape)):]
        return {"v": self.leaf(shape)}

    def broadcasts(self, shape, to, grow):
        try:
            result = list(torch.broadcast_shapes(tuple(shape), tuple(to)))
        except RuntimeError:
            return False
        return grow or result == to

    def write(self):
        rng = self.rng
        x = self.pick(lambda t: t.dtype.is_floating_point)
        if self.of(x).requires_grad and self.of(x).is_leaf and rng.random() < 0.9:
            x, = self.method(rng.choice(["clone", "neg", "tanh"]), x)
        t = self.of(x)
        if x not in self.plain and any(s == 0 and n > 1 for s, n in zip(t.stride(), t.shape)):
            raise Skip("the memory of a gradient that PyTorch has expanded")
        n = t.dim()
        d = rng.randrange(-n, n) if n else 0
        kind = rng.choice([
            "unary", "unary", "binary", "binary", "binary", "set", "set", "set_index", "fill_", "masked_fill_",
            "index_put_", "index_fill_", "index_add_", "index_copy_", "scatter_", "scatter_add_", "clamp_", "lerp_",
            "addcmul_", "cumsum_", "tril_", "fill_diagonal_", "masked_scatter_", "put_", "transpose_", "unsqueeze_",
            "squeeze_", "detach_", "pow_", "requires_grad", "t_", "set_mask", "scatter_value", "index_put_acc",
            "addcdiv_", "sqrt_abs", "copy_view",
        ])
        size = t.shape[d] if n else 1
        if kind == "unary":
            return self.inplace(rng.choice(UNARY_INPLACE), x)
        if kind == "binary":
            kw = {"alpha": 2} if rng.random() < 0.1 else {}
            f = rng.choice(BINARY_INPLACE)
            other = self.other_for(t)
            if f == "copy_" and not isinstance(other, dict):
                f = "add_"
            return self.inplace(f, x, other, **(kw if f in ("add_", "sub_") else {}))
        if kind == "copy_view":
            y = self.pick(lambda o: o.dtype == t.dtype and self.broadcasts(list(o.shape), list(t.shape), False))
            return self.inplace(rng.choice(["copy_", "add_", "mul_"]), x, {"v": y})
        if kind == "set":
            items = self.slice_items(t)
            part = t[tuple(self.machine.decode(i) for i in items)]
            return self.run({"do": "set", "of": x, "items": items, "value": self.other_for(part)}, target=x)
        if kind == "set_index" and n and t.shape[0]:
            count = rng.randint(1, 3)
            index = self.index_leaf([count], t.shape[0])
            if rng.random() < 0.7:
                self.steps[-1]["data"] = sorted(set(self.steps[-1]["data"]))
                self.steps[-1]["shape"] = [len(self.steps[-1]["data"])]
                self.machine.execute(self.steps[-1])
            part = t[self.of(index)]
            if len(set(self.steps[-1]["data"])) < len(self.steps[-1]["data"]):
                return self.run({"do": "set", "of": x, "items": [{"v": index}], "value": rng.choice([0, 1.5])}, target=x)
            return self.run({"do": "set", "of": x, "items": [{"v": index}], "value": self.other_for(part)}, target=x)
        if kind == "set_mask":
            mask = self.mask_leaf(list(t.shape))
            return self.run({"do": "set", "of": x, "items": [{"v": mask}], "value": rng.choice([0, -1.5])}, target=x)
        if kind == "fill_":
            value = rng.choice([0, 1, 2.5])
            return self.inplace("fill_", x, {"v": self.leaf([])} if rng.random() < 0.3 else value)
        if kind == "masked_fill_":
            value = {"v": self.leaf([])} if rng.random() < 0.3 else rng.choice([0, -1.5])
            return self.inplace("masked_fill_", x, {"v": self.mask_leaf(list(t.shape))}, value)
        if kind == "masked_scatter_":
            return self.inplace("masked_scatter_", x, {"v": self.mask_leaf(list(t.shape))}, {"v": self.leaf([t.numel()])})
        if kind in ("index_put_", "index_put_acc") and n and t.shape[0]:
            accumulate = kind == "index_put_acc"
            count = rng.randint(1, t.shape[0])
            index = self.index_leaf([count], t.shape[0], unique=not accumulate)
            value = self.leaf([count, *t.shape[1:]])
            return self.inplace("index_put_", x, {"t": [{"v": index}]}, {"v": value}, accumulate=accumulate)
        if kind == "index_fill_" and n and size:
            value = {"v": self.leaf([])} if rng.random() < 0.3 else rng.choice([0, -1.5])
            return self.inplace("index_fill_", x, d, {"v": self.index_leaf([2], size)}, value)
        if kind in ("index_add_", "index_copy_") and n and size:
            count = rng.randint(1, size)
            shape = list(t.shape)
            shape[d] = count
            index = self.index_leaf([count], size, unique=kind == "index_copy_")
            kw = {"alpha": 0.5} if kind == "index_add_" and rng.random() < 0.3 else {}
            return self.inplace(kind, x, d, {"v": index}, {"v": self.leaf(shape)}, **kw)
        if kind in ("scatter_", "scatter_add_", "scatter_value") and n and size:
            shape = [rng.randint(1, s) if s else 0 for s in t.shape]
            if kind == "scatter_":
                shape[d] = 1
            index = self.index_leaf(shape, size)
            if kind == "scatter_value":
                return self.inplace("scatter_", x, d, {"v": index}, 1.5)
            return self.inplace(kind, x, d, {"v": index}, {"v": self.leaf(shape)})
        if kind == "clamp_":
            return self.inplace("clamp_", x, rng.choice([None, -0.5]), 0.5)
        if kind == "lerp_":
            return self.inplace("lerp_", x, {"v": self.leaf(list(t.shape))}, 0.25 if rng.random() < 0.5 else {"v": self.leaf(list(t.shape))})
        if kind in ("addcmul_", "addcdiv_"):
            denominator = self.leaf(list(t.shape), data=[rng.choice([-2, 0.5, 1, 4]) for _ in range(t.numel())])
            return self.inplace(kind, x, {"v": self.leaf(list(t.shape))}, {"v": denominator}, value=0.5)
        if kind == "cumsum_" and n:
            return self.inplace("cumsum_", x, d)
        if kind == "tril_" and n >= 2:
            return self.inplace(rng.choice(["tril_", "triu_"]), x, rng.randint(-1, 1))
        if kind == "fill_diagonal_" and n == 2:
            return self.inplace("fill_diagonal_", x, 3)
        if kind == "put_" and t.numel():
            count = rng.randint(1, t.numel())
            accumulate = rng.random() < 0.5
            index = self.index_leaf([count], t.numel(), unique=not accumulate)
            return self.inplace("put_", x, {"v": index}, {"v": self.leaf([count])}, accumulate=accumulate)
        if kind == "transpose_" and n:
            self.plain.discard(x)
            return self.inplace("transpose_", x, d, rng.randrange(n))
        if kind == "unsqueeze_":
            return self.inplace("unsqueeze_", x, rng.randint(0, n))
        if kind == "squeeze_":
            return self.inplace("squeeze_", x)
        if kind == "t_" and n == 2:
            self.plain.discard(x)
            return self.inplace("t_", x)
        if kind == "detach_" and rng.random() < 0.4:
            return self.inplace("detach_", x)
        if kind == "pow_":
            return self.inplace("pow_", x, rng.choice([2, 3, 1]))
        if kind == "sqrt_abs":
            self.inplace("square_", x)
            self.inplace("add_", x, 1)
            return self.inplace(rng.choice(["sqrt_", "log_", "rsqrt_", "reciprocal_"]), x)
        if kind == "requires_grad" and rng.random() < 0.5:
            return self.run({"do": "requires_grad", "of": x, "value": rng.random() < 0.8}, target=x)
        raise Skip("write")

    # Values

    def value(self):
        rng = self.rng
        x = self.pick(lambda t: t.dtype.is_floating_point)
        t = self.of(x)
        n = t.dim()
        d = rng.randrange(-n, n) if n else 0
        size = t.shape[d] if n else 1
        kind = rng.choice([
            "unary", "unary", "binary", "binary", "binary", "matmul", "sum", "mean", "amax", "max", "prod", "cumsum",
            "cumprod", "logsumexp", "softmax", "where", "cat", "stack", "gather", "index_select", "masked_select", "take",
            "clone", "sort", "topk", "norm", "var", "roll", "flip", "repeat", "pad", "get_index", "pow", "lerp", "clamp",
            "median", "tril", "diff", "kthvalue", "outer", "cummax", "scatter", "index_add", "expm", "layer_norm",
            "repeat_interleave", "diag", "trace", "std", "log_softmax", "var_mean", "addmm", "einsum", "cdist", "renorm",
            "masked_fill", "xlogy", "bmm", "cross_entropy", "gelu", "dist", "cosine", "index_put", "select_scatter",
            "diagonal_scatter", "slice_scatter", "max_pool", "conv", "interpolate", "get_two", "block",
        ])
        if kind == "unary":
            return self.method(rng.choice(UNARY), x)
        if kind == "binary":
            other = self.other_for(t, grow=True)
            f = rng.choice(BINARY)
            if not isinstance(other, dict):
                f = rng.choice(["add", "sub", "mul", "div"])
            return self.method(f, x, other)
        if kind == "matmul" and n:
            other = self.leaf([t.shape[-1]] + ([rng.randint(1, 3)] if rng.random() < 0.7 else []))
            return self.method("matmul", x, {"v": other})
        if kind == "addmm" and n == 2:
            other = self.leaf([t.shape[1], 2])
            return self.function("torch.addmm", [{"v": self.leaf([2])}, {"v": x}, {"v": other}], beta=0.5, alpha=2)
        if kind == "bmm" and n == 3:
            return self.method("bmm", x, {"v": self.leaf([t.shape[0], t.shape[2], 2])})
        if kind in ("sum", "mean", "amax", "logsumexp", "std", "var", "norm") and n:
            dims = rng.sample(range(n), rng.randint(1, n)) if rng.random() < 0.5 else d
            if rng.random() < 0.3 and kind in ("sum", "mean", "norm", "std", "var"):
                return self.method(kind, x)
            if kind == "norm":
                return self.method("norm", x, rng.choice([1, 2, 3]), dims, rng.random() < 0.3)
            if kind in ("std", "var"):
                return self.method(kind, x, dims, rng.random() < 0.5, rng.random() < 0.3)
            return self.method(kind, x, dims, rng.random() < 0.3)
        if kind == "var_mean" and n:
            return self.function("torch.var_mean", [{"v": x}, d], outs=2)
        if kind in ("max", "median", "kthvalue", "cummax", "sort", "topk") and n and size:
            args = {"max": [d], "median": [d], "kthvalue": [rng.randint(1, size), d], "cummax": [d],
                    "sort": [d, rng.random() < 0.5], "topk": [rng.randint(1, size), d]}[kind]
            if t.detach().unique().numel() < t.numel():
                raise Skip("ties")
            f = rng.choice(["max", "min"]) if kind == "max" else kind
            return self.method(f, x, *args, outs=2)
        if kind in ("prod", "cumsum", "cumprod", "softmax", "log_softmax") and n:
            return self.method(kind, x, d)
        if kind == "where":
            return self.function("torch.where", [{"v": self.mask_leaf(list(t.shape))}, {"v": x}, {"v": self.leaf(list(t.shape))}])
        if kind in ("cat", "stack") and n:
            others = [v for v, o in self.machine.variables.items() if o.shape == t.shape and o.dtype == t.dtype]
            chosen = [{"v": rng.choice(others)} for _ in range(rng.randint(1, 3))]
            return self.function(f"torch.{kind}", [chosen, d])
        if kind == "block" and n <= 2:
            return self.function("torch.block_diag", [{"v": x}, {"v": self.leaf([2])}])
        if kind == "gather" and n and size:
            shape = [rng.randint(1, s) if s else 0 for s in t.shape]
            return self.method("gather", x, d, {"v": self.index_leaf(shape, size)})
        if kind == "index_select" and n and size:
            return self.method("index_select", x, d, {"v": self.index_leaf([rng.randint(1, 4)], size)})
        if kind == "masked_select" and t.is_contiguous() and x in self.plain:
            return self.method("masked_select", x, {"v": self.mask_leaf(list(t.shape))})
        if kind == "masked_fill":
            return self.method("masked_fill", x, {"v": self.mask_leaf(list(t.shape))}, -1.5)
        if kind == "take" and t.numel():
            return self.method("take", x, {"v": self.index_leaf([2, 2], t.numel())})
        if kind == "get_index" and n and t.shape[0]:
            index = self.index_leaf(rng.choice([[2], [3], [2, 2]]), t.shape[0])
            items = [{"v": index}]
            if n >= 2 and rng.random() < 0.4:
                items.append({"s": [None, None, 2]})
            return self.run({"do": "get", "of": x, "items": items, "out": [self.name()]})
        if kind == "get_two" and n >= 2 and t.shape[0] and t.shape[-1]:
            a = self.index_leaf([2], t.shape[0])
            b = self.index_leaf([2], t.shape[-1])
            items = [{"v": a}, {"e": 1}, {"v": b}]
            return self.run({"do": "get", "of": x, "items": items, "out": [self.name()]})
        if kind == "clone":
            return self.method("clone", x)
        if kind == "roll" and n:
            return self.method("roll", x, rng.randint(-2, 2), d)
        if kind == "flip" and n:
            return self.method("flip", x, [d])
        if kind == "repeat":
            return self.method("repeat", x, [rng.randint(1, 2) for _ in range(n + rng.randint(0, 1))])
        if kind == "repeat_interleave" and n:
            return self.method("repeat_interleave", x, 2, d)
        if kind == "pad" and n:
            return self.function("torch.nn.functional.pad", [{"v": x}, [rng.randint(0, 2), rng.randint(-1, 1) if t.shape[-1] > 1 else 0]], value=0.5)
        if kind == "pow":
            return self.method("pow", x, rng.choice([1, 2, 3]))
        if kind == "lerp":
            return self.method("lerp", x, {"v": self.leaf(list(t.shape))}, 0.3)
        if kind == "clamp":
            return self.method("clamp", x, -0.5, rng.choice([None, 0.5]))
        if kind == "tril" and n >= 2:
            return self.method(rng.choice(["tril", "triu"]), x, rng.randint(-1, 1))
        if kind == "diff" and n and size:
            return self.method("diff", x, 1, d)
        if kind == "outer" and n == 1:
            return self.method("outer", x, {"v": self.leaf([2])})
        if kind == "diag" and 1 <= n <= 2:
            return self.method("diag", x, rng.randint(-1, 1))
        if kind == "trace" and n == 2:
            return self.method("trace", x)
        if kind == "scatter" and n and size:
            shape = [rng.randint(1, s) if s else 0 for s in t.shape]
            shape[d] = 1
            return self.method("scatter", x, d, {"v": self.index_leaf(shape, size)}, {"v": self.leaf(shape)})
        if kind == "index_add" and n and size:
            shape = list(t.shape)
            shape[d] = 2
            return self.method("index_add", x, d, {"v": self.index_leaf([2], size)}, {"v": self.leaf(shape)})
        if kind == "index_put" and n and size:
            index = self.index_leaf([1], t.shape[0])
            return self.method("index_put", x, {"t": [{"v": index}]}, {"v": self.leaf([1, *t.shape[1:]])})
        if kind == "select_scatter" and n and size:
            shape = list(t.shape)
            del shape[d]
            return self.method("select_scatter", x, {"v": self.leaf(shape)}, d, 0)
        if kind == "diagonal_scatter" and n == 2:
            return self.method("diagonal_scatter", x, {"v": self.leaf([min(t.shape)])})
        if kind == "slice_scatter" and n and size >= 2:
            shape = list(t.shape)
            shape[d] = 1
            return self.method("slice_scatter", x, {"v": self.leaf(shape)}, d, 1, 2)
        if kind == "layer_norm" and n and size >= 2:
            return self.function("torch.nn.functional.layer_norm", [{"v": x}, [t.shape[-1]], {"v": self.leaf([t.shape[-1]])}])
        if kind == "gelu":
            return self.function(rng.choice(["torch.nn.functional.gelu", "torch.nn.functional.silu", "torch.nn.functional.elu"]), [{"v": x}])
        if kind == "cosine" and n:
            return self.function("torch.nn.functional.cosine_similarity", [{"v": x}, {"v": self.leaf(list(t.shape))}], dim=d)
        if kind == "cross_entropy" and n == 2 and t.shape[1]:
            target = self.index_leaf([t.shape[0]], t.shape[1])
            return self.function("torch.nn.functional.cross_entropy", [{"v": x}, {"v": target}])
        if kind == "dist":
            return self.method("dist", x, {"v": self.leaf(list(t.shape))})
        if kind == "cdist" and n == 2:
            return self.function("torch.cdist", [{"v": x}, {"v": self.leaf([2, t.shape[1]])}])
        if kind == "renorm" and n >= 2:
            return self.method("renorm", x, 2, d, 1)
        if kind == "einsum" and n == 2:
            return self.function("torch.einsum", ["ij,jk->ki", [{"v": x}, {"v": self.leaf([t.shape[1], 2])}]])
        if kind == "max_pool" and n == 3 and t.shape[-1] >= 2:
            return self.function("torch.nn.functional.max_pool1d", [{"v": x}, 2])
        if kind == "conv" and n == 3 and t.shape[-1] >= 2:
            return self.function("torch.nn.functional.conv1d", [{"v": x}, {"v": self.leaf([2, t.shape[1], 2])}])
        if kind == "interpolate" and n == 3:
            return self.function("torch.nn.functional.interpolate", [{"v": x}], scale_factor=2)
        raise Skip("value")

    # Autograd

    def flags(self):
        rng = self.rng
        kind = rng.choice(["retain_grad", "hook", "no_grad", "requires_grad", "deepcopy", "hook"])
        if kind == "deepcopy":
            x = self.pick(lambda t: t.is_leaf and t.dtype.is_floating_point)
            return self.run({"do": "deepcopy", "of": x, "out": [self.name()]})
        x = self.pick(lambda t: t.requires_grad)
        if kind == "retain_grad":
            return self.run({"do": "retain_grad", "of": x})
        if kind == "hook":
            return self.run({"do": "hook", "of": x, "scale": rng.choice([2, -1, 0.5])})
        if kind == "requires_grad":
            y = self.pick()
            return self.run({"do": "requires_grad", "of": y, "value": rng.random() < 0.7}, target=y)
        inner = self.steps
        self.steps = []
        try:
            with torch.no_grad():
                for _ in range(rng.randint(1, 3)):
                    attempt(self, rng.choice([self.view, self.write, self.write, self.value]))
        finally:
            steps, self.steps = self.steps, inner
        if steps:
            self.steps.append({"do": "no_grad", "steps": steps})
        return []

    def loss(self, of=None):
        """A scalar of some variables that require grad, or of one."""
        rng = self.rng
        if of is None:
            names = [n for n, t in self.machine.variables.items() if t.requires_grad and t.numel()]
            if not names:
                raise Skip("no graph")
            chosen = set(names[-3:]) | set(rng.sample(names, min(2, len(names))))
            of = [n for n in names if n in chosen]
        total = None
        for i, x in enumerate(of):
            if rng.random() < 0.5:
                made = self.method("mul", x, round(0.5 + i * 0.4, 1))
                if not made:
                    return None
                x, = made
            made = self.method("sum", x)
            if not made:
                return None
            part, = made
            total = part if total is None else self.method("add", total, {"v": part})[0]
        return total

    def backward(self):
        rng = self.rng
        kind = rng.choice(["loss", "loss", "loss", "gradient", "twice", "grad", "second", "leaf_inputs"])
        if kind == "gradient":
            x = self.pick(lambda t: t.requires_grad)
            gradient = self.leaf(list(self.of(x).shape), False)
            step = {"do": "backward", "of": x, "gradient": {"v": gradient}}
            if rng.random() < 0.5:
                step["retain"] = True
            return self.run(step)
        total = self.loss()
        if total is None:
            return []
        if kind == "loss":
            step = {"do": "backward", "of": total}
            if rng.random() < 0.3:
                step["retain"] = True
            return self.run(step)
        if kind == "twice":
            self.run({"do": "backward", "of": total, "retain": rng.random() < 0.7})
            if not self.ended:
                self.run({"do": "backward", "of": total})
            return []
        variables = self.machine.variables.items()
        if any(step["do"] in ("hook", "retain_grad") for step in self.steps):
            raise Skip("since PyTorch 2 hooks see what grad() gives, before they did not")
        leaves = [n for n, t in variables if t.requires_grad and (t.is_leaf or kind != "leaf_inputs" and rng.random() < 0.2)]
        if not leaves:
            raise Skip("no leaves")
        inputs = rng.sample(leaves, rng.randint(1, min(3, len(leaves))))
        if kind == "leaf_inputs":
            return self.run({"do": "backward", "of": total, "inputs": [{"v": n} for n in inputs]})
        create = kind == "second"
        step = {"do": "grad", "outputs": [{"v": total}], "inputs": [{"v": n} for n in inputs],
                "create": create, "unused": rng.random() < 0.9, "out": [self.name() for _ in inputs]}
        out = self.run(step)
        if create and not self.ended:
            out = [n for n in out if self.of(n).requires_grad]
            if out:
                squares = [self.method("square", n)[0] for n in out]
                again = self.loss(squares)
                if again:
                    self.run({"do": "backward", "of": again})
        return out


def attempt(writer, action):
    """Runs an action; what was noted before it stays, whether or not it comes to something."""
    try:
        action()
    except Skip:
        pass


def make(rng):
    """One program."""
    writer = Writer(rng, "float64" if rng.random() < 0.15 else "float32")
    for _ in range(rng.randint(1, 2)):
        writer.leaf(rg=True)
    if rng.random() < 0.7:
        shape = list(writer.of("x1").shape)
        writer.leaf(shape)
    for _ in range(rng.randint(3, 9)):
        action = rng.choices(
            [writer.view, writer.write, writer.value, writer.flags, writer.backward], [4, 4, 4, 1.2, 0.7])[0]
        attempt(writer, action)
        if writer.ended:
            break
    if not writer.ended:
        attempt(writer, writer.backward)
    return writer
