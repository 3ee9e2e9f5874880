import { foldEvents, readEventLeniently } from "@anabranch/core";
import type { ClientFailed, EvaluationEvent, LoggedEvent, RoundFinished } from "../report/events.ts";
import { failureLine, groupFailures } from "../report/failure-groups.ts";
import { classifyEnd } from "../report/run-end.ts";
import { AwayClients, backText } from "./away-clients.ts";
import { type Colours, coloursFor } from "./colours.ts";
import { formatPlural } from "./format.ts";
import { renderPlan } from "./plan.ts";
import { renderRound } from "./round-line.ts";
import { renderFiles, renderSummary } from "./summary-box.ts";
import { eraseLine, type TextStream, writeJson, writeLines, writePassing } from "./terminal-text.ts";

/** Where a view writes; `process.stdout` is one. */
export interface TerminalStream extends TextStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export type TerminalMode = "human" | "json" | "quiet";

/** A round's line is complete once another event than these has come. */
const BELONGS_TO_ROUND = new Set(["evaluation", "client.evaluation", "node.evaluation", "checkpoint.saved"]);

/**
 * Shows a run as it happens. `human`: the plan, one line a round (on a terminal also a passing line about the round
 * under way), warnings, a closing box. `json`: every event as one line of JSON. `quiet`: nothing.
 */
export class TerminalView {
  readonly #stream: TerminalStream;
  readonly #mode: TerminalMode;
  readonly #colours: Colours;
  readonly #events: LoggedEvent[] = [];
  #plannedRounds = Number.NaN;
  #predictsNumbers = false;
  #pending: RoundFinished | undefined;
  #evaluation: EvaluationEvent | undefined;
  #firstStartMs = Number.NaN;
  #roundsSeen = 0;
  #secondsSeen = 0;
  #passing = false;
  /** Of the round under way. */
  #failures: ClientFailed[] = [];
  #cohort: readonly number[] = [];
  readonly #away = new AwayClients();

  constructor(stream: TerminalStream, mode: TerminalMode, colours: Colours = coloursFor(stream)) {
    this.#stream = stream;
    this.#mode = mode;
    this.#colours = colours;
  }

  /** Takes the next event of the run; events this version does not know are only passed on in `json`. */
  onEvent(event: { readonly type: string }): void {
    if (this.#mode === "json") writeJson(this.#stream, event);
    if (this.#mode !== "human") return;
    const known = readEventLeniently(event);
    if (known === undefined) return;
    if (!BELONGS_TO_ROUND.has(known.type)) this.#flushRound();
    this.#show(known);
    this.#remember(known);
  }

  /** A remark between the lines of the run. */
  note(text: string): void {
    if (this.#mode === "human") this.#lines([text]);
  }

  /** Completes the line of the last round and removes the passing line. */
  close(): void {
    if (this.#mode !== "human") return;
    this.#flushRound();
    this.#showFailures();
    this.#erase();
  }

  /** Closes and prints the result; `files` are relative to `folder`. In `json` one line of type `run.files`. */
  finish(summary: { readonly folder: string; readonly files: readonly string[] }): void {
    if (this.#mode === "json") writeJson(this.#stream, { v: 1, type: "run.files", ...summary });
    if (this.#mode !== "human") return;
    this.close();
    const box = renderSummary(foldEvents(this.#events), this.#columns(), this.#colours);
    this.#lines(["", ...box, ...renderFiles(summary.folder, summary.files, this.#colours)]);
  }

  #show(event: LoggedEvent): void {
    switch (event.type) {
      case "run.started":
        this.#plannedRounds = event.rounds;
        this.#predictsNumbers = event.predicts === "numbers";
        this.#firstStartMs = Number.NaN;
        this.#roundsSeen = 0;
        this.#secondsSeen = 0;
        this.#lines([...renderPlan(event, this.#colours), ""]);
        break;
      case "round.started":
        if (Number.isNaN(this.#firstStartMs)) this.#firstStartMs = Date.parse(event.at);
        this.#cohort = event.cohort;
        this.#pass(`round ${event.round}: training ${clientsText(event.cohort.length)}…`);
        break;
      case "client.failed":
        this.#failures.push(event);
        break;
      case "round.finished":
        this.#showFailures(event.round);
        this.#pending = event;
        this.#roundsSeen++;
        this.#secondsSeen += event.seconds;
        this.#completeOrPass();
        break;
      case "evaluation":
        if (event.split === "test") this.#evaluation = event;
        this.#completeOrPass();
        break;
      case "run.warning":
        // the line of the failures says it
        if (event.code === "round/no-updates" && this.#failures.length > 0) break;
        this.#lines([this.#colours.yellow(`warning  ${event.message} (${event.code})`)]);
        break;
      case "run.stopped": {
        this.#showFailures();
        const end = classifyEnd({ stopped: event, finished: undefined });
        const failed = end === "diverged" || end === "failed";
        const line = failed ? `${end}. ${event.message}` : `stopped at round ${event.round}: ${event.message}`;
        this.#lines([this.#colours[failed ? "red" : "yellow"](line)]);
        break;
      }
    }
  }

  /** Keeps what the closing box needs; of the per-client metrics only the last, without its lists. */
  #remember(event: LoggedEvent): void {
    if (event.type === "round.started" || event.type === "checkpoint.saved") return;
    if (event.type !== "client.evaluation") this.#events.push(event);
    else this.#events.push({ ...event, accuracies: [], clients: [] });
  }

  /**
   * One line for all clients of the round that failed alike. Clients that stay away are not repeated.
   *
   * @param round that has ended; undefined: its failures are not all known
   */
  #showFailures(round?: number): void {
    const groups = groupFailures(this.#failures);
    const size = this.#cohort.length === 0 ? Number.NaN : this.#cohort.length;
    const news = groups.filter((group) => this.#away.add(group));
    this.#lines(news.map((group) => this.#colours.yellow(`warning  ${failureLine(group, size)}`)));
    const failed = new Set(this.#failures.map(({ client }) => client));
    this.#failures = [];
    if (round === undefined) return;
    const back = this.#away.recover(this.#cohort.filter((client) => !failed.has(client)));
    if (back.length > 0) this.#lines([`round ${round}: ${backText(back)}`]);
  }

  #completeOrPass(): void {
    if (this.#pending === undefined) return;
    if (this.#evaluation?.round === this.#pending.round) this.#flushRound();
    else this.#pass(this.#roundLine(this.#pending));
  }

  #flushRound(): void {
    if (this.#pending === undefined) return;
    this.#lines([this.#roundLine(this.#pending)]);
    this.#pending = undefined;
  }

  #roundLine(finished: RoundFinished): string {
    return renderRound(
      {
        finished,
        evaluation: this.#evaluation?.round === finished.round ? this.#evaluation : undefined,
        predictsNumbers: this.#predictsNumbers,
        plannedRounds: this.#plannedRounds,
        remainingSeconds: this.#remaining(finished),
        columns: this.#columns(),
      },
      this.#colours,
    );
  }

  /** Seconds to the end at the mean pace so far, by the clock of the events: it counts evaluations and pauses too. */
  #remaining(finished: RoundFinished): number {
    const byClock = (Date.parse(finished.at) - this.#firstStartMs) / 1000;
    const elapsed = Number.isFinite(byClock) ? byClock : this.#secondsSeen;
    return (elapsed / this.#roundsSeen) * (this.#plannedRounds - finished.round);
  }

  #columns(): number {
    return this.#stream.isTTY === true ? (this.#stream.columns ?? 80) : Number.POSITIVE_INFINITY;
  }

  /** A line that the next output replaces; only on terminals. */
  #pass(line: string): void {
    if (this.#stream.isTTY !== true) return;
    this.#erase();
    writePassing(this.#stream, line);
    this.#passing = true;
  }

  #erase(): void {
    if (this.#passing) eraseLine(this.#stream);
    this.#passing = false;
  }

  #lines(lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.#erase();
    writeLines(this.#stream, lines);
  }
}

/** Of an asynchronous run nobody trains yet when its first round starts. */
function clientsText(clients: number): string {
  return clients === 0 ? "" : `${formatPlural(clients, "client")} `;
}
