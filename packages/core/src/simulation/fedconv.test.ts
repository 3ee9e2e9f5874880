import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import type { PublicTask } from "../algorithms/public-training.ts";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import { smallSimulation } from "../conformance/small-live-run.ts";
import { linear } from "../models/index.ts";
import { layout } from "../params/layout.ts";
import { deriveKey, permutation, randomStream, rootKey } from "../random/index.ts";
import type { Outcome } from "../round/backend.ts";
import { type BlobStore, memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { baselineConfig } from "./baseline.ts";
import { openFederation } from "./federation.ts";
import { forLiveClients } from "./for-live-clients.ts";
import { inProcessSimulation } from "./in-process.ts";
import { openPublicTrainer } from "./public-trainer.ts";

const method = { name: "fedconv", ratios: [1, 0.5], serverEpochs: 1, mapEpochs: 2, factorEpochs: 2, publicBatch: 2 };
const data = { clients: 4, partition: { scheme: "iid" }, publicExamples: 5 } as const;

function prepare(more: ConfigInput = {}, options: object = {}) {
  return smallSimulation(
    { ...method, ...options },
    { rounds: 3, model: { name: "mlp", hidden: [6] }, sampler: { cohort: 4 }, data, ...more },
  );
}

async function run(checkpoints: BlobStore, rounds: number, options: object = {}) {
  const { plan, simulation, publicTraining } = prepare({}, options).prepared;
  const executor = interpreter();
  const { backend, evaluator, close } = await inProcessSimulation(simulation, executor);
  const training = openPublicTrainer(publicTraining, executor);
  const outcomes: Outcome[] = [];
  const spied: typeof backend = {
    ...backend,
    async outcome(id) {
      const outcome = await backend.outcome(id);
      outcomes.push(outcome);
      return outcome;
    },
  };
  const ports = { backend: spied, evaluator, checkpoints, clientStates: memoryClientStates(), emit() {} };
  const result = await runFederation({ ...plan, rounds }, { ...ports, trainer: training?.trainer });
  await training?.close();
  await close();
  return { plan, result, outcomes };
}

describe("fedconv", () => {
  it("sends clients models of their own sizes and gets them back", async () => {
    const { plan, outcomes, result } = await run(memoryBlobStore(), 1);
    const size = (hidden: number) => 2 * hidden + hidden + 3 * hidden + 3;
    const sent = outcomes.map((outcome) => ("update" in outcome ? outcome.update.vectors["delta"]!.length : 0));
    expect(sent).toEqual([size(6), size(3), size(6), size(3)]);
    expect(plan.layout.size).toBe(size(6));
    expect(Array.from(result.parameters).every(Number.isFinite)).toBe(true);
  });

  it("continues bit for bit from a checkpoint", async () => {
    const whole = await run(memoryBlobStore(), 3);
    const checkpoints = memoryBlobStore();
    await run(checkpoints, 2);
    expect((await run(checkpoints, 3)).result.modelHash).toBe(whole.result.modelHash);
  });

  it("is the mean of the clients' models where nothing is learned and all have the whole model", async () => {
    const off = { ratios: [1], serverEpochs: 0, mapEpochs: 0, factorEpochs: 0, factorStart: "ones" };
    const { result } = await run(memoryBlobStore(), 3, off);
    const { plan, simulation } = smallSimulation(
      { name: "fedavg" },
      { rounds: 3, model: { name: "mlp", hidden: [6] }, sampler: { cohort: 4 }, data },
    ).prepared;
    const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
    const ports = { backend, evaluator, checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    const plain = await runFederation(plan, { ...ports, emit() {} });
    for (const [j, value] of result.parameters.entries()) expect(value).toBeCloseTo(plain.parameters[j]!, 12);
  });

  it("needs a trainer", async () => {
    const { plan, simulation } = prepare().prepared;
    const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
    const ports = { backend, evaluator, checkpoints: memoryBlobStore(), clientStates: memoryClientStates(), emit() {} };
    await expect(runFederation(plan, ports)).rejects.toThrow(/nothing trains for it/);
  });
});

describe("labels of public examples", () => {
  it("are given to methods alone that declare that their server trains on them", () => {
    const { prepared } = prepare();
    expect(prepared.publicTraining!.examples.labels.shape).toEqual([5]);
    expect(prepared.simulation.task.publicFeatures).toBeUndefined();
    for (const name of ["fedavg", "knfu"]) {
      const other = smallSimulation({ name }, { data, sampler: { cohort: 4 } }).prepared;
      expect(other.publicTraining).toBeUndefined();
      expect(JSON.stringify(Object.keys(other.simulation))).not.toContain("public");
    }
  });

  it("are of examples that leave the test set", () => {
    const { prepared } = prepare();
    const test = prepared.simulation.test;
    if (test.kind !== "arrays") throw new Error("in memory");
    expect([test.features.shape[0], prepared.publicTraining!.examples.features.shape[0]]).toEqual([4, 5]);
  });
});

/** y = w x + c on one input: the mean squared error and its slopes by hand. */
describe("the trainer of a server", () => {
  const [x, y] = [
    [1, -0.5, 0.3, 2, -1.2, 0.7],
    [0.4, 1, -0.6, 0.9, -2, 0.1],
  ];
  const model = linear({ input: [1], inputType: "float", labelType: "float" });
  const of = layout(model.parameters);
  const floats = (values: readonly number[], shape: readonly number[]) =>
    ({ dtype: "float", shape, data: Float64Array.from(values) }) as const;
  const parts = {
    ...{ model, layout: of, subModels: undefined, seed: 3 },
    examples: { features: floats(x!, [6, 1]), labels: floats(y!, [6]) },
  };
  const task: PublicTask = { name: "fit", model, made: of, trained: of, given: {}, make: (trained) => trained };
  const start = { trained: Float64Array.of(0.2, -0.1), given: {} }; // bias, weight
  const held = (validation: number) =>
    Array.from(permutation(randomStream(deriveKey(rootKey(3), "public-training", "validation")), 6)).slice(
      0,
      Math.floor(validation * 6),
    );
  const lossOf = ([bias, weight]: readonly number[], rows: readonly number[]) =>
    rows.reduce((sum, i) => sum + (bias! + weight! * x![i]! - y![i]!) ** 2, 0) / rows.length;

  /** Parameters after every epoch; all examples that are not held back are one mini-batch. */
  function byHand(validation: number, epochs: number, rate: number): number[][] {
    const out = held(validation);
    const rows = [0, 1, 2, 3, 4, 5].filter((i) => !out.includes(i));
    let at = [0.2, -0.1];
    const [m, v] = [
      [0, 0],
      [0, 0],
    ];
    return Array.from({ length: epochs }, (_, k) => {
      const errors = rows.map((i) => at[0]! + at[1]! * x![i]! - y![i]!);
      const mean = (factor: (row: number) => number) =>
        rows.reduce((sum, row, i) => sum + 2 * errors[i]! * factor(row), 0) / rows.length;
      const g = [mean(() => 1), mean((row) => x![row]!)];
      at = at.map((value, j) => {
        m[j] = 0.9 * m[j]! + 0.1 * g[j]!;
        v[j] = 0.999 * v[j]! + 0.001 * g[j]! ** 2;
        const [first, second] = [m[j]! / (1 - 0.9 ** (k + 1)), v[j]! / (1 - 0.999 ** (k + 1))];
        return value - (rate * first) / (Math.sqrt(second) + 1e-8);
      });
      return at;
    });
  }

  it.each([
    [0, 5, 0.05],
    [0.34, 12, 0.6],
    [0.5, 9, 0.9],
  ])("keeps the epoch of the lowest loss on the hold-out: %f", async (validation, epochs, rate) => {
    const open = openPublicTrainer(parts, interpreter())!;
    const settings = { epochs, learningRate: rate, batchSize: 6, validation, path: ["x"] };
    const { trained, made } = await open.trainer.train(task, start, settings);
    const steps = byHand(validation, epochs, rate);
    const losses = steps.map((at) => lossOf(at, held(validation)));
    const best = validation === 0 ? epochs - 1 : losses.indexOf(Math.min(...losses));
    expect(Array.from(trained)).toEqual(steps[best]!.map((value) => expect.closeTo(value, 9)));
    expect(made).toEqual(trained);
    await open.close();
  });

  it("makes parameters without training for 0 epochs", async () => {
    const open = openPublicTrainer(parts, interpreter())!;
    const settings = { epochs: 0, learningRate: 1, batchSize: 6, validation: 0.5, path: [] };
    const { trained, made } = await open.trainer.train(task, start, settings);
    expect([trained, made]).toEqual([start.trained, start.trained]);
    await open.close();
  });
});

describe("refused", () => {
  it.each<[string, ConfigInput, RegExp]>([
    ["no public examples", { data: { clients: 4, partition: { scheme: "iid" } } }, /data.publicExamples.*nothing/s],
    ["compression", { compression: { up: ["top-k density=0.1"] } }, /compression.up/],
    ["personal layers", { parameters: { personal: "head" } }, /parameters.personal/],
    [
      "privacy",
      { privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 } },
      /privacy.mechanism.*send parts/s,
    ],
    ["secure aggregation", { secureAggregation: { protocol: "bonawitz", range: 1 } }, /secureAggregation.*send parts/s],
    ["robust rules", { aggregation: { rule: "median", weighting: "uniform" } }, /aggregation.rule/],
    [
      "rounds without waiting",
      { schedule: { name: "buffered", buffer: 2 }, devices: { speed: "equal" } },
      /schedule.name.*send parts/s,
    ],
    ["attacks", { attack: { name: "sign-flip" } }, /attack.name/],
    ["a model without hidden units", { model: { name: "logistic" } }, /no hidden units/],
  ])("with fedconv: %s", (_name, input, message) => {
    expect(() => prepare(input)).toThrow(message);
  });

  it("are live clients", () => {
    const { prepared, config } = prepare();
    expect(() => forLiveClients(prepared, config)).toThrow(/one model for all/);
  });
});

describe("the public-only baseline", () => {
  it("trains one client on the public examples with their labels, and as many steps as a cohort", () => {
    const { config, prepared } = prepare();
    const baseline = baselineConfig(config, "public-only");
    const { train, test } = { train: prepared.federation.dataset!.train, test: prepared.federation.dataset!.test };
    // the test set has lost the public examples already
    const more = { ...baseline, data: { ...baseline.data, publicExamples: 2 } };
    const federation = openFederation(more, { train, test });
    const source = federation.sources(prepared.model, "float64");
    if (source.train.kind !== "arrays") throw new Error("in memory");
    expect([federation.clients, federation.examplesHeld.total, source.train.features.shape[0]]).toEqual([1, 2, 2]);
    expect(Array.from(source.train.labels.data)).toEqual(Array.from(source.publicSet!.labels.data));
  });

  it("is refused without public examples and with hidden labels", () => {
    const make = (given: object) => () =>
      resolveConfig({ baseline: "public-only", data: { clients: 4, ...given }, sampler: { cohort: 4 } });
    expect(make({})).toThrow(/data.publicExamples/);
    expect(make({ publicExamples: 5, unlabelled: { share: 0.5 } })).toThrow(/data.unlabelled/);
    expect(make({ publicExamples: 5 })).not.toThrow();
  });
});
