import { AnabranchError, hashBytes } from "@anabranch/engine";

/** Flat parameters [d]: float32 in production, float64 on the interpreter. */
export type Vector = Float32Array | Float64Array;

/**
 * Whether a value is a vector of floats: a Float32Array or Float64Array.
 *
 * @example
 * ```ts
 * import { isVector } from "@anabranch/core";
 * isVector(Float32Array.of(1)); // => true
 * isVector([1]); // => false
 * ```
 */
export function isVector(value: unknown): value is Vector {
  return value instanceof Float32Array || value instanceof Float64Array;
}

/** Elements whose sum is kept in registers before it joins the total; short runs keep rounding errors small. */
const BLOCK = 1024;

/**
 * A vector of zeros of the same element type, and of the same length unless another is given.
 *
 * @example
 * ```ts
 * import { zerosLike } from "@anabranch/core";
 * zerosLike(Float32Array.of(1, 2)); // => [0, 0]
 * ```
 */
export function zerosLike<V extends Vector>(vector: V, length = vector.length): V {
  return (vector instanceof Float64Array ? new Float64Array(length) : new Float32Array(length)) as V;
}

/**
 * A copy in memory of its own (never shared memory, whatever the source).
 *
 * @example
 * ```ts
 * import { copy } from "@anabranch/core";
 * const a = Float32Array.of(1, 2);
 * const b = copy(a);
 * b[0] = 5;
 * a; // => [1, 2]
 * ```
 */
export function copy<V extends Vector>(vector: V): V {
  return vector.slice() as V;
}

/**
 * Euclidean norm, summed in float64 block by block in a fixed order.
 *
 * @example
 * ```ts
 * import { norm2 } from "@anabranch/core";
 * norm2(Float32Array.of(3, 4)); // => 5
 * ```
 */
export function norm2(vector: Vector): number {
  let total = 0;
  for (let begin = 0; begin < vector.length; begin += BLOCK) {
    const end = Math.min(begin + BLOCK, vector.length);
    let even = 0;
    let odd = 0;
    let i = begin;
    for (; i + 1 < end; i += 2) {
      even += vector[i]! * vector[i]!;
      odd += vector[i + 1]! * vector[i + 1]!;
    }
    if (i < end) even += vector[i]! * vector[i]!;
    total += even + odd;
  }
  return Math.sqrt(total);
}

/**
 * Inner product, summed in float64 in the order of the elements.
 *
 * @example
 * ```ts
 * import { dot } from "@anabranch/core";
 * dot([1, 2], [3, 4]); // => 11
 * ```
 */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/**
 * Euclidean norm of a - b without a vector for the difference. Throws `params/length`.
 *
 * @example
 * ```ts
 * import { distance } from "@anabranch/core";
 * distance(Float32Array.of(1, 1), Float32Array.of(4, 5)); // => 5
 * ```
 */
export function distance(a: Vector, b: Vector): number {
  requireSameLength(a, b, "distance");
  let total = 0;
  for (let begin = 0; begin < a.length; begin += BLOCK) {
    const end = Math.min(begin + BLOCK, a.length);
    let sum = 0;
    for (let i = begin; i < end; i++) {
      const difference = a[i]! - b[i]!;
      sum += difference * difference;
    }
    total += sum;
  }
  return Math.sqrt(total);
}

/**
 * Whether no element is NaN or infinite. Without branches: 0 * x is 0 for every finite x and NaN for the rest.
 *
 * @example
 * ```ts
 * import { isFiniteVector } from "@anabranch/core";
 * isFiniteVector(Float32Array.of(1, Number.NaN)); // => false
 * ```
 */
export function isFiniteVector(vector: Vector): boolean {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = 0;
  for (; i + 3 < vector.length; i += 4) {
    a += vector[i]! * 0;
    b += vector[i + 1]! * 0;
    c += vector[i + 2]! * 0;
    d += vector[i + 3]! * 0;
  }
  for (; i < vector.length; i++) a += vector[i]! * 0;
  return a + b + c + d === 0;
}

/**
 * Content hash of the elements' bytes (16 hex digits); equal hashes mean equal bits, -0 and 0 differ.
 *
 * @example
 * ```ts
 * import { hashVector } from "@anabranch/core";
 * hashVector(Float32Array.of(1, 2)).length; // => 16
 * ```
 */
export function hashVector(vector: Vector): string {
  return hashBytes(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
}

function requireSameLength(a: Vector, b: Vector, operation: string): void {
  if (a.length === b.length) return;
  throw new AnabranchError({
    code: "params/length",
    message: "two vectors of different lengths were combined",
    where: operation,
    received: `${b.length} elements`,
    expected: `${a.length} elements`,
    advice: "Both must belong to the same model.",
  });
}
