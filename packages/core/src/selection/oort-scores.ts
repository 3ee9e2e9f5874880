/**
 * Scores of clients by how useful and how fast they are.
 *
 * Citation: F. Lai, X. Zhu, H. V. Madhyastha, M. Chowdhury, "Oort: Efficient Federated Learning via Guided Participant
 * Selection", OSDI 2021, arXiv:2010.06081. Constants and rounding follow its released code.
 */
import { minMax, shares } from "./min-max.ts";

/** What is known of a client. */
export interface OortClient {
  /** Statistical utility of its newest training. */
  readonly utility: number;
  /** Round of its newest training, 1-based; null: it was never tried. */
  readonly lastRound: number | null;
  /** Of an order, in seconds. */
  readonly duration: number;
}

export interface OortSettings {
  /** Share of the cohort that explores clients which were never tried. */
  readonly epsilon: number;
  /** Percentile of all durations that is preferred; 100: any. */
  readonly pacerPercentile: number;
  /** Percentile at which utilities are clipped. */
  readonly clipPercentile: number;
  /** Exponent of the penalty for slow clients. */
  readonly alpha: number;
  /** Share of the score of the last exploited client that is enough to be drawn. */
  readonly cutoff: number;
}

export interface OortScores {
  /** T; null: none. */
  readonly preferredDuration: number | null;
  /** Of tried clients, in their order. */
  readonly scores: readonly number[];
  /** Clients of the cohort that were tried, and that were not. */
  readonly exploit: number;
  readonly explore: number;
  /** The score that is enough. */
  readonly cutoff: number;
  /** Of the first draw among tried clients, in their order. */
  readonly probabilities: readonly number[];
}

/** Scores of the clients in `round` (1-based) for a cohort of `count`. */
export function oortScores(
  clients: readonly OortClient[],
  round: number,
  count: number,
  { epsilon, pacerPercentile, clipPercentile, alpha, cutoff: share }: OortSettings,
): OortScores {
  const durations = ascending(clients.map(({ duration }) => duration));
  const preferred = pacerPercentile >= 100 ? null : (percentile(durations, pacerPercentile) ?? null);
  const tried = clients.flatMap((client) => (client.lastRound === null ? [] : [{ ...client, last: client.lastRound }]));
  const utilities = tried.map(({ utility }) => utility);
  const most = percentile(ascending(utilities), clipPercentile) ?? 0;
  const useful = minMax(utilities.map((utility) => Math.min(utility, most)));
  const scores = tried.map(({ last, duration }, i) => {
    return (useful[i]! + Math.sqrt((0.1 * Math.log(round)) / last)) * slowness(duration, preferred, alpha);
  });
  const exploit = Math.floor((1 - epsilon) * count);
  const descending = ascending(scores).reverse();
  const lowest = descending[Math.min(exploit, descending.length) - 1] ?? 0;
  const cutoff = share * lowest;
  const probabilities = shares(scores.map((score) => (score >= cutoff ? score : 0)));
  return { preferredDuration: preferred, scores, exploit, explore: count - exploit, cutoff, probabilities };
}

/** A client's duration beyond the preferred one makes it less useful: (T / t)^alpha, 1 up to T. */
export function slowness(duration: number, preferred: number | null, alpha: number): number {
  return preferred !== null && duration > preferred ? (preferred / duration) ** alpha : 1;
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

/** The value of a sorted list at index floor(n p / 100), at most the last one. */
function percentile(sorted: readonly number[], percent: number): number | undefined {
  return sorted[Math.min(Math.floor((sorted.length * percent) / 100), sorted.length - 1)];
}
