import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { boundText, createAccountant, decodeSafetensors, type PrivacyEventInput } from "@anabranch/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

/** Folder and files of a run. */
async function trained(name: string, ...settings: readonly string[]) {
  const set = [`name=${name}`, ...settings].flatMap((setting) => ["--set", setting]);
  const lines = (await done("run", join(folder, "private.toml"), "--workers", "0", "--json", ...set))
    .trim()
    .split("\n");
  const events = lines.map((line) => JSON.parse(line));
  const root = events.at(-1).folder as string;
  const weights = join(root, "model.safetensors");
  const read = (file: string) => readFile(join(root, file), "utf8");
  const { metadata } = decodeSafetensors(new Uint8Array(await readFile(weights)), weights);
  const spent = events.findLast(({ type }) => type === "round.finished").privacy;
  return {
    root,
    weights,
    metadata,
    events,
    spent,
    card: await read("model-card.md"),
    report: await read("report.html"),
  };
}

const noise = (z: number) => ["privacy.targetEpsilon=", `privacy.noiseMultiplier=${z}`, "evaluation.every=0"];
const from = (weights: string) => `model.initialWeights=${weights}`;
const rounds = (noiseMultiplier: number, count: number): PrivacyEventInput => {
  return { kind: "poisson-gaussian", samplingRate: 0.1, noiseMultiplier, count };
};
const epsilonOf = (...events: PrivacyEventInput[]) => createAccountant("rdp").epsilon(events, 1e-3).epsilon;

it("a chain of private runs composes epsilon wherever it stands, through export and back", async () => {
  const first = await trained("first", ...noise(2));
  await trained("second", ...noise(3), from(first.weights));
  const copy = join(folder, "copy.safetensors");
  await done("export", "second", "--safetensors", "-o", copy);
  const third = await trained("third", ...noise(2), from(copy));
  const before = epsilonOf(rounds(2, 2), rounds(3, 2));
  expect(third.spent).toEqual({
    epsilon: epsilonOf(rounds(2, 4), rounds(3, 2)),
    delta: 1e-3,
    accountant: "rdp",
    before,
  });
  expect(third.metadata).toMatchObject({ epsilon: String(third.spent.epsilon) });
  expect(third.metadata["privacyAssumptions"]).toContain("epsilon includes the 4 private rounds that made them");
  const told = `epsilon ${boundText(third.spent.epsilon)} at delta 0.001 (rdp); ${boundText(before)} before this run`;
  expect(third.card).toContain(`${told}, for all rounds and those that made its initial weights together.`);
  expect(third.report).toContain(told);
  expect((await done("show", "third")).replace(/\s+/g, " ")).toContain(told);
  const again = (await done("resume", "third", "--workers", "0")).replace(/\s+/g, " ");
  expect(again).toContain(told);
});

it("a private run from weights without a record says everywhere that epsilon does not cover them", async () => {
  const off = ["privacy.mechanism=none", "privacy.targetEpsilon=", "privacy.delta=", "algorithm.name=fedavg"];
  const plain = await trained("plain", ...off);
  const next = await trained("next", "privacy.clipNorm=1e-9", ...noise(2), from(plain.weights));
  const line = "epsilon does not cover the data that they were trained on";
  const warning = next.events.find(({ type }) => type === "run.warning");
  expect(warning).toMatchObject({ code: "privacy/initial-weights", message: expect.stringMatching(/does not hold/) });
  expect(next.spent).toMatchObject({ covered: false });
  for (const text of [next.card, next.report, next.metadata["privacyAssumptions"]]) expect(text).toContain(line);
  for (const text of [next.card, next.report]) expect(text).toContain("not covered: the data of its initial weights");
  expect(next.report).toContain("The data of initial weights without a record are not covered.");
  const { privacy } = JSON.parse(await done("show", "next", "--json"));
  expect(privacy).toEqual({ ...next.spent, before: null });
});

it("resume of a finished private run reports the epsilon of training its model further", async () => {
  const { code, stderr } = await callCommand("resume", "third", "--workers", "0", "--runs", join(folder, "runs"));
  expect(code).toBe(0);
  expect(stderr).toMatch(/adds its epsilon to that of this run/);
  const plain = await callCommand("resume", "plain", "--workers", "0", "--runs", join(folder, "runs"));
  expect(plain.stderr).not.toMatch(/epsilon/);
});

describe("a private run on a table, whose test rows are split off from the clients'", () => {
  const settings = async () => {
    const table = join(folder, "table.csv");
    const rows = Array.from({ length: 200 }, (_, i) => `${Math.sin(i)},${Math.cos(3 * i)},c${i % 2}`);
    await writeFile(table, `a,b,label\n${rows.join("\n")}\n1e30,-1e30,c0\n1e30,-1e30,c0\n`);
    return [`data.dataset=csv:${table}?label=label`, "privacy.targetEpsilon=", "privacy.noiseMultiplier=2"];
  };

  it("leaves test metrics out of card and metadata, keeps no best model, and notes what it shows the operator", async () => {
    const run = await trained("table", ...(await settings()));
    expect(run.events.filter(({ code }) => code === "privacy/test-rows")).toHaveLength(1);
    const evaluations = run.events.filter(({ type }) => type === "evaluation");
    expect(evaluations.map(({ covered }) => covered)).toEqual([false, false]);
    expect(run.events.at(-1)).toMatchObject({ best: null });
    expect(run.card).not.toMatch(/test accuracy \||test loss \|/);
    expect(run.card).toContain("test metrics: epsilon does not cover them");
    expect(Object.keys(run.metadata).sort()).toEqual([
      "accountant",
      "algorithm",
      "anabranch",
      "classes",
      "delta",
      "epsilon",
      "features",
      "model",
      "privacy",
      "privacyAssumptions",
      "privacyRecord",
      "round",
      "run",
      "table",
    ]);
    const note = "on clients' own examples, not covered by epsilon";
    expect(run.report.replaceAll("&#39;", "'")).toContain(note);
    const shown = (await done("show", "table")).replace(/\s+/g, " ");
    expect(shown).toContain(note);
    expect(shown).toContain("best –");
    const best = await callCommand("export", "table", "--safetensors", "--best", "--runs", join(folder, "runs"));
    expect([best.code, best.stderr]).toEqual([1, expect.stringMatching(/no best model/)]);
  });

  it("refuses what would act on test metrics: stops, and a sweep that tunes", async () => {
    const set = (await settings()).flatMap((setting) => ["--set", setting]);
    for (const key of ["patience=1", "targetAccuracy=0.9"]) {
      const more = ["--workers", "0", "--runs", join(folder, "runs"), "--set", `stop.${key}`];
      const { code, stderr } = await callCommand("run", join(folder, "private.toml"), ...set, ...more);
      expect([code, stderr]).toEqual([2, expect.stringMatching(/config\/conflict[\s\S]*where +stop\./)]);
    }
    const sweep = join(folder, "sweep.toml");
    const text = (await settings())
      .map((setting) => setting.replace(/^([^=]*)=(.*)$/, '"$1" = "$2"').replace('"2"', "2"))
      .join("\n");
    await writeFile(
      sweep,
      `base = "private.toml"\n[set]\n${text}\n[tune.grid]\n"training.learningRate" = [0.1, 0.01]\n`,
    );
    const tuned = await callCommand("sweep", sweep, "--workers", "0", "--runs", join(folder, "runs"));
    expect([tuned.code, tuned.stderr]).toEqual([
      2,
      expect.stringMatching(/values\s+chosen\s+by\s+test\s+accuracy,\s+with\s+\[privacy\]/),
    ]);
  });
});

it("the card of a private run does not tell how many clients came: the bytes that they sent", async () => {
  const run = await trained("counted");
  expect(run.card).toContain("| test accuracy |");
  expect(run.card).not.toContain("| uploaded |");
});
