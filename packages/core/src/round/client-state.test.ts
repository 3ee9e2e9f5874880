import { describe, expect, it } from "vitest";
import { blobClientStates } from "./blob-client-states.ts";
import { type BlobStore, memoryBlobStore } from "./blob-store.ts";
import type { ClientStateStore, ClientStates } from "./client-state.ts";
import { memoryClientStates } from "./memory-client-states.ts";

const kinds: [string, (blobs: BlobStore) => ClientStateStore][] = [
  ["memory", () => memoryClientStates()],
  ["blobs", (blobs) => blobClientStates(blobs)],
];

describe.each(kinds)("client states in %s", (_, open) => {
  it("come back exactly, survive rounds without the client, and are copies", async () => {
    const store = open(memoryBlobStore());
    expect(await store.load(3)).toBeUndefined();
    const vector = Float32Array.of(1, -0, Number.NaN);
    await store.save(3, 1, { variate: vector, wide: Float64Array.of(0.1) });
    vector[0] = 9;
    await store.save(5, 2, { variate: Float32Array.of(5) });
    await store.commit(2);
    const expected = { variate: Float32Array.of(1, -0, Number.NaN), wide: Float64Array.of(0.1) };
    expect(await store.load(3)).toEqual(expected);
  });

  it("show a resumed run what the checkpoint saw, whatever was saved after it", async () => {
    const blobs = memoryBlobStore();
    const first = open(blobs);
    const value = async (store: ClientStateStore, client: number) => (await store.load(client))?.v?.[0];
    await first.save(1, 1, { v: Float32Array.of(11) });
    await first.save(2, 1, { v: Float32Array.of(21) });
    const saved = await first.snapshot();
    await first.commit(1);
    // Round 2 gets as far as its clients, then the process is killed: there is no checkpoint of round 2.
    await first.save(1, 2, { v: Float32Array.of(12) });
    await first.save(3, 2, { v: Float32Array.of(32) });
    expect(await value(first, 1)).toBe(12);
    const second = open(blobs);
    await second.restore(saved, 1);
    expect([await value(second, 1), await value(second, 2), await value(second, 3)]).toEqual([11, 21, undefined]);
    // The repeated round goes through this time.
    await second.save(1, 2, { v: Float32Array.of(12) });
    const again = await second.snapshot();
    await second.commit(2);
    const third = open(blobs);
    await third.restore(again, 2);
    expect([await value(third, 1), await value(third, 2), await value(third, 3)]).toEqual([12, 21, undefined]);
  });

  it("list clients in ascending order", async () => {
    const store = open(memoryBlobStore());
    for (const client of [10, 9, 100]) await store.save(client, 1, { v: Float32Array.of(client) });
    const states = await store.snapshot();
    const clients = states.kind === "inline" ? states.states : states.versions;
    expect(clients.map(({ client }) => client)).toEqual([9, 10, 100]);
  });

  it("refuse the states of another kind of store", async () => {
    const store = open(memoryBlobStore());
    const { kind } = await store.snapshot();
    const other: ClientStates = kind === "inline" ? { kind: "versions", versions: [] } : { kind: "inline", states: [] };
    await expect(store.restore(other, 1)).rejects.toMatchObject({ code: "client-state/kind" });
  });
});

describe("client states in blobs", () => {
  const vectors = { v: Float32Array.of(1) };

  it("delete versions that no kept checkpoint needs, and only those", async () => {
    const blobs = memoryBlobStore();
    const store = blobClientStates(blobs);
    const rounds = async () => (await blobs.list("client-states/7/")).map((name) => Number(name.slice(16, 24)));
    for (const round of [1, 2, 4]) await store.save(7, round, vectors);
    await store.commit(4, 1);
    expect(await rounds()).toEqual([1, 2, 4]);
    // The checkpoint of round 3 still needs what round 2 wrote.
    await store.commit(4, 3);
    expect(await rounds()).toEqual([2, 4]);
    await store.commit(5, 5);
    expect(await rounds()).toEqual([4]);
  });

  it("go back to an older checkpoint while its versions are kept", async () => {
    const blobs = memoryBlobStore();
    const store = blobClientStates(blobs);
    await store.save(7, 1, { v: Float32Array.of(1) });
    const old = await store.snapshot();
    await store.save(7, 2, { v: Float32Array.of(2) });
    await store.commit(2, 1);
    const resumed = blobClientStates(blobs);
    await resumed.restore(old, 1);
    expect((await resumed.load(7))!.v).toEqual(Float32Array.of(1));
    expect(await blobs.list("client-states/")).toHaveLength(1);
  });

  it("give the same state at any moment of a crash", async () => {
    // Three rounds of: save two clients, write the checkpoint, commit. The blob store dies after n writes or deletions;
    // a run resumed from the last checkpoint then ends where an undisturbed one ends.
    const finalStates: unknown[] = [];
    for (let budget = 0; budget < 14; budget++) {
      const blobs = memoryBlobStore();
      const disk: { checkpoint?: { round: number; states: ClientStates } } = {};
      await threeRounds(mortal(blobs, budget), disk).catch(() => undefined);
      await threeRounds(blobs, disk);
      const store = blobClientStates(blobs);
      await store.restore(disk.checkpoint!.states, disk.checkpoint!.round);
      finalStates.push([await store.load(0), await store.load(1), await store.load(2), await store.load(3)]);
    }
    for (const state of finalStates) expect(state).toEqual(finalStates[0]);
  });

  it("report a missing and a damaged state", async () => {
    const blobs = memoryBlobStore();
    const store = blobClientStates(blobs);
    await store.save(7, 1, vectors);
    const states = await store.snapshot();
    const name = (await blobs.list(""))[0]!;
    const bytes = (await blobs.get(name))!;
    bytes[bytes.length - 1]! ^= 1;
    await blobs.put(name, bytes);
    await expect(store.load(7)).rejects.toMatchObject({ code: "client-state/corrupt" });
    await blobs.delete(name);
    await expect(store.load(7)).rejects.toMatchObject({ code: "client-state/missing" });
    await expect(blobClientStates(blobs).restore(states, 1)).rejects.toMatchObject({ code: "client-state/missing" });
  });
});

describe("memoryBlobStore", () => {
  it("copies, replaces, lists and forgets", async () => {
    const blobs = memoryBlobStore();
    const bytes = Uint8Array.of(1);
    await blobs.put("b/2", bytes);
    await blobs.put("b/10", bytes);
    await blobs.put("a", bytes);
    bytes[0] = 9;
    expect(await blobs.get("a")).toEqual(Uint8Array.of(1));
    expect(await blobs.list("b/")).toEqual(["b/10", "b/2"]);
    await blobs.delete("a");
    await blobs.delete("a");
    expect(await blobs.get("a")).toBeUndefined();
  });

  it.each(["", "/a", "a/", "../a", "a/../b", "a//b", ".hidden", "a b", "a\\b"])("refuses the name %j", async (name) => {
    await expect(memoryBlobStore().put(name, Uint8Array.of(1))).rejects.toMatchObject({ code: "blob/name" });
  });
});

/** A run of three rounds that starts from what the disk holds; clients r and r + 1 add the round to their state. */
async function threeRounds(
  blobs: BlobStore,
  disk: { checkpoint?: { round: number; states: ClientStates } },
): Promise<void> {
  const store = blobClientStates(blobs);
  if (disk.checkpoint !== undefined) await store.restore(disk.checkpoint.states, disk.checkpoint.round);
  for (let round = (disk.checkpoint?.round ?? 0) + 1; round <= 3; round++) {
    for (const client of [round - 1, round]) {
      const before = (await store.load(client))?.v?.[0] ?? 0;
      await store.save(client, round, { v: Float64Array.of(10 * before + round) });
    }
    // Stands for the checkpoint file, which is written atomically.
    await blobs.put("checkpoint", Uint8Array.of(round));
    disk.checkpoint = { round, states: await store.snapshot() };
    await store.commit(round);
  }
}

/** A store that fails for good after a number of changes. */
function mortal(blobs: BlobStore, budget: number): BlobStore {
  let left = budget;
  const spend = () => {
    if (left-- <= 0) throw new Error("killed");
  };
  return {
    ...blobs,
    async put(name, bytes) {
      spend();
      await blobs.put(name, bytes);
    },
    async delete(name) {
      spend();
      await blobs.delete(name);
    },
  };
}
