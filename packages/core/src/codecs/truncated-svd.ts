import { fromSvd, truncatedSvd } from "@anabranch/engine";
import type { MatrixCodec } from "./matrix-codec.ts";

/**
 * Rank q = max(1, floor(share * m n / (m + n + 1))), the rule of FedMuon's released code (arXiv:2510.27403). Encoded:
 * left [q, m], values [q], right [q, n], that is q (m + n + 1) floats; the matrix itself where that is no less than m n.
 */
export function truncatedSvdByShare(share: number): MatrixCodec {
  const rankOf = (m: number, n: number) => Math.max(1, Math.floor((share * m * n) / (m + n + 1)));
  const length = (m: number, n: number) => encodedLength(rankOf(m, n), m, n);
  return {
    takes: (m, n) => saves(rankOf(m, n), m, n),
    largest: length,
    length: (_first, m, n) => length(m, n),
    encode(matrix, m, n) {
      const { left, values, right } = truncatedSvd(matrix, m, n, rankOf(m, n));
      return joined(left, values, right);
    },
    decode: (encoded, m, n) => rebuilt(encoded, rankOf(m, n), m, n),
  };
}

/**
 * Rank q: the smallest whose squared singular values sum to `energy` of all. Encoded: q, then as above; or 0 and the
 * matrix itself where its factors would be no smaller.
 */
export function truncatedSvdByEnergy(energy: number): MatrixCodec {
  return {
    takes: (m, n) => saves(1, m, n),
    largest: (m, n) => 1 + m * n,
    length(first, m, n) {
      if (first === 0) return 1 + m * n;
      if (first === undefined || !Number.isInteger(first) || first < 0 || !saves(first, m, n)) return undefined;
      return 1 + encodedLength(first, m, n);
    },
    encode(matrix, m, n) {
      const svd = truncatedSvd(matrix, m, n, (squares) => rankOfEnergy(squares, energy));
      return saves(svd.rank, m, n) ? joined([svd.rank], svd.left, svd.values, svd.right) : joined([0], matrix);
    },
    decode: (encoded, m, n) => {
      const rest = encoded.subarray(1);
      return encoded[0] === 0 ? rest : rebuilt(rest, encoded[0]!, m, n);
    },
  };
}

/** The smallest rank, 1 or more, that keeps a share of the sum of squares given in falling order. */
export function rankOfEnergy(squares: Float64Array, energy: number): number {
  const total = squares.reduce((sum, square) => sum + square, 0);
  let kept = 0;
  for (let q = 1; q <= squares.length; q++) {
    kept += squares[q - 1]!;
    if (kept >= energy * total) return q;
  }
  return squares.length;
}

function encodedLength(q: number, m: number, n: number): number {
  return q * (m + n + 1);
}

function saves(q: number, m: number, n: number): boolean {
  return encodedLength(q, m, n) < m * n;
}

function joined(...parts: ArrayLike<number>[]): Float64Array {
  const whole = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function rebuilt(encoded: Float64Array, rank: number, m: number, n: number): Float64Array {
  const [values, right] = [rank * m, rank * m + rank];
  const factors = { left: encoded.subarray(0, values), values: encoded.subarray(values, right) };
  return fromSvd({ rank, ...factors, right: encoded.subarray(right) }, m, n);
}
