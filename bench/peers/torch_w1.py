"""Torch side of `npm run bench -- w1`: the hand-written loop over a cohort of 50 clients, two threads, one process.

Reads one request a line from standard input, `w1 rounds`, and answers with one JSON line holding the milliseconds per
round; `w1-cpu rounds` asks for processor time on one thread, which other processes hardly change. A round: for each client load the global state, one epoch of 5 SGD steps of 10 images, add the state to the sum;
then the unweighted mean becomes the global state.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)

CLIENTS, IMAGES, COHORT, BATCH = 1000, 50, 50, 10


def build():
    layers = [nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25)]
    layers += [nn.Flatten(), nn.Linear(12544, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)]
    return nn.Sequential(*layers)


def train(model, x, labels):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    order = torch.randperm(IMAGES)
    for start in range(0, IMAGES, BATCH):
        rows = order[start : start + BATCH]
        loss = F.cross_entropy(model(x[rows]), labels[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def one_round(model, state, data, labels):
    total = None
    for client in torch.randperm(CLIENTS)[:COHORT]:
        model.load_state_dict(state)
        train(model, data[client], labels[client])
        with torch.no_grad():
            local = model.state_dict()
            if total is None:
                total = {name: value.clone() for name, value in local.items()}
            else:
                for name, value in local.items():
                    total[name] += value
    return {name: value / COHORT for name, value in total.items()}


def main():
    model = build()
    model.train()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    data = torch.rand(CLIENTS, IMAGES, 3, 32, 32) * 2 - 1
    labels = torch.randint(0, 10, (CLIENTS, IMAGES))
    print(json.dumps({"version": torch.__version__}), flush=True)
    warm = False
    for line in sys.stdin:
        name, rounds = line.split()
        torch.set_num_threads(1 if name == "w1-cpu" else 2)
        clock = time.process_time if name == "w1-cpu" else time.perf_counter
        if not warm:
            one_round(model, state, data, labels)
            warm = True
        start = clock()
        for _ in range(int(rounds)):
            state = one_round(model, state, data, labels)
        milliseconds = (clock() - start) * 1e3 / int(rounds)
        print(json.dumps({"milliseconds": milliseconds}), flush=True)


if __name__ == "__main__":
    main()
