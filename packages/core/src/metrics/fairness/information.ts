/** Counts or probabilities of [s][z][k]: client, sensitive group, prediction (or label). */
export type Joint = readonly (readonly (readonly number[])[])[];

/** Disparities of a model's predictions, in bits. */
export interface Disparity {
  /** I(Z; Yhat): over the population as a whole. */
  readonly global: number;
  /** I(Z; Yhat | S): within clients, on average. */
  readonly local: number;
}

/**
 * Global and local disparity of predictions.
 *
 * Citation: F. Hamman, S. Dutta. "Demystifying Local & Global Fairness Trade-offs in Federated Learning Using Partial
 * Information Decomposition". ICLR 2024, arXiv:2307.11333.
 *
 * @param joint counts or probabilities [s][z][yhat]; they are normalised
 *
 * @example
 * ```ts
 * import { disparity } from "@anabranch/core";
 * // the prediction is the group
 * disparity([[[1, 0], [0, 1]]]); // => { global: 1, local: 1 }
 * ```
 */
export function disparity(joint: Joint): Disparity {
  const total = sumOf(joint.flat(2));
  const shares = joint.map((groups) => groups.map((row) => row.map((value) => value / total)));
  const groups = shares[0]!.map((row, z) => row.map((_, k) => sumOf(shares.map((client) => client[z]![k]!))));
  return { global: mutualInformation(groups), local: sumOf(shares.map(mutualInformation)) };
}

/** P(table) times the mutual information of rows and columns, in bits: of a joint distribution, or of a slice of one. */
function mutualInformation(table: readonly (readonly number[])[]): number {
  const rows = table.map(sumOf);
  const columns = table[0]!.map((_, k) => sumOf(table.map((row) => row[k]!)));
  const total = sumOf(rows);
  let bits = 0;
  for (const [z, row] of table.entries()) {
    for (const [k, value] of row.entries()) {
      if (value > 0) bits += value * Math.log2((value * total) / (rows[z]! * columns[k]!));
    }
  }
  return bits;
}

export function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
