"""Torch and PEFT side of `npm run bench -- lora`: the same training steps on one thread.

Reads one request a line from standard input, `model.kind steps`, and answers with one JSON line holding the milliseconds of
processor time per step. Kinds: `floor` trains the bias nearest to the input alone, `lora` adapters of rank 8 on all weights.
"""

import json
import sys
import time

import peft
import torch
import torch.nn.functional as F
from torch import nn
from torch_engine import VitBlock

RANK = 8
BATCH = 50


class Patches(nn.Module):
    """[N, 1, 28, 28] as 16 patches of 7 x 7 with learned positions, [N, 16, width]."""

    def __init__(self, width):
        super().__init__()
        self.dense = nn.Linear(49, width)
        self.positions = nn.Parameter(torch.zeros(16, width))

    def forward(self, x):
        cells = x.view(-1, 4, 7, 4, 7).transpose(2, 3).reshape(-1, 16, 49)
        return self.dense(cells) + self.positions


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(dim=1)


def vit(width=192, depth=4, heads=3):
    blocks = [VitBlock(width, heads) for _ in range(depth)]
    return nn.Sequential(Patches(width), *blocks, nn.LayerNorm(width), Mean(), nn.Linear(width, 10)), "0.dense.bias"


def mlp():
    layers = [nn.Flatten()]
    for inputs in (784, 512, 512):
        layers += [nn.Linear(inputs, 512), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(512, 10)), "1.bias"


def lenet5():
    layers = [nn.Conv2d(1, 64, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(64, 64, 5), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(1024, 384), nn.ReLU(), nn.Linear(384, 192), nn.ReLU(), nn.Linear(192, 10)]
    return nn.Sequential(*layers), "0.bias"


BUILDERS = {"vit": vit, "mlp": mlp, "lenet5": lenet5}


class Case:
    """A model with its data; `steps` runs forward, backward and SGD that often."""

    def __init__(self, name, kind):
        self.model, first = BUILDERS[name]()
        if kind == "lora":
            weights = [n for n, m in self.model.named_modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
            self.model = peft.get_peft_model(
                self.model, peft.LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=weights)
            )
        else:
            for parameter_name, parameter in self.model.named_parameters():
                parameter.requires_grad = parameter_name == first
        trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(trained, lr=1e-3)
        self.x = torch.rand(5 * BATCH, 1, 28, 28)
        self.labels = torch.randint(0, 10, (5 * BATCH,))

    def steps(self, count):
        for step in range(count):
            start = step % 5 * BATCH
            index = torch.arange(start, start + BATCH)
            loss = F.cross_entropy(self.model(self.x[index]), self.labels[index])
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()


def main():
    cases = {}
    print(json.dumps({"version": f"{torch.__version__}, peft {peft.__version__}"}), flush=True)
    for line in sys.stdin:
        name, steps = line.split()
        if name not in cases:
            cases[name] = Case(*name.split("."))
            cases[name].steps(3)
        start = time.process_time()
        cases[name].steps(int(steps))
        milliseconds = (time.process_time() - start) * 1e3 / int(steps)
        print(json.dumps({"case": name, "milliseconds": milliseconds}), flush=True)


if __name__ == "__main__":
    main()
