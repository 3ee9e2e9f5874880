import type { PrivacyEvent } from "./events.ts";
import type { PrivacyContext } from "./privacy-context.ts";

/** What a guarantee over some events rests on, one sentence each, to be printed beside epsilon. */
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
      "adjacency replace-one: all data of one client are replaced by others, which moves a sum by up to twice the clip norm",
    "add-or-remove":
      "adjacency add-or-remove: all data of one client are there or not, which moves a sum by up to the clip norm",
    "zero-out":
      "adjacency zero-out: all updates of one client are replaced by zeros, which moves a sum by up to the clip norm; that it takes part is public. Updates from other data instead of zeros move a sum by up to twice as much, which costs what half the noise multiplier would",
  },
  records: {
    "replace-one":
      "adjacency replace-one: one record is replaced by another, which moves a client's mean by up to twice the clip norm over its number of records; how many each client has is public",
    "add-or-remove": "adjacency add-or-remove: one record is there or not, which moves a sum by up to the clip norm",
    "zero-out":
      "adjacency zero-out: one record counts as zeros, which moves a client's mean by up to the clip norm over its number of records; how many each client has is public",
  },
};

const TRUST = {
  central:
    "trusted server: it sees what clients send and adds the noise; the guarantee is towards all who see what it releases",
  distributed:
    "no one sees single updates: each sum is formed before anyone sees it, with the noise of at least as many honest clients as it is accounted for; who takes part and who fails is no secret from the server, what their data add to the sum is",
  local:
    "no trusted server: each client adds all of the noise before it sends, and the guarantee is towards the server, too; who sends and who fails is no secret from it, what their data are is",
};

function samplingOf(event: PrivacyEvent): string {
  switch (event.kind) {
    case "gaussian":
    case "zero-concentrated":
    case "skellam":
      return "no amplification by sampling is counted: every client may take part in every release";
    case "laplace":
      return "Laplace noise: updates are clipped in the 1-norm, and every client may take part in every release";
    case "poisson-gaussian":
      return "Poisson sampling: every client joins each cohort independently, cohorts stay secret; fixed-size cohorts are not covered";
    case "fixed-size-gaussian":
      return "fixed-size sampling: cohorts are drawn uniformly without replacement and stay secret";
    case "tree-gaussian":
      return "tree aggregation: a client takes part at most once between two restarts, and in as many trees as stated; no sampling is assumed";
  }
}
