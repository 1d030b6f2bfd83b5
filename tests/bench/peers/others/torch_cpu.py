"""PyTorch CPU peer. Same protocol as harness.mjs. --threads=N"""
import ctypes, json, os, sys, time
opt = dict(budget=400.0, min=3, max=300, slow=12000.0, ids=None, threads=1)
for a in sys.argv[1:]:
    if a.startswith("--") and "=" in a:
        k, v = a[2:].split("=", 1)
        opt[k] = v.split(",") if k == "ids" else (v if k not in opt else float(v))
T = int(opt["threads"])
os.environ["OMP_NUM_THREADS"] = str(T); os.environ["OPENBLAS_NUM_THREADS"] = str(T)
# Let OpenBLAS pick its own kernels: a machine-wide OPENBLAS_CORETYPE (older than the CPU) can halve PyTorch's matmuls.
for k in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"): os.environ.pop(k, None)
import numpy as np, torch
import torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(T)
here = os.path.dirname(os.path.abspath(__file__))
W = [w for g in json.load(open(os.path.join(here, "workloads.json")))["groups"].values() for w in g]

def fill(n, seed, scale=1.0):
    with np.errstate(over="ignore"):
        i = np.arange(n, dtype=np.uint32)
        base = np.uint32((seed * 0x9E3779B1) & 0xFFFFFFFF)
        x = i * np.uint32(0x85EBCA77) + base
        x ^= x >> np.uint32(16); x *= np.uint32(0x85EBCA6B); x ^= x >> np.uint32(13); x *= np.uint32(0xC2B2AE35); x ^= x >> np.uint32(16)
    return ((x.astype(np.float64) / 4294967296.0 - 0.5) * scale).astype(np.float32)
def ft(shape, seed, scale=1.0): return torch.from_numpy(fill(int(np.prod(shape)), seed, scale)).reshape(shape)
def uinit(shape, fan, seed): return ft(shape, seed, 2 / np.sqrt(fan))
def tokens(n, seed, vocab): return np.minimum(vocab - 1, np.floor((fill(n, seed).astype(np.float64) + 0.5) * vocab)).astype(np.int64)
def mabs(t): return float(t.detach().double().abs().mean())

def with_check(f):
    box = {}
    def run(): box["y"] = f()
    return dict(run=run, check=lambda: mabs(box["y"]))

class CNN(nn.Module):
    def __init__(s):
        super().__init__()
        s.c1 = nn.Conv2d(1, 32, 3); s.c2 = nn.Conv2d(32, 64, 3); s.f1 = nn.Linear(9216, 128); s.f2 = nn.Linear(128, 10)
        with torch.no_grad():
            for k, (m, fan) in enumerate([(s.c1, 9), (s.c2, 288), (s.f1, 9216), (s.f2, 128)]):
                m.weight.copy_(uinit(tuple(m.weight.shape), fan, 100 + k)); m.bias.zero_()
    def forward(s, x):
        x = F.relu(s.c1(x)); x = F.relu(s.c2(x)); x = F.max_pool2d(x, 2); x = torch.flatten(x, 1)
        return s.f2(F.relu(s.f1(x)))
class MLP(nn.Module):
    def __init__(s, d):
        super().__init__()
        s.l = nn.ModuleList(nn.Linear(a, b) for a, b in zip(d, d[1:]))
        with torch.no_grad():
            for k, m in enumerate(s.l): m.weight.copy_(uinit(tuple(m.weight.shape), m.in_features, 100 + k)); m.bias.zero_()
    def forward(s, x):
        for k, m in enumerate(s.l):
            x = m(x)
            if k < len(s.l) - 1: x = F.relu(x)
        return x
class Block(nn.Module):
    def __init__(s, d, h):
        super().__init__()
        s.h = h; s.ln1 = nn.LayerNorm(d); s.ln2 = nn.LayerNorm(d)
        s.qkv = nn.Linear(d, 3 * d, bias=False); s.proj = nn.Linear(d, d, bias=False)
        s.up = nn.Linear(d, 4 * d, bias=False); s.down = nn.Linear(4 * d, d, bias=False)
    def forward(s, x, mask):
        B, L, D = x.shape; hd = D // s.h
        q, k, v = s.qkv(s.ln1(x)).split(D, 2)
        q, k, v = (t.view(B, L, s.h, hd).transpose(1, 2) for t in (q, k, v))
        a = (q @ k.transpose(-2, -1)) * (hd ** -0.5)
        a = F.softmax(a.masked_fill(mask, float("-inf")), -1)
        x = x + s.proj((a @ v).transpose(1, 2).reshape(B, L, D))
        return x + s.down(gelu_tanh(s.up(s.ln2(x))))
def gelu_tanh(x): return F.gelu(x, approximate="tanh")
class GPT(nn.Module):
    def __init__(s, w):
        super().__init__()
        d = w["d"]; s.tok = nn.Embedding(w["vocab"], d); s.pos = nn.Embedding(w["ctx"], d)
        s.blocks = nn.ModuleList(Block(d, w["heads"]) for _ in range(w["layers"]))
        s.lnf = nn.LayerNorm(d); s.head = nn.Linear(d, w["vocab"], bias=False)
        s.register_buffer("mask", torch.triu(torch.ones(w["ctx"], w["ctx"], dtype=torch.bool), 1))
        with torch.no_grad():
            s.tok.weight.copy_(ft((w["vocab"], d), 1, 0.08)); s.pos.weight.copy_(ft((w["ctx"], d), 2, 0.08)); s.head.weight.copy_(uinit((w["vocab"], d), d, 3))
            for i, b in enumerate(s.blocks):
                for j, m in enumerate((b.qkv, b.proj, b.up, b.down)): m.weight.copy_(uinit(tuple(m.weight.shape), m.in_features, 10 + i * 4 + j))
    def forward(s, i):
        x = s.tok(i) + s.pos.weight
        for b in s.blocks: x = b(x, s.mask)
        return s.head(s.lnf(x))

def trainer(model, opt_, make):
    st = {"n": 0, "loss": []}
    def run():
        x, y = make()
        loss = F.cross_entropy(model(x).view(-1, st.get("c", 10)), y)
        opt_.zero_grad(); loss.backward(); opt_.step()
        if len(st["loss"]) < 3: st["loss"].append(loss.item())
        else: loss.item()
    def check():
        while len(st["loss"]) < 3: run()
        return st["loss"][2]
    return st, dict(run=run, check=check)

def make(w):
    k = w["kind"]; g = torch.no_grad
    if k == "matmul":
        a, b = ft((w["m"], w["k"]), 1), ft((w["k"], w["n"]), 2); return with_check(lambda: a @ b)
    if k == "bmm":
        a, b = ft((w["b"], w["m"], w["k"]), 1), ft((w["b"], w["k"], w["n"]), 2); return with_check(lambda: torch.bmm(a, b))
    if k == "linear":
        a, b = ft((w["m"], w["k"]), 1), ft((w["n"], w["k"]), 2); return with_check(lambda: F.linear(a, b))
    if k == "conv2d":
        x = ft((w["N"], w["C"], w["H"], w["W"]), 1); f = ft((w["K"], w["C"] // w["groups"], w["R"], w["S"]), 2)
        o = dict(stride=w["stride"], padding=w["pad"], dilation=w.get("dilation", 1), groups=w["groups"])
        return with_check(lambda: F.conv2d(x, f, **o))
    if k == "ew":
        x, y = ft((w["n"],), 1), ft((w["n"],), 2)
        return with_check({"add": lambda: x + y, "relu": lambda: torch.relu(x), "exp": lambda: torch.exp(x), "tanh": lambda: torch.tanh(x), "sigmoid": lambda: torch.sigmoid(x), "gelu": lambda: gelu_tanh(x),
                           "chain": lambda: torch.relu(x * 2 + y), "sum": lambda: x.sum()}[w["op"]])
    if k in ("sumaxis", "softmax", "transpose", "argmax"):
        x = ft((w["rows"], w["cols"]), 1)
        return with_check({"sumaxis": lambda: x.sum(w.get("axis")), "softmax": lambda: torch.softmax(x, 1), "transpose": lambda: x.t().contiguous(), "argmax": lambda: x.argmax(1)}[k])
    if k == "layernorm":
        x = ft((w["rows"], w["cols"]), 1); ga, be = ft((w["cols"],), 2), ft((w["cols"],), 3)
        return with_check(lambda: F.layer_norm(x, (w["cols"],), ga, be))
    if k == "maxpool":
        x = ft((w["N"], w["C"], w["H"], w["W"]), 1); return with_check(lambda: F.max_pool2d(x, 2))
    if k == "embedding":
        t = ft((w["vocab"], w["dim"]), 1); i = torch.from_numpy(tokens(w["rows"], 2, w["vocab"])); return with_check(lambda: F.embedding(i, t))
    if k == "logsoftmax":
        x = ft((w["rows"], w["cols"]), 1); return with_check(lambda: torch.log_softmax(x, 1))
    if k == "xent_grad":
        x = ft((w["rows"], w["cols"]), 1, 4).requires_grad_(); y = torch.from_numpy(tokens(w["rows"], 2, w["cols"]))
        def run():
            x.grad = None
            F.cross_entropy(x, y).backward()
        return dict(run=run, check=lambda: mabs(x.grad))
    if k in ("batchnorm", "groupnorm"):
        x = ft((w["N"], w["C"], w["H"], w["W"]), 1); ga, be = ft((w["C"],), 2), ft((w["C"],), 3)
        return with_check({"batchnorm": lambda: F.batch_norm(x, None, None, ga, be, True), "groupnorm": lambda: F.group_norm(x, w["groups"], ga, be)}[k])
    if k == "dropout":
        x = torch.ones(w["n"]); box = {}
        def run(): box["y"] = F.dropout(x, 0.5)
        return dict(run=run, check=lambda: round(mabs(box["y"]), 1))
    if k == "gather":
        x = ft((w["rows"], w["cols"]), 1); i = torch.from_numpy(tokens(w["rows"] * w["cols"], 2, w["cols"])).reshape(w["rows"], -1)
        return with_check(lambda: x.gather(1, i))
    if k == "indexadd":
        x, y = torch.zeros(w["into"], w["cols"]), ft((w["rows"], w["cols"]), 1); i = torch.from_numpy(tokens(w["rows"], 2, w["into"]))
        return with_check(lambda: x.index_add(0, i, y))
    if k == "adam":
        p = ft((w["rows"], w["cols"]), 1).requires_grad_(); p.grad = ft((w["rows"], w["cols"]), 2); o = torch.optim.Adam([p], lr=w["lr"])
        return dict(run=lambda: o.step(), check=lambda: mabs(p))
    if k == "train_mlp":
        m = MLP(w["dims"]); o = torch.optim.Adam(m.parameters(), lr=w["lr"]); x = fill(w["batch"] * 784, 1).reshape(-1, 784); y = np.arange(w["batch"]) % 10
        return trainer(m, o, lambda: (torch.from_numpy(x), torch.from_numpy(y)))[1]
    if k == "train_cnn":
        m = CNN(); o = torch.optim.Adam(m.parameters(), lr=w["lr"]); x = fill(w["batch"] * 784, 1).reshape(-1, 1, 28, 28); y = np.arange(w["batch"]) % 10
        return trainer(m, o, lambda: (torch.from_numpy(x), torch.from_numpy(y)))[1]
    if k == "train_gpt":
        m = GPT(w); o = torch.optim.AdamW(m.parameters(), lr=w["lr"], weight_decay=w["wd"]); n = w["batch"] * w["ctx"]
        x, y = tokens(n, 5, w["vocab"]).reshape(w["batch"], -1), tokens(n, 6, w["vocab"])
        st, c = trainer(m, o, lambda: (torch.from_numpy(x), torch.from_numpy(y))); st["c"] = w["vocab"]; return c
    if k == "conv_grad":
        x, f = ft((w["N"], w["C"], w["H"], w["W"]), 1).requires_grad_(), ft((w["K"], w["C"], w["R"], w["S"]), 2).requires_grad_()
        def run():
            x.grad = f.grad = None
            F.conv2d(x, f, stride=w["stride"], padding=w["pad"]).sum().backward()
        return dict(run=run, check=lambda: mabs(f.grad))
    if k == "attention":
        q, k_, v = (ft((w["b"], w["h"], w["t"], w["d"]), i).requires_grad_() for i in (1, 2, 3))
        def run():
            q.grad = k_.grad = v.grad = None
            a = ((q @ k_.transpose(-1, -2)) * w["d"] ** -0.5).softmax(-1)
            ((a @ v) ** 2).sum().backward()
        return dict(run=run, check=lambda: mabs(q.grad))
    if k == "lstm":
        m = nn.LSTM(w["d"], w["d"], w["layers"]); x = ft((w["t"], w["b"], w["d"]), 1).requires_grad_()
        with torch.no_grad():
            for i, p in enumerate(m.parameters()): p.copy_(uinit(tuple(p.shape), w["d"], 50 + i))
        def run():
            x.grad = None; m.zero_grad(set_to_none=True)
            m(x)[0].sum().backward()
        return dict(run=run, check=lambda: mabs(x.grad))
    if k == "infer_mlp":
        m = MLP(w["dims"]).eval(); x = fill(784, 1).reshape(1, 784)
        def f():
            with torch.inference_mode(): return torch.from_numpy(m(torch.from_numpy(x)).numpy())
        return with_check(f)
    if k == "infer_cnn":
        m = CNN().eval(); x = fill(784, 1).reshape(1, 1, 28, 28)
        def f():
            with torch.inference_mode(): return torch.from_numpy(m(torch.from_numpy(x)).numpy())
        return with_check(f)
    if k == "op_add4":
        a, b = ft((4,), 1), ft((4,), 2)
        def run():
            for _ in range(w["loop"]): c = a + b
        return dict(run=run, check=lambda: mabs(a + b), per=w["loop"])
    if k == "op_scalar_chain":
        one, two = torch.tensor(0.999), torch.tensor(0.001); box = {}
        def run():
            x = torch.tensor(1.0)
            for _ in range(w["loop"] // 2): x = x * one + two
            box["y"] = x.item()
        return dict(run=run, check=lambda: box["y"], per=w["loop"])
    return None

def blas():
    """Name and version of the BLAS that is loaded."""
    if torch.backends.mkl.is_available(): return "MKL"
    try: paths = {line.split()[-1] for line in open("/proc/self/maps") if "blas" in line.lower()}
    except OSError: return "an unknown BLAS"
    for path in sorted(paths):
        try: config = ctypes.CDLL(path).openblas_get_config
        except (OSError, AttributeError): continue
        config.restype = ctypes.c_char_p
        return " ".join(config().decode().split()[:2])
    return ", ".join(os.path.basename(path) for path in sorted(paths)) or "an unknown BLAS"

def emit(o): print("@@" + json.dumps(o), flush=True)
emit(dict(library=f"PyTorch {torch.__version__.split('+')[0]} with {blas()}"))
for w in W:
    if opt["ids"] and w["id"] not in opt["ids"]: continue
    try:
        c = make(w)
        if c is None: emit(dict(id=w["id"], unsupported="no adapter")); continue
        pc = time.perf_counter
        t = pc(); c["run"](); first = (pc() - t) * 1e3
        check = c["check"](); per = c.get("per", 1); ms = []
        if first > opt["slow"]: ms.append(first / per)
        else:
            end = pc() + min(0.15, opt["budget"] / 2000); one = first; k = 0
            while True:
                t = pc(); c["run"](); one = (pc() - t) * 1e3; k += 1
                if pc() >= end or k >= 2000: break
            group = max(1, min(5000, int(-(-0.4 // max(one, 1e-5)))))
            end = pc() + opt["budget"] / 1e3
            while (len(ms) < opt["min"] or pc() < end) and len(ms) < opt["max"]:
                t = pc()
                for _ in range(group): c["run"]()
                ms.append((pc() - t) * 1e3 / group / per)
                if ms[0] * per > opt["slow"] / 4: break
        emit(dict(id=w["id"], ms=[float("%.5g" % x) for x in ms], check=check, first=round(first, 3)))
    except Exception as e:
        emit(dict(id=w["id"], unsupported=str(e)[:300]))
emit(dict(done="torch"))
