import { adaptiveClusters } from "../../algorithms/adaptive-clusters.ts";
import { fedld } from "../../algorithms/fedld.ts";
import { ifca } from "../../algorithms/ifca.ts";
import { ocfl } from "../../algorithms/ocfl.ts";
import type { AlgorithmUnderTest } from "../algorithm.ts";

const quick = { rounds: 60, learningRate: 0.1, within: 1e-6 };

/** Methods whose server sees each update: those with a model for each cluster, which are FedAvg with one, and FedLD. */
export const clusteredBattery: Readonly<Record<string, AlgorithmUnderTest>> = {
  // both models go down; beside the change of one, two numbers say which: 2 d, and d + 2 with d = 3
  ifca: { create: ifca, neutral: () => ifca({ clusters: 1 }), wire: { down: 2, up: 1 + 2 / 3 }, converges: quick },
  ocfl: { create: ocfl, neutral: () => ocfl({ clusters: 1 }), wire: { down: 1, up: 1 }, converges: quick },
  // one model, made of every update: where clients agree the step along their common direction remains
  fedld: { create: fedld, wire: { down: 1, up: 1 }, converges: { rounds: 300, learningRate: 0.1, within: 1e-4 } },
  "adaptive-clusters": {
    create: adaptiveClusters,
    neutral: () => adaptiveClusters({ distance: 3 }),
    wire: { down: 1, up: 1 },
    converges: quick,
  },
};
