import { type Vector, zerosLike } from "../params/vector.ts";

/**
 * (I - s Lap)^-1 d for the circular one-dimensional Laplacian: in the Fourier domain a division of the k-th coefficient by
 * 1 + 2 s (1 - cos(2 pi k / n)). Computed without a transform: the inverse is the symmetric exponential filter
 *
 *   y_i = (1 - r) / (1 + r) sum_j r^|i - j| d_j around the circle,  s (r + 1/r) = 1 + 2 s,  0 < r < 1,
 *
 * which is one recursion forwards and one backwards, in O(n) and float64.
 *
 * S. Osher, B. Wang, P. Yin, X. Luo, F. Barekat, M. Pham, A. Lin, 2018, arXiv:1806.06317.
 *
 * @param vector [n], taken as one circle
 */
export function smoothed<V extends Vector>(vector: V, strength: number): V {
  const n = vector.length;
  const out = zerosLike(vector);
  // r = 1 + 1/(2 s) - sqrt((1 + 1/(2 s))^2 - 1) in a form that loses no digits
  const r = (2 * strength) / (1 + 2 * strength + Math.sqrt(1 + 4 * strength));
  const wrap = 1 / (1 - r ** n);
  let before = 0; // sum over j < i of r^(i - j) d_j, all the way round
  let after = 0;
  for (let i = 0; i < n; i++) before = r * (before + vector[i]!);
  for (let i = n - 1; i >= 0; i--) after = r * (after + vector[i]!);
  before *= wrap;
  after *= wrap;
  const scale = (1 - r) / (1 + r);
  const left = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    left[i] = before;
    before = r * (before + vector[i]!);
  }
  for (let i = n - 1; i >= 0; i--) {
    out[i] = scale * (left[i]! + vector[i]! + after);
    after = r * (after + vector[i]!);
  }
  return out;
}
