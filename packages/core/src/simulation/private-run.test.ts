import { AnabranchError, interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import { alteredBackend } from "../conformance/run-cohort.ts";
import type { ArrayDataset } from "../data/index.ts";
import { createAccountant, type PrivacyEventInput } from "../privacy/accounting/index.ts";
import { CLIP_NORM } from "../privacy/mechanisms/index.ts";
import type { Broadcast } from "../protocol/message.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import type { RunEvent } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareRun } from "./prepare.ts";

const part = (n: number): ArrayDataset => ({
  name: "points",
  features: { dtype: "float", shape: [n, 2], data: Float32Array.from({ length: 2 * n }, (_, i) => Math.sin(i)) },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 3) },
  classes: 3,
});
const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;

type Changes = Pick<ConfigInput, "algorithm" | "model" | "privacy" | "sampler" | "training">;

function prepare({ algorithm = { name: "dp-fedavg" }, model, privacy, sampler, training }: Changes) {
  const config = resolveConfig({
    rounds: 4,
    data: { clients: 6, partition: { scheme: "iid" } },
    model: model ?? { name: "logistic" },
    algorithm,
    training: { batchSize: 4, learningRate: 0.1, ...training },
    sampler: { cohort: 2, ...sampler },
    privacy: { mechanism: "gaussian", clipNorm: 0.1, ...privacy },
  });
  return prepareRun(config, { train: part(36), test: part(6) }, identity, 0, "private");
}

async function run(changes: Changes) {
  const executor = interpreter();
  const { plan, simulation } = prepare(changes);
  const { backend, evaluator } = await inProcessSimulation(simulation, executor);
  const events: RunEvent[] = [];
  const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
  const result = await runFederation(plan, { backend, evaluator, ...stores, emit: (e) => void events.push(e) });
  return { result, events, plan };
}

const methods = [
  "dp-fedavg",
  "dp-fedavgm",
  "dp-fedsam",
  "dp-fedlamb",
  "fedprox",
  "fedadam",
  "dp-fedpgn",
  "diff2",
  "diff2-bvr-l-sgd",
  "fedcm",
];

describe("a private run", () => {
  it.each(methods)("of %s is the same each time, and another by another clip norm", async (name) => {
    const algorithm = { name };
    const training = { localSteps: 2 };
    const [first, again, other] = [
      await run({ algorithm, training }),
      await run({ algorithm, training }),
      await run({ algorithm, training, privacy: { clipNorm: 0.2 } }),
    ];
    expect(again.result.modelHash).toBe(first.result.modelHash);
    expect(other.result.modelHash).not.toBe(first.result.modelHash);
  });

  it("says what it does and where its noise comes from", async () => {
    const { events } = await run({});
    const start = events.find((e) => e.type === "run.started")!;
    expect(start).toMatchObject({ privacy: expect.stringMatching(/flat clip at 0.1.*seed.*poisson sampling/) });
    expect(events.some((e) => e.type === "run.warning")).toBe(false);
  });

  it.each<[string, Changes]>([
    ["privacy/fixed-size-sampling", { sampler: { name: "uniform" } }],
    ["privacy/guarantee", { privacy: { noiseMultiplier: 0 } }],
    ["privacy/guarantee", { privacy: { delta: 0.2 } }],
    ["privacy/sum-only", { privacy: { noise: "distributed", minimumSurvivors: 1 } }],
  ])("warns: %s", async (code, changes) => {
    const { events } = await run(changes);
    expect(events.flatMap((e) => (e.type === "run.warning" && e.code.startsWith("privacy/") ? [e.code] : []))).toEqual([
      code,
    ]);
  });

  it("tells what its rounds cost, and what that rests on", async () => {
    const { events } = await run({});
    const expected = [1, 2, 3, 4].map((count) => {
      const event = { kind: "poisson-gaussian", samplingRate: 2 / 6, noiseMultiplier: 1, count } as const;
      return createAccountant("rdp").epsilon([event], 1e-5).epsilon;
    });
    const told = events.flatMap((e) => (e.type === "round.finished" ? [e.privacy] : []));
    expect(told).toEqual(expected.map((epsilon) => ({ epsilon, delta: 1e-5, accountant: "rdp" })));
    expect(events.at(-1)).toMatchObject({ type: "run.finished", privacy: told[3] });
    const start = events.find((e) => e.type === "run.started")!;
    expect(start).toMatchObject({ privacyAssumptions: expect.arrayContaining([expect.stringMatching(/^Poisson/)]) });
  });

  it.each<[string, Changes, object]>([
    ["fixed cohorts", { sampler: { name: "uniform" } }, { kind: "fixed-size-gaussian", population: 6, cohort: 2 }],
    ["noise of clients' own", { privacy: { noise: "local" } }, { kind: "gaussian", adjacency: "replace-one" }],
    [
      "shares of noise",
      { privacy: { noise: "distributed", minimumSurvivors: 2 } },
      { kind: "gaussian", adjacency: "zero-out" },
    ],
  ])("counts %s by their own formula", async (_what, changes, event) => {
    const { plan } = prepare(changes);
    const released = { ...event, noiseMultiplier: 1, count: 3 } as PrivacyEventInput;
    expect(plan.account!.epsilonAfter(3)).toBe(createAccountant("rdp").epsilon([released], 1e-5).epsilon);
  });

  it.each(["rdp", "pld"] as const)("chooses its noise for a target by %s", (accountant) => {
    const { plan } = prepare({ privacy: { targetEpsilon: 2, accountant } });
    const { noiseMultiplier } = plan.stages.privacy!;
    expect(plan.account!.epsilonAfter(4)).toBeLessThanOrEqual(2);
    expect(plan.account!.epsilonAfter(4)).toBeGreaterThan(1.99);
    const less = prepare({ privacy: { noiseMultiplier: noiseMultiplier * 0.999, accountant } });
    expect(less.plan.account!.epsilonAfter(4)).toBeGreaterThan(2);
  });

  it.each(["rdp", "pld"] as const)("goes on with the epsilon of %s where it was interrupted", async (accountant) => {
    const { plan, simulation } = prepare({ privacy: { accountant } });
    const executor = interpreter();
    const { backend, evaluator } = await inProcessSimulation(simulation, executor);
    const checkpoints = memoryBlobStore();
    const spentUntil = async (last: number) => {
      const stop = new AbortController();
      const told: unknown[] = [];
      const emit = (event: RunEvent) => {
        if (event.type !== "round.finished") return;
        told.push([event.round, event.privacy]);
        if (event.round === last) stop.abort();
      };
      const ports = { backend, evaluator, checkpoints, clientStates: memoryClientStates(), emit, signal: stop.signal };
      await runFederation(plan, ports);
      return told;
    };
    const told = [...(await spentUntil(2)), ...(await spentUntil(4))];
    const again = prepare({ privacy: { accountant } }).plan.account!;
    expect(told).toEqual(
      [1, 2, 3, 4].map((round) => [round, { epsilon: again.epsilonAfter(round), delta: 1e-5, accountant }]),
    );
  });

  it("counts a block of random allocation when it begins, and takes each client once in it, resumed or not", async () => {
    const changes: Changes = { sampler: { name: "random-allocation" }, privacy: { accountant: "pld" } };
    const { plan, events } = await run(changes);
    const block = (count: number) =>
      createAccountant("pld").epsilon([{ kind: "allocated-gaussian", block: 3, noiseMultiplier: 1, count }], 1e-5)
        .epsilon;
    const told = events.flatMap((e) => (e.type === "round.finished" ? [e.privacy!.epsilon] : []));
    expect(told).toEqual([block(1), block(1), block(1), block(2)]);
    expect(plan.account!.recorded.round.events).toMatchObject([{ kind: "allocated-gaussian", block: 3, count: 1 }]);
    const cohorts = events.flatMap((e) => (e.type === "round.started" ? [e.cohort] : []));
    expect(cohorts.slice(0, 3).flat().sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(plan.stages.privacy!.denominator).toBe(2);
    const key = (round: number) => deriveKey(rootKey(plan.seed), "cohort", round);
    expect(plan.sampler.sample(2, key)).toEqual(cohorts[1]);
    expect(() => prepare({ sampler: { name: "random-allocation" } })).toThrow(/no formula.*allocated-gaussian.*pld/s);
    expect(() => prepare({ ...changes, sampler: { name: "random-allocation", cohort: 4 } })).toThrow(
      /sampler.cohort.*4.*e\.g\. 3 or 6/s,
    );
    expect(() => prepare({ ...changes, sampler: { name: "random-allocation", cohort: 1.3 } })).toThrow(/e\.g\. 1 or 2/);
  });

  it("stops before a round that would exceed its target", async () => {
    const { plan } = prepare({});
    const target = (plan.account!.epsilonAfter(2) + plan.account!.epsilonAfter(3)) / 2;
    const { events, result } = await run({ privacy: { noiseMultiplier: 1, targetEpsilon: target } });
    expect([result.round, result.stopped]).toEqual([2, "early-stop"]);
    expect(events.find((e) => e.type === "run.stopped")).toMatchObject({
      reason: "early-stop",
      message: expect.stringMatching(/after round 2.*targetEpsilon/),
    });
  });

  it("goes through rounds that nobody attends", async () => {
    const { events, result } = await run({ sampler: { cohort: 0.05 } });
    const rounds = events.flatMap((e) => (e.type === "round.finished" ? [e] : []));
    expect(rounds.some(({ clients }) => clients === 0)).toBe(true);
    expect(rounds.every(({ updateNorm }) => updateNorm! > 0)).toBe(true);
    expect(result.round).toBe(4);
  });

  it("sends the clip norm down, which follows the votes", async () => {
    const privacy = { targetQuantile: 0.5, countNoise: 0.6 };
    const executor = interpreter();
    const prepared = prepare({ privacy });
    const { backend, evaluator } = await inProcessSimulation(prepared.simulation, executor);
    const sent: number[] = [];
    const watch = ({ scalars }: Broadcast) => void sent.push(scalars[CLIP_NORM]!);
    const watched = alteredBackend(backend, (outcome) => outcome, watch);
    const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    await runFederation(prepared.plan, { backend: watched, evaluator, ...stores, emit: () => {} });
    expect(sent[0]).toBe(0.1);
    expect(new Set(sent).size).toBe(4);
  });
});

it.each([
  ["central", {}, /^trusted server/],
  ["distributed", { minimumSurvivors: 2 }, /^no party sees individual updates/],
  ["local", {}, /^no trusted server/],
] as const)("a private run reports whom %s noise trusts", (noise, more, line) => {
  const { assumptions } = prepare({ privacy: { noise, noiseMultiplier: 1, ...more } }).plan.account!;
  const trust = assumptions.filter((text) => /trusted|no party/.test(text));
  expect(trust).toEqual([expect.stringMatching(line)]);
});

describe("a private run is refused", () => {
  it.each<[string, Changes, RegExp]>([
    ["for clients that keep state", { algorithm: { name: "scaffold" } }, /privacy.mechanism.*keep control/s],
    ["for several vectors", { algorithm: { name: "fedadamw" } }, /privacy.mechanism.*send delta, /s],
    [
      "for parts",
      { algorithm: { name: "fedbcgd", blocks: 2 }, model: { name: "mlp", hidden: [4, 4] } },
      /privacy.mechanism.*parts/s,
    ],
    [
      "for DP-FedPGN by epochs",
      { algorithm: { name: "dp-fedpgn" }, training: { localEpochs: 1 } },
      /training.localEpochs.*localSteps/s,
    ],
    [
      "for FedCM by epochs",
      { algorithm: { name: "fedcm" }, training: { localEpochs: 1 } },
      /training.localEpochs.*localSteps/s,
    ],
    [
      "for local differences by epochs",
      { algorithm: { name: "diff2-bvr-l-sgd" }, training: { localEpochs: 1 } },
      /training.localEpochs.*localSteps/s,
    ],
    [
      "for local differences with weight decay",
      { algorithm: { name: "diff2-bvr-l-sgd" }, training: { localSteps: 2, weightDecay: 0.1 } },
      /training.weightDecay/,
    ],
    [
      "for a second rule of the clip norm",
      { algorithm: { name: "diff2" }, privacy: { targetQuantile: 0.5, countNoise: 1 } },
      /privacy.targetQuantile/,
    ],
    [
      "for a target that one round exceeds",
      { privacy: { noiseMultiplier: 0.5, targetEpsilon: 0.1 } },
      /privacy.targetEpsilon.*one round costs/s,
    ],
    ["without a mechanism for a private method", { privacy: { mechanism: "none", clipNorm: 1 } }, /"none".*dp-fedavg/s],
  ])("%s", (_why, changes, message) => {
    let caught: unknown;
    try {
      prepare(changes);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(AnabranchError);
    expect(caught).toMatchObject({ code: "config/conflict" });
    expect((caught as AnabranchError).message).toMatch(message);
  });
});
