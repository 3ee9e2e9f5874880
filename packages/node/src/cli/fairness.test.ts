import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callCommand } from "./testing/call-command.ts";

let folder: string;

/** Who is hired depends on points and on sex; sites have other shares of the sexes. */
function people(rows: number): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    const sex = (i * 7) % 10 < (i % 2 ? 7 : 3) ? "f" : "m";
    const points = (i * 37) % 100;
    const hired = points + (sex === "m" ? 30 : 0) > 65 ? "yes" : "no";
    return `${points / 100},${sex},s${i % 2},${hired}`;
  });
  return ["points,sex,site,hired", ...lines].join("\n");
}

const config = (more = "") => `
name = "people"
rounds = 8
[data]
dataset = "csv:people.csv?label=hired&group=site"
clients = 2
partition = { scheme = "natural" }
[model]
name = "logistic"
[training]
batchSize = 10
learningRate = 1.0
localEpochs = 5
[sampler]
cohort = 2
${more}
`;

async function run(name: string, text: string): Promise<void> {
  const file = join(folder, `${name}.toml`);
  await writeFile(file, text);
  const { code, stderr } = await call("run", file, "--json", "--workers", "0", "--set", `name="${name}"`);
  expect(code, stderr).toBe(0);
}

const call = (...words: string[]) => callCommand(...words, "--runs", join(folder, "runs"));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-fairness-"));
  await writeFile(join(folder, "people.csv"), people(400));
  await run("people", config());
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Answer {
  readonly accuracy: number;
  readonly examples: number;
  readonly clients: number;
  readonly groups: readonly { name: string; examples: number; accuracy: number; predicted: number[] }[];
  readonly disparity: { global: number; local: number };
  readonly limits: readonly { global: number; local: number; accuracy: number }[];
}

async function answer(...words: string[]): Promise<Answer> {
  const { code, stdout, stderr } = await call("fairness", ...words, "--json");
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

describe("fairness", () => {
  it("judges groups of a column beside the limit, and agrees with the run's own accuracy", async () => {
    const judged = await answer("people", "--by", "sex");
    expect(judged).toMatchObject({ by: "sex", clients: 2, classNames: ["no", "yes"], examples: 80 });
    expect(judged.groups.map(({ name }) => name)).toEqual(["f", "m"]);
    expect(judged.groups.reduce((sum, { examples }) => sum + examples, 0)).toBe(80);
    const weighted = judged.groups.reduce((sum, { examples, accuracy }) => sum + examples * accuracy, 0) / 80;
    expect(judged.accuracy).toBeCloseTo(weighted, 12);
    const { rounds } = JSON.parse((await call("show", "people", "--json")).stdout);
    expect(judged.accuracy).toBeCloseTo(rounds.at(-1).testAccuracy, 12);
    // the model has learned that men are hired
    expect(judged.groups[1]!.predicted[1]).toBeGreaterThan(judged.groups[0]!.predicted[1]! + 0.1);
    expect(judged.disparity.global).toBeGreaterThan(0.01);
    const limits = judged.limits.map(({ accuracy }) => accuracy);
    expect(limits).toEqual([...limits].sort((a, b) => a - b));
    expect(limits.at(-1)).toBeGreaterThanOrEqual(judged.accuracy - 2e-3);
    expect(judged.limits.at(-1)).toMatchObject({ global: judged.disparity.global, local: judged.disparity.local });
  });

  it("judges owners without a column: within a client there is nothing to tell apart", async () => {
    const judged = await answer("people");
    expect(judged.groups.map(({ name }) => name)).toEqual(["s0", "s1"]);
    expect(judged.disparity.local).toBeCloseTo(0, 12);
  });

  it("prints tables", async () => {
    const { stdout, code } = await call("fairness", "people", "--by", "sex", "--best");
    expect(code).toBe(0);
    expect(stdout).toMatch(/sex +examples +accuracy +predicted yes +right of yes/);
    expect(stdout).toMatch(/local \(within 2 clients\) +\d\.\d{4} bits/);
    expect(stdout).toMatch(/100 % +\d\.\d{4} bits +\d\.\d{4} bits +\d+\.\d\d %/);
  });

  it.each([
    [["--by", "sexes"], "data/group-column", /Did you mean "sex"/],
    [["--by", "points"], "data/group-column", /one of sex/],
  ])("refuses %s", async (more, code, message) => {
    const { stdout, code: status } = await call("fairness", "people", ...more, "--json");
    expect(status).toBe(3);
    const { error } = JSON.parse(stdout);
    expect(error.code).toBe(code);
    expect(JSON.stringify(error).replaceAll('\\"', '"')).toMatch(message);
  });

  it("refuses data without groups, and runs with a model for each client", async () => {
    const one = await readFile(join(folder, "people.toml"), "utf8");
    await run("iid", one.replace("&group=site", "").replace('scheme = "natural"', 'scheme = "iid"'));
    const without = JSON.parse((await call("fairness", "iid", "--json")).stdout);
    expect(without.error.code).toBe("fairness/no-groups");
    // by a column it works: then nobody tells whose the examples are
    expect(await answer("iid", "--by", "sex")).toMatchObject({ clients: 1 });
    const { code, stderr } = await call(
      "local-only",
      join(folder, "people.toml"),
      "--json",
      "--workers",
      "0",
      "--set",
      'name="alone"',
    );
    expect(code, stderr).toBe(0);
    const alone = JSON.parse((await call("fairness", "alone-local-only", "--json")).stdout);
    expect(alone.error.code).toBe("fairness/several-models");
  });
});
