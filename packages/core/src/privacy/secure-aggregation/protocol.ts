import type { Failure } from "@anabranch/engine";
import type { Curves } from "./curves.ts";
import type { Entropy } from "./entropy.ts";
import type { StageName } from "./party.ts";
import { FIELD_PRIME } from "./prime.ts";
import { refuse } from "./refusal.ts";

/** The integers of a client whose part runs in this process. */
export interface SecureAggregationInput {
  readonly client: number;
  /** [length] */
  readonly values: Uint32Array;
}

export interface SecureAggregationRequest {
  readonly round: number;
  /** Clients in ascending order. */
  readonly cohort: readonly number[];
  /** Those whose update has arrived; the others drop out without a vector. */
  readonly present: readonly number[];
  /** Integers of a client. */
  readonly length: number;
  /** Of those that are present; none where the clients have their integers elsewhere. */
  readonly inputs: readonly SecureAggregationInput[];
  /** Largest value that an input may hold. */
  readonly maximum: number;
  /**
   * What sums are taken modulo, above `maximum`: one that `moduloOf` gives. Left out: sums are exact, and cohort x maximum
   * must fit the protocol (`overflow`).
   */
  readonly modulus?: number;
  /** Fewest clients in whose sum a client hides; default 2. */
  readonly smallestSum?: number;
  /** Clients that drop out, with the first stage at which they are silent. */
  readonly dropOuts?: ReadonlyMap<number, StageName>;
}

/** Bytes of the messages of one stage, by place in the cohort. */
export interface StageCost {
  readonly stage: StageName;
  /** What clients sent, [clients]. */
  readonly up: Float64Array;
  /** What clients were sent at the beginning of the stage, whether they answered or not, [clients]. */
  readonly down: Float64Array;
}

export interface SecureAggregationCost {
  readonly stages: readonly StageCost[];
  readonly serverMs: number;
  /** Of all clients together; undefined where they run elsewhere. */
  readonly clientsMs?: number | undefined;
}

/** A message that its receiver did not accept. */
export interface RefusedMessage {
  readonly stage: StageName;
  /** The client that sent it (`by` the server) or was sent it (`by` the client). */
  readonly client: number;
  readonly by: "client" | "server";
  readonly failure: Failure;
}

export type SecureAggregationOutcome = {
  readonly cost: SecureAggregationCost;
  readonly refusals: readonly RefusedMessage[];
} /** The exact sum over the survivors, [length]: those whose vector arrived. */ & (
  | { readonly sum: Uint32Array; readonly survivors: readonly number[] }
  /** There is no sum; the next round can begin. */
  | { readonly failure: Failure }
);

/** Adds the integers of a cohort. Its clients run in this process, or elsewhere behind a `Courier`. */
export interface SecureAggregationProtocol {
  readonly name: ProtocolName;
  /** Whether the server sees the vectors of single clients. */
  readonly hidesInputs: boolean;
  sum(request: SecureAggregationRequest): Promise<SecureAggregationOutcome>;
}

/**
 * Names of the protocols, as configurations have them.
 *
 * @example
 * ```ts
 * import { protocolNames } from "@anabranch/core/secure-aggregation";
 * protocolNames; // => ["plain", "bonawitz", "secagg+", "lightsecagg"]
 * ```
 */
export const protocolNames = ["plain", "bonawitz", "secagg+", "lightsecagg"] as const;
export type ProtocolName = (typeof protocolNames)[number];

export interface ProtocolPorts {
  /** [16] What names the run in its messages. */
  readonly run: Uint8Array;
  /** Of the server in a round: by round, so that a resumed run draws what it would have drawn. */
  readonly serverEntropy: (round: number) => Entropy;
  readonly clientEntropy: (round: number, client: number) => Entropy;
  readonly curves: Curves;
  /** Milliseconds, for the cost alone. */
  readonly clock: () => number;
}

/** The modulus of sums that may wrap around: 2^bits, and for coded masks the prime of their field whatever the bits. */
export function moduloOf(protocol: ProtocolName, bits: number): number {
  return protocol === "lightsecagg" ? FIELD_PRIME : 2 ** bits;
}

/**
 * Bytes up and down of one client, over all stages: the mean over the cohort.
 *
 * @example
 * ```ts
 * import { bytesPerClient, plain } from "@anabranch/core/secure-aggregation";
 * const inputs = [0, 1, 2].map((client) => ({ client, values: Uint32Array.of(client, 10) }));
 * const request = { round: 1, cohort: [0, 1, 2], present: [0, 1, 2], length: 2, inputs, maximum: 10 };
 * const { cost } = await plain({ clock: () => performance.now() }).sum(request);
 * bytesPerClient(cost); // => { up: 1, down: 0 }
 * ```
 */
export function bytesPerClient({ stages }: SecureAggregationCost): { up: number; down: number } {
  const mean = (side: "up" | "down") =>
    stages.reduce((sum, stage) => sum + stage[side].reduce((a, b) => a + b, 0) / stage[side].length, 0);
  return { up: mean("up"), down: mean("down") };
}

/** Refuses what nothing can be added of (`inputs`) and a maximum that is not below the modulus (`overflow`). */
export function checkRequest({ cohort, maximum, modulus }: SecureAggregationRequest): void {
  if (cohort.length < 2) refuse("inputs", "there is nothing to add", { received: `${cohort.length} clients` });
  if (modulus !== undefined && !(modulus > maximum)) {
    refuse("overflow", "a value may be outside the modulus", { received: `${modulus}`, expected: `above ${maximum}` });
  }
}

/** As `checkRequest`; refuses besides a missing input or one of another length (`inputs`), and values above the maximum (`overflow`). */
export function checkInputs(request: SecureAggregationRequest): void {
  checkRequest(request);
  const { present, inputs, length, maximum } = request;
  const given = new Set(inputs.map(({ client }) => client));
  const missing = present.find((client) => !given.has(client));
  if (missing !== undefined) refuse("inputs", "the integers of a client are not here", { where: `client ${missing}` });
  for (const { client, values } of inputs) {
    if (values.length !== length) {
      const details = { where: `client ${client}`, received: `${values.length} values`, expected: `${length}` };
      refuse("inputs", "vectors have different lengths", details);
    }
    if (values.some((value) => value > maximum)) {
      const details = { where: `client ${client}`, expected: `values up to ${maximum}` };
      refuse("overflow", "a value is larger than the range that was agreed on", details);
    }
  }
}
