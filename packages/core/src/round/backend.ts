import type { Vector } from "../params/vector.ts";
import type { Broadcast, Update } from "../protocol/message.ts";

/** One round's work for a backend. */
export interface CohortRequest {
  readonly broadcast: Broadcast;
  /** Client numbers; outcomes are accepted in this order. */
  readonly cohort: readonly number[];
  /** Which part of the exchange each client sends, by client; undefined where everyone sends everything. */
  readonly parts?: ReadonlyMap<number, number> | undefined;
  readonly learningRate: number;
  /** Persistent client state, undefined at the first visit. */
  loadState(client: number): Promise<Readonly<Record<string, Vector>> | undefined>;
}

/** What became of one client: an update, or a failure, which is data and not an exception. */
export type CohortOutcome =
  | {
      readonly client: number;
      readonly update: Update;
      readonly state: Readonly<Record<string, Vector>>;
      /** Encoded sizes of the messages of this client. */
      readonly bytesDown: number;
      readonly bytesUp: number;
      readonly retried: boolean;
    }
  | {
      readonly client: number;
      readonly failure: { readonly code: string; readonly message: string };
      /** It received the broadcast all the same. */
      readonly bytesDown: number;
      readonly retried: boolean;
    };

/** Sums over rows of a split. */
export interface EvaluationSums {
  readonly loss: number;
  readonly score: number;
  readonly examples: number;
}

/** Something the operator should know that did not stop the run. */
export interface Warning {
  readonly code: string;
  readonly message: string;
}

/**
 * What runs a cohort: in-process, worker threads, a live server. The round loop cannot tell which. `run` resolves when
 * every outcome was accepted, in cohort order whatever the order of arrival, in groups of any size (several updates at
 * once are summed in less time, to the same bits). The vectors of outcomes may be reused by the backend once `accept` has
 * resolved.
 */
export interface Backend {
  readonly name: string;
  run(request: CohortRequest, accept: (outcomes: readonly CohortOutcome[]) => Promise<void>): Promise<void>;
  /** What happened since the last call and no outcome tells, e.g. that a worker was lost and replaced. */
  takeWarnings?(): readonly Warning[];
}

/** Evaluates a model: on the global test set, and on the hold-out rows of every client (empty without hold-outs). */
export interface Evaluator {
  evaluate(parameters: Vector): Promise<EvaluationSums>;
  evaluateClients(parameters: Vector): Promise<readonly EvaluationSums[]>;
}
