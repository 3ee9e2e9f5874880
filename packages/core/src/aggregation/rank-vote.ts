/**
 * FRL: clients vote on the order of importance of the parameters of a layer, and the server adds the places up (H. Mozaffari,
 * V. Shejwalkar, A. Houmansadr, "Every Vote Counts: Ranking-Based Training of Federated Learning to Resist Poisoning Attacks",
 * USENIX Security 2023, arXiv 2110.04350). The vote is a sum of integers. One voter moves a sum by n - 1 at most.
 *
 * A ranking lists the n parameters of a layer, the least important first. Equal sums: the lower index is less important.
 */

/** Indices in ascending order of their values, ties by index: argsort. */
export function ascendingOrder(values: ArrayLike<number>): Int32Array {
  return Int32Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]! || a - b);
}

/** Place of each parameter in a ranking, [n]. @example positionsOf([2, 0, 3, 1]) // [1, 3, 0, 2] */
export function positionsOf(ranking: ArrayLike<number>): Int32Array {
  const positions = new Int32Array(ranking.length);
  for (let j = 0; j < ranking.length; j++) positions[ranking[j]!] = j;
  return positions;
}

/** Sum of the places that voters give each parameter, [n]. @param positions of each voter, [voters][n] */
export function voteSums(positions: readonly ArrayLike<number>[]): Float64Array {
  const sums = new Float64Array(positions[0]!.length);
  for (const places of positions) for (let i = 0; i < sums.length; i++) sums[i]! += places[i]!;
  return sums;
}

/** The ranking that the voters have chosen together, from `voteSums`. */
export const electedRanking = ascendingOrder;

/** The scores of the next round, [n]: the place of a parameter in the ranking decides which of the first scores it has. */
export function scoresByRank(ranking: ArrayLike<number>, initialScores: ArrayLike<number>): Float64Array {
  const ascending = Float64Array.from(initialScores).sort();
  const scores = new Float64Array(ranking.length);
  for (let j = 0; j < ranking.length; j++) scores[ranking[j]!] = ascending[j]!;
  return scores;
}

/** How many of n parameters are kept: keep * n, rounded to the nearest integer, halves to the even one. */
export function keptCount(keep: number, n: number): number {
  const product = keep * n;
  const below = Math.floor(product);
  const rest = product - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

/** 1 for the parameters in the top share of a ranking, else 0, [n]. @param keep share that is kept */
export function topMask(ranking: ArrayLike<number>, keep: number): Uint8Array {
  const n = ranking.length;
  const mask = new Uint8Array(n);
  for (let j = n - keptCount(keep, n); j < n; j++) mask[ranking[j]!] = 1;
  return mask;
}

/** What colluders send instead of their rankings: the reverse of their common vote. @param positions of each, [m][n] */
export function reversedVote(positions: readonly ArrayLike<number>[]): Int32Array {
  return ascendingOrder(voteSums(positions).map((sum) => -sum));
}
