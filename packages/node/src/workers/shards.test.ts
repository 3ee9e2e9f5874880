import {
  type Backend,
  type Evaluator,
  inProcessSimulation,
  memoryBlobStore,
  memoryClientStates,
  prepareRun,
  resolveConfig,
  runFederation,
} from "@anabranch/core";
import { describe, expect, it } from "vitest";
import { WorkerPool } from "./pool.ts";
import { executor, identity, waves } from "./testing/waves.ts";

const config = resolveConfig({
  rounds: 4,
  data: { clients: 6, partition: { scheme: "iid" } },
  model: { name: "mlp", hidden: [8, 8] },
  adapters: { shards: { rank: 4, pool: 2 } },
  training: { localSteps: 3, batchSize: 4, learningRate: 0.05 },
  sampler: { cohort: 3 },
  evaluation: { batch: 8 },
});
const { plan, simulation } = prepareRun(
  config,
  { train: waves(48, [20]), test: waves(8, [20]) },
  identity,
  0,
  "shards",
);

/** Runs so many rounds; what it stores can be continued. */
async function run(
  ports: { backend: Backend; evaluator: Evaluator },
  stored = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() },
  rounds = plan.rounds,
) {
  const { modelHash } = await runFederation({ ...plan, rounds }, { ...ports, ...stored, emit: () => {} });
  return modelHash;
}

describe("adapters from shards", () => {
  it("have the same bits at 1 and 2 workers, and after a resume", async () => {
    const { close, ...ports } = await inProcessSimulation(simulation, executor);
    const expected = await run(ports);
    const stored = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    await run(ports, stored, 2);
    await close();
    for (const workers of [1, 2]) {
      const pool = await WorkerPool.start(simulation, { executor: "onnxruntime-node", workers });
      expect(await run({ backend: pool, evaluator: pool })).toBe(expected);
      if (workers === 2) expect(await run({ backend: pool, evaluator: pool }, stored)).toBe(expected);
      await pool.close();
    }
  });
});
