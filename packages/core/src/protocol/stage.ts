import type { Layout, Vector } from "../params/index.ts";
import { deriveKey, type RandomKey } from "../random/index.ts";
import type { PublicMetadata, Update } from "./message.ts";

/** What a client half may know beside the update. */
export interface ClientStageContext {
  /** Public scalars of the broadcast, e.g. the round's clip norm. */
  readonly scalars: Readonly<Record<string, number>>;
  /** Layouts of the update's vectors as trained. */
  readonly layouts: Readonly<Record<string, Layout>>;
  /** Random keys that came with the task, by the name under which a stage asks for them. */
  readonly keys: Readonly<Record<string, RandomKey>>;
  /** The client's state, what stages keep included. */
  readonly state?: Readonly<Record<string, Vector>> | undefined;
  /** Keeps a vector of the client's state for its next visit. */
  keep?(name: string, vector: Vector): void;
  /** Is told of each vector that is compressed, what the server will have of it and the bytes; absent: nobody measures. */
  compressed?(vector: Vector, arrived: Vector, bytes: number): void;
}

/** What the server knows when an update arrives. */
export interface ReceiveContext {
  /** The scalars that went down in this round. */
  readonly scalars: Readonly<Record<string, number>>;
  /** The part of the payloads that the client was given; undefined: all of it. */
  readonly part: number | undefined;
  /** The random keys that the client was given; absent: what it draws is not checked. */
  readonly keys?: Readonly<Record<string, RandomKey>> | undefined;
}

/** What a server half may know beside the aggregate. */
export interface ServerStageContext {
  /** 1-based. */
  readonly round: number;
  /** The scalars that went down in this round. */
  readonly scalars: Readonly<Record<string, number>>;
  /** Updates in the aggregate. */
  readonly participants: number;
  /** A random key of the run by its path. */
  key(...path: readonly (string | number)[]): RandomKey;
}

/** The sum or mean of a cohort on its way to the method. */
export interface Aggregate {
  readonly vectors: Readonly<Record<string, Vector>>;
  /** Numbers for the server's state after the round, e.g. the next clip norm. */
  readonly state: Readonly<Record<string, number>>;
}

/** Why an update counts as a failure of its client. */
export interface InvalidUpdate {
  readonly code: string;
  readonly message: string;
}

/** A random key that a client half asks for: that of the run along `path` and the client, under `name`. */
export interface KeyRequest {
  readonly name: string;
  /** True: the same for all clients of a round, and no secret. */
  readonly shared?: boolean;
  path(round: number): readonly (string | number)[];
}

/**
 * What every task draws: mini-batches, dropout, and what its method declares.
 *
 * @example
 * ```ts
 * import { TASK_KEYS } from "@anabranch/core";
 * TASK_KEYS.length > 0; // => true
 * ```
 */
export const TASK_KEYS: readonly KeyRequest[] = ["batches", "dropout", "draws"].map((name) => ({
  name,
  path: (round) => [name, round],
}));

/** The keys of a client's task. A client that is given work twice in one round is visited twice, 0 and 1. */
export type TaskKeys = (client: number, visit: number) => Readonly<Record<string, RandomKey>>;

/**
 * The keys that the tasks of a round bring, derived from that of the run, which stays where it is.
 *
 * @example
 * ```ts
 * import { rootKey, TASK_KEYS, taskKeys } from "@anabranch/core";
 * typeof taskKeys(rootKey(1), TASK_KEYS, 3); // => "function"
 * ```
 */
export function taskKeys(root: RandomKey, requests: readonly KeyRequest[], round: number): TaskKeys {
  const bases = requests.map(({ name, path, shared = false }) => {
    return { name, shared, key: deriveKey(root, ...path(round)) };
  });
  return (client, visit) => {
    const keys: Record<string, RandomKey> = {};
    for (const { name, shared, key } of bases) {
      if (shared) keys[name] = key;
      else keys[name] = visit === 0 ? deriveKey(key, client) : deriveKey(key, client, "visit", visit);
    }
    return keys;
  };
}

/**
 * One step in the life of an update. It acts up to three times: at the client on what was trained, at the server on what
 * arrived, and at the server on the aggregate; each may be absent. It sees sensitive vectors and public metadata apart.
 */
export interface Stage {
  readonly name: string;
  /** Randomness of the client half. */
  readonly keys?: readonly KeyRequest[];
  client?(update: Update, context: ClientStageContext): Update;
  /** The update with the client half undone where that is done one by one; or what is wrong with it. */
  receive?(update: Update, context: ReceiveContext): Update | InvalidUpdate;
  server?(aggregate: Aggregate, context: ServerStageContext): Aggregate;
}

/** Client halves in order. */
export function applyClientStages(stages: readonly Stage[], update: Update, context: ClientStageContext): Update {
  return stages.reduce((u, stage) => stage.client?.(u, context) ?? u, update);
}

/** Takes an update that arrived through the stages in reverse order; the first thing found wrong with it ends its way. */
export function receiver(
  stages: readonly Stage[],
): (update: Update, context: ReceiveContext) => Update | InvalidUpdate {
  const halves = stages.toReversed().flatMap(({ receive }) => (receive === undefined ? [] : [receive]));
  return (update, context) => {
    let received: Update = update;
    for (const receive of halves) {
      const next = receive(received, context);
      if ("code" in next) return next;
      received = next;
    }
    return received;
  };
}

/** Server halves in reverse order, on the aggregate. */
export function applyServerStages(
  stages: readonly Stage[],
  aggregate: Aggregate,
  context: ServerStageContext,
): Aggregate {
  return stages.reduceRight((a, stage) => stage.server?.(a, context) ?? a, aggregate);
}

/**
 * The same update with other metadata.
 *
 * @example
 * ```ts
 * import { withMetadata } from "@anabranch/core";
 * const metadata = { examples: 20, steps: 4, weight: 20, loss: 0.5 };
 * const update = { round: 3, client: 7, layoutHash: "0", vectors: {}, public: metadata };
 * withMetadata(update, { weight: 1 }).public.weight; // => 1
 * ```
 */
export function withMetadata(update: Update, changes: Partial<PublicMetadata>): Update {
  return { ...update, public: { ...update.public, ...changes } };
}
