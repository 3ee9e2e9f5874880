import { type RandomKey, randomStream } from "../../random/index.ts";

/**
 * Where secret keys and seeds come from. Shares are the exception: the library of Shamir's scheme draws its polynomials
 * from the platform's secure source in every case, which changes neither a sum nor the size of a message.
 */
export interface Entropy {
  /** `secure`: the platform's cryptographic source. `seeded`: repeatable, protects nobody, for simulation only. */
  readonly kind: "secure" | "seeded";
  bytes(count: number): Uint8Array<ArrayBuffer>;
}

/** Most that `getRandomValues` gives at once. */
const QUOTA = 65536;

/**
 * The platform's cryptographic source: what live clients and servers must use.
 *
 * @example
 * ```ts
 * import { secureEntropy } from "@anabranch/core/secure-aggregation";
 * secureEntropy().bytes(16).length; // => 16
 * ```
 */
export function secureEntropy(): Entropy {
  const bytes = (count: number) => {
    const out = new Uint8Array(count);
    for (let from = 0; from < count; from += QUOTA) crypto.getRandomValues(out.subarray(from, from + QUOTA));
    return out;
  };
  return { kind: "secure", bytes };
}

/**
 * Repeatable bytes for simulation and tests: whoever knows the seed of the run knows all keys.
 *
 * @example
 * ```ts
 * import { rootKey } from "@anabranch/core";
 * import { seededEntropy } from "@anabranch/core/secure-aggregation";
 * seededEntropy(rootKey(1)).kind; // => "seeded"
 * ```
 */
export function seededEntropy(key: RandomKey): Entropy {
  const stream = randomStream(key);
  const bytes = (count: number) => {
    const words = new Uint32Array(Math.ceil(count / 4));
    stream.uint32s(words);
    return new Uint8Array(words.buffer, 0, count);
  };
  return { kind: "seeded", bytes };
}
