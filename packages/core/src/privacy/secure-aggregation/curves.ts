import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { checkPublicKey, KEY_BYTES } from "./public-key.ts";
import { refuse } from "./refusal.ts";

/**
 * X25519 (RFC 7748) and Ed25519 (RFC 8032). The platform's own implementation is about fifteen times as fast as the
 * portable one (0.1 ms against 1.7 ms each), but older browsers lack it.
 */
export interface Curves {
  readonly name: string;
  /** X25519 public key [32] of a secret key [32]. */
  publicKey(secret: Uint8Array): Promise<Uint8Array>;
  /** X25519 shared secret [32]; refuses (`public-key`) points of small order and unreduced coordinates. */
  sharedSecret(secret: Uint8Array, publicKey: Uint8Array): Promise<Uint8Array>;
  /** Ed25519 signature [64]. */
  sign(secret: Uint8Array, message: Uint8Array): Promise<Uint8Array>;
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
}

export const SIGNATURE_BYTES = 64;

/** What comes before the 32 bytes of a secret key in PKCS #8 (RFC 8410): 1.3.101.110 is X25519, .112 Ed25519. */
const pkcs8Prefix = (object: number) => [
  ...[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, object],
  ...[0x04, 0x22, 0x04, 0x20],
];
const BASE_POINT = Uint8Array.of(9, ...new Uint8Array(KEY_BYTES - 1));

/**
 * Ed25519 public key [32] of an identity's secret key [32].
 *
 * @example
 * ```ts
 * import { identityPublicKey, secureEntropy } from "@anabranch/core/secure-aggregation";
 * identityPublicKey(secureEntropy().bytes(32)).length; // => 32
 * ```
 */
export function identityPublicKey(secret: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(secret);
}

/**
 * The platform's curves where it has both, else the portable ones.
 *
 * @example
 * ```ts
 * import { bestCurves, secureEntropy } from "@anabranch/core/secure-aggregation";
 * import { toBase64 } from "@anabranch/core/live";
 * const curves = await bestCurves();
 * const [a, b] = [secureEntropy().bytes(32), secureEntropy().bytes(32)];
 * const one = await curves.sharedSecret(a, await curves.publicKey(b));
 * const other = await curves.sharedSecret(b, await curves.publicKey(a));
 * toBase64(one) === toBase64(other); // => true
 * ```
 */
export async function bestCurves(): Promise<Curves> {
  const curves = platformCurves();
  try {
    const secret = new Uint8Array(KEY_BYTES).fill(1);
    await curves.publicKey(secret);
    await curves.sign(secret, secret);
    return curves;
  } catch {
    return portableCurves();
  }
}

/**
 * In JavaScript, by @noble/curves.
 *
 * @example
 * ```ts
 * import { portableCurves, secureEntropy } from "@anabranch/core/secure-aggregation";
 * const secret = secureEntropy().bytes(32);
 * (await portableCurves().publicKey(secret)).length; // => 32
 * ```
 */
export function portableCurves(): Curves {
  return {
    name: "portable",
    publicKey: async (secret) => x25519.getPublicKey(secret),
    sharedSecret: async (secret, publicKey) => {
      checkPublicKey(publicKey, "X25519");
      return x25519.getSharedSecret(secret, publicKey);
    },
    sign: async (secret, message) => ed25519.sign(message, secret),
    verify: async (publicKey, message, signature) => {
      try {
        return ed25519.verify(signature, message, publicKey);
      } catch {
        return false; // the key or the signature is no point of the curve
      }
    },
  };
}

/**
 * By WebCrypto. Imported secret keys are remembered as long as the bytes that they came from.
 *
 * @example
 * ```ts
 * import { platformCurves } from "@anabranch/core/secure-aggregation";
 * platformCurves().name; // => "platform"
 * ```
 */
export function platformCurves(): Curves {
  const remembered = { X25519: new WeakMap<Uint8Array, Promise<CryptoKey>>(), Ed25519: new WeakMap() };
  const secretKey = (secret: Uint8Array, algorithm: "X25519" | "Ed25519") => {
    const imported: WeakMap<Uint8Array, Promise<CryptoKey>> = remembered[algorithm];
    let key = imported.get(secret);
    if (key === undefined) {
      const bytes = Uint8Array.of(...pkcs8Prefix(algorithm === "X25519" ? 0x6e : 0x70), ...secret);
      const use: KeyUsage = algorithm === "X25519" ? "deriveBits" : "sign";
      key = crypto.subtle.importKey("pkcs8", bytes, algorithm, false, [use]);
      imported.set(secret, key);
    }
    return key;
  };
  const agree = async (secret: Uint8Array, publicKey: Uint8Array) => {
    const point = await crypto.subtle.importKey("raw", publicKey.slice(), "X25519", false, []);
    const key = await secretKey(secret, "X25519");
    return new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: point }, key, 8 * KEY_BYTES));
  };
  return {
    name: "platform",
    publicKey: (secret) => agree(secret, BASE_POINT),
    sharedSecret: async (secret, publicKey) => {
      checkPublicKey(publicKey, "X25519");
      return agree(secret, publicKey);
    },
    sign: async (secret, message) =>
      new Uint8Array(await crypto.subtle.sign("Ed25519", await secretKey(secret, "Ed25519"), message.slice())),
    verify: async (publicKey, message, signature) => {
      if (publicKey.length !== KEY_BYTES) refuse("public-key", "an identity's key has a wrong length");
      try {
        const key = await crypto.subtle.importKey("raw", publicKey.slice(), "Ed25519", false, ["verify"]);
        return await crypto.subtle.verify("Ed25519", key, signature.slice(), message.slice());
      } catch {
        return false; // the key is no point of the curve
      }
    },
  };
}
