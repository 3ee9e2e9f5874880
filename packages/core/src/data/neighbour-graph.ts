import { AnabranchError, truncatedSvd } from "@anabranch/engine";
import { type ArrayDataset, exampleCount, exampleSize } from "./dataset.ts";
import type { RowGraph } from "./row-graph.ts";

/** How examples become the nodes of a graph. */
export interface NeighbourGraphSettings {
  /** Principal components that are kept, the features of the nodes. */
  readonly components: number;
  /** Edges from each example to those most like it; the two need not choose each other. */
  readonly neighbours: number;
}

/**
 * A graph of examples that look alike: each is a node, with an edge to those of largest cosine between their principal
 * components. Features become the principal components [n, components], all times one factor that makes their mean square
 * 1. Edges are of looks alone, and of nothing that happened between the examples, as citations are.
 *
 * @throws `data/graph` for fewer examples or features than the settings ask for
 * @example
 * ```ts
 * import { neighbourGraph } from "@anabranch/core";
 * const features = { dtype: "float", shape: [4, 2], data: Float32Array.of(9, 0, 8, 0, -9, 1, -8, 1) } as const;
 * const set = { name: "pairs", features, labels: { dtype: "uint8", shape: [4], data: new Uint8Array(4) } as const, classes: 2 };
 * neighbourGraph(set, { components: 1, neighbours: 1 }).graph.edges; // => [0, 1, 1, 0, 2, 3, 3, 2]
 * ```
 */
export function neighbourGraph<D extends ArrayDataset>(
  dataset: D,
  settings: NeighbourGraphSettings,
): D & { readonly graph: RowGraph } {
  const n = exampleCount(dataset);
  requireEnough(dataset, settings);
  const points = components(dataset, settings.components);
  const edges = nearestPairs(points, n, settings);
  return {
    ...dataset,
    features: { dtype: "float", shape: [n, settings.components], data: Float32Array.from(points) },
    graph: { nodes: Int32Array.from({ length: n }, (_, row) => row), edges },
  };
}

/** Principal components [n, count], scaled to a mean square of 1. */
function components({ features: { data, shape } }: ArrayDataset, count: number): Float64Array {
  const n = shape[0]!;
  const size = data.length / n;
  const centred = Float64Array.from(data);
  for (let j = 0; j < size; j++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += centred[i * size + j]!;
    for (let i = 0; i < n; i++) centred[i * size + j]! -= sum / n;
  }
  const { left, values } = truncatedSvd(centred, n, size, count);
  const squares = values.reduce((sum, value) => sum + value * value, 0);
  const factor = squares === 0 ? 0 : Math.sqrt((n * count) / squares);
  return Float64Array.from({ length: n * count }, (_, k) => {
    const [i, j] = [Math.floor(k / count), k % count];
    return factor * values[j]! * left[j * n + i]!;
  });
}

/** Pairs of each point and those of largest cosine, of equal ones those with lower numbers. */
function nearestPairs(
  points: Float64Array,
  n: number,
  { components: width, neighbours }: NeighbourGraphSettings,
): Int32Array {
  const unit = points.slice();
  for (let i = 0; i < n; i++) {
    const row = unit.subarray(i * width, (i + 1) * width);
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    if (norm > 0) for (let j = 0; j < width; j++) row[j]! /= norm;
  }
  const pairs = new Int32Array(2 * n * neighbours);
  for (let i = 0; i < n; i++) {
    const nearest = { points: new Int32Array(neighbours), cosines: new Float64Array(neighbours).fill(-2) };
    for (let k = 0; k < n; k++) {
      if (k === i) continue;
      let cosine = 0;
      for (let j = 0; j < width; j++) cosine += unit[i * width + j]! * unit[k * width + j]!;
      insert(nearest, k, cosine);
    }
    for (const [k, other] of nearest.points.entries()) pairs.set([i, other], 2 * (i * neighbours + k));
  }
  return pairs;
}

/** Puts a point among the nearest, in falling order, if it is one. */
function insert({ points, cosines }: { points: Int32Array; cosines: Float64Array }, point: number, cosine: number) {
  let place = cosines.length;
  while (place > 0 && cosine > cosines[place - 1]!) place--;
  if (place === cosines.length) return;
  points.copyWithin(place + 1, place);
  cosines.copyWithin(place + 1, place);
  points[place] = point;
  cosines[place] = cosine;
}

function requireEnough(dataset: ArrayDataset, { components: count, neighbours }: NeighbourGraphSettings): void {
  const [n, size] = [exampleCount(dataset), exampleSize(dataset.features)];
  if (count >= 1 && count <= Math.min(n, size) && neighbours >= 1 && neighbours < n) return;
  throw new AnabranchError({
    code: "data/graph",
    message: "the examples are too few for a graph of so many neighbours or components",
    where: `data set ${dataset.name}`,
    received: `${n} examples of ${size} features, ${count} components, ${neighbours} neighbours`,
    expected: "components up to the number of features, and fewer neighbours than examples",
  });
}
