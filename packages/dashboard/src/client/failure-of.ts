import { AnabranchError, type Failure } from "@anabranch/engine";

/** A failure as data: an error's class does not survive the way to another thread. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof AnabranchError)) {
    return { code: "client/failed", message: error instanceof Error ? error.message : String(error) };
  }
  const { cause: _cause, ...failure } = error.failure;
  return failure;
}
