/**
 * The server half of FedoSSL: centroids of all clients from theirs, and which class each one is of.
 *
 * Citation: J. Zhang, X. Ma, S. Guo, W. Xu, "Towards Unbiased Training in Federated Open-world Semi-supervised Learning",
 * ICML 2023, arXiv:2305.00771; the clustering is that of Orchestra (E. S. Lubana, C. I. Tang, F. Kawsar, R. P. Dick,
 * A. Mathur, ICML 2022, arXiv:2205.11506).
 *
 *   p_i = softmax(Z_i G^T / T);  a_i: balanced assignment of exp(lambda Z_i G^T);  G <- G + eta d mean_i cos(p_i, a_i) / dG
 */
import { balancedAssignment } from "./balanced-assignment.ts";
import { SHARPNESS } from "./local-centroids.ts";

export interface CentroidFit {
  /** T, of the softmax. */
  readonly temperature: number;
  readonly learningRate: number;
  readonly steps: number;
}

/** As published. */
const PUBLISHED: CentroidFit = { temperature: 0.1, learningRate: 0.01, steps: 500 };

/** Passes of balancing for each step. */
const PASSES = 10;

type Rows = readonly (readonly number[])[];

/**
 * Centroids fitted to points by gradient steps, which make softmax outputs like balanced assignments. Rows have length 1.
 *
 * @param points [m][q], rows of length 1
 * @param start [C][q]
 * @example
 * ```ts
 * import { globalCentroids } from "@anabranch/core";
 * const fit = { temperature: 0.1, learningRate: 0.1, steps: 100 };
 * const found = globalCentroids([[1, 0], [0, 1]], [[0.8, 0.6], [0.6, 0.8]], fit);
 * found.map((row) => row.map((x) => Math.round(x))); // => [[1, 0], [0, 1]]
 * ```
 */
export function globalCentroids(
  points: Rows,
  start: Rows,
  { temperature, learningRate, steps } = PUBLISHED,
): number[][] {
  let centroids = start.map(unit);
  for (let step = 0; step < steps; step++) {
    const cosines = points.map((point) => centroids.map((centroid) => product(point, centroid)));
    const wanted = balancedAssignment(cosines, { epsilon: 1 / SHARPNESS, iterations: PASSES });
    const slopes = cosines.map((row, i) => slopeOf(softmaxOf(row, temperature), wanted[i]!));
    const rate = learningRate / (temperature * points.length);
    centroids = centroids.map((centroid, c) => {
      const next = [...centroid];
      for (const [i, point] of points.entries())
        for (let j = 0; j < next.length; j++) next[j]! += rate * slopes[i]![c]! * point[j]!;
      return unit(next);
    });
  }
  return centroids;
}

/** How cos(p, a) changes with the inputs of the softmax p, [C]. */
function slopeOf(p: readonly number[], a: readonly number[]): number[] {
  const [pp, aa, pa] = [product(p, p), product(a, a), product(p, a)];
  const length = Math.sqrt(pp * aa);
  const toP = p.map((value, c) => a[c]! / length - (pa / length / pp) * value);
  const mean = product(p, toP);
  return p.map((value, c) => value * (toP[c]! - mean));
}

function softmaxOf(scores: readonly number[], temperature: number): number[] {
  const most = scores.reduce((x, y) => Math.max(x, y));
  const parts = scores.map((score) => Math.exp((score - most) / temperature));
  const total = parts.reduce((x, y) => x + y);
  return parts.map((part) => part / total);
}

/**
 * The centroids in the order of the classes: each class whose mean is known takes the nearest by cosine, the nearest pair
 * first; the other classes take what is left, in its order.
 *
 * @param centroids [C][q]
 * @param means of the classes of which labels are known; undefined for the others
 * @example
 * ```ts
 * import { centroidsByClass } from "@anabranch/core";
 * centroidsByClass([[1, 0], [0, 1]], [[0, 5], undefined]); // => [[0, 1], [1, 0]]
 * ```
 */
export function centroidsByClass(centroids: Rows, means: readonly (readonly number[] | undefined)[]): number[][] {
  const pairs = means.flatMap((mean, c) =>
    mean === undefined ? [] : centroids.map((row, k) => ({ c, k, cosine: product(unit(mean), unit(row)) })),
  );
  pairs.sort((a, b) => b.cosine - a.cosine || a.c - b.c || a.k - b.k);
  const taken = new Map<number, number>();
  const free = new Set(centroids.keys());
  for (const { c, k } of pairs) {
    if (taken.has(c) || !free.has(k)) continue;
    taken.set(c, k);
    free.delete(k);
  }
  const rest = [...free];
  return means.map((_, c) => [...centroids[taken.get(c) ?? rest.shift()!]!]);
}

function unit(row: readonly number[]): number[] {
  const length = Math.sqrt(product(row, row)) || 1;
  return row.map((value) => value / length);
}

function product(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
  return sum;
}
