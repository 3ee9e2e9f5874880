/**
 * F_m: the part of an operator that one device computes, from a point [d] to a vector [d].
 *
 * @param draw absent: over all its data; a number: over a batch that follows from it, the same one at every point
 */
export type DeviceOperator = (z: Float64Array, draw?: number) => Float64Array;

/**
 * z -> M z + q: the gradient of a quadratic, or a bilinear game of two players.
 *
 * @param matrix rows of M, [d][d]
 * @param offset q, [d]
 * @example
 * ```ts
 * import { affineOperator } from "@anabranch/core";
 * affineOperator([[0, 1], [-1, 0]], [1, 2])(Float64Array.of(3, 4)); // => [5, -1]
 * ```
 */
export function affineOperator(matrix: readonly ArrayLike<number>[], offset: ArrayLike<number>): DeviceOperator {
  return (z) =>
    Float64Array.from(matrix, (row, i) => {
      let sum = offset[i]!;
      for (let j = 0; j < z.length; j++) sum += row[j]! * z[j]!;
      return sum;
    });
}

/** The mean of the vectors of the devices, [d]. */
export function meanVector(vectors: readonly Float64Array[]): Float64Array {
  const mean = new Float64Array(vectors[0]!.length);
  for (const vector of vectors) for (let j = 0; j < mean.length; j++) mean[j]! += vector[j]!;
  return mean.map((value) => value / vectors.length);
}

/** F_m(z) of every device, and the mean F(z). */
export function evaluateOperators(devices: readonly DeviceOperator[], z: Float64Array) {
  const parts = devices.map((device) => device(z));
  return { parts, mean: meanVector(parts) };
}
