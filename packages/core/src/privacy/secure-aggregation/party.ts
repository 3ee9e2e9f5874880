import type { Failure } from "@anabranch/engine";
import type { SecurePlan } from "./check-plan.ts";
import type { Curves } from "./curves.ts";
import type { Entropy } from "./entropy.ts";
import { SEAL_BYTES } from "./keys.ts";
import type { WireShape } from "./messages.ts";
import { packedBytes } from "./packing.ts";
import { sessionOf } from "./plan.ts";
import { refuse } from "./refusal.ts";
import { SHARE_BYTES } from "./shamir.ts";
import { equalBytes } from "./wire.ts";

/** Ed25519 public keys [32] by client, known from enrolment; undefined for strangers. */
export type Directory = (client: number) => Uint8Array | undefined;

/** Steps of a round at which a client sends something; it can drop out before any of them. */
export type StageName = "advertise" | "share" | "mask" | "consistency" | "unmask" | "recover";

/** What a client needs of the world. */
export interface ClientPorts {
  readonly curves: Curves;
  readonly entropy: Entropy;
  /** Ed25519 signature [64] with the client's own key, of which the directory has the public half. */
  sign(text: Uint8Array): Promise<Uint8Array>;
  readonly directory: Directory;
  /**
   * Awaited once, before the client sends what takes masks off a sum. A client that can be made anew for the same round
   * notes here, durably, that it has answered.
   */
  beforeReveal?(): Promise<void>;
}

export interface ServerPorts {
  readonly curves: Curves;
  readonly directory: Directory;
}

/**
 * What a client takes part in, decided on its own side: a plan for anything else is refused. It answers in a round once:
 * one made anew for the same round after its answer could help to unmask a second set of survivors.
 */
export interface Participation {
  readonly client: number;
  /** [16], of the run. */
  readonly run: Uint8Array;
  readonly round: number;
  /** Values to be added, [length], each below the modulus. */
  readonly values: Uint32Array;
  /** Fewest clients in whose sum the client hides; default 2. */
  readonly smallestSum?: number;
  /**
   * Fewest clients that can take the client's mask off by pooling what they hold: the threshold of pairwise masks, T + 1
   * of coded ones. A plan with fewer is refused; default 2.
   */
  readonly smallestThreshold?: number;
}

/** A client: every message of the server is answered by one of its own, or refused. */
export interface SecureClient {
  receive(bytes: Uint8Array): Promise<Reply>;
}
export type Reply = { readonly message: Uint8Array } | { readonly refusal: Failure };

/** A server: messages come in until the stage is closed, by all having spoken or by a deadline that others keep. */
export interface SecureServer {
  readonly stage: StageName | "ended";
  /** What every client of the cohort is sent first. */
  readonly firstMessage: Uint8Array;
  receive(from: number, bytes: Uint8Array): Promise<Receipt>;
  close(): Promise<StageResult>;
}
export type Receipt = { readonly accepted: true } | { readonly refusal: Failure };
export type StageResult =
  | { readonly messages: ReadonlyMap<number, Uint8Array> }
  /** The sum of the survivors' values, [length]. */
  | { readonly sum: Uint32Array; readonly survivors: readonly number[] }
  /** The round has ended without a sum; nothing of it is kept. */
  | { readonly failure: Failure };

/** Public keys that a client advertises: for sealing and for masks, or for sealing alone. */
const keysOf = (plan: SecurePlan) => (plan.protocol === "pairwise" ? 2 : 1);

/** Length of a coded mask of LightSecAgg: L = ceil(d / (U - T)). */
export function codedLength(plan: SecurePlan): number {
  return Math.ceil(plan.length / (plan.threshold - plan.privacy));
}

/** The sizes that messages of a plan have. */
export function shapeOf(plan: SecurePlan): WireShape {
  const coded = plan.protocol === "coded" ? packedBytes(codedLength(plan), plan.bits) : 0;
  return {
    session: sessionOf(plan),
    clients: plan.cohort.length,
    keys: keysOf(plan),
    boxBytes: SEAL_BYTES + (plan.protocol === "coded" ? coded : 2 * SHARE_BYTES),
    maskedBytes: packedBytes(plan.length, plan.bits),
    codedBytes: coded,
  };
}

/** Refuses (`plan`) a plan that is not of what the client takes part in. */
export function checkParticipation(plan: SecurePlan, protocol: SecurePlan["protocol"], own: Participation): void {
  const wrong = (message: string, received: string, expected: string) =>
    refuse("plan", message, { where: `client ${own.client}`, received, expected });
  if (plan.protocol !== protocol) wrong("a plan is for another protocol", plan.protocol, protocol);
  if (plan.round !== own.round) wrong("a plan is for another round", `${plan.round}`, `${own.round}`);
  if (!equalBytes(own.run, plan.run)) wrong("a plan is for another run", "another", "this run");
  if (!plan.cohort.includes(own.client)) wrong("a plan leaves its receiver out", "no", `client ${own.client}`);
  if (plan.length !== own.values.length) {
    wrong("a plan is for another vector", `${plan.length} values`, `${own.values.length}`);
  }
  const safe = own.smallestThreshold ?? 2;
  const pooling = plan.protocol === "pairwise" ? plan.threshold : plan.privacy + 1;
  if (pooling < safe) wrong("too few clients could take a mask off", `${pooling}`, `at least ${safe}`);
}

/** The clients of a bit set over the cohort, in ascending order. */
export function membersOf(bits: Uint8Array, cohort: readonly number[]): number[] {
  return cohort.filter((_, i) => ((bits[i >> 3]! >> (i & 7)) & 1) === 1);
}

export function bitsOf(members: ReadonlySet<number>, cohort: readonly number[]): Uint8Array {
  const bits = new Uint8Array(packedBytes(cohort.length, 1));
  for (const [i, client] of cohort.entries()) if (members.has(client)) bits[i >> 3]! |= 1 << (i & 7);
  return bits;
}
