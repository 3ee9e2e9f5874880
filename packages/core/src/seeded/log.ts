import { AnabranchError } from "@anabranch/engine";
import { type Vector, zerosLike } from "../params/index.ts";

/**
 * What happened round after round, as numbers. A record is its round (from 0), how many numbers follow, and these. Rounds
 * that released nothing have no record.
 */
export interface LogRecord {
  readonly round: number;
  readonly numbers: Vector;
}

/** Numbers of a record before its own. */
export const HEAD = 2;

/** The error of a log that no server of ours can have sent. */
export function malformedLog(received: string): AnabranchError {
  return new AnabranchError({
    code: "seeded/broadcast",
    message: "a broadcast does not have the records of a log that this client lacks",
    where: "log",
    received,
    expected: "whole records of these rounds, in order",
    advice: "Ask the operator of the server: it does not keep to its own description of the run.",
  });
}

/** The log with one more record. */
export function extendedLog(log: Vector, round: number, numbers: ArrayLike<number>): Vector {
  const longer = zerosLike(log, log.length + HEAD + numbers.length);
  longer.set(log);
  longer.set([round, numbers.length], log.length);
  longer.set(numbers, log.length + HEAD);
  return longer;
}

/** The records of a log from a place on. */
export function* recordsOf(log: Vector, from = 0): Generator<LogRecord> {
  for (let at = from; at < log.length; at += HEAD + log[at + 1]!)
    yield { round: log[at]!, numbers: log.subarray(at + HEAD, at + HEAD + log[at + 1]!) };
}

/** The part of a log that begins with a round, from 0. */
export function logFrom(log: Vector, round: number): Vector {
  let at = 0;
  while (at < log.length && log[at]! < round) at += HEAD + log[at + 1]!;
  return log.subarray(at);
}
