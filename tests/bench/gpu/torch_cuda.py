"""PyTorch as one of the libraries, on CUDA: `--device=cuda`, or `--device=cpu` for numbers to compare with.

The protocol is that of harness.ts: workloads as JSON on standard input, a line `@@{...}` for each.
"""
import json, sys, time
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

D = next((a.split("=")[1] for a in sys.argv if a.startswith("--device=")), "cuda")
if D == "cuda" and not torch.cuda.is_available():
    sys.exit("this PyTorch has no CUDA")
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
ORDER = json.load(sys.stdin)


def say(**line):
    print("@@" + json.dumps(line), flush=True)


def fill(n, seed, scale=1.0):
    with np.errstate(over="ignore"):
        x = np.arange(n, dtype=np.uint32) * np.uint32(0x85EBCA77) + np.uint32((seed * 0x9E3779B1) & 0xFFFFFFFF)
        x ^= x >> np.uint32(16); x *= np.uint32(0x85EBCA6B); x ^= x >> np.uint32(13)
        x *= np.uint32(0xC2B2AE35); x ^= x >> np.uint32(16)
    return ((x.astype(np.float64) / 4294967296.0 - 0.5) * scale).astype(np.float32)


def T(shape, seed, scale=1.0, dtype="float32"):
    return torch.from_numpy(fill(int(np.prod(shape)), seed, scale)).reshape(shape).to(D, getattr(torch, dtype))


def tokens(n, seed, vocab):
    return np.minimum(vocab - 1, np.floor((fill(n, seed).astype(np.float64) + 0.5) * vocab)).astype(np.int64)


def sync():
    if D == "cuda":
        torch.cuda.synchronize()


def mean(t):
    return float(t.detach().double().abs().mean())


def simple(f):
    def run():
        with torch.no_grad():
            return f()
    return dict(run=run, check=lambda: mean(run()))


def uniform(shape, fan, seed):
    return T(shape, seed, 2 / np.sqrt(fan))


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 32, 3)
        self.c2 = nn.Conv2d(32, 64, 3)
        self.f1 = nn.Linear(9216, 128)
        self.f2 = nn.Linear(128, 10)
        with torch.no_grad():
            for i, (layer, fan) in enumerate([(self.c1, 9), (self.c2, 288), (self.f1, 9216), (self.f2, 128)]):
                layer.weight.copy_(uniform(tuple(layer.weight.shape), fan, 100 + i))
                layer.bias.zero_()

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c2(F.relu(self.c1(x)))), 2).flatten(1)
        return self.f2(F.relu(self.f1(x)))


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv = nn.Linear(d, 3 * d, bias=False)
        self.proj = nn.Linear(d, d, bias=False)
        self.up = nn.Linear(d, 4 * d, bias=False)
        self.down = nn.Linear(4 * d, d, bias=False)

    def forward(self, x, mask):
        B, L, d = x.shape
        q, k, v = [t.view(B, L, self.heads, -1).transpose(1, 2) for t in self.qkv(self.ln1(x)).split(d, 2)]
        a = ((q @ k.transpose(-1, -2)) * (d // self.heads) ** -0.5 + mask).softmax(-1) @ v
        x = x + self.proj(a.transpose(1, 2).reshape(B, L, d))
        return x + self.down(F.gelu(self.up(self.ln2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self, w):
        super().__init__()
        d, V, L = w["d"], w["vocab"], w["ctx"]
        self.tok, self.pos = nn.Embedding(V, d), nn.Embedding(L, d)
        self.blocks = nn.ModuleList(Block(d, w["heads"]) for _ in range(w["layers"]))
        self.lnf = nn.LayerNorm(d)
        self.head = nn.Linear(d, V, bias=False)
        self.register_buffer("mask", torch.full((L, L), float("-inf")).triu(1))
        with torch.no_grad():
            self.tok.weight.copy_(T((V, d), 1, 0.08))
            self.pos.weight.copy_(T((L, d), 2, 0.08))
            self.head.weight.copy_(uniform((V, d), d, 3))
            for i, block in enumerate(self.blocks):
                for j, layer in enumerate([block.qkv, block.proj, block.up, block.down]):
                    layer.weight.copy_(uniform(tuple(layer.weight.shape), layer.in_features, 10 + i * 4 + j))

    def forward(self, ids):
        x = self.tok(ids) + self.pos.weight
        for block in self.blocks:
            x = block(x, self.mask)
        return self.head(self.lnf(x))


def trainer(net, optimizer, classes, x, y):
    last = {}
    def run():
        loss = F.cross_entropy(net(torch.from_numpy(x).to(D)).view(-1, classes), torch.from_numpy(y).to(D))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        last["loss"] = loss.detach()
    def check():
        for _ in range(3):
            run()
        return float(last["loss"])
    return dict(run=run, check=check)


def decoder(w):
    net, L, V = Gpt(w).to(D).eval(), w["ctx"], w["vocab"]
    ids = tokens(L, 5, V)
    state = dict(at=0)
    def logits():
        with torch.inference_mode():
            return net(torch.from_numpy(ids).to(D).view(1, L))
    def run():
        token = int(logits()[0, state["at"]].argmax())
        state["at"] = (state["at"] + 1) % L
        ids[state["at"]] = token
    return dict(run=run, check=lambda: mean(logits()))


def make(w):
    kind, dtype = w["kind"], w.get("dtype", "float32")
    if kind in ("copy", "add", "gelu", "sum"):
        x, y = T((w["n"],), 1), T((w["n"],), 2) if kind == "add" else None
        return simple({
            "copy": lambda: x.clone(),
            "add": lambda: x + y,
            "gelu": lambda: F.gelu(x, approximate="tanh"),
            "sum": lambda: x.square().sum(),
        }[kind])
    if kind in ("sumRows", "sumColumns", "softmax", "layerNorm"):
        n = w["columns"]
        x, g, b = T((w["rows"], n), 1), T((n,), 2), T((n,), 3)
        return simple({
            "sumRows": lambda: x.sum(1),
            "sumColumns": lambda: x.sum(0),
            "softmax": lambda: x.softmax(1),
            "layerNorm": lambda: F.layer_norm(x, (n,), g, b),
        }[kind])
    if kind in ("matmul", "linear"):
        if dtype == "float16" and D == "cpu":
            x, y = T((w["m"], w["k"]), 1, dtype=dtype).float(), T((w["k"], w["n"]) if kind == "matmul" else (w["n"], w["k"]), 2, dtype=dtype).float()
            return simple(lambda: (x @ (y if kind == "matmul" else y.T)).half())
        x = T((w["m"], w["k"]), 1, dtype=dtype)
        y = T((w["k"], w["n"]) if kind == "matmul" else (w["n"], w["k"]), 2, dtype=dtype)
        return simple(lambda: x @ y if kind == "matmul" else F.linear(x, y))
    if kind == "bmm":
        x, y = T((w["b"], w["m"], w["k"]), 1), T((w["b"], w["k"], w["n"]), 2)
        return simple(lambda: torch.bmm(x, y))
    if kind in ("conv", "convGrad"):
        x, f = T((w["N"], w["C"], w["H"], w["H"]), 1), T((w["K"], w["C"], w["R"], w["R"]), 2)
        if kind == "conv":
            return simple(lambda: F.conv2d(x, f, stride=w["stride"], padding=w["pad"]))
        x.requires_grad_()
        f.requires_grad_()
        y = F.conv2d(x, f, stride=w["stride"], padding=w["pad"])
        g = T(tuple(y.shape), 3)
        run = lambda: torch.autograd.grad(y, [x, f], g, retain_graph=True)
        return dict(run=run, check=lambda: sum(map(mean, run())))
    if kind == "attention":
        q, k, v = (T((w["b"], w["h"], w["t"], w["d"]), i) for i in (1, 2, 3))
        if hasattr(F, "scaled_dot_product_attention"):
            return simple(lambda: F.scaled_dot_product_attention(q, k, v))
        return simple(lambda: ((q @ k.transpose(-1, -2)) * w["d"] ** -0.5).softmax(-1) @ v)
    if kind == "trainCnn":
        net = Cnn().to(D)
        x, y = fill(w["batch"] * 784, 1).reshape(-1, 1, 28, 28), np.arange(w["batch"], dtype=np.int64) % 10
        return trainer(net, torch.optim.Adam(net.parameters(), lr=w["lr"]), 10, x, y)
    if kind == "trainGpt":
        net, n = Gpt(w).to(D), w["batch"] * w["ctx"]
        x, y = tokens(n, 5, w["vocab"]).reshape(w["batch"], -1), tokens(n, 6, w["vocab"])
        return trainer(net, torch.optim.AdamW(net.parameters(), lr=w["lr"], weight_decay=w["wd"]), w["vocab"], x, y)
    if kind == "decodeGpt":
        return decoder(w)
    return None


def batch(case, turns):
    start = time.perf_counter()
    for _ in range(turns):
        case["run"]()
    sync()
    return (time.perf_counter() - start) * 1e3 / turns


say(about=dict(adapter=torch.cuda.get_device_name() if D == "cuda" else "CPU", version=torch.__version__))
for w in ORDER["workloads"]:
    try:
        case = make(w)
        if case is None:
            say(id=w["id"], note="not offered")
            continue
        check, ms = case["check"](), []
        if not ORDER["checkOnly"]:
            batch(case, 1)
            turns, one = 1, batch(case, 1)
            while turns < 8192 and one * turns < ORDER["batch"]:
                turns = min(8192, int(turns * min(8, max(2, 1.2 * ORDER["batch"] / (one * turns)))) + 1)
                one = batch(case, turns)
            ms.append(one)
            end = time.perf_counter() + ORDER["budget"] / 1e3
            while time.perf_counter() < end and len(ms) < 50:
                ms.append(batch(case, turns))
        say(id=w["id"], check=check, ms=[float("%.5g" % x) for x in ms])
    except Exception as error:
        say(id=w["id"], note=str(error)[:300])
