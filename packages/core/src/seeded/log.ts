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
const HEAD = 2;

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
