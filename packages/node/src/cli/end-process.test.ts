import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";

const module = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/** A thread in a native call that does not return: the opening of a pipe that nobody writes. */
const thread = `
import { workerData } from "node:worker_threads"; import { openSync, closeSync } from "node:fs";
for (;;) closeSync(openSync(workerData));`;

/** The process of this thread. A pipe can be opened for writing only while the thread waits in its call, or has. */
const program = `
import { closeSync, constants, openSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { abandonThread } from ${module("../workers/abandoned-threads.ts")};
import { endDespiteThreads } from ${module("./end-process.ts")};
const pipe = process.argv[1];
const worker = new Worker(new URL("data:text/javascript,${encodeURIComponent(thread)}"), { workerData: pipe });
const isInCall = () => {
  try {
    closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK)); // the call returns, and is made again
    return true;
  } catch {
    return false;
  }
};
while (!isInCall()) await setTimeout(1);
await setTimeout(200); // by now it has called again; were it late, this test would pass and only show less
await endDespiteThreads(4); // no thread was given up: the process goes on
abandonThread(worker);
console.log("all is written");
process.exitCode = 1;
await endDespiteThreads(3);`;

// skipped on Windows, which has no pipes in the file system
it.skipIf(process.platform === "win32")("the process ends with its status, whatever a thread still does", async () => {
  const folder = await mkdtemp(join(tmpdir(), "anabranch-end-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program, pipe]);
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text) => {
      output += text;
    });
  }
  const end = await once(child, "close");
  expect({ end, output }).toEqual({ end: [3, null], output: "all is written\n" });
});
