/** Jobs that workers compute in rounds, where a job may be finished some rounds after it was begun. */

/** A scheme that gives out the work of each round from what came back in the rounds before. */
export interface SequentialScheme<Task> {
  readonly name: string;
  readonly workers: number;
  readonly jobs: number;
  /** T: rounds that a job may take beyond its own. */
  readonly delay: number;
  /** Share of one job's work that a worker does in a round. */
  readonly load: number;
  /** Rounds of all jobs: jobs + T. */
  readonly rounds: number;
  /** The tasks of each worker in the next round. */
  readonly tasks: readonly Task[];
  /** By job: the round at whose end it could be decoded, 1-based; null: it cannot yet. */
  readonly finished: readonly (number | null)[];
  /** Whether the job that is due in this round can be decoded though these workers are late. */
  mayEnd(late: ReadonlySet<number>): boolean;
  /** Ends a round: the results of all but the late workers are in. */
  endRound(late: ReadonlySet<number>): void;
}
