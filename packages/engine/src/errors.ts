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

/** Characters of one part of a failure: what comes from a file can be of any length. */
const MAX_LENGTH = 2_000;

/**
 * The one error class of the project: a stable code and a message that says what to do next.
 *
 * @example
 * ```ts
 * import { AnabranchError } from "@anabranch/engine";
 * const error = new AnabranchError({ code: "data/empty", message: "no examples", advice: "Add some." });
 * error.code; // => "data/empty"
 * error.message; // => "no examples. Add some."
 * ```
 */
export class AnabranchError extends Error {
  readonly code: string;
  readonly failure: Failure;

  constructor(failure: Failure) {
    const bounded = cut(failure);
    super(render(bounded), failure.cause === undefined ? undefined : { cause: failure.cause });
    this.name = "AnabranchError";
    this.code = failure.code;
    this.failure = bounded;
  }
}

function cut(failure: Failure): Failure {
  const texts = (["message", "where", "received", "expected", "advice"] as const).flatMap((part) => {
    const text = failure[part];
    return text === undefined || text.length <= MAX_LENGTH ? [] : [[part, `${text.slice(0, MAX_LENGTH)}...`] as const];
  });
  return texts.length === 0 ? failure : { ...failure, ...Object.fromEntries(texts) };
}

function render(failure: Failure): string {
  const parts = [failure.where === undefined ? failure.message : `${failure.message} (${failure.where})`];
  if (failure.received !== undefined) parts.push(`received ${failure.received}`);
  if (failure.expected !== undefined) parts.push(`expected ${failure.expected}`);
  const sentence = parts.join("; ");
  return failure.advice === undefined ? `${sentence}.` : `${sentence}. ${failure.advice}`;
}
