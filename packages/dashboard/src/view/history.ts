import {
  byRound,
  type LenientEvent,
  type RunHistory,
  RunHistoryFold,
  type RunStatus,
  statusAfter,
} from "@anabranch/core";
import { type LogLine, lineOf } from "./log-line.ts";

/** What is known of a round. Numbers that were not measured are NaN. */
export interface Round {
  readonly round: number;
  readonly trainLoss: number;
  readonly testLoss: number;
  readonly accuracy: number;
  /** Of a run that predicts numbers, which has no accuracy. */
  readonly rmse: number;
  readonly clients: number;
  readonly bytesDown: number;
  readonly bytesUp: number;
  readonly seconds: number;
  readonly trainSeconds: number;
  readonly aggregateSeconds: number;
  readonly evaluateSeconds: number;
}

/** A run as its events show it. */
export interface History {
  readonly run: RunHistory;
  readonly rounds: readonly Round[];
  /** Clients of the round that is under way, or of the last. */
  readonly cohort: readonly number[];
  /** As the log has it; "running" without an end. */
  readonly status: RunStatus;
  /** The newest first. */
  readonly log: readonly LogLine[];
}

const mostLines = 200;

/** Builds a history of events as they come. */
export class HistoryFold {
  readonly #run = new RunHistoryFold();
  #cohort: readonly number[] = [];
  #status: RunStatus = "running";
  #log: LogLine[] = [];
  #lines = 0;

  add(event: LenientEvent): void {
    this.#run.add(event);
    this.#status = statusAfter(this.#status, event);
    if (event.type === "round.started") this.#cohort = event.cohort;
    const line = lineOf(event);
    if (line !== undefined) this.#log.push({ id: ++this.#lines, at: event.at, ...line });
    if (this.#log.length > 2 * mostLines) this.#log = this.#log.slice(-mostLines);
  }

  get history(): History {
    const run = this.#run.history;
    return {
      run,
      rounds: roundsOf(run),
      cohort: this.#cohort,
      status: this.#status,
      log: this.#log.slice(-mostLines).reverse(),
    };
  }
}

export const noHistory: History = new HistoryFold().history;

const unmeasured: Omit<Round, "round"> = {
  trainLoss: Number.NaN,
  testLoss: Number.NaN,
  accuracy: Number.NaN,
  rmse: Number.NaN,
  clients: Number.NaN,
  bytesDown: Number.NaN,
  bytesUp: Number.NaN,
  seconds: Number.NaN,
  trainSeconds: Number.NaN,
  aggregateSeconds: Number.NaN,
  evaluateSeconds: Number.NaN,
};

/** Training and evaluation of each round together. */
function roundsOf({ rounds, evaluations }: RunHistory): Round[] {
  const known = new Map<number, Round>();
  for (const { round, loss: trainLoss, clients, bytesDown, bytesUp, seconds, ...times } of rounds) {
    const { trainSeconds, aggregateSeconds } = times;
    const measured = { trainLoss, clients, bytesDown, bytesUp, seconds, trainSeconds, aggregateSeconds };
    known.set(round, { ...unmeasured, round, ...measured });
  }
  for (const { round, loss: testLoss, accuracy, rmse = Number.NaN, seconds: evaluateSeconds } of evaluations) {
    known.set(round, { ...unmeasured, round, ...known.get(round), testLoss, accuracy, rmse, evaluateSeconds });
  }
  return byRound(known);
}
