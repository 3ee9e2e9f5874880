/**
 * Krum and Multi-Krum: the updates in the densest neighbourhood.
 *
 * Citation: P. Blanchard, E. M. El Mhamdi, R. Guerraoui, J. Stainer. "Machine Learning with Adversaries: Byzantine Tolerant
 * Gradient Descent". NeurIPS 2017, arXiv:1703.02757.
 *
 * Rule: score_i = sum of the n - f - 2 smallest squared distances of x_i to the others (at least one). Krum returns the
 * update of the lowest score, Multi-Krum the mean of the m lowest. Equal scores: the lower index.
 * Cost: n(n-1)/2 distances of d elements.
 * Differences: the iterative form of Multi-Krum (choose, remove, score anew until 2f + 2 remain) is that of V. Shejwalkar and
 * A. Houmansadr, NDSS 2021.
 */
import { ascending, type Distances, squaredDistances } from "./distances.ts";
import type { Passes, UpdateSet } from "./passes.ts";
import type { MultiKrum } from "./rule.ts";
import { meanOf } from "./weighted-sum.ts";

/** What Krum and its relatives return: scores are those of the first choice. */
export interface Chosen {
  readonly aggregate: Float64Array<ArrayBuffer>;
  readonly selected: readonly number[];
  readonly scores?: readonly number[];
}

export function* krum(set: UpdateSet, byzantine: number, neighbours?: number): Passes<Chosen> {
  return yield* multiKrum(set, { name: "multi-krum", byzantine, neighbours, average: 1 });
}

export function* multiKrum(set: UpdateSet, { byzantine, neighbours, average, mode }: MultiKrum): Passes<Chosen> {
  const { count } = set;
  const distances = yield* squaredDistances(set);
  if (mode === "iterative") {
    const selected = chooseRepeatedly(distances, byzantine, count - 2 * byzantine - 2, neighbours);
    return { selected, aggregate: yield* meanOf(set, selected) };
  }
  const everyone = Array.from({ length: count }, (_, place) => place);
  const scores = krumScores(distances, everyone, neighbours ?? count - byzantine - 2);
  const selected = ascending(scores).slice(0, average ?? count - byzantine - 2);
  return { scores, selected, aggregate: yield* meanOf(set, selected) };
}

/** Takes the update of the lowest score and scores the rest anew, `times` times. */
export function chooseRepeatedly(
  distances: Distances,
  byzantine: number,
  times: number,
  neighbours?: number,
): number[] {
  const remaining = distances.map((_, place) => place);
  const selected: number[] = [];
  while (selected.length < times) {
    const near = Math.min(neighbours ?? Number.POSITIVE_INFINITY, remaining.length - byzantine - 2);
    const scores = krumScores(distances, remaining, near);
    selected.push(...remaining.splice(ascending(scores)[0]!, 1));
  }
  return selected;
}

/** Scores of the updates at `places` among themselves, in their order. */
export function krumScores(distances: Distances, places: readonly number[], neighbours: number): number[] {
  const near = Math.min(Math.max(1, neighbours), places.length - 1);
  return places.map((place) => {
    const others = Float64Array.from(
      places.filter((other) => other !== place),
      (other) => distances[place]![other]!,
    ).sort();
    let score = 0;
    for (let k = 0; k < near; k++) score += others[k]!;
    return score;
  });
}
