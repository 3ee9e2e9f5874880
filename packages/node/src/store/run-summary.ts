import { basename } from "node:path";
import { type RunEvent, type RunStatus, statusAfter } from "@anabranch/core";
import { type PassedOver, readEvents } from "./event-lines.ts";
import { summaryWithoutLog } from "./lost-log.ts";
import { RoundTotals } from "./round-totals.ts";
import { openRunFolder, runIdOf } from "./run-folder.ts";
import { longestText, type RunSummary } from "./run-summary-types.ts";

export { longestText, type RunSummary } from "./run-summary-types.ts";

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
  readonly #passedOver: PassedOver = { tooLong: 0 };
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
    for await (const event of readEvents(run.paths.events, summarizer.#passedOver)) summarizer.add(event);
    if (summarizer.#updatedAt === "") summarizer.#withoutLog = await summaryWithoutLog(run);
    if (summarizer.#status === "running" && !(await run.isLocked())) summarizer.#status = "interrupted";
    return summarizer;
  }

  add(event: RunEvent): void {
    this.#updatedAt = event.at;
    this.#withoutLog = undefined;
    this.#status = statusAfter(this.#status, event);
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
        this.#rounds.evaluate(event.round, event.accuracy, event);
        break;
      case "run.stopped":
        this.#reason = event.message;
        break;
      case "run.finished":
        this.#finished = event;
    }
  }

  get summary(): RunSummary {
    if (this.#withoutLog !== undefined) return shortened({ ...this.#withoutLog, ...this.#damage() });
    const { lastRound, ...totals } = this.#rounds.totals;
    return shortened({
      id: this.#id,
      folder: this.#folder,
      ...this.#about,
      status: this.#status,
      reason: this.#reason,
      roundsDone: Math.max(this.#resumedFrom, lastRound),
      ...totals,
      ...this.#totals(),
      ...this.#damage(),
      startedAt: this.#startedAt,
      updatedAt: this.#updatedAt,
    });
  }

  /** Without its whole log a run is not what it seems. */
  #damage(): Pick<RunSummary, "status"> | undefined {
    return this.#passedOver.tooLong > 0 ? { status: "unreadable" } : undefined;
  }

  /** What the end of a run says of all of it, the rounds of a lost log included. */
  #totals(): Partial<RunSummary> {
    if (this.#finished === undefined) return {};
    const { accuracy, bestAccuracy, bytesDown, bytesUp, seconds } = this.#finished;
    return { finalAccuracy: accuracy, bestAccuracy, bytesDown, bytesUp, seconds };
  }

  #start(event: Extract<RunEvent, { type: "run.started" }>): void {
    const { name, algorithm, dataset, model, rounds, seed, resumedFrom = 0 } = event;
    this.#id = runIdOf(this.#folder, event.run);
    this.#about = { name, algorithm, dataset, model, roundsTotal: rounds, seed };
    this.#reason = null;
    this.#startedAt ||= event.at;
    this.#resumedFrom = resumedFrom;
    this.#finished = undefined;
    this.#rounds.dropAfter(resumedFrom);
  }
}

/** Texts of events may be of any length. */
function shortened(run: RunSummary): RunSummary {
  const cut = (text: string) => text.slice(0, longestText);
  const { name, algorithm, dataset, model, reason, startedAt, updatedAt } = run;
  return {
    ...run,
    ...{ name: cut(name), algorithm: cut(algorithm), dataset: cut(dataset), model: cut(model) },
    ...{ reason: reason === null ? null : cut(reason), startedAt: cut(startedAt), updatedAt: cut(updatedAt) },
  };
}

/** A run whose folder cannot be read: only its name is known. */
export function unreadableRun(folder: string): RunSummary {
  return {
    ...{ id: runIdOf(folder, ""), folder, name: basename(folder), status: "unreadable", reason: null },
    ...{ algorithm: "", dataset: "", model: "", roundsDone: 0, roundsTotal: 0, seed: 0 },
    ...{
      finalAccuracy: null,
      bestAccuracy: null,
      finalRmse: null,
      finalR2: null,
      bytesDown: 0,
      bytesUp: 0,
      seconds: 0,
      startedAt: "",
      updatedAt: "",
    },
  };
}
