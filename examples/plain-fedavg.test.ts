import { deriveKey, planBatches, resolveConfig, rootKey, uniformSampler } from "@anabranch/core";
import { openSimulation, simulate } from "@anabranch/node";
import { expect, it } from "vitest";
import { plainFedAvg } from "./plain-fedavg.ts";

const config = resolveConfig({
  seed: 5,
  rounds: 3,
  data: { file: "examples/fixtures/tiny-images.ts", clients: 7, partition: { scheme: "quantity-skew", alpha: 1 } },
  model: { name: "logistic" },
  training: { localEpochs: 2, batchSize: 8, learningRate: 0.3 },
  sampler: { cohort: 3 },
  execution: { executor: "interpreter" },
});

it("the plain loops give the model of the real FedAvg, in float64", async () => {
  const real = await simulate(config, { workers: 0 });

  const { federation, plan, close } = await openSimulation(config, "test", { workers: 0 });
  await close();
  const dataset = federation.dataset!;
  const { features, labels, classes } = dataset.train;
  const inputs = features.shape.slice(1).reduce((a, b) => a * b, 1);
  const image = (row: number) =>
    Array.from(features.data.subarray(row * inputs, (row + 1) * inputs), (v) => (v / 255 - 0.5) / 0.5);
  const clients = dataset.partition.clients.map((rows) => ({
    features: Array.from(rows, image),
    labels: Array.from(rows, (row) => labels.data[row]!),
  }));
  const sampler = uniformSampler(7, 3);
  const root = rootKey(config.seed);
  const model = plainFedAvg(
    clients,
    {
      weights: Array.from({ length: inputs }, () => new Array<number>(classes).fill(0)),
      bias: new Array<number>(classes).fill(0),
    },
    {
      rounds: config.rounds,
      learningRate: config.training.learningRate,
      cohort: (round) => sampler.sample(round, (of) => deriveKey(root, "cohort", of)),
      batches(round, client) {
        const examples = clients[client]!.labels.length;
        const { steps, indices, weights } = planBatches(
          examples,
          8,
          { localEpochs: 2 },
          deriveKey(root, "batches", round, client),
        );
        return Array.from({ length: steps }, (_, k) =>
          Array.from(indices.subarray(k * 8, (k + 1) * 8)).filter((_row, i) => weights[k * 8 + i]! > 0),
        );
      },
    },
  );
  // layout order: linear.bias [classes], linear.weight [inputs, classes]
  const expected = [...model.bias, ...model.weights.flat()];
  expect(plan.layout.entries.map((e) => e.name)).toEqual(["linear.bias", "linear.weight"]);
  const worst = Math.max(...expected.map((x, i) => Math.abs(x - real.parameters[i]!)));
  expect(expected.some((x) => Math.abs(x) > 0.01)).toBe(true);
  expect(worst).toBeLessThan(1e-12);
  // unequal clients whose data do not divide by the batch took part
  expect(clients.some((c) => c.labels.length % 8 !== 0)).toBe(true);
});
