import { basename, relative } from "node:path";
import { type RunEvent, renderEvent } from "@anabranch/core";
import type { RunOutcome, SessionOptions } from "../run/session.ts";
import { exitCodes } from "./exit-codes.ts";
import type { GlobalOptions } from "./globals.ts";
import { listenForInterrupt } from "./interrupt.ts";
import type { Output } from "./output.ts";
import { orNull } from "./run-texts.ts";
import { openView } from "./view.ts";

/** Carries a run out, or on: shows its events, listens for Ctrl-C, says how it ended and sets the exit status. */
export async function carryOut(
  globals: GlobalOptions,
  output: Output,
  session: (options: SessionOptions) => Promise<RunOutcome>,
): Promise<void> {
  const view = openView(output);
  let id: string | undefined;
  const resumeLine = () => (id === undefined ? "" : `Resume with: anabranch resume ${id}`);
  using interrupt = listenForInterrupt({
    first: () => view.note("Stopping when this round is done and saved. Ctrl-C again stops at once."),
    second: () => view.note(`Stopped at once; the last checkpoint stands. ${resumeLine()}`),
  });
  const onEvent = (event: RunEvent) => {
    if (event.type === "run.started") id = event.run;
    if (output.json) process.stdout.write(`${renderEvent(event)}\n`);
    else view.show(event);
  };
  let outcome: RunOutcome;
  try {
    outcome = await session({
      runs: globals.runs,
      onEvent,
      signal: interrupt.signal,
      ...(globals.workers === undefined ? {} : { workers: globals.workers }),
      ...(globals.dataDir === undefined ? {} : { dataDir: globals.dataDir }),
    });
  } catch (error) {
    view.close();
    if (id !== undefined) output.note(`The run has stopped; what it saved is intact. ${resumeLine()}`);
    throw error;
  }
  view.close();
  report(outcome, output);
  process.exitCode = exitCodeFor(outcome);
}

function exitCodeFor({ result }: RunOutcome): number {
  if (result.stopped === "interrupted") return exitCodes.interrupted;
  return result.stopped === "diverged" ? exitCodes.failed : exitCodes.ok;
}

function report(outcome: RunOutcome, output: Output): void {
  const { id, folder, result, files } = outcome;
  if (output.json) {
    const { stopped, round, best, modelHash, history } = result;
    const accuracy = orNull(history.findLast(({ testAccuracy }) => testAccuracy !== undefined)?.testAccuracy);
    const line = { type: "result", run: id, folder, stopped, round, accuracy, best: best ?? null, modelHash, files };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  if (output.quiet) return output.print(folder);
  output.print("", `Files in ${relative(".", folder) || basename(folder)}`, ...fileLines(files));
  if (result.stopped === "interrupted") output.print("", `Resume with: anabranch resume ${id}`);
}

const meanings: Readonly<Record<string, string>> = {
  "config.toml": "the complete configuration",
  "events.jsonl": "everything that happened",
  "metrics.csv": "the figures of every round",
  "model.safetensors": "the parameters by name",
  "model.onnx": "the model for inference",
  "report.html": "charts and figures; open it in a browser",
};

/** Files with their meanings; charts on one line. */
function fileLines(files: readonly string[]): string[] {
  const charts = files.filter((file) => file.startsWith("charts/"));
  const others = files.filter((file) => !file.startsWith("charts/"));
  const width = Math.max(0, ...others.map((file) => file.length));
  const lines = others.map((file) => `  ${file.padEnd(width)}  ${meanings[file] ?? ""}`.trimEnd());
  return charts.length === 0
    ? lines
    : [...lines, `  ${"charts/".padEnd(width)}  the same charts as ${charts.length} SVG files`];
}
