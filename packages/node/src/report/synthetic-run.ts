import type { RunTexts } from "./run-data.ts";

/** What a synthetic run looks like; for tests of reports and for looking at a report without training. */
export interface SyntheticOptions {
  readonly name?: string;
  readonly algorithm?: string;
  readonly rounds?: number;
  readonly clients?: number;
  readonly classes?: number;
  /** Accuracy that the curve tends to. */
  readonly plateau?: number;
  /** Upload of one client in bytes. */
  readonly updateBytes?: number;
  readonly seed?: number;
}

const BROADCAST_BYTES = 2_327_000;
const SECONDS_A_ROUND = 1.4;

const DEFAULTS: Required<SyntheticOptions> = {
  name: "quickstart",
  algorithm: "fedavg",
  rounds: 30,
  clients: 100,
  classes: 10,
  plateau: 0.84,
  updateBytes: BROADCAST_BYTES,
  seed: 1,
};

type Emit = (type: string, second: number, fields: object) => void;

/** The texts of a run folder as a run would write them, from smooth curves with seeded noise. No training happens. */
export function syntheticRun(options: SyntheticOptions = {}): Required<RunTexts> {
  const run = { ...DEFAULTS, ...options };
  const { name, algorithm, rounds, clients, classes, seed } = run;
  const random = lehmer(seed * 7919 + 17);
  const lines: object[] = [];
  emitRun(run, random, (type, second, fields) => {
    lines.push({ v: 1, type, at: new Date(Date.UTC(2026, 0, 2) + second * 1000).toISOString(), ...fields });
  });
  return {
    id: name,
    events: `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`,
    metrics: "",
    classMetrics: "",
    environment: "",
    partition: JSON.stringify(syntheticPartition(clients, classes, random)),
    config: `name = "${name}"\nseed = ${seed}\nrounds = ${rounds}\n\n[algorithm]\nname = "${algorithm}"\nlearningRate = 0.05\n\n[data]\nname = "fashion-mnist-10k"\nclients = ${clients}\n`,
  };
}

function emitRun(run: Required<SyntheticOptions>, random: () => number, emit: Emit): void {
  const { name, algorithm, rounds, clients, seed, updateBytes } = run;
  const cohort = cohortOf(run);
  const id = `20260102-00000${seed}-${name}`;
  const executor = { name: "onnxruntime-node", version: "1.30.0", fingerprint: "9f2c51d07be3a846" };
  const [model, dataset, parameters] = ["cnn28", "fashion-mnist-10k", 582026];
  const names = { run: id, name, algorithm, model, dataset, parameters };
  emit("run.started", 0, { ...names, clients, cohort, rounds, executor, workers: 2, seed });
  const bias = Array.from({ length: clients }, () => (random() - 0.62) * 0.35);
  let best = { round: 0, accuracy: 0 };
  let last = { loss: 0, accuracy: 0 };
  for (let round = 1; round <= rounds; round++) {
    const second = round * SECONDS_A_ROUND;
    last = emitRound(run, round, random, emit);
    if (last.accuracy > best.accuracy) best = { round, accuracy: last.accuracy };
    emit("evaluation", second - 0.1, { round, split: "test", ...last, examples: 2000, seconds: 0.1 });
    if (round % 5 === 0 || round === rounds) emit("client.evaluation", second, perClient(round, last.accuracy, bias));
  }
  const seconds = rounds * SECONDS_A_ROUND;
  emit("checkpoint.saved", seconds, { round: rounds, file: `checkpoints/round-${rounds}.ckpt`, bytes: 4_660_000 });
  emit("run.finished", seconds, {
    rounds,
    seconds,
    ...last,
    bestRound: best.round,
    bestAccuracy: best.accuracy,
    bytesDown: rounds * cohort * BROADCAST_BYTES,
    bytesUp: rounds * cohort * updateBytes,
    modelHash: "3b1f7c9ad24e58f06a7d",
  });
}

/** The events of one round up to round.finished; gives the test metrics of its model. In round 7 a client fails. */
function emitRound(run: Required<SyntheticOptions>, round: number, random: () => number, emit: Emit) {
  const cohort = cohortOf(run);
  const second = round * SECONDS_A_ROUND;
  const members = Array.from({ length: cohort }, () => Math.floor(random() * run.clients));
  emit("round.started", second - SECONDS_A_ROUND, { round, cohort: members, learningRate: 0.05 });
  if (round === 7) {
    const failure = { code: "client/not-finite", message: "Update holds NaN in 3 of 582026 coordinates" };
    emit("client.failed", second - 0.6, { round, client: members[0], ...failure, retried: false });
  }
  const progress = 1 - Math.exp((-4 * round) / Math.max(30, run.rounds));
  const accuracy = Math.min(1, Math.max(0.1, 0.1 + (run.plateau - 0.08) * progress + (random() - 0.5) * 0.06));
  const loss = 2.3 - 1.75 * progress + (random() - 0.5) * 0.1;
  const train = 0.9 + random() * 0.3;
  emit("round.finished", second - 0.2, {
    round,
    loss: loss * 0.8,
    clients: cohort,
    examples: cohort * 80,
    bytesDown: cohort * BROADCAST_BYTES,
    bytesUp: cohort * run.updateBytes,
    seconds: train + 0.16,
    trainSeconds: train,
    aggregateSeconds: 0.05 + random() * 0.02,
    clientsPerSecond: cohort / train,
    clientLossMin: loss * 0.3,
    clientLossMax: loss * (1.3 + random() * 0.4),
    updateNorm: 3 / Math.sqrt(round),
  });
  return { loss, accuracy };
}

function cohortOf(run: Required<SyntheticOptions>): number {
  return Math.min(10, run.clients);
}

function perClient(round: number, accuracy: number, bias: readonly number[]) {
  const accuracies = bias.map((value) => Math.round(Math.min(1, Math.max(0, accuracy + value)) * 20) / 20);
  const sorted = [...accuracies].sort((a, b) => a - b);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const worstDecile = mean(sorted.slice(0, Math.max(1, Math.floor(sorted.length / 10))));
  const clients = bias.map((_, client) => client);
  return { round, mean: mean(accuracies), worstDecile, best: sorted.at(-1), accuracies, clients };
}

/** Skewed shares: powers of uniform numbers look much like a Dirichlet draw at a small alpha. */
function syntheticPartition(clients: number, classes: number, random: () => number) {
  const counts = Array.from({ length: clients }, () => {
    const shares = Array.from({ length: classes }, () => random() ** 12);
    const total = shares.reduce((sum, share) => sum + share, 0);
    return shares.map((share) => Math.round((80 * share) / total));
  });
  return { scheme: "dirichlet (alpha 0.1)", clients, classes, counts, statistics: {} };
}

/** Lehmer's generator, integers only: fixtures must not change with the machine. */
function lehmer(seed: number): () => number {
  let state = (seed % 2147483646) + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
