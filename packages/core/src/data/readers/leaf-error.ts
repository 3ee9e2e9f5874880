import { AnabranchError } from "@anabranch/engine";

/** The error for a LEAF file that cannot be used. */
export function leafError(message: string, where: string, received: string, expected: string): AnabranchError {
  return new AnabranchError({ code: "data/leaf", message, where, received, expected });
}
