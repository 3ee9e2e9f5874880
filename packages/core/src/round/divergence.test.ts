import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { fedavg } from "../algorithms/fedavg.ts";
import { resolveConfig } from "../config/index.ts";
import { alteredBackend } from "../conformance/run-cohort.ts";
import type { ArrayDataset } from "../data/index.ts";
import type { MechanismSettings } from "../privacy/mechanisms/index.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import { prepareRun } from "../simulation/prepare.ts";
import { prepareQuadratics, type Quadratics } from "../simulation/quadratics.ts";
import type { Backend } from "./backend.ts";
import { memoryBlobStore } from "./blob-store.ts";
import { firstSentence, isDivergedLoss, troubleAfter } from "./divergence.ts";
import type { EventOf, RunEvent } from "./events.ts";
import { memoryClientStates } from "./memory-client-states.ts";
import { runFederation } from "./run.ts";
import type { RunPlan, RunPorts, RunResult } from "./run-plan.ts";

const ROUNDS = 8;
const problem: Quadratics = {
  a: [[1], [2]],
  b: [[1], [-1]],
  x0: [0],
  learningRate: 0.1,
  localSteps: 1,
  cohorts: Array.from({ length: ROUNDS }, () => [0, 1]),
};

interface World {
  /** The code with which the task of a client fails in a round; undefined: it does not. */
  readonly failing?: (round: number, client: number) => string | undefined;
  /** Test loss by round. */
  readonly loss?: (round: number) => number;
  readonly accuracy?: (round: number) => number;
  readonly plan?: Partial<RunPlan>;
  readonly ports?: Partial<RunPorts>;
}

/** Eight rounds on quadratics, with failures and test losses as a test scripts them. */
async function run(world: World): Promise<{ result: RunResult; events: RunEvent[] }> {
  const executor = interpreter();
  const { plan, simulation } = prepareQuadratics(fedavg(), problem, executor);
  const { backend } = await inProcessSimulation(simulation, executor);
  const events: RunEvent[] = [];
  let round = 0;
  const result = await runFederation(
    { ...plan, onClientFailure: "continue", evaluateEvery: world.loss === undefined ? 0 : 1, ...world.plan },
    {
      backend: failing(backend, world.failing ?? (() => undefined)),
      evaluator: {
        evaluate: async () => ({ loss: world.loss!(round), score: world.accuracy?.(round) ?? 0.5, examples: 1 }),
        evaluateClients: async () => [],
      },
      checkpoints: memoryBlobStore(),
      clientStates: memoryClientStates(),
      ...world.ports,
      emit: (event) => {
        if (event.type === "round.started") round = event.round;
        events.push(event);
        return world.ports?.emit?.(event);
      },
    },
  );
  return { result, events };
}

const failing = (backend: Backend, codeOf: NonNullable<World["failing"]>): Backend =>
  alteredBackend(backend, (outcome, { version, client }) => {
    const code = codeOf(version, client);
    if (code === undefined) return outcome;
    const message = `it went wrong (round ${version}, client ${client}); received x. Do y.`;
    return { client, failure: { code, message }, bytesDown: 1, retried: false };
  });

const stoppedOf = (events: readonly RunEvent[]) =>
  events.filter((event): event is EventOf<"run.stopped"> => event.type === "run.stopped");
const finished = (events: readonly RunEvent[]) => events.some(({ type }) => type === "run.finished");

describe("a run in which every client fails", () => {
  it("stops after three such rounds in a row, as divergence where training diverged", async () => {
    const { result, events } = await run({ failing: () => "client/not-finite" });
    expect(result).toMatchObject({ stopped: "diverged", round: 3, best: undefined });
    const message =
      "Rounds 1 to 3: all clients failed (client/not-finite): it went wrong. " +
      "Lower training.learningRate, or set training.gradientClip.";
    expect(result.reason).toBe(message);
    expect(stoppedOf(events)).toMatchObject([{ round: 3, reason: "diverged", message }]);
    expect(finished(events)).toBe(false);
  });

  it("has another name where the clients fail for another reason", async () => {
    const { result, events } = await run({ failing: () => "update/shape" });
    expect(result).toMatchObject({ stopped: "clients-failed", round: 3 });
    expect(stoppedOf(events)[0]).toMatchObject({
      reason: "clients-failed",
      message: expect.stringMatching(/^Rounds 1 to 3: all clients failed \(update\/shape\): it went wrong\. /),
    });
  });

  it("says why those failed that were there", async () => {
    const { result } = await run({
      failing: (_, client) => (client === 0 ? "client/not-finite" : "client/unresponsive"),
    });
    expect(result).toMatchObject({
      stopped: "diverged",
      reason: expect.stringMatching(/^Rounds 1 to 3: all clients that answered failed \(client\/not-finite\)/),
    });
    const away = await run({ failing: () => "client/unresponsive" });
    expect(away.result.reason).toMatch(/all clients failed \(client\/unresponsive\)/);
  });

  it("goes on where one client of the three rounds finished", async () => {
    const { result } = await run({ failing: (round, client) => (round === 2 && client === 0 ? undefined : "x/y") });
    expect(result).toMatchObject({ stopped: "clients-failed", round: 5 });
    const sometimes = await run({ failing: (round) => (round % 3 === 0 ? undefined : "x/y") });
    expect(sometimes.result).toMatchObject({ stopped: "clients-failed", round: 8 });
  });

  it("has failed where only the last cohort did, and a run of one round", async () => {
    const last = await run({ failing: (round) => (round === ROUNDS ? "client/not-finite" : undefined) });
    expect(last.result).toMatchObject({
      stopped: "diverged",
      round: ROUNDS,
      reason: expect.stringMatching(/^Round 8: /),
    });
    const one = await run({ failing: () => "client/not-finite", plan: { rounds: 1 } });
    expect(one.result).toMatchObject({ stopped: "diverged", round: 1 });
  });

  it("is told again when it is resumed, also where it was cut off in the middle", async () => {
    const checkpoints = memoryBlobStore();
    const world = { failing: () => "client/not-finite" };
    const emit = (event: RunEvent) => {
      if (event.type === "round.started" && event.round === 3) throw new Error("killed");
    };
    await expect(run({ ...world, ports: { checkpoints, emit } })).rejects.toThrow("killed");
    for (const rounds of [1, 0]) {
      const { result } = await run({ ...world, ports: { checkpoints } });
      expect(result).toMatchObject({ stopped: "diverged", round: 3, reason: expect.stringMatching(/^Rounds 1 to 3/) });
      expect(result.history).toHaveLength(rounds);
    }
  });

  it("does not count rounds without a cohort", async () => {
    const sampler = { name: "s", sample: (round: number) => (round === 2 || round === 8 ? [] : [0, 1]) };
    const { result } = await run({ plan: { sampler }, failing: () => "x/y" });
    expect(result).toMatchObject({ stopped: "clients-failed", round: 4 });
    const sound = await run({ plan: { sampler } });
    expect(sound.result).toMatchObject({ stopped: "finished", round: 8 });
  });
});

describe("a run whose loss has exploded", () => {
  const guessingLoss = Math.log(10);

  it.each([
    ["far above that of guessing", 2e13, /^Round 8: the test loss is 2\.0e\+13; guessing gives 2\.3\. Lower /],
    ["not finite", Number.NaN, /^Round 8: the test loss is not finite\. Lower /],
    ["infinite", Number.POSITIVE_INFINITY, /not finite/],
  ])("has diverged where it is %s at the end", async (_what, value, reason) => {
    const { result } = await run({ loss: (round) => (round < ROUNDS ? 1 : value), plan: { guessingLoss } });
    expect(result).toMatchObject({ stopped: "diverged", round: ROUNDS, reason: expect.stringMatching(reason) });
    expect(result.best?.round).toBe(1);
  });

  it("is sound where it came back, and where its loss is large but one of training", async () => {
    const back = await run({ loss: (round) => (round === 2 ? 1e20 : 2), plan: { guessingLoss } });
    expect(back.result.stopped).toBe("finished");
    const overconfident = await run({ loss: () => 5000, plan: { guessingLoss } });
    expect(overconfident.result.stopped).toBe("finished");
  });

  it("has no best model among those that had exploded", async () => {
    const { result } = await run({ loss: () => Number.NaN, accuracy: () => 0.9, plan: { guessingLoss } });
    expect(result).toMatchObject({ stopped: "diverged", best: undefined });
    const { result: later } = await run({
      loss: (round) => (round > 2 ? 1e20 : 1),
      accuracy: (round) => round / 10,
      plan: { guessingLoss },
    });
    expect(later.best).toMatchObject({ round: 2, accuracy: 0.2 });
  });

  it("has diverged, too, where patience ends it or nothing was evaluated but training", async () => {
    const { result } = await run({ loss: () => 1e20, plan: { guessingLoss, patience: 2 } });
    expect(result).toMatchObject({ stopped: "diverged", round: 2 });
    const training = await run({ plan: { guessingLoss: 1e-9 } });
    expect(training.result.reason).toMatch(/^Rounds 1 to 8: the training loss is .*; guessing gives 1e-9\. /);
  });

  it("is no failure where the wanted accuracy was reached", async () => {
    const { result } = await run({ loss: () => 1e20, plan: { guessingLoss, targetAccuracy: 0.5 } });
    expect(result.stopped).toBe("early-stop");
  });

  it("is not judged where the model does not classify, but for a loss that is no number", () => {
    expect(isDivergedLoss(1e30, undefined)).toBe(false);
    expect(isDivergedLoss(Number.NaN, undefined)).toBe(true);
  });
});

describe("a private run", () => {
  const part = (n: number): ArrayDataset => ({
    name: "points",
    features: { dtype: "float", shape: [n, 2], data: Float32Array.from({ length: 2 * n }, (_, i) => Math.sin(i)) },
    labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 3) },
    classes: 3,
  });
  const privateRun = async (clipNorm: number, failing: boolean) => {
    const config = resolveConfig({
      rounds: 5,
      data: { clients: 6, partition: { scheme: "iid" } },
      model: { name: "logistic" },
      algorithm: { name: "dp-fedavg" },
      training: { batchSize: 4, localSteps: 2, learningRate: failing ? 1e300 : 0.1 },
      sampler: { cohort: 3 },
      privacy: { mechanism: "gaussian", clipNorm },
    });
    const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
    const { plan, simulation } = prepareRun(config, { train: part(36), test: part(6) }, identity, 0, "private");
    const { backend } = await inProcessSimulation(simulation, interpreter());
    const evaluator = {
      evaluate: async () => ({ loss: 1e20, score: 0, examples: 1 }),
      evaluateClients: async () => [],
    };
    const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    const events: RunEvent[] = [];
    const emit = (event: RunEvent) => void events.push(event);
    return { result: await runFederation(plan, { backend, evaluator, ...stores, emit }), events };
  };

  it("is judged neither by its clients nor by a loss: how it ends would tell of them", async () => {
    const { result, events } = await privateRun(0.1, true);
    expect(events.filter(({ type }) => type === "client.failed").length).toBeGreaterThan(3);
    expect(result).toMatchObject({ stopped: "finished", round: 5 });
  });

  it("has failed where nothing was ever released, and does not say how many clients there were", async () => {
    const privacy: MechanismSettings = {
      ...{ clipping: "flat", clipNorm: 1, distribution: "gaussian", noise: "distributed", noiseMultiplier: 0 },
      ...{ denominator: 2, minimumSurvivors: 2, source: { kind: "seeded" } },
    };
    const fails = (round: number, client: number) => (round === 5 || client === 0 ? "x/y" : undefined);
    const { result } = await run({ failing: fails, plan: { stages: { weighting: "uniform", clipNorm: 0, privacy } } });
    expect(result).toMatchObject({ stopped: "clients-failed", round: ROUNDS });
    expect(result.reason).toMatch(/^Rounds 1 to 8: too few clients finished for a release\. /);
  });

  it("is advised to have more clients where some were away, unless who was there is secret", () => {
    const { plan } = prepareQuadratics(fedavg(), problem, interpreter());
    const privacy: MechanismSettings = {
      ...{ clipping: "flat", clipNorm: 1, distribution: "gaussian", noise: "distributed", noiseMultiplier: 0 },
      ...{ denominator: 2, minimumSurvivors: 2, source: { kind: "seeded" } },
    };
    const adviceAfter = (code: string, stages: RunPlan["stages"]) => {
      const failures = [{ client: 0, code, message: "gone" }];
      const facts = { round: 1, cohort: 3, clients: 2, failures, parameters: plan.initial, loss: undefined };
      const { message } = troubleAfter({ ...plan, stages }, undefined, { ...facts, whyNotReleased: "too few" })!;
      return message.split(". ")[1];
    };
    expect(adviceAfter("client/absent", plan.stages)).toMatch(/^More clients have to be there/);
    expect(adviceAfter("update/shape", plan.stages)).toMatch(/^Raise sampler\.cohort/);
    expect(adviceAfter("client/absent", { ...plan.stages, privacy })).toMatch(/^Raise sampler\.cohort/);
  });

  it("has diverged where its released models have", async () => {
    const { result } = await privateRun(1e9, false);
    expect(result).toMatchObject({
      stopped: "diverged",
      round: 5,
      reason: expect.stringMatching(/weights have grown/),
    });
  });
});

describe("firstSentence", () => {
  it("leaves out place, numbers and advice", () => {
    const long =
      "local training diverged: the update is not finite (round 1, client 2); received loss NaN; expected finite numbers. Lower it.";
    expect(firstSentence(long)).toBe("local training diverged: the update is not finite");
    expect(firstSentence("plain")).toBe("plain");
    expect(firstSentence('the vector "a.b" has 3 elements; received none')).toBe('the vector "a.b" has 3 elements');
  });
});
