import { AnabranchError } from "@anabranch/engine";
import type { RandomStream } from "./word-stream.ts";

/**
 * Fisher-Yates in place, from the front: after i steps the first i places are a sample without replacement.
 *
 * @example
 * ```ts
 * import { randomStream, rootKey, shuffle } from "@anabranch/core";
 * const rows = Int32Array.of(1, 2, 3, 4);
 * shuffle(randomStream(rootKey(1)), rows);
 * rows; // => [2, 1, 4, 3]
 * ```
 */
export function shuffle(stream: RandomStream, array: Int32Array): void {
  shuffleFront(stream, array, array.length);
}

/**
 * A uniformly drawn order of 0 ... n-1, [n].
 *
 * @example
 * ```ts
 * import { permutation, randomStream, rootKey } from "@anabranch/core";
 * permutation(randomStream(rootKey(1)), 5); // => [2, 4, 0, 1, 3]
 * ```
 */
export function permutation(stream: RandomStream, n: number): Int32Array {
  const order = ascending(n);
  shuffle(stream, order);
  return order;
}

/**
 * `k` different integers of [0, n) in drawn order; equals the first `k` places of `permutation(stream, n)`. O(k)
 * memory and time however large `n` is: only places that a swap touched are stored.
 *
 * @example
 * ```ts
 * import { randomStream, rootKey, sampleWithoutReplacement } from "@anabranch/core";
 * sampleWithoutReplacement(randomStream(rootKey(1)), 100, 3); // => [37, 40, 0]
 * ```
 */
export function sampleWithoutReplacement(stream: RandomStream, n: number, k: number): Int32Array {
  if (!(Number.isInteger(k) && k >= 0 && k <= n)) {
    throw new AnabranchError({
      code: "random/sample-size",
      message: "cannot draw this many different elements",
      received: `${k} of ${n}`,
      expected: `an integer from 0 to ${n}`,
    });
  }
  // A plain array is quicker when the sample is a good part of the whole; the draws are the same.
  if (n <= 4 * k) {
    const order = ascending(n);
    shuffleFront(stream, order, k);
    return order.slice(0, k);
  }
  checkCount(n);
  const moved = new Map<number, number>();
  const sample = new Int32Array(k);
  for (let i = 0; i < k; i++) {
    const j = i + stream.below(n - i);
    sample[i] = moved.get(j) ?? j;
    moved.set(j, moved.get(i) ?? i);
  }
  return sample;
}

function shuffleFront(stream: RandomStream, array: Int32Array, steps: number): void {
  for (let i = 0; i < steps; i++) {
    const j = i + stream.below(array.length - i);
    const held = array[i]!;
    array[i] = array[j]!;
    array[j] = held;
  }
}

function ascending(n: number): Int32Array {
  checkCount(n);
  const order = new Int32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  return order;
}

function checkCount(n: number): void {
  if (Number.isInteger(n) && n >= 0 && n < 2 ** 31) return;
  throw new AnabranchError({
    code: "random/population-size",
    message: "cannot shuffle this many elements",
    received: String(n),
    expected: "an integer from 0 to 2^31 - 1",
  });
}
