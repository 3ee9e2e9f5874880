import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import type { ArrayDataset, TrainTest } from "../data/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { BEST_CHECKPOINT } from "../round/checkpoint-store.ts";
import type { RunEvent } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { classMetrics } from "./class-metrics.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareRun } from "./prepare.ts";

const part = (n: number, more: Partial<ArrayDataset> = {}): ArrayDataset => ({
  name: "points",
  features: { dtype: "float", shape: [n, 2], data: Float32Array.from({ length: 2 * n }, (_, i) => Math.sin(i)) },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 3) },
  classes: 3,
  ...more,
});
const data: TrainTest = { train: part(36), test: part(6) };
const owned = (n: number, first: number, groupNames?: string[]) =>
  part(n, { groups: Int32Array.from({ length: n }, (_, i) => first + (i % 2)), ...(groupNames && { groupNames }) });

type Changes = Pick<ConfigInput, "stop" | "evaluation" | "privacy"> & { readonly holdout?: number };

function prepare(trainTest: TrainTest, { holdout = 0, ...changes }: Changes = {}) {
  const config = resolveConfig({
    rounds: 3,
    data: { clients: 6, holdout, partition: { scheme: "iid" } },
    model: { name: "logistic" },
    algorithm: { name: changes.privacy?.mechanism === "none" ? "fedavg" : "dp-fedavg" },
    training: { batchSize: 4, learningRate: 0.1 },
    sampler: { cohort: 2 },
    ...changes,
    privacy: { mechanism: "gaussian", ...changes.privacy },
  });
  const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
  return prepareRun(config, trainTest, identity, 0, "rows");
}

async function run(trainTest: TrainTest, changes: Changes = {}) {
  const { plan, simulation } = prepare(trainTest, changes);
  const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
  const events: RunEvent[] = [];
  const checkpoints = memoryBlobStore();
  const emit = (event: RunEvent) => void events.push(event);
  const result = await runFederation(plan, {
    backend,
    evaluator,
    checkpoints,
    clientStates: memoryClientStates(),
    emit,
  });
  return { events, result, best: await checkpoints.get(BEST_CHECKPOINT) };
}

const warned = (events: readonly RunEvent[]) => events.flatMap((e) => (e.type === "run.warning" ? [e.code] : []));
const ofClients: TrainTest = { ...data, testRows: "clients" };

describe("test examples that are clients' own", () => {
  it.each([0, 1])("are not shown by class in a private run that evaluates every %d rounds", async (every) => {
    const byClass = (changes: Changes) => {
      const prepared = prepare(ofClients, changes);
      return classMetrics(prepared, prepared.plan.initial, interpreter());
    };
    expect(await byClass({ evaluation: { every } })).toBeUndefined();
    const inTheOpen = await byClass({ privacy: { mechanism: "none" } });
    expect(inTheOpen).toMatchObject({ examples: 6 });
  });

  it("decide nothing in a private run, and every event with their metrics says that they are not covered", async () => {
    const { events, result, best } = await run(ofClients);
    expect([result.best, best]).toEqual([undefined, undefined]);
    expect(warned(events)).toEqual(["privacy/test-rows"]);
    expect(events.find((e) => e.type === "run.started")).toMatchObject({
      testCovered: false,
      privacyAssumptions: expect.arrayContaining([expect.stringMatching(/test metrics: epsilon does not cover them/)]),
    });
    const evaluations = events.flatMap((e) => (e.type === "evaluation" ? [e] : []));
    expect(evaluations).toHaveLength(3);
    expect(evaluations.every(({ covered, accuracy }) => covered === false && accuracy !== null)).toBe(true);
    expect(events.at(-1)).toMatchObject({ type: "run.finished", bestRound: 0, bestAccuracy: null });
  });

  it.each<[string, Changes]>([
    ["stop.patience", { stop: { patience: 2 } }],
    ["stop.targetAccuracy", { stop: { targetAccuracy: 0.5 } }],
  ])("must not end a private run: %s is refused, and nothing else", (key, changes) => {
    const message = new RegExp(`${key.replace(".", "\\.")}[\\s\\S]*clients' own[\\s\\S]*test=PATH`);
    expect(() => prepare(ofClients, changes)).toThrow(message);
    expect(() => prepare({ ...data, testRows: "separate" }, changes)).not.toThrow();
    expect(() => prepare(ofClients, { ...changes, privacy: { mechanism: "none" } })).not.toThrow();
  });

  it("are told by their owners, by name where they have names", () => {
    const onClients = (trainTest: TrainTest) => prepare(trainTest).plan.account!.testOnClients;
    expect(onClients({ train: owned(36, 0), test: owned(6, 1) })).toBe(true);
    expect(onClients({ train: owned(36, 0), test: owned(6, 2) })).toBe(false);
    // the first owner of one file is no owner of the other, or the second one
    expect(onClients({ train: owned(36, 0, ["a", "b"]), test: owned(6, 0, ["c", "d"]) })).toBe(false);
    expect(onClients({ train: owned(36, 0, ["a", "b"]), test: owned(6, 0, ["c", "b"]) })).toBe(true);
    expect(onClients({ train: owned(36, 0), test: owned(6, 1), testRows: "separate" })).toBe(false);
    expect(onClients({ train: part(36), test: part(36) })).toBe(true);
  });

  it("are ruled out in words where nobody says whose they are", async () => {
    const assumed = (trainTest: TrainTest, changes?: Changes) =>
      prepare(trainTest, changes).plan.account!.assumptions.filter((text) => text.startsWith("test metrics"));
    expect(assumed(data)).toEqual(["test metrics: the test set is assumed to contain no client data"]);
    expect(assumed({ ...data, testRows: "separate" })).toEqual([]);
    for (const each of [data, ofClients]) expect(assumed(each, { evaluation: { every: 0 } })).toEqual([]);
    const { best, events } = await run(data);
    expect(best).toBeDefined();
    expect(warned(events)).toEqual([]);
  });
});

describe("other metrics of clients", () => {
  it("are warned of: evaluations on hold-outs", async () => {
    const { events } = await run(data, { holdout: 0.3, evaluation: { clientEvery: 1 } });
    expect(warned(events)).toEqual(["privacy/client-evaluation"]);
  });

  it("must not end a private run: a stop at the first failure is refused", () => {
    const stop = { onClientFailure: "stop" } as const;
    expect(() => prepare(data, { stop })).toThrow(/stop\.onClientFailure[\s\S]*took part/);
    expect(() => prepare(data, { stop, privacy: { mechanism: "none" } })).not.toThrow();
  });
});
