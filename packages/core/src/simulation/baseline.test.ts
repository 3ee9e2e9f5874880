import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { type Config, type ConfigInput, resolveConfig } from "../config/index.ts";
import type { ArrayDataset, TrainTest } from "../data/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import type { RunEvent } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { baselineConfig } from "./baseline.ts";
import { inProcessSimulation } from "./in-process.ts";
import { localModel } from "./local-only.ts";
import { type ExecutorIdentity, prepareRun } from "./prepare.ts";

const part = (n: number, of: Partial<ArrayDataset> = {}): ArrayDataset => ({
  name: "points",
  features: { dtype: "float", shape: [n, 2], data: Float32Array.from({ length: 2 * n }, (_, i) => Math.sin(i)) },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 3) },
  classes: 3,
  ...of,
});
const owners = Int32Array.from({ length: 30 }, (_, i) => (i < 14 ? 0 : i < 24 ? 1 : 2));
const data: TrainTest = { train: part(30, { groups: owners }), test: part(11) };
const identity: ExecutorIdentity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" };
const given: ConfigInput = {
  rounds: 3,
  data: { clients: 3, partition: { scheme: "natural" } },
  model: { name: "logistic" },
  training: { batchSize: 4, localEpochs: 2, learningRate: 0.1, momentum: 0.5 },
  sampler: { cohort: 2 },
};
const federation = resolveConfig({ ...given, algorithm: { name: "scaffold" } });

async function train(config: Config, trainTest = data) {
  const { plan, simulation } = prepareRun(config, trainTest, identity, 0, "t");
  const executor = interpreter();
  const { backend, evaluator, close } = await inProcessSimulation(simulation, executor);
  const clientStates = memoryClientStates();
  const events: RunEvent[] = [];
  const ports = { backend, evaluator, clientStates, checkpoints: memoryBlobStore() };
  const result = await runFederation(plan, { ...ports, emit: (event) => void events.push(event) });
  await close();
  const of = <T extends RunEvent["type"]>(type: T) =>
    events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);
  return { plan, simulation, evaluator, clientStates, result, of };
}

describe("the centralized baseline", () => {
  it("gives one client the examples of all, and the steps of a cohort", async () => {
    const { plan, simulation, of } = await train(baselineConfig(federation, "centralized"));
    if (simulation.train.kind !== "arrays") throw new Error("no arrays");
    expect([...simulation.train.rows].sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(simulation.train.offsets).toEqual(Int32Array.of(0, 30));
    expect(plan.population).toBe(1);
    // clients of 14, 10 and 6 examples: 2 passes in 4 + 3 + 2 batches, and 2 of 3 clients a round
    const steps = Math.round((2 * 2 * (4 + 3 + 2)) / 3);
    expect(of("round.finished").map((round) => round.steps)).toEqual([steps, steps, steps]);
    expect(of("run.started")).toMatchObject([{ algorithm: "centralized", baseline: "centralized", clients: 1 }]);
  });

  it("has the data hash of its federation, and exchanges nothing", async () => {
    const { plan, of } = await train(baselineConfig(federation, "centralized"));
    expect(plan.dataHash).toBe(prepareRun(federation, data, identity, 0, "t").plan.dataHash);
    for (const round of of("round.finished"))
      expect(round).toMatchObject({ bytesDown: 0, bytesUp: 0, largestMessage: 0 });
  });

  it("is FedAvg of one client that has all examples", async () => {
    const one = { ...data, train: part(30, { groups: new Int32Array(30) }) };
    const training = { batchSize: 4, localSteps: 12, learningRate: 0.1, momentum: 0.5 };
    const alone = resolveConfig({
      ...given,
      training,
      data: { clients: 1, partition: { scheme: "natural" } },
      sampler: { cohort: 1 },
    });
    const { result } = await train(alone, one);
    expect((await train(baselineConfig(federation, "centralized"))).result.modelHash).toBe(result.modelHash);
  });
});

describe("the local-only baseline", () => {
  const config = baselineConfig(federation, "local-only");

  it("trains every client as a federation of its own", async () => {
    const { plan, clientStates } = await train(config);
    for (const client of [0, 1, 2]) {
      const alone = await aloneAs(client);
      const model = localModel(plan.initial, await clientStates.load(client));
      for (const [i, value] of model.entries()) expect(value).toBeCloseTo(alone[i]!, 12);
    }
  });

  it("evaluates each client's own model", async () => {
    const { plan, evaluator, clientStates, of } = await train(config);
    const models = await Promise.all([0, 1, 2].map(async (i) => localModel(plan.initial, await clientStates.load(i))));
    const scores = [];
    for (const model of models) scores.push((await evaluator.evaluate(model)).score / 11);
    const last = of("evaluation").at(-1)!;
    expect(last.accuracy).toBeCloseTo(scores.reduce((a, b) => a + b) / 3, 12);
    expect(last.worstDecile).toBe(Math.min(...scores));
    for (const round of of("round.finished")) expect(round).toMatchObject({ clients: 3, bytesDown: 0, bytesUp: 0 });
  });

  it("evaluates on each client's hold-out where there is one", async () => {
    const { of } = await train(resolveConfig({ ...config, data: { ...config.data, holdout: 0.3 } }));
    expect(of("client.evaluation").at(-1)).toMatchObject({ round: 3, clients: [0, 1, 2] });
  });

  /** What a client's model is in a run of FedAvg in which it is the only one of the cohort. */
  async function aloneAs(client: number) {
    const prepared = prepareRun(resolveConfig({ ...given, sampler: { cohort: 1 } }), data, identity, 0, "t");
    const { backend, evaluator, close } = await inProcessSimulation(prepared.simulation, interpreter());
    const only = { sample: () => [client], rate: 1 };
    const plan = { ...prepared.plan, sampler: { ...prepared.plan.sampler, ...only } };
    const ports = { backend, evaluator, clientStates: memoryClientStates(), checkpoints: memoryBlobStore() };
    const { parameters } = await runFederation(plan, { ...ports, emit: () => {} });
    await close();
    return parameters;
  }
});

describe("baselineConfig", () => {
  it("leaves out privacy, methods and schedules, and keeps the data and the training", () => {
    const privacy = { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1 } as const;
    const config = resolveConfig({ ...given, privacy, sampler: { cohort: 1.5 } });
    const baseline = baselineConfig(config, "centralized");
    expect(baseline).toMatchObject({ baseline: "centralized", privacy: { mechanism: "none" }, data: config.data });
    expect(baseline.training).toEqual(config.training);
    expect(baseline.sampler.cohort).toBe(1.5);
  });

  it("counts the updates of an asynchronous round", () => {
    const schedule = { name: "buffered", buffer: 3 } as const;
    expect(baselineConfig(resolveConfig({ ...given, schedule }), "centralized").sampler.cohort).toBe(3);
    const alone = resolveConfig({ ...given, algorithm: { name: "async-fedavg" } });
    expect(baselineConfig(alone, "centralized").sampler.cohort).toBe(1);
  });

  it("makes a name for fine-tuning and keeps where it starts", () => {
    const config = baselineConfig(federation, "local-only", "/runs/a/model.safetensors");
    expect(config).toMatchObject({ name: "run-fine-tuned", model: { initialWeights: "/runs/a/model.safetensors" } });
  });

  it.each(["fedpipe", "fedspine"] as const)("has one rank, and nothing that %s chooses from", (controller) => {
    const choices: Record<typeof controller, ConfigInput["adapters"]> = {
      fedpipe: { select: 1, selectAfter: 2, batches: [2, 4], bits: [8, 32] },
      fedspine: { pruned: [0, 0.5], exploration: 1, timeWeight: 2 },
    };
    const config = resolveConfig({ adapters: { controller, rank: [1, 2], rule: "flexlora", ...choices[controller] } });
    const plain = resolveConfig({ adapters: { rank: 2 } });
    expect(baselineConfig(config, "centralized").adapters).toEqual(plain.adapters);
  });

  it.each([
    [{ algorithm: { name: "scaffold" } }, "algorithm.name"],
    [{ privacy: { mechanism: "gaussian" } }, "privacy.mechanism"],
    [{ secureAggregation: { protocol: "plain" } }, "secureAggregation.protocol"],
    [{ schedule: { name: "buffered" } }, "schedule.name"],
    [{ aggregation: { clipNorm: 1 } }, "aggregation.clipNorm"],
    [{ aggregation: { before: ["norm-bound"], norm: 1 } }, "aggregation.before"],
    [{ compression: { up: ["sign"] } }, "compression.up"],
    [{ compression: { down: ["qsgd levels=4"] } }, "compression.down"],
    [{ devices: { speed: "equal" } }, "devices.speed"],
  ] satisfies [ConfigInput, string][])("refuses %o in a baseline", (input, where) => {
    const make = () => resolveConfig({ baseline: "local-only", ...input });
    expect(make).toThrow(expect.objectContaining({ code: "config/conflict" }));
    expect(make).toThrow(where);
  });

  it("refuses to pool computed clients", () => {
    const config = resolveConfig({ baseline: "centralized", data: { dataset: "synthetic" } });
    const spec = { shape: [2], classes: 2, examples: 3, noise: 1 };
    const population = { kind: "synthetic", name: "synthetic", seed: 1, clients: 3, spec, test: part(4) } as const;
    expect(() => prepareRun(config, population, identity, 0, "t")).toThrow(
      expect.objectContaining({ code: "config/conflict" }),
    );
  });
});
