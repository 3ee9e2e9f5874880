import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeSafetensors } from "@anabranch/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callCommand } from "./testing/call-command.ts";
import { command, type Ended, startCommand, startSignalled } from "./testing/spawn-command.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-runs-"));
  await writeFile(
    join(folder, "tiny.toml"),
    `name = "tiny"
rounds = 2
[data]
clients = 8
[model]
name = "logistic"
[sampler]
cohort = 3
`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function done(...args: readonly string[]): Promise<Ended> {
  const ended = await command(folder, ...args);
  expect(ended.code, ended.stderr).toBe(0);
  return ended;
}

/** A run in this process, from its start to its end. */
async function here(...args: readonly string[]): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await callCommand(
    ...args,
    "--json",
    "--workers",
    "0",
    "--runs",
    join(folder, "runs"),
  );
  expect(code, stderr).toBe(0);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** A query about the runs, in this process. */
async function look(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await callCommand(...args, "--runs", join(folder, "runs"));
  expect(code, stderr).toBe(0);
  return stdout;
}

describe("a run from start to end", () => {
  it("is shown, listed, compared and exported", async () => {
    const shown = await done("run", "tiny.toml", "--workers", "1");
    expect(shown.stdout).toMatch(/round 2\/2 /);
    expect(shown.stdout).toContain("report.html");
    const other = ["--quiet", "--workers", "0", "--set", "name=other", "--set", "algorithm.name=scaffold"];
    expect(await look("run", join(folder, "tiny.toml"), ...other)).toMatch(/-other-[a-z0-9]{6}\n$/);

    const { runs } = JSON.parse(await look("list", "--json"));
    expect(runs).toMatchObject([
      { name: "other", status: "finished" },
      { name: "tiny", status: "finished" },
    ]);
    expect(await look("list")).toMatch(/tiny +fedavg +fashion-mnist-10k +finished +2\/2 /);

    expect(JSON.parse(await look("show", "tiny", "--json"))).toMatchObject({
      run: { name: "tiny", roundsDone: 2 },
      config: { rounds: 2, model: { name: "logistic" } },
      parameters: 7850,
      rounds: [{ round: 1 }, { round: 2, testAccuracy: expect.any(Number), bytesUp: expect.any(Number) }],
    });
    const text = await look("show", "last", "--rounds", "1");
    expect(text).toContain("algorithm  scaffold");
    expect(text).toContain("last 1 of 2");

    const both = join(folder, "both");
    expect(JSON.parse(await look("compare", "tiny", "other", "-o", both, "--json"))).toMatchObject({
      runs: [{ label: "tiny" }, { label: "other" }],
      report: join(both, "report.html"),
    });
    expect(await readFile(join(both, "report.html"), "utf8")).toContain("Comparison of 2 runs");

    const parameters = join(folder, "tiny.safetensors");
    await look("export", "tiny", "-o", parameters);
    const { tensors } = decodeSafetensors(new Uint8Array(await readFile(parameters)), "export");
    expect(Object.values(tensors).reduce((sum, { data }) => sum + data.length, 0)).toBe(7850);
    const onnx = join(folder, "best.onnx");
    const exported = JSON.parse(await look("export", "tiny", "--onnx", "--best", "-o", onnx, "--json"));
    expect(exported).toMatchObject({ file: onnx, format: "onnx", best: true });
    expect((await readFile(onnx)).length).toBe(exported.bytes);
  });
});

describe("Ctrl-C", () => {
  it("saves and stops with 130, and resume ends as if nothing had been", async () => {
    const rounds = ["--set", "rounds=6"];
    const whole = (await here("run", join(folder, "tiny.toml"), ...rounds)).at(-1)!;
    expect(whole).toMatchObject({ type: "result", stopped: "finished", round: 6 });

    const first = '"type":"round.finished"';
    const stopped = await startSignalled("SIGINT", first, folder, "run", "tiny.toml", "--json", ...rounds).ended;
    expect(stopped.code).toBe(130);
    const line = stopped.lines().at(-1)!;
    expect(line).toMatchObject({ type: "result", stopped: "interrupted" });
    expect(line["round"]).toBeLessThan(6);
    expect(stopped.lines().map((event) => event["type"])).toContain("run.stopped");
    expect(await readdir(join(String(line["folder"]), "checkpoints"))).not.toEqual([]);

    const resumed = await here("resume", String(line["run"]));
    expect(resumed[0]).toMatchObject({ type: "run.started", resumedFrom: line["round"] });
    expect(resumed.at(-1)).toMatchObject({ stopped: "finished", round: 6, modelHash: whole["modelHash"] });
  });

  it("prints how to resume; a second one exits immediately", async () => {
    const long = ["--set", "training.localEpochs=4000", "--workers", "1"];
    const { child, ended, shows } = startCommand(folder, "run", "tiny.toml", ...long);
    await shows("seed");
    child.kill("SIGINT");
    await shows("Press Ctrl-C again to exit immediately");
    child.kill("SIGTERM");
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/last checkpoint is intact\. Resume with: anabranch resume [a-z0-9]{6}\n$/);
  });
});

describe("a run that diverges", () => {
  const runs = () => join(folder, "diverged");
  const call = (...args: string[]) => callCommand(...args, "--runs", runs());
  const start = (rate: string, ...more: string[]) =>
    call("run", join(folder, "tiny.toml"), "--workers", "0", "--set", `training.learningRate=${rate}`, ...more);
  const rounds = ["--set", "rounds=9"];
  const document = async (...args: string[]) => JSON.parse((await call(...args, "--json")).stdout);
  const AT_ONCE = /^Rounds 1 to 3: all clients failed \(client\/not-finite\): .* Lower training\.learningRate/;

  it("because every client fails stops early, ends with 1 and says why everywhere", async () => {
    const { code, stdout } = await start("1e30", ...rounds);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^warning {2}round 1: 3 of 3 clients failed \(client\/not-finite\): .*; clients \d, \d, \d$/m,
    );
    expect(stdout.match(/^warning/gm)).toHaveLength(3);
    expect(stdout).toMatch(/^diverged\. Rounds 1 to 3: all clients failed/m);
    expect(stdout).toMatch(/The run failed\. .* anabranch export [a-z0-9]{6} --best --safetensors$/m);

    const [run] = (await document("list")).runs;
    expect(run).toMatchObject({ status: "diverged", roundsDone: 3, reason: expect.stringMatching(AT_ONCE) });
    expect((await call("list")).stdout).toMatch(/ diverged +3\/9 /);
    expect(await document("show", "last")).toMatchObject({ run: { status: "diverged", reason: run.reason } });
    const file = (name: string) => readFile(join(run.folder, name), "utf8");
    expect(await file("events.jsonl")).toMatch(
      /"type":"run\.stopped",.*"reason":"diverged","message":"Rounds 1 to 3: /,
    );
    expect(await file("report.html")).toMatch(
      /<li class="bad">diverged at round 3<\/li>[\s\S]*<p[^>]*>Rounds 1 to 3: /,
    );
    expect(await file("model-card.md")).toMatch(/\*\*Not fit for use: the run diverged\.\*\* Rounds 1 to 3: /);
    const { metadata } = decodeSafetensors(new Uint8Array(await readFile(join(run.folder, "model.safetensors"))), "m");
    expect(metadata).toMatchObject({ ended: "diverged" });

    const again = await call("resume", "last", "--workers", "0", "--json");
    expect(again.code).toBe(1);
    expect(JSON.parse(again.stdout.trim().split("\n").at(-1)!)).toMatchObject({
      type: "result",
      stopped: "diverged",
      reason: expect.stringMatching(AT_ONCE),
      round: 3,
    });
  });

  it("to a loss that is still a number ends with 1, too", async () => {
    const { code, stdout } = await start("1e10", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout.trim().split("\n").at(-1)!)).toMatchObject({
      stopped: "diverged",
      round: 2,
      reason: expect.stringMatching(/^Rounds 1 to 2: the test loss is \d\.\de\+\d+; guessing gives 2\.3\. Lower /),
      best: null,
    });
    expect((await start("1e10", "--quiet")).code).toBe(1);
    expect((await start("1e10", "--set", "evaluation.every=0", "--quiet")).code).toBe(1);
  });
});

describe("a run that fails", () => {
  it("ends with 1 and says what is left of it", async () => {
    const failing = ["--set", "training.learningRate=1e30", "--set", "stop.onClientFailure=stop"];
    const place = ["--workers", "0", "--runs", join(folder, "runs")];
    const ended = await callCommand("run", join(folder, "tiny.toml"), ...failing, ...place);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/error round\/client-failed: [\s\S]*round 1, client \d/);
    expect(ended.stderr).toMatch(/Saved checkpoints are intact\. Resume with: (npx )?anabranch resume [a-z0-9]{6}\n/);
    expect(JSON.parse(await look("show", "last", "--json"))).toMatchObject({ run: { status: "failed" } });
  });
});
