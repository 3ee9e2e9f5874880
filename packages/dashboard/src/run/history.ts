import type { LenientEvent, LenientEventOf } from "@anabranch/core";

/** What is known of a round. Numbers that were not measured are NaN. */
export interface Round {
  readonly round: number;
  readonly trainLoss: number;
  readonly testLoss: number;
  readonly accuracy: number;
  readonly clients: number;
  readonly bytesDown: number;
  readonly bytesUp: number;
  readonly seconds: number;
  readonly trainSeconds: number;
  readonly aggregateSeconds: number;
  readonly evaluateSeconds: number;
  readonly epsilon: number;
}

/** Something that happened, for people. */
export interface LogLine {
  readonly id: number;
  readonly at: string;
  readonly text: string;
  readonly bad: boolean;
}

/** A run as its events tell it. */
export interface History {
  readonly started: LenientEventOf<"run.started"> | undefined;
  readonly rounds: readonly Round[];
  /** Clients of the round that is under way, or of the last. */
  readonly cohort: readonly number[];
  /** Whether the run has finished or was stopped. */
  readonly ended: boolean;
  readonly log: readonly LogLine[];
}

const mostLines = 200;

export const noHistory: History = { started: undefined, rounds: [], cohort: [], ended: false, log: [] };

const emptyRound: Omit<Round, "round"> = {
  trainLoss: Number.NaN,
  testLoss: Number.NaN,
  accuracy: Number.NaN,
  clients: 0,
  bytesDown: 0,
  bytesUp: 0,
  seconds: Number.NaN,
  trainSeconds: Number.NaN,
  aggregateSeconds: Number.NaN,
  evaluateSeconds: Number.NaN,
  epsilon: Number.NaN,
};

/** The history after an event. */
export function after(history: History, event: LenientEvent): History {
  return withLine(withEvent(history, event), event);
}

function withEvent(history: History, event: LenientEvent): History {
  switch (event.type) {
    case "run.started":
      return { ...history, started: event, ended: false };
    case "round.started":
      return { ...history, cohort: event.cohort };
    case "round.finished": {
      const { round, loss: trainLoss, clients, bytesDown, bytesUp, seconds, trainSeconds, aggregateSeconds } = event;
      const epsilon = event.privacy?.epsilon ?? Number.NaN;
      return withRound(history, round, {
        ...{ trainLoss, clients, bytesDown, bytesUp, seconds, trainSeconds, aggregateSeconds, epsilon },
      });
    }
    case "evaluation": {
      const { round, loss: testLoss, accuracy, seconds: evaluateSeconds } = event;
      return withRound(history, round, { testLoss, accuracy, evaluateSeconds });
    }
    case "run.stopped":
    case "run.finished":
      return { ...history, ended: true };
    default:
      return history;
  }
}

function withRound(history: History, round: number, known: Partial<Round>): History {
  const { rounds } = history;
  const at = rounds.findIndex((other) => other.round >= round);
  const old = rounds[at]?.round === round ? rounds[at] : undefined;
  const place = at < 0 ? rounds.length : at;
  const entry = { ...emptyRound, ...old, round, ...known };
  return { ...history, rounds: rounds.toSpliced(place, old === undefined ? 0 : 1, entry) };
}

function withLine(history: History, event: LenientEvent): History {
  const line = lineOf(event);
  if (line === undefined) return history;
  const id = (history.log[0]?.id ?? 0) + 1;
  return { ...history, log: [{ id, at: event.at, ...line }, ...history.log].slice(0, mostLines) };
}

function lineOf(event: LenientEvent): Pick<LogLine, "text" | "bad"> | undefined {
  const good = (text: string) => ({ text, bad: false });
  const bad = (text: string) => ({ text, bad: true });
  const number = (value: number) => (Number.isFinite(value) ? value.toFixed(4) : "not finite");
  switch (event.type) {
    case "run.started":
      return good(
        event.resumedFrom === undefined ? "The run has started." : `Resumed after round ${event.resumedFrom}.`,
      );
    case "round.started":
      return good(`Round ${event.round} has started with ${event.cohort.length} clients.`);
    case "round.finished":
      return good(`Round ${event.round}: ${event.clients} updates aggregated, training loss ${number(event.loss)}.`);
    case "evaluation":
      return good(`Round ${event.round}: test loss ${number(event.loss)}, accuracy ${number(event.accuracy)}.`);
    case "client.failed":
      return bad(`Round ${event.round}: client ${event.client} failed: ${event.message}`);
    case "run.warning":
      return bad(event.message);
    case "run.stopped":
      return bad(`The run has stopped after round ${event.round}: ${event.message}`);
    case "run.finished":
      return good(`The run has finished after ${event.rounds} rounds.`);
    default:
      return undefined;
  }
}
