/**
 * Gradient codes: the exact sum of all gradients from any n - s of n workers, where each part of the data lies at s + 1 of
 * them. They are for data that may be copied, such as those of one data centre; private data of clients may not.
 *
 * Citation: R. Tandon, Q. Lei, A. G. Dimakis, N. Karampatziakis, "Gradient Coding: Avoiding Stragglers in Distributed
 * Learning", ICML 2017, arXiv:1612.03301.
 */
import { AnabranchError } from "@anabranch/engine";
import { type RandomKey, randomStream } from "../random/index.ts";
import { leastSquares } from "./least-squares.ts";

/** What n workers send: worker i sends sum_j code[i, j] g_j over n parts of the data. */
export interface GradientCode {
  /** n */
  readonly workers: number;
  /** s: workers that may be missing. */
  readonly stragglers: number;
  /** Row-major, [n, n]; s + 1 entries of a row are not 0. */
  readonly code: Float64Array;
}

/**
 * Fractional repetition: the workers of a group of s + 1 hold the same parts and send their plain sum.
 *
 *
 * @example
 * ```ts
 * import { fractionalCode } from "@anabranch/core";
 * fractionalCode(6, 1).workers; // => 6
 * ```
 */
export function fractionalCode(workers: number, stragglers: number): GradientCode {
  requireSizes(workers, stragglers);
  const size = stragglers + 1;
  if (workers % size !== 0) {
    const near = nearestDivisors(workers, size).map((divisor) => divisor - 1);
    throw refusal(
      "stragglers",
      `${stragglers} of ${workers} workers`,
      `s + 1 that divides n: s = ${near.join(" or ")}`,
    );
  }
  const code = new Float64Array(workers * workers);
  for (let i = 0; i < workers; i++) {
    const first = size * Math.floor(i / size);
    code.fill(1, i * workers + first, i * workers + first + size);
  }
  return { workers, stragglers, code };
}

/**
 * Cyclic repetition: worker i holds parts i, ..., i + s (mod n). The rows of the code are orthogonal to those of a seed
 * matrix H [s, n] whose rows sum to 0: entry i is 1, the others are -(H[:, i+1..i+s])^-1 H[:, i].
 *
 * @example
 * ```ts
 * import { cyclicCode, rootKey, seedMatrix } from "@anabranch/core";
 * const { code } = cyclicCode(3, 1, seedMatrix(3, 1, rootKey(1)));
 * Array.from(code, (entry) => (entry === 0 ? 0 : 1)); // => [1, 1, 0, 0, 1, 1, 1, 0, 1]
 * ```
 */
export function cyclicCode(workers: number, stragglers: number, seed: readonly (readonly number[])[]): GradientCode {
  requireSizes(workers, stragglers);
  if (seed.length !== stragglers || seed.some((row) => row.length !== workers)) {
    const received = `${seed.length} rows of ${seed.map(({ length }) => length).join(", ") || "nothing"}`;
    throw refusal("seedMatrix", received, `${stragglers} rows of ${workers} numbers`);
  }
  const code = new Float64Array(workers * workers);
  for (let i = 0; i < workers; i++) {
    const others = Array.from({ length: stragglers }, (_, k) => (i + k + 1) % workers);
    const matrix = seed.flatMap((row) => others.map((j) => row[j]!));
    const right = seed.map((row) => -row[i]!);
    const { x, residual } = leastSquares(matrix, stragglers, stragglers, right);
    if (!(residual <= EXACT * Math.max(1, Math.hypot(...right)))) {
      throw refusal("seedMatrix", `columns ${others.join(", ")} that depend on each other`, "independent columns");
    }
    code[i * workers + i] = 1;
    for (const [k, j] of others.entries()) code[i * workers + j] = x[k]!;
  }
  return { workers, stragglers, code };
}

/**
 * Normal numbers whose rows sum to 0, [s, n]: what `cyclicCode` is made of.
 *
 * @example
 * ```ts
 * import { rootKey, seedMatrix } from "@anabranch/core";
 * seedMatrix(4, 1, rootKey(1)).length; // => 1
 * ```
 */
export function seedMatrix(workers: number, stragglers: number, key: RandomKey): number[][] {
  const stream = randomStream(key);
  return Array.from({ length: stragglers }, () => {
    const row = Array.from({ length: workers - 1 }, () => stream.normal());
    return [...row, -row.reduce((sum, value) => sum + value, 0)];
  });
}

/**
 * What each worker sends, [n, d], from the gradients of the parts [n, d].
 *
 * @example
 * ```ts
 * import { encodeGradients, fractionalCode } from "@anabranch/core";
 * encodeGradients(fractionalCode(2, 1), [[1, 2], [3, 4]]); // => [[4, 6], [4, 6]]
 * ```
 */
export function encodeGradients(
  { workers, code }: GradientCode,
  gradients: readonly ArrayLike<number>[],
): Float64Array[] {
  if (gradients.length !== workers) throw refusal("gradients", `${gradients.length}`, `${workers}, one per part`);
  return Array.from({ length: workers }, (_, i) =>
    combination(gradients, code.subarray(i * workers, (i + 1) * workers)),
  );
}

/**
 * The factors on the messages of the workers that arrived, [arrived]: their combination is the sum of all gradients. Throws
 * `coding/undecodable` where too few have arrived.
 *
 * @example
 * ```ts
 * import { decodingFactors, fractionalCode } from "@anabranch/core";
 * decodingFactors(fractionalCode(4, 1), [0, 3]); // => [1, 1]
 * ```
 */
export function decodingFactors({ workers, stragglers, code }: GradientCode, arrived: readonly number[]): Float64Array {
  const stranger = arrived.find((worker) => !(Number.isInteger(worker) && worker >= 0 && worker < workers));
  if (stranger !== undefined) throw refusal("arrived", `worker ${stranger}`, `0 to ${workers - 1}`);
  const matrix = Array.from({ length: workers }, (_, j) => arrived.map((i) => code[i * workers + j]!)).flat();
  const { x, residual } = leastSquares(matrix, workers, arrived.length, new Float64Array(workers).fill(1));
  if (residual <= EXACT * Math.sqrt(workers)) return x;
  throw new AnabranchError({
    code: "coding/undecodable",
    message: "the workers that arrived do not determine the sum of all gradients",
    where: "arrived",
    received: `${arrived.length} of ${workers} workers`,
    expected: `any ${workers - stragglers} of them`,
    advice: "Wait for more workers.",
  });
}

/**
 * The sum of all gradients [d] from the messages of the workers that arrived, in the same order.
 *
 * @example
 * ```ts
 * import { decodeGradient, encodeGradients, fractionalCode } from "@anabranch/core";
 * const code = fractionalCode(2, 1);
 * const [, second] = encodeGradients(code, [[1, 2], [3, 4]]);
 * decodeGradient(code, [1], [second!]); // => [4, 6]
 * ```
 */
export function decodeGradient(
  code: GradientCode,
  arrived: readonly number[],
  messages: readonly ArrayLike<number>[],
): Float64Array {
  return combination(messages, decodingFactors(code, arrived));
}

/** |a B - 1| below which a sum is exact but for rounding. */
const EXACT = 1e-7;

function combination(vectors: readonly ArrayLike<number>[], factors: ArrayLike<number>): Float64Array {
  const out = new Float64Array(vectors[0]?.length ?? 0);
  for (const [i, vector] of vectors.entries()) {
    const factor = factors[i]!;
    if (factor === 0) continue;
    for (let j = 0; j < out.length; j++) out[j]! += factor * vector[j]!;
  }
  return out;
}

function requireSizes(workers: number, stragglers: number): void {
  if (!(Number.isInteger(workers) && workers >= 1)) throw refusal("workers", `${workers}`, "an integer of at least 1");
  if (Number.isInteger(stragglers) && stragglers >= 0 && stragglers < workers) return;
  throw refusal("stragglers", `${stragglers}`, `an integer from 0 to workers - 1 = ${workers - 1}`);
}

/** The divisors of n next to a number. */
function nearestDivisors(n: number, near: number): number[] {
  const divisors = Array.from({ length: n }, (_, i) => i + 1).filter((divisor) => n % divisor === 0);
  const found = [divisors.findLast((divisor) => divisor < near), divisors.find((divisor) => divisor > near)];
  return found.filter((divisor) => divisor !== undefined);
}

export function refusal(where: string, received: string, expected: string): AnabranchError {
  return new AnabranchError({ code: "coding/sizes", message: "the code cannot be built", where, received, expected });
}
