import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";

/** What a server says with a status that is no success. */
const spoken = z.object({
  code: z.string().max(64),
  message: z.string().max(2000),
  advice: z.string().max(2000).optional(),
});

interface Meaning {
  readonly code: string;
  readonly message: string;
  readonly advice: string;
}

const meanings: Readonly<Record<number, Meaning>> = {
  // a server that was started again knows none: the control connection brings a new one
  401: {
    code: "live/connection",
    message: "the server does not know this session",
    advice: "The client joins again. If this persists, a proxy before the server may remove the header Authorization.",
  },
  403: {
    code: "live/refused",
    message: "the server does not allow this",
    advice: "Ask the operator of the server whether this client was ejected.",
  },
  404: {
    code: "live/not-found",
    message: "the server does not have this",
    advice: "Check the run's name in the link. A run that has ended is no longer served.",
  },
  409: {
    code: "live/conflict",
    message: "the server has accepted another update for this order",
    advice: "Do not start two clients with copies of one folder.",
  },
  410: {
    code: "live/gone",
    message: "the order is over: the round was closed without this client",
    advice: "Nothing to do: the client waits for the next order.",
  },
  413: {
    code: "live/too-large",
    message: "the server does not take an update of this size",
    advice: "Ask the operator to raise the limit of the server, or of the proxy before it.",
  },
  507: {
    code: "live/connection",
    message: "the server's disk is full",
    advice: "The client tries again. Ask the operator to free space.",
  },
};

/**
 * An answer that is no success as an error. `live/connection` is worth another try: timeouts, full disks, overload and
 * faults of the server or of a proxy before it.
 *
 * @param body the answer's JSON, if it was any; its own code, message and advice come first
 * @example
 * ```ts
 * import { answerError } from "@anabranch/core/live";
 * const error = answerError(404, { message: "no such run" }, "https://example.org");
 * error.code; // => "live/not-found"
 * ```
 */
export function answerError(status: number, body: unknown, where: string, location?: string): AnabranchError {
  const own = spoken.safeParse(body).data;
  const meaning = meanings[status] ?? otherMeaning(status, location);
  return new AnabranchError({
    code: meaning.code,
    message: own?.message ?? meaning.message,
    where,
    received: `status ${status}${own === undefined ? "" : `, ${own.code}`}`,
    advice: own?.advice ?? meaning.advice,
  });
}

function otherMeaning(status: number, location: string | undefined): Meaning {
  if (status === 408 || status === 429 || status >= 500) {
    return {
      code: "live/connection",
      message: "the server cannot answer now",
      advice: "The client tries again. If this persists, look at the log of the server.",
    };
  }
  if (status >= 300 && status < 400) {
    return {
      code: "live/moved",
      message: "the server answers at another address",
      advice: `Join with the link of that address${location === undefined ? "" : `: ${location}`}.`,
    };
  }
  return {
    code: "live/protocol",
    message: "the server answers in a way that this client does not understand",
    advice: "Check that the link is one of anabranch serve, and that both have the same version.",
  };
}
