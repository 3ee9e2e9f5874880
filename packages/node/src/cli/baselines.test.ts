import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { simulate } from "../run/simulate.ts";
import { callCommand } from "./testing/call-command.ts";

const TOML = `
name = "fed"
rounds = 2
[data]
clients = 4
holdout = 0.2
[model]
name = "logistic"
[algorithm]
name = "scaffold"
[training]
localSteps = 3
[sampler]
cohort = 2
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-baselines-"));
  await writeFile(join(folder, "fed.toml"), TOML);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const call = (...args: readonly string[]) => callCommand(...args, "--runs", join(folder, "runs"));

/** A file of the run of this name. */
async function fileOf(name: string, file: string): Promise<string> {
  const runs = await readdir(join(folder, "runs"));
  const run = runs.find((entry) => new RegExp(`\\d-${name}-[a-z0-9]{6}$`).test(entry))!;
  return readFile(join(folder, "runs", run, file), "utf8");
}

/** Names of the runs in a report's table of baselines. */
async function drawn(name: string): Promise<string[]> {
  const table = (await fileOf(name, "report.html")).split("<h2>Baselines</h2>")[1]?.split("</table>")[0] ?? "";
  return ["this run", "centralized", "local-only", "fed-fine-tuned"].filter((text) => table.includes(`>${text}<`));
}

describe("anabranch centralized and local-only", () => {
  it("are drawn into the report of their federation, whichever comes first, and into comparisons", async () => {
    const file = join(folder, "fed.toml");
    expect(await call("centralized", file, "--quiet")).toMatchObject({ code: 0, stderr: "" });
    expect(await call("run", file, "--quiet")).toMatchObject({ code: 0 });
    expect(await drawn("fed")).toEqual(["this run", "centralized"]);
    expect(await call("local-only", file, "--quiet")).toMatchObject({ code: 0 });
    expect(await drawn("fed")).toEqual(["this run", "centralized", "local-only"]);
    expect(await fileOf("fed", "charts/accuracy-rounds.svg")).toMatch(/>centralized \d+\.\d %</);
    const compared = JSON.parse((await call("compare", "fed", "--json")).stdout);
    expect(compared.runs.map((run: { algorithm: string }) => run.algorithm)).toEqual([
      "scaffold",
      "centralized",
      "local-only",
    ]);
    const alone = JSON.parse((await call("compare", "fed", "--no-baselines", "--json")).stdout);
    expect(alone.runs).toHaveLength(1);
    const tuned = await call("local-only", file, "--from", "fed", "--set", "rounds=1", "--json");
    expect(tuned.code).toBe(0);
    expect(await drawn("fed")).toEqual(["this run", "centralized", "local-only", "fed-fine-tuned"]);
  });

  it("says that a baseline is not private", async () => {
    const file = join(folder, "private.toml");
    await writeFile(
      file,
      `${TOML.replace("scaffold", "dp-fedavg").replace('"fed"', '"hidden"')}[privacy]\nmechanism = "gaussian"\n`,
    );
    const { code, stderr } = await call("centralized", file);
    expect(code).toBe(0);
    expect(stderr).toContain("not private");
    expect(await fileOf("hidden-centralized", "model-card.md")).toContain("No differential privacy");
  });

  it("refuses to fine-tune a run that has no model", async () => {
    const { code, stderr } = await call("local-only", join(folder, "fed.toml"), "--from", "nothing");
    expect(code).toBe(4);
    expect(stderr).toContain("run/not-found");
  });
});

describe.each(["centralized", "local-only"] as const)("the bits of %s", (baseline) => {
  it("are the same at any number of workers", async () => {
    const config = {
      ...{ baseline, rounds: 2, data: { clients: 4, holdout: 0.2 }, model: { name: "logistic" } },
      ...{ training: { localSteps: 3 }, sampler: { cohort: 2 } },
    };
    const run = async (workers: number) => {
      const metrics: unknown[] = [];
      const { modelHash } = await simulate(config, {
        workers,
        onEvent: (event) => {
          if (event.type === "evaluation") metrics.push(event.accuracy, event.loss, event.worstDecile);
          if (event.type === "client.evaluation") metrics.push(event.accuracies);
        },
      });
      return { modelHash, metrics };
    };
    const alone = await run(0);
    expect(alone.metrics.length).toBeGreaterThan(0);
    expect(await run(1)).toEqual(alone);
    expect(await run(2)).toEqual(alone);
  });
});
