import { appendFile, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryBlobStore, type RunEvent } from "@anabranch/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { diskFileSystem } from "./disk-file-system.ts";
import { readEvents } from "./event-lines.ts";
import { EventLog, flushingBefore, truncateAfterRound } from "./event-log.ts";
import { exampleEvents } from "./example-events.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-events-"));
  path = join(folder, "events.jsonl");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(events: readonly RunEvent[]): Promise<void> {
  const log = await EventLog.open(path);
  for (const event of events) await log.append(event);
  await log.close();
}

async function read(): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of readEvents(path)) events.push(event);
  return events;
}

describe("event log", () => {
  it("gives back what was appended, over several sessions", async () => {
    const events = exampleEvents({ rounds: 3 });
    await write(events.slice(0, 5));
    await write(events.slice(5));
    expect(await read()).toEqual(events);
  });

  it("keeps the order of events appended without waiting", async () => {
    const events = exampleEvents({ rounds: 40 });
    const log = await EventLog.open(path);
    await Promise.all(events.map((event) => log.append(event)));
    await log.close();
    expect(await read()).toEqual(events);
  });

  it("is up to date after a finished round, and before anything is saved", async () => {
    const log = await EventLog.open(path);
    const blobs = flushingBefore(memoryBlobStore(), log);
    const [started, roundStarted, finished, saved] = exampleEvents({ rounds: 1 });
    for (const event of [started!, roundStarted!, finished!]) await log.append(event);
    expect(await read()).toHaveLength(3);
    await log.append(saved!);
    expect(await read()).toHaveLength(3);
    await blobs.put("round-1", Uint8Array.of(1));
    expect(await read()).toHaveLength(4);
    expect(await blobs.list("")).toEqual(["round-1"]);
    expect(await blobs.get("round-1")).toEqual(Uint8Array.of(1));
    await blobs.delete("round-1");
    expect(await blobs.get("round-1")).toBeUndefined();
    await log.close();
  });

  it("passes over a cut last line, and removes it before more is appended", async () => {
    const events = exampleEvents({ rounds: 2 });
    await write(events);
    await appendFile(path, '{"v":1,"type":"round.fin');
    expect(await read()).toEqual(events);
    await write(events.slice(-1));
    expect(await read()).toEqual([...events, events.at(-1)]);
  });

  it("keeps a whole last line that lost its line end", async () => {
    const events = exampleEvents({ rounds: 1 });
    await write(events);
    await writeFile(path, (await readFile(path, "utf8")).trimEnd());
    await write(events.slice(-1));
    expect(await read()).toEqual([...events, events.at(-1)]);
  });

  it("empties a file that holds one cut line only", async () => {
    await writeFile(path, "x".repeat(200_000));
    await write([]);
    expect(await readFile(path, "utf8")).toBe("");
  });

  it("drops later rounds and keeps the start, unknown fields included", async () => {
    const events = exampleEvents({ rounds: 4 });
    await write(events);
    await appendFile(path, '{"v":1,"type":"round.started","round":2,"extra":[1]}\n{"cut');
    const dropped = await truncateAfterRound(path, 2);
    const kept = events.filter((event) => event.type === "run.started" || ("round" in event && event.round <= 2));
    expect(dropped).toBe(events.length - kept.length);
    expect(await read()).toEqual(kept);
    expect(await readFile(path, "utf8")).toContain('"extra":[1]');
    expect(await truncateAfterRound(path, 0)).toBe(kept.length);
    expect(await read()).toEqual(events.slice(0, 1));
  });

  it("drops the end of a run that is resumed after its last round, as it ends again", async () => {
    const events = exampleEvents({ rounds: 2 });
    expect(events.at(-1)?.type).toBe("run.finished");
    await write(events);
    expect(await truncateAfterRound(path, 2)).toBe(1);
    expect(await read()).toEqual(events.slice(0, -1));
  });

  it.runIf(process.platform === "linux")("says that the disk is full", async () => {
    const log = await EventLog.open(path, { ...diskFileSystem, append: () => open("/dev/full", "a") });
    const error = await log.append(exampleEvents({ rounds: 1 })[0]!).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "store/disk-full" });
    await expect(log.close()).rejects.toMatchObject({ code: "store/disk-full" });
  });

  it("treats a missing file as no events", async () => {
    expect(await read()).toEqual([]);
    expect(await truncateAfterRound(path, 3)).toBe(0);
  });
});
