import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClientStateStore, type ClientStates, memoryClientStates } from "@anabranch/core";
import { clientStateCases } from "@anabranch/core/conformance";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { diskClientStates } from "./disk-client-states.ts";
import { failingFileSystem } from "./failing-file-system.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-states-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const files = async () =>
  (await readdir(folder, { recursive: true })).filter((name) => name.endsWith("tensors")).sort();

describe("disk client states", () => {
  let runs = 0;
  const create = async () => {
    const place = join(folder, String(runs++));
    return () => diskClientStates(place);
  };
  for (const { name, run } of clientStateCases(create)) it(name, run);

  it("keeps versions for as long as a checkpoint may need them", async () => {
    const store = diskClientStates(folder);
    for (const round of [1, 2, 3]) await store.save(7, round, { v: Float32Array.of(round) });
    await store.commit(3, 2);
    expect(await files()).toEqual(["0/7-2.safetensors", "0/7-3.safetensors"]);
    await store.commit(3);
    expect(await files()).toEqual(["0/7-3.safetensors"]);
  });

  it("forgets on restore what came after the checkpoint, and fails when a version is missing", async () => {
    const store = diskClientStates(folder);
    await store.save(1, 1, { v: Float32Array.of(1) });
    const states = await store.snapshot();
    await store.save(1, 2, { v: Float32Array.of(2) });
    await store.save(2, 2, { v: Float32Array.of(2) });
    const next = diskClientStates(folder);
    await next.restore(states, 1);
    expect(await files()).toEqual(["0/1-1.safetensors"]);
    expect(await next.load(1)).toEqual({ v: Float32Array.of(1) });
    expect(await next.load(2)).toBeUndefined();
    const other: ClientStates = { kind: "versions", versions: [{ client: 9, round: 1 }] };
    await expect(next.restore(other, 1)).rejects.toMatchObject({ code: "client-state/missing" });
    await expect(next.restore({ kind: "inline", states: [] }, 1)).rejects.toMatchObject({ code: "client-state/kind" });
  });

  it("notices a damaged file and names it", async () => {
    const store = diskClientStates(folder);
    await store.save(1, 1, { v: Float32Array.of(1, 2, 3) });
    await writeFile(join(folder, "0", "1-1.safetensors"), "cut");
    const error = await store.load(1).catch((reason: unknown) => reason);
    expect(String(error)).toContain(join("0", "1-1.safetensors"));
    expect(error).toMatchObject({ code: "client-state/truncated" });
  });

  it("says whose state found no room", async () => {
    const store = diskClientStates(folder, failingFileSystem("write", "ENOSPC"));
    const error = await store.save(42, 3, { v: Float32Array.of(1) }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "store/disk-full" });
    expect(String(error)).toMatch(/client 42 in round 3/);
  });

  it("agrees with the memory store after random rounds, crashes and restores", async () => {
    const round = fc.record({
      clients: fc.uniqueArray(fc.integer({ min: 0, max: 2500 }), { maxLength: 4 }),
      checkpoint: fc.boolean(),
      /** How far the round gets before the process dies; 5 or more: it does not. */
      diesAfter: fc.integer({ min: 0, max: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 12 }), async (plan) => {
        await rm(folder, { recursive: true, force: true });
        let disk: ClientStateStore = diskClientStates(folder);
        let memory = memoryClientStates();
        let saved: { disk: ClientStates; memory: ClientStates; round: number } | undefined;
        let number = 0;
        const visited = new Set<number>();
        for (const [salt, { clients, checkpoint, diesAfter }] of plan.entries()) {
          number++;
          for (const client of clients.slice(0, diesAfter)) {
            visited.add(client);
            const vectors = { v: Float32Array.of(client, number, salt) };
            await disk.save(client, number, vectors);
            await memory.save(client, number, vectors);
          }
          if (diesAfter < 5) {
            disk = diskClientStates(folder);
            memory = memoryClientStates();
            if (saved !== undefined) {
              await disk.restore(saved.disk, saved.round);
              await memory.restore(saved.memory, saved.round);
            }
            number = saved?.round ?? 0;
          } else if (checkpoint) {
            saved = { disk: await disk.snapshot(), memory: await memory.snapshot(), round: number };
            await disk.commit(number);
          }
          for (const client of visited) expect(await disk.load(client)).toEqual(await memory.load(client));
        }
      }),
      { numRuns: 40, seed: 1 },
    );
  });
});
