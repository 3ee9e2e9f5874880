import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commandLines, guideSteps } from "./guide-steps.ts";
import { filesBelow, readText, root } from "./source-files.ts";

const guides = filesBelow("docs").filter((path) => path.endsWith(".md") && guideSteps(readText(path)).length > 0);

/** Follows a guide in an empty folder by its text alone, on the path that its setup makes. Returns the folder. */
function walk(path: string): string {
  const folder = mkdtempSync(join(tmpdir(), "anabranch-guide-"));
  const PATH = `${join(root, "node_modules", ".bin")}:${process.env["PATH"]}`;
  for (const step of guideSteps(readText(path))) {
    if (step.kind === "file") writeFileSync(join(folder, step.name), step.text);
    else {
      for (const line of commandLines(step.text)) {
        const env = { ...process.env, PATH, VITEST: undefined, NODE_OPTIONS: undefined };
        const { status, stdout, stderr } = spawnSync("bash", ["-c", line], { cwd: folder, encoding: "utf8", env });
        expect({ line, status, output: status === 0 ? "" : stdout + stderr }).toEqual({ line, status: 0, output: "" });
      }
    }
  }
  return folder;
}

/** The hashes of the models of the runs of a name, in the order in which they were started. */
function modelHashes(folder: string, name: string): string[] {
  const runs = readdirSync(join(folder, "runs")).filter((run) => run.includes(`-${name}-`));
  return runs.sort().map((run) => {
    const events = readFileSync(join(folder, "runs", run, "events.jsonl"), "utf8")
      .trim()
      .split("\n");
    return (JSON.parse(events.at(-1)!) as { modelHash: string }).modelHash;
  });
}

/** Runs of one configuration that a guide says are equal. */
const equalRuns: Readonly<Record<string, string>> = {
  "docs/tutorial.md": "patients",
  "docs/reproducibility.md": "small",
};

describe("a guide", () => {
  it.each(guides)("%s can be followed in an empty folder", (path) => {
    const folder = walk(path);
    const name = equalRuns[path];
    if (name !== undefined) {
      const hashes = modelHashes(folder, name);
      expect(hashes).toHaveLength(2);
      expect(new Set(hashes).size).toBe(1);
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it("is there for every subject that is tested here", () => {
    expect(guides).toEqual(expect.arrayContaining(Object.keys(equalRuns)));
  });
});
