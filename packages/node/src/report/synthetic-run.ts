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

/** The texts of a run folder as a run would write them, from smooth curves with seeded noise. No training happens. */
export function syntheticRun(options: SyntheticOptions = {}): Required<RunTexts> {
  const { name = "quickstart", algorithm = "fedavg", rounds = 30, clients = 100, classes = 10, seed = 1 } = options;
  const { plateau = 0.84, updateBytes = 2_327_000 } = options;
  const random = lehmer(seed * 7919 + 17);
  const cohort = Math.min(10, clients);
  const lines: object[] = [];
  const emit = (type: string, second: number, fields: object) =>
    lines.push({ v: 1, type, at: new Date(Date.UTC(2026, 0, 2) + second * 1000).toISOString(), ...fields });
  const executor = { name: "onnxruntime-node", version: "1.30.0", fingerprint: "9f2c51d07be3a846" };
  emit("run.started", 0, {
    ...{
      run: `20260102-00000${seed}-${name}`,
      name,
      algorithm,
      model: "cnn28",
      dataset: "fashion-mnist-10k",
      parameters: 582026,
    },
    ...{ clients, cohort, rounds, executor, workers: 2, seed },
  });
  const bias = Array.from({ length: clients }, () => (random() - 0.62) * 0.35);
  let best = { round: 0, accuracy: 0 };
  let last = { loss: 0, accuracy: 0 };
  for (let round = 1; round <= rounds; round++) {
    const second = round * 1.4;
    const members = Array.from({ length: cohort }, () => Math.floor(random() * clients));
    emit("round.started", second - 1.4, { round, cohort: members, learningRate: 0.05 });
    if (round === 7) {
      const message = "Update holds NaN in 3 of 582026 coordinates";
      emit("client.failed", second - 0.6, {
        round,
        client: members[0],
        code: "client/not-finite",
        message,
        retried: false,
      });
    }
    const progress = 1 - Math.exp((-4 * round) / Math.max(30, rounds));
    const accuracy = Math.min(1, Math.max(0.1, 0.1 + (plateau - 0.08) * progress + (random() - 0.5) * 0.06));
    const loss = 2.3 - 1.75 * progress + (random() - 0.5) * 0.1;
    const train = 0.9 + random() * 0.3;
    emit("round.finished", second - 0.2, {
      ...{
        round,
        loss: loss * 0.8,
        clients: cohort,
        examples: cohort * 80,
        bytesDown: cohort * 2_327_000,
        bytesUp: cohort * updateBytes,
      },
      ...{
        seconds: train + 0.16,
        trainSeconds: train,
        aggregateSeconds: 0.05 + random() * 0.02,
        clientsPerSecond: cohort / train,
      },
      ...{ clientLossMin: loss * 0.3, clientLossMax: loss * (1.3 + random() * 0.4), updateNorm: 3 / Math.sqrt(round) },
    });
    last = { loss, accuracy };
    if (accuracy > best.accuracy) best = { round, accuracy };
    emit("evaluation", second - 0.1, { round, split: "test", ...last, examples: 2000, seconds: 0.1 });
    if (round % 5 === 0 || round === rounds) emit("client.evaluation", second, perClient(round, accuracy, bias));
  }
  emit("checkpoint.saved", rounds * 1.4, { round: rounds, file: `checkpoints/round-${rounds}.ckpt`, bytes: 4_660_000 });
  emit("run.finished", rounds * 1.4, {
    ...{ rounds, seconds: rounds * 1.4, ...last, bestRound: best.round, bestAccuracy: best.accuracy },
    ...{
      bytesDown: rounds * cohort * 2_327_000,
      bytesUp: rounds * cohort * updateBytes,
      modelHash: "3b1f7c9ad24e58f06a7d",
    },
  });
  return {
    id: name,
    events: `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`,
    metrics: "",
    partition: JSON.stringify(syntheticPartition(clients, classes, random)),
    config: `name = "${name}"\nseed = ${seed}\nrounds = ${rounds}\n\n[algorithm]\nname = "${algorithm}"\nlearningRate = 0.05\n\n[data]\nname = "fashion-mnist-10k"\nclients = ${clients}\n`,
  };
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
