import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callCommand } from "./testing/call-command.ts";
import { startCommand, startSignalled } from "./testing/spawn-command.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-sweep-command-"));
  await writeFile(
    join(folder, "tiny.toml"),
    `rounds = 3
[data]
dataset = "synthetic"
clients = 6
synthetic = { shape = [8], testExamples = 50 }
[model]
name = "logistic"
[sampler]
cohort = 3
`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function sweepFile(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, `base = "tiny.toml"\n${text}`);
  return file;
}

const call = (...args: readonly string[]) => callCommand(...args, "--runs", join(folder, "runs"));
const lines = (stdout: string) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

const methods = `
seeds = [1, 2]
[[variants]]
name = "fedavg"
[[variants]]
name = "fedsam"
set = { algorithm.name = "fedsam", algorithm.perturbationRadius = 0.05 }`;

describe("anabranch sweep", () => {
  it("trains, prints and writes the comparison; each command in it repeats its run", async () => {
    const file = await sweepFile("methods.toml", methods);
    const { code, stdout, stderr } = await call("sweep", file, "--workers", "0", "--target", "0.01");
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^1\/4 {2}fedavg {2}seed 1 {2}\d+\.\d\d % .* left /);
    expect(stdout).toMatch(/4\/4 {2}fedsam {2}seed 2 /);
    expect(stdout).toMatch(/^fedavg +1 2 +\d+\.\d\d ± \d+\.\d\d % /m);

    const result = join(folder, "runs", "sweep-methods");
    const document = JSON.parse(await readFile(join(result, "table.json"), "utf8"));
    expect(document).toMatchObject({
      name: "methods",
      base: relative(".", join(folder, "tiny.toml")),
      target: 0.01,
      atRound: null,
      tunings: [],
      rows: [
        { label: "fedavg", algorithm: "fedavg", seeds: [1, 2], values: {}, tuned: {}, accuracy: { n: 2 } },
        { label: "fedsam", algorithm: "fedsam", seeds: [1, 2], toTarget: { reached: 2, rounds: 1 } },
      ],
    });
    // the first round: 3 clients, one local step of 20 examples; FedSAM takes two gradients a step
    expect(document.rows.map((row: { toTarget: { gradients: number } }) => row.toTarget.gradients)).toEqual([3, 6]);
    expect(await readFile(join(result, "table.md"), "utf8")).toContain("| fedsam | 1 2 |");

    const record = document.rows[1].runs[1];
    expect(record).toMatchObject({ variant: "fedsam", seed: 2, end: "finished", failure: null });
    const args = (record.command as string).split(" ").slice(1);
    const repeated = await callCommand(...args, "--json", "--workers", "0", "--runs", join(folder, "again"));
    expect(lines(repeated.stdout).at(-1)).toMatchObject({ modelHash: record.modelHash, accuracy: record.accuracy });

    const runs = (await readdir(join(folder, "runs"))).filter((name) => name.includes("-fedsam-"));
    const compared = await call("compare", ...runs.map((name) => join(folder, "runs", name)), "--json");
    const { groups, ...rest } = JSON.parse(compared.stdout);
    expect(rest.runs).toHaveLength(2);
    expect(groups).toMatchObject([{ label: "fedsam", accuracy: document.rows[1].accuracy }]);
  });

  it("with --json has a line for each run, the result last; a second time nothing is trained", async () => {
    const file = await sweepFile("again.toml", methods);
    for (const source of ["new", "before"]) {
      const { code, stdout } = await callCommand(
        "sweep",
        file,
        "--json",
        "--workers",
        "0",
        "--runs",
        join(folder, "json"),
      );
      expect(code).toBe(0);
      const written = lines(stdout);
      expect(written.slice(0, -1)).toMatchObject(
        [1, 2, 3, 4].map((done) => ({ type: "sweep.run", source, end: "finished", done, total: 4 })),
      );
      expect(Object.keys(written[0])).toEqual(
        expect.arrayContaining(["variant", "seed", "values", "accuracy", "modelHash", "command", "remainingSeconds"]),
      );
      expect(written.at(-1)).toMatchObject({ type: "sweep.result", interrupted: false, rows: [{}, {}] });
    }
  });

  it("trains anew what was trained on other data, and says so", async () => {
    const file = await sweepFile("data.toml", "seeds = [1]");
    const runs = join(folder, "data-runs");
    const args = ["sweep", file, "--workers", "0", "--runs", runs];
    const first = lines((await callCommand(...args, "--json")).stdout)[0];
    expect(first).toMatchObject({ source: "new", notReused: null });
    const log = join(first.folder, "events.jsonl");
    const text = await readFile(log, "utf8");
    await writeFile(log, text.replace(/"dataHash":"[0-9a-f]+"/, '"dataHash":"0123"'));
    const planned = await callCommand(...args, "--plan");
    expect(planned.stdout).toMatch(/^1 run, 0 complete; /m);
    const told = new RegExp(
      `Run ${first.run} is not reused: its data or their partition differ \\(0123, now [0-9a-f]{16}\\)\\.`,
    );
    expect(planned.stdout).toMatch(told);
    expect((await callCommand(...args)).stdout).toMatch(told);
    expect(lines((await callCommand(...args, "--json")).stdout)[0]).toMatchObject({
      source: "before",
      notReused: null,
    });
  });

  it("ends with 1 where a run diverged, and says where; with 0 where only a tuned value did", async () => {
    const diverging = await sweepFile("diverging.toml", `[grid]\n"training.learningRate" = [1e30, 0.05]`);
    const first = await call("sweep", diverging, "--workers", "0");
    expect(first.code).toBe(1);
    expect(first.stdout).toMatch(
      /learningRate 1e\+30 {2}diverged .*\n {2}Rounds 1 to 3: all clients failed .*not finite/,
    );
    expect(first.stdout).toMatch(/2\/2 .*learningRate 0\.05 {2}\d/);
    expect(first.stdout).toContain("1 run diverged or failed.");
    const table = await readFile(join(folder, "runs", "sweep-diverging", "table.md"), "utf8");
    for (const text of [first.stdout, table])
      expect(text).toContain(
        "run, learningRate 1e+30: 1 of 1 run diverged; its metrics are those of where each run ended.",
      );

    const tuned = await sweepFile("tuned.toml", `[tune]\nrounds = 2\ngrid = { training.learningRate = [1e30, 0.05] }`);
    const second = await call("sweep", tuned, "--workers", "0", "--quiet");
    expect(second).toMatchObject({ code: 0, stdout: `${join(folder, "runs", "sweep-tuned")}\n` });
    const markdown = await readFile(join(folder, "runs", "sweep-tuned", "table.md"), "utf8");
    expect(markdown).toMatch(/learningRate 0\.05 \| learningRate 1e\+30: lost; learningRate 0\.05: \d/);
  });

  it("refuses what is wrong before anything is run", async () => {
    const file = await sweepFile("wrong.toml", '[[variants]]\nname = "a"\nset = { rounds = 0, training.momentm = 1 }');
    const { code, stderr } = await callCommand("sweep", file, "--runs", join(folder, "none"));
    expect(code).toBe(2);
    expect(stderr).toMatch(/error config\/invalid: [\s\S]*variant "a", rounds[\s\S]*Also wrong: training/);
    expect((await call("sweep", join(folder, "absent.toml"))).stderr).toContain("error config/not-found: ");
    expect(await readdir(folder)).not.toContain("none");
  });

  it("with --plan prints runs and time, says that it measures, and writes nothing", async () => {
    const file = await sweepFile("planned.toml", methods);
    const args = ["sweep", file, "--plan", "--workers", "0", "--runs", join(folder, "unmade")];
    const { code, stdout, stderr } = await callCommand(...args);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^Measuring /);
    expect(stdout).toMatch(/^fedsam +2 +0 /m);
    expect(stdout).toMatch(/^4 runs, 0 complete; about /m);
    expect(JSON.parse((await callCommand(...args, "--json")).stdout)).toMatchObject({
      name: "planned",
      variants: [{ variant: "fedavg", runs: 2, cost: { round: expect.any(Number) } }, { variant: "fedsam" }],
    });
    expect(await readdir(folder)).not.toContain("unmade");
  });

  it("Ctrl-C ends it with 130, and the same command continues it", async () => {
    await sweepFile("long.toml", "seeds = [1, 2]\n[set]\nrounds = 6");
    const args = ["sweep", "long.toml", "--workers", "1", "--runs", "stopped"];
    const { child, ended, shows } = startSignalled("SIGSTOP", "1/2", folder, ...args);
    await shows("1/2");
    const second = await callCommand("sweep", join(folder, "long.toml"), "--runs", join(folder, "stopped"));
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/error sweep\/locked: process \d+ .* is writing this sweep/);
    child.kill("SIGINT");
    // again and again: on a busy machine the process may show the text long before it stops itself
    const goOn = setInterval(() => child.kill("SIGCONT"), 100);
    const stopped = await ended.finally(() => clearInterval(goOn));
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain("Continue with: anabranch sweep long.toml");
    const resumed = startCommand(folder, ...args, "--json");
    const again = await resumed.ended;
    expect(again.code).toBe(0);
    expect(again.lines()).toMatchObject([
      { source: "before", seed: 1 },
      { source: expect.stringMatching(/new|resumed/), seed: 2, end: "finished" },
      { type: "sweep.result" },
    ]);
  });
});
