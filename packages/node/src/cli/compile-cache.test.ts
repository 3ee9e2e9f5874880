import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const module = fileURLToPath(new URL("./compile-cache.ts", import.meta.url));

/** Loads a module of its own after the cache is switched on, and prints where compiled sources are kept, also in a thread. */
const program = `
import { getCompileCacheDir } from "node:module";
import { Worker } from "node:worker_threads";
import { once } from "node:events";
const { keepCompiledSources } = await import(${JSON.stringify(module)});
keepCompiledSources();
await import(process.argv[1]);
const thread = \`import { getCompileCacheDir } from "node:module"; import { parentPort } from "node:worker_threads";
parentPort.postMessage(getCompileCacheDir() ?? null);\`;
const [inThread] = await once(new Worker(new URL("data:text/javascript," + encodeURIComponent(thread))), "message");
console.log(JSON.stringify({ here: getCompileCacheDir() ?? null, inThread }));
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-compiled-"));
  await writeFile(join(folder, "own.mjs"), "export const one = 1;\n");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function start(environment: Readonly<Record<string, string>>) {
  const { NODE_COMPILE_CACHE: _inherited, ...env } = process.env;
  const args = ["--input-type=module", "--eval", program, join(folder, "own.mjs")];
  const { stdout, stderr } = spawnSync(process.execPath, args, { env: { ...env, ...environment }, encoding: "utf8" });
  expect(stderr).toBe("");
  return JSON.parse(stdout) as { here: string | null; inThread: string | null };
}

describe("compiled sources", () => {
  it("are kept in the user's cache folder, for threads too", async () => {
    const { here, inThread } = start({ XDG_CACHE_HOME: folder });
    expect(here).toContain(join(folder, "anabranch", "node"));
    expect(inThread).toBe(here);
    expect((await readdir(here!)).length).toBeGreaterThan(0);
  });

  it("are kept where NODE_COMPILE_CACHE says, and not with NODE_DISABLE_COMPILE_CACHE", async () => {
    const elsewhere = join(folder, "elsewhere");
    expect(start({ XDG_CACHE_HOME: folder, NODE_COMPILE_CACHE: elsewhere }).here).toContain(elsewhere);
    const none = start({ XDG_CACHE_HOME: folder, NODE_DISABLE_COMPILE_CACHE: "1" });
    expect(none).toEqual({ here: null, inThread: null });
    expect(await readdir(folder)).not.toContain("anabranch");
  });

  it("are not kept where the folder cannot be made, and the command starts", () => {
    // a file in its place is refused to root, too
    expect(start({ XDG_CACHE_HOME: join(folder, "own.mjs") })).toEqual({ here: null, inThread: null });
  });
});
