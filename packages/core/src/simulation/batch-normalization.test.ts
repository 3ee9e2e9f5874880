import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { openDataSource } from "../client/data-source.ts";
import type { ConfigInput } from "../config/index.ts";
import { HEALTHY } from "../conformance/fault-source.ts";
import { SimulatedFederation } from "../conformance/simulated-federation.ts";
import { simulateSmall, smallRun, smallSimulation } from "../conformance/small-live-run.ts";
import { entryView, type Layout } from "../params/layout.ts";
import { joinParameters } from "../params/standing.ts";
import type { Vector } from "../params/vector.ts";
import { implausible } from "../pipeline/plausible.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { personalModel } from "../round/personal-models.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "./in-process.ts";
import type { PreparedRun } from "./prepare.ts";
import { type Examples, lossByHand, trainByHand, type Values } from "./testing/batch-norm-oracle.ts";

/** All of a client's 12 rows in each step, and four rows of padding: batch normalization of everything. */
const model = { name: "mlp", hidden: [3, 2], norm: "batch" };
const small: ConfigInput = {
  model,
  rounds: 2,
  training: { batchSize: 16, localSteps: 2, learningRate: 0.3 },
  sampler: { cohort: 4 },
};

const namedOf = ({ entries }: Layout, vector: Vector): Values =>
  Object.fromEntries(entries.map((entry) => [entry.name, [...entryView(vector, entry)]]));

function examplesOf({ simulation }: PreparedRun, client: number): Examples {
  const { features, labels } = openDataSource(simulation.train).load(client);
  const rows = [...labels.data].map((_, r) => [features.data[2 * r]!, features.data[2 * r + 1]!]);
  return { rows, labels: [...labels.data].map(Number) };
}

/** Two rounds in which four clients of equal size train by hand; what `kept` names stays with each of them. */
function byHand(prepared: PreparedRun, initial: Values, kept: (name: string) => boolean, steps = 2) {
  let shared = initial;
  const own = [0, 1, 2, 3].map(() => ({}) as Values);
  for (let round = 0; round < 2; round++) {
    const models = own.map((mine, client) => {
      return trainByHand({ ...shared, ...mine }, examplesOf(prepared, client), steps, 0.3);
    });
    for (const [client, values] of models.entries())
      own[client] = Object.fromEntries(Object.entries(values).filter(([name]) => kept(name)));
    shared = Object.fromEntries(
      Object.entries(initial).map(([name, old]) => {
        if (kept(name)) return [name, old];
        return [name, old.map((_, i) => models.reduce((s, values) => s + values[name]![i]! / 4, 0))];
      }),
    );
  }
  return { shared, own };
}

async function run(algorithm: ConfigInput["algorithm"], more: ConfigInput = {}) {
  const { prepared } = smallSimulation(algorithm, { ...small, ...more });
  const { plan, simulation } = prepared;
  const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
  const clientStates = memoryClientStates();
  const stores = { checkpoints: memoryBlobStore(), clientStates };
  const result = await runFederation(plan, { backend, evaluator, ...stores, emit: () => {} });
  const whole = plan.held?.split.whole ?? plan.layout;
  const join = (shared: Vector) => (plan.held === undefined ? shared : joinParameters(plan.held, shared));
  const ownOf = async (client: number) =>
    namedOf(whole, personalModel(plan, result.parameters, await clientStates.load(client)));
  const [initial, final] = [plan.initial, result.parameters].map((vector) => namedOf(whole, join(vector)));
  return { prepared, result, evaluator, initial: initial!, final: final!, ownOf };
}

function expectClose(found: Values, expected: Values) {
  expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, values] of Object.entries(expected))
    for (const [i, value] of values.entries()) expect(found[name]![i], `${name}[${i}]`).toBeCloseTo(value, 7);
}

const isStatistic = (name: string) => /\.(mean|variance)$/.test(name);

describe("batch normalization in a federation", () => {
  it("is averaged with its statistics by FedAvg, as training by hand has it", async () => {
    const { prepared, result, evaluator, initial, final } = await run({ name: "fedavg" });
    expectClose(final, byHand(prepared, initial, () => false).shared);
    expect(final["norm1.variance"]).not.toEqual(initial["norm1.variance"]);
    // evaluation is by the running statistics
    const test = openDataSource(prepared.simulation.test).load(0);
    const rows = [...test.labels.data].map((_, r) => [test.features.data[2 * r]!, test.features.data[2 * r + 1]!]);
    const { loss, examples } = await evaluator.evaluate(result.parameters);
    expect(loss / examples).toBeCloseTo(
      lossByHand(final, { rows, labels: [...test.labels.data].map(Number) }, false),
      7,
    );
  });

  it("stays with clients under FedBN", async () => {
    const { prepared, initial, ownOf } = await run({ name: "fedbn" });
    const { shared, own } = byHand(prepared, initial, (name) => name.startsWith("norm"));
    for (const [client, mine] of own.entries()) expectClose(await ownOf(client), { ...shared, ...mine });
  });

  it("has shared scales and personal statistics as SiloBN", async () => {
    const { prepared, initial, ownOf } = await run({ name: "fedavg" }, { parameters: { personal: "statistics" } });
    const { shared, own } = byHand(prepared, initial, isStatistic);
    for (const [client, mine] of own.entries()) expectClose(await ownOf(client), { ...shared, ...mine });
  });

  it("keeps frozen statistics, by which its layers normalize in training, too", async () => {
    const { initial, final } = await run({ name: "fedavg" }, { parameters: { frozen: "statistics" } });
    expect(final["norm1.mean"]).toEqual(initial["norm1.mean"]);
    expect(final["norm1.gamma"]).not.toEqual(initial["norm1.gamma"]);
  });

  it("trains clients alone with statistics of their own", async () => {
    const { prepared } = smallSimulation({ name: "fedavg" }, { ...small, baseline: "local-only" });
    const clientStates = memoryClientStates();
    const { backend, evaluator } = await inProcessSimulation(prepared.simulation, interpreter());
    const stores = { checkpoints: memoryBlobStore(), clientStates };
    await runFederation(prepared.plan, { backend, evaluator, ...stores, emit: () => {} });
    const { plan } = prepared;
    const { whole } = plan.held!.split;
    const start = namedOf(whole, plan.localModel!(plan.initial, undefined));
    for (const client of [0, 3]) {
      const alone = trainByHand(start, examplesOf(prepared, client), 4, 0.3);
      expectClose(namedOf(whole, plan.localModel!(plan.initial, await clientStates.load(client))), alone);
    }
  });

  it("never decays, clips or accelerates statistics", async () => {
    const plain = await run({ name: "fedavg" }, { rounds: 1, training: { ...small.training, localSteps: 1 } });
    const training = { ...small.training, localSteps: 1, weightDecay: 0.5, momentum: 0.9, gradientClip: 1e-3 };
    const other = await run({ name: "fedavgm" }, { rounds: 1, training });
    for (const name of Object.keys(plain.final).filter(isStatistic))
      expect(other.final[name]).toEqual(plain.final[name]);
    expect(other.final["dense1.weight"]).not.toEqual(plain.final["dense1.weight"]);
  });

  it.each([
    "fedper",
    "fedrep",
    "scaffold",
    "fedsam",
    "fedadamw",
    "fedmuon",
    "fedprox",
    "fedadam",
  ])("trains with %s", async (name) => {
    const { final, initial } = await run({ name });
    expect(final["norm2.mean"]).not.toEqual(initial["norm2.mean"]);
    expect(Object.values(final).flat().every(Number.isFinite)).toBe(true);
  });

  it("has the same bits again, and in partial cohorts", async () => {
    const more = { sampler: { cohort: 2 }, training: { batchSize: 4, localEpochs: 2, learningRate: 0.1 } };
    const hash = async () => (await run({ name: "fedavg" }, more)).result.modelHash;
    expect(await hash()).toBe(await hash());
  });

  it("compresses weights alone", async () => {
    const { prepared } = smallSimulation({ name: "fedavg" }, { ...small, compression: { up: ["top-k density=0.5"] } });
    expect(prepared.plan.stages.compression!.vectors).toEqual(["delta"]);
    expect((await simulateSmall(prepared)).reason).toBeUndefined();
    const named = { compression: { up: ["top-k density=0.5"], vectors: ["statistics"] } };
    expect(() => smallSimulation({ name: "fedavg" }, { ...small, ...named })).toThrow(
      /compression.vectors.*statistics/,
    );
  });
});

describe("a model with batch normalization", () => {
  it.each<[string, ConfigInput]>([
    ["FedAvg", { parameters: { personal: [] } }],
    ["personal statistics", { parameters: { personal: "statistics" } }],
  ])("is the same in a live run: %s", async (_name, more) => {
    const { config, prepared } = smallRun({ name: "fedavg" }, { ...small, ...more });
    const live = await new SimulatedFederation(config, prepared, 1, HEALTHY).run();
    const { prepared: simulated } = smallSimulation({ name: "fedavg" }, { ...small, ...more });
    expect(live.modelHash).toBe((await simulateSmall(simulated)).modelHash);
  });

  it.each<[string, ConfigInput]>([
    ["a penalty on confused classes", { training: { loss: { confusion: 0.1 } } }],
    ["aligned gradients of the head", { training: { alignment: { gradient: 0.1 } } }],
    ["curricula", { training: { curriculum: { order: "easy-first" } } }],
    ["a head that is retrained at the end", { training: { calibration: { samples: 5 } } }],
    ["logit adjustment", { training: { loss: { adjustment: "client" } } }],
  ])("trains with %s", async (_name, { training, ...more }) => {
    const { prepared } = smallSimulation(
      { name: "fedavg" },
      { ...small, ...more, training: { ...small.training, ...training } },
    );
    const result = await simulateSmall(prepared);
    expect(result.stopped).toBe("finished");
    expect(result.parameters.every(Number.isFinite)).toBe(true);
  });
});

it("measures no flatness where statistics would be perturbed", () => {
  const { prepared } = smallSimulation({ name: "fedavg" }, { ...small, diagnostics: { flatness: true } });
  expect(prepared.plan.diagnostics).toBeUndefined();
  expect(prepared.plan.warnings?.map(({ message }) => message).join()).toMatch(/flatness.*running statistics/);
});

it("refuses updates with a negative variance", () => {
  const { plan } = smallSimulation({ name: "fedavg" }, small).prepared;
  const { layout } = plan.payloads.upload["statistics"]!;
  const statistics = new Float64Array(layout.size).fill(-1);
  const metadata = { examples: 1, steps: 1, weight: 1, loss: 0 };
  const update = { round: 1, client: 0, layoutHash: plan.layout.hash, vectors: { statistics }, public: metadata };
  expect(implausible(plan.payloads, update, true)).toMatchObject({ code: "update/variance" });
  // a mean may be negative
  for (const entry of layout.entries) if (entry.name.endsWith(".variance")) entryView(statistics, entry).fill(0);
  expect(implausible(plan.payloads, update, true)).toBeUndefined();
});

const gaussian = { privacy: { mechanism: "gaussian", clipNorm: 1, noiseMultiplier: 1 } } as const;

describe("running statistics that cannot travel", () => {
  it.each<[string, ConfigInput["algorithm"], ConfigInput]>([
    ["privacy.mechanism", { name: "dp-fedavg" }, gaussian],
    ["secureAggregation.protocol", { name: "fedavg" }, { secureAggregation: { protocol: "bonawitz", range: 1 } }],
    ["aggregation.clipNorm", { name: "fedavg" }, { aggregation: { clipNorm: 1 } }],
    ["aggregation.rule", { name: "fedavg" }, { aggregation: { rule: "median" } }],
    ["schedule.name", { name: "fedbuff" }, {}],
    ["attack.name", { name: "fedavg" }, { attack: { name: "sign-flip", attackers: 1 } }],
  ])("are refused with %s, which names a way out", (key, algorithm, more) => {
    const refused = () => smallSimulation(algorithm, { ...small, ...more });
    expect(refused).toThrow(key);
    expect(refused).toThrow(/running statistics.*parameters.personal = "statistics"/);
  });

  it.each([
    gaussian,
    { secureAggregation: { protocol: "bonawitz", range: 1 } },
  ] as const)("stay with clients where they are personal: %j", async (more) => {
    const name = "privacy" in more ? "dp-fedavg" : "fedavg";
    const { prepared } = smallSimulation({ name }, { ...small, ...more, parameters: { personal: "statistics" } });
    expect(prepared.plan.layout.entries.some((entry) => isStatistic(entry.name))).toBe(false);
    expect(Object.keys(prepared.plan.payloads.upload)).toEqual(["delta"]);
  });

  it.each<[ConfigInput["algorithm"], ConfigInput, RegExp]>([
    [{ name: "ditto" }, {}, /model of their own/],
    [{ name: "ifca", clusters: 2 }, {}, /several models/],
    [{ name: "fedbcgd", blocks: 2 }, {}, /send parts.*parameters.personal/],
    [{ name: "fedkseed", seeds: 16 }, {}, /rebuild the model/],
    [{ name: "hyperfl" }, {}, /train another model/],
    [{ name: "perfedavg" }, { data: { clients: 4, holdout: 0.25, partition: { scheme: "iid" } } }, /adapted/],
  ])("are refused by methods without a place for them: %j", (algorithm, more, why) => {
    expect(() => smallSimulation(algorithm, { ...small, ...more })).toThrow(why);
  });

  it("are refused where each record is clipped", () => {
    const records = { ...gaussian, parameters: { personal: "statistics" } } as const;
    expect(() => smallSimulation({ name: "diff2", protects: "records" }, { ...small, ...records })).toThrow(/record/);
  });
});
