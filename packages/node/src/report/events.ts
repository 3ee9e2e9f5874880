import { type LenientEvent, type LenientEventOf, readEventLeniently } from "@anabranch/core";

/** One event of a run as the report and the terminal read it. */
export type RunEvent = LenientEvent;
export type RunStarted = LenientEventOf<"run.started">;
export type RoundFinished = LenientEventOf<"round.finished">;
export type Evaluation = LenientEventOf<"evaluation">;
export type ClientEvaluation = LenientEventOf<"client.evaluation">;
export type ClientFailed = LenientEventOf<"client.failed">;
export type RunWarning = LenientEventOf<"run.warning">;
export type RunStopped = LenientEventOf<"run.stopped">;
export type RunFinished = LenientEventOf<"run.finished">;

/**
 * Reads the text of events.jsonl. Lines that are not JSON (a run killed while writing leaves a cut last line) and
 * unknown events are skipped and counted.
 */
export function parseEventLines(source: string): { events: RunEvent[]; skipped: number } {
  const events: RunEvent[] = [];
  let skipped = 0;
  for (const line of source.split("\n")) {
    if (line.trim() === "") continue;
    const event = readEventLeniently(parseJson(line));
    if (event === undefined) skipped++;
    else events.push(event);
  }
  return { events, skipped };
}

/** The value of a JSON text, or undefined where it is not JSON. */
export function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return undefined;
  }
}
