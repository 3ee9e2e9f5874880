import { type RandomKey, randomStream, sampleWithoutReplacement } from "../random/index.ts";

/** In which part of a round clients stop: before they send their updates, or after, before these are averaged. */
export const churnMoments = ["training", "averaging"] as const;

export interface ChurnSettings {
  /** Fraction of the clients that stop. */
  readonly share: number;
  /** Round (1-based) in which they stop, all at once. */
  readonly from: number;
  /** Last round in which they are away; absent: they never come back. */
  readonly until?: number | undefined;
  readonly during: (typeof churnMoments)[number];
}

/** Simulated clients that stop answering. */
export interface Churn {
  /** Their numbers, ascending. */
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

/** How many of a population stop. */
export function stopping(population: number, { share }: Pick<ChurnSettings, "share">): number {
  return Math.round(share * population);
}

/** Everyone answers. */
export const noChurn: Churn = { clients: [], answers: () => true, answersAfter: () => true };
