import { type AnabranchError, interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { NODES } from "../algorithms/decentralised.ts";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import { syntheticDataset } from "../data/index.ts";
import { rootKey } from "../random/index.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import type { RunEvent } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "./in-process.ts";
import { f1ByClass, openJudge } from "./judge.ts";
import { prepareRun } from "./prepare.ts";

const executor = interpreter();
const part = (firstIndex: number, examples: number) =>
  syntheticDataset(rootKey(1), { shape: [1, 4, 4], classes: 3, examples, firstIndex });
const data = { train: part(0, 120), test: part(120, 30) };

function prepare(input: ConfigInput = {}) {
  const config = resolveConfig({
    rounds: 4,
    data: { clients: 5, holdout: 0.25, partition: { scheme: "iid" } },
    model: { name: "mlp", hidden: [6] },
    parameters: { frozen: ["*", "!head"] },
    algorithm: { name: "bristle", peers: 3 },
    topology: { name: "complete" },
    training: { batchSize: 5, localSteps: 4, learningRate: 0.1 },
    checkpoint: { every: 1 },
    ...input,
  });
  const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
  return prepareRun(config, data, identity, 0, "bristle");
}

async function play(prepared: ReturnType<typeof prepare>, checkpoints = memoryBlobStore(), judged = true) {
  const { backend, evaluator, close } = await inProcessSimulation(prepared.simulation, executor);
  const judging = await openJudge(prepared, executor);
  const events: RunEvent[] = [];
  const result = await runFederation(prepared.plan, {
    ...{ backend, evaluator, checkpoints, clientStates: memoryClientStates() },
    judge: judged ? judging?.judge : undefined,
    emit: (event) => void events.push(event),
  });
  await close();
  await judging?.close();
  return { result, events };
}

describe("Bristle in a run", () => {
  it("sends output layers over edges, and continues from a checkpoint to the same bits", async () => {
    const prepared = prepare();
    expect(prepared.plan.layout.size).toBe(6 * 3 + 3);
    const whole = await play(prepared);
    expect(whole.result.stopped).toBe("finished");
    const round = whole.events.find((event) => event.type === "round.finished")!;
    expect(round).toMatchObject({ bytesDown: 0 });
    const checkpoints = memoryBlobStore();
    await play(prepare({ rounds: 2 }), checkpoints);
    const { plan, ...rest } = prepared;
    const half = prepare({ rounds: 2 }).plan;
    const resumed = await play({ ...rest, plan: { ...plan, configHash: half.configHash } }, checkpoints);
    expect(resumed.result.history.map(({ round: r }) => r)).toEqual([3, 4]);
    expect(resumed.result.modelHash).toBe(whole.result.modelHash);
  });

  it("leaves a node whose update is not finite out, and the others stay finite", async () => {
    const prepared = prepare();
    const { simulation } = prepared;
    const opened = await inProcessSimulation(simulation, executor);
    const judging = (await openJudge(prepared, executor))!;
    const backend = {
      ...opened.backend,
      async outcome(id: string) {
        const outcome = await opened.backend.outcome(id);
        if ("update" in outcome && outcome.client === 2) outcome.update.vectors["delta"]!.fill(Number.NaN);
        return outcome;
      },
    };
    const checkpoints = memoryBlobStore();
    const events: RunEvent[] = [];
    await runFederation(prepared.plan, {
      ...{ backend, evaluator: opened.evaluator, checkpoints, clientStates: memoryClientStates() },
      judge: judging.judge,
      emit: (event) => void events.push(event),
    });
    const failed = events.filter((event) => event.type === "client.failed");
    expect(failed.map(({ client }) => client)).toEqual([2, 2, 2, 2]);
    const nodes = events.findLast((event) => event.type === "node.evaluation")!;
    expect(nodes.accuracies.every(Number.isFinite)).toBe(true);
  });

  it("ends with a clear error where nobody answers for clients", async () => {
    await expect(play(prepare(), memoryBlobStore(), false)).rejects.toMatchObject({ code: "round/no-judge" });
  });

  it.each<[string, ConfigInput, string, RegExp]>([
    ["no hold-outs", { data: { clients: 5, partition: { scheme: "iid" } } }, "data.holdout", /0.2/],
    ["a body that travels", { parameters: {} }, "parameters.frozen", /output layer/],
    ["a head that stays", { parameters: { personal: "head" } }, "parameters.personal", /nothing/],
  ])("refuses %s", (_what, input, where, expected) => {
    try {
      prepare(input);
    } catch (error) {
      const { failure } = error as AnabranchError;
      expect(failure).toMatchObject({ code: "config/conflict", where });
      expect(failure.expected).toMatch(expected);
      return;
    }
    throw new Error("it was not refused");
  });

  it("keeps one model for each node in its checkpoints", () => {
    const { plan } = prepare();
    const { vectors } = plan.algorithm.init(plan.initial, plan.layout);
    expect(vectors[NODES]!.length).toBe(5 * plan.layout.size);
  });
});

describe("F1 scores", () => {
  it("are those of the definition, of the classes that the labels have", () => {
    expect([...f1ByClass([2, 0, 0, 2, 2], [2, 0, 2, 1, 2])]).toEqual([
      [0, 2 / 3],
      [2, 4 / 6],
    ]);
    expect(f1ByClass([], []).size).toBe(0);
  });
});
