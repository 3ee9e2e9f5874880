import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { fedavg } from "../algorithms/fedavg.ts";
import { scaffold } from "../algorithms/scaffold.ts";
import { alteredBackend } from "../conformance/run-cohort.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import { prepareQuadratics, type Quadratics } from "../simulation/quadratics.ts";
import type { Backend, EvaluationSums, Warning } from "./backend.ts";
import { type BlobStore, memoryBlobStore } from "./blob-store.ts";
import type { EventOf, RunEvent, RunEventType } from "./events.ts";
import { memoryClientStates } from "./memory-client-states.ts";
import { runFederation } from "./run.ts";
import type { RunPlan, RunPorts, RunResult } from "./run-plan.ts";

const problem: Quadratics = {
  a: [
    [1, 2],
    [3, 1],
    [0.5, 4],
  ],
  b: [
    [1, -1],
    [-1, 2],
    [2, 0],
  ],
  x0: [0, 0],
  learningRate: 0.1,
  localSteps: 2,
  cohorts: [[0, 1, 2], [0, 1], [1, 2], [0, 2], [0, 1, 2], [1]],
};

interface World {
  readonly algorithm?: Algorithm;
  readonly plan?: Partial<RunPlan>;
  /** Test accuracies by evaluation, the last one for good. */
  readonly accuracies?: readonly number[];
  /** Whether the task of a client fails in a round. */
  readonly failing?: (round: number, client: number) => boolean;
  readonly ports?: Partial<RunPorts>;
}

/** Runs six rounds on quadratics; returns the result and what was announced. */
async function run(world: World): Promise<{ result: RunResult; events: RunEvent[] }> {
  const executor = interpreter();
  const { plan, simulation } = prepareQuadratics(world.algorithm ?? fedavg(), problem, executor);
  const { backend } = await inProcessSimulation(simulation, executor);
  const events: RunEvent[] = [];
  const result = await runFederation(
    { ...plan, onClientFailure: "continue", ...world.plan },
    {
      backend: world.failing === undefined ? backend : failing(backend, world.failing),
      evaluator: scripted(world.accuracies ?? [0.5]),
      checkpoints: memoryBlobStore(),
      clientStates: memoryClientStates(),
      emit: (event) => void events.push(event),
      ...world.ports,
    },
  );
  return { result, events };
}

const failing = (backend: Backend, fails: NonNullable<World["failing"]>): Backend =>
  alteredBackend(backend, (outcome, { version, client }) => {
    const failure = { code: "client/failed", message: "it fails as the test asks" };
    return fails(version, client) ? { client, failure, bytesDown: outcome.bytesDown, retried: false } : outcome;
  });

/** Has one warning to tell after each cohort, and none twice. */
function warning(backend: Backend): Backend {
  const warnings: Warning[] = [];
  return {
    ...alteredBackend(backend, (outcome) => outcome),
    retire(version) {
      backend.retire(version);
      warnings.push({ code: "worker/lost", message: `in round ${version}` });
    },
    takeWarnings: () => warnings.splice(0),
  };
}

function scripted(accuracies: readonly number[]): RunPorts["evaluator"] {
  let calls = 0;
  const next = (): EvaluationSums => {
    const score = accuracies[Math.min(calls++, accuracies.length - 1)]! * 10;
    return { loss: 10, score, examples: 10 };
  };
  return { evaluate: async () => next(), evaluateClients: async () => [next(), { loss: 0, score: 0, examples: 0 }] };
}

const ofType = <T extends RunEventType>(events: readonly RunEvent[], type: T) =>
  events.filter((event): event is EventOf<T> => event.type === type);
const codes = (events: readonly RunEvent[]) => ofType(events, "run.warning").map(({ code }) => code);

describe("what a backend warns of", () => {
  it("is announced in its round, once", async () => {
    const executor = interpreter();
    const { simulation } = prepareQuadratics(fedavg(), problem, executor);
    const { backend } = await inProcessSimulation(simulation, executor);
    const { events } = await run({ ports: { backend: warning(backend) } });
    expect(ofType(events, "run.warning").map(({ code, message }) => [code, message])).toEqual(
      problem.cohorts.map((_, i) => ["worker/lost", `in round ${i + 1}`]),
    );
    const finished = (round: number) => events.findIndex((e) => e.type === "round.finished" && e.round === round);
    const warned = events.findIndex((e) => e.type === "run.warning" && e.message === "in round 2");
    expect([finished(1), warned, finished(2)]).toEqual([finished(1), warned, finished(2)].sort((a, b) => a - b));
  });
});

describe("clients that fail", () => {
  it("are announced and left out, and weigh nothing", async () => {
    const { result, events } = await run({ failing: (round, client) => round === 1 && client === 2 });
    expect(ofType(events, "client.failed")).toMatchObject([{ round: 1, client: 2, code: "client/failed" }]);
    const without = await run({
      plan: { sampler: { name: "s", sample: (r) => (r === 1 ? [0, 1] : problem.cohorts[r - 1]!) } },
    });
    expect(result.modelHash).toBe(without.result.modelHash);
    expect(result.history[0]).toMatchObject({ clients: 2 });
    // the one that failed had received the model, too
    expect(result.history[0]!.bytesDown).toBe((without.result.history[0]!.bytesDown / 2) * 3);
    expect(result.history[0]!.bytesUp).toBe(without.result.history[0]!.bytesUp);
    expect(codes(events)).toEqual([]);
  });

  it("stop the run where it is so configured; what was saved stays", async () => {
    const checkpoints = memoryBlobStore();
    const stop = { plan: { onClientFailure: "stop" as const }, ports: { checkpoints } };
    await expect(run({ ...stop, failing: (round) => round === 3 })).rejects.toMatchObject({
      code: "round/client-failed",
      failure: { where: "round 3, client 1", advice: expect.stringMatching(/continue/) },
    });
    const { result, events } = await run(stop);
    expect(ofType(events, "run.started")[0]!.resumedFrom).toBe(2);
    expect(result.modelHash).toBe((await run({})).result.modelHash);
  });

  it("leave the model as it was where nobody is left, with a warning", async () => {
    const { result, events } = await run({ failing: (round) => round === 2 });
    expect(codes(events)).toEqual(["round/no-updates"]);
    expect(ofType(events, "round.finished")[1]).toMatchObject({ round: 2, clients: 0, loss: null, updateNorm: 0 });
    expect(result.history[1]!.loss).toBeNaN();
    expect(result.round).toBe(6);
  });

  it("do not move SCAFFOLD's control variates: c stays the mean of all c_i", async () => {
    const clientStates = memoryClientStates();
    const controls: ArrayLike<number>[] = [];
    const method = scaffold();
    const watched: Algorithm = {
      ...method,
      update(state, aggregate, context) {
        const next = method.update(state, aggregate, context);
        controls.push(next.vectors["control"]!);
        return next;
      },
    };
    const fails = (round: number, client: number) => (round + client) % 3 === 0;
    await run({
      algorithm: watched,
      failing: fails,
      plan: { stages: { weighting: "examples", clipNorm: 0 } },
      ports: { clientStates },
    });
    const states = await Promise.all([0, 1, 2].map((client) => clientStates.load(client)));
    for (const [j, c] of Array.from(controls.at(-1)!).entries()) {
      const mean = states.reduce((sum, state) => sum + (state?.["control"]?.[j] ?? 0), 0) / 3;
      expect(c).toBeCloseTo(mean, 12);
    }
  });
});

describe("an empty cohort", () => {
  it("is a round without change and without a warning", async () => {
    const sampler = { name: "poisson", sample: (round: number) => (round === 1 ? [] : [0]) };
    const { result, events } = await run({ plan: { sampler, rounds: 2 } });
    expect(codes(events)).toEqual([]);
    expect(result.history[0]).toMatchObject({ clients: 0, bytesDown: 0, bytesUp: 0 });
    expect(result.history[1]).toMatchObject({ clients: 1 });
  });
});

describe("the end of a run", () => {
  const plan = { evaluateEvery: 1, patience: 2 };
  const accuracies = [0.3, 0.6, 0.5, 0.6, 0.9];

  it("comes early after `patience` evaluations that are not better; equal is not better", async () => {
    const { result, events } = await run({ plan, accuracies });
    expect(result).toMatchObject({ stopped: "early-stop", round: 4, best: { round: 2, accuracy: 0.6 } });
    expect(ofType(events, "run.stopped")[0]).toMatchObject({ reason: "early-stop", round: 4 });
    expect(ofType(events, "run.finished")[0]).toMatchObject({ rounds: 4, bestRound: 2, accuracy: 0.6 });
  });

  it("comes early at the wanted accuracy, in a round that is evaluated", async () => {
    const { result } = await run({ plan: { evaluateEvery: 2, targetAccuracy: 0.6 }, accuracies });
    expect(result).toMatchObject({ stopped: "early-stop", round: 4 });
  });

  it("is the same for a run that was cut off after its last checkpoint", async () => {
    const checkpoints = memoryBlobStore();
    const cut = (event: RunEvent) => {
      if (event.type === "run.stopped") throw new Error("killed");
    };
    await expect(run({ plan, accuracies, ports: { checkpoints, emit: cut } })).rejects.toThrow("killed");
    const { result, events } = await run({ plan, accuracies: [1], ports: { checkpoints } });
    expect(result).toMatchObject({ stopped: "early-stop", round: 4, best: { round: 2, accuracy: 0.6 }, history: [] });
    expect(result.modelHash).toBe((await run({ plan, accuracies })).result.modelHash);
    expect(ofType(events, "run.finished")).toHaveLength(1);
  });

  it("is told again, and nothing trained, when a finished run is resumed", async () => {
    const checkpoints = memoryBlobStore();
    const first = await run({ plan: { evaluateEvery: 1 }, accuracies, ports: { checkpoints } });
    const again = await run({ plan: { evaluateEvery: 1 }, ports: { checkpoints } });
    const [before, after] = [first, again].map(({ events }) => ofType(events, "run.finished")[0]!);
    expect({ ...after, at: "" }).toEqual({ ...before, at: "" });
    expect(ofType(again.events, "round.started")).toEqual([]);
    expect(again.result.best).toEqual({ round: 5, accuracy: 0.9, stale: 1 });
  });

  it("is divergence where the model is no longer finite; the last finite checkpoint stays the newest", async () => {
    const checkpoints = memoryBlobStore();
    const method = fedavg();
    const exploding: Algorithm = {
      ...method,
      update(state, aggregate, context) {
        const next = method.update(state, aggregate, context);
        if (context.round === 3) next.vectors.parameters[0] = Number.POSITIVE_INFINITY;
        return next;
      },
    };
    const world = { algorithm: exploding, plan: { evaluateEvery: 1 }, ports: { checkpoints } };
    const { result, events } = await run(world);
    expect(result).toMatchObject({ stopped: "diverged", round: 3 });
    expect(ofType(events, "run.stopped")[0]).toMatchObject({
      reason: "diverged",
      message: expect.stringMatching(/learningRate/),
    });
    expect(ofType(events, "checkpoint.saved").map(({ round }) => round)).toEqual([1, 2]);
    expect(ofType(events, "run.finished")).toEqual([]);
    const { events: resumed } = await run({ ports: { checkpoints } });
    expect(ofType(resumed, "run.started")[0]).toMatchObject({ resumedFrom: 2 });
  });

  it("is interruption where it is asked for: saved, and resumed to the same bits and totals", async () => {
    const checkpoints = memoryBlobStore();
    const controller = new AbortController();
    const emit = (event: RunEvent) => {
      if (event.type === "round.finished" && event.round === 2) controller.abort();
    };
    const cut = { ports: { checkpoints, emit, signal: controller.signal }, plan: { checkpointEvery: 5 } };
    expect((await run(cut)).result).toMatchObject({ stopped: "interrupted", round: 2 });
    const whole = await run({});
    const rest = await run({ ports: { checkpoints } });
    expect(rest.result.history.map(({ round }) => round)).toEqual([3, 4, 5, 6]);
    expect(rest.result.modelHash).toBe(whole.result.modelHash);
    const [a, b] = [whole, rest].map(({ events }) => ofType(events, "run.finished")[0]!);
    expect({ ...b, at: "", seconds: 0 }).toEqual({ ...a, at: "", seconds: 0 });
  });
});

describe("resuming", () => {
  const begun = async (): Promise<BlobStore> => {
    const checkpoints = memoryBlobStore();
    await run({ plan: { rounds: 2 }, ports: { checkpoints } });
    return checkpoints;
  };

  it.each([
    ["another configuration", "checkpoint/config", { configHash: "other" }],
    ["other data", "checkpoint/data", { dataHash: "other" }],
    ["another method", "checkpoint/algorithm", { algorithm: { ...fedavg(), name: "other" } }],
  ])("with %s is refused", async (_what, code, plan) => {
    await expect(run({ plan, ports: { checkpoints: await begun() } })).rejects.toMatchObject({ code });
  });

  it("on another executor goes on with a warning", async () => {
    const checkpoints = await begun();
    const { plan } = prepareQuadratics(fedavg(), problem, interpreter());
    const executor = { name: "other", version: "2", fingerprint: "f" };
    const { events } = await run({ plan: { description: { ...plan.description, executor } }, ports: { checkpoints } });
    expect(codes(events)).toEqual(["checkpoint/executor"]);
    expect(codes((await run({ ports: { checkpoints: await begun() } })).events)).toEqual([]);
  });
});

describe("evaluation on clients", () => {
  it("tells the mean and the worst tenth of those that hold examples out", async () => {
    const { result, events } = await run({ plan: { evaluateClientsEvery: 4 }, accuracies: [0.25, 0.75] });
    expect(ofType(events, "client.evaluation")).toMatchObject([
      { round: 4, mean: 0.25, worstDecile: 0.25, best: 0.25, clients: [0] },
      { round: 6, mean: 0.75 },
    ]);
    expect(result.history[3]).toMatchObject({ clientMean: 0.25, clientWorstDecile: 0.25 });
  });
});
