import { AnabranchError } from "@anabranch/engine";
import type * as z from "zod";
import { VERSION } from "../version.ts";
import { type ServerMessage, serverMessage } from "./control.ts";

/** A control message of the server. Throws `live/message`. */
export function readServerMessage(text: string): ServerMessage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  return readReceived(serverMessage, value, "a control message");
}

/** Plain data of the server by their schema. Throws `live/message`: a client must not take a wrong server for its own fault. */
export function readReceived<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data;
  const [issue] = error.issues;
  throw new AnabranchError({
    code: "live/message",
    message: `the server has sent ${what} that this client does not understand`,
    received: [issue?.path.join("."), issue?.message].filter(Boolean).join(": ").slice(0, 300),
    expected: `${what} of Anabranch ${VERSION}`,
    advice: "Install the server's version of Anabranch on this client.",
  });
}
