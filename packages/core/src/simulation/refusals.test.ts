import type { AnabranchError } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import type { ArrayDataset } from "../data/index.ts";
import { prepareRun } from "./prepare.ts";

const part = (n: number): ArrayDataset => ({
  name: "mine",
  features: { dtype: "float", shape: [n, 4], data: Float32Array.from({ length: 4 * n }, (_, i) => i / 48) },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 2) },
  classes: 2,
});

/** A run of a linear model of weights [4, 2] over three clients of four examples, made ready. */
function prepare({
  algorithm,
  training,
  sampler = { cohort: 2 },
  privacy,
}: Pick<ConfigInput, "algorithm" | "training" | "sampler" | "privacy">): unknown {
  const config = resolveConfig({
    data: { clients: 3, partition: { scheme: "iid" } },
    model: { name: "logistic" },
    sampler,
    privacy,
    algorithm,
    training: { batchSize: 2, ...training },
  });
  const executor = { name: "none", version: "", fingerprint: "", float: "float32" } as const;
  return prepareRun(config, { train: part(12), test: part(4) }, executor, 0, "refused");
}

describe("methods and training that contradict", () => {
  it.each<[string, Parameters<typeof prepare>[0], string, RegExp]>([
    ["a negative radius", { algorithm: { name: "fedsam", rho: -1 } }, "algorithm/option", /perturbationRadius/],
    [
      "an option by its name and by its symbol",
      { algorithm: { name: "fedsam", rho: 0.1, perturbationRadius: 0.2 } },
      "algorithm/option-twice",
      /perturbationRadius and rho are the same option/,
    ],
    [
      "Muon where AdamW would get all matrices",
      { algorithm: { name: "local", optimizer: "muon", hiddenOnly: true } },
      "engine/no-matrix",
      /linear.weight \[4, 2\]/,
    ],
    [
      "axes that are all longer than SOAP may take",
      { algorithm: { name: "fedpac", optimizer: "soap", maxSize: 1 } },
      "engine/option",
      /linear.weight \[4, 2\], at most 1.*maxSize/s,
    ],
    [
      "one step of SOAP, which moves from the second on",
      { algorithm: { name: "local", optimizer: "soap" }, training: { localSteps: 1 } },
      "config/conflict",
      /training.localSteps.*at least 2/s,
    ],
    [
      "more clusters than clients",
      { algorithm: { name: "ifca", clusters: 4 } },
      "config/conflict",
      /algorithm.clusters.*at most 3/s,
    ],
    [
      "rates of cohorts of fixed size",
      { sampler: { cohort: 2, rates: [1, 2] } },
      "config/conflict",
      /sampler.rates.*"uniform".*poisson/s,
    ],
    [
      "rates under privacy",
      {
        sampler: { name: "poisson", cohort: 1, rates: [1, 2] },
        algorithm: { name: "dp-fedavg" },
        privacy: { mechanism: "gaussian", noiseMultiplier: 1 },
      },
      "config/conflict",
      /sampler.rates.*same rate/s,
    ],
    [
      "a client that would take part more often than always",
      { sampler: { name: "poisson", cohort: 2, rates: [1, 1, 4] } },
      "config/conflict",
      /probability 1\.33.*at most 1\.5/s,
    ],
    ["clusters of part of the clients", { algorithm: { name: "ocfl" } }, "config/conflict", /sampler.cohort.*3/s],
    [
      "one mini-batch of SOAP",
      { algorithm: { name: "fedpac", optimizer: "soap" }, training: { localEpochs: 1, batchSize: 4 } },
      "config/conflict",
      /training.localEpochs.*at least 2/s,
    ],
    [
      "local momentum beside that of FedCM",
      { algorithm: { name: "fedcm" }, training: { momentum: 0.9 } },
      "config/conflict",
      /training.momentum.*moments of their own/s,
    ],
    [
      "local momentum where steps follow gradients alone",
      { algorithm: { name: "fedamd" }, training: { momentum: 0.9 } },
      "config/conflict",
      /training.momentum.*gradients alone.*Leave training.momentum/s,
    ],
    [
      "a cohort that leaves clients out where all train in every round",
      { algorithm: { name: "rerce", continual: true } },
      "config/conflict",
      /sampler.cohort.*2, with .*rerce.*data.clients = 3/s,
    ],
  ])("are refused: %s", (_what, changes, code, message) => {
    let caught: unknown;
    try {
      prepare(changes);
    } catch (error) {
      caught = error;
    }
    expect((caught as AnabranchError).code).toBe(code);
    expect(String(caught)).toMatch(message);
  });

  it("but not what lies next to them", () => {
    prepare({ algorithm: { name: "local", optimizer: "soap" }, training: { localSteps: 2 } });
    prepare({ algorithm: { name: "fedpac", optimizer: "soap" }, training: { localEpochs: 1, batchSize: 3 } });
    prepare({ algorithm: { name: "local", optimizer: "shampoo" }, training: { localSteps: 1 } });
    prepare({ algorithm: { name: "fedpac", optimizer: "soap", maxSize: 2 } });
  });
});
