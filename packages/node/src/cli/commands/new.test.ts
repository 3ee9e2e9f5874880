import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { minimalToml, parseConfig, parseToml } from "@anabranch/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exampleText } from "../templates/example-text.ts";
import { templates } from "../templates/index.ts";
import { callCommand } from "../testing/call-command.ts";
import { command } from "../testing/spawn-command.ts";

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);
const text = (...parts: string[]) => readFile(at(...parts), "utf8");
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-new-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Written {
  readonly file: string;
  readonly files: readonly string[];
  readonly next: string;
}

async function create(...args: readonly string[]): Promise<Written> {
  const { code, stdout, stderr } = await callCommand("new", ...args, "--json");
  expect(code, stderr + stdout).toBe(0);
  return JSON.parse(stdout) as Written;
}

/** A federation that takes a second, whatever the file says. */
const tiny = [
  ...["rounds=1", "data.dataset=synthetic", "data.clients=4", "data.holdout=0", "data.synthetic.testExamples=10"],
  ...["sampler.cohort=2", "training.localEpochs=1", "evaluation.clientEvery=0"],
].flatMap((assignment) => ["--set", assignment]);

describe("templates", () => {
  it.each(["quickstart", "private", "secure"] as const)("%s is the example, named as its file", async (name) => {
    const file = at(`my-${name}.toml`);
    expect(await create(file, "--template", name)).toEqual({ file, files: [file], next: `anabranch run ${file}` });
    const example = parseConfig(exampleText(`${name}.toml`, { path: "x" }), "example");
    expect(parseConfig(await text(`my-${name}.toml`), file)).toEqual({ ...example, name: `my-${name}` });
    expect(await text(`my-${name}.toml`)).toContain(`Run it with: anabranch run ${file}`);
  });

  it("sweep is planned with the base beside it", async () => {
    const file = at("mine.toml");
    const { files } = await create(file, "--template", "sweep");
    expect(files).toEqual([file, at("mine-base.toml")]);
    const { code, stdout, stderr } = await callCommand("sweep", file, "--plan", "--json", "--runs", at("runs"));
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: "mine", variants: [{ variant: "fedavg", runs: 4 }, {}, {}] });
  });

  it.each([
    ["own-model", "model.ts", "two-layers"],
    ["own-method", "method.ts", "sign-damped"],
  ])("%s trains with the file beside it", async (name, part, found) => {
    const file = at(name, "own.toml");
    await mkdir(at(name));
    expect((await create(file, "--template", name)).files).toEqual([file, at(name, part)]);
    const runs = ["--runs", at("runs"), "--workers", "0", "--json"];
    const { code, stdout, stderr } = await callCommand("run", file, ...tiny, ...runs);
    expect(code, stderr + stdout).toBe(0);
    expect(stdout).toContain(found);
  });

  it("with --minimal describe the same run in fewer keys", async () => {
    for (const name of [
      undefined,
      ...templates.filter(({ name }) => name !== "csv").map((template) => template.name),
    ]) {
      const full = await create(at("full.toml"), "--force", ...(name === undefined ? [] : ["--template", name]));
      const before = await text("full.toml");
      await create(at("full.toml"), "--force", "--minimal", ...(name === undefined ? [] : ["--template", name]));
      const after = await text("full.toml");
      expect(after).not.toContain("#");
      expect(after.length).toBeLessThan(before.length);
      if (full.next.includes("sweep")) expect(parseToml(after, "after")).toEqual(parseToml(before, "before"));
      else expect(parseConfig(after, "after")).toEqual(parseConfig(before, "before"));
    }
    expect(minimalToml("rounds = 3\n[training]\nmomentum = 0 # off\n", "a.toml")).toBe("rounds = 3\n");
    expect(minimalToml('[model]\nname = "cnn-28x28"\n[attack]\nname = "none"\n', "a.toml")).toBe(
      '[model]\nname = "cnn-28x28"\n',
    );
  });

  it("csv predicts a column of a table, one client for each owner, and runs", async () => {
    const rows = Array.from({ length: 60 }, (_, i) =>
      [i, i % 3 === 0 ? "" : 20 + i, ["red", "green"][i % 2], `name ${i}`, `site ${i % 4}`, i % 2 ? "yes" : "no"].join(
        ";",
      ),
    );
    await writeFile(at("table.csv"), `id;age;colour;full name;site;sick\n${rows.join("\n")}\n`);
    const { files } = await create(at("table.csv"), at("csv", "out.toml"), "--template", "csv").catch(() => ({
      files: [],
    }));
    expect(files).toEqual([]); // no such folder
    const made = await create(at("table.csv"), at("table.toml"), "--template", "csv");
    expect(made.files).toEqual([at("table.toml")]);
    const written = await text("table.toml");
    expect(parseConfig(written, "table.toml")).toMatchObject({
      data: {
        dataset: "csv:table.csv?label=sick&group=site&features=age%2Ccolour&delimiter=%3B",
        clients: 4,
        partition: { scheme: "natural" },
        table: { standardize: true, missing: "mean" },
      },
    });
    expect(written).toContain("# Not used: id, full name.");
    const where = ["--runs", at("runs"), "--workers", "0", "--json", "--set", "rounds=2"];
    const { code, stdout, stderr } = await callCommand("run", at("table.toml"), ...where);
    expect(code, stderr + stdout).toBe(0);
  });

  it("csv predicts numbers by regression, and says which column is missing", async () => {
    const rows = Array.from({ length: 50 }, (_, i) => `${i % 7},${(i * i) % 11},${(3 * i) % 50}.5`);
    await writeFile(at("numbers.csv"), `a,b,price\n${rows.join("\n")}\n`);
    await create(at("numbers.csv"), at("numbers.toml"), "--template", "csv");
    const config = parseConfig(await text("numbers.toml"), "numbers.toml");
    expect(config).toMatchObject({ model: { name: "linear" }, data: { table: { target: "number" }, clients: 2 } });
    const where = ["--runs", at("runs"), "--workers", "0", "--json", "--set", "rounds=2"];
    const { code, stdout, stderr } = await callCommand("run", at("numbers.toml"), ...where);
    expect(code, stderr + stdout).toBe(0);
    const wrong = await callCommand("new", at("numbers.csv"), "--template", "csv", "--label", "prize");
    expect(wrong.stderr).toMatch(/error data\/column: [\s\S]*Did you mean "price"\?/);
    const alone = await callCommand("new", at("numbers.csv"), "--template", "csv", "--group", "a");
    expect(alone.stderr).toContain("error data/empty: no owner of rows has enough of them");
    expect((await callCommand("new", "--template", "csv")).stderr).toContain("error usage/missing-argument: ");
    expect((await callCommand("new", "x.toml", "--label", "a")).stderr).toContain("error usage/option: ");
  });

  it("are refused with the nearest name", async () => {
    const { code, stderr } = await callCommand("new", at("none.toml"), "--template", "own-metod");
    expect(code).toBe(2);
    expect(stderr).toMatch(/error usage\/invalid-value: .*\n[\s\S]*Did you mean own-method\?/);
  });

  it("write nothing where one of their files exists", async () => {
    await mkdir(at("taken"));
    await writeFile(at("taken", "model.ts"), "// mine");
    const { code, stderr } = await callCommand("new", at("taken", "a.toml"), "--template", "own-model");
    expect(code).toBe(2);
    expect(stderr).toContain("error config/exists: ");
    expect(await readdir(at("taken"))).toEqual(["model.ts"]);
    await create(at("taken", "a.toml"), "--template", "own-model", "--force");
    expect(await text("taken", "model.ts")).not.toBe("// mine");
  });
});

describe("a project", { timeout: 60_000 }, () => {
  it("trains and checks its own parts in a folder of its own", async () => {
    const made = (await command(folder, "new", "--project", "My Project", "--json")).json<Written>();
    expect(made.next).toBe('cd "My Project" && npm start');
    const names = ["federation.toml", "model.ts", "method.ts", "package.json", "tsconfig.json", ".gitignore"];
    expect(made.files).toEqual(names.map((name) => join("My Project", name)));
    const project = at("My Project");
    const manifest = JSON.parse(await text("My Project", "package.json"));
    expect(manifest).toMatchObject({ name: "my-project", private: true, type: "module" });
    expect(manifest.scripts.start).toMatch(/^node ".*anabranch\.mjs" run federation\.toml$/);
    const ran = await command(project, "run", "federation.toml", ...tiny, "--workers", "0", "--json");
    expect(ran.code, ran.stderr + ran.stdout).toBe(0);
    expect(ran.lines().at(-1)).toMatchObject({ type: "result", stopped: "finished" });
  });

  it("names the types of the running command", async () => {
    await command(folder, "new", "--project", "typed", "--quiet");
    const { compilerOptions } = JSON.parse(await text("typed", "tsconfig.json"));
    for (const [specifier, [file]] of Object.entries<string[]>(compilerOptions.paths)) {
      expect(await readFile(file!, "utf8"), specifier).toMatch(/^export /m);
    }
    expect(Object.keys(compilerOptions.paths)).toContain("@anabranch/core/live");
  });

  it("takes no name of a file, and no template", async () => {
    const excess = await callCommand("new", "a.toml", "--project", at("p"));
    expect(excess.stderr).toContain("error usage/excess-arguments: ");
    const both = await callCommand("new", "--project", at("p"), "--template", "private");
    expect(both.stderr).toContain("error usage/conflict: ");
    expect(await readdir(folder)).not.toContain("p");
  });
});
