import type { Entropy } from "../privacy/secure-aggregation/entropy.ts";
import type { ProtocolPorts, SecureAggregationProtocol } from "../privacy/secure-aggregation/protocol.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import type { RunPlan } from "../round/run-plan.ts";

/**
 * What adds the whole numbers of a simulated run under masks, with every party in this process; undefined where a plan asks
 * for none. Loads the ciphers, so that other runs need not. Keys come from the seed, by round and client: a resumed run
 * sends what it would have sent.
 */
export async function simulatedSecureAggregation({
  stages: { secureAggregation },
  stageSeed,
}: Pick<RunPlan, "stages" | "stageSeed">): Promise<SecureAggregationProtocol | undefined> {
  if (secureAggregation === undefined) return undefined;
  const parts = await import("../privacy/secure-aggregation/index.ts");
  const { source } = secureAggregation;
  const entropy = (...path: readonly (string | number)[]): Entropy =>
    source.kind === "secure"
      ? parts.secureEntropy()
      : parts.seededEntropy(deriveKey(rootKey(stageSeed), "secure-keys", ...path));
  const ports: ProtocolPorts = {
    serverEntropy: (round) => entropy(round, "server"),
    clientEntropy: (round, client) => entropy(round, client),
    curves: await parts.bestCurves(),
    clock: () => performance.now(),
  };
  return parts.secureAggregationProtocol(secureAggregation.protocol, ports, secureAggregation);
}
