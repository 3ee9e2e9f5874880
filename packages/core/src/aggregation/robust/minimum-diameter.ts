/**
 * Minimum-diameter averaging: the mean of the n - f updates that lie closest together.
 *
 * Citation: E. M. El Mhamdi, R. Guerraoui, S. Rouault. "The Hidden Vulnerability of Distributed Learning in Byzantium".
 * ICML 2018, arXiv:1802.07927; as ByzFL's MDA.
 *
 * Rule: of all sets of n - f updates the one of least diameter, the first in lexicographic order; its mean.
 * Search: a diameter t is possible if all pairs farther apart than t are covered by f updates. That is a vertex cover of
 * size f, found by branching on an update of most such pairs: time grows with f, not with the number of subsets.
 */
import { type Distances, squaredDistances } from "./distances.ts";
import type { Chosen } from "./krum.ts";
import type { Passes, UpdateSet } from "./passes.ts";
import { meanOf } from "./weighted-sum.ts";

export function* minimumDiameter(set: UpdateSet, byzantine: number): Passes<Chosen> {
  const selected = closestSubset(yield* squaredDistances(set), byzantine);
  return { selected, aggregate: yield* meanOf(set, selected) };
}

/** The n - f places of least diameter, the first in lexicographic order. */
export function closestSubset(distances: Distances, byzantine: number): number[] {
  const diameters = [0, ...distances.flatMap((row, i) => [...row.slice(i + 1)])].sort((a, b) => a - b);
  let [low, high] = [0, diameters.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isCoverable(distances, diameters[middle]!, new Set(), new Set(), byzantine)) high = middle;
    else low = middle + 1;
  }
  const limit = diameters[low]!;
  const kept = new Set<number>();
  const removed = new Set<number>();
  for (let place = 0; place < distances.length; place++) {
    kept.add(place);
    const conflict =
      kept.size > distances.length - byzantine || !isCoverable(distances, limit, kept, removed, byzantine);
    if (!conflict) continue;
    kept.delete(place);
    removed.add(place);
  }
  return [...kept];
}

/** Whether at most `most` places, `removed` among them and `kept` not, cover all pairs farther apart than `limit`. */
function isCoverable(
  distances: Distances,
  limit: number,
  kept: ReadonlySet<number>,
  removed: ReadonlySet<number>,
  most: number,
): boolean {
  if (removed.size > most) return false;
  let widest: number[] = [];
  let centre = -1;
  for (let i = 0; i < distances.length; i++) {
    if (removed.has(i)) continue;
    const far = distances.flatMap((_, j) => (j !== i && !removed.has(j) && distances[i]![j]! > limit ? [j] : []));
    if (kept.has(i) && far.some((j) => kept.has(j))) return false;
    if (far.length > widest.length) [widest, centre] = [far, i];
  }
  if (centre < 0) return true;
  // any cover has this place, or all that are far from it
  if (!kept.has(centre) && isCoverable(distances, limit, kept, new Set([...removed, centre]), most)) return true;
  if (widest.some((j) => kept.has(j))) return false;
  return isCoverable(distances, limit, new Set([...kept, centre]), new Set([...removed, ...widest]), most);
}
