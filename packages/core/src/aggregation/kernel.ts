import type { Vector } from "../params/index.ts";

/** Elements summed at a time: 4,096 float64 sums are 32 kB, which stay in the first-level cache while all updates pass. */
export const BLOCK = 4096;

/**
 * sums[i] += sum over k of coefficients[k] * vectors[k][begin + i] for i < length, each sum formed from left to right in
 * float64. Eight vectors a pass load and store each sum once instead of eight times; as every partial sum is the same
 * float64 as in a pass for each, grouping never changes a bit.
 */
export function accumulate(
  sums: Float64Array,
  vectors: readonly Vector[],
  coefficients: readonly number[],
  begin: number,
  length: number,
): void {
  let k = 0;
  for (; k + 8 <= vectors.length; k += 8) addEight(sums, vectors, coefficients, k, begin, length);
  for (; k + 4 <= vectors.length; k += 4) addFour(sums, vectors, coefficients, k, begin, length);
  for (; k + 2 <= vectors.length; k += 2) addTwo(sums, vectors, coefficients, k, begin, length);
  for (; k < vectors.length; k++) addOne(sums, vectors[k]!, coefficients[k]!, begin, length);
}

function addEight(
  sums: Float64Array,
  vectors: readonly Vector[],
  coefficients: readonly number[],
  first: number,
  begin: number,
  length: number,
): void {
  const [x0, x1, x2, x3] = takeFour(vectors, first);
  const [x4, x5, x6, x7] = takeFour(vectors, first + 4);
  const [w0, w1, w2, w3] = takeFour(coefficients, first);
  const [w4, w5, w6, w7] = takeFour(coefficients, first + 4);
  for (let i = 0; i < length; i++) {
    const j = begin + i;
    const low = sums[i]! + w0 * x0[j]! + w1 * x1[j]! + w2 * x2[j]! + w3 * x3[j]!;
    sums[i] = low + w4 * x4[j]! + w5 * x5[j]! + w6 * x6[j]! + w7 * x7[j]!;
  }
}

function addFour(
  sums: Float64Array,
  vectors: readonly Vector[],
  coefficients: readonly number[],
  first: number,
  begin: number,
  length: number,
): void {
  const [x0, x1, x2, x3] = takeFour(vectors, first);
  const [w0, w1, w2, w3] = takeFour(coefficients, first);
  for (let i = 0; i < length; i++) {
    const j = begin + i;
    sums[i] = sums[i]! + w0 * x0[j]! + w1 * x1[j]! + w2 * x2[j]! + w3 * x3[j]!;
  }
}

function addTwo(
  sums: Float64Array,
  vectors: readonly Vector[],
  coefficients: readonly number[],
  first: number,
  begin: number,
  length: number,
): void {
  const [x0, x1] = [vectors[first]!, vectors[first + 1]!];
  const [w0, w1] = [coefficients[first]!, coefficients[first + 1]!];
  for (let i = 0; i < length; i++) {
    const j = begin + i;
    sums[i] = sums[i]! + w0 * x0[j]! + w1 * x1[j]!;
  }
}

function addOne(sums: Float64Array, x: Vector, w: number, begin: number, length: number): void {
  for (let i = 0; i < length; i++) sums[i] = sums[i]! + w * x[begin + i]!;
}

function takeFour<T>(list: readonly T[], first: number): [T, T, T, T] {
  return [list[first]!, list[first + 1]!, list[first + 2]!, list[first + 3]!];
}
