import { formatPercent } from "../terminal/format.ts";
import { formatLoss } from "../terminal/round-line.ts";
import { predictsNumbers } from "./quality.ts";
import type { RunData } from "./run-data.ts";
import { summarise } from "./summary.ts";

/** The last accuracy of a run; of one that predicts numbers its last error. */
export function qualityText(run: RunData): string {
  const { accuracy, rmse } = summarise(run);
  return predictsNumbers(run) ? formatLoss(rmse) : formatPercent(accuracy);
}
