"""Writes values.json: values by PyTorch for what the conformance fixtures leave out. Run: /usr/bin/python3 make_values.py"""

import json
import os
import warnings

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, rnn

warnings.simplefilter("ignore")
torch.set_default_dtype(torch.float64)
out = {}


def wave(*shape, phase=0.0):
    count = torch.Size(shape).numel()
    return (torch.arange(count, dtype=torch.float64) * 0.7 + phase).sin().reshape(shape)


def fill(module):
    with torch.no_grad():
        for i, parameter in enumerate(module.parameters()):
            parameter.copy_(wave(*parameter.shape, phase=i) * 0.5)
    return module


def flat(x):
    return [round(v, 9) for v in x.detach().flatten().tolist()]


# Packed sequences, not sorted, through two layers in both directions.
for name in ("RNN", "LSTM", "GRU"):
    net = fill(getattr(nn, name)(2, 3, 2, bidirectional=True))
    x = wave(4, 3, 2, phase=0.3).requires_grad_()
    packed = rnn.pack_padded_sequence(x, torch.tensor([2, 4, 1]), enforce_sorted=False)
    y, state = net(packed)
    padded, lengths = rnn.pad_packed_sequence(y, padding_value=-1.0, total_length=5)
    h = state[0] if name == "LSTM" else state
    (padded.sum() + h.square().sum()).backward()
    out[f"packed {name}"] = {
        "data": flat(packed.data), "batchSizes": packed.batch_sizes.tolist(), "sorted": packed.sorted_indices.tolist(),
        "unsorted": packed.unsorted_indices.tolist(), "padded": flat(padded), "lengths": lengths.tolist(), "h": flat(h),
        "c": flat(state[1]) if name == "LSTM" else [], "grad": flat(x.grad), "weightGrad": flat(net.weight_hh_l1_reverse.grad),
    }

# Smooth shrinking and growing.
image = wave(1, 1, 5, 7)
for mode in ("bilinear", "bicubic"):
    for size in ((2, 3), (8, 9)):
        out[f"antialias {mode} {size[0]}x{size[1]}"] = flat(F.interpolate(image, size=size, mode=mode, antialias=True))

# Sampling outside of the image.
grid = (wave(1, 3, 4, 2, phase=1.0) * 1.9).requires_grad_()
for mode in ("bilinear", "nearest", "bicubic"):
    for padding in ("zeros", "border", "reflection"):
        for align in (False, True):
            picture = wave(1, 2, 4, 3).requires_grad_()
            places = grid.detach().clone().requires_grad_()
            y = F.grid_sample(picture, places, mode=mode, padding_mode=padding, align_corners=align)
            (y * wave(*y.shape, phase=2.0)).sum().backward()
            out[f"grid {mode} {padding} {align}"] = {"y": flat(y), "image": flat(picture.grad), "grid": flat(places.grad)}
volume = wave(1, 1, 2, 3, 2)
out["grid volume"] = flat(F.grid_sample(volume, wave(1, 2, 2, 2, 3, phase=0.2), align_corners=False))

# Normalized weights.
for label, apply in (("old", nn.utils.weight_norm), ("new", getattr(parametrizations, "weight_norm", None))):
    if apply is None:
        continue
    layer = apply(fill(nn.Conv1d(2, 3, 2)))
    y = layer(wave(1, 2, 4))
    y.square().sum().backward()
    out[f"weightNorm {label}"] = {"state": list(layer.state_dict()), "y": flat(y), "g": flat(layer.weight_g.grad), "v": flat(layer.weight_v.grad)}
layer = nn.utils.spectral_norm(fill(nn.Linear(3, 4)))
with torch.no_grad():
    layer.weight_u.copy_(F.normalize(wave(4, phase=1.0), dim=0))
    layer.weight_v.copy_(F.normalize(wave(3, phase=2.0), dim=0))
y = layer(wave(2, 3))
y.square().sum().backward()
out["spectralNorm old"] = {
    "state": list(layer.state_dict()), "y": flat(y), "grad": flat(layer.weight_orig.grad), "u": flat(layer.weight_u), "v": flat(layer.weight_v),
}
layer = parametrizations.spectral_norm(fill(nn.Linear(3, 4)))
out["spectralNorm new"] = {"state": list(layer.state_dict()), "printed": repr(layer)}

# A running mean without momentum, over two batches.
norm = nn.BatchNorm1d(2, momentum=None)
for phase in (0.0, 1.0):
    norm(wave(3, 2, phase=phase))
out["batchNorm average"] = {"mean": flat(norm.running_mean), "var": flat(norm.running_var)}

net = nn.Transformer(4, 2, 1, 1, 6, dropout=0.0)
fill(net)
mask = nn.Transformer.generate_square_subsequent_mask(3)
out["transformer causal"] = flat(net(wave(2, 1, 4), wave(3, 1, 4, phase=1.0), tgt_mask=mask))

layer = fill(nn.AdaptiveLogSoftmaxWithLoss(6, 7, [2, 4], div_value=2.0, head_bias=True))
x = wave(4, 6).requires_grad_()
y, loss = layer(x, torch.tensor([0, 3, 6, 1]))
loss.backward()
out["adaptive softmax"] = {
    "state": list(layer.state_dict()), "y": flat(y), "loss": flat(loss), "grad": flat(x.grad), "logProb": flat(layer.log_prob(x)),
    "predict": layer.predict(x).tolist(),
}

bound = torch.zeros(4, 3, 3)
out["dirac groups"] = flat(nn.init.dirac_(bound, 2))

a = torch.tensor([[0.0, 0.0], [3.0, 4.0]]).requires_grad_()
b = torch.tensor([[1.0, 2.0], [4.0, 3.0]]).requires_grad_()
y = F.cosine_similarity(a, b)
y.sum().backward()
out["cosine zero"] = {"y": flat(y), "a": flat(a.grad), "b": flat(b.grad)}

with open(os.path.join(os.path.dirname(__file__), "values.json"), "w") as file:
    file.write("{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in out.items()) + "\n}\n")
