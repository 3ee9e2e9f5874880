import { AnabranchError } from "@anabranch/engine";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { NONCE_BYTES, type SecurePlan } from "../privacy/secure-aggregation/check-plan.ts";
import { encodePlan } from "../privacy/secure-aggregation/plan.ts";
import { planRule } from "../privacy/secure-aggregation/plan-rules.ts";
import { concat } from "../privacy/secure-aggregation/wire.ts";
import { integerRange, type SecureAggregationSettings } from "../privacy/secure-aggregation-encoding/index.ts";
import type { SecureRecord } from "./secure-record.ts";

/** Refuses a plan that is not what the settings of the run give for its cohort. */
export function requireRule(plan: SecurePlan, settings: SecureAggregationSettings): void {
  const { protocol } = settings;
  if (protocol === "plain") throw refusal("plan", "plain sums hide nothing");
  const expected = planRule(protocol, settings)({ clients: plan.cohort.length, ...integerRange(settings) });
  for (const part of ["protocol", "degree", "threshold", "privacy", "bits"] as const) {
    if (plan[part] === expected[part]) continue;
    const message = `the ${part} of a plan is not that of the run's settings`;
    throw refusal("plan", message, String(plan[part]), String(expected[part]));
  }
}

/**
 * What all sessions of a round have in common: the plan without its nonce, and the client's own integers. SHA-256,
 * hexadecimal. Of two sums with the same update and other noise each would be a release of its own.
 */
export function termsOf(plan: SecurePlan, values: Uint32Array): string {
  const common = encodePlan({ ...plan, nonce: new Uint8Array(NONCE_BYTES) });
  return bytesToHex(sha256(concat(common, new Uint8Array(values.buffer, values.byteOffset, values.byteLength))));
}

/** What a run's settings have that a client's epsilon follows from, for as long as the client remembers the run. */
export function settingsHash(settings: SecureAggregationSettings, rounds: number): string {
  return bytesToHex(sha256(new TextEncoder().encode(JSON.stringify([settings, rounds]))));
}

/** Refuses an older round, a second answer in a round, and another cohort, plan or update for the same round. */
export function requireFresh(round: number, terms: string, record: SecureRecord): void {
  if (round > record.round) return;
  if (round < record.round)
    throw refusal("old-round", "this client has joined a later round before", `round ${round}`, `${record.round}`);
  if (record.answered)
    throw refusal("answered", "this client has helped to unmask a sum of this round before", `round ${round}`);
  if (record.terms !== terms)
    throw refusal("other-terms", "this round was to have another cohort, plan or update", `round ${round}`);
}

/** What a client does not take part in, with the end of the code. */
export function refusal(reason: string, message: string, received?: string, expected?: string): AnabranchError {
  return new AnabranchError({
    code: `secure-aggregation/${reason}`,
    message,
    ...(received === undefined ? {} : { received }),
    ...(expected === undefined ? {} : { expected }),
    advice: "The round continues without this client, which takes part in the next one.",
  });
}
