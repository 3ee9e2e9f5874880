import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { exampleEvents } from "../store/example-events.ts";
import { RunReader } from "./run-reader.ts";
import { linesOf, wholeList } from "./testing/test-dashboard.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "anabranch-reader-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function run(name: string, events: string): Promise<void> {
  await mkdir(join(root, name));
  await writeFile(join(root, name, "events.jsonl"), events);
}

it("reads in its process, and passes failures on", async () => {
  await run("a-run", linesOf(exampleEvents({ rounds: 1 })));
  const reader = new RunReader();
  try {
    expect((await wholeList(() => reader.ask("list", { root }))).runs).toMatchObject([
      { folder: "a-run", status: "finished" },
    ]);
    const none = join(root, "a-run", "events.jsonl");
    await expect(reader.ask("list", { root: none })).rejects.toMatchObject({ code: "store/not-a-folder" });
  } finally {
    await reader.close();
  }
});

it("avoids a run over which its process ended, and reads the others", async () => {
  await run("good", linesOf(exampleEvents({ rounds: 1 })));
  // a line of valid JSON that takes more memory than a small process has
  await run("hungry", `${"[".repeat(1_500_000)}${"]".repeat(1_500_000)}\n`);
  const reader = new RunReader({ heapMiB: 64 });
  try {
    await expect(wholeList(() => reader.ask("list", { root }))).rejects.toMatchObject({ code: "dashboard/reader" });
    const { runs } = await wholeList(() => reader.ask("list", { root }));
    expect(Object.fromEntries(runs.map(({ folder, status }) => [folder, status]))).toEqual({
      good: "finished",
      hungry: "unreadable",
    });
  } finally {
    await reader.close();
  }
});

it("gives up a task that takes too long", async () => {
  const reader = new RunReader({ deadlineMs: 0 });
  try {
    await expect(reader.ask("list", { root })).rejects.toMatchObject({
      code: "dashboard/reader",
      failure: { received: "it took too long" },
    });
  } finally {
    await reader.close();
  }
});
