import { NONCE_BYTES } from "./check-plan.ts";
import { identityPublicKey } from "./curves.ts";
import { openClient, openServer, planRound } from "./open-parties.ts";
import type { StageName } from "./party.ts";
import { plain } from "./plain-protocol.ts";
import { codedRule, completeRule, type PlanRule, planRule, sparseRule } from "./plan-rules.ts";
import {
  checkInputs,
  type ProtocolPorts,
  type SecureAggregationOutcome,
  type SecureAggregationProtocol,
  type SecureAggregationRequest,
} from "./protocol.ts";
import { KEY_BYTES } from "./public-key.ts";
import { simulateRound } from "./simulate.ts";

/**
 * Bonawitz et al. 2017: every client shares masks with every other.
 *
 * @example
 * ```ts
 * import { bestCurves, bonawitz, seededEntropy } from "@anabranch/core/secure-aggregation";
 * import { deriveKey, rootKey } from "@anabranch/core";
 * const entropy = (round: number, client = -1) => seededEntropy(deriveKey(rootKey(1), round, client + 1));
 * const ports = {
 *   run: new Uint8Array(16),
 *   serverEntropy: (round: number) => entropy(round),
 *   clientEntropy: entropy,
 *   curves: await bestCurves(),
 *   clock: () => performance.now(),
 * };
 * const inputs = [0, 1, 2].map((client) => ({ client, values: Uint32Array.of(client, 10) }));
 * const request = { round: 1, cohort: [0, 1, 2], present: [0, 1, 2], length: 2, inputs, maximum: 10 };
 * const outcome = await bonawitz(ports).sum(request); // the server sees no single vector
 * "sum" in outcome && outcome.sum; // => [3, 30]
 * ```
 */
export function bonawitz(
  ports: ProtocolPorts,
  options: Parameters<typeof completeRule>[0] = {},
): SecureAggregationProtocol {
  return secure("bonawitz", ports, completeRule(options));
}

/**
 * Bell et al. 2020: clients share masks with neighbours in a random graph.
 *
 * @example
 * ```ts
 * import { rootKey } from "@anabranch/core";
 * import { bestCurves, secaggPlus, seededEntropy } from "@anabranch/core/secure-aggregation";
 * const ports = {
 *   run: new Uint8Array(16),
 *   serverEntropy: (round: number) => seededEntropy(rootKey(round)),
 *   clientEntropy: (round: number, client: number) => seededEntropy(rootKey(1000 * round + client)),
 *   curves: await bestCurves(),
 *   clock: () => performance.now(),
 * };
 * const cohort = [0, 1, 2, 3];
 * const inputs = cohort.map((client) => ({ client, values: Uint32Array.of(client, 10) }));
 * const request = { round: 1, cohort, present: cohort, length: 2, inputs, maximum: 10 };
 * const outcome = await secaggPlus(ports, { corrupted: 0.1, dropped: 0 }).sum(request);
 * "sum" in outcome && outcome.sum; // => [6, 40]
 * ```
 */
export function secaggPlus(ports: ProtocolPorts, options: Parameters<typeof sparseRule>[0]): SecureAggregationProtocol {
  return secure("secagg+", ports, sparseRule(options));
}

/**
 * So et al. 2022: masks that enough answers decode, all at once.
 *
 * @example
 * ```ts
 * import { rootKey } from "@anabranch/core";
 * import { bestCurves, lightsecagg, seededEntropy } from "@anabranch/core/secure-aggregation";
 * const ports = {
 *   run: new Uint8Array(16),
 *   serverEntropy: (round: number) => seededEntropy(rootKey(round)),
 *   clientEntropy: (round: number, client: number) => seededEntropy(rootKey(1000 * round + client)),
 *   curves: await bestCurves(),
 *   clock: () => performance.now(),
 * };
 * const cohort = [0, 1, 2, 3];
 * const inputs = cohort.map((client) => ({ client, values: Uint32Array.of(client, 10) }));
 * const request = { round: 1, cohort, present: cohort, length: 2, inputs, maximum: 10 };
 * const outcome = await lightsecagg(ports).sum(request);
 * "sum" in outcome && outcome.sum; // => [6, 40]
 * ```
 */
export function lightsecagg(
  ports: ProtocolPorts,
  options: Parameters<typeof codedRule>[0] = {},
): SecureAggregationProtocol {
  return secure("lightsecagg", ports, codedRule(options));
}

/**
 * What adds up by a protocol's name, with every party in this process.
 *
 * @example
 * ```ts
 * import { rootKey } from "@anabranch/core";
 * import { bestCurves, secureAggregationProtocol, seededEntropy } from "@anabranch/core/secure-aggregation";
 * const ports = {
 *   run: new Uint8Array(16),
 *   serverEntropy: (round: number) => seededEntropy(rootKey(round)),
 *   clientEntropy: (round: number, client: number) => seededEntropy(rootKey(1000 * round + client)),
 *   curves: await bestCurves(),
 *   clock: () => performance.now(),
 * };
 * const demand = { corrupted: 0.1, dropped: 0.1 };
 * secureAggregationProtocol("secagg+", ports, demand).hidesInputs; // => true
 * secureAggregationProtocol("plain", ports, demand).hidesInputs; // => false
 * ```
 */
export function secureAggregationProtocol(
  name: SecureAggregationProtocol["name"],
  ports: ProtocolPorts,
  demand: Parameters<typeof planRule>[1],
): SecureAggregationProtocol {
  return name === "plain" ? plain(ports) : secure(name, ports, planRule(name, demand));
}

function secure(
  name: SecureAggregationProtocol["name"],
  ports: ProtocolPorts,
  rule: PlanRule,
): SecureAggregationProtocol {
  const sum = async (request: SecureAggregationRequest): Promise<SecureAggregationOutcome> => {
    checkInputs(request);
    const { round, cohort, present, smallestSum } = request;
    const { run, curves } = ports;
    const plan = planRound(rule, run, request, ports.serverEntropy(round).bytes(NONCE_BYTES));
    const values = new Map(request.inputs.map((input) => [input.client, input.values]));
    const silent = new Uint32Array(request.length);
    const identities = new Map<number, Uint8Array>();
    const directory = (client: number) => identities.get(client);
    const clients = new Map(
      cohort.map((client) => {
        const entropy = ports.clientEntropy(round, client);
        const secret = entropy.bytes(KEY_BYTES);
        identities.set(client, identityPublicKey(secret));
        const sign = (text: Uint8Array) => curves.sign(secret, text);
        const participation = { client, run, round, values: values.get(client) ?? silent };
        const options = smallestSum === undefined ? {} : { smallestSum };
        return [
          client,
          openClient(plan.protocol, { ...participation, ...options }, { curves, directory, entropy, sign }),
        ];
      }),
    );
    const dropOuts = new Map<number, StageName>(cohort.map((client) => [client, "mask"]));
    for (const client of present) dropOuts.delete(client);
    for (const [client, stage] of request.dropOuts ?? []) dropOuts.set(client, stage);
    return simulateRound(
      { cohort, dropOuts },
      { server: openServer(plan, { curves, directory }), clients },
      ports.clock,
    );
  };
  return { name, hidesInputs: true, sum };
}
