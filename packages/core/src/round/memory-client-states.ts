import { AnabranchError } from "@anabranch/engine";
import { copy, type Vector } from "../params/index.ts";
import type { ClientStateStore, ClientStates, ClientVectors } from "./client-state.ts";

/**
 * Client states in memory; a checkpoint holds them whole.
 *
 * @example
 * ```ts
 * import { memoryClientStates } from "@anabranch/core";
 * const states = memoryClientStates();
 * typeof states.save; // => "function"
 * ```
 */
export function memoryClientStates(): ClientStateStore {
  const states = new Map<number, ClientVectors>();
  return {
    async load(client) {
      return states.get(client);
    },
    async save(client, _round, vectors) {
      states.set(client, copyVectors(vectors));
    },
    async commit() {},
    async snapshot() {
      const sorted = [...states].sort(([a], [b]) => a - b);
      return { kind: "inline", states: sorted.map(([client, vectors]) => ({ client, vectors })) };
    },
    async restore(saved) {
      requireKind(saved, "inline");
      states.clear();
      for (const { client, vectors } of saved.states) states.set(client, copyVectors(vectors));
    },
  };
}

/**
 * Refuses a checkpoint that was made with another kind of store. Throws `client-state/kind`.
 *
 * @example
 * ```ts
 * import { memoryClientStates, requireKind } from "@anabranch/core";
 * const states = memoryClientStates();
 * await states.save(7, 1, { variate: Float32Array.of(1) });
 * const saved = await states.snapshot();
 * requireKind(saved, "inline");
 * saved.states; // => [{ client: 7, vectors: { variate: [1] } }]
 * ```
 */
export function requireKind<K extends ClientStates["kind"]>(
  states: ClientStates,
  kind: K,
): asserts states is Extract<ClientStates, { kind: K }> {
  if (states.kind === kind) return;
  throw new AnabranchError({
    code: "client-state/kind",
    message: "the checkpoint keeps its client states elsewhere",
    received: states.kind === "inline" ? "states inside the checkpoint" : "states in files of their own",
    expected: kind === "inline" ? "states inside the checkpoint" : "states in files of their own",
    advice: "Resume the run with the store that it was started with.",
  });
}

function copyVectors(vectors: ClientVectors): ClientVectors {
  return Object.fromEntries(Object.entries(vectors).map(([name, vector]): [string, Vector] => [name, copy(vector)]));
}
