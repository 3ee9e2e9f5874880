import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BenchCheck, type BenchOptions, type BenchResult, type BenchRow, count, median } from "./lib/result.ts";

const root = join(import.meta.dirname, "..");
const packages = ["engine", "core", "node"] as const;

/** Budgets: kilobytes of a tarball and of its files, and seconds of processor time until a command has ended. */
const PACKED = { engine: 120, core: 2_500, node: 600 } as const;
const START = { "--version": 0.5, "methods --json": 1, "list --json": 1 } as const;

/** Prints the processor time of the process when it ends, for any command. */
const METER = `data:text/javascript,${encodeURIComponent(
  `process.on("exit", () => { const { user, system } = process.cpuUsage(); process.stderr.write("\\ncpu " + (user + system) + "\\n"); })`,
)}`;

interface Packed {
  readonly name: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly entryCount: number;
}

/**
 * Sizes of the packages as npm would publish them, and processor time to start the command: the median of `--repeats`
 * (default 5) runs of each. `--quick` leaves out packing, which compiles.
 */
export async function run(options: BenchOptions): Promise<BenchResult> {
  const repeats = count(options, "repeats", 5);
  const packed = options["quick"] === undefined ? pack() : [];
  const sizes = packed.map(({ name, size, unpackedSize, entryCount }): [BenchRow, BenchCheck] => {
    const short = name.replace("@anabranch/", "") as keyof typeof PACKED;
    const values = { "packed kB": size / 1e3, "unpacked kB": unpackedSize / 1e3, files: entryCount };
    return [{ label: name, values }, check(`packed size of ${name}, kB`, size / 1e3, PACKED[short])];
  });
  const starts = Object.entries(START).map(([command, budget]): [BenchRow, BenchCheck] => {
    const seconds = median(Array.from({ length: repeats }, () => startSeconds(command.split(" "))));
    const row = { label: `anabranch ${command}`, values: { "CPU s": seconds } };
    return [row, check(`CPU of anabranch ${command}, s`, seconds, budget)];
  });
  return {
    name: "size",
    rows: [...sizes, ...starts].map(([row]) => row),
    checks: [...sizes, ...starts].map(([, one]) => one),
    notes: ["processor time of all threads of a process, from the sources as they are in the repository"],
  };
}

function check(name: string, value: number, target: number): BenchCheck {
  return { name, value, target, better: "smaller" };
}

/** Packs every package to a folder that is removed again. */
function pack(): readonly Packed[] {
  const folder = mkdtempSync(join(tmpdir(), "anabranch-size-"));
  const workspaces = packages.flatMap((name) => ["-w", `packages/${name}`]);
  const args = ["pack", "--json", ...workspaces, "--pack-destination", folder];
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/.test(name)));
  const { status, stdout, stderr } = spawnSync("npm", args, { cwd: root, encoding: "utf8", env, shell: IS_WINDOWS });
  rmSync(folder, { recursive: true, force: true });
  if (status !== 0) throw new Error(`npm pack failed:\n${stderr}`);
  const answer = JSON.parse(stdout.slice(stdout.search(/^[[{]/m))) as readonly Packed[] | Record<string, Packed>;
  return Object.values(answer);
}

const IS_WINDOWS = process.platform === "win32";

/** Processor time of a command of an empty folder, in seconds. */
function startSeconds(args: readonly string[]): number {
  const folder = mkdtempSync(join(tmpdir(), "anabranch-start-"));
  const command = [`--import=${METER}`, join(root, "packages/node/bin/anabranch.mjs"), ...args];
  const { stderr, status } = spawnSync(process.execPath, command, { cwd: folder, encoding: "utf8" });
  rmSync(folder, { recursive: true, force: true });
  const micros = /\ncpu (\d+)\n/.exec(stderr)?.[1];
  if (status !== 0 || micros === undefined) throw new Error(`anabranch ${args.join(" ")} failed:\n${stderr}`);
  return Number(micros) / 1e6;
}
