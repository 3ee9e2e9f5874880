import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Usage, usageOf } from "./process-usage.ts";

const command = fileURLToPath(new URL("../../packages/node/src/cli/main.ts", import.meta.url));

/** The end of a round, and what the server had used by then. */
export interface RoundEnd extends Usage {
  readonly round: number;
  /** Clients whose updates were added. */
  readonly clients: number;
  /** From the opening of the round to its new model. */
  readonly seconds: number;
  /** Of these, adding updates and making the model. */
  readonly aggregateSeconds: number;
  /** When it was reported, milliseconds of `performance.now()`. */
  readonly at: number;
}

/** `anabranch serve` in a process of its own. */
export interface Served extends AsyncDisposable {
  readonly pid: number;
  readonly joinLink: string;
  /** Folder that is removed in the end. */
  readonly folder: string;
  readonly rounds: RoundEnd[];
  /** Called at the end of each round. */
  onRound: () => void;
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
  usage(): Usage;
}

/**
 * Starts a server and waits until clients can join. The ledger is SQLite and the disk is that of the temporary folder.
 *
 * @param config keys of a configuration, dotted, e.g. `{ "sampler.cohort": 2 }`
 * @param args options of `serve`
 */
export async function serve(config: Readonly<Record<string, unknown>>, args: readonly string[] = []): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), "anabranch-live-"));
  const file = join(folder, "live.toml");
  const lines = Object.entries({ name: "live", "evaluation.every": 0, ...config });
  await writeFile(file, lines.map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`).join(""));
  const child = spawn(
    process.execPath,
    [...nodeOptions(), command, "serve", file, "--port", "0", "--json", "--runs", join(folder, "runs"), ...args],
    { stdio: ["ignore", "pipe", "inherit"], cwd: folder },
  );
  const ended = once(child, "exit").then(([code]) => Number(code ?? 1));
  const rounds: RoundEnd[] = [];
  const opened = Promise.withResolvers<string>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const event = JSON.parse(line) as { type?: string; joinLink?: string; error?: unknown };
    if (event.error !== undefined) opened.reject(new Error(line));
    if (event.joinLink !== undefined) opened.resolve(event.joinLink);
    if (event.type !== "round.finished") return;
    rounds.push(roundEnd(event as RoundEvent, child));
    served.onRound();
  });
  ended.then(() => opened.reject(new Error("the server ended before clients could join")));
  const served: Served = {
    ...{ pid: child.pid!, joinLink: await opened.promise, folder, rounds, ended },
    onRound: () => {},
    usage: () => usageOf(child.pid!),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return served;
}

/** Options of Node for the server, e.g. `ANABRANCH_BENCH_NODE="--cpu-prof --cpu-prof-dir=FOLDER"`. */
function nodeOptions(): string[] {
  return process.env["ANABRANCH_BENCH_NODE"]?.split(" ") ?? [];
}

interface RoundEvent {
  readonly round: number;
  readonly clients: number;
  readonly seconds: number;
  readonly aggregateSeconds: number;
}

function roundEnd({ round, clients, seconds, aggregateSeconds }: RoundEvent, { pid }: ChildProcess): RoundEnd {
  return { round, clients, seconds, aggregateSeconds, at: performance.now(), ...usageOf(pid!) };
}
