import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { syntheticRun } from "../report/synthetic-run.ts";
import { writeRun } from "../report/testing/write-run.ts";
import { callCommand } from "./testing/call-command.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "anabranch-list-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** A run that lies in the folder as Anabranch names it; returns its id. */
function run(id: string, options: Parameters<typeof syntheticRun>[0], day: string, config?: string): string {
  const texts = syntheticRun({ rounds: 4, clients: 6, ...options });
  const events = texts.events.replaceAll("2026-01-02T", `${day}T`);
  writeRun(join(root, `${day.replaceAll("-", "")}-000000-${options?.name ?? "quickstart"}-${id}`), {
    ...texts,
    events,
    config: config ?? texts.config,
  });
  return id;
}

const listed = async (...args: string[]) => {
  const { code, stdout, stderr } = await callCommand("list", "--runs", root, ...args, "--json");
  expect(code, stderr).toBe(0);
  const document = JSON.parse(stdout);
  return { ids: document.runs.map(({ id }: { id: string }) => id), sweeps: document.sweeps, runs: document.runs };
};

describe("anabranch list", () => {
  it("chooses by name and status, sorts, and takes the first ones", async () => {
    run("aaaaa2", { name: "fedavg", plateau: 0.9 }, "2026-01-02");
    run("bbbbb2", { name: "fedsam", plateau: 0.5, rounds: 9 }, "2026-01-03");
    run("ccccc2", { name: "sam-2", plateau: 0.3 }, "2026-01-04");
    expect((await listed()).ids).toEqual(["ccccc2", "bbbbb2", "aaaaa2"]);
    expect((await listed("--name", "SAM")).ids).toEqual(["ccccc2", "bbbbb2"]);
    expect((await listed("--sort", "rounds", "--last", "1")).ids).toEqual(["bbbbb2"]);
    expect((await listed("--sort", "name")).ids).toEqual(["aaaaa2", "bbbbb2", "ccccc2"]);
    expect((await listed("--status", "failed")).ids).toEqual([]);
    expect((await callCommand("list", "--runs", root, "--status", "broken")).code).toBe(2);
  });

  it("has a column for what differs from most runs", async () => {
    const config = (alpha: number, seed: number) => `seed = ${seed}\n[data.partition]\nalpha = ${alpha}\n`;
    run("aaaaa2", {}, "2026-01-02", config(0.1, 1));
    run("bbbbb2", {}, "2026-01-03", config(0.1, 1));
    run("ccccc2", {}, "2026-01-04", config(0.6, 1));
    run("ddddd2", {}, "2026-01-05", "this is = = no TOML");
    const { stdout } = await callCommand("list", "--runs", root);
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(/differs in$/);
    expect(lines.find((line) => line.startsWith("ccccc2"))).toMatch(/alpha 0\.6$/);
    expect(lines.find((line) => line.startsWith("aaaaa2"))).not.toContain("alpha");
  });

  it("folds the runs of a sweep and of its tunings, and lists them with --all", async () => {
    const ids = ["aaaaa2", "bbbbb2", "ccccc2", "ddddd2"];
    for (const [day, id] of ids.entries()) run(id, { seed: day }, `2026-01-0${day + 2}`);
    const record = (id: string) => ({ run: id });
    const table = {
      name: "sam",
      rows: [{ runs: [record("aaaaa2"), record("bbbbb2")] }],
      tunings: [{ candidates: [{ run: record("ccccc2") }, { run: null }] }],
    };
    await mkdir(join(root, "sweep-sam"));
    await writeFile(join(root, "sweep-sam", "table.json"), JSON.stringify(table));
    const { ids: shown, sweeps } = await listed();
    expect(shown).toEqual(["ddddd2"]);
    expect(sweeps).toEqual([{ name: "sam", folder: join(root, "sweep-sam"), runs: 2, tunings: 1 }]);
    expect((await listed("--all")).ids).toHaveLength(4);
    expect((await listed("--status", "finished")).ids).toHaveLength(4);
    expect((await callCommand("list", "--runs", root)).stdout).toContain("sweep sam: 2 runs and 1 run of its tuning");
    await writeFile(join(root, "sweep-sam", "table.json"), "{ not json");
    expect((await listed()).ids).toHaveLength(4);
  });
});

describe("anabranch tag", () => {
  it("adds tags, removes them, and finds runs by them", async () => {
    run("aaaaa2", {}, "2026-01-02");
    run("bbbbb2", {}, "2026-01-03");
    const tag = (...args: string[]) => callCommand("tag", "--runs", root, ...args);
    expect((await tag("aaaaa2", "baseline", "paper: table 2")).stdout).toBe("aaaaa2: baseline paper: table 2\n");
    expect((await listed("--tag", "baseline")).runs).toMatchObject([
      { id: "aaaaa2", tags: ["baseline", "paper: table 2"] },
    ]);
    expect((await tag("aaaaa2", "baseline", "--remove")).stdout).toBe("aaaaa2: paper: table 2\n");
    expect((await listed("--tag", "baseline")).ids).toEqual([]);
    const refused = await tag("aaaaa2", "\u001b[31m");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("usage/tag");
    await writeFile(join(root, "20260102-000000-quickstart-aaaaa2", "tags.json"), '["\\u001b[31m"]');
    expect((await listed()).runs.map(({ tags }: { tags: string[] }) => tags)).toEqual([[], []]);
  });
});

describe("anabranch rm", () => {
  it("deletes runs with --yes, and nothing without an answer", async () => {
    run("aaaaa2", {}, "2026-01-02");
    run("bbbbb2", {}, "2026-01-03");
    const without = await callCommand("rm", "aaaaa2", "--runs", root);
    expect(without.code).toBe(2);
    expect(without.stderr).toContain("usage/confirmation");
    expect((await listed()).ids).toHaveLength(2);
    const { code, stdout } = await callCommand("rm", "aaaaa2", "--runs", root, "--yes");
    expect(code).toBe(0);
    expect(stdout).toContain("20260102-000000-quickstart-aaaaa2");
    expect((await listed()).ids).toEqual(["bbbbb2"]);
    expect((await readdir(root)).filter((name) => name.includes("aaaaa2"))).toEqual([]);
  });

  it("leaves a folder alone that only looks like a run, and one that is not there", async () => {
    await mkdir(join(root, "project"));
    await writeFile(join(root, "project", "config.toml"), "seed = 1\n");
    const { code, stderr } = await callCommand("rm", join(root, "project"), "--yes", "--runs", root);
    expect(code).toBe(1);
    expect(stderr).toContain("run/not-removable");
    expect(await readdir(join(root, "project"))).toEqual(["config.toml"]);
    expect((await callCommand("rm", "zzzzz2", "--yes", "--runs", root)).code).toBe(4);
  });

  it("follows no link to a run elsewhere, and deletes nothing then", async () => {
    run("aaaaa2", {}, "2026-01-02");
    run("bbbbb2", {}, "2026-01-03");
    await mkdir(join(root, "here"));
    await symlink(join(root, "20260102-000000-quickstart-aaaaa2"), join(root, "here", "link"), "junction");
    for (const link of ["link", "link/"]) {
      const { code, stderr } = await callCommand(
        "rm",
        "bbbbb2",
        `${join(root, "here")}/${link}`,
        "--yes",
        "--runs",
        root,
      );
      expect([code, stderr]).toEqual([1, expect.stringContaining("run/not-removable")]);
    }
    expect((await listed()).ids.toSorted()).toEqual(["aaaaa2", "bbbbb2"]);
  });
});
