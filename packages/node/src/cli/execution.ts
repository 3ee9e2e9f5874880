import { relative } from "node:path";
import type { RunEvent } from "@anabranch/core";
import type { RunOutcome, SessionOptions } from "../run/session.ts";
import { type TextStream, writeJson, writeLines } from "../terminal/terminal-text.ts";
import { type TerminalStream, TerminalView } from "../terminal/terminal-view.ts";
import { commandName } from "./command-name.ts";
import { exitCodes } from "./exit-codes.ts";
import { failureDocument, failureWidth, renderFailure } from "./failure.ts";
import type { GlobalOptions } from "./globals.ts";
import type { Output } from "./output.ts";
import { orNull } from "./run-texts.ts";

/** Where a run is shown, and how. */
export interface ExecutionView {
  readonly stdout: TerminalStream;
  readonly stderr: TextStream;
  readonly output: Output;
  /** Where several runs are shown together: the id, once there is one. Each JSON line has it. */
  readonly runId?: () => string | undefined;
  /** Arguments of the command that continues the run, without its id, e.g. "serve --resume". */
  readonly resume: string;
}

/** A run as a command executes it: its events are shown, then its result. */
export class Execution {
  readonly #view: ExecutionView;
  readonly #terminal: TerminalView;
  #id: string | undefined;
  #trained = false;
  /** How the run has ended, until it is known that no error reports it. */
  #ending: RunEvent | undefined;
  #isPrivate = false;

  constructor(view: ExecutionView) {
    this.#view = view;
    const { json, quiet } = view.output;
    this.#terminal = new TerminalView(view.stdout, json ? "json" : quiet ? "quiet" : "human");
  }

  /** Whether it has begun. */
  get hasStarted(): boolean {
    return this.#id !== undefined;
  }

  /** How to continue the run; empty before it has begun. */
  get resumeLine(): string {
    return this.#id === undefined ? "" : `Resume with: ${commandName()} ${this.#view.resume} ${this.#id}`;
  }

  /** Executes the run and reports how it ended. Returns the exit status. */
  async carryOut(
    globals: GlobalOptions,
    session: (options: SessionOptions) => Promise<RunOutcome>,
    signal: AbortSignal,
  ): Promise<number> {
    let outcome: RunOutcome;
    try {
      outcome = await session({
        runs: globals.runs,
        onEvent: (event) => this.#onEvent(event),
        signal,
        ...(globals.workers === undefined ? {} : { workers: globals.workers }),
        ...(globals.dataDir === undefined ? {} : { dataDir: globals.dataDir }),
      });
    } catch (error) {
      if (this.#view.output.json) this.#showEnding();
      this.#terminal.close();
      if (this.hasStarted) this.#note(`The run stopped. Saved checkpoints are intact. ${this.resumeLine}`);
      throw error;
    }
    this.#showEnding();
    this.#report(outcome);
    if (!this.#trained && outcome.result.stopped === "finished")
      this.#note(`This run has already finished; there is nothing left to train. ${continueLine(this.#isPrivate)}`);
    if (outcome.result.stopped === "interrupted") return exitCodes.interrupted;
    return hasFailed(outcome.result) ? exitCodes.failed : exitCodes.ok;
  }

  /** A line on stderr, also with --quiet. */
  print(text: string): void {
    this.#terminal.close();
    writeLines(this.#view.stderr, [text]);
  }

  /** Shows why the run has failed, where others go on. */
  showFailure(error: unknown): void {
    const { output, stdout, stderr, runId } = this.#view;
    this.#terminal.close();
    if (output.json) writeJson(stdout, { run: runId?.() ?? null, ...failureDocument(error) });
    else writeLines(stderr, renderFailure(error, failureWidth(process.stderr)));
  }

  #onEvent(event: RunEvent): void {
    if (event.type === "run.started") {
      this.#id = event.run;
      this.#isPrivate = event.privacy !== undefined;
    }
    this.#trained ||= event.type === "round.finished";
    const { output, runId } = this.#view;
    const named = output.json && runId !== undefined ? { run: runId() ?? null } : {};
    this.#showEnding();
    if (event.type === "run.stopped") this.#ending = { ...named, ...event };
    else this.#terminal.onEvent({ ...named, ...event });
  }

  #showEnding(): void {
    if (this.#ending !== undefined) this.#terminal.onEvent(this.#ending);
    this.#ending = undefined;
  }

  #note(text: string): void {
    if (!this.#view.output.quiet) writeLines(this.#view.stderr, [text]);
  }

  #report(outcome: RunOutcome): void {
    const { output, stdout } = this.#view;
    const { id, folder, result, files } = outcome;
    if (output.json) writeJson(stdout, resultLine(outcome));
    else if (output.quiet) writeLines(stdout, [folder]);
    else {
      this.#terminal.finish({ folder: shortPath(folder), files });
      if (result.stopped === "interrupted") writeLines(stdout, ["", this.resumeLine]);
      if (hasFailed(result)) writeLines(stdout, ["", failedModelText(id, result.best)]);
    }
  }
}

/** How to train a finished model further, and what that means for epsilon. */
function continueLine(isPrivate: boolean): string {
  const start = "To train its model further, start a new run with model.initialWeights.";
  if (!isPrivate) return start;
  return `${start} A private new run adds its epsilon to that of this run, so privacy.targetEpsilon must be higher. Without [privacy] the new model has no guarantee.`;
}

function hasFailed({ stopped }: RunOutcome["result"]): boolean {
  return stopped === "diverged" || stopped === "clients-failed";
}

/** What the model files of a failed run hold. */
function failedModelText(id: string, best: RunOutcome["result"]["best"]): string {
  const other =
    best === undefined
      ? "No round produced a better model."
      : `Export the best model (round ${best.round}) with: ${commandName()} export ${id} --best --safetensors`;
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
