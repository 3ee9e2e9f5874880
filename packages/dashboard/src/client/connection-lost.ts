import { AnabranchError } from "@anabranch/engine";

/** A failed connection that is worth another try. Browsers do not say why one has failed. */
export function connectionLost(where: string, cause?: unknown): AnabranchError {
  return new AnabranchError({
    code: "live/connection",
    message: "the server cannot be reached",
    where,
    ...(cause instanceof Error && { received: cause.message }),
    advice: "Check this device's network. The page tries again by itself; ask the operator whether the server runs.",
    cause,
  });
}
