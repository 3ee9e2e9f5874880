import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callCommand } from "./testing/call-command.ts";
import { command } from "./testing/spawn-command.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-usage-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const call = (...args: readonly string[]) => callCommand(...args, "--runs", join(folder, "runs"));

async function config(text: string): Promise<string> {
  const file = join(folder, "bad.toml");
  await writeFile(file, text);
  return file;
}

describe("mistakes on the command line", () => {
  it.each([
    ["an unknown command", ["serv"], "usage/unknown-command", "Did you mean serve?"],
    ["an unknown option", ["list", "--jsno"], "usage/unknown-option", "Did you mean --json?"],
    ["a missing argument", ["run"], "usage/missing-argument", "anabranch run --help"],
    ["too many arguments", ["list", "all"], "usage/excess-arguments", "anabranch list --help"],
    ["a value that is no number", ["run", "x.toml", "--workers", "many"], "usage/invalid-value", "from 0"],
    ["an option of another command", ["list", "--set", "rounds=1"], "usage/option", "anabranch list --help"],
    ["no format to export to", ["export", "last"], "usage/missing-option", "--onnx or --safetensors"],
    ["two formats", ["export", "last", "--onnx", "--safetensors"], "usage/conflict", "anabranch export --help"],
    ["no configuration file", ["run", "none.toml"], "config/not-found", "anabranch new none.toml"],
  ])("%s: exit 2", async (_what, args, code, advice) => {
    const ended = await call(...args);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain(`error ${code}: `);
    expect(ended.stderr).toContain(advice);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
  });

  it("are one JSON document with --json, before and after the command", async () => {
    for (const args of [
      ["--json", "lst"],
      ["lst", "--json"],
    ]) {
      const { code, stdout, stderr } = await call(...args);
      expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
      expect(JSON.parse(stdout)).toMatchObject({
        error: { code: "usage/unknown-command", message: "unknown command 'lst'" },
      });
    }
  });

  it("end the real command with the same status; without a command it shows its help", async () => {
    const mistaken = await command(folder, "methods", "fedporx");
    expect(mistaken.code).toBe(2);
    expect(mistaken.stderr).toMatch(/^error algorithm\/unknown: .*\n[\s\S]*Did you mean "fedprox"\?\n$/);
    const bare = await command(folder);
    expect(bare).toMatchObject({ code: 2, stdout: "" });
    expect(bare.stderr).toMatch(/^Usage: anabranch[\s\S]*130 {2}interrupted/);
  });
});

describe("mistakes in a configuration", () => {
  it.each([
    ["a misspelt key", "[training]\nlearnigRate = 0.1", "config/unknown-key", /bad\.toml:2.*learningRate/s],
    ["a value out of range", "rounds = 0", "config/invalid", /bad\.toml:1.*at least 1/s],
    ["no TOML", "rounds = = 2", "config/syntax", /bad\.toml:1/],
    ["an unknown partition", '[data.partition]\nscheme = "dirichet"', "config/unknown-name", /"dirichlet"/],
  ])("%s: exit 2", async (_what, text, code, detail) => {
    const { code: status, stderr } = await call("run", await config(text));
    expect(status).toBe(2);
    expect(stderr).toContain(`error ${code}: `);
    expect(stderr).toMatch(detail);
  });

  it("name --set where that is what is wrong", async () => {
    const file = await config("");
    const { code, stderr } = await call("run", file, "--set", "training.learningRate=-1");
    expect(code).toBe(2);
    expect(stderr).toMatch(/error config\/invalid: [\s\S]*--set training\.learningRate/);
    expect((await call("run", file, "--set", "rounds")).stderr).toContain("error config/override: ");
  });

  it("that only show when the run is prepared end with the status of their kind", async () => {
    const algorithm = await call("run", await config('[algorithm]\nname = "fedavgg"'));
    expect(algorithm.code).toBe(2);
    expect(algorithm.stderr).toMatch(/error algorithm\/unknown: [\s\S]*Did you mean "fedavg"/);
    const data = await call("run", await config('[data]\ndataset = "fashion-mnistt"'), "--json");
    expect(data.code).toBe(3);
    expect(JSON.parse(data.stdout)).toMatchObject({
      error: { code: "data/unknown", advice: 'Did you mean "fashion-mnist"?' },
    });
  });
});

it("a run that does not exist ends with 4", async () => {
  expect(await call("show", "abc123")).toMatchObject({ code: 4, stdout: "" });
  const { code, stdout } = await call("resume", "abc123", "--json");
  expect(code).toBe(4);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: "run/not-found" } });
});

describe("new", () => {
  it("writes a configuration once, and again only with --force", async () => {
    const file = join(folder, "first.toml");
    const written = await command(folder, "new", "first.toml");
    expect(written.code).toBe(0);
    expect(written.stderr).toContain("anabranch run first.toml");
    const text = await readFile(file, "utf8");
    expect(text).toContain('name = "first"');
    await writeFile(file, "# mine");
    const refused = await command(folder, "new", "first.toml");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("error config/exists: ");
    expect(await readFile(file, "utf8")).toBe("# mine");
    const forced = await command(folder, "new", "first.toml", "--force", "--json");
    expect(forced.json()).toMatchObject({ file: "first.toml", files: ["first.toml"] });
    expect(await readFile(file, "utf8")).toBe(text);
  });
});
