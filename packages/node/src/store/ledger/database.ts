/** What is stored in a column. */
export type Value = string | number | null;
/** One row of an answer, by column; not yet checked. */
export type Row = Readonly<Record<string, unknown>>;
/** Runs one statement. Each `?` in it takes the next value. */
export type Query = (statement: string, ...values: readonly Value[]) => Promise<readonly Row[]>;

/**
 * A database as a ledger needs it: transactions, one after the other in the order of the calls, each durable once resolved.
 * Statements are the SQL that SQLite and PostgreSQL share.
 */
export interface Database {
  /** Where it is, for errors; without passwords. */
  readonly place: string;
  /**
   * Runs `work` in a transaction. What `work` throws undoes it. Where a connection breaks, `work` runs again, and the try
   * before may have been committed.
   *
   * @param alone keeps every process out that wants to be alone, too
   */
  transaction<T>(work: (query: Query) => Promise<T>, alone?: "alone"): Promise<T>;
  /** Ends after the transactions that have begun. */
  close(): Promise<void>;
}

/** Calls in their order, each after the end of the one before. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  add<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#last.then(call);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
