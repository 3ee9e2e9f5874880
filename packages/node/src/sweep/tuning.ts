import type { RunData } from "../report/run-data.ts";
import type { RunEnd } from "../report/run-end.ts";
import { recentAccuracy, summarise } from "../report/summary.ts";
import type { TuningMetric } from "./sweep-file.ts";

/** What a tuning judges a run by; undefined for a run that did not end well, which loses. */
export function scoreOf(end: RunEnd, run: RunData | undefined, metric: TuningMetric): number | undefined {
  if (end !== "finished" || run === undefined) return undefined;
  const score = metric === "accuracy" ? summarise(run).accuracy : recentAccuracy(run);
  return Number.isFinite(score) ? score : undefined;
}

/** The place of the highest score, the first one of equals; undefined where no run has one. */
export function bestOf(scores: readonly (number | undefined)[]): number | undefined {
  let best: number | undefined;
  scores.forEach((score, index) => {
    if (score !== undefined && (best === undefined || score > scores[best]!)) best = index;
  });
  return best;
}
