import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

function run(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, args, { encoding: "utf8" });
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "anabranch-version-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe("an older Node", () => {
  it("without another one beside it gets a sentence from the command, or a document", () => {
    const bin = join(temporaryFolder(), "package", "bin");
    mkdirSync(bin, { recursive: true });
    copyFileSync(path("../bin/anabranch.mjs"), join(bin, "anabranch.mjs"));
    const older = `Object.defineProperty(process.versions, "node", { value: "20.20.2" });`;
    const args = [`--import=data:text/javascript,${encodeURIComponent(older)}`, join(bin, "anabranch.mjs"), "list"];
    const text = run(...args);
    expect(text).toMatchObject({ status: 1, stdout: "" });
    expect(text.stderr).toMatch(/^error node\/version: .*\n {2}received .*\n {2}expected .*24.*\n {2}advice .*node@24/);
    const { status, stdout, stderr } = run(...args, "--json");
    expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "node/version", expected: expect.any(String) } });
  });

  it("without SQLite can use the library, and is told by what keeps runs", () => {
    const library = JSON.stringify(new URL("./index.ts", import.meta.url).href);
    const program = `
      const { executorNames, RunIndex } = await import(${library});
      console.log(executorNames.length);
      await RunIndex.open(process.argv[1]).catch((error) => console.log(error.code, error.failure.received));`;
    const { stdout } = run("--no-experimental-sqlite", "--input-type=module", "--eval", program, temporaryFolder());
    expect(stdout).toBe(`3\nnode/version Node ${process.version}\n`);
  });
});
