import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeSafetensors } from "@anabranch/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callCommand } from "./testing/call-command.ts";

let folder: string;
let shown: { run: { folder: string }; rounds: Record<string, number | null>[] };

/** Prices that are 1000 size + 500 for oak + 20,000, with some noise; the sites see different sizes. */
function prices(rows: number): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    const [size, kind] = [30 + (i % 4) * 20 + ((7 * i) % 13), i % 3 ? "oak" : "elm"];
    return `${size},${kind},s${i % 4},${1000 * size + (kind === "oak" ? 500 : 0) + 20_000 + 40 * ((i % 7) - 3)}`;
  });
  return ["size,kind,site,price", ...lines].join("\n");
}

const config = `
name = "prices"
rounds = 12
[data]
dataset = "csv:prices.csv?label=price&group=site"
clients = 4
holdout = 0.2
partition = { scheme = "natural" }
table = { target = "number", standardize = true }
[model]
name = "linear"
[training]
batchSize = 8
learningRate = 0.1
localEpochs = 3
[sampler]
cohort = 4
[evaluation]
clientEvery = 4
[execution]
workers = 1
`;

async function run(...more: string[]) {
  return callCommand("run", join(folder, "run.toml"), "--runs", join(folder, "runs"), "--json", ...more);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-regression-"));
  await writeFile(join(folder, "prices.csv"), prices(200));
  await writeFile(join(folder, "run.toml"), config);
  const ended = await run();
  expect(ended.code, ended.stderr).toBe(0);
  const { stdout } = await callCommand("show", "last", "--runs", join(folder, "runs"), "--json");
  shown = JSON.parse(stdout);
}, 60_000);

afterAll(() => rm(folder, { recursive: true }));

describe("a run that predicts numbers", () => {
  it("has errors in units of the target, and no accuracy anywhere", async () => {
    const events = (await readFile(join(shown.run.folder, "events.jsonl"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const last = events.findLast(({ type }) => type === "evaluation");
    expect(last).toMatchObject({ accuracy: null, round: 12 });
    // noise has the standard deviation 80; guessing the mean has one of thousands
    expect(last.rmse).toBeGreaterThan(50);
    expect(last.rmse).toBeLessThan(200);
    expect(last.r2).toBeGreaterThan(0.999);
    const clients = events.findLast(({ type }) => type === "client.evaluation");
    expect(clients).toMatchObject({ mean: null, accuracies: [] });
    expect(clients.rmse.errors).toHaveLength(4);
    expect(clients.rmse.worstDecile).toBeGreaterThanOrEqual(clients.rmse.mean);
    expect(events.at(-1)).toMatchObject({ type: "run.finished", accuracy: null, bestAccuracy: null });
  });

  it("is shown with RMSE and R2, in text and JSON", async () => {
    const rounds = shown.rounds;
    expect(rounds.at(-1)).toMatchObject({ testAccuracy: null, testR2: expect.closeTo(1, 3) });
    const { stdout } = await callCommand("show", "last", "--runs", join(folder, "runs"));
    expect(stdout).toMatch(/round +loss +test loss +RMSE +R2/);
    expect(stdout).toMatch(/test error +RMSE \d+\.\d+, R2 0\.999/);
    expect(stdout).not.toMatch(/accuracy/);
  });

  it("is listed and compared by its errors, of which the lowest is best", async () => {
    const runs = join(folder, "compared");
    for (const seed of ["seed=1", "seed=2"]) {
      const more = ["--set", seed, "--set", "evaluation.clientEvery=0", "--set", `name="prices-${seed.at(-1)}"`];
      const { code, stderr } = await callCommand("run", join(folder, "run.toml"), "--runs", runs, "--json", ...more);
      expect(code, stderr).toBe(0);
    }
    const json = async (...words: string[]) =>
      JSON.parse((await callCommand(...words, "--runs", runs, "--json")).stdout);
    const { runs: listed } = await json("list", "--sort", "rmse");
    expect(listed.map(({ finalAccuracy }: { finalAccuracy: null }) => finalAccuracy)).toEqual([null, null]);
    expect(listed[0].finalRmse).toBeLessThanOrEqual(listed[1].finalRmse);
    const list = await callCommand("list", "--runs", runs);
    expect(list.stdout).toMatch(/rounds +RMSE +R2/);
    expect(list.stdout).not.toMatch(/accuracy|–/);
    const names = ["prices-1", "prices-2"];
    const compared = await json("compare", ...names);
    expect(compared.metric).toBe("rmse");
    const bests = compared.runs.map(({ error }: { error: { bestRmse: number } }) => error.bestRmse);
    // the worse of the lowest errors, rounded up to three digits
    expect(compared.target).toBeGreaterThanOrEqual(Math.max(...bests));
    expect(compared.target).toBeLessThan(1.01 * Math.max(...bests));
    for (const run of compared.runs) expect(run.roundsToTarget).toBeGreaterThan(0);
    const far = await json("compare", ...names, "--target", "1e9");
    expect(far.runs.map(({ roundsToTarget }: { roundsToTarget: number }) => roundsToTarget)).toEqual([1, 1]);
    const { stdout } = await callCommand("compare", ...names, "--runs", runs);
    expect(stdout).toMatch(/RMSE +(R2|recent)/);
    expect(stdout).not.toMatch(/accuracy/);
  });

  it("prints errors while it trains", async () => {
    const more = ["--set", "evaluation.every=6", "--set", "evaluation.clientEvery=0", "--set", "data.holdout=0"];
    const { stdout } = await callCommand("run", join(folder, "run.toml"), "--runs", join(folder, "more"), ...more);
    expect(stdout).toMatch(/round +1\/12 +loss +\d\.\d+ +RMSE +– +R2 +–/);
    expect(stdout).toMatch(/round +12\/12 +loss +\d\.\d+ +RMSE +[\d.]+ +R2 +[01]\.\d+/);
    expect(stdout).not.toMatch(/accuracy/);
  });

  it("is reported without accuracies", async () => {
    const { folder: at } = shown.run;
    const report = await readFile(join(at, "report.html"), "utf8");
    expect(report).toContain("Final RMSE");
    expect(report).toContain("Root mean squared error");
    expect(report).not.toMatch(/Final accuracy|Accuracy over clients|Test accuracy/);
    expect(await readFile(join(at, "model-card.md"), "utf8")).toMatch(/test RMSE \| \d/);
    const partition = JSON.parse(await readFile(join(at, "partition.json"), "utf8"));
    expect(partition).toMatchObject({ classNames: ["examples"], clientNames: ["s0", "s1", "s2", "s3"] });
    expect(partition.featureNames).toEqual(["size", "kind = elm", "kind = oak"]);
  });

  it("has names of features and the scale of the target in its model's files", async () => {
    const { folder: at } = shown.run;
    const { metadata } = decodeSafetensors(await readFile(join(at, "model.safetensors")), "model");
    expect(JSON.parse(metadata["features"]!)).toEqual(["size", "kind = elm", "kind = oak"]);
    expect(JSON.parse(metadata["table"]!)).toMatchObject({ target: { deviation: expect.any(Number) } });
    const file = join(folder, "exported.onnx");
    const exported = await callCommand("export", "last", "--onnx", "--output", file, "--runs", join(folder, "runs"));
    expect(exported.code, exported.stderr).toBe(0);
    for (const path of [file, join(at, "model.onnx")]) {
      const onnx = (await readFile(path)).toString("latin1");
      for (const part of ["kind = oak", "prediction", metadata["table"]!]) expect(onnx).toContain(part);
    }
  });

  it.each([
    ["classes to partition by", ["--set", "data.partition.scheme=dirichlet"], /needs one class.*natural.*iid/],
    ["an accuracy to stop at", ["--set", "stop.targetAccuracy=0.9"], /Numbers have no accuracy/],
    ["a model of classes", ["--set", "model.name=logistic"], /model logistic, labelType/],
    ["target statistics that are not there", ["--set", "data.table.statistics={price=[1,2]}"], /size, target/],
  ])("is refused %s", async (_what, more, message) => {
    const { code, stdout, stderr } = await run(...more);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(message);
  });
});
