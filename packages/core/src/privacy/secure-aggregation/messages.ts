import type { SecurePlan } from "./check-plan.ts";
import { SIGNATURE_BYTES } from "./curves.ts";
import { HASH_BYTES } from "./keys.ts";
import { packedBytes } from "./packing.ts";
import { decodePlan, encodePlan } from "./plan.ts";
import { KEY_BYTES } from "./public-key.ts";
import { refuse } from "./refusal.ts";
import { SHARE_BYTES } from "./shamir.ts";
import { concat, u32, type WireReader } from "./wire.ts";

/** Sizes of what a round's messages hold; they follow from the plan. */
export interface WireShape {
  /** [32] */
  readonly session: Uint8Array;
  readonly clients: number;
  /** Public keys that a client advertises. */
  readonly keys: number;
  /** Bytes of one client's sealed text for another. */
  readonly boxBytes: number;
  /** Bytes of a packed masked vector. */
  readonly maskedBytes: number;
  /** Bytes of a packed sum of coded masks; 0 where there are none. */
  readonly codedBytes: number;
}

/** One kind of message: a number on the wire, and how its body is written and read. */
export interface Codec<T> {
  readonly kind: number;
  readonly name: string;
  write(body: T): Uint8Array;
  read(reader: WireReader, shape: WireShape): T;
}

/** Up. A client's public keys, one after the other, signed with the key known from its enrolment. */
export interface KeyAdvertisement {
  readonly keys: Uint8Array;
  readonly signature: Uint8Array;
}
export interface ClientKeyAdvertisement extends KeyAdvertisement {
  readonly client: number;
}
/** A sealed text with the other client: up the one it is for, down the one it is from. */
export interface Box {
  readonly client: number;
  readonly box: Uint8Array;
}
/** Up. What a client seals for each neighbour, and the commitment to its seed (LightSecAgg: of no use, zeros). */
export interface Shares {
  readonly commitment: Uint8Array;
  readonly boxes: readonly Box[];
}
export interface ClientSignature {
  readonly client: number;
  readonly signature: Uint8Array;
}
/** A share of one secret of a client: of its own mask's seed, or of its secret mask key. */
export interface RevealedShare {
  readonly client: number;
  readonly secret: "seed" | "key";
  readonly share: Uint8Array;
}

const keyAdvertisementBytes = (shape: WireShape) => shape.keys * KEY_BYTES + SIGNATURE_BYTES;
const readKeyAdvertisement = (reader: WireReader, shape: WireShape): KeyAdvertisement => ({
  keys: reader.bytes(shape.keys * KEY_BYTES),
  signature: reader.bytes(SIGNATURE_BYTES),
});
const list = (parts: readonly (readonly Uint8Array[])[]) => concat(u32(parts.length), ...parts.flat());
const writeBoxes = (boxes: readonly Box[]) => list(boxes.map(({ client, box }) => [u32(client), box]));
const readBoxes = (reader: WireReader, shape: WireShape): Box[] =>
  reader.entries(shape.clients, 4 + shape.boxBytes, (client) => ({ client, box: reader.bytes(shape.boxBytes) }));
const same = (body: Uint8Array) => body;

/** Down, first: what the round is. */
export const planMessage: Codec<SecurePlan> = {
  ...{ kind: 1, name: "plan" },
  write: encodePlan,
  read: decodePlan,
};

export const keyAdvertisementMessage: Codec<KeyAdvertisement> = {
  ...{ kind: 2, name: "key advertisement" },
  write: ({ keys, signature }) => concat(keys, signature),
  read: readKeyAdvertisement,
};

/** Down: the key advertisements of a client's neighbours. */
export const keyAdvertisementsMessage: Codec<readonly ClientKeyAdvertisement[]> = {
  ...{ kind: 3, name: "key advertisements" },
  write: (advertisements) => list(advertisements.map(({ client, keys, signature }) => [u32(client), keys, signature])),
  read: (reader, shape) =>
    reader.entries(shape.clients, 4 + keyAdvertisementBytes(shape), (client) => ({
      client,
      ...readKeyAdvertisement(reader, shape),
    })),
};

export const sharesMessage: Codec<Shares> = {
  ...{ kind: 4, name: "shares" },
  write: ({ commitment, boxes }) => concat(commitment, writeBoxes(boxes)),
  read: (reader, shape) => ({ commitment: reader.bytes(HASH_BYTES), boxes: readBoxes(reader, shape) }),
};

/** Down: what the neighbours sealed for a client. */
export const boxesMessage: Codec<readonly Box[]> = {
  ...{ kind: 5, name: "boxes" },
  write: writeBoxes,
  read: readBoxes,
};

/** Up: the masked vector, packed. */
export const maskedMessage: Codec<Uint8Array> = {
  ...{ kind: 6, name: "masked vector" },
  write: same,
  read: (reader, shape) => reader.bytes(shape.maskedBytes),
};

/** Down: bit i is 1 if the i-th client of the cohort is in the sum; packed. */
export const survivorsMessage: Codec<Uint8Array> = {
  ...{ kind: 7, name: "survivors" },
  write: same,
  read: (reader, shape) => {
    const bits = reader.bytes(packedBytes(shape.clients, 1));
    const spare = 8 * bits.length - shape.clients;
    if (spare > 0 && bits[bits.length - 1]! >>> (8 - spare) !== 0) {
      refuse("malformed", "clients beyond the cohort are in the sum", { where: reader.where });
    }
    return bits;
  },
};

/** Up: signature of the survivors. */
export const agreementMessage: Codec<Uint8Array> = {
  ...{ kind: 8, name: "agreement" },
  write: same,
  read: (reader) => reader.bytes(SIGNATURE_BYTES),
};

/** Down: the signatures of a client's neighbours. */
export const agreementsMessage: Codec<readonly ClientSignature[]> = {
  ...{ kind: 9, name: "agreements" },
  write: (signatures) => list(signatures.map(({ client, signature }) => [u32(client), signature])),
  read: (reader, shape) =>
    reader.entries(shape.clients, 4 + SIGNATURE_BYTES, (client) => ({
      client,
      signature: reader.bytes(SIGNATURE_BYTES),
    })),
};

/** Up: one share of each neighbour that sent shares. */
export const revealMessage: Codec<readonly RevealedShare[]> = {
  ...{ kind: 10, name: "revealed shares" },
  write: (shares) =>
    list(shares.map(({ client, secret, share }) => [u32(client), Uint8Array.of(secret === "seed" ? 0 : 1), share])),
  read: (reader, shape) =>
    reader.entries(shape.clients, 4 + 1 + SHARE_BYTES, (client) => {
      const secret = reader.u8();
      if (secret > 1) refuse("malformed", "a share is of no known secret", { where: reader.where });
      return { client, secret: secret === 0 ? "seed" : "key", share: reader.bytes(SHARE_BYTES) };
    }),
};

/** Up, LightSecAgg: the sum of the coded masks of the survivors, packed. */
export const codedSumMessage: Codec<Uint8Array> = {
  ...{ kind: 11, name: "sum of coded masks" },
  write: same,
  read: (reader, shape) => reader.bytes(shape.codedBytes),
};
