import {
  type Backend,
  type Evaluator,
  inProcessSimulation,
  memoryBlobStore,
  memoryClientStates,
  type PreparedRun,
  prepareRun,
  type RunResult,
  resolveConfig,
  runFederation,
} from "@anabranch/core";
import { describe, expect, it } from "vitest";
import { WorkerPool } from "./pool.ts";
import { executor, identity, waves } from "./testing/waves.ts";

const part = (n: number) => waves(n, [16]);

async function run({ plan }: PreparedRun, backend: Backend, evaluator: Evaluator): Promise<RunResult> {
  const ports = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates(), emit: () => {} };
  return runFederation(plan, { backend, evaluator, ...ports });
}

const bytes = ({ history }: RunResult) => history.map(({ bytesUp, bytesDown }) => [bytesUp, bytesDown]);

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
    const { backend, evaluator, close } = await inProcessSimulation(prepared.simulation, executor);
    const expected = await run(prepared, backend, evaluator);
    await close();
    for (const workers of [1, 2]) {
      const pool = await WorkerPool.start(prepared.simulation, { executor: "onnxruntime-node", workers });
      const result = await run(prepared, pool, pool);
      await pool.close();
      expect(result.modelHash).toBe(expected.modelHash);
      expect(bytes(result)).toEqual(bytes(expected));
    }
  });
});
