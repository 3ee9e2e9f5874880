import type { RunEvent } from "@anabranch/core";
import type { RunFailure } from "../report/run-end.ts";
import type { Progress } from "../sweep/execute.ts";
import type { Outcome } from "../sweep/execute-run.ts";
import type { PlannedRun } from "../sweep/expand.ts";
import type { FoundRuns, NotReused } from "../sweep/found-runs.ts";
import { runRecord } from "../sweep/results.ts";
import { describeValues } from "../sweep/values.ts";
import { formatPercent, formatSeconds } from "../terminal/format.ts";
import { formatLoss } from "../terminal/round-line.ts";
import { eraseLine, writeJson, writePassing } from "../terminal/terminal-text.ts";
import type { Output } from "./output.ts";
import { orNaN } from "./run-texts.ts";

/** Shows a sweep as it goes: one line a run, and on a terminal a passing line about the round under way. */
export class SweepView {
  readonly #output: Output;
  readonly #base: string;
  readonly #notReused: FoundRuns["notReused"];
  #passing = false;

  /**
   * @param base path of the base configuration as commands have it
   * @param notReused runs in whose place others are trained, by identity
   */
  constructor(output: Output, base: string, notReused: FoundRuns["notReused"]) {
    this.#output = output;
    this.#base = base;
    this.#notReused = notReused;
  }

  onEvent(planned: PlannedRun, event: RunEvent): void {
    const { json, quiet, width } = this.#output;
    if (json || quiet || !Number.isFinite(width) || event.type !== "round.finished") return;
    this.close();
    const line = `${labelOf(planned)}  round ${event.round}/${planned.config.rounds}  loss ${orNaN(event.loss).toFixed(4)}`;
    writePassing(process.stdout, line.slice(0, width - 1));
    this.#passing = true;
  }

  onOutcome(outcome: Outcome, progress: Progress): void {
    const { json, quiet } = this.#output;
    if (json) writeJson(process.stdout, this.#jsonLine(outcome, progress));
    else if (!quiet) {
      this.close();
      this.#output.print(...this.#lines(outcome, progress));
    }
  }

  /** Removes the passing line. */
  close(): void {
    if (this.#passing) eraseLine(process.stdout);
    this.#passing = false;
  }

  #jsonLine(outcome: Outcome, { done, total, remainingSeconds }: Progress) {
    const left = Number.isFinite(remainingSeconds) ? remainingSeconds : null;
    const { source } = outcome;
    const notReused = this.#replaced(outcome) ?? null;
    const record = runRecord(outcome, this.#base);
    return { type: "sweep.run", ...record, source, done, total, remainingSeconds: left, notReused };
  }

  #lines(outcome: Outcome, { done, total, remainingSeconds }: Progress): string[] {
    const { colours } = this.#output;
    const { planned, end, source, failure, seconds } = outcome;
    const { accuracy, error, run } = runRecord(outcome, this.#base);
    const quality = error === undefined ? formatPercent(orNaN(accuracy)) : `RMSE ${formatLoss(orNaN(error.rmse))}`;
    const ended = end === "finished" ? quality : colours.red(end);
    const time = source === "before" ? "reused" : formatSeconds(seconds);
    const left = done === total ? [] : [`left ${formatSeconds(remainingSeconds)}`];
    const count = `${String(done).padStart(String(total).length)}/${total}`;
    const line = [count, colours.bold(labelOf(planned)), ended, time, ...(run === null ? [] : [run]), ...left].join(
      "  ",
    );
    const replaced = this.#replaced(outcome);
    const remarks = [
      ...(replaced === undefined ? [] : [notReusedText(replaced)]),
      ...(failure === undefined ? [] : [failureText(failure)]),
    ];
    return [line, ...remarks.map((text) => colours.yellow(`  ${text}`))];
  }

  /** The run in whose place this one was trained. */
  #replaced({ planned, source }: Outcome): NotReused | undefined {
    return source === "before" ? undefined : this.#notReused.get(planned.identity);
  }
}

/** Why a run that was there is trained once more. */
export function notReusedText({ run, reason, before, now }: NotReused): string {
  const what = {
    data: "its data or their partition differ",
    version: "it was trained by another version of Anabranch",
  };
  return `Run ${run} is not reused: ${what[reason]} (${before}, now ${now}).`;
}

function failureText({ round, client, reason }: RunFailure): string {
  if (client === null && /^Rounds? \d/.test(reason)) return reason; // it names its rounds
  const place = [...(round === null ? [] : [`round ${round}`]), ...(client === null ? [] : [`client ${client}`])];
  return place.length === 0 ? reason : `${place.join(", ")}: ${reason}`;
}

function labelOf({ variant, tuning, seed, values }: PlannedRun): string {
  const parts = [tuning ? `${variant} (tuning)` : variant, `seed ${seed}`, describeValues(values)];
  return parts.filter((part) => part !== "").join("  ");
}
