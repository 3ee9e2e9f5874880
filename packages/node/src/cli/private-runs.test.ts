import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { callCommand } from "./testing/call-command.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-private-"));
  await writeFile(
    join(folder, "private.toml"),
    `name = "private"
rounds = 2
[data]
clients = 50
partition = { scheme = "iid" }
[model]
name = "logistic"
[algorithm]
name = "dp-fedavg"
[training]
localSteps = 1
[sampler]
cohort = 5
[privacy]
mechanism = "gaussian"
targetEpsilon = 8
delta = 1e-3
`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function done(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await callCommand(...args, "--runs", join(folder, "runs"));
  expect(code, stderr).toBe(0);
  return stdout;
}

it("show names the noise multiplier that the run has chosen for its target", async () => {
  await done("run", join(folder, "private.toml"), "--workers", "0");
  const { noiseMultiplier } = JSON.parse(await done("show", "private", "--json"));
  expect(noiseMultiplier).toBeGreaterThan(0.1);
  const shown = (await done("show", "private")).replace(/\s+/g, " ");
  const [, text] = /noise of multiplier ([\d.]+), chosen for the target/.exec(shown)!;
  expect(Number(text)).toBeCloseTo(noiseMultiplier, 3);
});
