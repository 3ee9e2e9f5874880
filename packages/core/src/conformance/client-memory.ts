import type { KeptStates, SecureRecords } from "../live/ports.ts";
import type { SecureRecord } from "../live/secure-record.ts";
import type { ClientVectors } from "../round/client-state.ts";

/** States that outlive a client: the newest, the one that it was made from, and the one before that. */
export function memoryStates(): KeptStates {
  const kept = new Map<number, ClientVectors>();
  let base: number | undefined;
  return {
    async load(_run, version) {
      const state = kept.get(version);
      if (state !== undefined) base = version;
      return state;
    },
    async save(_run, version, state) {
      kept.set(version, structuredClone(state));
      const made = base ?? version;
      const before = [...kept.keys()].filter((other) => other < Math.min(made, version)).sort((a, b) => b - a)[0];
      for (const other of kept.keys()) if (![version, made, before].includes(other)) kept.delete(other);
    },
  };
}

/** What a client remembers of secure aggregation, outliving it. */
export function memoryRecords(): SecureRecords {
  const kept = new Map<string, SecureRecord>();
  return {
    load: async (run) => structuredClone(kept.get(run)),
    async save(run, record) {
      kept.set(run, structuredClone(record));
    },
  };
}
