import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { refuse } from "./refusal.ts";
import { concat, u32 } from "./wire.ts";

/** Bytes of a key that masks are expanded from (AES-128). */
export const MASK_KEY_BYTES = 16;
/** Bytes of the seed of a client's own mask. */
export const SEED_BYTES = 32;
/** Bytes by which a sealed text is longer than what it holds: the tag of Poly1305. */
export const SEAL_BYTES = 16;
export const HASH_BYTES = 32;

const text = new TextEncoder();
const label = (purpose: string, ...clients: number[]) =>
  concat(text.encode(`anabranch secure aggregation 1: ${purpose}`), ...clients.map(u32));

/**
 * All keys come from HKDF-SHA-256 (RFC 5869) with the hash of the round's plan as salt and the purpose and the clients
 * as info: a key of one round, pair or purpose is of no use in another.
 */
function derive(secret: Uint8Array, session: Uint8Array, info: Uint8Array, bytes: number): Uint8Array {
  return hkdf(sha256, secret, session, info, bytes);
}

/** Key of the mask that `a` and `b` share; the same from both sides. */
export function pairMaskKey(shared: Uint8Array, session: Uint8Array, a: number, b: number): Uint8Array {
  return derive(shared, session, label("pair mask", Math.min(a, b), Math.max(a, b)), MASK_KEY_BYTES);
}

/** Key of a client's own mask, from its seed. */
export function selfMaskKey(seed: Uint8Array, session: Uint8Array, client: number): Uint8Array {
  return derive(seed, session, label("own mask", client), MASK_KEY_BYTES);
}

/** Hash that binds a client to its seed and tells nothing of it (the seed has 256 random bits). */
export function seedCommitment(seed: Uint8Array, session: Uint8Array, client: number): Uint8Array {
  return sha256(concat(label("seed", client), session, seed));
}

/** What a client signs when it advertises its keys. */
export function keyAdvertisementText(session: Uint8Array, client: number, keys: Uint8Array): Uint8Array {
  return concat(label("keys", client), session, keys);
}

/** What a client signs when it agrees on who is in the sum. */
export function survivorsText(session: Uint8Array, survivors: Uint8Array): Uint8Array {
  return concat(label("survivors"), session, survivors);
}

/** Encrypts what one client sends another through the server. The key is used for this one text, hence nonce zero. */
export function seal(shared: Uint8Array, session: Uint8Array, from: number, to: number, plain: Uint8Array): Uint8Array {
  return sealer(shared, session, from, to).encrypt(plain);
}

/** Opens what `seal` closed; refuses (`sealed`) what was changed, or meant for others. */
export function open(shared: Uint8Array, session: Uint8Array, from: number, to: number, box: Uint8Array): Uint8Array {
  try {
    return sealer(shared, session, from, to).decrypt(box);
  } catch {
    return refuse("sealed", "a sealed share does not open", { where: `from client ${from} to ${to}` });
  }
}

function sealer(shared: Uint8Array, session: Uint8Array, from: number, to: number) {
  const info = label("sealed share", from, to);
  return chacha20poly1305(derive(shared, session, info, 32), new Uint8Array(12), concat(session, info));
}
