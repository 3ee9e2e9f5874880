import { firstSentence } from "@anabranch/core";
import type { ClientFailed } from "./events.ts";

/** Clients of one round that failed alike. */
export interface FailureGroup {
  readonly round: number;
  readonly code: string;
  /** What happened, without numbers. */
  readonly reason: string;
  readonly clients: readonly number[];
  /** How many of them were tried again. */
  readonly retried: number;
}

/** Failures by round and code, in the order in which they came. */
export function groupFailures(failures: readonly ClientFailed[]): FailureGroup[] {
  const groups = Map.groupBy(failures, ({ round, code }) => `${round} ${code}`);
  return [...groups.values()].map((same) => ({
    round: same[0]!.round,
    code: same[0]!.code,
    reason: firstSentence(same[0]!.message),
    clients: same.map(({ client }) => client),
    retried: same.filter(({ retried }) => retried).length,
  }));
}

const MAX_NAMED = 10;

/** `1, 12, 31 and 7 more` */
export function clientNames(clients: readonly number[]): string {
  const named = clients.slice(0, MAX_NAMED).join(", ");
  return clients.length <= MAX_NAMED ? named : `${named} and ${clients.length - MAX_NAMED} more`;
}

/** `round 3: 5 of 5 clients failed (client/not-finite): the update is not finite; clients 1, 2, 4, 7, 9` */
export function failureLine({ round, code, reason, clients, retried }: FailureGroup, cohort: number): string {
  const again = retried === 0 ? "" : retried === clients.length ? ", tried again" : `, ${retried} tried again`;
  const of = Number.isFinite(cohort) ? ` of ${cohort}` : "";
  const noun = (Number.isFinite(cohort) ? cohort : clients.length) === 1 ? "client" : "clients";
  const ids = `${clients.length === 1 ? "client" : "clients"} ${clientNames(clients)}`;
  return `round ${round}: ${clients.length}${of} ${noun} failed (${code}${again}): ${reason}; ${ids}`;
}
