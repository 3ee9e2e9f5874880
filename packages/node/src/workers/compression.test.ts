import { prepareRun, resolveConfig } from "@anabranch/core";
import { describe, expect, it } from "vitest";
import { inProcess, onThreads } from "./testing/outcomes.ts";
import { identity, waves } from "./testing/waves.ts";

const part = (n: number) => waves(n, [16]);

describe("compression in both directions on worker threads", () => {
  it.each(["none", "ef21"] as const)("has the bits and bytes of the in-process backend, with %s down", async (down) => {
    const config = resolveConfig({
      rounds: 4,
      data: { clients: 6, partition: { scheme: "iid" } },
      model: { name: "mlp", hidden: [8] },
      training: { localSteps: 2, batchSize: 4, learningRate: 0.05 },
      sampler: { cohort: 4 },
      evaluation: { batch: 8 },
      compression: { up: ["top-k density=0.2"], feedback: "ef14", down: ["top-k density=0.5"], downFeedback: down },
    });
    const data = { train: part(48), test: part(8) };
    const prepared = prepareRun(config, data, identity, 0, "compressed");
    const expected = await inProcess(prepared);
    for (const workers of [1, 2]) expect(await onThreads(prepared, workers)).toEqual(expected);
  });
});
