import { AnabranchError } from "@anabranch/core";
import { type RunData, readRunFolder } from "../report/run-data.ts";
import { classifyEnd, failureOf, type RunEnd, type RunFailure } from "../report/run-end.ts";
import { resumeRun, type SessionOptions, startRun } from "../run/session.ts";
import type { PlannedRun } from "./expand.ts";
import type { FoundRun } from "./found-runs.ts";

/** What became of one run of a sweep. */
export interface Outcome {
  readonly planned: PlannedRun;
  readonly end: RunEnd;
  /** Trained now from the start, trained on from a checkpoint, or there before the sweep began. */
  readonly source: "new" | "resumed" | "before";
  /** Undefined where the run could not even start. */
  readonly folder: string | undefined;
  readonly data: RunData | undefined;
  readonly failure: RunFailure | undefined;
  /** Time that the run took now; 0 where it was there before. */
  readonly seconds: number;
  /** Rounds trained now. */
  readonly rounds: number;
}

/** Executes one run: starts it, resumes it, or only reads it where it is complete. A failure is an outcome, never thrown. */
export async function executeRun(
  planned: PlannedRun,
  found: FoundRun | undefined,
  options: SessionOptions,
): Promise<Outcome> {
  if (found?.complete === true) return outcomeOf(planned, "before", found.folder, 0, 0);
  const source = found === undefined ? "new" : "resumed";
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  let rounds = 0;
  let folder = found?.folder;
  const session: SessionOptions = {
    ...options,
    onFolder: (path) => {
      folder = path;
    },
    onEvent: (event) => {
      if (event.type === "round.finished") rounds++;
      options.onEvent?.(event);
    },
  };
  try {
    await (found === undefined ? startRun(planned.config, session) : resumeRun(found.folder, session));
    return outcomeOf(planned, source, folder, seconds(), rounds);
  } catch (error) {
    return { ...outcomeOf(planned, source, folder, seconds(), rounds), ...failedBy(error) };
  }
}

/** The outcome of a run that is not to be executed. */
export function withoutRun(planned: PlannedRun, reason: string): Outcome {
  const failure = { round: null, client: null, reason };
  return { planned, end: "failed", source: "new", folder: undefined, data: undefined, failure, seconds: 0, rounds: 0 };
}

function outcomeOf(
  planned: PlannedRun,
  source: Outcome["source"],
  folder: string | undefined,
  seconds: number,
  rounds: number,
): Outcome {
  const data = folder === undefined ? undefined : readRunFolder(folder);
  const end = data === undefined ? "failed" : classifyEnd(data);
  return { planned, end, source, folder, data, failure: data && failureOf(data), seconds, rounds };
}

/** A client that diverges ends a run that is configured to stop for it: that is divergence, not a fault. */
function failedBy(error: unknown): Pick<Outcome, "end" | "failure"> {
  const known = error instanceof AnabranchError ? error.failure : undefined;
  const reason = error instanceof Error ? (known?.message ?? error.message) : String(error);
  const place = /^round (\d+)(?:, client (\d+))?/.exec(known?.where ?? "");
  const number = (text: string | undefined) => (text === undefined ? null : Number(text));
  const end = known?.code === "round/client-failed" ? "diverged" : "failed";
  return { end, failure: { round: number(place?.[1]), client: number(place?.[2]), reason } };
}
