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

const part = (n: number) => waves(n, [20]);

function prepare(algorithm: { readonly name: string }) {
  const config = resolveConfig({
    rounds: 4,
    data: { clients: 6, partition: { scheme: "iid" } },
    model: { name: "mlp", hidden: [8] },
    algorithm,
    training: { localSteps: 3, batchSize: 4, learningRate: 0.01 },
    sampler: { cohort: 3 },
    evaluation: { batch: 8 },
  });
  return prepareRun(config, { train: part(48), test: part(8) }, identity, 0, "seeded");
}

/** Runs so many rounds; what it stores can be continued. */
async function run(
  { plan }: ReturnType<typeof prepare>,
  ports: { backend: Backend; evaluator: Evaluator },
  stored = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() },
  rounds = plan.rounds,
) {
  const { modelHash, history } = await runFederation({ ...plan, rounds }, { ...ports, ...stored, emit: () => {} });
  return { modelHash, bytes: history.map(({ bytesDown, bytesUp }) => [bytesDown, bytesUp]) };
}

describe.each([
  { name: "fedkseed", seeds: 16 },
  { name: "fedkseed", seeds: 16, pro: true, directions: "binomial" },
  { name: "onebyte" },
  { name: "onebyte", quantize: false },
  { name: "ferret", coordinates: 8 },
])("models that workers rebuild: %o", (algorithm) => {
  it("have the bits and bytes of the in-process backend at 1 to 3 workers, and after a resume", async () => {
    const prepared = prepare(algorithm);
    const { close, ...ports } = await inProcessSimulation(prepared.simulation, executor);
    const expected = await run(prepared, ports);
    const stored = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    const begun = await run(prepared, ports, stored, 2);
    await close();
    for (const workers of [1, 2, 3]) {
      const pool = await WorkerPool.start(prepared.simulation, { executor: "onnxruntime-node", workers });
      expect(await run(prepared, { backend: pool, evaluator: pool })).toEqual(expected);
      if (workers === 2) {
        const rest = await run(prepared, { backend: pool, evaluator: pool }, stored);
        expect(rest.modelHash).toBe(expected.modelHash);
        expect([...begun.bytes, ...rest.bytes]).toEqual(expected.bytes);
      }
      await pool.close();
    }
  });
});
