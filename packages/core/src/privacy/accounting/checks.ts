import { AnabranchError } from "@anabranch/engine";
import type { Adjacency, PrivacyEvent } from "./events.ts";

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
    advice: "Poisson sampling is add-or-remove, fixed-size sampling replace-one; give the others the same.",
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
