/**
 * Relative variance of the clients' preconditioners, in the blocks that a method may average over:
 *
 *   (1/S) sum_i |v_i - mean v|^2 / |mean v|^2,  with every coordinate replaced by the mean of its block
 *
 * "coordinate" leaves v as it is, "tensor" replaces it by one number for each tensor (see `BlockStrategy`). All are taken
 * of vectors [d], so that they compare. FedAdamW (arXiv:2510.27486) sends block means of v to lower this variance.
 */
import { type BlockStrategy, blockSquare, blockStrategies } from "../algorithms/block-means.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { DriftMeter, type Meter } from "./drift.ts";

/** Relative variance by strategy. */
export type BlockVariance = Readonly<Partial<Record<BlockStrategy, number>>>;

/** Measures vectors of a model's layout in O(1) memory. */
export class BlockVarianceMeter implements Meter<BlockVariance> {
  readonly #meters: ReadonlyMap<BlockStrategy, DriftMeter>;

  constructor(model: Layout) {
    this.#meters = new Map(
      blockStrategies.map((strategy) => [strategy, new DriftMeter((vector) => blockSquare(vector, model, strategy))]),
    );
  }

  add(vectors: readonly Vector[], weights?: readonly number[], factors?: readonly number[]): void {
    for (const meter of this.#meters.values()) meter.add(vectors, weights, factors);
  }

  reset(): void {
    for (const meter of this.#meters.values()) meter.reset();
  }

  /** Given the uniform mean of what was added. */
  of(mean: Vector): BlockVariance {
    return Object.fromEntries([...this.#meters].map(([strategy, meter]) => [strategy, meter.of(mean).relative]));
  }
}
