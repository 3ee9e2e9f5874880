import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import { alteredBackend } from "../conformance/run-cohort.ts";
import { runInSessions } from "../conformance/testing/sessions.ts";
import type { ArrayDataset } from "../data/index.ts";
import { serverPipeline } from "../pipeline/index.ts";
import { SetAggregator } from "../pipeline/set-aggregator.ts";
import { withMetadata } from "../protocol/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import type { EventOf } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareRun } from "./prepare.ts";

const points = (n: number): ArrayDataset => ({
  name: "points",
  features: {
    dtype: "float",
    shape: [n, 2],
    data: Float32Array.from({ length: 2 * n }, (_, i) => ((i * 37) % 19) / 9),
  },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => (i * i) % 3) },
  classes: 3,
});

interface World {
  readonly algorithm?: ConfigInput["algorithm"];
  readonly more?: ConfigInput;
  /** Clients that send vectors of this value. */
  readonly liars?: Readonly<Record<number, number>>;
  /** Weights that clients claim. */
  readonly claims?: Readonly<Record<number, number>>;
  /** Clients that fail. */
  readonly failing?: readonly number[];
  /** Rounds after which the run is cut off and resumed. */
  readonly cut?: number;
}

function prepare(aggregation: ConfigInput["aggregation"], { algorithm = { name: "fedavg" }, more = {} }: World = {}) {
  const config = resolveConfig({
    rounds: 4,
    data: { clients: 9, partition: { scheme: "iid" } },
    model: { name: "logistic" },
    algorithm,
    training: { batchSize: 4, localSteps: 3, learningRate: 0.1 },
    sampler: { cohort: 7 },
    aggregation,
    ...more,
  });
  const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
  return prepareRun(config, { train: points(90), test: points(9) }, identity, 0, "robust");
}

async function run(aggregation: ConfigInput["aggregation"], world: World = {}) {
  const { plan, simulation } = prepare(aggregation, world);
  const { liars = {}, claims = {}, failing = [], cut } = world;
  const { backend: honest, evaluator } = await inProcessSimulation(simulation, interpreter());
  const backend = alteredBackend(honest, (outcome, { client }) => {
    if (failing.includes(client))
      return { client, failure: { code: "test/failed", message: "it fails" }, bytesDown: 0, retried: false };
    if ("update" in outcome && liars[client] !== undefined)
      for (const vector of Object.values(outcome.update.vectors)) vector.fill(liars[client]);
    const claimed = claims[client];
    if (claimed === undefined || !("update" in outcome)) return outcome;
    return { ...outcome, update: withMetadata(outcome.update, { weight: claimed }) };
  });
  const { result, events, checkpoints } = await runInSessions(plan, { backend, evaluator }, cut);
  const rounds = events.filter((event): event is EventOf<"round.finished"> => event.type === "round.finished");
  return {
    hash: result.modelHash,
    parameters: result.parameters,
    rounds,
    events,
    left: await checkpoints.list("scratch/"),
  };
}

/** Rules that keep something, choose, mix or draw. */
const rules: readonly NonNullable<ConfigInput["aggregation"]>[] = [
  { rule: "centred-clipping", radius: 0.05 },
  { rule: "krum", byzantine: 2 },
  { rule: "median", before: ["bucketing"] },
  { rule: "trimmed-mean", byzantine: 2, before: ["nnm"] },
  { rule: "fltrust", root: 10 },
];

describe("a run with a rule", () => {
  it.each(rules)("gives the same model when it is cut off and resumed: %o", async (aggregation) => {
    const whole = await run(aggregation);
    expect(whole.rounds.length).toBe(4);
    expect((await run(aggregation, { cut: 2 })).hash).toBe(whole.hash);
  });

  it("takes the last aggregate along", async () => {
    const remembering = await run({ rule: "centred-clipping", radius: 1e-3 });
    const [first, second] = remembering.rounds.map(({ updateNorm }) => updateNorm!);
    expect(first).toBeLessThanOrEqual(1e-3);
    expect(second).toBeGreaterThan(1.5 * first!);
  });

  it("is the mean with a bound that nobody reaches, bit for bit", async () => {
    const mean = await run({ weighting: "uniform" });
    expect((await run({ rule: "norm-bound", norm: 1e9 })).hash).toBe(mean.hash);
  });

  it("reports by client what it chose and dropped", async () => {
    const everyone = { sampler: { cohort: 9 } };
    const { rounds } = await run({ rule: "krum", byzantine: 2 }, { liars: { 3: Number.NaN, 5: 1e6 }, more: everyone });
    for (const { aggregation } of rounds) {
      expect(aggregation).toMatchObject({ rule: "krum", dropped: [3] });
      expect([3, 5]).not.toContain(aggregation!.selected![0]);
    }
  });

  it("trusts no client that sends the opposite", async () => {
    const { rounds } = await run({ rule: "fltrust", root: 20 }, { more: { sampler: { cohort: 9 } }, liars: { 2: 0 } });
    expect(rounds[0]!.aggregation!.trust).toContainEqual([2, 0]);
    expect(rounds[0]!.aggregation!.trust!.length).toBe(9);
  });

  it("leaves the model where too few clients are back", async () => {
    const { rounds, events } = await run(
      { rule: "krum", byzantine: 2 },
      { failing: [0, 1, 2, 3, 4, 5, 6, 7, 8], more: { rounds: 1, stop: { onClientFailure: "continue" } } },
    );
    expect(rounds[0]!.updateNorm).toBe(0);
    const few = await run(
      { rule: "krum", byzantine: 3 },
      { failing: [0, 1], more: { sampler: { cohort: 9 }, rounds: 1 } },
    );
    expect(few.rounds[0]!.updateNorm).toBe(0);
    const warning = few.events.find((event) => event.type === "run.warning");
    expect(warning).toMatchObject({ code: "aggregation/too-few" });
    expect(events.some((event) => event.type === "run.warning")).toBe(true);
  });

  it("weighs by examples only what the method itself would weigh", async () => {
    const uneven: World["more"] = { data: { clients: 9, partition: { scheme: "dirichlet", alpha: 0.3 } } };
    const hashes = async (name: string) => {
      const of = async (weighting: "examples" | "uniform") =>
        (await run({ rule: "norm-bound", norm: 1, weighting }, { algorithm: { name }, more: uneven })).hash;
      return [await of("examples"), await of("uniform")];
    };
    const [weighed, alike] = await hashes("fedavg");
    expect(weighed).not.toBe(alike);
    const [scaffold, same] = await hashes("scaffold");
    expect(scaffold).toBe(same);
  });

  it.each<NonNullable<ConfigInput["aggregation"]>>([
    { rule: "geometric-median" },
    { rule: "norm-bound", norm: 1 },
    { weighting: "uniform" },
  ])("gives no client more weight because it claims it: %o", async (aggregation) => {
    const more: ConfigInput = { sampler: { cohort: 9 }, rounds: 1 };
    const { events, hash } = await run(aggregation, { claims: { 4: 1e9 }, more });
    expect(events).toContainEqual(expect.objectContaining({ type: "client.failed", client: 4, code: "update/weight" }));
    expect(hash).toBe((await run(aggregation, { failing: [4], more })).hash);
  });

  it("refuses updates that are not finite where no rule leaves them out", async () => {
    const more: ConfigInput = { sampler: { cohort: 9 }, rounds: 2 };
    const { events, hash } = await run({}, { liars: { 4: Number.NaN }, more });
    const code = "update/not-finite";
    expect(events).toContainEqual(expect.objectContaining({ type: "client.failed", client: 4, code }));
    expect(hash).toBe((await run({}, { failing: [4], more })).hash);
  });

  it.each([1e9, -1])("refuses votes of places that a layer does not have: %d", async (place) => {
    const more: ConfigInput = { sampler: { cohort: 9 }, rounds: 1 };
    const frl: World = { algorithm: { name: "frl" }, more };
    const { events, hash } = await run({}, { ...frl, liars: { 4: place } });
    expect(events).toContainEqual(expect.objectContaining({ type: "client.failed", client: 4, code: "update/places" }));
    expect(hash).toBe((await run({}, { ...frl, failing: [4] })).hash);
  });

  it("joins the vectors of methods that send several", async () => {
    const { rounds } = await run({ rule: "multi-krum", byzantine: 1 }, { algorithm: { name: "scaffold" } });
    expect(rounds[3]!.aggregation!.selected!.length).toBe(4);
  });
});

describe("updates beyond the memory of a rule", () => {
  it("that a round left behind when it was cut off are deleted", async () => {
    const { plan, simulation } = prepare({ rule: "median" }, { more: { rounds: 1 } });
    const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
    const checkpoints = memoryBlobStore();
    await checkpoints.put("scratch/updates-9-0", Uint8Array.of(1));
    await runFederation(plan, { backend, evaluator, checkpoints, clientStates: memoryClientStates(), emit: () => {} });
    expect(await checkpoints.list("scratch/")).toEqual([]);
  });

  it("give the same aggregate from a store, and nothing is left there", async () => {
    const { plan } = prepare({ rule: "trimmed-mean", byzantine: 2 });
    const size = 6;
    const updates = Array.from({ length: 7 }, (_, client) => ({
      ...{ round: 1, client, layoutHash: plan.layout.hash },
      vectors: { update: Float64Array.from({ length: size }, (_, i) => ((client * 5 + i * 3) % 11) / 7) },
      public: { weight: 1, examples: 1, steps: 1, loss: 0 },
    }));
    const upload = { update: { layout: { ...plan.layout, size }, aggregation: "uniformMean" as const } };
    const scratch = memoryBlobStore();
    const aggregates = [];
    for (const memory of [undefined, 200]) {
      const payloads = { ...plan.payloads, upload };
      const parts = {
        rule: plan.rule!,
        payloads,
        layout: plan.layout,
        float: "float64" as const,
        key: [1, 2] as const,
      };
      const aggregator = new SetAggregator({ ...parts, scratch, memory } as never);
      aggregator.begin(1, [0, 1, 2, 3, 4, 5, 6]);
      let stored = 0;
      for (const update of updates) {
        aggregator.addAll([update]);
        await aggregator.settle();
        stored = Math.max(stored, (await scratch.list("scratch/")).length);
      }
      expect(stored > 0).toBe(memory !== undefined);
      expect(await aggregator.finish()).toBeUndefined();
      aggregates.push(aggregator.result((length) => new Float64Array(length)));
      expect(await scratch.list("scratch/")).toEqual([]);
    }
    expect(aggregates[1]).toEqual(aggregates[0]);
  });
});

describe("a rule is refused", () => {
  it.each<[string, ConfigInput["aggregation"], World, RegExp]>([
    [
      "under differential privacy",
      { rule: "median" },
      { algorithm: { name: "dp-fedavg" }, more: { privacy: { mechanism: "gaussian", delta: 1e-3 } } },
      /aggregation.rule.*privacy.mechanism.*"mean"/s,
    ],
    [
      "under secure aggregation",
      { rule: "median" },
      { more: { secureAggregation: { protocol: "bonawitz" } } },
      /aggregation.rule.*secureAggregation.protocol.*"mean"/s,
    ],
    [
      "in asynchronous rounds",
      { rule: "krum", byzantine: 1 },
      { more: { schedule: { name: "buffered" } } },
      /aggregation.rule.*buffered.*"norm-bound"/s,
    ],
    [
      "in the asynchronous rounds that a method is made for",
      { rule: "median" },
      { algorithm: { name: "fedbuff" } },
      /aggregation.rule.*"median", with the schedule "buffered".*"norm-bound"/s,
    ],
    [
      "in rounds of whoever has arrived",
      { rule: "krum", byzantine: 1 },
      {
        algorithm: { name: "fedfix" },
        more: { devices: { speed: "exponential" }, schedule: { period: 1 } },
      },
      /aggregation.rule.*"krum", with the schedule "ticks"/s,
    ],
    [
      "in rounds of an arrival group",
      { rule: "mean", before: ["nnm"], byzantine: 1 },
      { algorithm: { name: "fedcompass" }, more: { devices: { speed: "exponential" } } },
      /aggregation.rule.*"mean", "nnm", with the schedule "arrival-groups"/s,
    ],
    [
      "where clients send parts",
      { rule: "median" },
      { algorithm: { name: "fedbcgd", blocks: 2 }, more: { model: { name: "mlp", hidden: [3, 2] } } },
      /whose clients send parts/,
    ],
    ["where the server counts steps", { rule: "median" }, { algorithm: { name: "fedadamw" } }, /local steps/],
    ["with more root examples than there are", { rule: "fltrust", root: 90 }, {}, /aggregation.root.*at most 81/s],
    [
      "with root data where clients have parameters of their own",
      { rule: "fltrust", root: 10 },
      { more: { model: { name: "mlp", hidden: [3] }, parameters: { personal: "head" } } },
      /aggregation.rule.*"fltrust".*personal parameters/s,
    ],
    [
      "with root data where a method has personal parameters",
      { rule: "fltrust", root: 10 },
      { algorithm: { name: "fedper" }, more: { model: { name: "mlp", hidden: [3] } } },
      /aggregation.rule.*"fltrust".*personal parameters/s,
    ],
    [
      "with root data where clients keep state",
      { rule: "fltrust", root: 10 },
      { algorithm: { name: "scaffold" } },
      /whose clients keep/,
    ],
  ])("%s", (_, aggregation, world, message) => {
    expect(() => prepare(aggregation, world)).toThrow(message);
  });

  it("but not where it bounds single updates of asynchronous rounds", () => {
    const { plan } = prepare({ rule: "norm-bound", norm: 1 }, { more: { schedule: { name: "buffered", buffer: 2 } } });
    expect(serverPipeline(plan).aggregator).toBeInstanceOf(SetAggregator);
  });
});
