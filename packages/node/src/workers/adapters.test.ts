import {
  type Backend,
  type ConfigInput,
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

function prepare(adapters: ConfigInput["adapters"]) {
  const config = resolveConfig({
    rounds: 4,
    data: { clients: 6, partition: { scheme: "iid" } },
    model: { name: "mlp", hidden: [8, 8] },
    adapters,
    training: { localSteps: 3, batchSize: 4, learningRate: 0.05 },
    sampler: { cohort: 3 },
    evaluation: { batch: 8 },
  });
  return prepareRun(config, { train: waves(48, [20]), test: waves(8, [20]) }, identity, 0, "adapters");
}

/** Runs so many rounds; what it stores can be continued. */
async function run(
  { plan }: ReturnType<typeof prepare>,
  ports: { backend: Backend; evaluator: Evaluator },
  stored = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() },
  rounds = plan.rounds,
) {
  const { modelHash } = await runFederation({ ...plan, rounds }, { ...ports, ...stored, emit: () => {} });
  return modelHash;
}

describe.each<NonNullable<ConfigInput["adapters"]>>([
  { shards: 4, shardPool: 2 },
  { rank: 2, select: 1, selectAfter: 2 },
  { rank: [4, 2], rule: "flexlora", select: 1, selectAfter: 2 },
])("adapters: %o", (adapters) => {
  it("have the same bits at 1 and 2 workers, and after a resume", async () => {
    const prepared = prepare(adapters);
    const { close, ...ports } = await inProcessSimulation(prepared.simulation, executor);
    const expected = await run(prepared, ports);
    const stored = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    await run(prepared, ports, stored, 3);
    await close();
    for (const workers of [1, 2]) {
      const pool = await WorkerPool.start(prepared.simulation, { executor: "onnxruntime-node", workers });
      expect(await run(prepared, { backend: pool, evaluator: pool })).toBe(expected);
      if (workers === 2) expect(await run(prepared, { backend: pool, evaluator: pool }, stored)).toBe(expected);
      await pool.close();
    }
  });
});
