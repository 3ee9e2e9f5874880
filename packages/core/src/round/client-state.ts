import type { Vector } from "../params/index.ts";

/** What a method keeps on one client between rounds, e.g. SCAFFOLD's control variate. */
export type ClientVectors = Readonly<Record<string, Vector>>;

/** The states of all clients as a checkpoint holds them, ascending by client. */
export type ClientStates =
  /** The states themselves: stores that die with the process. */
  | {
      readonly kind: "inline";
      readonly states: readonly { readonly client: number; readonly vectors: ClientVectors }[];
    }
  /** Which round's version of each client's state counts: stores that outlive the process. */
  | { readonly kind: "versions"; readonly versions: readonly { readonly client: number; readonly round: number }[] };

/**
 * Client states of a run; they survive rounds in which a client is not selected.
 *
 * Crash safety: states are versioned by round. What round r saves is seen at once by the running process, but a resumed
 * run sees it only if the checkpoint of round r (or a later one) was written: `restore` takes the states of a checkpoint
 * and forgets every version that came after it, so the repeated rounds start from what they started from the first time.
 * The order in a round is: every `save`, then the checkpoint with `snapshot()`, then `commit`.
 */
export interface ClientStateStore {
  /** True: the states stay with live clients, and `load` finds none. */
  readonly isElsewhere?: boolean;
  /** The newest state of a client, undefined before its first. The caller must not write to it. */
  load(client: number): Promise<ClientVectors | undefined>;
  /**
   * Stores a client's state of a round; durable once a following `snapshot` has resolved, in stores that outlive the process.
   * The vectors are copied before the call returns, so the caller need not wait to overwrite them.
   */
  save(client: number, round: number, vectors: ClientVectors): Promise<void>;
  /**
   * The checkpoint of `round` is durable. Versions that no checkpoint from `oldestKept` on can need may go.
   * @param oldestKept the oldest checkpoint that may still be resumed from; default `round`
   */
  commit(round: number, oldestKept?: number): Promise<void>;
  /** All states as of now, for the checkpoint. */
  snapshot(): Promise<ClientStates>;
  /** Goes back to the states of the checkpoint of `round`. Throws `client-state/missing` or `client-state/kind`. */
  restore(states: ClientStates, round: number): Promise<void>;
}
