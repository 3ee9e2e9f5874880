import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { LiveSite, simulated } from "../client/testing/live-site.ts";
import { pointsRun } from "../client/testing/points-run.ts";
import { openExecutor } from "../executors.ts";
import { startCommand } from "./testing/spawn-command.ts";

it("a client that is killed again and again continues from the state it had kept", { timeout: 600_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "anabranch-join-killed-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const executor = await openExecutor("onnxruntime-node");
  const more = { rounds: 16, data: { clients: 1 }, sampler: { cohort: 1 } };
  const run = await pointsRun(folder, executor, more);
  const site = await LiveSite.open(run.prepared, run.description);
  onTestFinished(() => site.close());
  const args = [await site.link(), "--client", "0", "--data", run.dataset, "--folder", "client"];
  const start = () => startCommand(folder, "join", ...args);
  let joining = start();
  await joining.shows("Connected as client 0");
  const training = site.train(executor);
  const moments = ["downloading", "training", "uploading", "uploaded"];
  for (const [i, moment] of [...moments, ...moments].entries()) {
    await joining.shows(`round ${2 + i}: ${moment}`);
    joining.child.kill("SIGKILL");
    expect((await joining.ended).code).toBe(137);
    joining = start();
  }
  const { modelHash } = await training;
  expect((await joining.ended).code).toBe(0);
  expect(modelHash).toBe((await simulated(run.prepared, executor)).modelHash);
});
