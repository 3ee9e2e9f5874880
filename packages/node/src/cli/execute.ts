import { relative } from "node:path";
import type { RunEvent } from "@anabranch/core";
import type { RunOutcome, SessionOptions } from "../run/session.ts";
import { writeJson, writeLines } from "../terminal/terminal-text.ts";
import { TerminalView } from "../terminal/terminal-view.ts";
import { exitCodes } from "./exit-codes.ts";
import type { GlobalOptions } from "./globals.ts";
import { listenForInterrupt } from "./interrupt.ts";
import type { Output } from "./output.ts";
import { orNull } from "./run-texts.ts";

/**
 * Executes a run or resumes it: shows its events, listens for Ctrl-C, reports how it ended and sets the exit status.
 *
 * @param resume the command that continues the run, without its id
 */
export async function execute(
  globals: GlobalOptions,
  output: Output,
  session: (options: SessionOptions) => Promise<RunOutcome>,
  resume = "anabranch resume",
): Promise<void> {
  const resumeLine = (id: string | undefined) => (id === undefined ? "" : `Resume with: ${resume} ${id}`);
  const view = new TerminalView(process.stdout, output.json ? "json" : output.quiet ? "quiet" : "human");
  let id: string | undefined;
  let trained = false;
  let isPrivate = false;
  const print = (text: string) => {
    view.close();
    writeLines(process.stderr, [text]);
  };
  using interrupt = listenForInterrupt({
    first: () =>
      print(
        id === undefined
          ? "Stopping before the first round. Press Ctrl-C again to exit immediately."
          : "Finishing and saving this round, then stopping. Press Ctrl-C again to exit immediately.",
      ),
    second: () => print(`Exited immediately. The last checkpoint is intact. ${resumeLine(id)}`),
  });
  const onEvent = (event: RunEvent) => {
    if (event.type === "run.started") {
      id = event.run;
      isPrivate = event.privacy !== undefined;
    }
    trained ||= event.type === "round.finished";
    view.onEvent(event);
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
    if (id !== undefined) output.note(`The run stopped. Saved checkpoints are intact. ${resumeLine(id)}`);
    throw error;
  }
  report(outcome, view, output, resumeLine(outcome.id));
  if (!trained && outcome.result.stopped === "finished")
    output.note(`This run has already finished; there is nothing left to train. ${continueLine(isPrivate)}`);
  process.exitCode = exitCodeFor(outcome);
}

/** How to train a finished model further, and what that means for epsilon. */
function continueLine(isPrivate: boolean): string {
  const start = "To train its model further, start a new run with model.initialWeights.";
  if (!isPrivate) return start;
  return `${start} A private new run adds its epsilon to that of this run, so privacy.targetEpsilon must be higher. Without [privacy] the new model has no guarantee.`;
}

function exitCodeFor({ result }: RunOutcome): number {
  if (result.stopped === "interrupted") return exitCodes.interrupted;
  return hasFailed(result) ? exitCodes.failed : exitCodes.ok;
}

function hasFailed({ stopped }: RunOutcome["result"]): boolean {
  return stopped === "diverged" || stopped === "clients-failed";
}

function report(outcome: RunOutcome, view: TerminalView, output: Output, resumeLine: string): void {
  const { id, folder, result, files } = outcome;
  if (output.json) writeJson(process.stdout, resultLine(outcome));
  else if (output.quiet) output.print(folder);
  else {
    view.finish({ folder: shortPath(folder), files });
    if (result.stopped === "interrupted") output.print("", resumeLine);
    if (hasFailed(result)) output.print("", failedModelText(id, result.best));
  }
}

/** What the model files of a failed run hold. */
function failedModelText(id: string, best: RunOutcome["result"]["best"]): string {
  const other =
    best === undefined
      ? "No round produced a better model."
      : `Export the best model (round ${best.round}) with: anabranch export ${id} --best --safetensors`;
  return `The run failed. Its model files hold the last model and are useful only for debugging. ${other}`;
}

/** Relative to the working directory where that is shorter to read: below it. */
function shortPath(folder: string): string {
  const path = relative(".", folder);
  return path === "" || path.startsWith("..") ? folder : path;
}

/** The last line of --json. */
function resultLine({ id, folder, result, files }: RunOutcome) {
  const { stopped, reason, round, best, modelHash, history } = result;
  const last = history.findLast(({ testAccuracy }) => testAccuracy !== undefined);
  const accuracy = orNull(last?.testAccuracy);
  const bestOf = best === undefined ? null : { round: best.round, accuracy: best.accuracy };
  return {
    type: "result",
    run: id,
    folder,
    stopped,
    reason: reason ?? null,
    round,
    accuracy,
    best: bestOf,
    modelHash,
    files,
  };
}
