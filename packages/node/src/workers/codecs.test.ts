import {
  type Backend,
  type Evaluator,
  fedmuon,
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

const part = (n: number) => waves(n, [1, 8, 8]);

/** Three rounds of a vision transformer of one block, the update clipped. */
function prepare(options: Parameters<typeof fedmuon>[0]): PreparedRun {
  const config = resolveConfig({
    rounds: 3,
    data: { clients: 6, partition: { scheme: "iid" } },
    model: { name: "vit", width: 16, depth: 1, heads: 2 },
    training: { localSteps: 2, batchSize: 4, learningRate: 0.01 },
    aggregation: { clipNorm: 0.5 },
    sampler: { cohort: 4 },
    evaluation: { batch: 8 },
  });
  return prepareRun(config, { train: part(48), test: part(8) }, identity, 0, "codecs", { algorithm: fedmuon(options) });
}

async function run({ plan }: PreparedRun, backend: Backend, evaluator: Evaluator): Promise<RunResult> {
  const ports = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates(), emit: () => {} };
  return runFederation(plan, { backend, evaluator, ...ports });
}

async function inProcess(prepared: PreparedRun): Promise<RunResult> {
  const { backend, evaluator, close } = await inProcessSimulation(prepared.simulation, executor);
  const result = await run(prepared, backend, evaluator);
  await close();
  return result;
}

const bytesUp = ({ history }: RunResult) => history.map((round) => round.bytesUp);

describe("encoded updates", () => {
  it.each([
    ["ranks that the plan knows, at 2 workers", { upload: "truncated-svd", rankShare: 0.2 } as const, [2]],
    [
      "ranks that clients choose, at 1, 2 and 3 workers",
      { upload: "truncated-svd", rankEnergy: 0.8 } as const,
      [1, 2, 3],
    ],
  ])("with %s: the bits and bytes of the in-process backend", async (_what, options, counts) => {
    const prepared = prepare(options);
    const expected = await inProcess(prepared);
    const whole = bytesUp(await inProcess(prepare({})));
    for (const [round, bytes] of bytesUp(expected).entries()) expect(bytes).toBeLessThan(0.8 * whole[round]!);
    for (const workers of counts) {
      const pool = await WorkerPool.start(prepared.simulation, { executor: "onnxruntime-node", workers });
      const result = await run(prepared, pool, pool);
      await pool.close();
      expect(result.modelHash).toBe(expected.modelHash);
      expect(bytesUp(result)).toEqual(bytesUp(expected));
    }
  });

  it("fit their slot where the matrices travel as they are, a rank beside each", async () => {
    const prepared = prepare({ upload: "truncated-svd", rankEnergy: 1 });
    const pool = await WorkerPool.start(prepared.simulation, { executor: "onnxruntime-node", workers: 2 });
    const result = await run(prepared, pool, pool);
    await pool.close();
    const whole = await inProcess(prepare({}));
    expect(result.modelHash).toBe(whole.modelHash);
    for (const [round, bytes] of bytesUp(result).entries()) expect(bytes).toBeGreaterThan(bytesUp(whole)[round]!);
  });
});
