import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { algorithms, modelOptions, VERSION } from "@anabranch/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cacheFolder } from "../data/places.ts";
import { telemetryCheck } from "./checks/footprint.ts";
import { createProgram } from "./program.ts";
import { callCommand } from "./testing/call-command.ts";
import { command } from "./testing/spawn-command.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-queries-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function answer(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await callCommand(...args);
  expect(code, stderr).toBe(0);
  return stdout;
}

const BASELINES = ["centralized", "local-only", "public-only"];

const program = await createProgram();

describe("help", () => {
  const commands = program.commands.map((known) => known.name());

  it("lists every command with the exit codes, and the version", async () => {
    const help = await answer("--help");
    for (const name of commands) expect(help).toContain(`  ${name}`);
    expect(help).toContain("Exit codes:");
    expect(await answer("--version")).toBe(`${VERSION}\n`);
  });

  it.each(commands)("%s is a command of the program that is made for it", async (name) => {
    expect((await createProgram([name])).commands.map((known) => known.name())).toContain(name);
  });

  it.each(commands)("%s has an example, and shows only the options it listens to", (name) => {
    const help: string[] = [];
    const found = program.commands.find((known) => known.name() === name)!;
    found.configureOutput({ writeOut: (text) => help.push(text) });
    found.outputHelp();
    const text = help.join("");
    expect(text).toMatch(/Examples?:\n {2}anabranch /);
    expect(text).toContain("--json");
    expect(text.includes("--set")).toBe(["run", "check", "serve", "audit", ...BASELINES].includes(name));
    expect(text.includes("--workers")).toBe(["run", "resume", "sweep", "dashboard", ...BASELINES].includes(name));
  });
});

describe("catalogues", () => {
  it("methods: every method with wire cost and paper, and one with its options", async () => {
    const text = await answer("methods");
    for (const { name } of algorithms)
      expect(text).toMatch(new RegExp(`^${name.replaceAll("+", "\\+")} +.* et al\\., .*20\\d\\d`, "m"));
    expect(text).toMatch(/^fedpac .* d \+ \|Theta\| … +J\. Liu/m);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThan(150); // one line for each
    const { methods } = JSON.parse(await answer("methods", "--json"));
    expect(methods.map((method: { name: string }) => method.name)).toEqual(algorithms.map(({ name }) => name));
    const fedprox = methods.find((method: { name: string }) => method.name === "fedprox");
    expect(fedprox).toMatchObject({
      wire: { down: "d", up: "d" },
      citation: { arxiv: "1812.06127", year: 2020 },
      aliases: { mu: { option: "proximalStrength", default: 0.01 } },
    });
    const described = await answer("methods", "fedprox");
    expect(described).toContain("https://arxiv.org/abs/1812.06127");
    expect(described).toContain("proximalStrength (mu) = 0.01");
    const [about] = (await answer("methods", "hyperfl")).split("Update rule");
    for (const line of about!.split("\n")) expect(line.length).toBeLessThanOrEqual(110);
  });

  it("models: every model with its size", async () => {
    const { models } = JSON.parse(await answer("models", "--json"));
    expect(models.map((model: { name: string }) => model.name)).toEqual(Object.keys(modelOptions));
    expect(models).toContainEqual(expect.objectContaining({ name: "cnn-28x28", parameters: 1_663_370 }));
    expect(await answer("models")).toMatch(/^mlp +159,010 /m);
  });

  it("datasets: shipped and other data sets, and partitioners", async () => {
    const { datasets, partitioners } = JSON.parse(await answer("datasets", "--json"));
    expect(datasets).toContainEqual(expect.objectContaining({ name: "fashion-mnist-10k", shipped: true }));
    expect(datasets).toContainEqual(expect.objectContaining({ name: "fashion-mnist", shipped: false, download: true }));
    expect(partitioners.map((scheme: { name: string }) => scheme.name)).toContain("dirichlet");
    expect(await answer("datasets")).toMatch(/^tiny-shakespeare +shipped /m);
    const refused = await callCommand("datasets", "--download", "mnist");
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain("error data/no-download: ");
  });

  it("list: no runs, and no folder made for the look", async () => {
    const ended = await command(folder, "list");
    expect(ended).toMatchObject({ code: 0, stdout: "" });
    expect(ended.stderr).toContain("no runs");
    const root = join(folder, "runs");
    expect(JSON.parse(await answer("list", "--json", "--runs", root))).toEqual({ root, runs: [], sweeps: [] });
    expect(await readdir(folder)).toEqual([]);
  });
});

interface Diagnosis {
  readonly ok: boolean;
  readonly phonesHome: readonly string[];
  readonly writes: Readonly<Record<string, string>>;
  readonly checks: readonly Found[];
}
interface Found {
  readonly name: string;
  readonly status: string;
  readonly message: string;
}

describe("doctor", () => {
  it("checks this machine", async () => {
    const { ok, checks } = (await command(folder, "doctor", "--json")).json<Diagnosis>();
    expect(ok).toBe(true);
    const byName = new Map(checks.map((check) => [check.name, check]));
    for (const name of ["Node", "onnxruntime-node", "interpreter", "worker threads", "disk", "fashion-mnist-10k"]) {
      expect(byName.get(name), name).toMatchObject({ status: "ok" });
    }
    expect(byName.get("onnxruntime-node")!.message).toMatch(/fingerprint [0-9a-f]{16}/);
  });

  it("tells what phones home, and where it writes", async () => {
    const root = join(folder, "elsewhere");
    const { phonesHome, writes, checks } = JSON.parse(await answer("doctor", "--json", "--runs", root)) as Diagnosis;
    expect(phonesHome).toEqual(process.platform === "win32" ? [expect.stringContaining("Windows")] : []);
    expect(writes).toEqual({ runs: root, cache: cacheFolder({}) });
    const message = (name: string) => checks.find((check) => check.name === name)!.message;
    expect(message("telemetry")).toMatch(/^off: no data are sent/);
    expect(message("written folders")).toContain(root);
    expect(message("written folders")).toContain(cacheFolder({}));
    expect(await telemetryCheck("win32").look()).toMatchObject({ status: "warn", advice: expect.any(String) });
  });

  it("fails with advice where something is missing", async () => {
    const ended = await callCommand("doctor", "--data-dir", "nowhere");
    expect(ended.code).toBe(1);
    expect(ended.stdout).toMatch(/fail {2}data folder.*is not a folder\n +-> Correct --data-dir/);
    expect(ended.stdout).toContain("1 of ");
  });
});
