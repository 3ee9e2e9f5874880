/**
 * Which work is given out and which of it a round waits for. A schedule is pure: it returns what to do, and its state is
 * numbers that a checkpoint holds. A round is one version of the server's state: it ends with the first step that is
 * complete.
 */
import type { RandomKey } from "../random/index.ts";

/** Numbers by name; empty for schedules that remember nothing between rounds. */
export type ScheduleState = Readonly<Record<string, readonly number[]>>;

/** Work for one client. */
export interface WorkRequest {
  readonly client: number;
  /** Counts how often this client was given work on the same version, from 0. */
  readonly visit: number;
  /** Local steps, where the schedule sets them for each client; absent: those of the configuration. */
  readonly steps?: number | undefined;
}

/** An order as a schedule knows it: whose it is, on which version, and which of the client's on that version. */
export interface OrderName {
  readonly client: number;
  readonly version: number;
  readonly visit: number;
}

/** An order that is back, before it is known what it brings. */
export interface Return extends OrderName {
  readonly time: number;
}

/** What a round begins with. */
export interface RoundStart {
  /** 1-based. */
  readonly round: number;
  /** Instant, in microseconds. */
  readonly time: number;
  /** The clients that the sampler has picked. */
  readonly cohort: readonly number[];
  /** The part that each of them sends; absent: everyone sends everything. */
  readonly parts?: ReadonlyMap<number, number> | undefined;
}

/** Work that came back, or failed. */
export interface Arrival {
  readonly client: number;
  readonly time: number;
  readonly failed: boolean;
  /** Versions of the server's state since the one that was trained. */
  readonly staleness: number;
}

/** What to do next. */
export interface Step {
  readonly state: ScheduleState;
  /** Work to give out now. */
  readonly requests: readonly WorkRequest[];
  /** Instants at which the schedule wants to be asked again. */
  readonly timers?: readonly { readonly name: string; readonly at: number }[];
  /** Orders that have waited and are taken now, in this order: each is told as an arrival at once. */
  readonly take?: readonly OrderName[];
  /** Clients that were sent the model, and whose updates the round does not wait for unless it requests them; absent: none. */
  readonly unused?: readonly number[];
  /** Whether the round has all that it waits for. */
  readonly complete: boolean;
}

/** What becomes of an arrival: it enters the aggregate, or is left out. */
export interface Verdict {
  readonly fold: boolean;
  /** Factor on the update. It is none on its weight, so a mean does not divide by it. */
  readonly factor: number;
}

/** An instant of which all arrivals and timers have been told. */
export interface Instant {
  readonly round: number;
  readonly time: number;
  /** Clients of the run. */
  readonly population: number;
  /** Orders that are given out and not back. */
  readonly outstanding: number;
  /** Clients that cannot be given work: they have some, or are not there. */
  readonly unavailable: ReadonlySet<number>;
  /** Work that was given out on this version before the run was cut off: it is to be requested again, and nothing else. */
  readonly begun?: readonly WorkRequest[];
  /** For the choice of clients; another one for each version. */
  readonly key: RandomKey;
}

export interface Schedule {
  readonly name: string;
  /** Most updates of an asynchronous round; all of them may be of one client. */
  readonly buffer?: number;
  /** Most clients that train at a time in asynchronous rounds. */
  readonly concurrency?: number;
  /** The state before the first round. */
  readonly initial: ScheduleState;
  open(state: ScheduleState, start: RoundStart): Step;
  arrived(state: ScheduleState, arrival: Arrival): Step & Verdict;
  timer(state: ScheduleState, name: string, time: number): Step;
  /**
   * Present in schedules that let orders wait when they are back: told of each instead of `arrived`, which then follows once
   * a step takes it.
   */
  returned?(state: ScheduleState, order: Return): Step;
  /** Orders that are back and wait; with `returned`. */
  waiting?(state: ScheduleState): readonly OrderName[];
  /**
   * Present in schedules whose work may come back in a later round: rounds then take arrivals by their time. Called at the
   * end of each instant, so that work is given out on the newest version.
   */
  settle?(state: ScheduleState, instant: Instant): Step;
}
