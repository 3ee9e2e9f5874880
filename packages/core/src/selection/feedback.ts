/** What a sampler remembers of clients, as numbers that a checkpoint holds. */
export type SelectionMemory = Readonly<Record<string, readonly number[]>>;

/** What a client of a finished round has reported. */
export interface ClientReport {
  readonly client: number;
  /** Mean training loss. */
  readonly loss: number;
  readonly examples: number;
  /** Simulated seconds that its order took; 0 without devices. */
  readonly seconds: number;
}

/** How a sampler learns from reports: pure, so that a resumed run picks the same cohorts. */
export interface SelectionFeedback {
  readonly initial: SelectionMemory;
  /** The memory after a round (1-based) of this cohort; clients that failed report nothing. */
  learn(
    memory: SelectionMemory,
    round: number,
    cohort: readonly number[],
    reports: readonly ClientReport[],
  ): SelectionMemory;
}

/** A list of one number per client, by name. */
export function remembered(memory: SelectionMemory, name: string, clients: number): readonly number[] {
  return memory[name] ?? Array.from({ length: clients }, () => 0);
}

/** The memory with values of some clients replaced. */
export function withValues(
  memory: SelectionMemory,
  name: string,
  clients: number,
  values: readonly (readonly [client: number, value: number])[],
): SelectionMemory {
  const list = [...remembered(memory, name, clients)];
  for (const [client, value] of values) list[client] = value;
  return { ...memory, [name]: list };
}
