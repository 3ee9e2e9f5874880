/**
 * FedSpine-style control: the clients of each class of devices learn together, by UCB1 on a grid of choices, which share of
 * the hidden units to leave out and which rank to train. A choice is rewarded for how much the loss fell, less how long it took.
 *
 * Citation: Z. Yao et al., "Efficient Deployment of Large Language Models on Resource-constrained Devices" (FedSpine), 2025,
 * arXiv:2501.02438, section 3.3. A reconstruction: its bandit S-UCB is not described in full, so cells are fixed and each
 * term of a reward is standardized over the cohort.
 */
import { type Choices, reward, upperConfidence } from "./bandit.ts";

/** What a class of devices knows of each cell, by class. */
export type ClassChoices = readonly Choices[];

/**
 * Nothing tried yet.
 *
 * @example
 * ```ts
 * import { untried } from "@anabranch/core";
 * untried(1, 2); // => [{ means: [0, 0], counts: [0, 0] }]
 * ```
 */
export function untried(classes: number, cells: number): ClassChoices {
  const zeros = () => Array.from({ length: cells }, () => 0);
  return Array.from({ length: classes }, () => ({ means: zeros(), counts: zeros() }));
}

/**
 * The cell of every client in the next round. Clients of a class, which is their number modulo that of the classes, choose one
 * after the other, as if the choices before had been tried and had the mean that is known.
 *
 * @param exploration c of UCB1
 * @example
 * ```ts
 * import { choicesOfClients, untried } from "@anabranch/core";
 * choicesOfClients(untried(2, 3), 6, 0.5); // => [0, 0, 1, 1, 2, 2]
 * ```
 */
export function choicesOfClients(known: ClassChoices, population: number, exploration: number): number[] {
  const asIf = known.map(({ means, counts }) => ({ means, counts: [...counts] }));
  return Array.from({ length: population }, (_, client) => {
    const { means, counts } = asIf[client % asIf.length]!;
    const tries = counts.reduce((sum, count) => sum + count, 0);
    const { choice } = upperConfidence({ means, counts }, tries, exploration);
    counts[choice]!++;
    return choice;
  });
}

/** What a client of a round did. */
export interface SpineOutcome {
  readonly client: number;
  readonly cell: number;
  /** How much its loss fell. */
  readonly gain: number;
  /** How long it took, in any unit. */
  readonly time: number;
}

/**
 * What is known after a round: reward = z(gain) - timeWeight z(time), each standardized over the clients of the round.
 *
 * @example
 * ```ts
 * import { learnedChoices, untried } from "@anabranch/core";
 * const outcomes = [{ client: 0, cell: 0, gain: 1, time: 2 }, { client: 1, cell: 1, gain: 3, time: 2 }];
 * learnedChoices(untried(1, 2), outcomes, 1)[0]?.means; // => [-1, 1]
 * ```
 */
export function learnedChoices(
  known: ClassChoices,
  outcomes: readonly SpineOutcome[],
  timeWeight: number,
): ClassChoices {
  const gains = standardized(outcomes.map(({ gain }) => gain));
  const times = standardized(outcomes.map(({ time }) => time));
  return outcomes.reduce<ClassChoices>((all, { client, cell }, k) => {
    const own = client % all.length;
    return all.with(own, reward(all[own]!, cell, gains[k]! - timeWeight * times[k]!));
  }, known);
}

/** (v - mean) / deviation; zeros where all are alike, up to rounding. */
function standardized(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  const size = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return values.map((value) => (deviation <= 1e-12 * size ? 0 : (value - mean) / deviation));
}
