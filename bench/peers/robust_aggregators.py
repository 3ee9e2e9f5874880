"""Robust rules of ByzFL or ByzPy on the same shape of updates as `npm run bench -- aggregators`.

    pip install byzfl byzpy && python bench/peers/robust_aggregators.py byzfl|byzpy [THREADS] [ROUNDS]

Prints one line of JSON per rule: best and median milliseconds, and the processor milliseconds of the best.
"""

import json
import statistics
import sys
import time

import torch

UPDATES, SIZE, F = 50, 1_626_442, 10
library = sys.argv[1]
threads = int(sys.argv[2]) if len(sys.argv) > 2 else torch.get_num_threads()
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
torch.set_num_threads(threads)
torch.manual_seed(0)
updates = (torch.rand(UPDATES, SIZE) - 0.5) / 64


def byzfl_rules():
    import byzfl

    return {
        "median": byzfl.Median(),
        "trimmed mean": byzfl.TrMean(F),
        "Krum": byzfl.Krum(F),
        "geometric median, 8 passes": byzfl.GeometricMedian(nu=1e-6, T=8),
        "NNM + trimmed mean": lambda vectors: byzfl.TrMean(F)(byzfl.NNM(F)(vectors)),
        "centred clipping": byzfl.CenteredClipping(L=1, tau=1.0),
        "MeaMed": byzfl.Meamed(F),
    }


def byzpy_rules():
    from byzpy.aggregators.coordinate_wise.mean_of_medians import MeanOfMedians
    from byzpy.aggregators.coordinate_wise.median import CoordinateWiseMedian
    from byzpy.aggregators.coordinate_wise.trimmed_mean import CoordinateWiseTrimmedMean
    from byzpy.aggregators.geometric_wise.geometric_median import GeometricMedian
    from byzpy.aggregators.geometric_wise.krum import Krum
    from byzpy.aggregators.norm_wise.center_clipping import CenteredClipping
    from byzpy.pre_aggregators.nnm import NearestNeighborMixing

    def of(rule):
        return lambda vectors: rule.aggregate(list(vectors))

    trimmed, mixing = CoordinateWiseTrimmedMean(f=F), NearestNeighborMixing(f=F)
    return {
        "median": of(CoordinateWiseMedian()),
        "trimmed mean": of(trimmed),
        "Krum": of(Krum(f=F)),
        "geometric median, 8 passes": of(GeometricMedian(tol=1e-30, max_iter=8, init="mean")),
        "NNM + trimmed mean": lambda vectors: trimmed.aggregate(mixing.pre_aggregate(list(vectors))),
        "centred clipping": of(CenteredClipping(c_tau=1.0, M=1)),
        "MeaMed": of(MeanOfMedians(f=F)),
    }


for label, rule in {"byzfl": byzfl_rules, "byzpy": byzpy_rules}[library]().items():
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
                "library": library,
                "rule": label,
                "threads": threads,
                "ms best": round(min(wall)),
                "ms median": round(statistics.median(wall)),
                "cpu ms best": round(min(cpu)),
            }
        ),
        flush=True,
    )
