import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderEvent } from "@anabranch/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { exampleEvents } from "../store/example-events.ts";
import { createRunFolder, type RunFolder } from "../store/run-folder.ts";
import { callCommand } from "./testing/call-command.ts";

let root: string;
let run: RunFolder;
const lines = exampleEvents({ rounds: 3 }).map((event) => `${renderEvent(event)}\n`);
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "anabranch-follow-"));
  run = await createRunFolder({ root, name: "followed" });
  await writeFile(run.paths.config, 'name = "followed"\n');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const follow = (...more: readonly string[]) => callCommand("show", "last", "--follow", "--runs", root, ...more);

it("prints what a running run writes, until it ends", async () => {
  const lock = await run.lock();
  try {
    await writeFile(run.paths.events, lines.slice(0, 4).join(""));
    const following = follow("--json");
    await appendFile(run.paths.events, lines.slice(4).join(""));
    const { code, stdout } = await following;
    expect(code).toBe(0);
    expect(stdout).toBe(lines.join(""));
  } finally {
    await lock.release();
  }
});

it("ends where nobody writes the run", async () => {
  await writeFile(run.paths.events, `${lines.slice(0, -1).join("")}{"v":1,"ty`);
  const { code, stdout } = await follow();
  expect(code).toBe(0);
  expect(stdout).toContain("3/3");
});
