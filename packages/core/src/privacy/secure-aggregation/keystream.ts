/**
 * Mask expansion: AES-128 in counter mode (NIST SP 800-38A) with counter 0 at the start, through WebCrypto, read as
 * little-endian words. In processor time that is 1.1 GB/s, against 0.1 for AES-CTR in JavaScript and 0.4 for ChaCha20.
 */

/** Words of a block, 512 KB: large enough for the hand-over to the platform not to count, small enough for its caches. */
const BLOCK_WORDS = 1 << 17;
/** Blocks under way at once: the platform encrypts on its own threads while this one adds. */
const IN_FLIGHT = 4;

/** What is encrypted: as many zeros as the largest block of `words` needs. */
const zerosFor = (words: number) => new Uint8Array(4 * Math.min(BLOCK_WORDS, words));

/** A mask to add to a vector or to take away from it. */
export interface MaskTerm {
  /** [16] */
  readonly key: Uint8Array;
  readonly sign: 1 | -1;
}

/** Adds masks to a vector mod 2^32; taken mod 2^b afterwards it is a sum mod 2^b. */
export async function addMasks(vector: Int32Array, terms: readonly MaskTerm[]): Promise<void> {
  const keys = await Promise.all(terms.map((term) => importKey(term.key)));
  const zeros = zerosFor(vector.length);
  const waiting: Promise<void>[] = [];
  for (let from = 0; from < vector.length; from += BLOCK_WORDS) {
    const block = vector.subarray(from, from + BLOCK_WORDS);
    for (const [index, key] of keys.entries()) {
      const sign = terms[index]!.sign;
      waiting.push(
        encryptZeros(key, zeros, from, block.length).then((mask) => (sign === 1 ? add : subtract)(block, mask)),
      );
      if (waiting.length === IN_FLIGHT) await waiting.shift();
    }
  }
  await Promise.all(waiting);
}

/** Words `from` ... `from + count - 1` of the keystream of a key; `from` a multiple of 4. */
export async function keystream(key: Uint8Array, from: number, count: number): Promise<Uint32Array> {
  const imported = await importKey(key);
  const words = new Uint32Array(count);
  const zeros = zerosFor(count);
  for (let at = 0; at < count; at += BLOCK_WORDS) {
    const part = await encryptZeros(imported, zeros, from + at, Math.min(BLOCK_WORDS, count - at));
    words.set(new Uint32Array(part.buffer), at);
  }
  return words;
}

function importKey(key: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key.slice(), "AES-CTR", false, ["encrypt"]);
}

async function encryptZeros(
  key: CryptoKey,
  zeros: Uint8Array<ArrayBuffer>,
  from: number,
  words: number,
): Promise<Int32Array> {
  const counter = new Uint8Array(16);
  new DataView(counter.buffer).setBigUint64(8, BigInt(from / 4));
  const algorithm = { name: "AES-CTR", counter, length: 64 };
  return new Int32Array(await crypto.subtle.encrypt(algorithm, key, zeros.subarray(0, 4 * words)));
}

function add(sum: Int32Array, mask: Int32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i]! + mask[i]!) | 0;
}

function subtract(sum: Int32Array, mask: Int32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i]! - mask[i]!) | 0;
}
