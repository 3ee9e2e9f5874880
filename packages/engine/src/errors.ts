/** The parts of a failure a user can act on. */
export interface Failure {
  /** Stable identifier, `area/reason`, e.g. `data/truncated`. Programs match on this, never on the text. */
  readonly code: string;
  /** What failed, one sentence without a full stop. */
  readonly message: string;
  /** Where: a run, round, client, file or configuration key path. */
  readonly where?: string;
  readonly received?: string;
  readonly expected?: string;
  /** What to do next. */
  readonly advice?: string;
  readonly cause?: unknown;
}

/** The one error class of the project: a stable code and a message that says what to do next. */
export class AnabranchError extends Error {
  readonly code: string;
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(render(failure), failure.cause === undefined ? undefined : { cause: failure.cause });
    this.name = "AnabranchError";
    this.code = failure.code;
    this.failure = failure;
  }
}

function render(failure: Failure): string {
  const parts = [failure.where === undefined ? failure.message : `${failure.message} (${failure.where})`];
  if (failure.received !== undefined) parts.push(`received ${failure.received}`);
  if (failure.expected !== undefined) parts.push(`expected ${failure.expected}`);
  const sentence = parts.join("; ");
  return failure.advice === undefined ? `${sentence}.` : `${sentence}. ${failure.advice}`;
}
