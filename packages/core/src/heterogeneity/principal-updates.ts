import { symmetricEigen } from "@anabranch/engine";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";

/** Squared lengths of directions, and lengths of projections, below this are rounding errors. */
const NOTHING = 1e-12;
/** A product that misses a whole number by rounding alone counts as that number. */
const SLACK = 1e-12;

/**
 * FedLD's revision of updates, tensor by tensor: each update becomes its length times the sum of the unit vectors of its
 * projections on the leading principal directions of all, weighted by their shares of the spectrum:
 * D_i' = sum_j s_j / sum(s) |D_i| sign(<D_i, v_j>) v_j / |v_j|, j <= floor(rho m), with K = G G^T / m = U diag(s) U^T and
 * v_j = G^T u_j. It does not depend on the signs of eigenvectors. Directions without length are left out.
 *
 * S. Zeng, P. Guo, S. Wang, J. Wang, Y. Zhou, L. Qu, "Tackling Data Heterogeneity in Federated Learning via Loss
 * Decomposition", MICCAI 2024, arXiv:2408.12300. Without the paper's flip of directions, which changes nothing.
 *
 * @param updates [m][d]
 * @param rho part of the directions that counts, in [0, 1]
 * @returns [m][d] in float64
 *
 * @example
 * ```ts
 * import { layout, revisedUpdates } from "@anabranch/core";
 * const one = layout([{ name: "w", shape: [2], role: "vector", block: "w" }]);
 * const updates = [Float64Array.of(1, 0), Float64Array.of(1, 0), Float64Array.of(0, 0.1)];
 * revisedUpdates(updates, one, 0.4)[0]; // => [0.995, 0]
 * ```
 */
export function revisedUpdates(updates: readonly Vector[], { entries, size }: Layout, rho: number): Float64Array[] {
  const revised = updates.map(() => new Float64Array(size));
  for (const { offset, size: length } of entries) {
    const range = [offset, offset + length] as const;
    const tensors = updates.map((update) => update.subarray(...range));
    reviseTensor(
      tensors,
      Math.floor(rho * updates.length + SLACK),
      revised.map((update) => update.subarray(...range)),
    );
  }
  return revised;
}

function reviseTensor(tensors: readonly Vector[], directions: number, out: readonly Float64Array[]): void {
  const m = tensors.length;
  const gram = Float64Array.from({ length: m * m }, (_, k) => inner(tensors[Math.floor(k / m)]!, tensors[k % m]!) / m);
  const { values, vectors } = symmetricEigen(gram, m);
  const spectrum = values.map((value) => Math.max(0, value));
  const total = spectrum.reduce((a, b) => a + b, 0);
  for (let j = 0; j < Math.min(directions, m); j++) {
    const direction = new Float64Array(tensors[0]!.length);
    for (const [i, tensor] of tensors.entries()) addScaled(direction, vectors[i * m + j]!, tensor);
    const square = inner(direction, direction);
    if (square < NOTHING) continue;
    const length = Math.sqrt(square);
    for (const [i, tensor] of tensors.entries()) {
      const projection = inner(tensor, direction) / length;
      if (Math.abs(projection) < NOTHING) continue;
      const part = (spectrum[j]! / total) * Math.sqrt(inner(tensor, tensor)) * Math.sign(projection);
      addScaled(out[i]!, part / length, direction);
    }
  }
}

function inner(a: Vector, b: Vector): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
  return sum;
}

function addScaled(out: Float64Array, factor: number, x: Vector): void {
  for (let j = 0; j < out.length; j++) out[j]! += factor * x[j]!;
}
