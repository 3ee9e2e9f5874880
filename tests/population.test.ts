import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveConfig } from "@anabranch/core";
import { openSimulation, simulate, startRun } from "@anabranch/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const config = resolveConfig({
  rounds: 5,
  data: { dataset: "synthetic", clients: 1_000_000, synthetic: { shape: [8, 8], classesPerClient: 3 } },
  model: { name: "mlp", hidden: [32] },
  algorithm: { name: "scaffold" },
  training: { localEpochs: 2, batchSize: 10, learningRate: 0.3 },
  sampler: { cohort: 20 },
});

describe("a computed population of a million clients", () => {
  let runs: string;
  beforeAll(async () => {
    runs = await mkdtemp(join(tmpdir(), "anabranch-population-"));
  });
  afterAll(() => rm(runs, { recursive: true, force: true }));

  it("learns, keeps states on the disk, and gives the bits of an in-memory run on one thread", async () => {
    const { result, folder } = await startRun(config, { runs, workers: 2 });
    const single = await simulate(config, { workers: 0 });
    expect(result.modelHash).toBe(single.modelHash);
    expect(result.history.at(-1)!.testAccuracy).toBeGreaterThan(0.2); // chance: 0.1
    const partition = JSON.parse(await readFile(join(folder, "partition.json"), "utf8"));
    expect(partition).toMatchObject({ clients: 1_000_000, scheme: "synthetic (first 100 of 1000000 clients)" });
    expect(partition.counts).toHaveLength(100);
  });

  it("refuses a hold-out, more classes for a client than there are, and labels that a model does not take", async () => {
    const data = { dataset: "synthetic", clients: 10 };
    const conflict = expect.objectContaining({ code: "config/conflict" });
    const sampler = { cohort: 2 };
    expect(() => resolveConfig({ data: { ...data, holdout: 0.2 }, sampler })).toThrow(conflict);
    const synthetic = { classes: 3, classesPerClient: 4 };
    expect(() => resolveConfig({ data: { ...data, synthetic }, sampler })).toThrow(conflict);
    const labels = resolveConfig({ data, sampler, model: { name: "mlp", labelType: "int32" } });
    await expect(openSimulation(labels, "labels", { workers: 0 })).rejects.toMatchObject({ code: "model/labels" });
  });
});
