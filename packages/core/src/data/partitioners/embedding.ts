import { AnabranchError, type HostTensor } from "@anabranch/engine";
import { deriveKey, type RandomStream, randomStream } from "../../random/index.ts";
import { kMeans } from "../k-means.ts";
import type { Partitioner } from "../partition.ts";
import { dirichletDisjoint } from "./dirichlet-disjoint.ts";

export interface EmbeddingSkewOptions {
  /** Groups of similar examples. */
  readonly clusters: number;
  /** Concentration of the Dirichlet distribution by which each group is divided among clients. */
  readonly alpha: number;
  /** Examples that every client must hold. */
  readonly minimumSize: number;
}

/** Longest vectors that are clustered; longer ones are projected. */
const DIMENSIONS = 64;

/**
 * Skew by what examples look like, for tasks without classes: examples are clustered by k-means, and every cluster is
 * divided by Dirichlet shares as `dirichletDisjoint` divides a class. Vectors of more than 64 numbers are first projected
 * to 64 by random signs, and the first centres are those of k-means++, both from the run's seed.
 *
 * M. Borazjani et al., "Redefining non-IID Data in Federated Learning for Computer Vision Tasks", 2025, arXiv 2503.14553,
 * who cluster the outputs of a pre-trained network; here they are the features as they are, or what is passed as features.
 *
 * @throws `partition/features` without features, and what `dirichletDisjoint` throws
 * @example
 * ```ts
 * import { embeddingSkew, rootKey } from "@anabranch/core";
 * const features = { dtype: "float", shape: [4, 1], data: Float32Array.of(0, 9, 0, 9) } as const;
 * const scheme = embeddingSkew({ clusters: 2, alpha: 1e9, minimumSize: 1 });
 * const context = { key: rootKey(1), classes: 1, clients: 2, features };
 * scheme.partition(new Uint8Array(4), context).clients.map((rows) => rows.length); // => [2, 2]
 * ```
 */
export function embeddingSkew({ clusters, ...options }: EmbeddingSkewOptions): Partitioner {
  return {
    name: "embedding",
    reads: "features",
    partition(_labels, context) {
      const { features, key } = context;
      if (features === undefined || clusters > features.shape[0]!) throw noFeatures(features, clusters);
      const stream = randomStream(deriveKey(key, "embedding"));
      const points = projected(rowsOf(features), stream);
      const { labels } = kMeans(points, firstCentres(points, clusters, stream));
      return dirichletDisjoint(options).partition(labels, { ...context, classes: clusters });
    },
  };
}

function rowsOf({ shape, data }: HostTensor): Float64Array[] {
  const [count = 0] = shape;
  const size = data.length / Math.max(1, count);
  return Array.from({ length: count }, (_, i) => Float64Array.from(data.subarray(i * size, (i + 1) * size)));
}

/** Random signs keep the distances of points nearly as they are. */
function projected(points: readonly Float64Array[], stream: RandomStream): readonly Float64Array[] {
  const size = points[0]?.length ?? 0;
  if (size <= DIMENSIONS) return points;
  const signs = Int8Array.from({ length: DIMENSIONS * size }, () => (stream.float() < 0.5 ? -1 : 1));
  return points.map((point) => {
    return Float64Array.from({ length: DIMENSIONS }, (_, k) => {
      let sum = 0;
      for (let j = 0; j < size; j++) sum += signs[k * size + j]! * point[j]!;
      return sum;
    });
  });
}

/**
 * k-means++: each further centre is a point, likely to be far from the centres before it.
 *
 * D. Arthur, S. Vassilvitskii, "k-means++: The Advantages of Careful Seeding", SODA 2007.
 */
function firstCentres(points: readonly Float64Array[], clusters: number, stream: RandomStream): Float64Array[] {
  const centres = [points[stream.below(points.length)]!];
  const nearest = new Float64Array(points.length).fill(Number.POSITIVE_INFINITY);
  while (centres.length < clusters) {
    const newest = centres.at(-1)!;
    for (const [i, point] of points.entries()) nearest[i] = Math.min(nearest[i]!, squaredDistance(point, newest));
    centres.push(points[draw(nearest, stream)]!);
  }
  return centres;
}

/** A place with a chance in proportion to its weight; any place where all weights are 0. */
function draw(weights: Float64Array, stream: RandomStream): number {
  const total = weights.reduce((a, b) => a + b, 0);
  if (total === 0) return stream.below(weights.length);
  let left = stream.float() * total;
  for (const [i, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return i;
  }
  return weights.findLastIndex((weight) => weight > 0);
}

function squaredDistance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += (a[j]! - b[j]!) ** 2;
  return sum;
}

function noFeatures(features: HostTensor | undefined, clusters: number): AnabranchError {
  return new AnabranchError({
    code: "partition/features",
    message: "the examples cannot be put into this many clusters",
    where: "partitioner embedding",
    received: features === undefined ? "no features" : `${features.shape[0]} examples for ${clusters} clusters`,
    expected: `features of at least ${clusters} examples`,
    advice: "Set data.partition.clusters to a smaller number, or use more data.",
  });
}
