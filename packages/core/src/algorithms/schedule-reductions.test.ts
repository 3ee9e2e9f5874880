import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import { prepareQuadratics } from "../simulation/quadratics.ts";
import { recording } from "../simulation/trace-federation.ts";
import { createAlgorithm } from "./registry.ts";

/** Client 0 has gradients, client 1 none anywhere; the second round's learning rate is a quarter of the first one's. */
const problem = {
  a: [
    [1, 2, 0.5],
    [0, 0, 0],
  ],
  b: [
    [1, -1, 2],
    [0, 0, 0],
  ],
  x0: [0.5, 0, -0.5],
  learningRate: 0.1,
  localSteps: 3,
  cohorts: [[0], [1]],
  shape: [1, 3],
};
const rates = [0.1, 0.025];

describe("the last global update, mixed into steps of another learning rate", () => {
  it.each([
    ["fedcm", { gradientShare: 0.7 }],
    ["mofedsam", { gradientShare: 0.7, perturbationRadius: 0 }],
    ["fedadamw", { directionShare: 0.3 }],
    ["fedmuon", { directionShare: 0.3, momentum: 0 }],
    ["fedpac", { optimizer: "sgd", directionShare: 0.3 }],
    ["fedpac", { optimizer: "sophia", estimator: "hutchinson", directionShare: 0.3 }],
  ])("of %s %j adds share * (eta / last eta) * Dbar", async (name, options) => {
    const rounds: number[][] = [];
    const algorithm = recording(createAlgorithm(name, options), (parameters) => rounds.push(Array.from(parameters)));
    const executor = interpreter();
    const { plan, simulation } = prepareQuadratics(algorithm, problem, executor);
    const { backend, evaluator, close } = await inProcessSimulation(simulation, executor);
    const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    const scheduled = { ...plan, learningRate: (round: number) => rates[round - 1]! };
    await runFederation(scheduled, { backend, evaluator, ...stores, emit: () => {} });
    await close();
    const [first, second] = rounds as [number[], number[]];
    for (const [j, x] of first.entries()) {
      expect(x).not.toBe(problem.x0[j]);
      expect(second[j]! - x).toBeCloseTo(0.3 * (rates[1]! / rates[0]!) * (x - problem.x0[j]!), 12);
    }
  });
});
