/** Reputations of clients in the state of a server, which checkpoints keep in float64. */
import { noReputations, type Reputations } from "../aggregation/reputation.ts";
import type { ServerState } from "./algorithm.ts";

/** Names of the vectors with r and with 1 for clients that were not removed, [clients]; absent before the first round. */
const [REPUTATION, REPUTABLE] = ["reputation", "reputable"] as const;
/** Updates of the server so far. */
const ROUNDS = "reputationRounds";

/** What a state says of so many clients. */
export function reputationsOf({ vectors, scalars }: ServerState, population: number): Reputations {
  const [values, reputable] = [vectors[REPUTATION], vectors[REPUTABLE]];
  if (values === undefined || reputable === undefined) return noReputations(population);
  return {
    round: scalars[ROUNDS]!,
    values: Array.from(values),
    reputable: Array.from(reputable).flatMap((is, client) => (is === 1 ? [client] : [])),
  };
}

/** The part of a state that holds reputations. */
export function reputationState({ round, values, reputable }: Reputations) {
  const left = new Set(reputable);
  return {
    vectors: {
      [REPUTATION]: Float64Array.from(values),
      [REPUTABLE]: Float64Array.from(values, (_, client) => (left.has(client) ? 1 : 0)),
    },
    scalars: { [ROUNDS]: round },
  };
}
