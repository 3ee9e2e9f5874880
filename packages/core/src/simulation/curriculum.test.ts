import { constant, evaluate, interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { errorNorms, pruneExamples } from "../adapters/index.ts";
import { examplesOf, placesOf } from "../client/curriculum.ts";
import type { ConfigInput } from "../config/index.ts";
import { resolveConfig } from "../config/index.ts";
import { simulateSmall, smallRun, smallSimulation } from "../conformance/small-live-run.ts";
import { type ArrayDataset, instructions } from "../data/index.ts";
import { easiestFirst, visibleExamples } from "../heterogeneity/index.ts";
import { rootKey } from "../random/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareRun } from "./prepare.ts";

describe("placesOf", () => {
  const values = [0.5, 0.1, 0.5, -2, 0.1];
  const places = (order: "easy-first" | "hard-first") =>
    Array.from(evaluate(placesOf(constant(values, [5]), constant([0, 1, 2, 3, 4], [5]), order)).data);

  it("are places in ascending order, of equal values the first before the later", () => {
    const order = easiestFirst(values);
    expect(places("easy-first")).toEqual(values.map((_, row) => order.indexOf(row)));
  });

  it("are the exact reverse the other way", () => {
    expect(places("hard-first")).toEqual(places("easy-first").map((place) => 4 - place));
  });
});

it("examples of a round grow from a part to all, and stay", () => {
  const curriculum = { order: "easy-first", pacing: "linear", a: 0.5, b: 0.2, horizon: 8 } as const;
  expect([1, 2, 3, 4, 5, 8].map((round) => examplesOf(curriculum, round, 10))).toEqual([2, 4, 6, 8, 10, 10]);
  expect(examplesOf(undefined, 1, 10)).toBe(10);
});

/** Nine examples in a coordinate of their own each, so that a step shows which were trained on. */
const rows = 9;
const apart = (name: string): ArrayDataset => ({
  name,
  features: {
    dtype: "float",
    shape: [rows, rows],
    data: Float32Array.from({ length: rows * rows }, (_, k) =>
      k % (rows + 1) === 0 ? 1 + Math.floor(k / rows) / 5 : 0,
    ),
  },
  labels: { dtype: "uint8", shape: [rows], data: Uint8Array.from({ length: rows }, (_, i) => i % 3) },
  classes: 3,
});

/** Rows whose weights moved in the first round, and those that a plain loop chooses by the losses of the first model. */
async function firstRound(
  order: "easy-first" | "hard-first" | "random",
  { score, seed = 1 }: { readonly score?: "error-norm"; readonly seed?: number } = {},
): Promise<{ moved: number[]; chosen: number[] }> {
  const config = resolveConfig({
    rounds: 1,
    seed,
    data: { clients: 1, partition: { scheme: "iid" } },
    model: { name: "logistic" },
    sampler: { cohort: 1 },
    training: { batchSize: 3, learningRate: 1, curriculum: { order, score, start: 0.5, duration: 1 } },
  });
  const executor = { name: "interpreter", version: "", fingerprint: "", float: "float64" } as const;
  const data = { train: apart("train"), test: apart("test") };
  const prepared = prepareRun(config, data, executor, 0, "curriculum");
  const { simulation, model } = prepared;
  const plan = { ...prepared.plan, initial: prepared.plan.initial.map((_, k) => Math.cos(3 * k)) };
  const { backend, evaluator, close } = await inProcessSimulation(simulation, interpreter());
  const ports = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates(), emit: () => {} };
  const { parameters } = await runFederation(plan, { backend, evaluator, ...ports });
  await close();
  const { offset } = plan.layout.entries.find(({ name }) => name.endsWith("weight"))!;
  const weight = (vector: ArrayLike<number>, row: number) => [0, 1, 2].map((c) => vector[offset + 3 * row + c]!);
  const all = Array.from({ length: rows }, (_, row) => row);
  const tensors = plan.layout.entries.map(({ name, offset: at, size, shape }) => {
    return [name, constant(Array.from(plan.initial.subarray(at, at + size)), shape)] as const;
  });
  const features = constant(Array.from(data.train.features.data), [rows, rows]);
  const labels = constant(Array.from(data.train.labels.data), [rows], "int32");
  const outputs = model.forward(Object.fromEntries(tensors), features);
  const losses = Array.from(evaluate(model.losses(outputs, labels)).data);
  const norms = Array.from(evaluate(errorNorms(outputs, labels)).data);
  const moved = all.filter((row) => weight(parameters, row).some((w, c) => w !== weight(plan.initial, row)[c]));
  if (score === "error-norm")
    return { moved, chosen: pruneExamples(norms, 0.5, order === "hard-first" ? "hardest" : "easiest") };
  return { moved, chosen: visibleExamples(losses, 0.5, order === "easy-first" ? "curriculum" : "anti") };
}

describe("runs with a curriculum", () => {
  it.each(["easy-first", "hard-first"] as const)("train on the examples that come first: %s", async (order) => {
    const { moved, chosen } = await firstRound(order);
    expect(chosen).toHaveLength(5);
    expect(moved).toEqual(chosen);
  });

  it.each(["easy-first", "hard-first"] as const)("prune by EL2N as SFPrompt does: %s", async (order) => {
    const { moved, chosen } = await firstRound(order, { score: "error-norm" });
    expect(chosen).toHaveLength(5);
    expect(moved).toEqual(chosen);
  });

  it("train on as many examples at random, which the seed draws", async () => {
    const drawn = await Promise.all([1, 1, 4, 5].map(async (seed) => (await firstRound("random", { seed })).moved));
    expect(drawn.map(({ length }) => length)).toEqual([5, 5, 5, 5]);
    expect(drawn[1]).toEqual(drawn[0]);
    expect(new Set(drawn.map(String)).size).toBe(3);
  });

  it("keep their part of the examples where pacing is constant", () => {
    const constantly = { order: "hard-first", pacing: "constant", a: 0.8, b: 0.6, horizon: 10 } as const;
    expect([1, 5, 9, 10].map((round) => examplesOf(constantly, round, 10))).toEqual([6, 6, 6, 6]);
  });

  it("are those of random order, up to the order of sums, where all examples are seen at once", async () => {
    const hash = async (training: ConfigInput["training"]) => {
      const { prepared } = smallSimulation(
        { name: "fedavg" },
        { training: { batchSize: 12, localEpochs: 1, ...training } },
      );
      return (await simulateSmall(prepared)).parameters;
    };
    const [plain, ordered] = await Promise.all([hash({}), hash({ curriculum: { order: "easy-first", start: 1 } })]);
    for (const [k, value] of ordered!.entries()) expect(value).toBeCloseTo(plain![k]!, 12);
  });

  it.each(["scaffold", "ditto", "fedmuon"])("work with %s", async (name) => {
    const { prepared } = smallSimulation({ name }, { training: { batchSize: 4, curriculum: { order: "hard-first" } } });
    expect((await simulateSmall(prepared)).stopped).toBe("finished");
  });

  it("refuse EL2N for models without one class per example", () => {
    const config = resolveConfig({
      data: { clients: 0, partition: { scheme: "natural" } },
      model: { name: "char-transformer", width: 8, depth: 1, ignoredLabel: 0 },
      sampler: { cohort: 1 },
      training: { curriculum: { order: "hard-first", score: "error-norm" } },
    });
    const executor = { name: "none", version: "", fingerprint: "", float: "float32" } as const;
    const texts = instructions(rootKey(1), { train: 4, test: 2 });
    expect(() => prepareRun(config, texts, executor, 0, "refused")).toThrow(/one class per example/);
  });

  it("are refused in live runs and where clients receive no model", () => {
    const training = { curriculum: { order: "easy-first" } } as const;
    expect(() => smallRun({ name: "fedavg" }, { training })).toThrow(/training.curriculum.order.*live/s);
    const adapters = { rank: 1, rule: "flora" } as const;
    expect(() => smallSimulation({ name: "fedavg" }, { training, adapters })).toThrow(/in two parts/);
    expect(() => smallSimulation({ name: "fedkseed" }, { training: { ...training, localSteps: 2 } })).toThrow(
      /training.curriculum.order.*receive none/s,
    );
  });
});
