import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { EventLog } from "./event-log.ts";
import { exampleEvents } from "./example-events.ts";
import { listRuns } from "./find-run.ts";
import { createRunFolder } from "./run-folder.ts";

vi.mock(import("./index-database.ts"), async (original) => {
  const real = await original();
  return {
    ...real,
    async openIndexDatabase(path) {
      const database = await real.openIndexDatabase(path);
      // SQLite then says SQLITE_FULL, as it does on a full disk
      database.exec("PRAGMA max_page_count = 1");
      return database;
    },
  };
});

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "anabranch-full-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

it("lists all runs where the disk has no room for the index", async () => {
  for (let i = 0; i < 30; i++) {
    const run = await createRunFolder({ root, name: "x".repeat(60) });
    const log = await EventLog.open(run.paths.events);
    for (const event of exampleEvents({ rounds: 1, run: run.id, name: "x".repeat(1000) })) await log.append(event);
    await log.close();
  }
  expect(await listRuns(root)).toHaveLength(30);
});
