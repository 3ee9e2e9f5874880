import type { ClientStateStore, ClientStates, ClientVectors } from "../round/client-state.ts";
import { type Case, check, checkSame, rejection } from "./case.ts";

/** Opens the store of one run: the first time an empty one, later as a new process would find it. */
export type OpenClientStates = () => ClientStateStore;

/**
 * The battery of every store of client states. `create` makes the place of a new run.
 *
 * @example
 * ```ts
 * import { memoryClientStates } from "@anabranch/core";
 * import { clientStateCases } from "@anabranch/core/conformance";
 * const cases = clientStateCases(async () => memoryClientStates);
 * for (const { run } of cases) await run(); // rejects where the store fails
 * cases.length; // => 6
 * ```
 */
export function clientStateCases(create: () => Promise<OpenClientStates>): Case[] {
  const on = (name: string, run: (open: OpenClientStates) => Promise<void>): Case => ({
    name,
    run: async () => run(await create()),
  });
  return [
    on("gives back exactly what was saved, after any number of rounds", exact),
    on("shows a resumed run what the checkpoint saw, whatever was saved after it", crash),
    on("goes back to an older checkpoint while that is kept", olderCheckpoint),
    on("lists clients in ascending order", ascending),
    on("refuses the states of another kind of store", otherKind),
    { name: "ends in the same states wherever a run dies", run: () => diesAnywhere(create) },
  ];
}

async function exact(open: OpenClientStates): Promise<void> {
  const store = open();
  checkSame(await shown(store, 3), null);
  const vector = Float32Array.of(1, -0, Number.NaN);
  await store.save(3, 1, { variate: vector, wide: Float64Array.of(0.1) });
  vector[0] = 9;
  await store.save(999_999, 2, { variate: Float32Array.of(5) });
  await store.commit(2);
  const expected = { variate: Float32Array.of(1, -0, Number.NaN), wide: Float64Array.of(0.1) };
  checkSame(await shown(store, 3), show(expected));
  checkSame(await shown(store, 999_999), show({ variate: Float32Array.of(5) }));
}

async function crash(open: OpenClientStates): Promise<void> {
  const first = open();
  await first.save(1, 1, single(11));
  await first.save(2, 1, single(21));
  const saved = await first.snapshot();
  await first.commit(1);
  // round 2 gets as far as its clients, then the process is killed: there is no checkpoint of round 2
  await first.save(1, 2, single(12));
  await first.save(3, 2, single(32));
  checkSame(await shown(first, 1), show(single(12)));
  const second = open();
  await second.restore(saved, 1);
  checkSame(await all(second), [null, 11, 21, null].map(showSingle));
  // the repeated round goes through this time
  await second.save(1, 2, single(12));
  const again = await second.snapshot();
  await second.commit(2);
  const third = open();
  await third.restore(again, 2);
  checkSame(await all(third), [null, 12, 21, null].map(showSingle));
}

async function olderCheckpoint(open: OpenClientStates): Promise<void> {
  const store = open();
  await store.save(1, 1, single(1));
  const old = await store.snapshot();
  await store.save(1, 2, single(2));
  await store.snapshot();
  await store.commit(2, 1);
  const resumed = open();
  await resumed.restore(old, 1);
  checkSame(await shown(resumed, 1), show(single(1)));
}

async function ascending(open: OpenClientStates): Promise<void> {
  const store = open();
  for (const client of [10, 9, 100]) await store.save(client, 1, single(client));
  const states = await store.snapshot();
  const clients = states.kind === "inline" ? states.states : states.versions;
  checkSame(
    clients.map(({ client }) => client),
    [9, 10, 100],
  );
}

async function otherKind(open: OpenClientStates): Promise<void> {
  const store = open();
  const { kind } = await store.snapshot();
  const other: ClientStates = kind === "inline" ? { kind: "versions", versions: [] } : { kind: "inline", states: [] };
  checkSame(await rejection(store.restore(other, 1)), "client-state/kind");
}

/** Three rounds of two clients each; the store dies before its n-th change, for every n. */
async function diesAnywhere(create: () => Promise<OpenClientStates>): Promise<void> {
  const ends: string[] = [];
  for (let budget = 0; ; budget++) {
    const open = await create();
    const disk: Disk = {};
    let died = false;
    await threeRounds(mortal(open(), budget), disk).catch(() => {
      died = true;
    });
    await threeRounds(open(), disk);
    const store = open();
    await store.restore(disk.checkpoint!.states, disk.checkpoint!.round);
    ends.push(JSON.stringify(await all(store)));
    if (!died) break;
  }
  check(ends.length > 12, `the store changed only ${ends.length - 1} times`);
  checkSame([...new Set(ends)].length, 1);
}

/** What outlives the process: the newest checkpoint. */
interface Disk {
  checkpoint?: { readonly round: number; readonly states: ClientStates };
}

/** Clients r - 1 and r append the digit of round r to their state. */
async function threeRounds(store: ClientStateStore, disk: Disk): Promise<void> {
  if (disk.checkpoint !== undefined) await store.restore(disk.checkpoint.states, disk.checkpoint.round);
  for (let round = (disk.checkpoint?.round ?? 0) + 1; round <= 3; round++) {
    for (const client of [round - 1, round]) {
      const before = (await store.load(client))?.["v"]?.[0] ?? 0;
      await store.save(client, round, { v: Float64Array.of(10 * before + round) });
    }
    disk.checkpoint = { round, states: await store.snapshot() };
    await store.commit(round);
  }
}

function mortal(store: ClientStateStore, budget: number): ClientStateStore {
  let left = budget;
  const spend = () => {
    if (left-- <= 0) throw new Error("killed");
  };
  return {
    load: (client) => store.load(client),
    restore: (states, round) => store.restore(states, round),
    save: async (client, round, vectors) => {
      spend();
      await store.save(client, round, vectors);
    },
    snapshot: async () => {
      spend();
      return store.snapshot();
    },
    commit: async (round, oldestKept) => {
      spend();
      await store.commit(round, oldestKept);
    },
  };
}

function single(value: number): ClientVectors {
  return { v: Float32Array.of(value) };
}

function showSingle(value: number | null): unknown {
  return value === null ? null : show(single(value));
}

/** Names, element types and exact values, as JSON can show them. */
function show(vectors: ClientVectors | undefined): unknown {
  if (vectors === undefined) return null;
  const exactly = (value: number) => (Object.is(value, -0) ? "-0" : String(value));
  return Object.entries(vectors)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, vector]) => [name, vector.BYTES_PER_ELEMENT, Array.from(vector, exactly)]);
}

async function shown(store: ClientStateStore, client: number): Promise<unknown> {
  return show(await store.load(client));
}

/** The states of clients 0 to 3. */
async function all(store: ClientStateStore): Promise<unknown[]> {
  return Promise.all([0, 1, 2, 3].map((client) => shown(store, client)));
}
