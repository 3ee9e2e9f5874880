import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import type { ArrayDataset } from "../data/index.ts";
import { entryView } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { personalModel } from "../round/personal-models.ts";
import { runFederation } from "../round/run.ts";
import { denseWeights } from "../submodels/index.ts";
import { forLiveClients } from "./for-live-clients.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareRun } from "./prepare.ts";
import { recording } from "./trace-federation.ts";

const part = (n: number): ArrayDataset => ({
  name: "mine",
  features: { dtype: "float", shape: [n, 10], data: Float32Array.from({ length: 10 * n }, (_, i) => Math.sin(i * i)) },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 3) },
  classes: 3,
});

function prepare(input: ConfigInput) {
  const config = resolveConfig({
    rounds: 4,
    data: { clients: 3, partition: { scheme: "iid" } },
    model: { name: "mlp", hidden: [40] },
    sampler: { cohort: 3 },
    ...input,
    training: { batchSize: 2, localSteps: 3, learningRate: 0.2, ...input.training },
  });
  const executor = { name: "none", version: "", fingerprint: "", float: "float32" } as const;
  return { config, prepared: prepareRun(config, { train: part(18), test: part(6) }, executor, 0, "masked") };
}

/** The run with messages of float32 on the interpreter: models after each round and before the first, and what it cost. */
async function run(input: ConfigInput) {
  const executor = { ...interpreter(), float: "float32" as const };
  const { plan: made, simulation } = prepare(input).prepared;
  const models: Vector[] = [made.algorithm.init(made.initial, made.layout).vectors.parameters];
  const algorithm = recording(made.algorithm, (parameters) => models.push(Float32Array.from(parameters)));
  const plan = { ...made, algorithm };
  const { backend, evaluator, close } = await inProcessSimulation(simulation, executor);
  const clientStates = memoryClientStates();
  const ports = { checkpoints: memoryBlobStore(), clientStates, emit: () => {} };
  const { history } = await runFederation(plan, { backend, evaluator, ...ports });
  await close();
  return { plan, models, history, clientStates };
}

const places = (model: Vector) => [...model.keys()].filter((j) => model[j] !== 0);

describe("AutoFLIP", () => {
  const D = 10 * 40 + 40 + 40 * 3 + 3;

  it("ends where nobody explored, and not where nothing is to be pruned", async () => {
    const absent = { sampler: { name: "poisson" as const, cohort: 0.5 }, rounds: 8, seed: 1 };
    const ended = run({ ...absent, algorithm: { name: "autoflip" } });
    await expect(ended).rejects.toThrow(/no client explored.*algorithm.pruned = 0/s);
    const { history } = await run({ ...absent, algorithm: { name: "autoflip", pruned: 0 } });
    expect(history[0]!.clients).toBe(0);
    expect(history.some(({ clients }) => clients > 0)).toBe(true);
  });

  it("prunes a share in the first round, for ever, and sends no more than the rest", async () => {
    const { models, history } = await run({
      algorithm: { name: "autoflip", pruned: 0.6, dropShare: 1, serverMomentum: 0 },
    });
    const kept = places(models[1]!);
    expect(kept.length).toBeLessThanOrEqual(0.4 * D + 1);
    expect(kept.length).toBeGreaterThan(0.2 * D);
    expect(places(models[0]!).length).toBe(D);
    for (const model of models.slice(2)) {
      expect(places(model)).toEqual(kept);
      expect(model).not.toEqual(models[1]);
    }
    const floats = 4 * kept.length + Math.ceil(D / 8);
    for (const { bytesDown, bytesUp } of history.slice(1)) {
      for (const bytes of [bytesDown, bytesUp]) {
        expect(bytes / 3).toBeLessThan(floats + 600);
        expect(bytes / 3).toBeGreaterThan(0.95 * floats);
      }
    }
    expect(history[0]!.bytesUp / 3).toBeGreaterThan(4 * D);
  });

  it("drops units with their biases and outgoing weights", async () => {
    const { models, plan } = await run({ rounds: 1, algorithm: { name: "autoflip", pruned: 0.7, dropShare: 0.6 } });
    const of = (name: string) => entryView(models[1]!, plan.layout.entries.find((entry) => entry.name === name)!);
    const gone = [...of("dense1.bias").keys()].filter((unit) =>
      Array.from({ length: 10 }, (_, i) => of("dense1.weight")[i * 40 + unit]).every((value) => value === 0),
    );
    expect(gone.length).toBeGreaterThan(0);
    for (const unit of gone) {
      expect(of("dense1.bias")[unit]).toBe(0);
      expect(Array.from(of("dense2.weight").subarray(unit * 3, unit * 3 + 3))).toEqual([0, 0, 0]);
    }
  });

  it("is FedAvg, bit for bit, with nothing to prune and no momentum", async () => {
    const ours = await run({ algorithm: { name: "autoflip", pruned: 0, serverMomentum: 0 } });
    const fedavg = await run({ algorithm: { name: "fedavg" } });
    expect(ours.models.at(-1)).toEqual(fedavg.models.at(-1));
  });
});

describe("HideNseek", () => {
  const WEIGHTS = 10 * 40 + 40 * 3;
  const algorithm = { name: "hidenseek", keep: 0.3, scoreScale: 0.01 };

  it("sends a bit for each kept weight", async () => {
    const { history } = await run({ algorithm });
    const bits = Math.ceil((0.3 * WEIGHTS) / 8);
    const last = history.at(-1)!;
    const empty = await run({ algorithm: { ...algorithm, keep: 8.1 / WEIGHTS } });
    const envelope = empty.history.at(-1)!;
    // 4 bytes say how long a sign is
    expect((last.bytesUp - envelope.bytesUp) / 3).toBeCloseTo(bits - 1, -1);
    expect((last.bytesDown - envelope.bytesDown) / 3).toBeCloseTo(bits - 1, -1);
    // the weights, and which they are, go down once
    const once = 4 * Math.floor(0.3 * WEIGHTS) + Math.ceil((WEIGHTS + 43) / 8);
    const more = (history[0]!.bytesDown - history[1]!.bytesDown) / 3;
    expect(more).toBeGreaterThan(once - 100);
    expect(more).toBeLessThan(once + 200);
  });

  it("changes signs and no sizes; what is pruned stays away", async () => {
    const { models } = await run({ rounds: 6, algorithm });
    const sizes = (model: Vector) => Array.from(model, Math.abs);
    for (const model of models.slice(1)) expect(sizes(model)).toEqual(sizes(models[0]!));
    expect(places(models[0]!).length).toBe(Math.floor(0.3 * WEIGHTS));
    expect(models.at(-1)).not.toEqual(models[0]);
  });

  it("leaves clients with signs of their own", async () => {
    const { plan, models, clientStates } = await run({ rounds: 6, algorithm });
    const global = models.at(-1)!;
    const own = await Promise.all(
      [0, 1, 2].map(async (client) => personalModel(plan, global, await clientStates.load(client))),
    );
    for (const model of own) {
      expect(Array.from(model, Math.abs)).toEqual(Array.from(global, Math.abs));
      expect(model).not.toEqual(global);
    }
    expect(own[0]).not.toEqual(own[1]);
  });

  it("knows the weights of a chain of dense layers", async () => {
    const { plan } = await run({ rounds: 1, algorithm });
    expect(denseWeights(plan.layout).map(({ name }) => name)).toEqual(["dense1.weight", "dense2.weight"]);
  });
});

describe("what masks cannot do", () => {
  const [autoflip, hidenseek] = [{ name: "autoflip" }, { name: "hidenseek" }];
  const gaussian = { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 } as const;
  const secure = { protocol: "bonawitz", range: 1 } as const;
  const buffered = { schedule: { name: "buffered", buffer: 2 }, devices: { speed: "equal" } } as const;
  const topK = ["top-k density=0.1"];
  it.each<[string, ConfigInput, RegExp]>([
    ["AutoFLIP compressed up", { algorithm: autoflip, compression: { up: topK } }, /compression\.up.*\[\]/s],
    ["AutoFLIP compressed down", { algorithm: autoflip, compression: { down: topK } }, /compression\.down.*\[\]/s],
    [
      "AutoFLIP with privacy",
      { algorithm: autoflip, privacy: gaussian },
      /privacy\.mechanism.*"autoflip".*Choose another/s,
    ],
    ["AutoFLIP in secure sums", { algorithm: autoflip, secureAggregation: secure }, /secureAggregation.*"autoflip"/s],
    ["AutoFLIP without waiting", { algorithm: autoflip, ...buffered }, /schedule\.name.*send/s],
    ["HideNseek compressed up", { algorithm: hidenseek, compression: { up: topK } }, /compression\.up.*\[\]/s],
    [
      "HideNseek compressed down",
      { algorithm: hidenseek, compression: { down: topK } },
      /hidenseek.*whose model travels/s,
    ],
    ["HideNseek with privacy", { algorithm: hidenseek, privacy: gaussian }, /privacy\.mechanism.*keep scores/s],
    [
      "HideNseek in secure sums",
      { algorithm: hidenseek, secureAggregation: secure },
      /secureAggregation.*keep scores/s,
    ],
    ["HideNseek without waiting", { algorithm: hidenseek, ...buffered }, /schedule\.name.*send their models/s],
    ["HideNseek with adapters", { algorithm: hidenseek, adapters: { rank: 2 } }, /chain of dense layers/],
    [
      "HideNseek on convolutions",
      { algorithm: hidenseek, model: { name: "logistic" }, parameters: { frozen: ["linear.weight"] } },
      /chain of dense layers/,
    ],
    ["HideNseek of no weight", { algorithm: { ...hidenseek, keep: 1e-6 } }, /no weight.*keep/s],
  ])("is refused: %s", (_name, input, message) => {
    expect(() => prepare(input)).toThrow(message);
  });

  it("is refused for live clients of HideNseek", () => {
    const { prepared, config } = prepare({ algorithm: hidenseek });
    expect(() => forLiveClients(prepared, config)).toThrow(/"hidenseek".*a method that sends its model to all/s);
  });
});
