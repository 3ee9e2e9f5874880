import { basename } from "node:path";
import type { RunEvent } from "@anabranch/core";
import { readEvents } from "./event-log.ts";
import { summaryWithoutLog } from "./lost-log.ts";
import { RoundTotals } from "./round-totals.ts";
import { openRunFolder } from "./run-folder.ts";

/** `interrupted` can be resumed; `stopped` ended early as configured; `failed` met an error or lost all its clients. */
export type RunStatus = "running" | "finished" | "stopped" | "interrupted" | "diverged" | "failed";

/** One run in a list. What is not known yet is null. */
export interface RunSummary {
  readonly id: string;
  /** Absolute path. */
  readonly folder: string;
  readonly name: string;
  readonly algorithm: string;
  readonly dataset: string;
  readonly model: string;
  readonly status: RunStatus;
  /** Why the run stopped before its end, and what to do next; null where it did not. */
  readonly reason: string | null;
  readonly roundsDone: number;
  readonly roundsTotal: number;
  /** Test accuracy of the last evaluation. */
  readonly finalAccuracy: number | null;
  readonly bestAccuracy: number | null;
  readonly bytesDown: number;
  readonly bytesUp: number;
  /** Time in rounds, over all sessions. */
  readonly seconds: number;
  readonly seed: number;
  /** ISO times of the first and the last event. */
  readonly startedAt: string;
  readonly updatedAt: string;
}

/** Sums up the events of a run as they come in. */
export class RunSummarizer {
  readonly #folder: string;
  readonly #rounds = new RoundTotals();
  #id: string;
  #about = { name: "", algorithm: "", dataset: "", model: "", roundsTotal: 0, seed: 0 };
  #status: RunStatus = "interrupted";
  #reason: string | null = null;
  #startedAt = "";
  #updatedAt = "";
  /** The last round of earlier sessions, whose log may be lost. */
  #resumedFrom = 0;
  #finished: Extract<RunEvent, { type: "run.finished" }> | undefined;
  /** What is known without any event. */
  #withoutLog: RunSummary | undefined;

  constructor(id: string, folder: string) {
    this.#id = id;
    this.#folder = folder;
    this.#about.name = basename(folder);
  }

  /** Reads what a run's folder holds; a run that nobody writes any more and that did not end is `interrupted`. */
  static async ofFolder(folder: string): Promise<RunSummarizer> {
    const run = await openRunFolder(folder);
    const summarizer = new RunSummarizer(run.id, run.folder);
    for await (const event of readEvents(run.paths.events)) summarizer.add(event);
    if (summarizer.#updatedAt === "") summarizer.#withoutLog = await summaryWithoutLog(run);
    if (summarizer.#status === "running" && !(await run.isLocked())) summarizer.#status = "interrupted";
    return summarizer;
  }

  add(event: RunEvent): void {
    this.#updatedAt = event.at;
    this.#withoutLog = undefined;
    switch (event.type) {
      case "run.started":
        this.#start(event);
        break;
      case "round.finished": {
        const { bytesDown, bytesUp, seconds } = event;
        this.#rounds.add(event.round, { bytesDown, bytesUp, seconds: seconds ?? 0 });
        break;
      }
      case "evaluation":
        this.#rounds.evaluate(event.round, event.accuracy);
        break;
      case "run.stopped":
        this.#status = statusOf(event.reason);
        this.#reason = event.message;
        break;
      case "run.finished":
        // An early stop is followed by run.finished and stays an early stop.
        if (this.#status === "running") this.#status = "finished";
        this.#finished = event;
    }
  }

  get summary(): RunSummary {
    if (this.#withoutLog !== undefined) return this.#withoutLog;
    const { lastRound, ...totals } = this.#rounds.totals;
    return {
      id: this.#id,
      folder: this.#folder,
      ...this.#about,
      status: this.#status,
      reason: this.#reason,
      roundsDone: Math.max(this.#resumedFrom, lastRound),
      ...totals,
      ...this.#totals(),
      startedAt: this.#startedAt,
      updatedAt: this.#updatedAt,
    };
  }

  /** What the end of a run says of all of it, the rounds of a lost log included. */
  #totals(): Partial<RunSummary> {
    if (this.#finished === undefined) return {};
    const { accuracy, bestAccuracy, bytesDown, bytesUp, seconds } = this.#finished;
    return { finalAccuracy: accuracy, bestAccuracy, bytesDown, bytesUp, seconds };
  }

  #start(event: Extract<RunEvent, { type: "run.started" }>): void {
    const { name, algorithm, dataset, model, rounds, seed, resumedFrom = 0 } = event;
    this.#id = event.run || this.#id;
    this.#about = { name, algorithm, dataset, model, roundsTotal: rounds, seed };
    this.#status = "running";
    this.#reason = null;
    this.#startedAt ||= event.at;
    this.#resumedFrom = resumedFrom;
    this.#finished = undefined;
    this.#rounds.dropAfter(resumedFrom);
  }
}

function statusOf(reason: Extract<RunEvent, { type: "run.stopped" }>["reason"]): RunStatus {
  if (reason === "interrupted" || reason === "diverged") return reason;
  return reason === "early-stop" ? "stopped" : "failed";
}
