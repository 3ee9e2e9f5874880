import { dirname, join, resolve } from "node:path";
import { type ClientStateStore, type ClientVectors, requireKind } from "@anabranch/core";
import { AnabranchError } from "@anabranch/engine";
import { decodeClientState, encodeClientState } from "./client-state-file.ts";
import { diskFileSystem } from "./disk-file-system.ts";
import { type FileSystem, storageError } from "./file-system.ts";

/** Clients of one sub folder: a million clients make a thousand folders of a thousand. */
const shardSize = 1000;

/** How many files are synced at a time. */
const syncWidth = 8;

/** Buffers kept for the next states. */
const spareBuffers = 8;

interface Version {
  readonly client: number;
  readonly round: number;
}

const RESTORE = "The run's folder was changed: restore it from a copy, or start the run anew.";
const ownerOf = ({ client, round }: Version) => ({ client: String(client), round: String(round) });

/**
 * Client states in a folder, one file a client and round, `<client / 1000>/<client>-<round>.safetensors`. Memory holds
 * two integers for each visited client. A version counts only once a checkpoint refers to it, so `save` leaves its file
 * to the system and `snapshot`, which comes before the checkpoint, waits until all of them are on the disk.
 *
 * @throws `store/disk-full`, `store/not-writable`, `store/link`, `store/not-a-file`, `client-state/missing`, `client-state/corrupt`
 */
export function diskClientStates(folder: string, files: FileSystem = diskFileSystem): ClientStateStore {
  const root = resolve(folder);
  const versions = new Versions();
  /** Saved since the last snapshot. */
  const unsynced = new Map<string, Version>();
  const writeState = stateWriter(files);
  const remove = async (version: Version) => {
    unsynced.delete(nameOf(version));
    await files.remove(join(root, nameOf(version)));
  };

  return {
    async load(client) {
      const round = versions.newest(client);
      if (round === undefined) return undefined;
      const version = { client, round };
      const bytes = await files.read(join(root, nameOf(version)));
      if (bytes === undefined) throw missing(root, version);
      return decodeClientState(bytes, ownerOf(version), join(root, nameOf(version)), RESTORE);
    },
    async save(client, round, vectors) {
      const version = { client, round };
      await writeState(join(root, nameOf(version)), version, vectors);
      unsynced.set(nameOf(version), version);
      versions.add(version);
    },
    async commit(round, oldestKept = round) {
      for (const version of versions.takeNotNeeded(oldestKept)) await remove(version);
    },
    async snapshot() {
      await syncAll(files, root, unsynced);
      unsynced.clear();
      return { kind: "versions", versions: versions.list() };
    },
    async restore(states) {
      requireKind(states, "versions");
      versions.clear();
      unsynced.clear();
      const counts = new Map(states.versions.map(({ client, round }) => [client, round]));
      const found: Version[] = [];
      for await (const version of storedVersions(files, root)) {
        if (version.round <= (counts.get(version.client) ?? -1)) found.push(version);
        else await remove(version);
      }
      for (const version of found.sort((a, b) => a.round - b.round)) versions.add(version);
      for (const saved of states.versions) {
        if (versions.newest(saved.client) !== saved.round) throw missing(root, saved);
      }
    },
  };
}

/**
 * The state of one client that a checkpoint counts, without a change to the folder; undefined before its first visit.
 *
 * @throws `client-state/missing`, `client-state/corrupt`
 */
export async function readClientState(
  folder: string,
  files: FileSystem,
  versions: readonly { readonly client: number; readonly round: number }[],
  client: number,
): Promise<ClientVectors | undefined> {
  const version = versions.find((one) => one.client === client);
  if (version === undefined) return undefined;
  const path = join(resolve(folder), nameOf(version));
  const bytes = await files.read(path);
  if (bytes === undefined) throw missing(resolve(folder), version);
  return decodeClientState(bytes, ownerOf(version), path, RESTORE);
}

/** Writes states to files, with the memory and the folders of earlier ones. */
function stateWriter(files: FileSystem) {
  const folders = new Set<string>();
  const buffers = new SpareBuffers();
  return async (path: string, version: Version, vectors: ClientVectors) => {
    const bytes = encodeClientState(ownerOf(version), vectors, (length) => buffers.take(length));
    const shard = dirname(path);
    try {
      if (!folders.has(shard)) await files.makeFolder(shard);
      folders.add(shard);
      await files.write(path, bytes);
    } catch (error) {
      const what = `the state of client ${version.client} in round ${version.round}`;
      throw storageError(error, { what, path, bytes: bytes.length });
    } finally {
      buffers.giveBack(bytes);
    }
  };
}

/** Which rounds of each client are stored. */
class Versions {
  readonly #newest = new Map<number, number>();
  /** Rounds before the newest, ascending; only clients that have any. */
  readonly #older = new Map<number, number[]>();

  newest(client: number): number | undefined {
    return this.#newest.get(client);
  }

  /** Rounds come ascending. */
  add({ client, round }: Version): void {
    const before = this.#newest.get(client);
    this.#newest.set(client, round);
    if (before === undefined || before === round) return;
    const older = this.#older.get(client);
    if (older === undefined) this.#older.set(client, [before]);
    else older.push(before);
  }

  /** Removes and returns the versions that no checkpoint from `oldestKept` on can need. */
  takeNotNeeded(oldestKept: number): Version[] {
    const taken: Version[] = [];
    for (const [client, older] of this.#older) {
      const rounds = [...older, this.#newest.get(client)!];
      // The newest version up to the oldest checkpoint is still that checkpoint's.
      const needed = Math.max(
        0,
        rounds.findLastIndex((round) => round <= oldestKept),
      );
      for (const round of rounds.slice(0, needed)) taken.push({ client, round });
      if (needed === older.length) this.#older.delete(client);
      else older.splice(0, needed);
    }
    return taken;
  }

  /** Each client's newest, ascending by client. */
  list(): Version[] {
    return [...this.#newest].sort(([a], [b]) => a - b).map(([client, round]) => ({ client, round }));
  }

  clear(): void {
    this.#newest.clear();
    this.#older.clear();
  }
}

async function syncAll(files: FileSystem, root: string, saved: ReadonlyMap<string, Version>): Promise<void> {
  try {
    const names = [...saved.keys()];
    for (let i = 0; i < names.length; i += syncWidth) {
      await Promise.all(names.slice(i, i + syncWidth).map((name) => files.syncFile(join(root, name))));
    }
    for (const shard of new Set([...saved.values()].map(({ client }) => shardOf(client)))) {
      await files.syncFolder(join(root, shard));
    }
    if (names.length > 0) await files.syncFolder(root);
  } catch (error) {
    throw storageError(error, { what: "the states of clients", path: root });
  }
}

async function* storedVersions(files: FileSystem, root: string): AsyncGenerator<Version> {
  for (const shard of await files.list(root)) {
    if (!shard.endsWith("/")) continue;
    for (const name of await files.list(join(root, shard))) {
      const match = /^(\d+)-(\d+)\.safetensors$/.exec(name);
      if (match !== null) yield { client: Number(match[1]), round: Number(match[2]) };
    }
  }
}

function shardOf(client: number): string {
  return String(Math.floor(client / shardSize));
}

/** Path below the root. */
function nameOf({ client, round }: Version): string {
  return join(shardOf(client), `${client}-${round}.safetensors`);
}

/** Buffers to encode into again: fresh ones for thousands of states a round would keep the garbage collector busy. */
class SpareBuffers {
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];

  take(byteLength: number): Uint8Array<ArrayBuffer> {
    const at = this.#spare.findIndex((buffer) => buffer.length === byteLength);
    return at < 0 ? new Uint8Array(byteLength) : this.#spare.splice(at, 1)[0]!;
  }

  giveBack(buffer: Uint8Array<ArrayBuffer>): void {
    if (this.#spare.length < spareBuffers) this.#spare.push(buffer);
  }
}

function missing(root: string, version: Version): AnabranchError {
  return new AnabranchError({
    code: "client-state/missing",
    message: "a client's state is not where the checkpoint expects it",
    where: `client ${version.client}`,
    expected: join(root, nameOf(version)),
    advice: "The run's folder is incomplete: restore it from a copy, or start the run anew.",
  });
}
