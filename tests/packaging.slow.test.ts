import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/**
 * What a user meets who has no clone: tarballs installed from a registry's point of view, in an empty folder, with
 * types, without build tools.
 */
const root = join(import.meta.dirname, "..");
const packages = ["engine", "core", "node"] as const;
const manifestOf = (name: string) => join(root, "packages", name, "package.json");
const versionOf = (name: string): string =>
  (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Versions).dependencies[name] ??
  (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Versions).devDependencies[name]!;

interface Versions {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const reachable = registryAnswers();
const folder = mkdtempSync(join(tmpdir(), "anabranch-packaging-"));
const consumer = join(folder, "consumer");
const tarballs = packages.map((name) => join(folder, `anabranch-${name}-${manifestVersion(name)}.tgz`));

describe("packing", () => {
  it("restores the manifest, also when the first attempt died half way", () => {
    const before = readFileSync(manifestOf("engine"), "utf8");
    run("node", ["scripts/pack.mjs", "prepare", "packages/engine"], root);
    expect(readFileSync(manifestOf("engine"), "utf8")).toContain("./dist/index.js");
    run("node", ["scripts/pack.mjs", "prepare", "packages/engine"], root);
    run("node", ["scripts/pack.mjs", "restore", "packages/engine"], root);
    expect(readFileSync(manifestOf("engine"), "utf8")).toBe(before);
    expect(existsSync(`${manifestOf("engine")}.source`)).toBe(false);
  });

  it("makes tarballs that publint has no complaint about and leaves the repository as it was", async () => {
    pack();
    for (const name of packages) expect(existsSync(`${manifestOf(name)}.source`)).toBe(false);
    for (const file of tarballs) {
      const tarball = readFileSync(file);
      const { messages, pkg } = await publint({
        pack: { tarball: new Uint8Array(tarball).buffer },
        strict: true,
        level: "warning",
      });
      expect(messages.map((message) => formatMessage(message, pkg ?? {}))).toEqual([]);
    }
  });
});

describe.skipIf(!reachable)("an installed copy", () => {
  beforeAll(() => {
    if (!tarballs.every((file) => existsSync(file))) pack();
    mkdirSync(consumer);
    cpSync(join(root, "tests", "fixtures", "consumer"), consumer, { recursive: true });
    const others = ["onnxruntime-node", "typescript"].map((name) => `${name}@${versionOf(name)}`);
    run("npm", ["install", "--no-audit", "--no-fund", ...tarballs, ...others], consumer);
  });

  it("type-checks a strict script, its libraries' declarations included", () => {
    run("node", ["node_modules/typescript/bin/tsc", "-p", "."], consumer);
  });

  it("runs two rounds on the shipped images, on worker threads", () => {
    const printed = JSON.parse(run("node", ["simulate.ts"], consumer)) as Record<string, unknown>;
    expect(printed).toMatchObject({ version: manifestVersion("core"), rounds: 2, refused: "config/unknown-key" });
    expect(printed.losses).toHaveLength(2);
    for (const loss of printed.losses as number[]) expect(loss).toBeLessThan(Math.log(10) + 0.5);
  });

  it("imports compiled files alone", () => {
    const dist = join(consumer, "node_modules", "@anabranch", "node", "dist");
    const compiled = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".js"));
    const ofSource = /(from |import\()"\.[^"]*\.ts"/;
    expect(compiled.filter((path) => ofSource.test(readFileSync(join(dist, path), "utf8")))).toEqual([]);
  });

  it("has the command, which reads the headers of the installed methods", () => {
    const command = join("node_modules", ".bin", "anabranch");
    expect(run(command, ["--help"], consumer)).toContain("Usage: anabranch");
    expect(run(command, ["methods"], consumer)).toMatch(/^scaffold .*S\. P\. Karimireddy/m);
  });

  it("checks a method in a folder that knows nothing of the library", () => {
    const command = join("node_modules", ".bin", "anabranch");
    const example = join(folder, "own-algorithm.ts");
    cpSync(join(root, "examples", "own-algorithm.ts"), example);
    expect(run(command, ["check", example], consumer)).toContain("sign-damped passes all 7 checks");
  });

  it("makes a project elsewhere that type-checks and trains, and writes templates", () => {
    const command = join(consumer, "node_modules", ".bin", "anabranch");
    const project = join(folder, "project");
    run(command, ["new", "--project", project], consumer);
    run("node", [join(consumer, "node_modules", "typescript", "bin", "tsc"), "-p", "."], project);
    const tiny = [
      "rounds=1",
      "data.clients=20",
      "sampler.cohort=2",
      "training.localEpochs=1",
      "evaluation.clientEvery=0",
    ];
    const set = tiny.flatMap((assignment) => ["--set", assignment]);
    const printed = run(command, ["run", "federation.toml", "--workers", "1", "--json", ...set], project);
    expect(JSON.parse(printed.trim().split("\n").at(-1)!)).toMatchObject({ type: "result", stopped: "finished" });
    run(command, ["new", "grid.toml", "--template", "sweep"], project);
    expect(run(command, ["sweep", "grid.toml", "--plan"], project)).toContain("scaffold");
  });

  it.each(["core", "engine"])("of %s goes into a browser's bundle without anything of Node", async (name) => {
    const input = join(consumer, "node_modules", "@anabranch", name, "dist", "index.js");
    const complaints: string[] = [];
    const bundle = await rolldown({
      input,
      platform: "browser",
      external: ["onnxruntime-web"],
      onLog: (_level, log) => void complaints.push(log.message),
    });
    const { output } = await bundle.generate({ format: "esm" });
    await bundle.close();
    expect(complaints).toEqual([]);
    const chunks = output.filter((part) => part.type === "chunk");
    const files = chunks.map((chunk) => chunk.fileName);
    const outside = chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports]);
    expect(outside.filter((from) => from !== "onnxruntime-web" && !files.includes(from))).toEqual([]);
  });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function pack(): void {
  const workspaces = packages.flatMap((name) => ["-w", `packages/${name}`]);
  run("npm", ["pack", ...workspaces, "--pack-destination", folder], root);
}

function manifestVersion(name: string): string {
  return (JSON.parse(readFileSync(manifestOf(name), "utf8")) as { version: string }).version;
}

/** Runs a command to its end and returns what it printed. `npm run` tells a nested npm where it is: not here. */
function run(command: string, args: readonly string[], cwd: string): string {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^npm_(config_local_prefix|package_|lifecycle_)/.test(name),
  );
  const file = command === "node" ? process.execPath : command;
  const result = spawnSync(file, args, { cwd, encoding: "utf8", env: Object.fromEntries(inherited) });
  const shown = `${command} ${args.join(" ")}\n${result.stdout}\n${result.stderr}\n${result.error ?? ""}`;
  expect(result.status, shown).toBe(0);
  return result.stdout;
}

function registryAnswers(): boolean {
  const args = ["view", "typescript", "version", "--fetch-retries=0", "--fetch-timeout=20000"];
  const { status, stderr } = spawnSync("npm", args, { encoding: "utf8", timeout: 60_000 });
  if (status === 0) return true;
  const why = /^npm error (code .*)$/m.exec(stderr)?.[1] ?? "no answer within a minute";
  writeFileSync(2, `skipped: 6 tests of an installed copy, because the npm registry cannot be reached (${why})\n`);
  return false;
}
