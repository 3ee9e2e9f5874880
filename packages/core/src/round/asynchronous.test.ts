import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { diloco } from "../algorithms/diloco.ts";
import { fedasync } from "../algorithms/fedasync.ts";
import { fedavg } from "../algorithms/fedavg.ts";
import { fedbuff } from "../algorithms/fedbuff.ts";
import type { OrderDuration } from "../clock/index.ts";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import { alteredBackend } from "../conformance/run-cohort.ts";
import { buffered } from "../schedule/index.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import { prepareQuadratics } from "../simulation/quadratics.ts";
import type { Order } from "./backend.ts";
import { type BlobStore, memoryBlobStore } from "./blob-store.ts";
import type { RunEvent } from "./events.ts";
import { memoryClientStates } from "./memory-client-states.ts";
import { runFederation } from "./run.ts";
import type { RunPlan } from "./run-plan.ts";

const CLIENTS = HETEROGENEOUS.a.length;
const polynomial = { form: "polynomial", rate: 0.5, grace: 0 } as const;
const constant = { form: "constant", rate: 0, grace: 0 } as const;
const unequal: OrderDuration = (client, version, visit) => 1000 * (1 + client * client) + 7 * version + visit;

interface World {
  readonly algorithm?: Algorithm;
  readonly buffer?: number;
  readonly concurrency?: number;
  readonly staleness?: typeof polynomial | typeof constant;
  readonly durations?: OrderDuration;
  readonly rounds?: number;
  readonly checkpoints?: BlobStore;
  readonly failing?: (order: Order) => boolean;
  readonly plan?: Partial<RunPlan>;
  readonly stopAfter?: number;
  /** Orders and versions that the backend has. */
  readonly held?: Set<string>;
  readonly versions?: Set<number>;
}

async function run(world: World) {
  const { buffer = 2, concurrency = 3, staleness = polynomial, durations = unequal, rounds = 12 } = world;
  const asynchronous = { schedule: buffered({ buffer, concurrency, staleness }), durations };
  const problem = { ...HETEROGENEOUS, cohorts: Array.from({ length: rounds }, () => []), asynchronous };
  const executor = interpreter();
  const { plan, simulation } = prepareQuadratics(
    world.algorithm ?? fedbuff({ serverMomentum: 0.3 }),
    problem,
    executor,
  );
  const orders: Order[] = [];
  const { held = new Set<string>(), versions = new Set<number>() } = world;
  const inner = (await inProcessSimulation(simulation, executor)).backend;
  const altered = alteredBackend(inner, (outcome, order) =>
    world.failing?.(order) === true
      ? { client: order.client, failure: { code: "test/failed", message: "it fails" }, bytesDown: 0, retried: false }
      : outcome,
  );
  const busy = new Set<number>();
  const backend = {
    ...altered,
    publish(version: number, broadcast: Parameters<typeof altered.publish>[1]) {
      versions.add(version);
      return altered.publish(version, broadcast);
    },
    retire(version: number) {
      versions.delete(version);
      altered.retire(version);
    },
    submit(order: Order) {
      expect(busy.has(order.client), `client ${order.client} has one order at a time`).toBe(false);
      expect(versions.has(order.version)).toBe(true);
      busy.add(order.client);
      held.add(order.id);
      orders.push(order);
      altered.submit(order);
    },
    release(id: string) {
      busy.delete(Number(id.split("/")[1]));
      held.delete(id);
      return altered.release(id);
    },
  };
  const events: RunEvent[] = [];
  const stop = new AbortController();
  const result = await runFederation(
    { ...plan, onClientFailure: "continue", checkpointKeep: 2, ...world.plan },
    {
      backend,
      evaluator: { evaluate: async () => ({ loss: 0, score: 0, examples: 1 }), evaluateClients: async () => [] },
      checkpoints: world.checkpoints ?? memoryBlobStore(),
      clientStates: memoryClientStates(),
      emit(event) {
        events.push(event);
        if (event.type === "round.finished" && event.round === world.stopAfter) stop.abort();
      },
      signal: stop.signal,
    },
  );
  return { ...result, events, orders, held, versions };
}

const finished = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.type === "round.finished" ? [event] : []));

describe("asynchronous rounds", () => {
  it("are FedAvg with full participation where K = concurrency = n and all are equally fast", async () => {
    const everyone = { buffer: CLIENTS, concurrency: CLIENTS, staleness: constant, durations: () => 5 };
    const cohorts = Array.from({ length: 12 }, () => HETEROGENEOUS.a.map((_, client) => client));
    const executor = interpreter();
    const { plan, simulation } = prepareQuadratics(fedavg(), { ...HETEROGENEOUS, cohorts }, executor);
    const { backend, evaluator } = await inProcessSimulation(simulation, executor);
    const ports = { backend, evaluator, checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    const { modelHash } = await runFederation(plan, { ...ports, emit: () => {} });
    for (const algorithm of [fedavg(), fedbuff()]) {
      const { modelHash: hash, events } = await run({ ...everyone, algorithm });
      expect(hash).toBe(modelHash);
      expect(finished(events).every(({ staleness }) => staleness?.max === 0)).toBe(true);
      expect(finished(events).at(-1)!.simulatedSeconds).toBe((12 * 5) / 1e6);
    }
  });

  it("take updates as they arrive, with their staleness, and report how much time has passed", async () => {
    const { events } = await run({
      algorithm: fedasync(),
      buffer: 1,
      concurrency: CLIENTS,
      durations: (c) => 10 * (c + 1),
    });
    const rounds = finished(events);
    // clients 0, 1, ... take 10, 20, ...: at 20 client 0 is first as its order was given out later than that of client 1
    expect(rounds.slice(0, 3).map(({ simulatedSeconds }) => simulatedSeconds! * 1e6)).toEqual([10, 20, 20]);
    expect(rounds.slice(0, 3).map(({ staleness }) => staleness)).toEqual([0, 1, 1].map((u) => ({ mean: u, max: u })));
  });

  it("draw other batches at a client's second visit on one version", async () => {
    const { orders } = await run({
      buffer: 3,
      concurrency: 2,
      durations: (client) => (client === 0 ? 1 : 10),
      rounds: 1,
    });
    const first = orders.filter(({ client, version }) => client === orders[0]!.client && version === 1);
    expect(first.length).toBeGreaterThan(0);
    const again = orders.filter(({ id }) => id.endsWith("/1"));
    for (const order of again) {
      const before = orders.find(({ id }) => id === order.id.replace(/1$/, "0"))!;
      expect(order.keys["batches"]).not.toEqual(before.keys["batches"]);
    }
  });

  it.each([
    ["fedbuff", {}],
    ["fedasync", { algorithm: fedasync(), buffer: 1, concurrency: CLIENTS }],
    ["clients that keep a state", { algorithm: diloco({ optimizer: "adamw" }) }],
    ["failing clients", { failing: ({ client, version }: Order) => (client + version) % 3 === 0 }],
  ] as const)("give the same bits when stopped after any of them and resumed: %s", async (_what, world: World) => {
    const whole = await run(world);
    for (let round = 1; round < 12; round++) {
      const checkpoints = memoryBlobStore();
      const part = await run({ ...world, checkpoints, stopAfter: round });
      expect(part.stopped).toBe("interrupted");
      const rest = await run({ ...world, checkpoints });
      expect(rest.modelHash).toBe(whole.modelHash);
      const told = [...finished(part.events), ...finished(rest.events)];
      const facts = ({ round, clients, staleness, simulatedSeconds, bytesUp }: (typeof told)[number]) => {
        return { round, clients, staleness, simulatedSeconds, bytesUp };
      };
      expect(told.map(facts)).toEqual(finished(whole.events).map(facts));
    }
  });

  it("keep the versions that clients train on, in the store as long as a checkpoint lists them", async () => {
    const checkpoints = memoryBlobStore();
    // client 3 is so slow that it trains on version 1 for most of the run
    const slow: OrderDuration = (client) => (client === 3 ? 40 : 3);
    const { held, versions } = await run({ checkpoints, concurrency: CLIENTS, durations: slow, rounds: 8 });
    // the round ends before the client that came last is given work
    expect(held.size).toBe(CLIENTS - 1);
    const stored = await checkpoints.list("versions/");
    expect(stored[0]).toBe("versions/00000001.safetensors");
    expect(stored.length).toBeLessThan(5);
    expect(versions.has(1)).toBe(true);
    await run({ checkpoints, concurrency: CLIENTS, durations: slow, rounds: 30 });
    expect(await checkpoints.list("versions/")).not.toContain("versions/00000001.safetensors");
  });

  it("refuse to resume without a version that is named", async () => {
    const checkpoints = memoryBlobStore();
    await run({ checkpoints, stopAfter: 3 });
    for (const name of await checkpoints.list("versions/")) await checkpoints.delete(name);
    await expect(run({ checkpoints })).rejects.toMatchObject({ code: "checkpoint/version-missing" });
  });

  it("stop a run in which all clients fail", async () => {
    const { stopped, events } = await run({ failing: () => true });
    expect(stopped).toBe("clients-failed");
    expect(finished(events)).toHaveLength(3);
  });

  it("let go of all orders and versions after an error", async () => {
    const [held, versions] = [new Set<string>(), new Set<number>()];
    const failing = ({ client }: Order) => client === 1;
    const failed = run({ failing, held, versions, plan: { onClientFailure: "stop" } });
    await expect(failed).rejects.toMatchObject({ code: "round/client-failed" });
    expect([held.size, versions.size]).toEqual([0, 0]);
  });
});
