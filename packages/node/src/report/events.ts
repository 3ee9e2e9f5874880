import { type LenientEvent, type LenientEventOf, readEventLeniently } from "@anabranch/core";

/** One event of a run as the report and the terminal read it. */
export type LoggedEvent = LenientEvent;
export type RunStarted = LenientEventOf<"run.started">;
export type RoundFinished = LenientEventOf<"round.finished">;
export type EvaluationEvent = LenientEventOf<"evaluation">;
export type ClientEvaluation = LenientEventOf<"client.evaluation">;
export type ClientFailed = LenientEventOf<"client.failed">;
export type RunWarning = LenientEventOf<"run.warning">;
export type RunStopped = LenientEventOf<"run.stopped">;
export type RunFinished = LenientEventOf<"run.finished">;

/**
 * Reads the lines of events.jsonl. Those that are not JSON (a run killed while writing leaves a cut last line), that were
 * too long to be read (undefined), and unknown events are skipped and counted.
 */
export function* parseEventLines(
  lines: Iterable<string | undefined>,
  passed: { skipped: number },
): Generator<LoggedEvent> {
  for (const line of lines) {
    if (line?.trim() === "") continue;
    const event = line === undefined ? undefined : readEventLeniently(parseJson(line));
    if (event === undefined) passed.skipped++;
    else yield event;
  }
}

/** The value of a JSON text, or undefined where it is not JSON. */
export function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return undefined;
  }
}
