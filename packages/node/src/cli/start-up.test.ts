import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-start-up-"));
  await writeFile(join(folder, "a.toml"), "rounds = 1\n");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The command, interrupted while it loads the module with this path. */
function interruptedAt(path: string, ...args: readonly string[]) {
  const hook = `
    import { registerHooks } from "node:module";
    import { isMainThread } from "node:worker_threads";
    if (isMainThread) registerHooks({
      load(url, context, next) {
        if (url.endsWith(${JSON.stringify(path)})) process.kill(process.pid, "SIGINT");
        return next(url, context);
      },
    });`;
  const flags = [`--import=data:text/javascript,${encodeURIComponent(hook)}`];
  return spawnSync(process.execPath, [...flags, main, ...args], { cwd: folder, encoding: "utf8" });
}

const ended = ({ status, signal }: ReturnType<typeof interruptedAt>) => signal ?? status;

describe("Ctrl-C during start-up", () => {
  it.each([
    ["the first modules of the command", "/cli/command-line.ts"],
    ["what a run needs", "/run/session.ts"],
  ])("while it loads %s: reports it, starts nothing and ends as shells expect", async (_what, path) => {
    const stopped = interruptedAt(path, "run", "a.toml");
    expect(["SIGINT", 130]).toContain(ended(stopped));
    expect(stopped.stderr).toMatch(/^Stopp(ed during start-up|ing before the first round)/);
    expect(await readdir(folder)).toEqual(["a.toml"]);
  });

  it("is a document with --json", () => {
    const stopped = interruptedAt("/cli/command-line.ts", "run", "a.toml", "--json");
    expect(["SIGINT", 130]).toContain(ended(stopped));
    expect(JSON.parse(stopped.stdout)).toMatchObject({ error: { code: "run/interrupted" } });
  });
});
