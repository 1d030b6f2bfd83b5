"""
Writes random programs with what PyTorch makes of them.

    /usr/bin/python3 tests/fuzz/generate.py --seed 0 --count 100 [--only autograd,dtypes] [--out programs.json]

Each program has its own seed: `--seed N --count 1 --only CATEGORY` gives it again. README.md describes the file.
"""

import argparse
import json
import math
import random
import sys
import warnings

import torch

import programs_autograd
import programs_networks
import programs_values
from oracle import Abort, Machine, Skip, facts, full, parts_of

warnings.simplefilter("ignore")
LARGEST = 1e5  # beyond, small differences of kernels grow into large ones


def at_end(variables, steps):
    """The values, flags and gradients of all variables. Where a pass broke off, which gradients it reached is chance."""
    broken = any("error" in step and step["do"] in ("backward", "grad") for step in steps)
    out = {}
    for name, tensor in variables.items():
        row = {**full(tensor), "facts": facts(tensor)}
        if not broken and (tensor.is_leaf or tensor.retains_grad):
            row["grad"] = tensor.grad is not None and full(tensor.grad)
        for part in (row, row.get("grad")):
            if part and any(isinstance(v, (int, float)) and abs(v) > LARGEST for v in part["data"]):
                raise Skip("large")
        out[name] = row
    return out


def autograd(rng):
    writer = programs_autograd.make(rng)
    return {"steps": writer.steps, "end": at_end(writer.machine.variables, writer.steps)}


def values(make):
    """A category of programs without gradients."""
    def made(rng):
        writer = make(rng)
        return {"steps": writer.steps, "end": at_end(writer.machine.variables, writer.steps)}
    return made


def printing(rng):
    return {"steps": programs_values.printing(rng).steps, "end": {}}


CATEGORIES = {
    "autograd": autograd,
    "dtypes": values(programs_values.promotion),
    "inputs": values(programs_values.odd_inputs),
    "printing": printing,
    "networks": programs_networks.network,
}


def program(category, seed):
    """The program of a seed, or None where it comes to nothing."""
    rng = random.Random(f"{category}/{seed}")
    torch.manual_seed(seed)
    try:
        made = CATEGORIES[category](rng)
    except (Abort, Skip, RuntimeError):  # of the latter: views of which PyTorch says nothing more
        return None
    return {"id": f"{category}/{seed}", "category": category, **made}


def replay(given):
    """A program with these steps, of which some may have been taken out, and what PyTorch makes of it now."""
    machine = Machine()
    try:
        steps = [again(machine, step) for step in given["steps"]]
        return {**given, "steps": steps, "end": at_end(machine.variables, steps)}
    except Exception:  # it needs what was taken out
        return None


def again(machine, step):
    step = {k: v for k, v in step.items() if k not in ("facts", "error", "message")}
    if step["do"] == "no_grad":
        with torch.no_grad():
            return {**step, "steps": [again(machine, inner) for inner in step["steps"]]}
    try:
        result = machine.execute(step)
    except KeyError:
        raise
    except (RuntimeError, IndexError, ValueError, TypeError) as error:
        return {**step, "error": type(error).__name__, "message": str(error).split("\n")[0][:160]}
    if step["do"] in ("get", "call", "grad", "set", "requires_grad", "get_grad"):
        target = step.get("of") or step.get("args", [{}])[0].get("v")
        seen = parts_of(result) if "out" in step else [machine.variables[target]]
        step["facts"] = [t is not None and facts(t) for t in seen]
    return step


def main():
    if sys.argv[1:] == ["--replay"]:
        print(json.dumps([replay(p) for p in json.load(sys.stdin)]))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--only", default=",".join(CATEGORIES))
    parser.add_argument("--out")
    given = parser.parse_args()
    programs = []
    for category in given.only.split(","):
        for seed in range(given.seed, given.seed + given.count):
            made = program(category, seed)
            if made is not None:
                programs.append(made)
    text = "[\n" + ",\n".join(json.dumps(p, separators=(",", ":"), allow_nan=False) for p in programs) + "\n]\n"
    if given.out:
        with open(given.out, "w") as file:
            file.write(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
