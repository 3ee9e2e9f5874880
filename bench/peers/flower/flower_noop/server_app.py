"""FedAvg without evaluation; writes the time of each new model to a file, one per line."""

import time

import numpy as np
from flwr.app import ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()


class TimedFedAvg(FedAvg):
    """FedAvg that reports when each round is over."""

    def __init__(self, path: str, **options):
        super().__init__(**options)
        self.path = path

    def aggregate_train(self, server_round, replies):
        aggregated = super().aggregate_train(server_round, replies)
        with open(self.path, "a", encoding="utf8") as times:
            times.write(f"{time.time()}\n")
        return aggregated


@app.main()
def main(grid: Grid, context: Context) -> None:
    config = context.run_config
    clients = int(config["clients"])
    strategy = TimedFedAvg(
        str(config["times"]),
        fraction_evaluate=0.0,
        min_train_nodes=clients,
        min_available_nodes=clients,
    )
    model = [np.zeros(int(config["parameters"]), dtype=np.float32)]
    strategy.start(grid=grid, initial_arrays=ArrayRecord(model), num_rounds=int(config["rounds"]))
