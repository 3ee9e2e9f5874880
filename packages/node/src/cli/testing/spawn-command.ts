import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../../bin/anabranch.mjs", import.meta.url));

const compiled = fileURLToPath(new URL("../../../../../node_modules/.cache/node", import.meta.url));

/** How a spawned command has ended. */
export interface Ended {
  /** The exit status as a shell reports it: 128 and the signal's number where a signal has ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as one JSON document. */
  json<T>(): T;
  /** stdout as JSON lines. */
  lines(): Record<string, unknown>[];
}

export interface Spawned {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves once stdout or stderr has shown a text, to all of stdout so far. */
  shows(text: string): Promise<string>;
}

/** Starts the real `anabranch` command in a folder, as a user would; for tests. */
export function startCommand(folder: string, ...args: readonly string[]): Spawned {
  return start([], folder, args);
}

/**
 * The same, but the process sends itself a signal when it first prints `at`. A signal that a test sends after reading
 * the text can come too late: on a busy machine the command may have ended by then.
 */
export function startSignalled(signal: "SIGINT" | "SIGSTOP", at: string, folder: string, ...args: string[]): Spawned {
  const code = `
    import { isMainThread } from "node:worker_threads";
    const { write } = process.stdout;
    if (isMainThread) process.stdout.write = function (chunk, ...rest) {
      const written = write.call(this, chunk, ...rest);
      if (!String(chunk).includes(${JSON.stringify(at)})) return written;
      process.stdout.write = write;
      process.kill(process.pid, "${signal}");
      return written;
    };`;
  return start([`--import=data:text/javascript,${encodeURIComponent(code)}`], folder, args);
}

function start(flags: readonly string[], folder: string, args: readonly string[]): Spawned {
  const child = spawn(process.execPath, [...flags, bin, ...args], {
    cwd: folder,
    env: {
      ...process.env,
      NO_COLOR: "1",
      ANABRANCH_DEBUG: "",
      ANABRANCH_DATA: "",
      XDG_CACHE_HOME: join(folder, ".cache"),
      // not in that folder, which would be compiled for anew by each test
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? compiled,
    },
  });
  let stdout = "";
  let stderr = "";
  const waiting: { text: string; seen: () => void }[] = [];
  const look = () => {
    for (const { text, seen } of waiting) if (stdout.includes(text) || stderr.includes(text)) seen();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    look();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    look();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject).on("close", (code, signal) =>
      resolve({
        code: code ?? 128 + constants.signals[signal!],
        stdout,
        stderr,
        json: <T>() => JSON.parse(stdout) as T,
        lines: () =>
          stdout
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line) as Record<string, unknown>),
      }),
    );
  });
  const shows = (text: string) =>
    new Promise<string>((resolve, reject) => {
      waiting.push({ text, seen: () => resolve(stdout) });
      ended.then(() => reject(new Error(`the command has ended without "${text}":\n${stdout}\n${stderr}`)), reject);
      look();
    });
  return { child, ended, shows };
}

/** Runs the command to its end. */
export function command(folder: string, ...args: readonly string[]): Promise<Ended> {
  return startCommand(folder, ...args).ended;
}
