import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import type { ArrayDataset } from "../data/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareRun } from "./prepare.ts";
import { simulatedSecureAggregation } from "./simulated-secure-aggregation.ts";

const part = (n: number): ArrayDataset => ({
  name: "points",
  features: { dtype: "float", shape: [n, 20], data: Float32Array.from({ length: 20 * n }, (_, i) => Math.sin(i * i)) },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 3) },
  classes: 3,
});
const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;

function prepare(changes: ConfigInput) {
  const config = resolveConfig({
    rounds: 3,
    data: { clients: 5, partition: { scheme: "iid" } },
    model: { name: "logistic" },
    training: { batchSize: 4, learningRate: 0.1, localSteps: 2 },
    sampler: { cohort: 5 },
    ...changes,
  });
  return prepareRun(config, { train: part(60), test: part(6) }, identity, 0, "secure");
}

async function run(changes: ConfigInput) {
  const { plan, simulation } = prepare(changes);
  const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
  const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
  const secureAggregation = await simulatedSecureAggregation(plan);
  return runFederation(plan, { backend, evaluator, secureAggregation, ...stores, emit: () => {} });
}

const masked = { secureAggregation: { protocol: "bonawitz" } } as const;
const up = (...chain: string[]) => ({ compression: { up: chain } });

describe("linear operators under secure aggregation", () => {
  it("that keep everything give the model of a run without them", async () => {
    const whole = await run(masked);
    const compressed = await run({ ...masked, ...up("rand-k density=1") });
    expect(compressed.modelHash).toBe(whole.modelHash);
    const layered = await run({ ...masked, compression: { up: ["rand-k density=1"], scope: "layer" } });
    expect(layered.modelHash).toBe(whole.modelHash);
  });

  it.each([
    "count-sketch size=0.2",
    "srht size=0.2",
    "rand-k density=0.2",
  ])("are added in their own space, and undone once: %s", async (operator) => {
    const whole = await run(masked);
    const { history, modelHash } = await run({ ...masked, ...up(operator) });
    expect((await run({ ...masked, ...up(operator) })).modelHash).toBe(modelHash);
    expect(modelHash).not.toBe(whole.modelHash);
    for (const [r, { bytesUp, clients }] of history.entries()) {
      expect(clients).toBe(5);
      // 63 parameters, of which 12 numbers travel as masked integers of 4 bytes at most
      expect(whole.history[r]!.bytesUp - bytesUp).toBeGreaterThan(5 * 51 * 2);
    }
  });

  it("move the model by the transposed sketch of the mean sketch", async () => {
    // rand-k that is not scaled moves the drawn coordinates as the whole sum would, and no other
    const { plan } = prepare(masked);
    const start = plan.initial;
    const model = async (changes: ConfigInput) => {
      const checkpoints = memoryBlobStore();
      const { plan: one, simulation } = prepare({ rounds: 1, ...changes });
      const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
      let moved: ArrayLike<number> = [];
      const algorithm: typeof one.algorithm = {
        ...one.algorithm,
        update(state, aggregate, round) {
          const next = one.algorithm.update(state, aggregate, round);
          moved = next.vectors.parameters;
          return next;
        },
      };
      const secureAggregation = await simulatedSecureAggregation(one);
      const ports = { backend, evaluator, secureAggregation, checkpoints, clientStates: memoryClientStates() };
      await runFederation({ ...one, algorithm }, { ...ports, emit: () => {} });
      return moved;
    };
    const whole = await model(masked);
    const some = await model({ ...masked, ...up("rand-k density=0.25 scaled=false") });
    const changed = Array.from(some, (value, j) => value !== start[j]);
    expect(changed.filter(Boolean).length).toBeGreaterThan(8);
    expect(changed.filter(Boolean).length).toBeLessThanOrEqual(15);
    for (const [j, isMoved] of changed.entries()) {
      if (isMoved) expect(Math.abs(some[j]! - whole[j]!)).toBeLessThan(1e-3);
    }
  });
});

describe("what secure aggregation refuses of compression", () => {
  it.each([
    ["operators that are not linear", up("top-k density=0.1")],
    ["a chain of which one is not", up("rand-k density=0.5", "qsgd levels=4")],
    ["feedback", { compression: { up: ["rand-k density=0.5 scaled=false"], feedback: "ef14" as const } }],
  ])("%s", (_what, changes) => {
    expect(() => prepare({ ...masked, ...changes })).toThrow(/cannot be added, but for linear operators/);
  });

  it("linear operators beside privacy", () => {
    const privacy = {
      mechanism: "discrete-gaussian",
      clipNorm: 0.1,
      noiseMultiplier: 0.5,
      minimumSurvivors: 3,
    } as const;
    expect(() => prepare({ ...masked, privacy, ...up("count-sketch size=0.5") })).toThrow(/epsilon would be false/);
  });
});
