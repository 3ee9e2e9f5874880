/**
 * Collaborative fairness of RFFL: the Pearson correlation, over clients, of the accuracy of models that they train alone and
 * of the models that the federation gives them. Ten clients with the same distribution and unequal amounts of data, all
 * models on the same test set. `node experiments/robustness/collaborative-fairness.ts` prints it by seed and setting.
 */
import type { ConfigInput } from "@anabranch/core";
import { simulate } from "@anabranch/node";

const SEEDS = [1, 2, 3];
const ROUNDS = 30;
const THRESHOLDS = [0.33, 0.67];

function base(seed: number): ConfigInput {
  return {
    seed,
    rounds: ROUNDS,
    data: { dataset: "fashion-mnist-10k", clients: 10, partition: { scheme: "quantity-skew", alpha: 1 } },
    model: { name: "mlp", hidden: [32] },
    training: { localEpochs: 1, batchSize: 20, learningRate: 0.05 },
    sampler: { name: "full", cohort: 10 },
    evaluation: { every: ROUNDS },
  };
}

/** Test accuracy of each client's own model after the last round. */
async function accuracies(config: ConfigInput): Promise<readonly number[]> {
  let found: readonly number[] = [];
  await simulate(config, {
    workers: 0,
    onEvent(event) {
      if (event.type === "node.evaluation") found = event.accuracies.map((accuracy) => accuracy ?? 0);
    },
  });
  return found;
}

function pearson(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((x, y) => x + y, 0) / values.length;
  const [ma, mb] = [mean(a), mean(b)];
  const sum = (f: (i: number) => number) => a.reduce((total, _, i) => total + f(i), 0);
  const spread = Math.sqrt(sum((i) => (a[i]! - ma) ** 2) * sum((i) => (b[i]! - mb) ** 2));
  return sum((i) => (a[i]! - ma) * (b[i]! - mb)) / spread;
}

const percent = (values: readonly number[]) =>
  `${(100 * Math.min(...values)).toFixed(1)} to ${(100 * Math.max(...values)).toFixed(1)} %`;

console.log("seed  method                    Pearson   accuracies");
for (const seed of SEEDS) {
  // nodes that never ask each other train alone
  const alone = await accuracies({
    ...base(seed),
    algorithm: { name: "dfedavg" },
    topology: { name: "random-pairs", probability: 0, evaluateEvery: ROUNDS },
  });
  console.log(`${seed}     alone                           –   ${percent(alone)}`);
  for (const threshold of THRESHOLDS) {
    const given = await accuracies({ ...base(seed), algorithm: { name: "rffl", threshold } });
    const name = `RFFL, threshold ${threshold}`.padEnd(24);
    console.log(`${seed}     ${name}  ${pearson(alone, given).toFixed(2).padStart(7)}   ${percent(given)}`);
  }
}
