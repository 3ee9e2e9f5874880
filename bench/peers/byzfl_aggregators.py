"""Robust rules of ByzFL on the same shape of updates as `npm run bench -- aggregators`.

    pip install byzfl && python bench/peers/byzfl_aggregators.py [THREADS] [ROUNDS]

Prints one line of JSON per rule: best and median milliseconds, and the processor milliseconds of the best.
"""

import json
import statistics
import sys
import time

import byzfl
import torch

UPDATES, SIZE, F = 50, 1_626_442, 10
threads = int(sys.argv[1]) if len(sys.argv) > 1 else torch.get_num_threads()
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
torch.set_num_threads(threads)
torch.manual_seed(0)
updates = (torch.rand(UPDATES, SIZE) - 0.5) / 64


def mixed(vectors):
    return byzfl.TrMean(F)(byzfl.NNM(F)(vectors))


RULES = {
    "median": byzfl.Median(),
    "trimmed mean": byzfl.TrMean(F),
    "Krum": byzfl.Krum(F),
    "geometric median, 8 passes": byzfl.GeometricMedian(nu=1e-6, T=8),
    "NNM + trimmed mean": mixed,
    "centred clipping": byzfl.CenteredClipping(L=1, tau=1.0),
    "MeaMed": byzfl.Meamed(F),
}

for label, rule in RULES.items():
    wall, cpu = [], []
    for turn in range(rounds + 1):
        start, used = time.perf_counter(), time.process_time()
        rule(updates)
        if turn > 0:  # the first warms up
            wall.append((time.perf_counter() - start) * 1e3)
            cpu.append((time.process_time() - used) * 1e3)
    print(
        json.dumps(
            {
                "rule": label,
                "threads": threads,
                "ms best": round(min(wall)),
                "ms median": round(statistics.median(wall)),
                "cpu ms best": round(min(cpu)),
            }
        ),
        flush=True,
    )
