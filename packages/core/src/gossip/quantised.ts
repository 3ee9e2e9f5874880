import type { SparseRow } from "../topology/index.ts";
import { mix } from "./mix.ts";
import { emptyLike, type Models } from "./models.ts";

/** A uniform quantiser: multiples of `step` that `bits` bits can count, with sign. */
export interface Quantiser {
  readonly step: number;
  readonly bits: number;
}

/** The nearest multiple of the step, halves upwards, within the range of the bits. */
export function quantise(value: number, { step, bits }: Quantiser): number {
  const most = 2 ** (bits - 1);
  return step * Math.min(most - 1, Math.max(-most, Math.floor(value / step + 0.5)));
}

/** Bytes of a quantised vector: its integers packed, and the step. */
export function quantisedBytes(length: number, { bits }: Quantiser): number {
  return Math.ceil((length * bits) / 8) + 4;
}

/**
 * Quantised gossip: x_i + sum_j W_ij Q(y_j - x_j). Every node knows the models x_j of its neighbours, as it has followed
 * them from the common start.
 *
 * @param changes y_j - x_j of every node
 */
export function mixQuantised(
  models: Models,
  changes: Models,
  rows: readonly SparseRow[],
  quantiser: Quantiser,
): Models {
  const coarse = emptyLike(changes);
  for (let j = 0; j < coarse.data.length; j++) coarse.data[j] = quantise(changes.data[j]!, quantiser);
  const { count, size, data } = mix(coarse, rows);
  for (let j = 0; j < data.length; j++) data[j]! += models.data[j]!;
  return { count, size, data };
}
