import { AnabranchError } from "@anabranch/engine";
import { rdpAccountant } from "../privacy/accounting/index.ts";
import { privacyEventOf } from "../privacy/integers/index.ts";
import type { TaskDescription } from "./task-description.ts";

/** What a run's noise does for one of its clients, against all who see sums and models, its server included. */
export interface ClientPrivacy {
  /** Zero-out: the client's updates in all rounds, or zeros in their place. */
  readonly epsilon: number;
  readonly delta: number;
  readonly rounds: number;
  /** Clients whose noise is in each sum; the client helps to unmask no sum with fewer clients. */
  readonly shares: number;
  /** The same where so many of them add none, or pool theirs with the server: a tenth of the shares. */
  readonly colluding: { readonly clients: number; readonly epsilon: number };
}

/**
 * The epsilon of a described run, computed from what the client itself does under this description: noise, rounding and
 * clipping are its own, it is in one sum per round and in none of later rounds, and it unmasks no sum with fewer shares.
 * Nothing that the server claims enters, but that the other clients exist. Clip norm and model may be any.
 *
 * @returns undefined where the clients add no noise
 * @example clientPrivacyOf(description)?.epsilon // 7.9
 */
export function clientPrivacyOf({ stages, rounds, delta }: TaskDescription): ClientPrivacy | undefined {
  const encoding = stages.secureAggregation?.encoding;
  if (encoding?.kind !== "noised") return undefined;
  if (delta === undefined) throw noDelta();
  const { mechanism } = encoding;
  const epsilonWith = (survivors: number): number => {
    if (survivors < 1) return Number.POSITIVE_INFINITY;
    const event = privacyEventOf({ ...mechanism, survivors });
    return rdpAccountant().epsilon([{ ...event, count: rounds }], delta, { noise: "distributed" }).epsilon;
  };
  const shares = mechanism.survivors;
  const clients = Math.ceil(shares / 10);
  const colluding = { clients, epsilon: epsilonWith(shares - clients) };
  return { epsilon: epsilonWith(shares), delta, rounds, shares, colluding };
}

function noDelta(): AnabranchError {
  return new AnabranchError({
    code: "live/message",
    message: "the server describes a private run without its delta",
    where: "delta",
    received: "nothing",
    advice: "Ask the operator of the server whether its configuration is right.",
  });
}
