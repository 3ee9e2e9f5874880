/**
 * In which order a round is told of what happens. Time is a whole number of microseconds since the run began; nothing here
 * looks at the time of day.
 */

/** Something that happens at an instant. Events of one instant are told as arrivals, then timers, each in order of creation. */
export type TimedEvent<Work> =
  | { readonly kind: "arrival"; readonly at: number; readonly work: Work }
  | { readonly kind: "timer"; readonly at: number; readonly name: string };

/** A queue of what is to happen. */
export interface Clock<Work> {
  /** The instant of the event told last. */
  readonly now: number;
  /** Announces that work given out now will be back after `duration`. */
  expect(work: Work, duration: number): void;
  /** Announces a timer at an instant, which must not be in the past. */
  setTimer(name: string, at: number): void;
  /** The next event, which stays in the queue; undefined where nothing is to happen. */
  peek(): TimedEvent<Work> | undefined;
  /** Takes the next event and moves time to it. */
  next(): TimedEvent<Work> | undefined;
}
