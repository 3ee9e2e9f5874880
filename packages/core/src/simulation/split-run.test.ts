import { constant, evaluate, interpreter, softmaxCrossEntropy, sum, valueAndGrad } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { errorNorms, pruneExamples } from "../adapters/index.ts";
import { exchangedBytes } from "../client/split-exchange.ts";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import { keptExamples } from "../heterogeneity/split-training.ts";
import { shortcutModel } from "../models/index.ts";
import { entryView } from "../params/layout.ts";
import { joinParameters } from "../params/standing.ts";
import { encodedSize } from "../protocol/message.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import type { EventOf, RunEvent } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { forLiveClients } from "./for-live-clients.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareRun } from "./prepare.ts";
import { pictures } from "./testing/pictures.ts";

const model = { name: "vit", patch: 2, width: 4, depth: 4, heads: 1 } as const;
const method = { name: "sfprompt" } as const;
const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;

function prepare(algorithm: ConfigInput["algorithm"] = method, more: ConfigInput = {}) {
  const config = resolveConfig({
    rounds: 3,
    data: { clients: 4, partition: { scheme: "iid" } },
    model,
    adapters: { prompts: 2 },
    algorithm,
    training: { batchSize: 4, localSteps: 3, learningRate: 0.1 },
    sampler: { cohort: 3 },
    ...more,
  });
  return { config, prepared: prepareRun(config, { train: pictures(41), test: pictures(6) }, identity, 0, "split") };
}

async function simulate(
  { plan, simulation }: ReturnType<typeof prepareRun>,
  { checkpoints = memoryBlobStore(), clientStates = memoryClientStates(), rounds = plan.rounds } = {},
) {
  const { backend, evaluator, close } = await inProcessSimulation(simulation, interpreter());
  const events: RunEvent[] = [];
  const ports = { backend, evaluator, checkpoints, clientStates, emit: (event: RunEvent) => void events.push(event) };
  const result = await runFederation({ ...plan, rounds, onClientFailure: "stop" }, ports);
  await close();
  const finished = events.filter((event): event is EventOf<"round.finished"> => event.type === "round.finished");
  return { result, finished, events };
}

describe("a run that splits its model", () => {
  it("trains and sends prompts and the tail alone", () => {
    const { plan } = prepare().prepared;
    const names = new Set(plan.layout.entries.map(({ block }) => block.split(".")[0]));
    expect([...names].sort()).toEqual(["block4", "head", "norm", "prompts"]);
    expect(plan.held!.split.personal.size).toBe(0);
    expect(plan.payloads.upload["delta"]!.layout.hash).toBe(plan.layout.hash);
    const alone = prepare(method, { adapters: {} }).prepared.plan.layout;
    expect(alone.size).toBe(plan.layout.size - 2 * 4);
  });

  it("is FedAvg of both, bit for bit, where nothing is dropped and nothing trains before", async () => {
    const frozen = ["!block4.*", "!norm", "!head"];
    const split = await simulate(prepare({ ...method, drop: 0, localLossEpochs: 0 }).prepared);
    const whole = await simulate(prepare({ name: "fedavg" }, { parameters: { frozen } }).prepared);
    expect(split.result.parameters).toEqual(whole.result.parameters);
    expect(split.result.parameters).not.toEqual(prepare().prepared.plan.initial);
    expect(split.finished.map(({ loss }) => loss)).toEqual(whole.finished.map(({ loss }) => loss));
    for (const options of [
      { drop: 0.4, localLossEpochs: 0 },
      { drop: 0, localLossEpochs: 1 },
    ]) {
      const other = await simulate(prepare({ ...method, ...options }).prepared);
      expect(other.result.parameters).not.toEqual(whole.result.parameters);
    }
  });

  it("counts the four messages of each batch, and the head once per client", async () => {
    const { prepared } = prepare({ ...method, drop: 0.3 });
    const { plan } = prepared;
    const { finished } = await simulate(prepared);
    const visited = new Set<number>();
    const head = plan.held!.split.frozen.entries.filter(({ block }) => /^(patches|positions|block1)/.test(block));
    const headSize = head.reduce((size, entry) => size + entry.size, 0);
    expect(headSize).toBeGreaterThan(100);
    const sizes = [11, 10, 10, 10];
    const rng = await cohorts(prepared);
    const message = (vectors: Record<string, number>) =>
      encodedSize({
        round: 1,
        vectors: Object.fromEntries(Object.entries(vectors).map(([name, n]) => [name, new Float64Array(n)])),
        scalars: {},
      });
    for (const [i, { bytesDown, bytesUp, largestMessage }] of finished.entries()) {
      let [down, up] = [0, 0];
      for (const client of rng[i]!) {
        const isNew = !visited.has(client);
        visited.add(client);
        down += message({ parameters: plan.layout.size, ...(isNew ? { head: headSize } : {}) });
        const exchange = { activation: [6, 4], split: { drop: 0.3 }, batchSize: 4 };
        const counted = exchangedBytes(exchange, { examples: sizes[client]!, steps: 3 }, "float64");
        down += counted.bytesDown;
        up += counted.bytesUp;
        up += encodedSize({
          ...{ round: 1, client, layoutHash: plan.layout.hash, vectors: { delta: new Float64Array(plan.layout.size) } },
          public: { examples: 10, steps: 3, weight: 1, loss: 1 },
        });
      }
      expect(bytesDown).toBe(down);
      expect(bytesUp).toBe(up);
      expect(largestMessage).toBeGreaterThan(4 * 24 * 8);
    }
    expect(visited.size).toBe(4);
  });

  it("gives the same bits and bytes after it is resumed", async () => {
    const all = await simulate(prepare().prepared);
    const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    await simulate(prepare().prepared, { ...stores, rounds: 1 });
    const rest = await simulate(prepare().prepared, stores);
    expect(rest.result.parameters).toEqual(all.result.parameters);
    const bytes = ({ bytesDown, bytesUp }: { bytesDown: number; bytesUp: number }) => [bytesDown, bytesUp];
    expect(rest.finished.map(bytes)).toEqual(all.finished.slice(1).map(bytes));
  });

  it("reports the work of client and server apart", () => {
    const about = (algorithm: ConfigInput["algorithm"], more: ConfigInput = {}) =>
      prepare(algorithm, more).prepared.plan.description as {
        flopsPerStep: number;
        flopsPerTask: number;
        serverFlopsPerStep?: number;
      };
    const frozen = ["!block4.*", "!norm", "!head"];
    const whole = about({ name: "fedavg" }, { parameters: { frozen } });
    const split = about({ ...method, drop: 0, localLossEpochs: 0 });
    expect(whole.serverFlopsPerStep).toBeUndefined();
    expect(split.flopsPerStep + split.serverFlopsPerStep!).toBeCloseTo(whole.flopsPerStep, 6);
    // two of four blocks, whose weights have no gradients, are less than half of the work
    expect(split.serverFlopsPerStep! / whole.flopsPerStep).toBeGreaterThan(0.3);
    expect(split.serverFlopsPerStep! / whole.flopsPerStep).toBeLessThan(0.5);
    // three batches of about ten examples in each pass through head and tail, and their scores
    const before = about({ ...method, drop: 0, localLossEpochs: 2 }).flopsPerTask - split.flopsPerTask;
    expect(before / split.flopsPerStep).toBeGreaterThan(5);
    expect(before / split.flopsPerStep).toBeLessThan(7);
    const scores = about({ ...method, drop: 0.4, localLossEpochs: 0 }).flopsPerTask - split.flopsPerTask;
    expect(scores).toBeGreaterThan(split.flopsPerStep / 2);
    const random = about({ ...method, drop: 0.4, keep: "random", localLossEpochs: 0 }).flopsPerTask;
    expect(random - split.flopsPerTask).toBeLessThan(scores / 10);
  });

  it.each<["privacy" | "secureAggregation", ConfigInput, RegExp]>([
    [
      "privacy",
      {
        privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 },
        sampler: { name: "poisson", cohort: 3 },
      },
      /activations of their examples.*epsilon would not cover them/s,
    ],
    [
      "privacy",
      {
        privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 0, delta: 1e-3 },
        sampler: { name: "poisson", cohort: 3 },
      },
      /epsilon would not cover them/,
    ],
    [
      "secureAggregation",
      { secureAggregation: { protocol: "plain" } },
      /activations of their examples.*a sum of updates would hide nothing/s,
    ],
  ])("is refused with [%s]", (_section, more, message) => {
    expect(() => prepare(method, more)).toThrow(message);
  });

  it.each<[string, ConfigInput, ConfigInput["algorithm"]?]>([
    ["parameters.personal", { parameters: { personal: "head" } }],
    ["parameters.frozen", { parameters: { frozen: "!head" } }],
    ["adapters.rank", { adapters: { rank: 2 } }],
    ["adapters.bottleneck", { adapters: { bottleneck: 2 } }],
    ["model.norm", { adapters: {}, model: { name: "mlp", hidden: [4, 4, 4, 4], norm: "batch" } }],
    ["training.curriculum.order", { training: { localSteps: 1, curriculum: { order: "random" } } }],
    ["training.upSampling.rounds", { training: { localSteps: 1, upSampling: { rounds: 1 } } }],
    ["training.loss.margin", { training: { localSteps: 1, loss: { margin: 0.1 } } }],
    ["training.alignment.gradient", { training: { localSteps: 1, alignment: { gradient: 0.1 } } }],
    ["training.calibration.samples", { training: { localSteps: 1, calibration: { samples: 5 } } }],
    ["compression.down", { compression: { down: ["qsgd levels=4"] } }],
    ["data.unlabelled", { data: { clients: 4, unlabelled: { share: 0.5 } } }],
  ])("is refused with %s: %o", (key, more, algorithm = method) => {
    expect(() => prepare(algorithm, more)).toThrow(
      expect.objectContaining({ code: "config/conflict", message: expect.stringContaining(key) }),
    );
  });

  it.each<[string, ConfigInput, ConfigInput["algorithm"]?]>([
    ["no blocks", { adapters: {}, model: { name: "cnn-28x28" } }],
    ["blocks of several widths", { adapters: {}, model: { name: "mlp", hidden: [4, 5, 4, 4] } }],
    ["no body", {}, { ...method, headBlocks: 2, tailBlocks: 2 }],
  ])("is refused for a model with %s", (_what, more, algorithm = method) => {
    const fit = more.model?.name === "cnn-28x28" ? { model: { name: "logistic" } as const } : {};
    expect(() => prepare(algorithm, { ...more, ...fit })).toThrow(expect.objectContaining({ code: "model/cut" }));
  });

  it("is refused in a live run, with the reason", () => {
    const { prepared, config } = prepare();
    expect(() => forLiveClients(prepared, config)).toThrow(/in a live run.*four messages with the server/s);
  });
});

/** Clients of each round, as the sampler picks them. */
async function cohorts({ plan, simulation }: ReturnType<typeof prepareRun>): Promise<number[][]> {
  const { backend, evaluator, close } = await inProcessSimulation(simulation, interpreter());
  const found = new Map<number, number[]>();
  const ports = {
    ...{ evaluator, checkpoints: memoryBlobStore(), clientStates: memoryClientStates(), emit() {} },
    backend: {
      ...backend,
      submit(order: Parameters<typeof backend.submit>[0]) {
        found.set(order.version, [...(found.get(order.version) ?? []), order.client]);
        backend.submit(order);
      },
    },
  };
  await runFederation(plan, ports);
  await close();
  return [...found.values()];
}

describe("a client's round", () => {
  const all: ConfigInput = {
    rounds: 1,
    sampler: { cohort: 4 },
    training: { batchSize: 20, localSteps: 1, learningRate: 0.5 },
  };

  it.each([
    "hardest",
    "easiest",
  ] as const)("steps through the whole model on the %s by the shortcut's EL2N", async (keep) => {
    const drop = 0.3;
    const { prepared } = prepare({ ...method, keep, drop, localLossEpochs: 0 }, all);
    const { plan, simulation, model: whole } = prepared;
    const { result } = await simulate(prepared);
    const short = shortcutModel(whole, { headBlocks: 1, tailBlocks: 1 });
    const values = joinParameters(plan.held!, plan.initial);
    const tensors = (vector: typeof values) =>
      Object.fromEntries(
        plan.held!.split.whole.entries.map((entry) => [
          entry.name,
          constant(Array.from(entryView(vector, entry)), entry.shape),
        ]),
      );
    const source = simulation.train as Extract<typeof simulation.train, { kind: "arrays" }>;
    const mean = new Float64Array(plan.layout.size);
    let total = 0;
    for (let client = 0; client < 4; client++) {
      const rows = Array.from(source.rows.subarray(source.offsets[client], source.offsets[client + 1]));
      const take = (kept: readonly number[]) => ({
        x: constant(
          kept.flatMap((row) => Array.from(source.features.data.slice(16 * row, 16 * (row + 1)))),
          [kept.length, 1, 4, 4],
        ),
        y: constant(
          kept.map((row) => source.labels.data[row]!),
          [kept.length],
          "int32",
        ),
      });
      const { x, y } = take(rows);
      const scores = Array.from(evaluate(errorNorms(short.forward(tensors(values), x), y)).data);
      const kept = pruneExamples(scores, drop, keep).map((place) => rows[place]!);
      expect(kept.length).toBe(keptExamples(rows.length, drop));
      const seen = take(kept);
      const { gradients } = valueAndGrad(
        (parameters: ReturnType<typeof tensors>) => sum(softmaxCrossEntropy(whole.forward(parameters, seen.x), seen.y)),
        tensors(values),
      );
      total += rows.length;
      for (const entry of plan.layout.entries) {
        const { data } = evaluate(gradients[entry.name]!);
        for (let i = 0; i < entry.size; i++) mean[entry.offset + i]! -= (rows.length * 0.5 * data[i]!) / kept.length;
      }
    }
    for (const [i, value] of result.parameters.entries())
      expect(value).toBeCloseTo(plan.initial[i]! + mean[i]! / total, 10);
  });

  it("begins where passes through its own parts end", async () => {
    // no step through the body moves anything at rate 0, so both rates cannot be told apart: compare with one step of the shortcut
    const { prepared } = prepare({ ...method, drop: 0, localLossEpochs: 1 }, all);
    const { plan, model: whole } = prepared;
    const short = shortcutModel(whole, { headBlocks: 1, tailBlocks: 1 });
    const source = prepared.simulation.train as Extract<typeof prepared.simulation.train, { kind: "arrays" }>;
    const names = new Set(plan.layout.entries.map(({ name }) => name));
    const start = joinParameters(plan.held!, plan.initial);
    const mean = new Float64Array(plan.layout.size);
    for (let client = 0; client < 4; client++) {
      const rows = Array.from(source.rows.subarray(source.offsets[client], source.offsets[client + 1]));
      const x = constant(
        rows.flatMap((row) => Array.from(source.features.data.slice(16 * row, 16 * (row + 1)))),
        [rows.length, 1, 4, 4],
      );
      const y = constant(
        rows.map((row) => source.labels.data[row]!),
        [rows.length],
        "int32",
      );
      let values = Object.fromEntries(
        plan.held!.split.whole.entries.map((entry) => [
          entry.name,
          { shape: entry.shape, data: Array.from(entryView(start, entry)) },
        ]),
      );
      // all examples are one batch: a step without the body, then one with it
      for (const network of [short, whole]) {
        const tensors = Object.fromEntries(
          network.parameters.map(({ name }) => [name, constant(values[name]!.data, values[name]!.shape)]),
        );
        const { gradients } = valueAndGrad(
          (parameters: typeof tensors) => sum(softmaxCrossEntropy(network.forward(parameters, x), y)),
          tensors,
        );
        values = Object.fromEntries(
          Object.entries(values).map(([name, { shape, data }]) => {
            if (!names.has(name)) return [name, { shape, data }];
            const slope = evaluate(gradients[name]!).data;
            return [name, { shape, data: data.map((value, i) => value - (0.5 * slope[i]!) / rows.length) }];
          }),
        );
      }
      for (const entry of plan.layout.entries)
        for (let i = 0; i < entry.size; i++)
          mean[entry.offset + i]! += (rows.length / 41) * values[entry.name]!.data[i]!;
    }
    const { result } = await simulate(prepared);
    for (const [i, value] of result.parameters.entries()) expect(value).toBeCloseTo(mean[i]!, 10);
  });

  it("is on other examples for each seed where they are random", async () => {
    const random = { ...method, keep: "random", drop: 0.5, localLossEpochs: 0 } as const;
    const runs = [1, 2].map((seed) => prepare(random, { ...all, seed }).prepared);
    const [hard] = [prepare({ ...random, keep: "hardest" }, { ...all, seed: 1 }).prepared];
    const [a, again, b, c] = [
      await simulate(runs[0]!),
      await simulate(runs[0]!),
      await simulate(runs[1]!),
      await simulate(hard),
    ];
    expect(a.result.modelHash).toBe(again.result.modelHash);
    expect(new Set([a, b, c].map(({ result }) => result.modelHash)).size).toBe(3);
  });
});
