import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { fedavg } from "../algorithms/fedavg.ts";
import { fedbuff } from "../algorithms/fedbuff.ts";
import { fedcompass } from "../algorithms/fedcompass.ts";
import { fedfix } from "../algorithms/fedfix.ts";
import type { OrderDuration } from "../clock/index.ts";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import { arrivalGroups, buffered, firstArrivals, type Schedule, synchronous, ticks } from "../schedule/index.ts";
import { oortSampler } from "../selection/guided-samplers.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import { prepareQuadratics } from "../simulation/quadratics.ts";
import { type BlobStore, memoryBlobStore } from "./blob-store.ts";
import type { RunEvent } from "./events.ts";
import { memoryClientStates } from "./memory-client-states.ts";
import { runFederation } from "./run.ts";
import type { RunPlan } from "./run-plan.ts";

const everyone = [...HETEROGENEOUS.a.keys()];
const CLIENTS = everyone.length;
/** Microseconds of a local step. */
const perStep: OrderDuration = (client, version, visit, start) =>
  (start?.steps ?? 3) * (1000 * (1 + client) + 90 * ((version + visit) % 3));
const constant = { form: "constant", rate: 0, grace: 0 } as const;

const groups = (staleness: "constant" | "polynomial" = "polynomial") =>
  arrivalGroups({
    ...{ minSteps: 1, maxSteps: 6, latestFactor: 1.2, speedMomentum: 0.9 },
    staleness: { form: staleness, rate: 0.5, grace: 0 },
  });

interface World {
  readonly algorithm: Algorithm;
  readonly schedule: Schedule;
  readonly durations?: OrderDuration;
  readonly rounds?: number;
  readonly checkpoints?: BlobStore;
  readonly stopAfter?: number;
  readonly plan?: Partial<RunPlan>;
}

async function run({ algorithm, schedule, durations = perStep, rounds = 14, ...world }: World) {
  const cohorts = Array.from({ length: rounds }, () => everyone);
  const problem = { ...HETEROGENEOUS, cohorts, asynchronous: { schedule, durations } };
  const { plan, simulation } = prepareQuadratics(algorithm, problem, interpreter());
  const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
  const events: RunEvent[] = [];
  const stop = new AbortController();
  const result = await runFederation(
    { ...plan, ...world.plan },
    {
      backend,
      evaluator,
      checkpoints: world.checkpoints ?? memoryBlobStore(),
      clientStates: memoryClientStates(),
      emit(event) {
        events.push(event);
        if (event.type === "round.finished" && event.round === world.stopAfter) stop.abort();
      },
      signal: stop.signal,
    },
  );
  const rounded = events.flatMap((event) => (event.type === "round.finished" ? [event] : []));
  return { ...result, finished: rounded };
}

const worlds: readonly (readonly [string, World])[] = [
  ["ticks", { algorithm: fedfix(), schedule: ticks({ period: 7000, concurrency: CLIENTS, weight: (i) => 1 + i / 4 }) }],
  ["arrival groups", { algorithm: fedcompass(), schedule: groups() }],
  [
    "first arrivals",
    {
      algorithm: fedavg(),
      schedule: firstArrivals({ keep: 2, duration: (client, round, at) => perStep(client, round, 0, { at }) }),
    },
  ],
  [
    "cohorts that follow reports",
    { algorithm: fedavg(), schedule: synchronous, plan: { sampler: oortSampler(CLIENTS, 2) } },
  ],
  [
    "a buffer of moved updates",
    {
      algorithm: fedbuff(),
      schedule: buffered({ buffer: 2, concurrency: CLIENTS, staleness: constant }),
      plan: { compensation: 0.5 },
    },
  ],
];

describe("rounds of every schedule", () => {
  it.each(worlds)("of %s continue with the same bits from any checkpoint", async (_name, world) => {
    const whole = await run(world);
    expect(whole.stopped).toBe("finished");
    for (const stopAfter of [1, 4, 9]) {
      const checkpoints = memoryBlobStore();
      await run({ ...world, checkpoints, stopAfter });
      const rest = await run({ ...world, checkpoints });
      expect(rest.modelHash).toBe(whole.modelHash);
      expect(rest.finished.at(-1)!.simulatedSeconds).toBe(whole.finished.at(-1)!.simulatedSeconds);
    }
  });

  it("are FedAvg where a tick is as long as the slowest client", async () => {
    const equal: OrderDuration = (client) => 1000 * (1 + client);
    const rule = { algorithm: fedfix(), durations: equal };
    const ticked = ticks({ period: 1000 * CLIENTS, concurrency: CLIENTS, weight: () => 1 });
    const waited = firstArrivals({ duration: (client) => equal(client, 1, 0) });
    const [fixed, plain] = [await run({ ...rule, schedule: ticked }), await run({ ...rule, schedule: waited })];
    expect(Math.max(...fixed.parameters.map((x, j) => Math.abs(x - plain.parameters[j]!)))).toBeLessThan(1e-12);
    expect(fixed.finished.at(-1)!.simulatedSeconds).toBe(plain.finished.at(-1)!.simulatedSeconds);
  });

  it("are FedAvg of one group where all clients are equally fast", async () => {
    const equal: OrderDuration = (_client, _version, _visit, start) => 1000 * (start?.steps ?? 6);
    const grouped = await run({
      algorithm: fedcompass(),
      schedule: groups("constant"),
      durations: equal,
      rounds: CLIENTS + 6,
    });
    // each client arrives alone once, then all of them together
    expect(grouped.finished.map(({ clients }) => clients)).toEqual([
      ...everyone.map(() => 1),
      ...Array.from({ length: 6 }, () => CLIENTS),
    ]);
  });

  it("count the bytes of clients whose updates are not needed", async () => {
    const [, , [, world]] = worlds as never as [never, never, readonly [string, World]];
    const [some, all] = [
      await run(world),
      await run({ ...world, schedule: firstArrivals({ duration: (client) => perStep(client, 1, 0) }) }),
    ];
    expect(some.finished[0]!.clients).toBe(2);
    expect(some.finished[0]!.bytesDown).toBe(all.finished[0]!.bytesDown);
    expect(some.finished[0]!.bytesUp).toBeLessThan(all.finished[0]!.bytesUp);
  });

  it("count the bytes of a model that nobody returns in time, and report it", async () => {
    const fedAvg = { algorithm: fedavg(), rounds: 3 };
    const nobody = await run({ ...fedAvg, schedule: firstArrivals({ deadline: 1, duration: () => 2 }) });
    const all = await run({ ...fedAvg, schedule: synchronous });
    expect(nobody.finished.map(({ clients, bytesDown, bytesUp }) => [clients, bytesDown, bytesUp])).toEqual(
      all.finished.map(({ bytesDown }) => [0, bytesDown, 0]),
    );
    expect(nobody.stopped).toBe("clients-failed");
    expect(nobody.reason).toMatch(/^Rounds 1 to 3: no update arrived in time. Raise schedule.deadline/);
  });

  it("count the bytes of updates that come too late to count", async () => {
    const strict = { ...constant, most: 0 };
    const world = { algorithm: fedbuff(), rounds: 6 };
    const sum = (told: Awaited<ReturnType<typeof run>>, of: "bytesUp" | "clients") =>
      told.finished.reduce((total, round) => total + round[of]!, 0);
    const options = { buffer: 1, concurrency: CLIENTS };
    const all = await run({ ...world, schedule: buffered({ ...options, staleness: constant }) });
    const some = await run({ ...world, schedule: buffered({ ...options, staleness: strict }) });
    // each round adds one update; the updates that are left out were sent as well
    expect(sum(some, "clients")).toBe(sum(all, "clients"));
    expect(sum(some, "bytesUp")).toBeGreaterThan(sum(all, "bytesUp"));
  });
});
