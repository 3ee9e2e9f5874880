import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type BenchOptions, count, median } from "../lib/result.ts";
import { federation, parametersOf } from "./federation.ts";
import { joinAs } from "./join.ts";
import type { Part } from "./part.ts";
import { TreeMemory } from "./process-tree.ts";
import { serve } from "./serve.ts";

const app = fileURLToPath(new URL("../peers/flower", import.meta.url));
/** Ports of SuperLink and its SuperNodes. */
const ports = [8750, 8751, 8752] as const;
/** Seconds after which a run of Flower counts as failed. */
const patience = 300;

interface Side {
  readonly seconds: number[];
  readonly peaks: number[];
}

/**
 * Rounds of two clients beside Flower's SuperLink and two SuperNodes with the same model, in turns. `--flower FOLDER` is
 * that of its commands; `--turns` (default 3), `--rounds` of each (default 4). Flower's clients train nothing, ours take
 * one step.
 */
export async function flower(options: BenchOptions): Promise<Part> {
  const { flower: bin } = options;
  if (bin === undefined) throw new Error("--flower takes the folder with flower-superlink, e.g. VENV/bin");
  const turns = count(options, "turns", 3);
  const rounds = count(options, "rounds", 4) + 1; // the first warms up
  const rows: Part["rows"][number][] = [];
  const checks: Part["checks"][number][] = [];
  for (const megabytes of [undefined, 6.5]) {
    const [ours, theirs]: [Side, Side] = [
      { seconds: [], peaks: [] },
      { seconds: [], peaks: [] },
    ];
    for (let turn = 0; turn < turns; turn++) {
      await addAnabranch(ours, rounds, megabytes);
      await addFlower(theirs, bin, rounds, megabytes);
    }
    const model = megabytes === undefined ? "31 kB" : `${megabytes} MB`;
    for (const [name, { seconds, peaks }] of [
      ["anabranch", ours],
      ["flower", theirs],
    ] as const) {
      const values = { "s per round": median(seconds), best: Math.min(...seconds), "peak MB": median(peaks) };
      rows.push({ label: `${name}, ${model}, 2 clients`, values });
    }
    const ratio = (of: (side: Side) => readonly number[]) => median(of(ours)) / median(of(theirs));
    checks.push(
      { name: `round time over Flower's, ${model}`, value: ratio((s) => s.seconds), target: 0.1, better: "smaller" },
      { name: `memory over Flower's, ${model}`, value: ratio((s) => s.peaks), target: 1, better: "smaller" },
    );
  }
  const notes = ["peak MB: server and clients with all their processes; memory that they share counts once"];
  return { rows, checks, notes };
}

async function addAnabranch(side: Side, rounds: number, megabytes: number | undefined): Promise<void> {
  const config = federation({ clients: 2, cohort: 2, rounds, megabytes });
  await using server = await serve({ ...config, "data.dataset": "fashion-mnist-10k" });
  const clients = [joinAs(0, server), joinAs(1, server)];
  using memory = new TreeMemory([server.pid, ...clients.map(({ pid }) => pid!)]);
  await server.ended;
  await Promise.all(clients.map(ended));
  side.seconds.push(...between(server.rounds.map(({ at }) => at / 1000)));
  side.peaks.push(memory.peakMb);
}

async function addFlower(side: Side, bin: string, rounds: number, megabytes: number | undefined): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "anabranch-flower-"));
  const env = { ...process.env, FLWR_HOME: join(folder, "home"), FLWR_TELEMETRY_ENABLED: "0" };
  const times = join(folder, "times");
  const [link, ...nodes] = ports;
  const address = `127.0.0.1:${link}`;
  const children: ChildProcess[] = [];
  const start = (name: string, ...args: string[]) => {
    // its commands start others of the same folder
    const path = `${bin}:${process.env["PATH"]}`;
    children.push(spawn(join(bin, name), ["--insecure", ...args], { stdio: "ignore", env: { ...env, PATH: path } }));
  };
  try {
    await mkdir(env.FLWR_HOME);
    await writeFile(
      join(env.FLWR_HOME, "config.toml"),
      `[superlink]\ndefault = "bench"\n[superlink.bench]\naddress = "${address}"\ninsecure = true\n`,
    );
    start("flower-superlink", "--port", String(link), "--disable-runtime-dependency-installation");
    await answering(link);
    for (const port of nodes) start("flower-supernode", "--superlink", address, "--port", String(port));
    using memory = new TreeMemory(children.map(({ pid }) => pid!));
    const config = `rounds=${rounds} parameters=${parametersOf(megabytes)} clients=2 times="${times}"`;
    await promisify(execFile)(join(bin, "flwr"), ["run", app, "bench", "-c", config], { env, cwd: folder });
    side.seconds.push(...between(await linesOf(times, rounds)));
    side.peaks.push(memory.peakMb);
  } finally {
    for (const child of children.toReversed()) child.kill("SIGTERM");
    await Promise.all(children.map(ended));
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Waits until a port takes connections. */
async function answering(port: number): Promise<void> {
  for (let tries = 0; tries < patience; tries++) {
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await sleep(1000);
  }
  throw new Error(`nothing listens at port ${port}`);
}

/** The numbers in a file, once there are so many. */
async function linesOf(path: string, wanted: number): Promise<number[]> {
  for (let tries = 0; tries < patience; tries++) {
    const lines = (await readFile(path, "utf8").catch(() => "")).split("\n").filter(Boolean);
    if (lines.length >= wanted) return lines.map(Number);
    await sleep(1000);
  }
  throw new Error("the run of Flower did not end");
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

function between(times: readonly number[]): number[] {
  return times.slice(1).map((time, i) => time - times[i]!);
}
