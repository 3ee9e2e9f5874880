import { Field, FpLegendre } from "@noble/curves/abstract/modular.js";
import { refuse } from "./refusal.ts";

/** Bytes of an X25519 or Ed25519 key, secret or public. */
export const KEY_BYTES = 32;

const P = 2n ** 255n - 19n;
const field = Field(P);

/** Reduced u coordinates of all points of order 1, 2, 4 and 8 on Curve25519 and its twist. */
const SMALL_ORDER: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  P - 1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
]);

/**
 * Refuses (`public-key`) what no honest client can have made: a coordinate that is not reduced mod 2^255 - 19 or a
 * point of small order, with which the shared secret would be known to all.
 */
export function checkPublicKey(publicKey: Uint8Array, where: string): void {
  const u = coordinate(publicKey, where);
  if (u >= P) refuse("public-key", "a public key is not a reduced coordinate", { where });
  if (SMALL_ORDER.has(u)) refuse("public-key", "a public key is a point of small order", { where });
}

/**
 * Refuses (`public-key`) also points of the quadratic twist, where u^3 + 486662 u^2 + u is no square. X25519 is safe on
 * the twist, so that this matters to nobody's secrets; but such a key has no secret key that could ever be rebuilt from
 * shares, so the server keeps it out. Takes a modular power, hence on the server alone.
 */
export function checkOnCurve(publicKey: Uint8Array, where: string): void {
  checkPublicKey(publicKey, where);
  const u = coordinate(publicKey, where);
  const right = field.create(u * (u * (u + 486662n) + 1n));
  if (FpLegendre(field, right) === -1) refuse("public-key", "a public key is a point of another curve", { where });
}

function coordinate(publicKey: Uint8Array, where: string): bigint {
  if (publicKey.length !== KEY_BYTES) {
    refuse("public-key", "a public key has a wrong length", { where, received: `${publicKey.length} bytes` });
  }
  let value = 0n;
  for (let i = KEY_BYTES - 1; i >= 0; i--) value = (value << 8n) | BigInt(publicKey[i]!);
  return value;
}
