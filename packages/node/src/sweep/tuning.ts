import { qualityOf } from "../report/quality.ts";
import type { RunData } from "../report/run-data.ts";
import type { RunEnd } from "../report/run-end.ts";
import { recentQuality, summarise } from "../report/summary.ts";
import type { TuningMetric } from "./sweep-file.ts";

/**
 * What a tuning judges a run by: its accuracy, or its error where it predicts numbers. Undefined for a run that did not
 * end well, which loses.
 */
export function scoreOf(end: RunEnd, run: RunData | undefined, metric: TuningMetric): number | undefined {
  if (end !== "finished" || run === undefined) return undefined;
  const quality = qualityOf([run]);
  const { accuracy, rmse } = summarise(run);
  const last = quality.metric === "rmse" ? rmse : accuracy;
  const score = metric === "accuracy" ? last : recentQuality(run, quality);
  return Number.isFinite(score) ? score : undefined;
}

/**
 * The place of the best score, the first one of equals; undefined where no run has one.
 *
 * @param runs whose scores these are: of errors the lowest is best
 */
export function bestOf(
  scores: readonly (number | undefined)[],
  runs: readonly (RunData | undefined)[] = [],
): number | undefined {
  const { reaches } = qualityOf(runs.filter((run) => run !== undefined));
  let best: number | undefined;
  scores.forEach((score, index) => {
    if (score === undefined) return;
    if (best === undefined || (score !== scores[best] && reaches(score, scores[best]!))) best = index;
  });
  return best;
}
