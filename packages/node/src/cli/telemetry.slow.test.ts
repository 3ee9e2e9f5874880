import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** A run as a user with an empty home starts it, in a folder of its own. */
const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const runs = ["run", "tiny.toml", "--workers", "2", "--quiet"];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-outside-"));
  for (const name of ["home", "tmp"]) await mkdir(join(folder, name));
  const model = '[data]\nclients = 4\n[model]\nname = "logistic"\n[sampler]\ncohort = 2\n';
  await writeFile(join(folder, "tiny.toml"), `name = "tiny"\nrounds = 1\n${model}`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const NO_CACHE = { NODE_DISABLE_COMPILE_CACHE: "1" };

async function start(tracer: readonly string[] = [], more: Record<string, string> = NO_CACHE): Promise<void> {
  // no variable of a test environment, some of which turn telemetry off: PATH is for system libraries
  const env = { PATH: process.env.PATH, HOME: join(folder, "home"), TMPDIR: join(folder, "tmp"), ...more };
  const [file = "", ...args] = [...tracer, process.execPath, main, ...runs];
  await promisify(execFile)(file, args, { cwd: folder, env });
}

const strace = (process.env.PATH ?? "").split(delimiter).map((place) => join(place, "strace"));
const tracer = process.platform === "linux" ? strace.find((path) => existsSync(path)) : undefined;

describe("a run", () => {
  it("writes into its folder alone", async () => {
    await start();
    expect((await readdir(folder)).sort()).toEqual(["home", "runs", "tiny.toml", "tmp"]);
    expect(await readdir(join(folder, "home"), { recursive: true })).toEqual([]);
    expect(await readdir(join(folder, "tmp"), { recursive: true })).toEqual([]);
  });

  it("keeps Node's compiled sources in the user's cache folder, and nothing else there", async () => {
    await start([], {});
    expect(await readdir(join(folder, "home"))).toEqual([".cache"]);
    expect(await readdir(join(folder, "home", ".cache", "anabranch"))).toEqual(["node"]);
  });

  // skipped without strace: a native library bypasses Node's sockets and files, so only system calls show everything
  it.skipIf(tracer === undefined)("opens no socket, and no file elsewhere for writing", async () => {
    const log = join(folder, "trace");
    const traced = "trace=socket,connect,sendto,sendmsg,open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2";
    await start([tracer!, "-f", "-qq", "-e", "signal=none", "-e", traced, "-o", log]);
    const calls = wholeCalls(await readFile(log, "utf8"));
    expect(calls.length).toBeGreaterThan(100);
    expect(calls.filter((call) => /\b(socket|connect|sendto|sendmsg)\(/.test(call))).toEqual([]);
    const writes = /\b(creat|mkdir\w*|rename\w*)\(|O_WRONLY|O_RDWR|O_CREAT/;
    const inRuns = /"[^"]*\/runs(\/|")/;
    const named = withFolders(calls);
    expect(named.filter((call) => writes.test(call) && !inRuns.test(call))).toEqual([]);
    expect(named.filter((call) => writes.test(call)).length).toBeGreaterThan(10);
  });
});

/** The calls of a trace, each in one line: those that others have interrupted are put together again. */
function wholeCalls(trace: string): string[] {
  const begun = new Map<string, string>();
  return trace.split("\n").flatMap((line) => {
    const [thread = ""] = line.split(" ");
    const [start, rest] = line.split(" <unfinished ...>");
    if (rest !== undefined) {
      begun.set(thread, start!);
      return [];
    }
    const resumed = /<\.\.\. \w+ resumed>(.*)/.exec(line);
    return resumed === null ? [line] : [`${begun.get(thread) ?? line}${resumed[1]}`];
  });
}

/** Calls with the path of an open folder in place of its number, by which files in it are named. */
function withFolders(calls: readonly string[]): string[] {
  const folders = new Map<string, string>();
  return calls.map((call) => {
    const named = call.replace(/\/proc\/self\/fd\/(\d+)/g, (whole, number: string) => folders.get(number) ?? whole);
    const opened = /\bopen(?:at)?\(.*"([^"]*)".*\) = (\d+)$/.exec(named);
    if (opened !== null) folders.set(opened[2]!, opened[1]!);
    return named;
  });
}
