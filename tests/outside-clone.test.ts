import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command } from "../packages/node/src/cli/testing/spawn-command.ts";
import { DATA, METHOD, MODEL } from "./own-file-fixtures.ts";

/**
 * Own files in a folder that knows nothing of the library: no `node_modules` but one with decoys, which leave a mark when
 * they are executed. The command is the real one, since a test runner resolves imports itself.
 */
let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);
const mark = () => at("executed");

async function addPackage(name: string, text: string): Promise<void> {
  const path = at("node_modules", name);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "package.json"), JSON.stringify({ name, type: "module", exports: "./index.js" }));
  await writeFile(join(path, "index.js"), text);
}

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "anabranch-outside-")));
  const [libraries = "", rest] = METHOD.split("export default");
  await writeFile(
    at("method.ts"),
    `${METHOD.replace("z.number().max(1)", "limited()")}import { limited } from "./limited.ts";\n`,
  );
  await writeFile(at("limited.ts"), 'import * as z from "zod";\nexport const limited = () => z.number().max(1);\n');
  await writeFile(at("model.mjs"), MODEL);
  await writeFile(at("data.mjs"), `import "@anabranch/engine";\n${DATA}`);
  await writeFile(at("wrong.ts"), `${libraries.replace("uniformMean", "unifomMean")}export default${rest}`);
  await writeFile(
    at("own.toml"),
    `rounds = 2\n[algorithm]\nfile = "method.ts"\ndamping = 0.25\n[model]\nfile = "model.mjs"\n[data]\nfile = "data.mjs"\nclients = 3\npartition.scheme = "iid"\n[sampler]\ncohort = 2\n`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("own files outside the clone", { timeout: 180_000 }, () => {
  it("run on threads, resume and export with the library of the command", async () => {
    const ended = await command(folder, "run", "own.toml", "--json", "--workers", "2");
    expect(ended.code, ended.stdout).toBe(0);
    const run = String(ended.lines().at(-1)!["folder"]);
    const resumed = await command(folder, "resume", run, "--json");
    expect(resumed.code, resumed.stdout).toBe(0);
    const exported = await command(folder, "export", run, "--onnx", "-o", "model.onnx", "--json");
    expect(exported.code, exported.stdout).toBe(0);
    expect((await readFile(at("model.onnx"))).length).toBeGreaterThan(100);
  });

  it("never take a package beside them for the library, and keep the imports of other packages", async () => {
    const decoy = `import { writeFileSync } from "node:fs";\nwriteFileSync(${JSON.stringify(mark())}, "x");\n`;
    for (const name of ["@anabranch/core", "@anabranch/engine"]) await addPackage(name, decoy);
    await addPackage("zod", "export const version = 'of the folder';\n");
    await addPackage("helper", "import { version } from 'zod';\nexport const found = version;\n");
    const helped = `import { found } from "helper";\nif (found !== "of the folder") throw new Error(found);\n`;
    await symlink(at("method.ts"), at("linked.ts"));
    await writeFile(at("method.ts"), helped + (await readFile(at("method.ts"), "utf8")));
    const ended = await command(
      folder,
      "run",
      "own.toml",
      "--set",
      "algorithm.file=linked.ts",
      "--json",
      "--workers",
      "0",
    );
    expect(ended.code, ended.stdout).toBe(0);
    expect(existsSync(mark())).toBe(false);
    await rm(at("node_modules"), { recursive: true });
  });

  it("that import what the library does not have are refused with the nearest name", async () => {
    const { code, stderr } = await command(folder, "run", "own.toml", "--set", "algorithm.file=wrong.ts");
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error local\/failed: .*\n +where +\S+wrong\.ts/);
    expect(stderr).toContain('Did you mean "uniformMean" instead of "unifomMean"?');
  });
});
