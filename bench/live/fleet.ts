import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Usage, usageOf } from "./process-usage.ts";

const script = fileURLToPath(new URL("./fleet-process.ts", import.meta.url));

/** What the clients of a fleet have seen. */
export interface FleetResult {
  /** Seconds of each download and upload, over all clients. */
  readonly down: readonly number[];
  readonly up: readonly number[];
}

/** Clients that train nothing, in a process of their own. */
export interface Fleet extends Disposable {
  /** Seconds from the first handshake until all had joined. */
  readonly joined: Promise<number>;
  /** When the run is over. */
  readonly finished: Promise<FleetResult>;
  usage(): Usage;
}

/** Starts clients `first` to `first + count - 1` of a run. */
export function startFleet(link: string, first: number, count: number): Fleet {
  const child = spawn(process.execPath, [script, link, String(first), String(count)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const joined = Promise.withResolvers<number>();
  const finished = Promise.withResolvers<FleetResult>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const message = JSON.parse(line) as { type: string; seconds: number } & FleetResult;
    if (message.type === "joined") joined.resolve(message.seconds);
    else finished.resolve(message);
  });
  const failed = once(child, "exit").then(([code]) => {
    const error = new Error(`the clients ended early with code ${code}`);
    joined.reject(error);
    finished.reject(error);
  });
  failed.catch(() => {});
  for (const { promise } of [joined, finished]) promise.catch(() => {});
  return {
    joined: joined.promise,
    finished: finished.promise,
    usage: () => usageOf(child.pid!),
    [Symbol.dispose]: () => void child.kill("SIGKILL"),
  };
}
