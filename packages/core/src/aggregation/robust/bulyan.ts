/**
 * Bulyan: choose by Krum again and again, then average per coordinate what lies nearest to the median of the chosen.
 *
 * Citation: E. M. El Mhamdi, R. Guerraoui, S. Rouault. "The Hidden Vulnerability of Distributed Learning in Byzantium".
 * ICML 2018, arXiv:1802.07927.
 *
 * Rule: theta = n - 2f updates are chosen one by one, each by Krum among those that remain, with max(1, remaining - f - 2)
 * neighbours. Per coordinate: the mean of the theta - 2f chosen values nearest to their median (ties: chosen earlier).
 * Late choices have one neighbour. Two updates that are nearest to each other then tie exactly, so the result depends on
 * the order of the updates.
 */
import { nearestToCentre } from "./coordinates.ts";
import { squaredDistances } from "./distances.ts";
import { type Chosen, chooseRepeatedly } from "./krum.ts";
import { type Passes, pick, type UpdateSet } from "./passes.ts";

export function* bulyan(set: UpdateSet, byzantine: number): Passes<Chosen> {
  const theta = set.count - 2 * byzantine;
  const selected = chooseRepeatedly(yield* squaredDistances(set), byzantine, theta);
  const aggregate = yield* nearestToCentre(pick(set, selected), { keep: theta - 2 * byzantine, trim: undefined });
  return { selected, aggregate };
}
