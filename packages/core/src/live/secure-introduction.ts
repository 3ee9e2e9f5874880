import { MOST_CLIENTS } from "../privacy/secure-aggregation/check-plan.ts";
import { KEY_BYTES } from "../privacy/secure-aggregation/public-key.ts";
import { concat, u32, WireReader } from "../privacy/secure-aggregation/wire.ts";

/** What the server says first in a session: the plan, and the identity keys of the cohort as it knows them. */
export interface Introduction {
  /** The encoded plan. */
  readonly plan: Uint8Array;
  /** Ed25519 public keys [32] by client. */
  readonly keys: ReadonlyMap<number, Uint8Array>;
}

/** The length of the plan, the plan, then clients with their keys; numbers are uint32, little-endian. */
export function encodeIntroduction({ plan, keys }: Introduction): Uint8Array<ArrayBuffer> {
  const entries = [...keys].sort(([a], [b]) => a - b).flatMap(([client, key]) => [u32(client), key]);
  return concat(u32(plan.length), plan, u32(keys.size), ...entries);
}

/** Throws `secure-aggregation/malformed`. */
export function decodeIntroduction(bytes: Uint8Array): Introduction {
  const reader = new WireReader(bytes, "introduction from the server");
  const plan = reader.bytes(reader.u32());
  const entries = reader.entries(MOST_CLIENTS, 4 + KEY_BYTES, (client) => [client, reader.bytes(KEY_BYTES)] as const);
  return { plan, keys: new Map(entries) };
}
