import type { Directions } from "./directions.ts";

/** A direction for each local step, as plain data. */
export interface DirectionDraw {
  readonly kind: "direction";
  readonly directions: Directions;
  /** K: each step picks one of so many. Absent: a step has the direction (round, client, step), all from 0. */
  readonly pool?: number;
  /** Vector of the broadcast with the probability of each pick, [K]. Default: all alike. */
  readonly probabilities?: string;
  /** Picks of the steps by round and client, for traces. Default: drawn. */
  readonly picks?: readonly Readonly<Record<number, readonly number[]>>[];
}
