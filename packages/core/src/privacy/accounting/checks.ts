import { AnabranchError } from "@anabranch/engine";
import type { Adjacency, PrivacyEvent } from "./events.ts";
import type { PrivacyContext } from "./privacy-context.ts";

/** Throws `privacy/delta` unless 0 < delta < 1. */
export function checkDelta(delta: number): void {
  if (delta > 0 && delta < 1) return;
  throw new AnabranchError({
    code: "privacy/delta",
    message: "delta is a probability",
    received: String(delta),
    expected: "a number between 0 and 1, below 1/population",
    advice: "A tenth of 1/population is usual.",
  });
}

/** Throws `privacy/epsilon` unless epsilon is finite and at least 0. */
export function checkEpsilon(epsilon: number): void {
  if (epsilon >= 0 && Number.isFinite(epsilon)) return;
  throw new AnabranchError({
    code: "privacy/epsilon",
    message: "epsilon is a bound on the logarithm of a ratio of probabilities",
    received: String(epsilon),
    expected: "a finite number of at least 0",
    advice: "From about 1 to 8 is usual; less is more private.",
  });
}

/** The adjacency that all events share. Guarantees for different ones are about different things and do not compose. */
export function commonAdjacency(events: readonly PrivacyEvent[]): Adjacency {
  const found = [...new Set(events.map((event) => event.adjacency))];
  if (found.length <= 1) return found[0] ?? "add-or-remove";
  throw new AnabranchError({
    code: "privacy/mixed-adjacency",
    message: "events of different adjacency cannot be composed",
    received: events.map(({ kind, adjacency }) => `${kind}: ${adjacency}`).join(", "),
    expected: "one adjacency for all events",
    advice:
      "Poisson sampling is add-or-remove, fixed-size sampling replace-one, shares of noise zero-out or replace-one; give all events one that each of them can have.",
  });
}

/**
 * Refuses (`privacy/adjacency`) to hide whether a client is there where the noise is the clients' own: who receives the
 * messages sees who sends them, and the noise of a sum grows with the number of its shares.
 */
export function checkParticipation(events: readonly PrivacyEvent[], noise: PrivacyContext["noise"]): void {
  const open = events.find((event) => event.adjacency === "add-or-remove");
  if (open === undefined || noise === undefined || noise === "central") return;
  throw new AnabranchError({
    code: "privacy/adjacency",
    message: "it is public who takes part where clients add the noise",
    received: `${open.kind}: add-or-remove, with ${noise} noise`,
    expected: '"zero-out" or "replace-one"',
    advice: "Poisson sampling amplifies only noise of a trusted server; account other rounds as gaussian events.",
  });
}

/** The error for an event that an accountant has no formula for. */
export function unsupported(accountant: string, event: PrivacyEvent, expected: string, advice: string): AnabranchError {
  return new AnabranchError({
    code: "privacy/unsupported",
    message: `the accountant "${accountant}" has no formula for this event`,
    received: event.kind,
    expected,
    advice,
  });
}
