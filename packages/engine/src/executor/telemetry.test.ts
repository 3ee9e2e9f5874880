import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "anabranch-telemetry-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const engine = JSON.stringify(new URL("../index.ts", import.meta.url).href);

/** Opens the native executor and creates a session, which is when the library would begin to record. */
const open = `
const { disableTelemetry, fingerprint, onnxruntimeNode } = await import(${engine});
const refusal = (error) => error.code + " in " + error.failure.where;
const tried = () => onnxruntimeNode().then(fingerprint).then(() => "opened", refusal);
`;

/** The same in a worker thread of a program's own. */
const inWorker = (options: string, before = "") => `
import { SHARE_ENV, Worker } from "node:worker_threads";
${before}
const code = ${JSON.stringify(`import { parentPort } from "node:worker_threads"; ${open} parentPort.postMessage(await tried());`)};
const worker = new Worker(new URL("data:text/javascript," + encodeURIComponent(code)), ${options});
worker.on("message", (answer) => console.log(answer)).on("error", (error) => console.log(error));
`;

/** What a program prints, and the files that it leaves in the home and temporary folder of a new user. */
async function run(program: string, environment: NodeJS.ProcessEnv = {}) {
  // no variable of a test environment, some of which turn telemetry off: PATH is for system libraries
  const env = { PATH: process.env.PATH, HOME: home, TMPDIR: home, XDG_CACHE_HOME: join(home, "cache"), ...environment };
  const args = ["--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return { printed: stdout.trim(), left: await readdir(home, { recursive: true }) };
}

const refusedInWorker = { printed: "executor/telemetry in a worker thread", left: [] };
const silent = { printed: "opened", left: [] };

describe("the native executor records nothing", () => {
  it("on the main thread, also where telemetry was asked for", async () => {
    expect(await run(`${open} console.log(await tried());`)).toEqual(silent);
    expect(await run(`${open} console.log(await tried());`, { ORT_DISABLE_TELEMETRY: "0" })).toEqual(silent);
  });

  it("where process.env is a copy: it refuses to open", async () => {
    const { printed, left } = await run(`process.env = { ...process.env }; ${open} console.log(await tried());`);
    expect(printed).toBe("executor/telemetry in a process whose process.env was replaced");
    expect(left).toEqual([]);
  });

  it("in a worker thread of a program's own: it refuses to open where it cannot reach the process", async () => {
    expect(await run(inWorker("{}"))).toEqual(refusedInWorker);
    expect(await run(inWorker(`{ env: { ORT_DISABLE_TELEMETRY: "1" } }`))).toEqual(refusedInWorker);
  });

  it("in a worker thread that shares the environment, or after the main thread has turned it off", async () => {
    expect(await run(inWorker("{ env: SHARE_ENV }"))).toEqual(silent);
    expect(await run(inWorker("{}", `${open} disableTelemetry();`))).toEqual(silent);
    expect(await run(inWorker("{}"), { ORT_DISABLE_TELEMETRY: "1" })).toEqual(silent);
    const withoutReports = "--report-exclude-env --report-exclude-network";
    expect(await run(inWorker("{}"), { ORT_DISABLE_TELEMETRY: "1", NODE_OPTIONS: withoutReports })).toEqual(silent);
  });
});
