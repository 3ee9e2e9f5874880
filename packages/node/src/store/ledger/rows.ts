import type { EnrolledClient, JoinToken, NewestVersion, OrderRow } from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";
import type { Row } from "./database.ts";

/** PostgreSQL returns 64-bit integers as text. */
const integer = z.union([
  z.int(),
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number),
]);

const clientRow = z.object({
  client: integer,
  public_key: z.string(),
  profile: z.string(),
  status: z.enum(["enrolled", "ejected"]),
  token: z.string(),
});

const profileText = z.object({ name: z.string(), labels: z.record(z.string(), z.string()) });

const tokenRow = z.object({
  hash: z.string(),
  expires: z.number().nullable(),
  client: integer.nullable(),
  places: integer.nullable(),
  revoked: integer,
});

const orderRow = z.object({
  id: z.string(),
  client: integer,
  version: integer,
  broadcast: z.string(),
  status: z.enum(["given", "accepted", "closed"]),
  hash: z.string().nullable(),
  sequence: integer.nullable(),
});

const newestRow = z.object({ newest: integer, newest_broadcast: z.string().nullable() });

export function readNewest(row: Row, place: string): NewestVersion {
  return reading(place, () => {
    const { newest: version, newest_broadcast: broadcast } = newestRow.parse(row);
    return { version, broadcast: broadcast ?? undefined };
  });
}

export function readClient(row: Row, place: string): EnrolledClient {
  return reading(place, () => {
    const { client, public_key: publicKey, profile, status, token } = clientRow.parse(row);
    const { name, labels } = profileText.parse(JSON.parse(profile));
    return { client, publicKey, name, labels, status, token };
  });
}

/** Name and labels as a text of plain characters: PostgreSQL stores no NUL, and neither database stores half a surrogate pair. */
export function writeProfile({ name, labels }: EnrolledClient): string {
  return JSON.stringify({ name, labels });
}

export function readToken(row: Row, place: string): JoinToken {
  return reading(place, () => {
    const { hash, expires, client, places, revoked } = tokenRow.parse(row);
    const limits = { expires: expires ?? undefined, client: client ?? undefined, places: places ?? undefined };
    return { hash, ...limits, revoked: revoked !== 0 };
  });
}

export function readOrder(row: Row, place: string): OrderRow {
  return reading(place, () => {
    const { hash, sequence, ...order } = orderRow.parse(row);
    return { ...order, hash: hash ?? undefined, sequence: sequence ?? undefined };
  });
}

function reading<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw damaged(place, "a row that makes no sense", cause);
  }
}

/** The error for a ledger whose content cannot be what was written. */
export function damaged(place: string, received: string, cause?: unknown): AnabranchError {
  return new AnabranchError({
    code: "ledger/damaged",
    message: "the ledger is damaged, and was left as it is",
    where: place,
    received,
    advice: "Restore it from a backup. Without one, start a new run from the newest model.",
    cause,
  });
}
