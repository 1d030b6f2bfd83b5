"""Trains a small network in PyTorch, saves a checkpoint, goes on training, and writes down what happens.

    python3 make_checkpoint.py        writes checkpoint.pt and checkpoint.json beside it
"""

import json
from pathlib import Path

import torch
from torch import nn

here = Path(__file__).parent
torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(x + self.bn2(self.conv2(y)))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.blocks = nn.ModuleList([Block(8), Block(8)])
        self.lstm = nn.LSTM(8, 8, 2, batch_first=True, bidirectional=True)
        self.encoder = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True)
        self.head = nn.Sequential(nn.LayerNorm(16), nn.GELU(), nn.Linear(16, 5))

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        x, _ = self.lstm(x.flatten(2).transpose(1, 2))
        return self.head(self.encoder(x).mean(1))


net = Net()
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
x = torch.randn(4, 3, 6, 6)
y = torch.randint(0, 5, (4,))


def step():
    loss = nn.functional.cross_entropy(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


for _ in range(3):
    step()
torch.save({"model": net.state_dict(), "optimizer": optimizer.state_dict(), "x": x, "y": y}, here / "checkpoint.pt")
net.eval()
with torch.no_grad():
    output = net(x)
net.train()
losses = [step() for _ in range(5)]
(here / "checkpoint.json").write_text(json.dumps({"output": output.tolist(), "losses": losses}) + "\n")
