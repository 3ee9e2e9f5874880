import type { TaskMeasurement } from "../metrics/task-meter.ts";
import type { Vector } from "../params/vector.ts";
import type { Broadcast, Update } from "../protocol/message.ts";
import type { RandomKey } from "../random/index.ts";
import type { WorkRequest } from "../schedule/index.ts";
import type { ClientVectors } from "./client-state.ts";

/** A piece of work for one client. */
export interface Order {
  /** Names the order: its round, its client and its visit. */
  readonly id: string;
  readonly client: number;
  /** The published model version that is trained. */
  readonly version: number;
  /** Which part of the payloads the client sends; undefined where everyone sends everything. */
  readonly part: number | undefined;
  readonly learningRate: number;
  /** Local steps, where the schedule sets them for each client; absent: those of the configuration. */
  readonly steps?: number;
  /** Instant at which its outcome is asked for; absent: outcomes are asked for in the order given. */
  readonly due?: number;
  /** Vectors that this client is given in place of those of the broadcast, where the method has such. */
  readonly own?: Readonly<Record<string, Vector>>;
  /**
   * What of the version's broadcast this client is sent, given what it keeps: the message that is counted. Absent: all of it,
   * and its own vectors.
   */
  message?(broadcast: Broadcast, kept: ClientVectors | undefined): Broadcast;
  /** The same, given the version that the client trained last, for backends that do not see what it keeps. */
  messageAfter?(broadcast: Broadcast, stateOf: number | undefined): Broadcast;
  /** Random keys of the task, by purpose. The key of the run is none of them. */
  readonly keys: Readonly<Record<string, RandomKey>>;
  /** Persistent client state, undefined at the first visit; read when the work begins. */
  loadState(): Promise<ClientVectors | undefined>;
}

/** What became of an order: an update, or a failure, which is data and not an exception. */
export type Outcome =
  | {
      readonly client: number;
      readonly update: Update;
      readonly state: ClientVectors;
      /** Encoded sizes of the messages of this client. */
      readonly bytesDown: number;
      readonly bytesUp: number;
      readonly retried: boolean;
      /** Of a simulation alone; it is in no message. */
      readonly measured?: TaskMeasurement | undefined;
    }
  | FailedOutcome;

export interface FailedOutcome {
  readonly client: number;
  readonly failure: { readonly code: string; readonly message: string };
  /** It received the broadcast all the same. */
  readonly bytesDown: number;
  readonly retried: boolean;
}

/** Sums over rows of a split. */
export interface EvaluationSums {
  readonly loss: number;
  readonly score: number;
  readonly examples: number;
  /** Of models that give each example one of a few classes; absent of others, and where there are no examples. */
  readonly classes?: ClassSums;
  /** On the test examples of each task of a stream; absent where there is one task. */
  readonly tasks?: readonly EvaluationSums[];
}

/** Examples of each class, and those among them that are classified right, [classes]. */
export interface ClassSums {
  readonly examples: readonly number[];
  readonly hits: readonly number[];
  /** By predicted class, the examples of each class, where some classes have no labels in training. */
  readonly found?: readonly (readonly number[])[];
}

/** Something the operator should know that did not stop the run. */
export interface Warning {
  readonly code: string;
  readonly message: string;
}

/**
 * What does the work: in-process, worker threads, a live server. The round loop cannot tell which. Orders begin in the
 * order in which they are due or given, and one that is due begins when it is asked for, so that waiting for it never waits
 * for a place that later ones hold.
 */
export interface Backend {
  readonly name: string;
  /** Outcomes that are summed together in less time than one by one, to the same bits. */
  readonly group: number;
  /**
   * Makes a model version known to all that work. Where it cannot be, the run ends. `change` is the same version for clients
   * whose state is of the version before, see `hasVersionBefore`.
   */
  publish(version: number, broadcast: Broadcast, change?: Broadcast): Promise<void> | void;
  /** The version is named by no order any more. */
  retire(version: number): void;
  /** Gives out work on a published version. */
  submit(order: Order): void;
  /** What became of a submitted order. Its vectors may be reused once it is released. */
  outcome(id: string): Promise<Outcome>;
  /** The outcome is no longer needed; an order that is still waiting is not begun. Resolves when its memory is at rest; undefined: it is. */
  release(id: string): Promise<void> | undefined;
  /** Resolves when some of what works has nothing to do; absent where nothing works beside the caller. */
  idle?(): Promise<void>;
  /** Present where clients take real time: asynchronous schedules then follow it in place of simulated time. */
  readonly arrivals?: Arrivals;
  /** What happened since the last call and no outcome tells, e.g. that a worker was lost and replaced. */
  takeWarnings?(): readonly Warning[];
}

/** What comes back from real clients, and when. */
export interface Arrivals {
  /**
   * The submitted order whose outcome was there first, in the order of acceptance; it is the next one until it is released.
   * Undefined: another client is there, or the signal was aborted.
   */
  next(signal: AbortSignal | undefined): Promise<string | undefined>;
  /** Clients that cannot be given work now. */
  absent(population: number): readonly number[];
  /** What was given out on a version before the run was cut off. */
  given(version: number): Promise<readonly WorkRequest[]>;
}

/**
 * Evaluates a model, the global one or a whole one with parameters that do not travel: on the global test set, and on the hold-out rows of every client (empty without hold-outs), or of the
 * given client alone.
 */
export interface Evaluator {
  evaluate(parameters: Vector): Promise<EvaluationSums>;
  evaluateClients(parameters: Vector, only?: number): Promise<readonly EvaluationSums[]>;
  /** On test examples with the labels that attackers want; undefined where no attack has such. Absent: there are no attacks. */
  evaluateAttack?(parameters: Vector): Promise<EvaluationSums | undefined>;
}
