import { AnabranchError, interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import type { ArrayDataset } from "../data/index.ts";
import { entryView } from "../params/layout.ts";
import { hashVector } from "../params/vector.ts";
import { createAccountant, PRIVACY_RECORD, type PrivacyEventInput, recordAfter } from "../privacy/accounting/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import type { EventOf, RunEvent } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "./in-process.ts";
import type { InitialWeights } from "./initial-weights.ts";
import { prepareRun } from "./prepare.ts";

const DELTA = 1e-3;

const part = (n: number, shift: number): ArrayDataset => ({
  name: "points",
  features: {
    dtype: "float",
    shape: [n, 2],
    data: Float32Array.from({ length: 2 * n }, (_, i) => Math.sin(i + shift)),
  },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 3) },
  classes: 3,
});

interface Changes extends Pick<ConfigInput, "privacy" | "sampler" | "training" | "algorithm" | "secureAggregation"> {
  readonly rounds?: number;
  readonly shift?: number;
}

function prepare(changes: Changes = {}, weights?: InitialWeights) {
  const { rounds = 3, shift = 0, privacy, sampler, training, algorithm, ...rest } = changes;
  const config = resolveConfig({
    rounds,
    data: { clients: 6, partition: { scheme: "iid" } },
    model: { name: "logistic" },
    algorithm: algorithm ?? { name: "dp-fedavg" },
    training: { batchSize: 4, learningRate: 0.1, ...training },
    sampler: { cohort: 2, ...sampler },
    privacy: { mechanism: "gaussian", clipNorm: 0.1, noiseMultiplier: 2, delta: DELTA, ...privacy },
    ...rest,
  });
  const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
  const data = { train: part(36, shift), test: part(6, 0) };
  return prepareRun(config, data, identity, 0, "continued", weights === undefined ? {} : { weights });
}

async function train(
  changes: Changes = {},
  weights?: InitialWeights,
  checkpoints = memoryBlobStore(),
  last = Infinity,
) {
  const { plan, simulation } = prepare(changes, weights);
  const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
  const events: RunEvent[] = [];
  const stop = new AbortController();
  const emit = (event: RunEvent) => {
    events.push(event);
    if (event.type === "round.finished" && event.round === last) stop.abort();
  };
  const ports = { backend, evaluator, checkpoints, clientStates: memoryClientStates(), emit, signal: stop.signal };
  const result = await runFederation(plan, ports);
  return { plan, events, result, file: fileOf(plan, result.parameters, result.round) };
}

/** What a run's model file holds. */
function fileOf(
  { layout, account }: ReturnType<typeof prepare>["plan"],
  parameters: ArrayLike<number>,
  rounds: number,
) {
  const vector = Float32Array.from(parameters);
  const tensors = Object.fromEntries(
    layout.entries.map((entry) => [entry.name, { shape: entry.shape, data: entryView(vector, entry) as Float32Array }]),
  );
  const record = account && recordAfter(account.recorded, rounds, hashVector(vector));
  return { tensors, metadata: record === undefined ? {} : { [PRIVACY_RECORD]: JSON.stringify(record) } };
}

const poisson = (noiseMultiplier: number, count: number): PrivacyEventInput => {
  return { kind: "poisson-gaussian", samplingRate: 1 / 3, noiseMultiplier, count };
};
const epsilonOf = (...events: PrivacyEventInput[]) => createAccountant("rdp").epsilon(events, DELTA).epsilon;
const started = (events: readonly RunEvent[]) => events.find((e) => e.type === "run.started") as EventOf<"run.started">;
const told = (events: readonly RunEvent[]) => events.flatMap((e) => (e.type === "round.finished" ? [e.privacy!] : []));
const warnings = (events: readonly RunEvent[]) => events.flatMap((e) => (e.type === "run.warning" ? [e.message] : []));

describe("a private run that starts from a private run's model", () => {
  it("composes the epsilon of both in every round, at its own delta, and says so", async () => {
    const first = await train();
    const next = await train({ rounds: 2, privacy: { noiseMultiplier: 3, delta: 1e-4 } }, first.file);
    const at = (events: PrivacyEventInput[]) => createAccountant("rdp").epsilon(events, 1e-4).epsilon;
    const before = at([poisson(2, 3)]);
    expect(told(next.events)).toEqual(
      [1, 2].map((count) => {
        const epsilon = at([poisson(2, 3), poisson(3, count)]);
        return { epsilon, delta: 1e-4, accountant: "rdp", before };
      }),
    );
    expect(started(next.events).privacySpent).toMatchObject({ epsilon: before, before });
    expect(started(next.events).privacyAssumptions).toContainEqual(
      expect.stringMatching(/includes the 3 private rounds/),
    );
    expect(warnings(next.events)).toEqual([]);
  });

  it("hands the sum on: the third run counts the first", async () => {
    let { file } = await train();
    for (const noiseMultiplier of [3, 2]) file = (await train({ privacy: { noiseMultiplier } }, file)).file;
    const last = await train({}, file);
    expect(told(last.events).at(-1)!.epsilon).toBeCloseTo(epsilonOf(poisson(2, 9), poisson(3, 3)), 12);
  });

  it("draws neither noise nor cohorts that made the weights: their difference would show updates without noise", async () => {
    // almost no training: what remains of a round is its noise
    const quiet = { rounds: 1, training: { learningRate: 1e-12 } };
    const first = await train(quiet);
    const next = await train(quiet, first.file);
    const noiseOf = ({ plan, result }: typeof first) => Array.from(result.parameters, (x, i) => x - plan.initial[i]!);
    const [a, b] = [noiseOf(first), noiseOf(next)];
    const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
    expect(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))).toBeLessThan(0.9);
    const cohorts = async (weights?: InitialWeights) =>
      (await train({ rounds: 8 }, weights)).events.flatMap((e) => (e.type === "round.started" ? [e.cohort] : []));
    expect(await cohorts(first.file)).not.toEqual(await cohorts());
    expect(await cohorts(first.file)).toEqual(await cohorts(first.file));
  });

  it("chooses noise for the target with what was spent before, and stops where the sum would exceed it", async () => {
    const first = await train();
    const spent = epsilonOf(poisson(2, 3));
    const { plan } = prepare({ privacy: { noiseMultiplier: undefined, targetEpsilon: 1.5 * spent } }, first.file);
    expect(plan.account!.epsilonAfter(3)).toBeLessThanOrEqual(1.5 * spent);
    expect(plan.account!.epsilonAfter(3)).toBeGreaterThan(1.49 * spent);
    const target = (epsilonOf(poisson(2, 5)) + epsilonOf(poisson(2, 6))) / 2;
    const next = await train({ privacy: { targetEpsilon: target } }, first.file);
    expect([next.result.round, next.result.stopped]).toEqual([2, "early-stop"]);
    for (const privacy of [{ noiseMultiplier: undefined, targetEpsilon: spent / 2 }, { targetEpsilon: spent }]) {
      expect(() => prepare({ privacy }, first.file)).toThrow(/privacy.targetEpsilon[\s\S]*initial ?[wW]eights/);
    }
  });

  it("says that clients of another partition or other data are not the same", async () => {
    const first = await train();
    const next = await train({ shift: 1 }, first.file);
    expect(told(next.events).at(-1)!.epsilon).toBe(epsilonOf(poisson(2, 6)));
    expect(warnings(next.events)).toEqual([expect.stringMatching(/other data, or on another partition/)]);
    expect(started(next.events).privacyAssumptions).toContainEqual(expect.stringMatching(/other data/));
  });

  it("is the same run when it is resumed, and no other", async () => {
    const { file } = await train();
    const whole = await train({}, file);
    const checkpoints = memoryBlobStore();
    const begun = await train({}, file, checkpoints, 1);
    const resumed = await train({}, file, checkpoints);
    expect(resumed.result.modelHash).toBe(whole.result.modelHash);
    expect([...told(begun.events), ...told(resumed.events)]).toEqual(told(whole.events));
    expect(resumed.file).toEqual(whole.file);
    // the file at the path has changed: the same weights with a milder record, and none at all
    const record = JSON.parse(file.metadata[PRIVACY_RECORD]!);
    const milder = { ...file, metadata: { [PRIVACY_RECORD]: JSON.stringify({ ...record, runs: [] }) } };
    for (const weights of [milder, { tensors: file.tensors }, undefined]) {
      await expect(train({}, weights, checkpoints)).rejects.toMatchObject({ code: "checkpoint/config" });
    }
  });

  it("that ended before its first round passes on what was spent before it", async () => {
    const first = await train();
    const { plan } = prepare({}, first.file);
    const third = await train({}, fileOf(plan, plan.initial, 0));
    expect(told(third.events).at(-1)!.epsilon).toBe(epsilonOf(poisson(2, 6)));
  });
});

describe("a private run that starts from weights whose cost is unknown", () => {
  const expectUncovered = async (weights: InitialWeights, why: RegExp, changes: Changes = {}) => {
    const { events, file } = await train(changes, weights);
    expect(warnings(events).filter((text) => why.test(text))).toHaveLength(1);
    expect(started(events).privacyAssumptions).toContainEqual(expect.stringMatching(/epsilon does not cover the data/));
    expect(told(events).every(({ covered }) => covered === false)).toBe(true);
    return file;
  };

  it("says so in every round, and so does whoever goes on from it", async () => {
    const { file } = await train({
      privacy: { mechanism: "none", clipNorm: undefined, noiseMultiplier: undefined, delta: undefined },
      algorithm: { name: "fedavg" },
    });
    const second = await expectUncovered(file, /no record of a private run/);
    const third = await train({}, second);
    expect(told(third.events).at(-1)).toMatchObject({ epsilon: epsilonOf(poisson(2, 6)), covered: false });
    expect(warnings(third.events)).toEqual([expect.stringMatching(/started from weights without a record/)]);
  });

  it("such as a record that was moved to other weights, damaged, or about something else", async () => {
    const { file, plan } = await train();
    const other = fileOf(plan, plan.initial, 0).tensors;
    await expectUncovered({ ...file, tensors: other }, /belongs to other weights/);
    await expectUncovered({ ...file, metadata: { [PRIVACY_RECORD]: "{" } }, /damaged: it is not JSON/);
    await expectUncovered(file, /about add-or-remove, that of this run about replace-one/, {
      privacy: { noise: "local" },
    });
    const record = { ...JSON.parse(file.metadata[PRIVACY_RECORD]!), unit: "records" };
    await expectUncovered({ ...file, metadata: { [PRIVACY_RECORD]: JSON.stringify(record) } }, /protects records/);
  });

  it("never has less epsilon than its own rounds, whatever the record claims", async () => {
    const { file } = await train();
    const record = JSON.parse(file.metadata[PRIVACY_RECORD]!);
    const own = epsilonOf(poisson(2, 3));
    const events = [
      [],
      [{ kind: "gaussian", noiseMultiplier: 1e308 }],
      [{ kind: "gaussian", noiseMultiplier: 1e-308 }],
      [{ kind: "gaussian", noiseMultiplier: 0 }],
      [{ kind: "zero-concentrated", rho: 1e308, count: 2 ** 31 }],
      [{ kind: "skellam", l1: 1e-300, l2: 1e300, variance: 1e-300 }],
      [{ kind: "poisson-gaussian", samplingRate: 0, noiseMultiplier: 1e-300 }],
      [{ kind: "poisson-gaussian", samplingRate: 1e-320, noiseMultiplier: 5e-324, count: 2 ** 31 }],
    ];
    for (const accountant of ["rdp", "pld"] as const) {
      for (const forged of events) {
        const metadata = {
          [PRIVACY_RECORD]: JSON.stringify({ ...record, runs: [{ ...record.runs[0], events: forged }] }),
        };
        try {
          const { account } = prepare({ privacy: { accountant } }, { ...file, metadata }).plan;
          expect(account!.epsilonAfter(3)).toBeGreaterThanOrEqual(accountant === "rdp" ? own : 0.8 * own);
        } catch (error) {
          // only "rdp" has a formula for integers
          expect(error).toBeInstanceOf(AnabranchError);
          expect((error as AnabranchError).message).toMatch(/privacy.accountant[\s\S]*"rdp"/);
        }
      }
    }
  });
});
