import { deriveKey, type RandomKey, randomStream, sampleWithoutReplacement } from "../random/index.ts";

/** In which part of a round clients stop: before they send their updates, or after, before these are averaged. */
export const churnMoments = ["training", "averaging"] as const;

/** How often the clients that stop are drawn: once, or anew in each round, in which case they are back in the next. */
export const churnDraws = ["run", "round"] as const;

export interface ChurnSettings {
  /** Fraction of the clients that stop; in each round the probability of each client. */
  readonly share: number;
  /** Round (1-based) in which they stop, all at once. */
  readonly from: number;
  /** Last round in which they are away; absent: they never come back. */
  readonly until?: number | undefined;
  readonly during: (typeof churnMoments)[number];
}

/** Simulated clients that stop answering. */
export interface Churn {
  /** Numbers of those that stop together, ascending; none where they are drawn in each round. */
  readonly clients: readonly number[];
  /** Whether a client answers when a round begins. */
  answers(client: number, round: number): boolean;
  /** Whether it answers when clients of the round have trained. */
  answersAfter(client: number, round: number): boolean;
}

/**
 * Clients drawn from a key, see `churnOf`.
 *
 * @example drawnChurn(100, { share: 0.8, from: 10, during: "training" }, key).clients.length // 80
 */
export function drawnChurn(population: number, settings: ChurnSettings, key: RandomKey): Churn {
  const drawn = sampleWithoutReplacement(randomStream(key), population, stopping(population, settings));
  return churnOf(
    Array.from(drawn).sort((a, b) => a - b),
    settings,
  );
}

/**
 * Clients who stop in one round and may come back in a later one. All of them still answer when the round begins in which
 * they stop.
 *
 * @example churnOf([3], { from: 2, during: "training" }).answersAfter(3, 2) // false
 */
export function churnOf(
  clients: readonly number[],
  { from, until = Number.POSITIVE_INFINITY, during }: Omit<ChurnSettings, "share">,
): Churn {
  const stops = new Set(clients);
  const last = during === "training" ? from - 1 : from;
  return {
    clients,
    answers: (client, round) => !stops.has(client) || round <= from || round > until,
    answersAfter: (client, round) => !stops.has(client) || round <= last || round > until,
  };
}

/**
 * Each client stops in each round with the probability `share`, after it was asked for its update, and is back in the next.
 * FedPEFT calls that the stability of clients (G. Sun et al., 2022, arXiv:2210.01708).
 *
 * @example unsteadyChurn({ share: 0.5, from: 1 }, key).answers(3, 7) // true
 */
export function unsteadyChurn(
  { share, from, until = Number.POSITIVE_INFINITY }: Omit<ChurnSettings, "during">,
  key: RandomKey,
): Churn {
  const stops = (client: number, round: number) =>
    randomStream(deriveKey(key, round, client)).uint32() < share * 2 ** 32;
  return {
    clients: [],
    answers: () => true,
    answersAfter: (client, round) => round < from || round > until || !stops(client, round),
  };
}

/** How many of a population stop. */
export function stopping(population: number, { share }: Pick<ChurnSettings, "share">): number {
  return Math.round(share * population);
}

/** Everyone answers. */
export const noChurn: Churn = { clients: [], answers: () => true, answersAfter: () => true };
