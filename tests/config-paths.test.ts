import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveConfig } from "@anabranch/core";
import { resumeRun, startRun } from "@anabranch/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callCommand } from "../packages/node/src/cli/testing/call-command.ts";

/**
 * Paths in configurations, through the whole command: relative to the file they are written in, absolute in the copy in
 * the run's folder. `project/` has the configuration and its data, `other/` is where commands are called.
 */
let folder: string;
const project = () => join(folder, "project");
const other = () => join(folder, "other");
const run = (...args: string[]) => calledIn(other(), ...args, "--runs", join(folder, "runs"));

/** A command in this process, as if it were called in another folder. */
async function calledIn(place: string, ...args: string[]) {
  const before = process.cwd();
  process.chdir(place);
  try {
    const { code, stdout } = await callCommand(...args, "--json", "--workers", "0");
    const lines: Record<string, unknown>[] = stdout.trim().startsWith("{\n")
      ? [JSON.parse(stdout)]
      : stdout
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line));
    return { code, stdout, lines };
  } finally {
    process.chdir(before);
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-config-paths-"));
  const row = (i: number) => `${i},${(i * 7) % 11},${i % 2 ? "yes" : "no"}`;
  const table = (rows: number) => ["age,size,sick", ...Array.from({ length: rows }, (_, i) => row(i))].join("\n");
  await Promise.all([project(), other()].map((path) => mkdir(path)));
  await writeFile(join(project(), "train.csv"), table(40));
  await writeFile(join(project(), "test.csv"), table(10));
  await writeFile(join(other(), "here.csv"), table(30));
  const dataset = "csv:train.csv?label=sick&features=age,size&test=test.csv";
  await writeFile(
    join(project(), "csv.toml"),
    `rounds = 2\n[data]\ndataset = "${dataset}"\nclients = 4\npartition.scheme = "iid"\n` +
      `[model]\nname = "logistic"\n[sampler]\ncohort = 2\n`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the path of a data set", () => {
  it("starts from the configuration's folder, and the run is resumed from anywhere", async () => {
    const started = await run("run", join("..", "project", "csv.toml"));
    expect(started.code, started.stdout).toBe(0);
    const { folder: saved, modelHash } = started.lines.at(-1)!;
    expect(await readFile(join(String(saved), "config.toml"), "utf8")).toContain(
      `dataset = "csv:${join(project(), "train.csv")}?label=sick&features=age,size&test=${join(project(), "test.csv")}"`,
    );
    const resumed = await calledIn(folder, "resume", String(saved), "--trust");
    expect(resumed.code, resumed.stdout).toBe(0);
    expect(resumed.lines.at(-1)).toMatchObject({ modelHash, stopped: "finished" });
  });

  it("starts from the working directory on the command line", async () => {
    const toml = join(project(), "csv.toml");
    const here = "csv:here.csv?label=sick&features=age,size";
    for (const set of [`data.dataset=${here}`, `data={ dataset = "${here}", clients = 4, partition.scheme = "iid" }`]) {
      const started = await run("run", toml, "--set", set);
      expect(started.lines.at(-1), set).toMatchObject({ type: "result", stopped: "finished" });
    }
    const missing = await run("run", toml, "--set", "data.dataset=csv:train.csv?label=sick");
    expect(missing.code).toBe(3);
    expect(missing.lines[0]).toMatchObject({
      error: { code: "data/not-found", expected: `it in one of: ${join(other(), "train.csv")}` },
    });
  });

  it("starts from the sweep file's folder in a sweep, whose commands can be repeated", async () => {
    await mkdir(join(folder, "sweeps"));
    await writeFile(join(folder, "sweeps", "mine.csv"), await readFile(join(other(), "here.csv")));
    await writeFile(
      join(folder, "sweeps", "sweep.toml"),
      'base = "../project/csv.toml"\n[grid]\ndata.dataset = ["csv:mine.csv?label=sick&features=age,size"]\n',
    );
    const swept = await run("sweep", join("..", "sweeps", "sweep.toml"));
    expect(swept.code, swept.stdout).toBe(0);
    const [record] = swept.lines;
    expect(record!["command"]).toBe(
      "anabranch run ../project/csv.toml --set name=run " +
        "--set 'data.dataset=csv:../sweeps/mine.csv?label=sick&features=age,size' --set seed=1",
    );
  });

  it("starts from `baseDir` in the library, and is absolute in the run's folder", async () => {
    const config = resolveConfig({
      rounds: 1,
      data: { dataset: "csv:train.csv?label=sick&features=age,size", clients: 4, partition: { scheme: "iid" } },
      model: { name: "logistic" },
      sampler: { cohort: 2 },
    });
    const runs = join(folder, "library");
    const { folder: saved, result } = await startRun(config, { runs, workers: 0, baseDir: project() });
    expect(await readdir(runs)).not.toEqual([]);
    const resumed = await resumeRun(saved, { runs, workers: 0 });
    expect(resumed.result.modelHash).toBe(result.modelHash);
  });
});
