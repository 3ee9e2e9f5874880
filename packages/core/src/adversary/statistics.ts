import { dot, type Vector } from "../params/index.ts";

/** Mean of vectors [h][d], summed in the order given. */
export function meanOf(vectors: readonly Vector[]): Float64Array {
  const mean = new Float64Array(vectors[0]!.length);
  for (const vector of vectors) for (let j = 0; j < mean.length; j++) mean[j]! += vector[j]!;
  for (let j = 0; j < mean.length; j++) mean[j]! /= vectors.length;
  return mean;
}

/** Standard deviation by coordinate with the divisor h - 1; zeros for a single vector. */
export function deviationOf(vectors: readonly Vector[], mean: Float64Array): Float64Array {
  const out = new Float64Array(mean.length);
  if (vectors.length < 2) return out;
  for (const vector of vectors) for (let j = 0; j < out.length; j++) out[j]! += (vector[j]! - mean[j]!) ** 2;
  for (let j = 0; j < out.length; j++) out[j] = Math.sqrt(out[j]! / (vectors.length - 1));
  return out;
}

/** |a - b|^2 in float64. */
export function squaredDistance(a: Vector, b: Vector): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += (a[j]! - b[j]!) ** 2;
  return sum;
}

/** base + factor * direction. */
export function moved(base: Vector, factor: number, direction: Vector): Float64Array {
  return Float64Array.from(base, (value, j) => value + factor * direction[j]!);
}

/** The vector over its norm; zeros where that is 0. */
export function unit(vector: Vector): Float64Array {
  const norm = Math.sqrt(dot(vector, vector));
  return Float64Array.from(vector, (value) => (norm > 0 ? value / norm : 0));
}
