import { AnabranchError, product, symmetricEigen, transposed } from "@anabranch/engine";
import type { MatrixCodec } from "./matrix-codec.ts";

/** Differences of mirrored entries, in units of the largest entry, that sums of float32 explain. */
const ASYMMETRY = 1e-3;

/**
 * A ~ sum_j (lambda_j - mu) v_j v_j^T + mu I over the q = ceil(share * m) largest eigenvalues, mu the mean of the others:
 * positive semi-definite as A is, and of the same trace. Encoded: lambda [q], v [q, m], mu, that is q (m + 1) + 1 floats;
 * the matrix itself where that is no less than m^2. Our own design, for the Gram matrices of preconditioners.
 */
export function lowRankSymmetric(share: number): MatrixCodec {
  const rankOf = (m: number) => Math.ceil(share * m);
  const lengthOf = (m: number) => rankOf(m) * (m + 1) + 1;
  return {
    takes: (m, n) => m === n && lengthOf(m) < m * m,
    largest: lengthOf,
    length: (_first, m) => lengthOf(m),
    encode(matrix, m) {
      requireSymmetric(matrix, m);
      const q = rankOf(m);
      const { values, vectors } = symmetricEigen(matrix, m);
      const positive = values.map((value) => Math.max(0, value)); // below 0 by rounding alone
      const encoded = new Float64Array(lengthOf(m));
      encoded.set(positive.subarray(0, q));
      encoded.set(transposed(vectors, m, m).subarray(0, q * m), q);
      encoded[q + q * m] = positive.subarray(q).reduce((sum, value) => sum + value, 0) / (m - q);
      return encoded;
    },
    decode(encoded, m) {
      const q = rankOf(m);
      const mean = encoded[q + q * m]!;
      const rows = encoded.slice(q, q + q * m);
      // the root on both sides, so that mirrored entries are the same sums
      for (let i = 0; i < rows.length; i++) rows[i]! *= Math.sqrt(Math.max(0, encoded[Math.floor(i / m)]! - mean));
      const matrix = product(transposed(rows, q, m), rows, m, q, m);
      for (let i = 0; i < m; i++) matrix[i * m + i]! += mean;
      return matrix;
    },
  };
}

function requireSymmetric(matrix: Float64Array, m: number): void {
  let [largest, difference] = [0, 0];
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) {
      largest = Math.max(largest, Math.abs(matrix[i * m + j]!));
      difference = Math.max(difference, Math.abs(matrix[i * m + j]! - matrix[j * m + i]!));
    }
  }
  if (difference <= ASYMMETRY * largest) return;
  throw new AnabranchError({
    code: "codec/not-symmetric",
    message: "a matrix for the codec low-rank-symmetric is not symmetric",
    received: `mirrored entries that differ by ${difference}, the largest entry ${largest}`,
    expected: "a symmetric matrix",
    advice: "Use this codec for vectors whose square matrices are all symmetric.",
  });
}
