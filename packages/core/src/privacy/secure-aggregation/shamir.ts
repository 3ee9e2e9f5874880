import { combine, split } from "shamir-secret-sharing";
import { deriveKey, randomStream, rootKey, sampleWithoutReplacement } from "../../random/index.ts";
import { KEY_BYTES } from "./public-key.ts";

/** Bytes of a share of a 32-byte secret: one for each byte and the point (Shamir over GF(256)). */
export const SHARE_BYTES = KEY_BYTES + 1;

/** Sets of shares that are tried before a secret is given up. */
const ATTEMPTS = 300;

/** Shares [count] of a secret [32], any `threshold` of which rebuild it and fewer of which tell nothing. */
export async function splitSecret(secret: Uint8Array, count: number, threshold: number): Promise<Uint8Array[]> {
  return split(secret, count, threshold);
}

/**
 * Rebuilds a secret, and whether it is right is for `accept` to say. If the first `threshold` shares give a wrong one,
 * because somebody sent a wrong share, other sets are tried: all of them, or 300 drawn at random where there are more.
 *
 * @returns undefined if there are too few shares or no set that was tried gives the secret
 */
export async function rebuildSecret(
  shares: readonly Uint8Array[],
  threshold: number,
  accept: (secret: Uint8Array) => Promise<boolean> | boolean,
): Promise<Uint8Array | undefined> {
  if (shares.length < threshold) return undefined;
  for (const chosen of choices(shares.length, threshold)) {
    const secret = await combineShares(chosen.map((index) => shares[index]!));
    if (secret !== undefined && (await accept(secret))) return secret;
  }
  return undefined;
}

async function combineShares(shares: Uint8Array[]): Promise<Uint8Array | undefined> {
  // Two shares with one point, or the point 0, do not come from an honest client.
  const points = new Set(shares.map((share) => share[SHARE_BYTES - 1]!));
  if (points.size < shares.length || points.has(0)) return undefined;
  return combine(shares);
}

function* choices(count: number, size: number): Generator<readonly number[]> {
  if (subsets(count, size) <= ATTEMPTS) {
    yield* combinations(count, size);
    return;
  }
  yield Array.from({ length: size }, (_, i) => i);
  const stream = randomStream(deriveKey(rootKey(0), "shares", count, size));
  for (let attempt = 1; attempt < ATTEMPTS; attempt++) yield [...sampleWithoutReplacement(stream, count, size)];
}

function subsets(count: number, size: number): number {
  let product = 1;
  for (let i = 1; i <= size; i++) product = (product * (count - size + i)) / i;
  return product;
}

/** All subsets of 0 ... count - 1 with `size` members, in lexical order. */
function* combinations(count: number, size: number): Generator<readonly number[]> {
  const chosen = Array.from({ length: size }, (_, i) => i);
  for (;;) {
    yield [...chosen];
    let place = size - 1;
    while (place >= 0 && chosen[place] === count - size + place) place--;
    if (place < 0) return;
    chosen[place]!++;
    for (let i = place + 1; i < size; i++) chosen[i] = chosen[i - 1]! + 1;
  }
}
