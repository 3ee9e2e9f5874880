import { rootKey } from "../random/index.ts";
import type { ArrayDataset } from "./dataset.ts";
import { type PartitionStatistics, partitionStatistics } from "./statistics.ts";
import { type SyntheticSpec, syntheticClient, syntheticDataset, syntheticKeys } from "./synthetic.ts";

/** Clients whose data are computed when they are asked for, so that millions of them take no memory. */
export interface SyntheticPopulation {
  readonly kind: "synthetic";
  readonly name: string;
  readonly seed: number;
  readonly clients: number;
  /** Each client has `examples` examples. */
  readonly spec: SyntheticSpec;
  /** Examples of the same task for the server to evaluate on. */
  readonly test: ArrayDataset;
}

/** How many clients stand for all of them in statistics and pictures. */
const SAMPLE = 100;

/**
 * A population of the given size; throws `data/synthetic` where the specification cannot be met.
 *
 * @example
 * ```ts
 * import { syntheticPopulation } from "@anabranch/core";
 * const population = syntheticPopulation(1, 1000, { shape: [1, 8, 8], classes: 2, examples: 6 }, 20);
 * population.clients; // => 1000
 * ```
 */
export function syntheticPopulation(
  seed: number,
  clients: number,
  spec: SyntheticSpec,
  testExamples: number,
): SyntheticPopulation {
  const test = syntheticDataset(rootKey(seed), { ...spec, examples: testExamples, name: "synthetic (test)" });
  return { kind: "synthetic", name: "synthetic", seed, clients, spec, test };
}

/**
 * Statistics of the first 100 clients; all are drawn by the same rule.
 *
 * @example
 * ```ts
 * import { populationStatistics, syntheticPopulation } from "@anabranch/core";
 * const population = syntheticPopulation(1, 3, { shape: [1, 8, 8], classes: 2, examples: 6 }, 20);
 * populationStatistics(population).sizeMedian; // => 6
 * ```
 */
export function populationStatistics(population: SyntheticPopulation): PartitionStatistics {
  const { seed, spec } = population;
  const keys = syntheticKeys(rootKey(seed));
  const { examples, classes } = spec;
  const shown = Math.min(SAMPLE, population.clients);
  const labels = new Uint8Array(shown * examples);
  const clients = Array.from({ length: shown }, (_, client) => {
    labels.set(syntheticClient(keys, client, spec).labels.data, client * examples);
    return Int32Array.from({ length: examples }, (_, i) => client * examples + i);
  });
  return partitionStatistics({ clients }, labels, classes);
}
