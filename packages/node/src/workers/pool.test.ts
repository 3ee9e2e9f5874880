import {
  type Algorithm,
  type Backend,
  type Evaluator,
  entryTypes,
  fedavg,
  fedbcgdPlus,
  hashVector,
  inProcessSimulation,
  memoryBlobStore,
  memoryClientStates,
  type Order,
  type Outcome,
  type ParameterTensors,
  prepareQuadratics,
  runFederation,
  scaffold,
} from "@anabranch/core";
import { runCohort } from "@anabranch/core/conformance";
import {
  interpreter,
  type Optimizer,
  type OptimizerState,
  onnxruntimeNode,
  shampoo,
  soap,
  sub,
  type TensorTree,
  takeStep,
  withPrefix,
} from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { WorkerPool } from "./pool.ts";

const clients = 9;
const problem = {
  a: Array.from({ length: clients }, (_, i) => [1 + (i % 3), 2, 0.5 + i / 4]),
  b: Array.from({ length: clients }, (_, i) => [i - 4, 1, -i / 2]),
  x0: [0, 0, 0],
  learningRate: 0.1,
  localSteps: 3,
  cohorts: Array.from({ length: 6 }, (_, r) =>
    Array.from({ length: clients }, (_, i) => i).filter((i) => (i + r) % 4 !== 0),
  ),
};
const executor = await onnxruntimeNode();

/** Blocks of unlike sizes and a shared coordinate. */
const divided = {
  ...problem,
  a: problem.a.map((row) => [...row, 1]),
  b: problem.b.map((row, i) => [...row, i]),
  x0: [0, 0, 0, 0],
  blocks: { coordinates: [[3, 1], [2]] },
};

async function finalHash(backend: Backend, evaluator: Evaluator, { plan } = scaffolds): Promise<string> {
  const ports = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates(), emit: () => {} };
  return (await runFederation(plan, { backend, evaluator, ...ports })).modelHash;
}

const scaffolds = prepareQuadratics(scaffold(), problem, executor);

/** FedAvg whose clients take the steps of an optimizer with host kernels. */
function localSteps(optimizer: Optimizer): Algorithm {
  type Carry = { readonly parameters: ParameterTensors; readonly optimizer: OptimizerState };
  return {
    ...fedavg(),
    client: {
      begin({ broadcast }) {
        const parameters = broadcast["parameters"]!;
        return { parameters, optimizer: optimizer.init(parameters) };
      },
      step(carry, local) {
        const { parameters, optimizer: state } = carry as unknown as Carry;
        const { loss, gradients } = local.gradient(parameters);
        const next = takeStep(optimizer, gradients, state, parameters, local);
        return { carry: { parameters: next.parameters, optimizer: next.state } as TensorTree, loss };
      },
      end(carry, { broadcast }) {
        const { parameters } = carry as unknown as Carry;
        const delta = Object.entries(parameters).map(([name, p]) => [name, sub(p, broadcast["parameters"]![name]!)]);
        return { update: { delta: Object.fromEntries(delta) }, state: {} };
      },
      refresh: (model) => withPrefix("optimizer", optimizer.refresh?.(entryTypes(model))),
    },
  };
}

/** A copy that outlives the slot. */
function keep(outcome: Outcome): Outcome {
  if (!("update" in outcome)) return outcome;
  const { vectors } = outcome.update;
  const copies = Object.entries(vectors).map(([name, vector]) => [name, vector.slice()]);
  return { ...outcome, update: { ...outcome.update, vectors: Object.fromEntries(copies) } };
}

describe("WorkerPool", () => {
  const { simulation } = scaffolds;
  const request = { cohort: [0, 1, 2, 3, 4, 5, 6, 7], learningRate: 0.1 };
  const broadcast = (value: number) => ({
    round: 1,
    vectors: { parameters: new Float32Array(3).fill(value), control: new Float32Array(3) },
    scalars: {},
  });

  it("gives the bits of the in-process backend with 1, 2 and 3 workers, client state included", async () => {
    const single = await inProcessSimulation(simulation, executor);
    const expected = await finalHash(single.backend, single.evaluator);
    await single.close();
    for (const workers of [1, 2, 3]) {
      const pool = await WorkerPool.start(simulation, { executor: "onnxruntime-node", workers });
      expect(await finalHash(pool, pool)).toBe(expected);
      await pool.close();
    }
  });

  it("gives the same bits where stages clip, noise and add a vector", async () => {
    const adaptive = { targetQuantile: 0.5, rate: 0.2, countNoise: 1 };
    for (const more of [{ adaptive }, { noise: "local" }] as const) {
      const privacy = { clipNorm: 0.5, noiseMultiplier: 1, ...more };
      const prepared = prepareQuadratics(fedavg(), { ...problem, privacy }, executor);
      const single = await inProcessSimulation(prepared.simulation, executor);
      const expected = await finalHash(single.backend, single.evaluator, prepared);
      await single.close();
      for (const workers of [1, 3]) {
        const pool = await WorkerPool.start(prepared.simulation, { executor: "onnxruntime-node", workers });
        expect(await finalHash(pool, pool, prepared)).toBe(expected);
        await pool.close();
      }
    }
  });

  it("gives the same bits where clients send blocks, and counts what each sends", async () => {
    const prepared = prepareQuadratics(fedbcgdPlus(), divided, executor);
    const single = await inProcessSimulation(prepared.simulation, executor);
    const expected = await finalHash(single.backend, single.evaluator, prepared);
    const cohort = [0, 1, 2, 3];
    const parts = new Map(cohort.map((client) => [client, client % 2]));
    const vectors = { parameters: new Float32Array(4), control: new Float32Array(4) };
    const parted = { ...request, cohort, parts, broadcast: { round: 1, vectors, scalars: {} } };
    const sizes = async (backend: Backend) => {
      const bytes: number[] = [];
      await runCohort(backend, parted, (outcome) => {
        if ("update" in outcome) bytes.push(outcome.bytesUp);
      });
      return bytes;
    };
    const [large, small, ...rest] = await sizes(single.backend);
    // two vectors of three and of two floats: eight bytes apart
    expect([large! - small!, rest]).toEqual([8, [large, small]]);
    await single.close();
    for (const workers of [1, 2, 3]) {
      const pool = await WorkerPool.start(prepared.simulation, { executor: "onnxruntime-node", workers });
      expect(await finalHash(pool, pool, prepared)).toBe(expected);
      expect(await sizes(pool)).toEqual([large, small, large, small]);
      await pool.close();
    }
  });

  it.each([
    ["shampoo", shampoo({ refreshEvery: 3 })],
    ["soap", soap({ refreshEvery: 3 })],
  ])("gives the bits of the in-process backend where %s calls host kernels", async (_name, optimizer) => {
    const matrices = { ...problem, shape: [3, 1], localSteps: 8 };
    const prepared = prepareQuadratics(localSteps(optimizer), matrices, executor);
    const single = await inProcessSimulation(prepared.simulation, executor);
    const expected = await finalHash(single.backend, single.evaluator, prepared);
    await single.close();
    for (const workers of [1, 2]) {
      const pool = await WorkerPool.start(prepared.simulation, { executor: "onnxruntime-node", workers });
      expect(await finalHash(pool, pool, prepared)).toBe(expected);
      await pool.close();
    }
  });

  // threads that are ended in the middle of native code may take the process with them, so these compute in TypeScript
  const exact = prepareQuadratics(scaffold(), problem, interpreter()).simulation;
  const exactBroadcast = {
    round: 1,
    vectors: { parameters: new Float64Array(3).fill(1), control: new Float64Array(3) },
    scalars: {},
  };

  it("retries the tasks of a worker that dies, once, and goes on", async () => {
    const pool = await WorkerPool.start(exact, { executor: "interpreter", workers: 2 });
    const outcomes: Outcome[] = [];
    await runCohort(pool, { ...request, broadcast: exactBroadcast }, async (outcome) => {
      if (outcomes.length === 0) await pool.threads[0]!.terminate();
      outcomes.push(keep(outcome));
    });
    expect(outcomes.map((o) => o.client)).toEqual(request.cohort);
    expect(outcomes.every((o) => "update" in o)).toBe(true);
    const healthy: Outcome[] = [];
    await runCohort(pool, { ...request, broadcast: exactBroadcast }, (outcome) => void healthy.push(keep(outcome)));
    const vectors = (list: Outcome[]) =>
      list.map((o) => ("update" in o ? hashVector(o.update.vectors["delta"]!) : "failed"));
    expect(vectors(outcomes)).toEqual(vectors(healthy));
    await pool.close();
  });

  const order = (version: number, client: number): Order => ({
    id: `${version}/${client}/0`,
    ...{ client, version, part: undefined, learningRate: 0.1 },
    keys: { batches: [1, client], dropout: [2, client], draws: [3, client] },
    loadState: async () => undefined,
  });
  const model = (value: number) => ({
    round: value,
    vectors: { parameters: new Float64Array(3).fill(value), control: new Float64Array(3) },
    scalars: {},
  });
  const hashOf = (outcome: Outcome) =>
    "update" in outcome ? hashVector(outcome.update.vectors["delta"]!) : outcome.failure.message;

  it("trains several versions of the model at a time, each with its own bits", async () => {
    const single = await inProcessSimulation(exact, interpreter());
    const pool = await WorkerPool.start(exact, { executor: "interpreter", workers: 2 });
    // the first version is retired while the second is trained, and its memory is used by the third
    const hashes: string[][] = [];
    for (const backend of [single.backend, pool]) {
      const found: string[] = [];
      const take = async (version: number) => {
        for (const client of request.cohort) {
          const { id } = order(version, client);
          found.push(hashOf(await backend.outcome(id)));
          await backend.release(id);
        }
        backend.retire(version);
      };
      backend.publish(1, model(1));
      for (const client of request.cohort) backend.submit(order(1, client));
      backend.publish(2, model(2));
      for (const client of request.cohort) backend.submit(order(2, client));
      await take(1);
      backend.publish(3, model(3));
      for (const client of request.cohort) backend.submit(order(3, client));
      await take(2);
      await take(3);
      hashes.push(found);
    }
    expect(hashes[1]).toEqual(hashes[0]);
    expect(new Set(hashes[0]).size).toBe(3 * request.cohort.length);
    await pool.close();
  });

  it("does not begin an order that is released while it waits, and gives each slot back once", async () => {
    const pool = await WorkerPool.start(exact, { executor: "interpreter", workers: 1, window: 2 });
    const begun: number[] = [];
    const watched = (client: number): Order => ({
      ...order(1, client),
      async loadState() {
        begun.push(client);
        return undefined;
      },
    });
    pool.publish(1, model(1));
    const ids = request.cohort.map((client) => order(1, client).id);
    for (const client of request.cohort) pool.submit(watched(client));
    await pool.release(ids[5]!);
    await Promise.all([0, 1].flatMap((i) => [pool.release(ids[i]!), pool.release(ids[i]!)]));
    for (const i of [2, 3, 4, 6, 7]) {
      // no more than the two slots are in use, however often something was released
      expect(begun.length).toBeLessThanOrEqual(i + 2);
      expect(await pool.outcome(ids[i]!)).toMatchObject({ client: i, retried: false });
      await pool.release(ids[i]!);
    }
    expect(begun).toEqual([0, 1, 2, 3, 4, 6, 7]);
    pool.retire(1);
    await pool.close();
  });

  it("rejects the outcome of an order whose state cannot be read, and goes on with the others", async () => {
    const pool = await WorkerPool.start(exact, { executor: "interpreter", workers: 1, window: 1 });
    const unreadable = { ...order(1, 0), loadState: () => Promise.reject(new Error("unreadable")) };
    pool.publish(1, model(1));
    pool.submit(unreadable);
    pool.submit(order(1, 1));
    await expect(pool.outcome(unreadable.id)).rejects.toThrow("unreadable");
    await pool.release(unreadable.id);
    expect(await pool.outcome(order(1, 1).id)).toMatchObject({ client: 1, retried: false });
    await pool.release(order(1, 1).id);
    await pool.close();
  });

  it("reports a task whose worker dies twice, and an evaluation as an error", async () => {
    const script = new URL("./testing/dying-worker.ts", import.meta.url);
    const pool = await WorkerPool.start(exact, { executor: "interpreter", workers: 1, script });
    const outcomes: Outcome[] = [];
    const alone = { ...request, cohort: [3], broadcast: exactBroadcast };
    await runCohort(pool, alone, (outcome) => void outcomes.push(outcome));
    expect(outcomes).toMatchObject([{ client: 3, retried: true, failure: { code: "worker/lost" } }]);
    await expect(pool.evaluate(new Float64Array(3))).rejects.toMatchObject({ code: "worker/lost" });
    await pool.close();
  });

  it("reports a client whose update is not finite and takes the others", async () => {
    const pool = await WorkerPool.start(simulation, { executor: "onnxruntime-node", workers: 2 });
    const failed: string[] = [];
    await runCohort(pool, { ...request, learningRate: 1e30, broadcast: broadcast(1) }, (outcome) => {
      if ("failure" in outcome) failed.push(outcome.failure.code);
    });
    expect(failed.length).toBe(8);
    expect(new Set(failed)).toEqual(new Set(["client/not-finite"]));
    await pool.close();
  });

  it("says which package is missing when its executor cannot be loaded", async () => {
    const start = WorkerPool.start(prepareQuadratics(fedavg(), problem, executor).simulation, {
      executor: "no-such-executor",
      workers: 1,
    });
    await expect(start).rejects.toMatchObject({ code: "executor/unknown" });
  });
});
