import { AnabranchError, type Failure } from "@anabranch/engine";

/** Refuses something: throws an error with the code `secure-aggregation/REASON`. */
export function refuse(reason: string, message: string, details: Omit<Failure, "code" | "message"> = {}): never {
  throw new AnabranchError({ code: `secure-aggregation/${reason}`, message, ...details });
}

/** What a client or server answers to a message that it does not accept. Its state is what it was before. */
export interface Refused {
  readonly refusal: Failure;
}

/** Turns a refusal into data. Anything else is an error of ours and goes on. */
export function asRefusal(error: unknown): Refused {
  if (error instanceof AnabranchError) return { refusal: error.failure };
  throw error;
}

/** Runs tasks one after the other, so that no message is looked at while another is half done. */
export function inTurn(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const run = last.then(task);
    last = run.catch(() => undefined);
    return run;
  };
}

/** The end of a round without a sum. */
export function roundFailure(
  reason: string,
  message: string,
  received?: string,
  expected?: string,
): { failure: Failure } {
  const details = { ...(received === undefined ? {} : { received }), ...(expected === undefined ? {} : { expected }) };
  const advice = "Nothing of this round was learnt; the next one begins anew.";
  return { failure: { code: `secure-aggregation/${reason}`, message, ...details, advice } };
}
