import { type ConfigInput, prepareRun, resolveConfig } from "@anabranch/core";
import { expect, it } from "vitest";
import { inProcess, onThreads } from "./testing/outcomes.ts";
import { identity, waves } from "./testing/waves.ts";

const part = (n: number) => waves(n, [16]);
const dense = { name: "mlp", hidden: [8], bias: false } as const;
const unlabelled = { share: 0.5, classes: [1] };
const CASES: Readonly<Record<string, ConfigInput>> = {
  "tasks with FOT": {
    algorithm: { name: "fot", sketchColumns: 6 },
    taskStream: { kind: "permuted-pixels", tasks: 2, roundsPerTask: 2 },
  },
  "hidden labels": {
    data: { clients: 6, partition: { scheme: "iid" }, unlabelled },
    training: {
      ...{ localSteps: 2, batchSize: 4, learningRate: 0.05 },
      openWorld: { margin: 1, pairwise: 1, entropy: 1, suppressed: 1 },
    },
  },
  "a bandit over ranks and pruned shares": {
    adapters: { controller: "fedspine", rule: "flexlora", rank: [2, 1], pruned: [0, 0.5] },
    devices: { speed: "list", times: [1, 3] },
  },
  "two bottleneck adapters": { algorithm: { name: "feddat" }, adapters: { bottleneck: 2 } },
  "split training": { algorithm: { name: "sfprompt", drop: 0.3 }, model: { name: "mlp", hidden: [8, 8, 8, 8] } },
};

it.each(Object.entries(CASES))("%s have the bits of the in-process backend on worker threads", async (_name, more) => {
  const config = resolveConfig({
    rounds: 4,
    data: { clients: 6, partition: { scheme: "iid" } },
    model: dense,
    training: { localSteps: 2, batchSize: 4, learningRate: 0.05 },
    sampler: { cohort: 4 },
    evaluation: { batch: 3 },
    ...more,
  });
  const prepared = prepareRun(config, { train: part(48), test: part(8) }, identity, 0, "streams");
  const expected = await inProcess(prepared);
  for (const workers of [1, 2]) expect(await onThreads(prepared, workers)).toEqual(expected);
});
