import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes } from "@noble/hashes/utils.js";
import { toBase64 } from "../live/base64.ts";
import type { ClientIdentity } from "../live/ports.ts";
import { type Curves, identityPublicKey, portableCurves } from "../privacy/secure-aggregation/curves.ts";

/**
 * Signatures and shared secrets of one hash each, and real public keys: for simulations of many runs. They protect nobody:
 * public keys are all that it takes to know both.
 */
export function quickCurves(): Curves {
  const portable = portableCurves();
  const agreementKey = remembered((secret) => portable.publicKey(secret));
  const identityKey = remembered(identityPublicKey);
  return {
    name: "quick",
    publicKey: (secret) => agreementKey(secret),
    async sharedSecret(secret, publicKey) {
      const [first, second] = [await agreementKey(secret), publicKey].sort(compareBytes) as [Uint8Array, Uint8Array];
      return sha256(concatBytes(first, second));
    },
    sign: async (secret, message) => quickSignature(identityKey(secret), message),
    verify: async (publicKey, message, signature) => compareBytes(signature, quickSignature(publicKey, message)) === 0,
  };
}

/** A client's key by its number, for `quickCurves`. */
export function quickIdentity(curves: Curves, client: number): ClientIdentity {
  const secret = new Uint8Array(32).fill(client + 1, 0, 16).fill(client >>> 8, 16);
  return { publicKey: toBase64(identityOf(secret)), sign: (bytes) => curves.sign(secret, bytes) };
}

const identityOf = remembered(identityPublicKey);

function quickSignature(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  const half = sha256(concatBytes(publicKey, message));
  return concatBytes(half, sha256(half));
}

/** A function of bytes whose newest results are kept: secrets of a run are asked for many times, then never again. */
function remembered<T>(compute: (bytes: Uint8Array) => T, most = 4096): (bytes: Uint8Array) => T {
  const known = new Map<string, T>();
  return (bytes) => {
    const name = bytesToHex(bytes);
    const result = known.get(name) ?? compute(bytes);
    if (known.size >= most) known.clear();
    known.set(name, result);
    return result;
  };
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
