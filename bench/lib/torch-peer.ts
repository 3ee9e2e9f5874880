import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A python process that runs the same steps in torch; the two sides take turns, so both see the same machine. */
export interface TorchPeer {
  readonly version: string;
  /** Milliseconds per step of a case over `steps` steps. */
  measure(name: string, steps: number): Promise<number>;
  close(): void;
}

/** Starts bench/peers/SCRIPT with the given interpreter; throws when it has no torch. */
export async function startTorch(python: string, script: string): Promise<TorchPeer> {
  const path = new URL(`../peers/${script}`, import.meta.url).pathname;
  const child = spawn(python, [path], { stdio: ["pipe", "pipe", "inherit"] });
  const failed = failure(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const line = await Promise.race([lines.next(), failed]);
    if (line.done === true) throw new Error(`${python} ${script} ended early`);
    return JSON.parse(line.value) as { version?: string; milliseconds?: number };
  };
  const { version } = await next();
  return {
    version: version!,
    async measure(name, steps) {
      child.stdin.write(`${name} ${steps}\n`);
      return (await next()).milliseconds!;
    },
    close: () => child.stdin.end(),
  };
}

async function failure(child: ChildProcess): Promise<never> {
  const [error] = await once(child, "error");
  throw new Error(`the peer cannot be started: ${(error as Error).message}`);
}
