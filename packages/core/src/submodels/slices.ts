import type { Vector } from "../params/vector.ts";

/** Which extents of a tensor shrink in a smaller model; the others stay whole. */
export interface ShrinkingAxes {
  readonly shape: readonly number[];
  /** Axes that belong to hidden units. */
  readonly axes: readonly number[];
}

/** A product that misses a whole number by rounding alone counts as that number. */
const SLACK = 1e-12;

/**
 * Units that a client of a ratio has of `units`: ceil(ratio * units), at least one, from `start` on and around the end.
 * HeteroFL takes the leading ones; FedRolex rolls the window on by one in every round.
 *
 * @param ratio in (0, 1]
 * @param round "down": floor(ratio * units), at least one, as FedConv has it
 * @example
 * ```ts
 * import { heldUnits } from "@anabranch/core";
 * heldUnits(4, 0.5); // => [0, 1]
 * heldUnits(4, 0.5, 3); // => [3, 0]
 * ```
 */
export function heldUnits(units: number, ratio: number, start = 0, round: "up" | "down" = "up"): number[] {
  const share = round === "up" ? Math.ceil(ratio * units - SLACK) : Math.floor(ratio * units + SLACK);
  const count = Math.min(units, Math.max(1, share));
  return Array.from({ length: count }, (_, k) => (start + k) % units);
}

/**
 * Places, row-major, of the entries of a tensor that a client of a ratio has, in the order of its own smaller tensor.
 *
 * @example
 * ```ts
 * import { heldEntries } from "@anabranch/core";
 * heldEntries({ shape: [2, 4], axes: [1] }, 0.5); // => [0, 1, 4, 5]
 * ```
 */
export function heldEntries(
  { shape, axes }: ShrinkingAxes,
  ratio: number,
  start = 0,
  round: "up" | "down" = "up",
): number[] {
  let places = [0];
  for (const [axis, extent] of shape.entries()) {
    const kept = axes.includes(axis)
      ? heldUnits(extent, ratio, start, round)
      : Array.from({ length: extent }, (_, k) => k);
    places = places.flatMap((place) => kept.map((unit) => place * extent + unit));
  }
  return places;
}

/** What a client of a model of its own size sends, with the places of its entries in the whole model. */
export interface SubModelUpdate {
  readonly places: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

/**
 * Every coordinate becomes the mean over the clients that have it; one that nobody has keeps its old value. In float64, in
 * the order of the clients.
 *
 * E. Diao, J. Ding, V. Tarokh, "HeteroFL: Computation and Communication Efficient Federated Learning for Heterogeneous
 * Clients", ICLR 2021, arXiv:2010.01264.
 *
 * @example
 * ```ts
 * import { averageSubModels } from "@anabranch/core";
 * const parts = [{ places: [0], values: [3] }, { places: [0, 1], values: [5, 1] }];
 * Array.from(averageSubModels(Float64Array.of(0, 0, 9), parts)); // => [4, 1, 9]
 * ```
 */
export function averageSubModels(old: Vector, parts: readonly SubModelUpdate[]): Float64Array {
  const sums = new Float64Array(old.length);
  const counts = new Int32Array(old.length);
  for (const { places, values } of parts) {
    for (let k = 0; k < places.length; k++) {
      sums[places[k]!]! += values[k]!;
      counts[places[k]!]!++;
    }
  }
  return sums.map((sum, j) => (counts[j] === 0 ? old[j]! : sum / counts[j]!));
}
