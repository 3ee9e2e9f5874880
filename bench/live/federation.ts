/** Configurations of the live benches: FedAvg on computed data, a model of a given size, no evaluation. */
export interface FederationSize {
  readonly clients: number;
  readonly cohort: number;
  readonly rounds: number;
  /** Megabytes of the model as float32; undefined: 784-10 logistic regression of 31 kB. */
  readonly megabytes?: number | undefined;
}

/** As `serve` takes it: dotted keys. */
export function federation({ clients, cohort, rounds, megabytes }: FederationSize): Record<string, unknown> {
  return {
    rounds,
    "data.dataset": "synthetic",
    "data.clients": clients,
    ...(megabytes === undefined ? { "model.name": "logistic" } : mlp(megabytes)),
    "algorithm.name": "fedavg",
    "training.localSteps": 1,
    "training.batchSize": 1,
    "sampler.cohort": cohort,
  };
}

/** 784-h-h-10: 794 h + h^2 weights and 2 h + 10 biases. */
function mlp(megabytes: number): Record<string, unknown> {
  const hidden = Math.round((-796 + Math.sqrt(796 ** 2 + 4 * parametersOf(megabytes))) / 2);
  return { "model.name": "mlp", "model.hidden": [hidden, hidden] };
}

/** Parameters of the model, nearly where megabytes are given. */
export function parametersOf(megabytes: number | undefined): number {
  return megabytes === undefined ? 7850 : (megabytes * 1e6) / 4;
}
