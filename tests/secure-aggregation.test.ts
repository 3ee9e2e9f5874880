import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConfigInput, resolveConfig } from "@anabranch/core";
import { resumeRun, simulate, startRun } from "@anabranch/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const base: ConfigInput = {
  rounds: 3,
  data: { dataset: "synthetic", clients: 12, synthetic: { shape: [1, 5, 5], classes: 4, testExamples: 50 } },
  model: { name: "logistic" },
  training: { localSteps: 3, batchSize: 10, learningRate: 0.1 },
  sampler: { cohort: 8 },
};
const runs: readonly (readonly [string, ConfigInput])[] = [
  ["weights inside the sum", { ...base, secureAggregation: { protocol: "bonawitz" } }],
  [
    "integer noise",
    {
      ...base,
      algorithm: { name: "dp-fedavgm" },
      privacy: { mechanism: "discrete-gaussian", noiseMultiplier: 1, minimumSurvivors: 6 },
      secureAggregation: { protocol: "secagg+" },
    },
  ],
];

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-secure-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(runs)("a run with %s", (_what, config) => {
  it("has the same bits in-process and at 1 and 2 workers", async () => {
    const [alone, one, two] = [
      await simulate(config, { workers: 0 }),
      await simulate(config, { workers: 1 }),
      await simulate(config, { workers: 2 }),
    ];
    expect([one.modelHash, two.modelHash]).toEqual([alone.modelHash, alone.modelHash]);
    expect(alone.history[2]!.bytesUp).toBe(two.history[2]!.bytesUp);
  });

  it("has the same bits after it was interrupted and resumed", async () => {
    const whole = await simulate(config, { workers: 0 });
    const stop = new AbortController();
    const first = await startRun(resolveConfig(config), {
      runs: folder,
      workers: 0,
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === "round.finished" && event.round === 1) stop.abort();
      },
    });
    expect(first.result.stopped).toBe("interrupted");
    const { result } = await resumeRun(first.folder, { runs: folder, workers: 1 });
    expect(result.modelHash).toBe(whole.modelHash);
  });
});
