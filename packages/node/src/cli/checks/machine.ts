import { existsSync } from "node:fs";
import { access, constants, statfs } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { formatBytes, formatPlural } from "../../terminal/format.ts";
import type { Check, Finding } from "./check.ts";

const MB = 1e6;

export const nodeCheck: Check = {
  name: "Node",
  look() {
    const major = Number(process.versions.node.split(".")[0]);
    const message = `${process.version} on ${process.platform} ${process.arch}`;
    if (major >= 24) return { status: "ok", message };
    return { status: "fail", message, advice: 'Node 24 or newer is needed: run "npm install node@24".' };
  },
};

export const sqliteCheck: Check = {
  name: "SQLite",
  async look() {
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(":memory:");
    const version = database.prepare("SELECT sqlite_version() AS version").get()?.version;
    database.close();
    return { status: "ok", message: `${version}, built into Node; used for the index of runs` };
  },
};

export const workersCheck: Check = {
  name: "worker threads",
  async look() {
    const shared = new Int32Array(new SharedArrayBuffer(4));
    const code = "const { workerData } = require('node:worker_threads'); Atomics.store(workerData, 0, 42);";
    const worker = new Worker(code, { eval: true, workerData: shared });
    await new Promise<void>((done, failed) => worker.once("exit", () => done()).once("error", failed));
    if (Atomics.load(shared, 0) !== 42) {
      const advice = "Use --workers 0: everything runs on the main thread, with the same results.";
      return { status: "fail", message: "a thread did not write to shared memory", advice };
    }
    const cores = availableParallelism();
    return {
      status: "ok",
      message: `threads start and share memory; ${formatPlural(cores, "core")}, one worker per core by default`,
    };
  },
};

export const memoryCheck: Check = {
  name: "memory",
  look() {
    const free = process.availableMemory();
    const message = `${formatBytes(free)} available`;
    if (free >= 2000 * MB) return { status: "ok", message };
    const advice = "Each worker loads the data and a model. Use fewer workers (--workers 1) or close other programs.";
    return { status: free >= 500 * MB ? "warn" : "fail", message, advice };
  },
};

/** Room and permission to write where runs are kept. */
export function diskCheck(runs: string): Check {
  return {
    name: "disk",
    async look(): Promise<Finding> {
      const folder = nearestFolder(resolve(runs));
      try {
        await access(folder, constants.W_OK);
      } catch {
        const advice = "Change its permissions, or choose another folder with --runs.";
        return { status: "fail", message: `${folder} cannot be written`, advice };
      }
      const { bavail, bsize } = await statfs(folder);
      const free = bavail * bsize;
      const message = `${formatBytes(free)} free for runs in ${resolve(runs)}`;
      if (free >= 2000 * MB) return { status: "ok", message };
      const advice = "Free some space, or choose another folder with --runs.";
      return { status: free >= 200 * MB ? "warn" : "fail", message, advice };
    },
  };
}

export const chromiumCheck: Check = {
  name: "Chromium",
  look() {
    const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    const folders = (process.env.PATH ?? "").split(delimiter);
    const found = folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path));
    if (found !== undefined) return { status: "ok", message: `${found}; for tests in a browser` };
    const advice = "Only tests in a browser need it; on Debian: apt-get install chromium";
    return { status: "warn", message: "not found (optional)", advice };
  },
};

/** The folder itself, or the first above it that exists. */
function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path));
}
