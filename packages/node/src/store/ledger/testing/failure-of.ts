import { AnabranchError } from "@anabranch/engine";
import { expect } from "vitest";

/** The code of a rejection, which must be an error with a place and a next step; "no error" where there is none. */
export async function failureOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return "no error";
  if (!(error instanceof AnabranchError)) throw error;
  expect(error.failure.advice, error.message).toMatch(/^[A-Z].{10}/);
  expect(error.message).not.toContain("undefined");
  return error.code;
}
