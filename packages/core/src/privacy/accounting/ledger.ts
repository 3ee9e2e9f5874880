import { AnabranchError } from "@anabranch/engine";
import { groupEvents, type PrivacyEvent, type PrivacyEventInput, parseEvent } from "./events.ts";

/**
 * What a run has spent so far: its events, equal ones counted. Plain JSON, the whole state of accounting: a checkpoint
 * holds it, and every accountant can be asked about it after a resume.
 */
export interface PrivacyLedger {
  readonly events: readonly PrivacyEvent[];
}

/**
 * The ledger before the first release.
 *
 * @example
 * ```ts
 * import { emptyLedger } from "@anabranch/core";
 * emptyLedger.events; // => []
 * ```
 */
export const emptyLedger: PrivacyLedger = { events: [] };

/**
 * The ledger after further events. Throws `privacy/event` for one that is not allowed.
 *
 * @example
 * ```ts
 * import { emptyLedger, spend } from "@anabranch/core";
 * const event = { kind: "gaussian", noiseMultiplier: 4 } as const;
 * spend(emptyLedger, event, event).events.map(({ count }) => count); // => [2]
 * ```
 */
export function spend(ledger: PrivacyLedger, ...events: readonly PrivacyEventInput[]): PrivacyLedger {
  return { events: groupEvents([...ledger.events, ...events]) };
}

/**
 * A ledger that was stored. Throws `privacy/event` for contents that are none.
 *
 * @example
 * ```ts
 * import { emptyLedger, parseLedger, spend } from "@anabranch/core";
 * const ledger = spend(emptyLedger, { kind: "gaussian", noiseMultiplier: 4 });
 * parseLedger(JSON.parse(JSON.stringify(ledger))).events.length; // => 1
 * ```
 */
export function parseLedger(stored: unknown): PrivacyLedger {
  const events: unknown = (stored as Partial<PrivacyLedger> | null)?.events;
  if (Array.isArray(events)) return { events: groupEvents(events.map((event) => parseEvent(event, "ledger"))) };
  throw new AnabranchError({
    code: "privacy/event",
    message: "a stored ledger of privacy events has the wrong form",
    received: JSON.stringify(stored) ?? "nothing",
    expected: '{"events": [...]}',
  });
}
