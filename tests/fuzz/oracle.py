"""Runs the steps of a program in PyTorch. README.md says what a step looks like."""

import copy
import math

import numpy
import torch

torch.set_num_threads(1)


class Skip(Exception):
    """The program is of no use: it overflows, is too large, or its result is not defined."""


def number(value):
    """A float as JSON can hold it, short: a float32 with the digits that tell it apart."""
    if isinstance(value, (bool, int)):
        return value
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == 0 and math.copysign(1, value) < 0:
        return "-0"
    return int(value) if value == int(value) and abs(value) < 2**53 else value


def from_number(value):
    """The inverse of `number`."""
    return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf, "-0": -0.0}[value] if isinstance(value, str) else value


def flat(tensor):
    """The values of a tensor in row-major order."""
    detached = tensor.detach()
    if tensor.dtype == torch.bool:
        return [int(v) for v in detached.reshape(-1).tolist()]
    if tensor.dtype == torch.float32:
        return [number(float(repr_of(v))) for v in detached.reshape(-1).numpy()]
    if tensor.dtype in (torch.float16, torch.bfloat16):
        return [number(v) for v in detached.float().reshape(-1).tolist()]
    return [number(v) for v in detached.reshape(-1).tolist()]


def repr_of(value):
    """The shortest digits that give this float32 again."""
    return numpy.format_float_scientific(value, unique=True) if numpy.isfinite(value) else str(value)


def dtype_name(dtype):
    return str(dtype).removeprefix("torch.")


def facts(tensor):
    """What is compared of a tensor beside its values."""
    fn = tensor.grad_fn
    return [dtype_name(tensor.dtype), list(tensor.shape), tensor.requires_grad, tensor.is_leaf, fn and fn.name().removeprefix("torch::autograd::")]


def full(tensor):
    """What is compared of a tensor at the end."""
    return {"dtype": dtype_name(tensor.dtype), "shape": list(tensor.shape), "data": flat(tensor)}


def parts_of(result):
    """The tensors of a result; None stands for parts that are no tensors."""
    if isinstance(result, torch.Tensor):
        return [result]
    if isinstance(result, (tuple, list)):
        return [part if isinstance(part, torch.Tensor) else None for part in result]
    return []


class Abort(Exception):
    """PyTorch has left a step in the middle, or differs by its design: nothing after it counts."""


class Machine:
    """The variables of a program, and its steps on them."""

    def __init__(self):
        self.variables = {}

    def decode(self, value):
        if isinstance(value, list):
            return [self.decode(item) for item in value]
        if not isinstance(value, dict):
            return value
        (tag, of), = value.items()
        if tag == "v":
            return self.variables[of]
        if tag == "f":
            return float(from_number(of))
        if tag == "d":
            return getattr(torch, of)
        if tag == "s":
            return slice(*of)
        if tag == "t":
            return tuple(self.decode(item) for item in of)
        if tag == "e":
            return Ellipsis
        raise ValueError(tag)

    def make(self, step):
        """A new leaf."""
        dtype = getattr(torch, step["dtype"])
        values = [from_number(v) for v in step["data"]]
        leaf = torch.tensor(values, dtype=torch.float64 if dtype.is_floating_point else torch.int64)
        return leaf.to(dtype).reshape(step["shape"]).clone().requires_grad_(step.get("rg", False))

    def execute(self, step):
        """Runs one step and gives its result. Raises what PyTorch raises."""
        kind = step["do"]
        out = step.get("out")
        result = None
        if kind == "leaf":
            result = self.make(step)
        elif kind == "call":
            result = self.call(step)
        elif kind == "get":
            items = tuple(self.decode(i) for i in step["items"])
            result = self.variables[step["of"]][items if len(items) != 1 else items[0]]
        elif kind == "set":
            items = tuple(self.decode(i) for i in step["items"])
            self.variables[step["of"]][items if len(items) != 1 else items[0]] = self.decode(step["value"])
        elif kind == "no_grad":
            with torch.no_grad():
                for inner in step["steps"]:
                    self.execute(inner)
        elif kind == "backward":
            self.variables[step["of"]].backward(
                self.decode(step.get("gradient")),
                retain_graph=step.get("retain"),
                create_graph=step.get("create", False),
                inputs=self.decode(step["inputs"]) if "inputs" in step else None,
            )
        elif kind == "grad":
            result = torch.autograd.grad(
                self.decode(step["outputs"]),
                self.decode(step["inputs"]),
                self.decode(step.get("cotangents")),
                retain_graph=step.get("retain"),
                create_graph=step.get("create", False),
                allow_unused=step.get("unused", False),
            )
        elif kind == "get_grad":
            result = self.variables[step["of"]].grad
            if result is None:
                raise Skip("no gradient")
        elif kind == "clear_grad":
            self.variables[step["of"]].grad = None
        elif kind == "retain_grad":
            self.variables[step["of"]].retain_grad()
        elif kind == "requires_grad":
            self.variables[step["of"]].requires_grad_(step["value"])
        elif kind == "hook":
            scale = step["scale"]
            self.variables[step["of"]].register_hook(lambda grad: grad * scale)
        elif kind == "deepcopy":
            result = copy.deepcopy(self.variables[step["of"]])
        else:
            raise ValueError(kind)
        if out is not None:
            parts = parts_of(result)
            for name, part in zip(out, parts):
                if name is not None and part is not None:
                    self.variables[name] = part
        return result

    def call(self, step):
        args = [self.decode(a) for a in step["args"]]
        kwargs = {k: self.decode(v) for k, v in step.get("kw", {}).items()}
        name = step["f"]
        if "." in name:
            found = torch
            for part in name.split(".")[1:]:
                found = getattr(found, part)
            return found(*args, **kwargs)
        found = getattr(args[0], name)
        return found(*args[1:], **kwargs) if callable(found) else found
