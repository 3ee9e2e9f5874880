import { describe, expect, it } from "vitest";
import { type ConfigInput, configHash, resolveConfig } from "../config/index.ts";
import { HEALTHY } from "../conformance/fault-source.ts";
import { SimulatedFederation } from "../conformance/simulated-federation.ts";
import { simulateSmall } from "../conformance/small-live-run.ts";
import { questionFamilies, syntheticDataset, syntheticPopulation } from "../data/index.ts";
import { describeTask } from "../live/task-description.ts";
import { rootKey } from "../random/index.ts";
import { openFederation } from "./federation.ts";
import { forLiveClients } from "./for-live-clients.ts";
import { prepareRun } from "./prepare.ts";

const pictures = (examples: number, firstIndex: number) =>
  syntheticDataset(rootKey(1), { shape: [1, 4, 4], classes: 5, examples, firstIndex });
const images = { train: pictures(160, 0), test: pictures(40, 160) };
const questions = { families: [...questionFamilies] };
const data = { clients: 5, partition: { scheme: "natural" }, questions } as const;
const model = { name: "vilt", image: [1, 4, 4], patch: 2, width: 4, depth: 1, heads: 1 };

function prepared(more: ConfigInput = {}) {
  const config = resolveConfig({
    ...{ rounds: 2, data, model, sampler: { cohort: 3 }, evaluation: { every: 1 } },
    training: { batchSize: 4, localSteps: 2, learningRate: 0.1 },
    ...more,
  });
  const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
  return { config, run: prepareRun(config, images, identity, 0, "questions") };
}

const NOISE = { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1, delta: 1e-3 } as const;
const UNIFORM = { weighting: "uniform" } as const;

const conflict = (key: string) =>
  expect.objectContaining({ code: "config/conflict", message: expect.stringContaining(key) });

describe("a run on questions about images", () => {
  it("has a client for each family, and answers as classes", () => {
    const { federation } = prepared().run;
    expect([federation.clients, federation.classes, federation.examplesHeld.total]).toEqual([5, 12, 40]);
    expect(federation.dataset!.train.groupNames).toEqual([...questionFamilies]);
    expect(federation.dataset!.test.features.shape).toEqual([10, 22]);
  });

  it("asks about transposed images on request, and of some owners alone", () => {
    const open = (more: ConfigInput["data"]) =>
      openFederation(resolveConfig({ data: { ...data, ...more }, sampler: { cohort: 1 } }), images).dataset!;
    const [upright, transposed] = [open({}), open({ transpose: true })].map(({ train }) => train.features.data);
    expect(transposed).not.toEqual(upright);
    // the first pixels of two cells are on the diagonals, and the words are the same
    for (const at of [0, 16, 17, 18, 19, 20, 21]) expect(transposed![at]).toBe(upright![at]);
    const some = open({ owners: [1, 3], clients: 2 });
    expect(new Set(some.train.groups)).toEqual(new Set([1, 2]));
    expect(some.test.labels.data).toHaveLength(4);
  });

  it.each<[string, ConfigInput]>([
    ["the whole model", {}],
    ["low-rank adapters", { adapters: { rank: 2 } }],
    ["bottleneck adapters", { adapters: { bottleneck: 2 } }],
    ["prompts", { adapters: { prompts: 2 }, parameters: { frozen: "!head" } }],
    ["biases and the head", { parameters: { frozen: ["*", "!bias", "!head"] } }],
  ])("ends live with the model of the simulation: %s", async (_what, more) => {
    const { config, run } = prepared(more);
    const result = await new SimulatedFederation(config, forLiveClients(run, config), 1, HEALTHY).run();
    expect(result.history.map(({ clients }) => clients)).toEqual([3, 3]);
    expect(result.modelHash).toBe((await simulateSmall(prepared(more).run)).modelHash);
  });

  it.each<[string, ConfigInput]>([
    ["FedDAT's two adapters", { adapters: { bottleneck: 2 }, algorithm: { name: "feddat" } }],
    ["the mean of factors, corrected", { adapters: { rank: 2, rule: "lora-fair" } }],
    ["a pool of FedIns", { adapters: { pool: 2, poolTop: 1 } }],
    ["SCAFFOLD", { algorithm: { name: "scaffold" } }],
    ["secure sums", { secureAggregation: { protocol: "plain" } }],
    ["the noise of DP-FedAvg", { algorithm: { name: "dp-fedavg" }, privacy: NOISE }],
    ["quantised uploads", { compression: { up: ["top-k density=0.3"], feedback: "ef14" }, aggregation: UNIFORM }],
  ])("trains with %s, and gives the same bits again", async (_what, more) => {
    const [one, again] = [await simulateSmall(prepared(more).run), await simulateSmall(prepared(more).run)];
    expect(one.history.every(({ loss }) => Number.isFinite(loss))).toBe(true);
    expect(again.modelHash).toBe(one.modelHash);
  });

  it("gives live clients no partition that they would take plain images for", () => {
    const { config, run } = prepared();
    expect(describeTask(config, forLiveClients(run, config)).partition).toBeUndefined();
  });

  it("has an identity of its own, and none without questions", () => {
    const hash = (given?: ConfigInput["data"]) => configHash(resolveConfig({ data: { ...given } }));
    expect(hash({ questions: { families: [], ownersPerFamily: 3 } })).toBe(hash());
    const count = { families: ["count" as const] };
    expect(
      new Set([hash(), hash({ questions: count }), hash({ questions: { ...count, ownersPerFamily: 2 } })]).size,
    ).toBe(3);
  });
});

describe("refused with questions", () => {
  it("are a hold-out whose images are trained on, a family twice, and too many grids", () => {
    const open = (more: ConfigInput["data"]) => () =>
      resolveConfig({ data: { ...data, ...more }, sampler: { cohort: 3 } });
    expect(open({ questions: { ...questions, gridsPerImage: 2 }, holdout: 0.2 })).toThrow(conflict("gridsPerImage"));
    expect(open({ questions: { families: ["count", "count"] } })).toThrow(/each family once/);
    expect(open({ questions: { ...questions, gridsPerImage: 2 ** 40 } })).toThrow(/gridsPerImage.*at most 100/s);
  });

  it("are images in several records of record-level privacy", () => {
    const records = {
      ...{ algorithm: { name: "diff2", protects: "records" }, privacy: NOISE, sampler: { cohort: 5 } },
      training: { batchSize: 1, localEpochs: 1, learningRate: 0.1 },
    };
    expect(prepared(records).run.plan.stages.privacy?.fewestRecords).toBe(8);
    const twice = { data: { ...data, questions: { ...questions, gridsPerImage: 2 } } };
    expect(() => prepared({ ...records, ...twice })).toThrow(conflict("data.questions.gridsPerImage"));
  });

  it("are changes of pixels that would change words", () => {
    for (const kind of ["noise", "pixels", "permutation"] as const)
      expect(() => prepared({ data: { ...data, shift: { kind } } }), kind).toThrow(/some features are words/);
    expect(() => prepared({ taskStream: { kind: "permuted-pixels", tasks: 2, roundsPerTask: 1 } })).toThrow(/words/);
  });

  it("are synthetic clients, and methods that compare models on random numbers", () => {
    const population = syntheticPopulation(1, 2, { shape: [1, 4, 4], classes: 5, examples: 4 }, 4);
    const config = resolveConfig({ data: { dataset: "synthetic", clients: 2, questions }, sampler: { cohort: 1 } });
    expect(() => openFederation(config, population)).toThrow(conflict("data.questions.families"));
    expect(() => prepared({ algorithm: { name: "fedpub" }, sampler: { cohort: 5 } })).toThrow(
      expect.objectContaining({ code: "model/random-inputs" }),
    );
  });
});
