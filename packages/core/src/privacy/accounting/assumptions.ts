import type { PrivacyEvent } from "./events.ts";
import type { PrivacyContext } from "./privacy-context.ts";

/**
 * What a guarantee over some events rests on, one sentence each, to be printed beside epsilon.
 *
 * @example
 * ```ts
 * import { assumptionsOf, privacyEventSchema } from "@anabranch/core";
 * const event = privacyEventSchema.parse({ kind: "gaussian", noiseMultiplier: 1 });
 * assumptionsOf([event], { noise: "local" })[2]?.slice(0, 17); // => "no trusted server"
 * ```
 */
export function assumptionsOf(
  events: readonly PrivacyEvent[],
  { unit = "clients", noise = "central" }: PrivacyContext,
): string[] {
  const trust = events.map(
    ({ kind }) => TRUST[kind === "zero-concentrated" || kind === "skellam" ? "distributed" : noise],
  );
  const lines = [ADJACENCY[unit][events[0]?.adjacency ?? "add-or-remove"], ...events.map(samplingOf), ...trust];
  return [...new Set(lines)];
}

const ADJACENCY = {
  clients: {
    "replace-one":
      "adjacency replace-one: all data of one client are replaced, which changes a sum by up to twice the clip norm",
    "add-or-remove":
      "adjacency add-or-remove: all data of one client are present or absent, which changes a sum by up to the clip norm",
    "zero-out":
      "adjacency zero-out: all updates of one client are replaced by zeros, which changes a sum by up to the clip norm; its participation is public. Updates from other data instead of zeros change a sum by up to twice as much, as if the noise multiplier were halved",
  },
  records: {
    "replace-one":
      "adjacency replace-one: one record is replaced, which changes a client's mean by up to twice the clip norm divided by its number of records. That number is public",
    "add-or-remove":
      "adjacency add-or-remove: one record is present or absent, which changes a sum by up to the clip norm",
    "zero-out":
      "adjacency zero-out: one record counts as zeros, which changes a client's mean by up to the clip norm divided by its number of records. That number is public",
  },
};

const TRUST = {
  central:
    "trusted server: it sees individual updates and adds the noise; the guarantee holds against everyone who sees only the released models",
  distributed:
    "no party sees individual updates: each sum includes the noise of at least as many honest clients as accounted for. The server learns who takes part and who fails, but not what their data add to the sum",
  local:
    "no trusted server: each client adds all of the noise before it sends, so the guarantee also holds against the server. It learns who sends and who fails, but not their data",
};

function samplingOf(event: PrivacyEvent): string {
  switch (event.kind) {
    case "gaussian":
    case "zero-concentrated":
    case "skellam":
      return "amplification by sampling is not counted: every client may take part in every release";
    case "laplace":
      return "Laplace noise: updates are clipped in the 1-norm, and every client may take part in every release";
    case "poisson-gaussian":
      return "Poisson sampling: each client joins each cohort independently and cohorts stay secret; fixed-size cohorts are not covered";
    case "fixed-size-gaussian":
      return "fixed-size sampling: cohorts are drawn uniformly without replacement and stay secret";
    case "allocated-gaussian":
      return `random allocation: each client takes part in exactly one of every ${event.block} rounds, drawn uniformly and independently, and cohorts stay secret; a block that has begun counts as a whole`;
    case "tree-gaussian":
      return "tree aggregation: a client takes part at most once between two restarts, and in as many trees as stated; no sampling is assumed";
  }
}
