import { AnabranchError } from "@anabranch/engine";
import type { Vector } from "../params/index.ts";
import type { BlobStore } from "./blob-store.ts";
import type { ClientStateStore, ClientVectors } from "./client-state.ts";
import { requireKind } from "./memory-client-states.ts";
import { damaged, decodeSealed, encodeSealed } from "./sealed.ts";

const FILE = { kind: "client-state", version: "1" };
const FOLDER = "client-states/";

/**
 * Client states in a blob store, one blob a client and round: memory stays small whatever the population, and a
 * checkpoint holds only which version counts. A blob that a crash left behind is overwritten or deleted.
 */
export function blobClientStates(blobs: BlobStore): ClientStateStore {
  /** Rounds of the versions at hand, ascending, by client. */
  const versions = new Map<number, number[]>();
  /** Clients with more than one version: the only ones that `commit` has to look at. */
  const superseded = new Set<number>();

  function add(client: number, round: number): void {
    const rounds = versions.get(client) ?? [];
    if (rounds.at(-1) !== round) rounds.push(round);
    versions.set(client, rounds);
    if (rounds.length > 1) superseded.add(client);
  }

  return {
    async load(client) {
      const round = versions.get(client)?.at(-1);
      if (round === undefined) return undefined;
      const bytes = await blobs.get(nameOf(client, round));
      if (bytes === undefined) throw missing(client, round);
      return decodeState(bytes, client, round);
    },
    async save(client, round, vectors) {
      await blobs.put(nameOf(client, round), encodeState(client, round, vectors));
      add(client, round);
    },
    async commit(round, oldestKept = round) {
      for (const client of superseded) {
        const rounds = versions.get(client)!;
        // The newest version up to the oldest checkpoint is still that checkpoint's; whatever is older is nobody's.
        while (rounds.length > 1 && rounds[1]! <= oldestKept) await blobs.delete(nameOf(client, rounds.shift()!));
        if (rounds.length === 1) superseded.delete(client);
      }
    },
    async snapshot() {
      const sorted = [...versions].sort(([a], [b]) => a - b);
      return { kind: "versions", versions: sorted.map(([client, rounds]) => ({ client, round: rounds.at(-1)! })) };
    },
    async restore(states, round) {
      requireKind(states, "versions");
      versions.clear();
      superseded.clear();
      for (const name of await blobs.list(FOLDER)) {
        const found = parseName(name);
        if (found === undefined) continue;
        if (found.round > round) await blobs.delete(name);
        else add(found.client, found.round);
      }
      for (const saved of states.versions) {
        if (versions.get(saved.client)?.at(-1) !== saved.round) throw missing(saved.client, saved.round);
      }
    },
  };
}

/** Rounds are padded so that names sort by round. */
function nameOf(client: number, round: number): string {
  return `${FOLDER}${client}/${String(round).padStart(8, "0")}.safetensors`;
}

function parseName(name: string): { client: number; round: number } | undefined {
  const match = /^(\d+)\/(\d+)\.safetensors$/.exec(name.slice(FOLDER.length));
  return match === null ? undefined : { client: Number(match[1]), round: Number(match[2]) };
}

function encodeState(client: number, round: number, vectors: ClientVectors): Uint8Array {
  const tensors = Object.entries(vectors).map(([name, data]) => [name, { shape: [data.length], data }] as const);
  return encodeSealed(FILE, Object.fromEntries(tensors), { client: String(client), round: String(round) });
}

function decodeState(bytes: Uint8Array, client: number, round: number): ClientVectors {
  const where = nameOf(client, round);
  const { tensors, metadata } = decodeSealed(FILE, bytes, where);
  if (metadata.client !== String(client) || metadata.round !== String(round)) {
    throw damaged(FILE.kind, where, "it belongs elsewhere", `client ${metadata.client}, round ${metadata.round}`);
  }
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { data }]): [string, Vector] => {
      if (data instanceof Float32Array || data instanceof Float64Array) return [name, data];
      throw damaged(FILE.kind, where, `${name} is no vector of floats`);
    }),
  );
}

function missing(client: number, round: number): AnabranchError {
  return new AnabranchError({
    code: "client-state/missing",
    message: "a client's state is not where the checkpoint expects it",
    where: `client ${client}`,
    expected: nameOf(client, round),
    advice: "The run's folder is incomplete: restore it from a copy, or start the run anew.",
  });
}
