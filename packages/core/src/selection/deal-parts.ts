import { deriveKey, permutation, type RandomKey, randomStream } from "../random/index.ts";

/**
 * Deals `parts` parts out to a cohort, evenly and at random: the part of each client, by its place in the cohort. No part
 * is held by two clients more than another. Which parts are held once more, or by nobody in a cohort smaller than
 * `parts`, is drawn too.
 *
 * @example
 * ```ts
 * import { dealParts, rootKey } from "@anabranch/core";
 * dealParts(2, [4, 7, 9, 11], rootKey(1)).length; // => 4
 * ```
 */
export function dealParts(parts: number, cohort: readonly number[], key: RandomKey): readonly number[] {
  const deck = permutation(randomStream(deriveKey(key, "deck")), parts);
  const dealt = new Array<number>(cohort.length).fill(0);
  permutation(randomStream(deriveKey(key, "clients")), cohort.length).forEach((place, i) => {
    dealt[place] = deck[i % parts]!;
  });
  return dealt;
}
