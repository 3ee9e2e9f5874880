import type { RunHistory } from "@anabranch/core";
import { ACCURACY, type Quality } from "./quality.ts";
import { classifyEnd } from "./run-end.ts";

/** The key metrics of a run; NaN where the run did not get that far. Bytes are totals, accuracies fractions of 1. */
export interface ReportSummary {
  readonly status: "finished" | "stopped" | "unfinished" | "diverged" | "failed";
  readonly rounds: number;
  readonly plannedRounds: number;
  readonly accuracy: number;
  readonly loss: number;
  readonly bestRound: number;
  readonly bestAccuracy: number;
  /** Last test error, in units of the target, and share of explained variance of a model that predicts numbers; else NaN. */
  readonly rmse: number;
  readonly r2: number;
  readonly bytesDown: number;
  readonly bytesUp: number;
  /** Time in rounds, without evaluations. */
  readonly seconds: number;
  /** Time in evaluations of the global model. */
  readonly evaluationSeconds: number;
  readonly modelHash: string;
}

/** Key metrics from the closing event, or from the rounds where that event is missing. */
export function summarise(run: RunHistory): ReportSummary {
  const { finished } = run;
  const last = run.evaluations.at(-1);
  // no best model is kept by metrics on clients' own examples
  const best = run.start?.testCovered === false ? { round: Number.NaN, accuracy: Number.NaN } : bestEvaluation(run);
  const bestAccuracy = finiteOr(finished?.bestAccuracy, best.accuracy);
  const total = (key: "bytesDown" | "bytesUp" | "seconds") =>
    run.rounds.length === 0 ? Number.NaN : run.rounds.reduce((sum, round) => sum + finiteOr(round[key], 0), 0);
  return {
    status: statusOf(run),
    rounds: finiteOr(finished?.rounds, run.rounds.at(-1)?.round ?? 0),
    plannedRounds: run.start?.rounds ?? Number.NaN,
    accuracy: finiteOr(finished?.accuracy, last?.accuracy ?? Number.NaN),
    loss: finiteOr(finished?.loss, last?.loss ?? Number.NaN),
    bestRound: Number.isFinite(bestAccuracy) ? finiteOr(finished?.bestRound, best.round) : Number.NaN,
    bestAccuracy,
    rmse: last?.rmse ?? Number.NaN,
    r2: last?.r2 ?? Number.NaN,
    bytesDown: finiteOr(finished?.bytesDown, total("bytesDown")),
    bytesUp: finiteOr(finished?.bytesUp, total("bytesUp")),
    seconds: finiteOr(finished?.seconds, total("seconds")),
    evaluationSeconds: run.evaluations.reduce((sum, evaluation) => sum + finiteOr(evaluation.seconds, 0), 0),
    modelHash: finished?.modelHash ?? "",
  };
}

function statusOf(run: RunHistory): ReportSummary["status"] {
  const end = classifyEnd(run);
  if (end !== "interrupted") return end;
  return run.stopped === undefined ? "unfinished" : "stopped";
}

/** Evaluations that the recent accuracy is the mean of. */
export const RECENT_EVALUATIONS = 3;

/** Mean accuracy (or error) of the last three evaluations, or of as many as there are: steadier than the last. NaN without any. */
export function recentQuality({ evaluations }: Pick<RunHistory, "evaluations">, quality: Quality = ACCURACY): number {
  const last = evaluations.slice(-RECENT_EVALUATIONS);
  return last.reduce((sum, evaluation) => sum + quality.of(evaluation), 0) / last.length;
}

/** Bytes uploaded in rounds 1 to n, as a function of n. */
export function uploadedBy(run: RunHistory): (round: number) => number {
  return sumUntil(run, ({ bytesUp }) => finiteOr(bytesUp, 0));
}

/**
 * Gradients of a mini-batch that the clients have computed in rounds 1 to n, as a function of n; those of clients that
 * failed are not known and not counted. NaN for runs of versions that did not count.
 */
export function gradientsBy(run: RunHistory): (round: number) => number {
  const perStep = run.start?.gradientsPerStep ?? Number.NaN;
  return sumUntil(run, ({ steps }) => (steps ?? Number.NaN) * perStep);
}

function sumUntil(run: RunHistory, amount: (round: RunHistory["rounds"][number]) => number): (round: number) => number {
  const sums: { round: number; sum: number }[] = [];
  let sum = 0;
  for (const round of run.rounds) {
    sum += amount(round);
    sums.push({ round: round.round, sum });
  }
  return (round) => {
    // the rounds ascend: a look at each of them for each of them would take a minute at 100,000
    let [from, to] = [0, sums.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (sums[middle]!.round <= round) from = middle + 1;
      else to = middle;
    }
    return sums[from - 1]?.sum ?? 0;
  };
}

/** When a run reached a target. */
export interface Reached {
  readonly round: number;
  /** Bytes uploaded until then. */
  readonly bytesUp: number;
  /** Simulated time from the start of the run; NaN without [devices]. */
  readonly simulatedSeconds: number;
}

/** The first evaluated round that reaches a target. */
export function firstReaching(run: RunHistory, target: number, quality: Quality = ACCURACY): Reached | undefined {
  const evaluation = run.evaluations.find((candidate) => quality.reaches(quality.of(candidate), target));
  if (evaluation === undefined) return undefined;
  const { round } = evaluation;
  const simulatedSeconds = run.rounds.find((one) => one.round === round)?.simulatedSeconds ?? Number.NaN;
  return { round, bytesUp: uploadedBy(run)(round), simulatedSeconds };
}

/** The first evaluation of the highest accuracy; NaN without any. */
export function bestEvaluation(run: Pick<RunHistory, "evaluations">): { round: number; accuracy: number } {
  const { round, value } = bestQuality(run, ACCURACY);
  return { round, accuracy: value };
}

/** The first evaluation of the best value; NaN without any. */
export function bestQuality(
  run: Pick<RunHistory, "evaluations">,
  quality: Quality,
): { readonly round: number; readonly value: number } {
  let best = { round: Number.NaN, value: Number.NaN };
  for (const evaluation of run.evaluations) {
    const value = quality.of(evaluation);
    if (!Number.isFinite(value)) continue;
    const isBetter = Number.isNaN(best.value) || (value !== best.value && quality.reaches(value, best.value));
    if (isBetter) best = { round: evaluation.round, value };
  }
  return best;
}

/** The value where it is a finite number, else the other one. */
export function finiteOr(value: number | undefined, otherwise: number): number {
  return value !== undefined && Number.isFinite(value) ? value : otherwise;
}
