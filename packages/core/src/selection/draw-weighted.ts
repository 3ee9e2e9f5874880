import { type RandomKey, randomStream } from "../random/index.ts";

/**
 * Up to `count` places drawn one after the other without replacement, each with a probability proportional to its weight
 * among those that are left. Places of weight 0 are not drawn.
 *
 *
 * @example
 * ```ts
 * import { drawWeighted, rootKey } from "@anabranch/core";
 * drawWeighted([1, 0, 5, 2], 2, rootKey(1)).length; // => 2
 * ```
 */
export function drawWeighted(weights: readonly number[], count: number, key: RandomKey): number[] {
  const stream = randomStream(key);
  const left = new Map([...weights.entries()].filter(([, weight]) => weight > 0));
  const drawn: number[] = [];
  while (drawn.length < count && left.size > 0) {
    let total = 0;
    for (const weight of left.values()) total += weight;
    const place = placeAt(left, stream.float() * total);
    drawn.push(place);
    left.delete(place);
  }
  return drawn;
}

/** The place in whose stretch of the summed weights a point lies. */
function placeAt(weights: ReadonlyMap<number, number>, point: number): number {
  let [sum, last] = [0, -1];
  for (const [place, weight] of weights) {
    sum += weight;
    last = place;
    if (point < sum) break;
  }
  return last;
}
