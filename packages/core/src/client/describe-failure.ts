import { AnabranchError } from "@anabranch/engine";

/**
 * A failure as data; an error without a code of ours is a fault of the program and keeps its text.
 *
 * @example
 * ```ts
 * import { AnabranchError, describeFailure } from "@anabranch/core";
 * describeFailure(new AnabranchError({ code: "data/empty", message: "no examples" })).code; // => "data/empty"
 * ```
 */
export function describeFailure(error: unknown): { code: string; message: string } {
  if (error instanceof AnabranchError) return { code: error.code, message: error.message };
  return { code: "client/failed", message: error instanceof Error ? error.message : String(error) };
}
