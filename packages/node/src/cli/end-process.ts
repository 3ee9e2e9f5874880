import { abandonedThreads } from "../workers/abandoned-threads.ts";

/**
 * Ends the process with a status, without the wait for threads that Node's own end begins with: for one in native code
 * it can be endless, and aborts the process when the call returns. The process becomes one that does nothing but end;
 * on Windows, where that is impossible, it ends in Node's way.
 */
export function endAtOnce(status: number): never {
  if (process.execve !== undefined && process.platform !== "win32") {
    const env = { ...process.env, NODE_OPTIONS: "" };
    process.execve(process.execPath, [process.execPath, "--eval", `process.exit(${status})`], env);
  }
  process.exit(status);
}

/** Ends the process where a thread that was given up still computes; else Node ends it when all is done. */
export async function endDespiteThreads(status: number): Promise<void> {
  if (abandonedThreads() === 0) return;
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((written) => void stream.write("", () => written()));
  }
  endAtOnce(status);
}
