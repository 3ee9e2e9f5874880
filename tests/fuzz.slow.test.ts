import { fork } from "node:child_process";
import { describe, expect, it } from "vitest";
import type { FuzzResult } from "./fuzz/fuzz.ts";
import { readers } from "./fuzz/readers.ts";

/** Of a reader that names no other number. */
const FILES = 50_000;
/** For a hundred files, with room for a busy machine: the readers have no loop that a file could make long. */
const STEP_MS = 60_000;
const HEAP_MIB = 512;
const PEAK_MIB = 1024;

interface Report {
  readonly result: FuzzResult;
  readonly peakMiB: number;
}

/** Fuzzes in a process of its own, which is killed when it makes no progress. */
function fuzzApart(name: string): Promise<Report> {
  const child = fork(
    new URL("./fuzz/fuzz-process.ts", import.meta.url),
    [name, String(readers[name]!.cases ?? FILES)],
    {
      execArgv: [`--max-old-space-size=${HEAP_MIB}`],
    },
  );
  return new Promise((resolve, reject) => {
    let done = 0;
    const hangs = () => {
      child.kill("SIGKILL");
      reject(new Error(`no progress after file ${done}`));
    };
    let timer = setTimeout(hangs, STEP_MS);
    child.on("message", (message: { type: "progress"; done: number } | ({ type: "result" } & Report)) => {
      clearTimeout(timer);
      if (message.type === "result") return resolve(message);
      done = message.done;
      timer = setTimeout(hangs, STEP_MS);
    });
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code ?? signal} after file ${done}`));
    });
  });
}

describe("tens of thousands of damaged files", () => {
  it.each(Object.keys(readers))("are read or refused within a limit of memory: %s", async (name) => {
    const { result, peakMiB } = await fuzzApart(name);
    console.log(name, JSON.stringify({ ...result, peakMiB }));
    expect(result.crashes).toEqual([]);
    expect(peakMiB).toBeLessThan(PEAK_MIB);
  });
});
