import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveConfig } from "@anabranch/core";
import { startRun } from "@anabranch/node";
import { expect, it } from "vitest";

it("a run on a graph has the same bits at every number of workers", async () => {
  const config = resolveConfig({
    ...{
      name: "graph",
      rounds: 3,
      sampler: { cohort: 4 },
      algorithm: { name: "fedpub", embedding: "features", probes: 50 },
    },
    data: { dataset: "block-graph", clients: 4, holdout: 0.5, partition: { scheme: "communities" } },
    model: { name: "gcn", hidden: [8, 8] },
    training: { batchSize: 40, learningRate: 0.5 },
    evaluation: { clientEvery: 1 },
  });
  const runs = await mkdtemp(join(tmpdir(), "anabranch-graphs-"));
  try {
    const outcomes = [];
    for (const workers of [0, 1, 2]) outcomes.push((await startRun(config, { runs, workers })).result);
    const [first, ...others] = outcomes;
    for (const other of others) {
      expect(other.modelHash).toBe(first!.modelHash);
      expect(other.history.map(({ personalMean }) => personalMean)).toEqual(
        first!.history.map(({ personalMean }) => personalMean),
      );
    }
  } finally {
    await rm(runs, { recursive: true, force: true });
  }
});
