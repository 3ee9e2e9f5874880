import type { SecurePlan } from "./check-plan.ts";
import { CodedClient } from "./coded-client.ts";
import { CodedServer } from "./coded-server.ts";
import { PairwiseClient } from "./pairwise-client.ts";
import { PairwiseServer } from "./pairwise-server.ts";
import type { ClientPorts, Participation, SecureClient, SecureServer, ServerPorts } from "./party.ts";
import type { PlanRule } from "./plan-rules.ts";
import type { SecureAggregationRequest } from "./protocol.ts";

/**
 * The plan of a round.
 *
 * @param run [16]
 * @param nonce [32], fresh and random
 */
export function planRound(
  rule: PlanRule,
  run: Uint8Array,
  request: SecureAggregationRequest,
  nonce: Uint8Array,
): SecurePlan {
  const { round, cohort, length } = request;
  return { run, round, nonce, cohort, length, ...rule({ ...request, clients: cohort.length }) };
}

export function openServer(plan: SecurePlan, ports: ServerPorts): SecureServer {
  return plan.protocol === "pairwise" ? new PairwiseServer(plan, ports) : new CodedServer(plan, ports);
}

/** A client that takes part with one protocol, whatever a plan says. */
export function openClient(
  protocol: SecurePlan["protocol"],
  participation: Participation,
  ports: ClientPorts,
): SecureClient {
  return protocol === "pairwise" ? new PairwiseClient(participation, ports) : new CodedClient(participation, ports);
}
