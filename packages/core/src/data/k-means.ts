import { AnabranchError } from "@anabranch/engine";

/** Points in groups. */
export interface Clusters {
  /** Cluster of each point, [n]. */
  readonly labels: Int32Array;
  /** [k][d] */
  readonly centres: readonly Float64Array[];
}

/** Passes until the search is given up; distances fall in each, so labels repeat far earlier. */
const MAX_PASSES = 1000;

/**
 * Lloyd's k-means from given centres, until no point changes its cluster. A point goes to its nearest centre, of equally
 * near ones to the first; a cluster without points keeps its centre.
 *
 * S. P. Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28 (1982).
 *
 * @param points equally long
 * @throws `data/clusters` without centres, or for points of another length than theirs
 * @example
 * ```ts
 * import { kMeans } from "@anabranch/core";
 * const points = [0, 1, 9].map((x) => Float64Array.of(x));
 * Array.from(kMeans(points, [points[0]!, points[1]!]).labels); // => [0, 0, 1]
 * ```
 */
export function kMeans(points: readonly ArrayLike<number>[], first: readonly ArrayLike<number>[]): Clusters {
  const size = first[0]?.length ?? 0;
  if (size === 0 || [...points, ...first].some(({ length }) => length !== size)) throw noClusters(first.length, size);
  const centres = first.map((centre) => Float64Array.from(centre));
  let labels = new Int32Array(points.length).fill(-1);
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const next = Int32Array.from(points, (point) => nearest(point, centres));
    const settled = next.every((label, i) => label === labels[i]);
    labels = next;
    if (settled) break;
    moveCentres(points, labels, centres);
  }
  return { labels, centres };
}

function nearest(point: ArrayLike<number>, centres: readonly Float64Array[]): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const [k, centre] of centres.entries()) {
    let distance = 0;
    for (let j = 0; j < centre.length; j++) distance += (point[j]! - centre[j]!) ** 2;
    if (!(distance < least)) continue;
    least = distance;
    best = k;
  }
  return best;
}

function moveCentres(points: readonly ArrayLike<number>[], labels: Int32Array, centres: readonly Float64Array[]): void {
  for (const [k, centre] of centres.entries()) {
    const members = points.filter((_, i) => labels[i] === k);
    if (members.length === 0) continue;
    for (let j = 0; j < centre.length; j++) {
      centre[j] = members.reduce((sum, point) => sum + point[j]!, 0) / members.length;
    }
  }
}

function noClusters(centres: number, size: number): AnabranchError {
  return new AnabranchError({
    code: "data/clusters",
    message: "points cannot be clustered around these centres",
    received: `${centres} centres, the first with ${size} coordinates`,
    expected: "one centre or more, each with as many coordinates as every point",
  });
}
