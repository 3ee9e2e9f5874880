"""Torch side of `npm run bench -- engine`: the same training steps on one thread.

Reads one request a line from standard input, `case steps`, and answers with one JSON line holding the milliseconds of
processor time per step. Parameters, data and optimizer live as long as the process, so only the first request of a case warms up.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
torch.set_num_interop_threads(1)
torch.manual_seed(0)


class VitBlock(nn.Module):
    """Pre-norm transformer block, d = 192, 3 heads, MLP ratio 4."""

    def __init__(self, width=192, heads=3):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        qkv = self.qkv(self.norm1(x)).view(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


def mlp():
    return nn.Sequential(nn.Linear(784, 200), nn.ReLU(), nn.Linear(200, 10)), (784,), 50


def cnn():
    layers = [nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    layers += [nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 10)]
    return nn.Sequential(*layers), (1, 28, 28), 50


def w1():
    layers = [nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25)]
    layers += [nn.Flatten(), nn.Linear(12544, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)]
    return nn.Sequential(*layers), (3, 32, 32), 10


def vit():
    return VitBlock(), (65, 192), 32


class Case:
    """A model with its data; `steps` runs forward, backward and SGD that often."""

    def __init__(self, build):
        self.model, shape, self.batch = build()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3)
        rows = 5 * self.batch
        self.x = torch.rand(rows, *shape)
        self.labels = torch.randint(0, 10, (rows,))

    def steps(self, count):
        for step in range(count):
            start = step % 5 * self.batch
            index = torch.arange(start, start + self.batch)
            x = self.x[index]
            y = self.model(x)
            loss = (y - x).square().mean() if y.dim() == 3 else F.cross_entropy(y, self.labels[index])
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()


def matmul(count):
    a = torch.rand(1024, 1024)
    best = float("inf")
    for _ in range(count):
        start = time.process_time()
        a @ a
        best = min(best, time.process_time() - start)
    return best * 1e3


def main():
    builders = {"mlp": mlp, "cnn": cnn, "vit": vit, "w1": w1}
    cases = {}
    print(json.dumps({"version": torch.__version__}), flush=True)
    for line in sys.stdin:
        name, steps = line.split()
        if name == "matmul":
            milliseconds = matmul(int(steps))
        else:
            if name not in cases:
                cases[name] = Case(builders[name])
                cases[name].steps(3)
            start = time.process_time()
            cases[name].steps(int(steps))
            milliseconds = (time.process_time() - start) * 1e3 / int(steps)
        print(json.dumps({"case": name, "milliseconds": milliseconds}), flush=True)


if __name__ == "__main__":
    main()
