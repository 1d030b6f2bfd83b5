"""Writes printed.json: how PyTorch prints modules and names their state. Run: /usr/bin/python3 make_printed.py"""

import json
import os
import warnings

from torch import nn

warnings.simplefilter("ignore")

CASES = [
    ("Identity", []), ("Linear", [3, 4]), ("Linear", [3, 4, False]), ("Bilinear", [2, 3, 4]),
    ("Conv1d", [4, 6, 3]), ("Conv2d", [4, 6, 3, 2, 1, 2, 2, False, "reflect"]), ("Conv2d", [4, 6, [3, 5], 1, "same"]),
    ("Conv3d", [4, 6, 3, 1, [1, 0, 2]]),
    ("ConvTranspose1d", [4, 6, 3]), ("ConvTranspose2d", [4, 6, 3, 2, 1, 1, 2, False, 2]), ("ConvTranspose3d", [4, 6, 3]),
    ("MaxPool1d", [2]), ("MaxPool2d", [3, 2, 1]), ("MaxPool2d", [[3, 2]]), ("MaxPool3d", [2, None, 1, 1, False, True]),
    ("AvgPool1d", [3, 2]), ("AvgPool2d", [3]), ("AvgPool3d", [[3, 2, 1], 2, 1]),
    ("AdaptiveAvgPool1d", [5]), ("AdaptiveAvgPool2d", [[1, 1]]), ("AdaptiveAvgPool2d", [[None, 7]]), ("AdaptiveAvgPool3d", [5]),
    ("AdaptiveMaxPool1d", [5]), ("AdaptiveMaxPool2d", [5]), ("AdaptiveMaxPool3d", [5]),
    ("LPPool1d", [2, 3]), ("LPPool2d", [2, 3, 2]), ("MaxUnpool1d", [2]), ("MaxUnpool2d", [2, 3, 1]), ("MaxUnpool3d", [2]),
    ("BatchNorm1d", [5]), ("BatchNorm2d", [5, 0.001, None, False, False]), ("BatchNorm3d", [5]),
    ("InstanceNorm1d", [5]), ("InstanceNorm2d", [5, 1e-5, 0.1, True, True]), ("InstanceNorm3d", [5]),
    ("LayerNorm", [5]), ("LayerNorm", [[5, 6], 1e-6, False]), ("GroupNorm", [2, 4]), ("GroupNorm", [2, 4, 1e-3, False]),
    ("LocalResponseNorm", [3]), ("CrossMapLRN2d", [3]),
    ("Embedding", [5, 3]), ("Embedding", [5, 3, -1, 2]), ("EmbeddingBag", [5, 3]),
    ("Dropout", []), ("Dropout", [0.3, True]), ("Dropout1d", []), ("Dropout2d", []), ("Dropout3d", []),
    ("AlphaDropout", []), ("FeatureAlphaDropout", [0.1]),
    ("Flatten", []), ("Flatten", [0, 2]), ("Unflatten", [1, [2, 3]]),
    ("PixelShuffle", [2]), ("PixelUnshuffle", [2]), ("ChannelShuffle", [2]),
    ("Unfold", [2]), ("Fold", [[4, 5], 2, 1, 0, 2]),
    ("ReLU", []), ("ReLU", [True]), ("ReLU6", []), ("Sigmoid", []), ("Tanh", []), ("LogSigmoid", []), ("Softsign", []),
    ("Tanhshrink", []), ("SiLU", []), ("Mish", []), ("Hardsigmoid", []), ("Hardswish", []), ("SELU", []),
    ("LeakyReLU", []), ("LeakyReLU", [0.2, True]), ("ELU", []), ("CELU", []), ("GELU", []), ("GELU", [], {"approximate": "tanh"}),
    ("Softplus", []), ("Hardshrink", []), ("Softshrink", []), ("Hardtanh", []), ("RReLU", []), ("GLU", []),
    ("Threshold", [0.1, 20]), ("PReLU", []), ("PReLU", [3]), ("Softmax", [1]), ("Softmin", []), ("LogSoftmax", [-1]), ("Softmax2d", []),
    ("L1Loss", []), ("MSELoss", []), ("SmoothL1Loss", []), ("HuberLoss", []), ("CrossEntropyLoss", []), ("NLLLoss", []),
    ("BCELoss", []), ("BCEWithLogitsLoss", []), ("KLDivLoss", []), ("HingeEmbeddingLoss", []), ("MarginRankingLoss", []),
    ("CosineEmbeddingLoss", []), ("TripletMarginLoss", []), ("TripletMarginWithDistanceLoss", []), ("PoissonNLLLoss", []),
    ("GaussianNLLLoss", []), ("SoftMarginLoss", []), ("MultiMarginLoss", []), ("MultiLabelMarginLoss", []),
    ("MultiLabelSoftMarginLoss", []), ("CTCLoss", []),
    ("ZeroPad2d", [1]), ("ConstantPad1d", [2, 3.5]), ("ConstantPad2d", [[1, 2, 3, 4], 0]), ("ConstantPad3d", [1, 0.5]),
    ("ReflectionPad1d", [1]), ("ReflectionPad2d", [[1, 2, 3, 4]]), ("ReflectionPad3d", [1]),
    ("ReplicationPad1d", [1]), ("ReplicationPad2d", [1]), ("ReplicationPad3d", [1]),
    ("Upsample", [None, 2]), ("Upsample", [[3, 4]]), ("Upsample", [], {"scale_factor": [2, 1.5], "mode": "bilinear"}),
    ("UpsamplingNearest2d", [None, 2]), ("UpsamplingBilinear2d", [[3, 4]]),
    ("CosineSimilarity", []), ("PairwiseDistance", []),
    ("RNN", [3, 4]), ("RNN", [3, 4, 2], {"nonlinearity": "relu", "bidirectional": True}), ("LSTM", [3, 4, 2, False, True, 0.1]),
    ("LSTM", [3, 4], {"proj_size": 2, "bidirectional": True, "num_layers": 2}), ("GRU", [3, 4]),
    ("RNNCell", [3, 4]), ("RNNCell", [3, 4, False, "relu"]), ("LSTMCell", [3, 4]), ("GRUCell", [3, 4, False]),
    ("MultiheadAttention", [4, 2]), ("MultiheadAttention", [4, 2], {"kdim": 3, "vdim": 5, "add_bias_kv": True, "bias": False}),
    ("TransformerEncoderLayer", [4, 2]), ("TransformerDecoderLayer", [4, 2, 8]),
    ("LazyLinear", [3]), ("LazyConv2d", [3, 2]), ("LazyConvTranspose1d", [3, 2]), ("LazyBatchNorm2d", []), ("LazyInstanceNorm1d", []),
]


def tuples(value):
    return tuple(value) if isinstance(value, list) else value


rows = []
for name, args, *more in CASES:
    kwargs = more[0] if more else {}
    module = getattr(nn, name)(*map(tuples, args), **{key: tuples(value) for key, value in kwargs.items()})
    rows.append({"module": name, "args": args, "kwargs": kwargs, "printed": repr(module), "state": list(module.state_dict())})

with open(os.path.join(os.path.dirname(__file__), "printed.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
