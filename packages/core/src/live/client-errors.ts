import { AnabranchError } from "@anabranch/engine";

/** Kept states lie below the name of their run: a server must not choose it. */
export function otherRun(received: string, expected: string): AnabranchError {
  return new AnabranchError({
    code: "live/run",
    message: "the server describes another run than the one that this client joins",
    where: "run",
    received: JSON.stringify(received),
    expected: JSON.stringify(expected),
    advice: "Ask the operator of the server for a new join link.",
  });
}

/** What should be names of classes and characters is not. */
export function badNames(): AnabranchError {
  return new AnabranchError({
    code: "live/message",
    message: "the names of classes and characters that the server has sent are none",
    advice: "Check that server and client have the same version of Anabranch.",
  });
}

/** A server could have its clients build programs for ever. */
export function changedRun(): AnabranchError {
  return new AnabranchError({
    code: "live/changed-run",
    message: "the server describes the run in another way than before",
    advice: "A run keeps its configuration. If the server was updated, join again.",
  });
}

/** The difference of a round's sum and a plain update could show what the masks have hidden. */
export function unmasked(): AnabranchError {
  return new AnabranchError({
    code: "secure-aggregation/no-masks",
    message: "the server wants plain updates of a run in which this client has sent masked ones",
    advice: "Ask the operator of the server: a run keeps its configuration.",
  });
}

/** The client has tried for as long as it was to. */
export function unreachable(reason: string, seconds: number): AnabranchError {
  return new AnabranchError({
    code: "live/unreachable",
    message: `the server was not reached for ${seconds} s: ${reason}`,
    advice: "See whether the server runs and its address is right; then join again. Nothing is lost.",
  });
}

/** Messages of a server that may wait at a client, for it to act on those before. */
export const MOST_WAITING = 4096;

/** A server could else fill the memory of its clients. */
export function flooded(): AnabranchError {
  return new AnabranchError({
    code: "client/limit",
    message: "the server sends more messages than this client can act on",
    expected: `at most ${MOST_WAITING} that wait`,
    advice: "Ask the operator of the server: a run gives its clients few orders at a time.",
  });
}
