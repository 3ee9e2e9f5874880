import { expect, it } from "vitest";
import { traceFederation } from "../simulation/trace-federation.ts";
import { createAlgorithm } from "./registry.ts";

const problem = {
  a: [
    [1, 2, 0.5],
    [2, 1, 1.5],
    [0.5, 3, 1],
  ],
  b: [
    [1, -1, 2],
    [0, 2, -1],
    [-2, 0, 1],
  ],
  x0: [0.5, 0, -0.5],
  learningRate: 0.1,
  localSteps: 3,
  cohorts: Array.from({ length: 4 }, () => [0, 1, 2]),
};

// single-merging without a topology mixes with everyone in every round
it.each([
  ["fedbuff", {}],
  ["fedasync", { mixing: 1, proximalStrength: 0 }],
  ["fedfix", {}],
  ["async-fedavg", {}],
  ["fedcompass", { serverLearningRate: 1 }],
  ["single-merging", {}],
])("%s is FedAvg where all clients are in every round", async (name, options) => {
  const expected = await traceFederation(createAlgorithm("fedavg", {}), problem);
  const { rounds } = await traceFederation(createAlgorithm(name, options), problem);
  for (const [r, x] of rounds.entries()) {
    for (const [j, value] of x.entries()) expect(value).toBeCloseTo(expected.rounds[r]![j]!, 12);
  }
});
