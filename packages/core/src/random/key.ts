import { AnabranchError } from "@anabranch/engine";
import { threefry2x32 } from "./threefry.ts";

/** Two uint32 words. A key is the root of an independent tree of keys and of one stream. */
export type RandomKey = readonly [number, number];

/**
 * High counter words that keep three uses of one key apart: child keys by number use [0, 2^21), streams start at
 * `STREAM_DOMAIN`, child keys by name set the top bit.
 */
export const STREAM_DOMAIN = 0x40000000;
const NAME_DOMAIN = 0x80000000;

/**
 * The key of a run. `seed`: an integer in [0, 2^53).
 *
 * @example
 * ```ts
 * import { randomStream, rootKey } from "@anabranch/core";
 * const first = randomStream(rootKey(7)).uint32(); // the seed of a run decides every draw
 * first === randomStream(rootKey(7)).uint32(); // => true
 * ```
 */
export function rootKey(seed: number): RandomKey {
  checkInteger(seed, "seed");
  return [seed >>> 0, Math.floor(seed / 2 ** 32)];
}

/**
 * A child key: `deriveKey(root, "batches", round, client)`. Each path element is one Threefry block, so that keys of
 * different paths are independent and no path is a prefix of another's stream.
 *
 * @param path names (purposes) and integers in [0, 2^53)
 * @example
 * ```ts
 * import { deriveKey, rootKey } from "@anabranch/core";
 * const cohort = deriveKey(rootKey(7), "cohort", 3); // one key per purpose and round
 * deriveKey(rootKey(7), "cohort", 4).join() === cohort.join(); // => false
 * ```
 */
export function deriveKey(key: RandomKey, ...path: readonly (string | number)[]): RandomKey {
  let derived = key;
  for (const element of path) {
    if (typeof element === "string") {
      const [low, high] = hashName(element);
      derived = threefry2x32(derived, [low, (high | NAME_DOMAIN) >>> 0]);
    } else {
      checkInteger(element, "key path element");
      derived = threefry2x32(derived, [element >>> 0, Math.floor(element / 2 ** 32)]);
    }
  }
  return derived;
}

/** FNV-1a over UTF-16 code units in two lanes (offset basis and its complement), so 63 bits tell names apart. */
function hashName(name: string): readonly [number, number] {
  let low = 0x811c9dc5;
  let high = ~0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit ^ (low >>> 16), 0x01000193);
  }
  return [low >>> 0, high >>> 0];
}

function checkInteger(value: number, what: string): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new AnabranchError({
    code: "random/key",
    message: `a ${what} must be an integer`,
    received: String(value),
    expected: "an integer from 0 to 2^53 - 1",
  });
}
