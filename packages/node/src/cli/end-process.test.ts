import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { constants, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

const module = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/** A process with a thread in a native call that does not return: the opening of a pipe that nobody writes. */
const program = `
import { Worker } from "node:worker_threads";
import { leaveBehind } from ${module("../workers/left-behind.ts")};
import { endDespiteThreads } from ${module("./end-process.ts")};
const code =
  'import { parentPort } from "node:worker_threads"; import { openSync } from "node:fs";' +
  "parentPort.postMessage(0); openSync(process.argv[2]);";
const worker = new Worker(new URL("data:text/javascript," + encodeURIComponent(code)), { argv: [process.argv[1]] });
worker.once("message", async () => {
  await endDespiteThreads(4); // no thread was given up: the process goes on
  leaveBehind(worker);
  console.log("all is written");
  process.exitCode = 1;
  await endDespiteThreads(3);
});`;

it.skipIf(process.platform === "win32")("the process ends with its status, whatever a thread still does", async () => {
  const folder = await mkdtemp(join(tmpdir(), "anabranch-end-"));
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program, pipe]);
  let output = "";
  child.stdout.on("data", (text) => {
    output += text;
  });
  child.stderr.on("data", (text) => {
    output += text;
  });
  try {
    const end = await once(child, "close");
    expect({ end, output }).toEqual({ end: [3, null], output: "all is written\n" });
  } finally {
    if (child.exitCode === null) openSync(pipe, constants.O_RDWR); // lets the thread go
    await rm(folder, { recursive: true });
  }
});
