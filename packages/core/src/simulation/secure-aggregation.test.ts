import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import { alteredBackend } from "../conformance/run-cohort.ts";
import type { ArrayDataset } from "../data/index.ts";
import { createAccountant } from "../privacy/accounting/index.ts";
import { INTEGERS } from "../privacy/secure-aggregation-encoding/index.ts";
import type { Backend } from "../round/backend.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import type { RunEvent } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareRun } from "./prepare.ts";
import { simulatedSecureAggregation } from "./simulated-secure-aggregation.ts";

const part = (n: number): ArrayDataset => ({
  name: "points",
  features: { dtype: "float", shape: [n, 2], data: Float32Array.from({ length: 2 * n }, (_, i) => Math.sin(i)) },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 3) },
  classes: 3,
});
const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;

function prepare(changes: ConfigInput, examples = 60) {
  const config = resolveConfig({
    rounds: 3,
    data: { clients: 6, partition: { scheme: "dirichlet", alpha: 0.5, recipe: "disjoint", minimumSize: 2 } },
    model: { name: "logistic" },
    ...changes,
    training: { batchSize: 4, learningRate: 0.1, ...changes.training },
    sampler: { cohort: 4, ...changes.sampler },
  });
  return prepareRun(config, { train: part(examples), test: part(6) }, identity, 0, "secure");
}

async function run(changes: ConfigInput, watch: (backend: Backend) => Backend = (backend) => backend) {
  const { plan, simulation } = prepare(changes);
  const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
  const events: RunEvent[] = [];
  const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
  const secureAggregation = await simulatedSecureAggregation(plan);
  const emit = (event: RunEvent) => void events.push(event);
  const result = await runFederation(plan, { backend: watch(backend), evaluator, secureAggregation, ...stores, emit });
  const rounds = events.flatMap((event) => (event.type === "round.finished" ? [event] : []));
  const warnings = events.flatMap((event) => (event.type === "run.warning" ? [event.code] : []));
  return { result, events, rounds, warnings, plan };
}

/** A backend some of whose clients fail in the first round. */
const failing =
  (clients: number) =>
  (backend: Backend): Backend => {
    let gone = 0;
    return alteredBackend(backend, (outcome, { version, client }) => {
      if (version !== 1 || gone === clients) return outcome;
      gone++;
      return { client, failure: { code: "test/gone", message: "gone" }, bytesDown: 0, retried: false };
    });
  };

const hidden = ["bonawitz", "secagg+", "lightsecagg"] as const;
const secure = (protocol: "plain" | (typeof hidden)[number]) => ({ secureAggregation: { protocol } });
const noised = { mechanism: "discrete-gaussian", clipNorm: 0.1, noiseMultiplier: 0.5, minimumSurvivors: 3 } as const;

const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.sqrt(Array.from(a).reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0));

describe("a run with secure aggregation", () => {
  it("comes to what it would in the open, up to rounding, with weights inside the sum", async () => {
    const open = await run({});
    const { result, plan } = await run({ secureAggregation: { protocol: "bonawitz", range: 0.25 } });
    const gap = distance(open.result.parameters, result.parameters);
    expect(gap).toBeGreaterThan(0);
    // 3 rounds of errors below a step of the grid, blown up by small weights, in 9 values
    expect(gap).toBeLessThan(3 * ((2 * 0.25) / 65535) * 10 * 3);
    const uniform = await run({ ...secure("bonawitz"), aggregation: { weighting: "uniform" } });
    expect(distance(uniform.result.parameters, result.parameters)).toBeGreaterThan(10 * gap);
    expect(plan.stages.secureAggregation).toMatchObject({ aggregation: "weightedMean", fewest: 2 });
  });

  it.each(hidden)("has the bits of sums in the open by %s, with and without noise", async (protocol) => {
    for (const more of [{}, { privacy: noised, aggregation: { weighting: "uniform" as const } }]) {
      if (protocol === "lightsecagg" && "privacy" in more) continue; // its field is another modulus
      const plain = await run({ ...secure("plain"), ...more });
      const masked = await run({ ...secure(protocol), ...more });
      expect(masked.result.modelHash).toBe(plain.result.modelHash);
      expect(masked.rounds.every(({ secureAggregation }) => secureAggregation!.protocol === protocol)).toBe(true);
    }
  });

  it("counts the messages of the protocol as what was sent", async () => {
    const [open, plain, masked] = [await run({}), await run(secure("plain")), await run(secure("bonawitz"))];
    const up = (of: typeof open) => of.rounds[0]!.bytesUp;
    // 4 clients; 9 values, a weight, 7 digits of metrics and the share of cut values, of 16 bits
    expect(up(plain)).toBe(4 * 36);
    expect(up(masked)).toBeGreaterThan(up(plain));
    expect(masked.rounds[0]!.bytesDown).toBeGreaterThan(open.rounds[0]!.bytesDown);
  });

  it("tells how many values were cut to the range, from the sum alone", async () => {
    const told = ({ rounds }: Awaited<ReturnType<typeof run>>) => rounds.map((round) => round.secureAggregation!.cut!);
    const wide = await run(secure("bonawitz"));
    expect([told(wide), wide.warnings]).toEqual([[0, 0, 0], []]);
    const narrow = await run({ secureAggregation: { protocol: "bonawitz", range: 1e-4 } });
    expect(narrow.warnings).toEqual(Array(3).fill("secure-aggregation/cut"));
    for (const cut of told(narrow)) {
      expect(cut).toBeGreaterThan(0.5);
      expect(cut).toBeLessThanOrEqual(1);
    }
    const lost = await run({ secureAggregation: { protocol: "bonawitz", range: 1e-4 } }, failing(2));
    expect(lost.rounds[0]!.secureAggregation).not.toHaveProperty("cut");
    expect(lost.warnings[0]).toBe("secure-aggregation/too-few");
  });

  it("sums over those who are left, and goes on after a round with too few", async () => {
    const [one, most] = [await run(secure("bonawitz"), failing(1)), await run(secure("bonawitz"), failing(2))];
    expect(one.rounds.map(({ secureAggregation }) => secureAggregation?.survivors)).toEqual([3, 4, 4]);
    expect(one.rounds[0]!.updateNorm).toBeGreaterThan(0);
    // 2 of 4 are not more than 2/3: no sum
    expect(most.rounds.map(({ secureAggregation }) => secureAggregation?.survivors)).toEqual([0, 4, 4]);
    expect(most.rounds[0]!.updateNorm).toBe(0);
    expect(most.rounds[1]!.updateNorm).toBeGreaterThan(0);
    expect(most.warnings).toEqual(["secure-aggregation/too-few"]);
    const plain = await run(secure("plain"), failing(1));
    expect(one.result.modelHash).toBe(plain.result.modelHash);
  });

  it("leaves out an update that is no whole numbers in range", async () => {
    const spoil = (backend: Backend): Backend => {
      const bad = [0.5, -1, 65536, Number.NaN];
      return alteredBackend(backend, (outcome, { version }) => {
        if (version === 1 && "update" in outcome) outcome.update.vectors[INTEGERS]![3] = bad.shift()!;
        return outcome;
      });
    };
    const { events, warnings } = await run(secure("bonawitz"), spoil);
    const codes = events.flatMap((event) => (event.type === "client.failed" ? [event.code] : []));
    expect(codes).toEqual(Array(4).fill("update/integers"));
    expect(warnings).toEqual(["round/too-few"]);
  });

  it("needs someone to add", async () => {
    const { plan, simulation } = prepare(secure("bonawitz"));
    const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
    const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    const started = runFederation(plan, { backend, evaluator, ...stores, emit: () => {} });
    await expect(started).rejects.toThrow(expect.objectContaining({ code: "round/no-summation" }));
  });

  it.each<[string, ConfigInput, RegExp]>([
    ["two vectors", { ...secure("bonawitz"), algorithm: { name: "fedadamw" } }, /fedadamw.*clients send delta, /],
    [
      "steps that differ",
      { ...secure("bonawitz"), algorithm: { name: "fedcm" }, training: { localEpochs: 1 } },
      /training.localEpochs.*localSteps/s,
    ],
    ["parts", { ...secure("bonawitz"), algorithm: { name: "fedbcgd" } }, /fedbcgd.*send/],
    [
      "clients that keep something",
      { ...secure("bonawitz"), algorithm: { name: "fedspeed" } },
      /fedspeed.*keep correction/,
    ],
    [
      "weights that are too large",
      { secureAggregation: { protocol: "bonawitz", maxWeight: 2 } },
      /maxWeight.*never take/s,
    ],
    ["no room in a field", { secureAggregation: { protocol: "lightsecagg", bits: 25 } }, /does not fit the field/],
    ["no room", { secureAggregation: { protocol: "bonawitz", bits: 31 } }, /does not fit 32 bits/],
  ])("refuses %s", (_what, changes, message) => {
    expect(() => prepare(changes)).toThrow(message);
  });
});

it.each<[string, ConfigInput["secureAggregation"], RegExp]>([
  ["too many shares", { protocol: "bonawitz" }, /too many neighbours/],
  ["no graph", { protocol: "secagg+", corrupted: 0.45, dropped: 0.5 }, /no graph with at most 254 neighbours/],
])("a large cohort is refused before the first round for %s", (_what, secureAggregation, message) => {
  const many = { data: { clients: 300, partition: { scheme: "iid" } }, sampler: { cohort: 300 } };
  expect(() => prepare({ ...many, secureAggregation }, 600)).toThrow(message);
  expect(() => prepare({ ...many, ...secure("secagg+") }, 600)).not.toThrow();
});

describe("integer noise", () => {
  it("asks for more bits where rounding costs more than the target allows", () => {
    const privacy = { mechanism: "discrete-gaussian", clipNorm: 0.1, targetEpsilon: 0.1, minimumSurvivors: 3 } as const;
    const coarse = { secureAggregation: { protocol: "bonawitz", bits: 8 }, privacy } as const;
    expect(() => prepare(coarse)).toThrow(/no noise multiplier.*raise secureAggregation.bits/s);
    // the modulus of this protocol is its own
    const coded = {
      secureAggregation: { protocol: "lightsecagg" },
      privacy: { ...privacy, targetEpsilon: 1e-6 },
    } as const;
    expect(() => prepare(coded)).toThrow(/no noise multiplier(?!.*secureAggregation.bits)/s);
  });

  it("protects nobody where the server sees the parts, and says so", () => {
    const codes = (protocol: "plain" | "bonawitz") =>
      prepare({ ...secure(protocol), privacy: noised }).plan.warnings!.map(({ code }) => code);
    expect(codes("bonawitz")).toEqual([]);
    expect(codes("plain")).toEqual(["privacy/sum-only"]);
  });

  it("is taken away from sums modulo a prime as from those modulo a power of two", async () => {
    const quiet = { ...noised, noiseMultiplier: 1e-3 };
    const [coded, pairwise] = [
      await run({ ...secure("lightsecagg"), privacy: quiet }),
      await run({ secureAggregation: { protocol: "bonawitz", bits: 26 }, privacy: quiet }),
    ];
    expect(distance(coded.result.parameters, coded.plan.initial)).toBeGreaterThan(0.01);
    // 3 rounds of noise 1e-3 C = 1e-4 in each of 9 values, over 4 clients, and what it moves later
    expect(distance(coded.result.parameters, pairwise.result.parameters)).toBeLessThan(10 * 3 * 1e-4);
  });

  it.each(["discrete-gaussian", "skellam"] as const)("of %s is the same each time, and told", async (mechanism) => {
    const changes = { ...secure("secagg+"), privacy: { ...noised, mechanism } };
    const [first, again] = [await run(changes), await run(changes)];
    expect(again.result.modelHash).toBe(first.result.modelHash);
    const start = first.events.find((event) => event.type === "run.started")!;
    expect(start).toMatchObject({
      privacy: expect.stringMatching(/noise of multiplier 0.5, added in shares, whole with 3 clients/),
      secureAggregation: expect.stringMatching(/^secagg\+: updates hidden in sums of at least 3/),
    });
    expect(first.warnings).toEqual([]);
    const spent = first.rounds.map(({ privacy }) => privacy!.epsilon!);
    expect(spent[0]).toBeGreaterThan(0);
    expect(spent[2]).toBeGreaterThan(spent[1]!);
  });

  it("costs at least what Gaussian noise of the same size does, and little more on a fine grid", () => {
    const { plan } = prepare({ secureAggregation: { protocol: "bonawitz", bits: 24 }, privacy: noised });
    const gaussian = createAccountant("rdp").epsilon([{ kind: "gaussian", noiseMultiplier: 0.5, count: 3 }], 1e-5);
    const { epsilonAfter } = plan.account!;
    expect(epsilonAfter(3)).toBeGreaterThanOrEqual(gaussian.epsilon);
    expect(epsilonAfter(3)).toBeLessThan(1.01 * gaussian.epsilon);
  });

  it("is chosen for a target, and the run stops before it exceeds one", async () => {
    const target = { mechanism: noised.mechanism, clipNorm: 0.1, minimumSurvivors: 3, targetEpsilon: 4 };
    const { plan } = prepare({ ...secure("bonawitz"), privacy: target });
    expect(plan.account!.epsilonAfter(3)).toBeLessThanOrEqual(4);
    expect(plan.account!.epsilonAfter(3)).toBeGreaterThan(3.99);
    const { noiseMultiplier } = plan.stages.privacy!;
    const longer = await run({ ...secure("bonawitz"), rounds: 5, privacy: { ...target, noiseMultiplier } });
    expect([longer.result.round, longer.result.stopped]).toEqual([3, "early-stop"]);
  });

  it("is not released with fewer shares than it is accounted for", async () => {
    const { rounds, warnings } = await run({ ...secure("secagg+"), privacy: noised }, failing(2));
    expect(rounds[0]!.updateNorm).toBe(0);
    expect(warnings).toEqual(["round/too-few"]);
    expect(rounds[0]!.privacy!.epsilon).toBeGreaterThan(0);
  });
});
