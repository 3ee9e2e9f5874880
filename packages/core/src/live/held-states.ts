import type { ClientStateStore } from "../round/client-state.ts";
import { requireKind } from "../round/memory-client-states.ts";

/** Client states that stay with the clients: the server knows of each only the version after which it was kept. */
export interface HeldStates extends ClientStateStore {
  /** The version that counts; undefined before a client's first. */
  versionOf(client: number): number | undefined;
}

/** @param saved called when the checkpoint of a round is durable */
export function heldStates(saved: (round: number) => Promise<void> = async () => {}): HeldStates {
  const versions = new Map<number, number>();
  return {
    isElsewhere: true,
    versionOf: (client) => versions.get(client),
    async load() {
      return undefined; // the client has it
    },
    async save(client, round) {
      versions.set(client, round);
    },
    commit: (round) => saved(round),
    async snapshot() {
      const sorted = [...versions].sort(([a], [b]) => a - b);
      return { kind: "versions", versions: sorted.map(([client, round]) => ({ client, round })) };
    },
    async restore(states) {
      requireKind(states, "versions");
      versions.clear();
      for (const { client, round } of states.versions) versions.set(client, round);
    },
  };
}
