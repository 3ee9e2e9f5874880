import { type Vector, zerosLike } from "../params/index.ts";
import { applyBlocks, type BlockReplay } from "./block-log.ts";
import { HEAD, type LogRecord, malformedLog, recordsOf } from "./log.ts";
import { numbersOfPool, type PoolReplay, poolModel } from "./pool.ts";
import { applyProbes, type ProbeReplay, unpackProbes } from "./probe-log.ts";

/** How the model follows from what travels in its place, as plain data. */
export type Replay = PoolReplay | LogReplay;
export type LogReplay = ProbeReplay | BlockReplay;

/** What of a broadcast the model follows from. */
export interface Replayed {
  /** `coefficients` of a pool, [K]; `log` of blocks. */
  readonly vectors: Readonly<Record<string, Vector>>;
  /** `log` of probes, packed. */
  readonly encoded?: Readonly<Record<string, Uint8Array>>;
}

/**
 * Rebuilds the models of one run from their start. Logs only grow, so it continues from the model that it rebuilt last where
 * the log begins as that one's did; the bits are those of a replay from the start.
 */
export class Replayer {
  readonly #replay: Replay;
  readonly #start: Vector;
  #last: { readonly log: Vector; readonly model: Vector };

  constructor(replay: Replay, start: Vector) {
    this.#replay = replay;
    this.#start = start;
    this.#last = { log: zerosLike(start, 0), model: start };
  }

  /** The model [d] that a broadcast stands for. Throws `seeded/broadcast`. */
  model({ vectors, encoded }: Replayed): Vector {
    const replay = this.#replay;
    if (replay.kind === "pool")
      return poolModel(this.#start, numbersOfPool(vectors, "coefficients", replay.size), replay);
    const log = replay.kind === "blocks" ? vectors["log"]! : unpackProbes(replay, encoded!["log"]!, this.#start);
    const known = this.#last.log;
    const continues = known.length <= log.length && known.every((value, i) => value === log[i]);
    let { model } = continues ? this.#last : { model: this.#start };
    for (const record of recordsOf(log, continues ? known.length : 0)) model = applyRecord(replay, model, record);
    this.#last = { log: log.slice(), model };
    return model;
  }
}

/** Rounds of a log, from 0: those from `from` on and before `to`, and clients of a round at most. */
export interface LogStretch {
  readonly from: number;
  readonly to: number;
  readonly clients: number;
}

/**
 * The model after a stretch of a log that somebody sent, from the one before it. Throws `seeded/broadcast` for what is no
 * such stretch.
 */
export function continuedModel(
  replay: LogReplay,
  model: Vector,
  { vectors, encoded }: Replayed,
  of: LogStretch,
): Vector {
  const packed = encoded?.["log"];
  const log = replay.kind === "blocks" ? vectors["log"] : packed && unpackProbes(replay, packed, model);
  if (log === undefined) throw malformedLog("none");
  requireRecords(replay, log, of);
  return applyNewest(replay, model, log, zerosLike(log, 0));
}

/** Refuses a log whose records are not whole, do not ascend or are of other rounds. */
function requireRecords(replay: LogReplay, log: Vector, { from, to, clients }: LogStretch): void {
  let least = from;
  for (let at = 0; at < log.length; ) {
    const [round, length] = [log[at]!, log[at + 1]];
    if (!(Number.isInteger(round) && round >= least && round < to))
      throw malformedLog(`a record of round ${round} where ${least} to ${to - 1} are missing`);
    if (!hasLength(replay, length!, clients) || at + HEAD + length! > log.length)
      throw malformedLog(`a record of ${length} numbers with ${log.length - at - HEAD} left`);
    least = round + 1;
    at += HEAD + length!;
  }
}

/** Whether a record may have so many numbers. */
function hasLength(replay: LogReplay, length: number, clients: number): boolean {
  if (replay.kind === "blocks") return length === 1 + replay.blocks.length * replay.count;
  const sent = (length - 1) / (1 + replay.probes);
  return Number.isInteger(sent) && sent >= 0 && sent <= clients;
}

/** The model after a record of a log. */
function applyRecord(replay: LogReplay, model: Vector, record: LogRecord): Vector {
  return replay.kind === "probes" ? applyProbes(replay, model, record) : applyBlocks(replay, model, record);
}

/** The model after the newest record of a log, from the one before it. */
export function applyNewest(replay: LogReplay, model: Vector, log: Vector, before: Vector): Vector {
  let next = model;
  for (const record of recordsOf(log, before.length)) next = applyRecord(replay, next, record);
  return next;
}
