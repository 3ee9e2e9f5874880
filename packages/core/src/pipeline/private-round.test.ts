import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import type { Algorithm, ServerState } from "../algorithms/algorithm.ts";
import { fedavg } from "../algorithms/fedavg.ts";
import { fedcm } from "../algorithms/fedcm.ts";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import { alteredBackend } from "../conformance/run-cohort.ts";
import { CLIP_NORM } from "../privacy/mechanisms/index.ts";
import type { Update } from "../protocol/message.ts";
import type { Backend } from "../round/backend.ts";
import { type BlobStore, memoryBlobStore } from "../round/blob-store.ts";
import type { RunEvent } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import type { RunPlan } from "../round/run-plan.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import { prepareQuadratics, type Quadratics } from "../simulation/quadratics.ts";

interface World {
  readonly algorithm?: Algorithm;
  readonly privacy?: Quadratics["privacy"];
  readonly cohorts?: number[][];
  readonly plan?: Partial<RunPlan>;
  readonly tamper?: (update: Update) => Update;
  readonly checkpoints?: BlobStore;
}

async function run({ algorithm = fedavg(), privacy, cohorts = [[0, 1]], plan: changes, tamper, checkpoints }: World) {
  const executor = interpreter();
  const states: ServerState[] = [];
  const watched: Algorithm = {
    ...algorithm,
    broadcast(state, scalars, round) {
      states.push(state);
      return algorithm.broadcast(state, scalars, round);
    },
  };
  const { plan, simulation } = prepareQuadratics(watched, { ...HETEROGENEOUS, cohorts, privacy }, executor);
  const { backend, evaluator } = await inProcessSimulation(simulation, executor);
  const events: RunEvent[] = [];
  const result = await runFederation(
    { ...plan, onClientFailure: "continue", ...changes },
    {
      backend: tamper === undefined ? backend : tampering(backend, tamper),
      evaluator,
      checkpoints: checkpoints ?? memoryBlobStore(),
      clientStates: memoryClientStates(),
      emit: (event) => void events.push(event),
    },
  );
  return { parameters: Array.from(result.parameters), events, states };
}

const tampering = (backend: Backend, tamper: (update: Update) => Update): Backend =>
  alteredBackend(backend, (outcome) =>
    "update" in outcome ? { ...outcome, update: tamper(outcome.update) } : outcome,
  );

const codes = (events: readonly RunEvent[]) => events.flatMap((e) => ("code" in e ? [e.code] : []));

describe("a private round", () => {
  it("divides by the expected cohort, whoever came", async () => {
    const whole = await run({ cohorts: [[0, 1]], privacy: { clipNorm: 9, denominator: 2 } });
    const alone = await run({ cohorts: [[0]], privacy: { clipNorm: 9, denominator: 2 } });
    const other = await run({ cohorts: [[1]], privacy: { clipNorm: 9, denominator: 2 } });
    whole.parameters.forEach((x, j) => {
      expect(x).toBeCloseTo(alone.parameters[j]! + other.parameters[j]!, 14);
    });
  });

  it("without clients is noised all the same under central noise, and releases nothing under clients' noise", async () => {
    const noisy = { clipNorm: 1, noiseMultiplier: 1, denominator: 2 };
    const empty = await run({ cohorts: [[]], privacy: noisy });
    expect(empty.parameters.every((x) => x !== 0 && Math.abs(x) < 3)).toBe(true);
    const local = await run({ cohorts: [[]], privacy: { ...noisy, noise: "local" } });
    expect(local.parameters).toEqual([0, 0, 0]);
  });

  it("with fewer survivors than shares were made for is not released, and the next one is", async () => {
    const privacy = {
      clipNorm: 1,
      noise: "distributed",
      minimumSurvivors: 2,
      noiseMultiplier: 1,
      denominator: 2,
    } as const;
    const few = await run({ cohorts: [[0], [0, 1]], privacy });
    expect(codes(few.events)).toEqual(["round/too-few"]);
    expect(Array.from(few.states[1]!.vectors.parameters)).toEqual([0, 0, 0]);
    expect(few.parameters.every((x) => x !== 0)).toBe(true);
  });

  it("leaves out an update that its client did not clip, and one that is not finite", async () => {
    const scaled = (factor: number) => (update: Update) =>
      update.client === 0
        ? { ...update, vectors: { delta: update.vectors["delta"]!.map((x) => x * factor) as Float64Array } }
        : update;
    const privacy = { clipNorm: 0.1 };
    const honest = await run({ cohorts: [[1]], privacy: { ...privacy, denominator: 2 } });
    for (const [factor, code] of [
      [1.01, "update/clip"],
      [Number.NaN, "privacy/not-finite"],
    ] as const) {
      const { events, parameters } = await run({ privacy, tamper: scaled(factor) });
      expect(codes(events)).toEqual([code]);
      expect(parameters).toEqual(honest.parameters);
    }
  });

  it("tells methods the expected cohort, and refuses to tell steps that are not public", async () => {
    let seen: number | undefined;
    const watching: Algorithm = {
      ...fedavg(),
      update(state, aggregate, context) {
        seen = context.cohortSize;
        return fedavg().update(state, aggregate, context);
      },
    };
    await run({ algorithm: watching, cohorts: [[0]], privacy: { clipNorm: 1, denominator: 2.5 } });
    expect(seen).toBe(2.5);
    const hidden = run({ algorithm: fedcm(), privacy: { clipNorm: 1 }, plan: { localSteps: undefined } });
    await expect(hidden).rejects.toMatchObject({ code: "privacy/steps" });
  });

  it("adapts its clip norm by the votes, and resumes with it", async () => {
    const adaptive = { targetQuantile: 0.5, rate: 0.2, countNoise: 0 };
    const cohorts = [
      [0, 1],
      [1, 2],
      [2, 3],
      [0, 3],
    ];
    const privacy = { clipNorm: 1e-3, adaptive };
    const whole = await run({ cohorts, privacy });
    // both clients of every round are clipped, so C grows by exp(0.2 * 0.5) a round
    const norms = whole.states.map(({ scalars }) => scalars[CLIP_NORM]);
    expect(norms[0]).toBeUndefined();
    [1, 2, 3].forEach((t) => {
      expect(norms[t]).toBeCloseTo(1e-3 * Math.exp(0.1 * t), 14);
    });
    const checkpoints = memoryBlobStore();
    await run({ cohorts: cohorts.slice(0, 2), privacy, checkpoints });
    const resumed = await run({ cohorts, privacy, checkpoints });
    expect(resumed.states.length).toBe(2);
    expect(resumed.parameters).toEqual(whole.parameters);
  });
});
