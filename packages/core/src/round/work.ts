/** Work that was given out and has not come back: a schedule may take it up in a later round, or after a restart. */
import { AnabranchError } from "@anabranch/engine";
import { type Broadcast, decodeBroadcast, encodeBroadcast } from "../protocol/message.ts";
import type { Backend, Order } from "./backend.ts";
import type { BlobStore } from "./blob-store.ts";
import type { UnfinishedWork } from "./checkpoint.ts";

/** An order that is under way. */
export interface WorkUnderWay {
  readonly order: Order;
  readonly visit: number;
  /** Instant, in microseconds. */
  readonly arrives: number;
}

/** Orders that are under way, in the order in which they were given out, and the model versions that they name. */
export interface Work {
  readonly orders: Map<string, WorkUnderWay>;
  readonly versions: Map<number, Broadcast>;
  /** Versions that are stored because a checkpoint lists orders on them, by the round of the checkpoint. */
  readonly stored: Map<number, ReadonlySet<number>>;
}

export function noWork(): Work {
  return { orders: new Map(), versions: new Map(), stored: new Map() };
}

/** What of it a checkpoint lists. */
export function listWork({ orders }: Work): UnfinishedWork["outstanding"] {
  return [...orders.values()].map(({ order, visit, arrives }) => {
    const { client, version, steps } = order;
    return { client, version, visit, arrives, ...(steps === undefined ? {} : { steps }) };
  });
}

/** Lets go of all orders and versions, or of the versions that no order names. */
export async function abandonWork(backend: Backend, work: Work, which: "all" | "unnamed"): Promise<void> {
  const { orders, versions } = work;
  if (which === "all") {
    await Promise.all([...orders.keys()].map((id) => backend.release(id)));
    orders.clear();
  }
  const named = namedVersions(work);
  for (const version of [...versions.keys()].filter((known) => !named.has(known))) {
    versions.delete(version);
    backend.retire(version);
  }
}

const FOLDER = "versions/";

function versionName(version: number): string {
  return `${FOLDER}${String(version).padStart(8, "0")}.safetensors`;
}

/** Stores the versions that orders name: before the checkpoint of `round`, which lists the orders. */
export async function saveVersions(blobs: BlobStore, round: number, work: Work): Promise<void> {
  const named = namedVersions(work);
  const before = new Set([...work.stored.values()].flatMap((versions) => [...versions]));
  for (const version of named) {
    const broadcast = work.versions.get(version)!;
    if (!before.has(version)) await blobs.put(versionName(version), encodeBroadcast(broadcast));
  }
  if (named.size > 0 || before.size > 0) work.stored.set(round, named);
}

/** Deletes versions that no checkpoint from `oldestKept` on lists, once it is known what those list. */
export async function deleteVersions(blobs: BlobStore, oldestKept: number, { stored }: Work): Promise<void> {
  if (!stored.has(oldestKept)) return;
  for (const round of stored.keys()) if (round < oldestKept) stored.delete(round);
  const kept = new Set([...stored.values()].flatMap((versions) => [...versions].map(versionName)));
  for (const name of await blobs.list(FOLDER)) if (!kept.has(name)) await blobs.delete(name);
}

/** Versions that orders name. */
export function namedVersions({ orders }: Work): Set<number> {
  return new Set([...orders.values()].map(({ order }) => order.version));
}

/** A version that orders name, as it was stored. Throws `checkpoint/version-missing`. */
export async function readVersion(blobs: BlobStore, version: number): Promise<Broadcast> {
  const name = versionName(version);
  const bytes = await blobs.get(name);
  if (bytes !== undefined) return decodeBroadcast(bytes, name);
  throw new AnabranchError({
    code: "checkpoint/version-missing",
    message: "a model version that clients still train on is missing",
    where: name,
    advice: "The run's folder was changed: restore it from a copy, or start the run anew.",
  });
}
