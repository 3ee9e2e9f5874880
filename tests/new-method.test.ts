import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseMethodHeader } from "../packages/node/src/docs/method-header.ts";
import { root } from "./source-files.ts";

/** `npm run new:method NAME`, in a copy of what it reads and writes. */
let copy: string;
const algorithms = (file: string) => join(copy, "packages", "core", "src", "algorithms", file);
const read = (path: string) => readFileSync(path, "utf8");

beforeAll(() => {
  copy = realpathSync(mkdtempSync(join(tmpdir(), "anabranch-new-")));
  for (const path of ["scripts", "packages/core", "tests/fixtures/golden-traces.json"])
    cpSync(join(root, path), join(copy, path), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "dir");
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

function begin(...args: readonly string[]) {
  return spawnSync(process.execPath, [join(copy, "scripts", "new-method.mjs"), ...args], { encoding: "utf8" });
}

describe("a new method", () => {
  it("is written, listed among the others, and computes as FedAvg", () => {
    const { status, stdout, stderr } = begin("fed-own");
    expect(status, stderr).toBe(0);
    expect(stdout).toContain("node tests/oracles/derive.ts fed-own");
    const listed = [...read(algorithms("methods.ts")).matchAll(/from "\.\/(.+)\.ts"/g)].map(([, stem]) => stem);
    expect(listed).toContain("fed-own");
    expect(listed).toEqual([...listed].sort());
    const battery = read(algorithms("algorithms.test.ts"));
    expect(battery).toContain('import { fedOwn } from "./fed-own.ts";');
    expect(battery).toContain('"fed-own": { create: fedOwn, wire: { down: 1, up: 1 }, converges: quick },');
    const { traces } = JSON.parse(read(join(copy, "tests", "fixtures", "golden-traces.json")));
    expect(traces.at(-1)).toEqual({ algorithm: { name: "fed-own" }, problem: "vector", rounds: [] });
    const at = (path: string) => JSON.stringify(pathToFileURL(join(copy, "packages", "core", "src", path)).href);
    const program = `
      import { readFileSync } from "node:fs";
      const { createAlgorithm } = await import(${at("algorithms/registry.ts")});
      const { traceFederation } = await import(${at("simulation/trace-federation.ts")});
      const { problems } = JSON.parse(readFileSync("tests/fixtures/golden-traces.json", "utf8"));
      const run = async (name) => (await traceFederation(createAlgorithm(name), problems.vector)).rounds;
      console.log(JSON.stringify([await run("fed-own"), await run("fedavg")]));`;
    const ran = spawnSync(process.execPath, ["--input-type=module", "-e", program], { cwd: copy, encoding: "utf8" });
    expect(ran.status, ran.stderr).toBe(0);
    const [own, fedavg] = JSON.parse(ran.stdout);
    expect(own).toEqual(fedavg);
  });

  it("has a header that can be read, and that the tests refuse until it is filled in", () => {
    const source = read(algorithms("fed-own.ts"));
    expect(parseMethodHeader(source, "fed-own.ts")).toMatchObject({ wire: { down: "d", up: "d FILL IN" } });
    expect(read(algorithms("algorithms.test.ts"))).toContain('.not.toContain("FILL IN")');
  });

  it.each([
    ["a file that exists", "scaffold", /scaffold\.ts exists/],
    ["a method in a file of another name", "fedadam", /fedopt\.ts has a method of this name/],
    ["a file that is no method", "registry", /registry\.ts exists/],
    ["capitals", "FedX", /lower-case letters, digits and hyphens/],
    ["a path", "../fedx", /lower-case letters, digits and hyphens/],
    ["a word of the language", "new", /is a word of the language/],
  ])("is refused for %s", (_what, name, message) => {
    const before = read(algorithms("methods.ts"));
    const { status, stderr } = begin(name);
    expect([status, read(algorithms("methods.ts"))]).toEqual([2, before]);
    expect(stderr).toMatch(message);
    expect(existsSync(algorithms("new.ts"))).toBe(false);
  });

  it("is refused without a name", () => {
    expect(begin()).toMatchObject({ status: 2, stderr: expect.stringContaining("npm run new:method NAME") });
  });
});
