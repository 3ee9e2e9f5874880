import { type RandomKey, randomStream, sampleWithoutReplacement } from "../random/index.ts";

/**
 * Up to `count` clients that are available, drawn uniformly without replacement and in the order drawn; all of them,
 * ascending, where they are no more than that. Takes time in the clients that are not available, not in the population.
 */
export function drawIdle(
  population: number,
  unavailable: ReadonlySet<number>,
  count: number,
  key: RandomKey,
): readonly number[] {
  const busy = [...unavailable].sort((a, b) => a - b);
  const idle = population - busy.length;
  const places =
    count >= idle
      ? Array.from({ length: idle }, (_, place) => place)
      : Array.from(sampleWithoutReplacement(randomStream(key), idle, count));
  return places.map((place) => clientAt(place, busy));
}

/** The client at a place among those that are not busy. */
function clientAt(place: number, busy: readonly number[]): number {
  // busy[i] - i clients before busy[i] are idle
  let [low, high] = [0, busy.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (busy[middle]! - middle <= place) low = middle + 1;
    else high = middle;
  }
  return place + low;
}
