import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { fedavg } from "../algorithms/fedavg.ts";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import { serverPipeline } from "../pipeline/index.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { prepareQuadratics } from "../simulation/quadratics.ts";
import { memoryClientStates } from "./memory-client-states.ts";
import { orderMaker } from "./orders.ts";

const privacy = { clipNorm: 1, noise: "local", noiseMultiplier: 1 } as const;
const { plan, simulation } = prepareQuadratics(fedavg(), { ...HETEROGENEOUS, privacy }, interpreter());
const run = { ...plan, seed: 1234567, stageSeed: 7654321 };
const opened = { round: 3, cohort: [2], parts: undefined, learningRate: 0.1, scalars: {} };
const start = plan.algorithm.init(plan.initial, plan.layout);
const order = (visit: number) =>
  orderMaker(run, { clientStates: memoryClientStates() }, serverPipeline(run), opened, start)({ client: 2, visit });

describe("an order", () => {
  it("brings derived keys: of the run for training, of the stages for noise", () => {
    expect(order(0).keys).toEqual({
      batches: deriveKey(rootKey(1234567), "batches", 3, 2),
      dropout: deriveKey(rootKey(1234567), "dropout", 3, 2),
      draws: deriveKey(rootKey(1234567), "draws", 3, 2),
      "noise/delta": deriveKey(rootKey(7654321), "privacy-noise", 3, "delta", 2),
    });
  });

  it("draws something else at a second visit of the same client in the same round", () => {
    const [first, again] = [order(0).keys, order(1).keys];
    for (const name of Object.keys(first)) expect(again[name]).not.toEqual(first[name]);
    expect([order(0).id, order(1).id]).toEqual(["3/2/0", "3/2/1"]);
  });

  it("and the plan of its task hold no seed of the run", () => {
    const seeds = prepareQuadratics(fedavg(), { ...HETEROGENEOUS, privacy }, interpreter()).simulation.task;
    const { program: _program, ...settings } = seeds;
    expect(JSON.stringify([settings, { ...order(0), loadState: undefined }])).not.toMatch(/seed"|1234567|7654321/);
    expect(simulation.task).not.toHaveProperty("seed");
  });
});
