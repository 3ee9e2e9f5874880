import { formatEpsilon } from "@anabranch/core";
import type { EvaluationEvent, RoundFinished } from "../report/events.ts";
import type { Colours } from "./colours.ts";
import { formatBytes, formatDuration, formatPercent, UNKNOWN } from "./format.ts";

/** What the line of a round shows. */
export interface RoundMetrics {
  readonly finished: RoundFinished;
  /** The evaluation after this round, where there was one. */
  readonly evaluation: EvaluationEvent | undefined;
  /** Whether the run predicts numbers, which have no accuracy. */
  readonly predictsNumbers: boolean;
  readonly plannedRounds: number;
  /** Seconds until the run ends, NaN where unknown. */
  readonly remainingSeconds: number;
  /** Columns of the terminal; parts that matter less are left out until the line fits. */
  readonly columns: number;
}

/** Parts that are left out on narrow terminals, the first one first. */
const DROPPED_FIRST = ["clients", "down", "up", "eta", "loss"] as const;

/** One aligned line: `round 12/30  loss 0.5123  accuracy 81.23 %   41.2 clients/s  down  12.3 MB  up  12.3 MB  ETA 0:21`. */
export function renderRound(metrics: RoundMetrics, colours: Colours): string {
  const { finished, plannedRounds } = metrics;
  const rate = finished.clientsPerSecond;
  const parts: Record<string, readonly [label: string, value: string, unit?: string]> = {
    round: ["round", roundOf(finished.round, plannedRounds)],
    loss: ["loss", formatLoss(finished.loss).padStart(6)],
    ...qualityOf(metrics),
    ...(finished.privacy === undefined
      ? {}
      : { epsilon: ["epsilon", formatEpsilon(finished.privacy.epsilon).padStart(6)] }),
    clients: ["", (Number.isFinite(rate) ? rate.toFixed(1) : UNKNOWN).padStart(6), "clients/s"],
    down: ["down", formatBytes(finished.bytesDown).padStart(8)],
    up: ["up", formatBytes(finished.bytesUp).padStart(8)],
    eta: ["ETA", formatDuration(metrics.remainingSeconds)],
  };
  const width = () => Object.values(parts).reduce((sum, part) => sum + part.filter(Boolean).join(" ").length + 2, -2);
  for (const key of DROPPED_FIRST) if (width() >= metrics.columns) delete parts[key];
  return Object.entries(parts)
    .map(([key, [label, value, unit]]) => {
      const shown = key === "accuracy" || key === "rmse" ? colours.bold(value) : value;
      return [label && colours.dim(label), shown, unit && colours.dim(unit)].filter(Boolean).join(" ");
    })
    .join("  ");
}

/** Accuracy; of a model that predicts numbers, its error and the share of the variance that it explains. */
function qualityOf({
  evaluation,
  predictsNumbers,
}: Pick<RoundMetrics, "evaluation" | "predictsNumbers">): Record<string, readonly [label: string, value: string]> {
  if (!predictsNumbers) {
    return { accuracy: ["accuracy", formatPercent(evaluation?.accuracy ?? Number.NaN).padStart(7)] };
  }
  return {
    rmse: ["RMSE", formatLoss(evaluation?.rmse ?? Number.NaN).padStart(6)],
    r2: ["R2", formatR2(evaluation?.r2).padStart(6)],
  };
}

/** A coefficient of determination: 1 where all is explained, below 0 where the mean would do better. */
export function formatR2(r2: number | undefined): string {
  return r2 === undefined || !Number.isFinite(r2) ? UNKNOWN : r2.toFixed(4);
}

function roundOf(round: number, planned: number): string {
  return Number.isFinite(planned) ? `${String(round).padStart(String(planned).length)}/${planned}` : String(round);
}

/** A loss in six columns whatever its size. */
export function formatLoss(loss: number): string {
  if (!Number.isFinite(loss)) return UNKNOWN;
  const size = Math.abs(loss);
  if (size >= 9999.5) return loss.toExponential(1);
  return loss.toFixed(size < 9.99995 ? 4 : size < 99.9995 ? 3 : size < 999.995 ? 2 : 1);
}
