import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CustomParts } from "@anabranch/core";
import { resumeRun, startRun } from "@anabranch/node";
import { type ModelWidth, w1Small } from "./fixtures/w1-small.ts";

const script = fileURLToPath(new URL("./fixtures/killed-run.ts", import.meta.url));

/** Final model hash and number of events of a run that nothing disturbs. */
export async function undisturbed(
  algorithm: string,
  workers: number,
  own: CustomParts = {},
  width: ModelWidth = "full",
): Promise<{ hash: string; events: number }> {
  return inTemporaryFolder(async (runs) => {
    let events = 0;
    const { result } = await startRun(w1Small(algorithm, width), { runs, workers, onEvent: () => events++ }, own);
    return { hash: result.modelHash, events };
  });
}

/** Final model hash of a run whose process dies by SIGKILL at an event and that is resumed with other workers. */
export async function killedAndResumed(
  algorithm: string,
  event: number,
  width: ModelWidth = "full",
): Promise<{ hash: string; rounds: number[] }> {
  return inTemporaryFolder(async (runs) => {
    const child = spawnSync(process.execPath, [script, runs, algorithm, String(event), width], { encoding: "utf8" });
    if (child.signal !== "SIGKILL") throw new Error(`the run was not killed: ${child.status} ${child.stderr}`);
    const folder = join(runs, (await readdir(runs)).find((name) => name.includes("w1-"))!);
    const { result } = await resumeRun(folder, { runs, workers: 1 });
    const metrics = (await readFile(join(folder, "metrics.csv"), "utf8")).trim().split("\n").slice(1);
    return { hash: result.modelHash, rounds: metrics.map((line) => Number(line.split(",")[0])) };
  });
}

async function inTemporaryFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "anabranch-crash-"));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
