import type { ClientVectors } from "@anabranch/core";
import type { KeptStates } from "@anabranch/core/live";
import { transact } from "./database.ts";

/**
 * The states that a client keeps in the browser. Kept are the newest, the one that it was made from, and the one before
 * that, should the server go back.
 */
export function keptStatesOf(database: IDBDatabase): KeptStates {
  /** The version that the server has named last, by run: it counts until the server names another. */
  const base = new Map<string, number>();

  const forget = async (run: string, newest: number) => {
    const all = IDBKeyRange.bound([run, 0], [run, Number.MAX_SAFE_INTEGER]);
    const keys = await transact(database, "states", "readonly", (store) => store.getAllKeys(all));
    const versions = keys.map((key) => Number(Array.isArray(key) ? key[1] : key));
    const counts = base.get(run) ?? newest;
    const before = versions.filter((version) => version < Math.min(counts, newest)).sort((a, b) => b - a)[0];
    const kept = new Set([newest, counts, before]);
    for (const version of versions) {
      if (!kept.has(version)) await transact(database, "states", "readwrite", (store) => store.delete([run, version]));
    }
  };

  return {
    async load(run, version) {
      const state = await transact<ClientVectors | undefined>(database, "states", "readonly", (store) =>
        store.get([run, version]),
      );
      if (state !== undefined) base.set(run, version);
      return state;
    },
    async save(run, version, state) {
      await transact(database, "states", "readwrite", (store) => store.put(state, [run, version]));
      await forget(run, version);
    },
  };
}
