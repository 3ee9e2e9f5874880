import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConfigInput } from "@anabranch/core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { LiveSite } from "../client/testing/live-site.ts";
import { pointsRun } from "../client/testing/points-run.ts";
import { openExecutor } from "../executors.ts";
import { callCommand } from "./testing/call-command.ts";
import { startCommand } from "./testing/spawn-command.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-join-command-"));
});

afterAll(() => rm(folder, { recursive: true }));

/** A run of one client, and what a client of it adds to the command. */
async function serve(more: ConfigInput = {}) {
  const executor = await openExecutor("onnxruntime-node");
  const run = await pointsRun(folder, executor, { ...more, data: { clients: 1 }, sampler: { cohort: 1 } });
  const site = await LiveSite.open(run.prepared, run.description);
  onTestFinished(() => site.close());
  const link = await site.link();
  return { site, executor, link, token: link.split("=")[1]!, args: ["--client", "0", "--data", run.dataset] };
}

describe("anabranch join", () => {
  it.each([
    ["a link that is none", ["abc234"], 2, "usage/join-link"],
    ["no token", ["http://127.0.0.1:9/join/abc234"], 2, "usage/join-token"],
    ["a wrong fingerprint", ["http://127.0.0.1:9/join/abc234#token=t", "--fingerprint", "ab"], 2, "usage/fingerprint"],
    ["a size that is none", ["x", "--limit-memory", "much"], 2, "usage/invalid-value"],
    ["a label without a value", ["x", "--label", "north"], 2, "usage/invalid-value"],
  ])("refuses %s", async (_what, args, code, error) => {
    const ended = await callCommand("join", ...args);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toContain(`error ${error}: `);
  });

  it("trains to the end and says what is sent and what stays", { timeout: 120_000 }, async () => {
    const { site, executor, link, token, args } = await serve();
    const joining = startCommand(folder, "join", link, ...args, "--folder", "client-a", "--name", "A");
    await joining.shows("Connected as client 0 of 1.");
    if (existsSync("/proc")) {
      const processes = await readFile(`/proc/${joining.child.pid}/cmdline`, "utf8");
      expect(processes).toContain("anabranch join");
      expect(processes).not.toContain(token);
    }
    const { modelHash } = await site.train(executor);
    const { code, stdout, stderr } = await joining.ended;
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining("This is a trial") });
    expect(stdout).toContain(`The run has ended after 3 rounds: finished. Model hash: ${modelHash}`);
    expect(stdout).toMatch(/sent: model updates/);
    expect(stdout).toMatch(/stays here: the examples/);
    expect(stdout).toMatch(/round 2: training\n/);
    expect(stdout).toMatch(/round 3: uploaded \d.*B, accepted\n/);
    expect(stdout + stderr).not.toContain(token);
  });

  it("leaves at Ctrl-C with exit code 130", { timeout: 120_000 }, async () => {
    const { site, link, args } = await serve();
    const joining = startCommand(folder, "join", link, ...args, "--folder", "client-b", "--json");
    await joining.shows('"type":"joined"');
    joining.child.kill("SIGINT");
    const ended = await joining.ended;
    expect(ended.code).toBe(130);
    expect(ended.lines().at(-1)).toEqual({ type: "result", stopped: "left", round: 0, modelHash: null });
    expect(site.notices).toContainEqual({ type: "gone", client: 0, left: true });
  });

  it("leaves at once while a long round trains", { timeout: 120_000 }, async () => {
    const { site, executor, link, args } = await serve({
      model: { name: "mlp", hidden: [1000, 1000] },
      training: { batchSize: 64, localSteps: 20_000 },
    });
    const joining = startCommand(folder, "join", link, ...args, "--folder", "client-e");
    await joining.shows("Connected as client 0");
    site.train(executor).catch(() => {}); // waits for a client in vain
    await joining.shows("round 1: training");
    joining.child.kill("SIGINT");
    const { code, stdout, stderr } = await joining.ended;
    expect({ code, stderr }).toMatchObject({ code: 130, stderr: expect.stringContaining("Leaving the run") });
    expect(stdout, "the round was trained to its end").not.toContain("round 1: uploaded");
    expect(site.notices).toContainEqual({ type: "gone", client: 0, left: true });
  });

  it("ends with 2 where the server refuses it, with 1 where there is none", { timeout: 120_000 }, async () => {
    const { link, args } = await serve();
    const refused = await callCommand("join", link, "--token", "other", ...args, "--folder", join(folder, "client-c"));
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("error live/token: the join token is not valid for this run");
    const nowhere = link.replace(/:\d+\//, ":9/");
    const more = [...args, "--folder", join(folder, "client-d"), "--give-up-after", "1"];
    const unreachable = await callCommand("join", nowhere, ...more);
    expect(unreachable.code).toBe(1);
    expect(unreachable.stdout).toContain("Not connected: nothing answers at this address and port. Next try in");
    expect(unreachable.stderr).toContain("error live/unreachable");
  });
});
