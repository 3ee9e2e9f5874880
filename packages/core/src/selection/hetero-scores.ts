/**
 * Scores of clients by the value, diversity, fairness and freshness of what they would bring.
 *
 * Citation: M. A. Masud, M. A. Jahin, M. M. Hasan, "HeteRo-Select", 2025, arXiv:2508.06692. Terms and constants are those of
 * its second version and the released code; the first version leaves the weights open.
 */
import { smallest } from "@anabranch/engine";
import { minMax, shares } from "./min-max.ts";

/** What is known of a client. */
export interface HeteroClient {
  /** Mean loss on its data. */
  readonly loss: number;
  /** How often it was selected. */
  readonly count: number;
  /** Round of its newest training, 1-based; null: none. */
  readonly lastRound: number | null;
  /** Cosine between its newest update and the mean direction of updates; null: not known. */
  readonly cosine: number | null;
  /** Time of its newest order, 0: not known. Present: it counts in place of staleness. */
  readonly seconds?: number;
}

export interface HeteroScores {
  readonly value: readonly number[];
  readonly diversity: readonly number[];
  readonly fairness: readonly number[];
  /** Or speed. */
  readonly staleness: readonly number[];
  readonly scores: readonly number[];
  readonly temperature: number;
  /** Of the first draw: proportional to exp(score / temperature). */
  readonly probabilities: readonly number[];
}

/** Weights of diversity, fairness and staleness beside the value's 1. */
const [DIVERSITY, FAIRNESS, STALENESS] = [0.3, 0.2, 0.2];
const STALENESS_GROWTH = 0.5;
const UNKNOWN_DIVERSITY = 0.5;
/** By how much the temperature falls over a run. */
const COOLING = 0.5;

/** Scores of the clients in `round` (1-based) of `rounds`; `temperature`: of the draw in the beginning. */
export function heteroScores(
  clients: readonly HeteroClient[],
  round: number,
  rounds: number,
  temperature = 1,
): HeteroScores {
  const meanCount = clients.reduce((sum, { count }) => sum + count, 0) / clients.length;
  const value = minMax(clients.map(({ loss }) => loss));
  const diversity = clients.map(({ cosine }) => (cosine === null ? UNKNOWN_DIVERSITY : clamp(1 - cosine, 0, 1)));
  const fairness = clients.map(({ count }) => (meanCount > 0 ? clamp(1 - count / meanCount, -1, 1) : 1));
  const quickest = smallest(clients.flatMap(({ seconds = 0 }) => (seconds > 0 ? [seconds] : [])));
  const staleness = minMax(
    clients.map(({ lastRound, seconds }) => {
      if (seconds === undefined) return STALENESS_GROWTH * Math.log(1 + round - (lastRound ?? 0));
      return -Math.log(seconds > 0 ? seconds / quickest : 1);
    }),
  );
  const scores = minMax(
    value.map((own, i) => own + DIVERSITY * diversity[i]! + FAIRNESS * fairness[i]! + STALENESS * staleness[i]!),
  );
  const now = temperature * (1 - (COOLING * round) / rounds);
  const probabilities = shares(scores.map((score) => Math.exp(score / now)));
  return { value, diversity, fairness, staleness, scores, temperature: now, probabilities };
}

/** The cosine of the angle between two vectors; null where one is 0. */
export function cosineOf(a: ArrayLike<number>, b: ArrayLike<number>): number | null {
  let [product, first, second] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!;
    first += a[i]! * a[i]!;
    second += b[i]! * b[i]!;
  }
  return first > 0 && second > 0 ? product / Math.sqrt(first * second) : null;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
