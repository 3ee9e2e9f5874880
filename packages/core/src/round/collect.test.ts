import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { fedavg } from "../algorithms/fedavg.ts";
import { scaffold } from "../algorithms/scaffold.ts";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import { alteredBackend } from "../conformance/run-cohort.ts";
import { type Schedule, type ScheduleState, synchronous } from "../schedule/index.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import { prepareQuadratics } from "../simulation/quadratics.ts";
import type { Backend } from "./backend.ts";
import { memoryBlobStore } from "./blob-store.ts";
import { newestCheckpoint } from "./checkpoint-store.ts";
import type { RunEvent } from "./events.ts";
import { memoryClientStates } from "./memory-client-states.ts";
import { runFederation } from "./run.ts";
import type { RunPlan, RunPorts } from "./run-plan.ts";

const COHORTS = [
  [0, 1, 2],
  [1, 2, 3],
  [3, 0, 1],
  [2, 0, 3],
];
const ask = (clients: readonly number[]) => clients.map((client) => ({ client, visit: 0 }));

/** A round ends when two have arrived; the others are left alone. Counts what has arrived in all rounds. */
const firstTwo: Schedule = {
  name: "first-two",
  initial: { arrived: [0], all: [0] },
  open: ({ all }, { cohort }) => ({
    state: { arrived: [0], all: all! },
    requests: ask(cohort),
    complete: cohort.length === 0,
  }),
  arrived({ arrived, all }) {
    const count = arrived![0]! + 1;
    const state = { arrived: [count], all: [all![0]! + 1] };
    return { state, requests: [], complete: count === 2, fold: true, factor: 1 };
  },
  timer: (state) => ({ state, requests: [], complete: false }),
};

/** Gives out no work before a timer rings, five microseconds after the start of the round. */
const afterTimer: Schedule = {
  name: "after-timer",
  initial: {},
  open: (_state, { time, cohort }) => ({
    state: { cohort },
    requests: [],
    timers: [{ name: "begin", at: time + 5 }],
    complete: false,
  }),
  timer: ({ cohort }) => ({ state: { left: [cohort!.length] }, requests: ask(cohort!), complete: false }),
  arrived({ left }) {
    const state: ScheduleState = { left: [left![0]! - 1] };
    return { state, requests: [], complete: left![0] === 1, fold: true, factor: 1 };
  },
};

interface World {
  readonly algorithm?: Algorithm;
  readonly cohorts?: readonly (readonly number[])[];
  readonly plan?: Partial<RunPlan>;
  readonly ports?: Partial<RunPorts>;
  readonly group?: number;
  readonly failing?: (client: number) => boolean;
}

/** A backend that counts what it still holds. */
function counting(backend: Backend, { group = 1, failing = () => false }: World) {
  const held = { orders: new Set<string>(), versions: new Set<number>() };
  const inner = alteredBackend(backend, (outcome, { client }) =>
    failing(client)
      ? { client, failure: { code: "test/failed", message: "it fails" }, bytesDown: outcome.bytesDown, retried: false }
      : outcome,
  );
  const counted: Backend = {
    ...inner,
    group,
    publish(version, broadcast) {
      held.versions.add(version);
      inner.publish(version, broadcast);
    },
    retire(version) {
      held.versions.delete(version);
      inner.retire(version);
    },
    submit(order) {
      held.orders.add(order.id);
      inner.submit(order);
    },
    async release(id) {
      held.orders.delete(id);
      await inner.release(id);
    },
  };
  return { backend: counted, left: () => [held.orders.size, held.versions.size] };
}

async function begin(world: World) {
  const executor = interpreter();
  const problem = { ...HETEROGENEOUS, cohorts: world.cohorts ?? COHORTS };
  const { plan, simulation } = prepareQuadratics(world.algorithm ?? fedavg(), problem, executor);
  const { backend, left } = counting((await inProcessSimulation(simulation, executor)).backend, world);
  const events: RunEvent[] = [];
  const result = runFederation(
    { ...plan, onClientFailure: "continue", ...world.plan },
    {
      backend,
      evaluator: { evaluate: async () => ({ loss: 0, score: 0, examples: 1 }), evaluateClients: async () => [] },
      checkpoints: memoryBlobStore(),
      clientStates: memoryClientStates(),
      emit: (event) => void events.push(event),
      ...world.ports,
    },
  );
  return { result, events, left };
}

const run = async (world: World) => {
  const { result, ...rest } = await begin(world);
  return { ...(await result), ...rest };
};
const outcome = async (world: World) => {
  const { result, left } = await begin(world);
  const error = await result.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { error, left: left() };
};

describe("a schedule that does not wait for all", () => {
  const early = { plan: { schedule: firstTwo } };

  it.each([1, 2, 3])("releases the others, whose work counts nowhere (groups of %d)", async (group) => {
    const { modelHash, history, left } = await run({ ...early, group });
    const two = await run({ cohorts: COHORTS.map((cohort) => cohort.slice(0, 2)) });
    expect(modelHash).toBe(two.modelHash);
    expect(history.map(({ bytesDown, bytesUp, clients }) => [bytesDown, bytesUp, clients])).toEqual(
      two.history.map(({ bytesDown, bytesUp, clients }) => [bytesDown, bytesUp, clients]),
    );
    expect(left()).toEqual([0, 0]);
  });

  it("goes on from a checkpoint with its state", async () => {
    const checkpoints = memoryBlobStore();
    await run({ plan: { ...early.plan, rounds: 2 }, ports: { checkpoints } });
    const half = (await newestCheckpoint(checkpoints))!.checkpoint;
    expect(half.work).toMatchObject({ time: 0, schedule: { all: [4] } });
    const rest = await run({ ...early, ports: { checkpoints } });
    expect(rest.modelHash).toBe((await run(early)).modelHash);
    expect((await newestCheckpoint(checkpoints))!.checkpoint.work).toMatchObject({ schedule: { all: [8] } });
  });
});

describe("a schedule with timers", () => {
  const timed = { plan: { schedule: afterTimer } };

  it("is asked at their instants, and time goes on over rounds and checkpoints", async () => {
    const checkpoints = memoryBlobStore();
    await run({ plan: { ...timed.plan, rounds: 3 }, ports: { checkpoints } });
    expect((await newestCheckpoint(checkpoints))!.checkpoint.work?.time).toBe(15);
    const { modelHash } = await run({ ...timed, ports: { checkpoints } });
    expect((await newestCheckpoint(checkpoints))!.checkpoint.work?.time).toBe(20);
    expect(modelHash).toBe((await run({})).modelHash);
  });
});

describe("the verdict on an arrival", () => {
  const judged = (factorOf: (client: number) => number): Schedule => ({
    ...synchronous,
    arrived(state, arrival) {
      const factor = factorOf(arrival.client);
      return { ...synchronous.arrived(state, arrival), fold: factor > 0, factor };
    },
  });

  it.each([1, 3])("leaves an update and its client's state out (groups of %d)", async (group) => {
    const clientStates = memoryClientStates();
    const schedule = judged((client) => (client === 2 ? 0 : 1));
    const { modelHash } = await run({ algorithm: scaffold(), plan: { schedule }, ports: { clientStates }, group });
    const cohorts = COHORTS.map((cohort) => cohort.filter((client) => client !== 2));
    expect(modelHash).toBe((await run({ algorithm: scaffold(), cohorts })).modelHash);
    expect(await clientStates.load(2)).toBeUndefined();
    expect(await clientStates.load(1)).toBeDefined();
  });

  it("is a factor on the update, by which a mean does not divide", async () => {
    const hash = async (factorOf: (client: number) => number) =>
      (await run({ plan: { schedule: judged(factorOf) } })).modelHash;
    const halfSteps = await run({ algorithm: fedavg({ serverLearningRate: 0.5 }) });
    expect(await hash(() => 0.5)).toBe(halfSteps.modelHash);
    expect(await hash((client) => (client === 2 ? 0.5 : 1))).not.toBe((await run({})).modelHash);
  });
});

describe("failures in the middle of a group", () => {
  it.each([2, 3, 4])("leave the sum as it is without groups (groups of %d)", async (group) => {
    const failing = (client: number) => client === 1;
    const grouped = await run({ failing, group });
    const single = await run({ failing });
    expect(grouped.modelHash).toBe(single.modelHash);
    const kinds = ({ events }: typeof single) => events.map(({ type }) => type);
    expect(kinds(grouped)).toEqual(kinds(single));
  });
});

describe("what ends a round by an error", () => {
  const broken = new Error("broken");
  const reject = async () => Promise.reject(broken);

  it.each<[string, World]>([
    [
      "an event that cannot be announced",
      {
        failing: (client) => client === 1,
        ports: { emit: (event) => (event.type === "client.failed" ? reject() : undefined) },
      },
    ],
    ["a client state that cannot be read", { ports: { clientStates: { ...memoryClientStates(), load: reject } } }],
    [
      "a client state that cannot be saved",
      { algorithm: scaffold(), ports: { clientStates: { ...memoryClientStates(), save: reject } } },
    ],
  ])("releases all orders and the model: %s", async (_what, world) => {
    for (const group of [1, 3]) expect(await outcome({ ...world, group })).toEqual({ error: broken, left: [0, 0] });
  });

  it("waits for the client states that are being saved", async () => {
    let saving = 0;
    const save = async () => {
      saving++;
      await new Promise((resolve) => setTimeout(resolve, 20));
      saving--;
    };
    const { error } = await outcome({
      algorithm: scaffold(),
      failing: (client) => client === 2,
      plan: { onClientFailure: "stop" },
      ports: { clientStates: { ...memoryClientStates(), save } },
    });
    expect(error).toMatchObject({ code: "round/client-failed" });
    expect(saving).toBe(0);
  });

  it("is a schedule that waits for nothing", async () => {
    const schedule: Schedule = {
      ...synchronous,
      arrived: (...about) => ({ ...synchronous.arrived(...about), complete: false }),
    };
    const { error, left } = await outcome({ plan: { schedule } });
    expect(error).toMatchObject({ code: "schedule/stalled", failure: { where: "round 1" } });
    expect(left).toEqual([0, 0]);
  });
});
