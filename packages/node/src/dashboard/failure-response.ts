import { AnabranchError } from "@anabranch/engine";
import { errorResponse, HttpError } from "../server/http-error.ts";

/**
 * The answer to a request that failed. Whoever holds the token of the dashboard is the user of this machine, and sees a
 * failure as the command would print it, with its places.
 */
export function failureResponse(error: unknown): Response {
  if (!(error instanceof AnabranchError) || error instanceof HttpError) return errorResponse(error);
  const { cause: _cause, ...failure } = error.failure;
  return Response.json(failure, { status: 422, headers: { "Cache-Control": "no-store" } });
}
