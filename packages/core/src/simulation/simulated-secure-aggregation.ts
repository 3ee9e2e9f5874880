import type { Entropy } from "../privacy/secure-aggregation/entropy.ts";
import type { ProtocolPorts, SecureAggregationProtocol } from "../privacy/secure-aggregation/protocol.ts";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import type { RunPlan } from "../round/run-plan.ts";

/**
 * What adds the whole numbers of a simulated run under masks, with every party in this process; undefined where a plan asks
 * for none. Loads the ciphers, so that other runs need not. Keys come from the seed, by round and client: a resumed run
 * sends what it would have sent.
 *
 * @example
 * ```ts
 * import { simulatedSecureAggregation } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * const secureAggregation = { protocol: "bonawitz", range: 1 } as const;
 * const { prepared } = smallRun({ name: "fedavg" }, { sampler: { cohort: 4 }, secureAggregation });
 * (await simulatedSecureAggregation(prepared.plan))?.hidesInputs; // => true
 * ```
 */
export async function simulatedSecureAggregation({
  stages: { secureAggregation },
  seed,
  stageSeed,
}: Pick<RunPlan, "stages" | "seed" | "stageSeed">): Promise<SecureAggregationProtocol | undefined> {
  if (secureAggregation === undefined) return undefined;
  const parts = await import("../privacy/secure-aggregation/index.ts");
  const { source } = secureAggregation;
  const entropy = (...path: readonly (string | number)[]): Entropy =>
    source.kind === "secure"
      ? parts.secureEntropy()
      : parts.seededEntropy(deriveKey(rootKey(stageSeed), "secure-keys", ...path));
  const ports: ProtocolPorts = {
    run: runBytes(seed),
    serverEntropy: (round) => entropy(round, "server"),
    clientEntropy: (round, client) => entropy(round, client),
    curves: await parts.bestCurves(),
    clock: () => performance.now(),
  };
  return parts.secureAggregationProtocol(secureAggregation.protocol, ports, secureAggregation);
}

/** [16] What names a run in its messages. */
function runBytes(seed: number): Uint8Array {
  const words = new Uint32Array(4);
  randomStream(deriveKey(rootKey(seed), "secure-run")).uint32s(words);
  return new Uint8Array(words.buffer);
}
