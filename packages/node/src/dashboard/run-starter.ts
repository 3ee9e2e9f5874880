import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { type Config, renderToml } from "@anabranch/core";
import { AnabranchError, type Failure } from "@anabranch/engine";
import * as z from "zod";
import { HttpError } from "../server/http-error.ts";
import { listRunFolders } from "../store/run-folders.ts";

export interface StarterOptions {
  /** Folder of runs. */
  readonly root: string;
  /** Program and arguments of the `anabranch` command. */
  readonly command: readonly [string, ...string[]];
  /** Options of `anabranch run`. */
  readonly flags: readonly string[];
}

/** The run that the dashboard has started last. */
export interface Started {
  readonly state: "none" | "starting" | "running" | "stopping" | "ended";
  /** Name of the configuration. */
  readonly name: string;
  /** Name of its folder, once it has one. */
  readonly folder: string | null;
  /** Why it could not run. */
  readonly failure: Failure | null;
}

/** What a run prints that matters here, as `run --json` does. */
const printed = z.union([
  z.object({ type: z.literal("run.started"), run: z.string() }),
  z.object({
    error: z.object({
      code: z.string(),
      message: z.string(),
      where: z.string().optional(),
      received: z.string().optional(),
      expected: z.string().optional(),
      advice: z.string().optional(),
    }),
  }),
]);

const none: Started = { state: "none", name: "", folder: null, failure: null };
const mostErrorText = 2000;

/**
 * Starts runs, one at a time: a run takes all cores, and two would take twice as long each. A run is a process of its own,
 * the one of `anabranch run`. It ends with the dashboard, and can then be resumed.
 */
export class RunStarter {
  readonly #options: StarterOptions;
  #started: Started = none;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: StarterOptions) {
    this.#options = options;
  }

  get started(): Started {
    return this.#started;
  }

  /** @throws HttpError 409 `dashboard/busy` */
  async start(config: Config): Promise<Started> {
    if (this.#isBusy) throw busy(this.#started.name);
    this.#started = { ...none, state: "starting", name: config.name };
    this.#ended = this.#run(config).catch((error: unknown) => this.#fail(error));
    return this.#started;
  }

  /** The run finishes its round and saves. Called again: it ends at once, with what it has saved. */
  stop(): Started {
    if (this.#isBusy) this.#started = { ...this.#started, state: "stopping" };
    this.#child?.kill("SIGINT");
    return this.#started;
  }

  /** Stops the run and waits for its end. */
  async close(): Promise<void> {
    if (this.#started.state !== "stopping") this.stop();
    await this.#ended;
  }

  get #isBusy(): boolean {
    return !["none", "ended"].includes(this.#started.state);
  }

  async #run(config: Config): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), "anabranch-start-"));
    try {
      const file = join(folder, "config.toml");
      await writeFile(file, renderToml(config));
      await this.#watch(this.#spawn(file));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  #spawn(file: string): ChildProcess {
    const { command, flags, root } = this.#options;
    const [program, ...args] = command;
    // in a group of its own: Ctrl-C at the terminal is the dashboard's, which then stops the run once
    return spawn(program, [...args, "run", file, "--runs", root, "--json", ...flags], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  async #watch(child: ChildProcess): Promise<void> {
    this.#child = child;
    if (this.#started.state === "stopping") child.kill("SIGINT");
    let errors = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      errors = (errors + text).slice(-mostErrorText);
    });
    createInterface({ input: child.stdout! }).on("line", (line) => void this.#read(line));
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    this.#child = undefined;
    const { folder, failure } = this.#started;
    const isKnown = folder !== null || failure !== null || code === 0 || code === 130 || signal === "SIGINT";
    this.#started = { ...this.#started, state: "ended", failure: isKnown ? failure : crashed(code ?? signal, errors) };
  }

  async #read(line: string): Promise<void> {
    const found = printed.safeParse(parseJson(line)).data;
    if (found === undefined) return;
    if ("error" in found) {
      const { code, message, ...rest } = found.error;
      this.#started = { ...this.#started, failure: { code, message, ...withoutUndefined(rest) } };
      return;
    }
    if (this.#started.state === "starting") this.#started = { ...this.#started, state: "running" };
    const folder = await folderOf(this.#options.root, found.run);
    this.#started = { ...this.#started, folder };
  }

  #fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const failure = error instanceof AnabranchError ? error.failure : { code: "dashboard/start", message };
    this.#child = undefined;
    this.#started = { ...this.#started, state: "ended", failure };
  }
}

/** A new run's id is the end of its folder's name. */
async function folderOf(root: string, id: string): Promise<string | null> {
  const folders = await listRunFolders(root).catch(() => []);
  return folders.map((folder) => basename(folder)).find((name) => name.endsWith(`-${id}`)) ?? null;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function withoutUndefined(texts: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const known = Object.entries(texts).flatMap(([key, text]) => (text === undefined ? [] : [[key, text] as const]));
  return Object.fromEntries(known);
}

function busy(name: string): HttpError {
  return new HttpError(409, {
    code: "dashboard/busy",
    message: `the run ${JSON.stringify(name)} has not ended yet`,
    advice: "One run is started at a time. Wait for its end, or stop it.",
  });
}

function crashed(how: number | string | null, errors: string): Failure {
  return {
    code: "dashboard/run-crashed",
    message: `the process of the run has ended with ${typeof how === "number" ? `exit code ${how}` : how}`,
    ...(errors.trim() !== "" && { received: errors.trim() }),
    advice: "If it had begun, continue it with: anabranch resume last",
  };
}
