import { formatPercent } from "../terminal/format.ts";
import { formatLoss } from "../terminal/round-line.ts";
import type { EvaluationEvent } from "./events.ts";
import type { RunData } from "./run-data.ts";

/** What runs are compared by: the accuracy, or the root mean squared error of models that predict numbers. */
export interface Quality {
  readonly metric: "accuracy" | "rmse";
  /** Of one evaluation; NaN where it has none. */
  of(evaluation: Pick<EvaluationEvent, "accuracy" | "rmse">): number;
  /** Whether a value is at least as good as a target. */
  reaches(value: number, target: number): boolean;
  /** The target that the worst of several best values gives: rounded to a value that it reaches and that reads well. */
  roundTarget(value: number): number;
  format(value: number): string;
}

export const ACCURACY: Quality = {
  metric: "accuracy",
  of: ({ accuracy }) => accuracy,
  reaches: (value, target) => value >= target,
  roundTarget: (value) => Math.floor(value * 1000) / 1000,
  format: (value) => formatPercent(value),
};

/** Lower is better; in units of the target. */
export const RMSE: Quality = {
  metric: "rmse",
  of: ({ rmse }) => rmse ?? Number.NaN,
  reaches: (value, target) => value <= target,
  roundTarget: (value) => {
    if (value === 0) return 0;
    const digit = 10 ** (Math.floor(Math.log10(value)) - 2);
    return Number((Math.ceil(value / digit) * digit).toPrecision(3));
  },
  format: formatLoss,
};

/** Errors where every run predicts numbers; else accuracies, which runs that predict numbers do not have. */
export function qualityOf(runs: readonly Pick<RunData, "start">[]): Quality {
  return runs.length > 0 && runs.every(predictsNumbers) ? RMSE : ACCURACY;
}

export function predictsNumbers({ start }: Pick<RunData, "start">): boolean {
  return start?.predicts === "numbers";
}
