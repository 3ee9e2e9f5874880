import { NONCE_BYTES, type SecurePlan } from "./check-plan.ts";
import { CodedClient } from "./coded-client.ts";
import { CodedServer } from "./coded-server.ts";
import { identityPublicKey } from "./curves.ts";
import { PairwiseClient } from "./pairwise-client.ts";
import { PairwiseServer } from "./pairwise-server.ts";
import type { SecureClient } from "./party.ts";
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

/** Bonawitz et al. 2017: every client shares masks with every other. */
export function bonawitz(
  ports: ProtocolPorts,
  options: Parameters<typeof completeRule>[0] = {},
): SecureAggregationProtocol {
  return secure("bonawitz", ports, completeRule(options));
}

/** Bell et al. 2020: clients share masks with neighbours in a random graph. */
export function secaggPlus(ports: ProtocolPorts, options: Parameters<typeof sparseRule>[0]): SecureAggregationProtocol {
  return secure("secagg+", ports, sparseRule(options));
}

/** So et al. 2022: masks that enough answers decode, all at once. */
export function lightsecagg(
  ports: ProtocolPorts,
  options: Parameters<typeof codedRule>[0] = {},
): SecureAggregationProtocol {
  return secure("lightsecagg", ports, codedRule(options));
}

/** What adds up by a protocol's name. */
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
    const { run, round, inputs, smallestSum } = request;
    const cohort = inputs.map(({ client }) => client);
    const nonce = ports.serverEntropy(round).bytes(NONCE_BYTES);
    const shape = rule({ ...request, clients: cohort.length });
    const plan: SecurePlan = { run, round, nonce, cohort, length: inputs[0]!.values.length, ...shape };
    const { curves } = ports;
    const entropies = new Map(cohort.map((client) => [client, ports.clientEntropy(round, client)]));
    const identities = new Map(cohort.map((client) => [client, entropies.get(client)!.bytes(KEY_BYTES)]));
    const enrolled = new Map([...identities].map(([client, secret]) => [client, identityPublicKey(secret)]));
    const directory = (client: number) => enrolled.get(client);
    const Client = plan.protocol === "pairwise" ? PairwiseClient : CodedClient;
    const Server = plan.protocol === "pairwise" ? PairwiseServer : CodedServer;
    const clients = new Map<number, SecureClient>(
      inputs.map(({ client, values }) => [
        client,
        new Client(
          { client, run, round, values, ...(smallestSum === undefined ? {} : { smallestSum }) },
          { curves, directory, entropy: entropies.get(client)!, identity: identities.get(client)! },
        ),
      ]),
    );
    const server = new Server(plan, { curves, directory });
    return simulateRound(request, { server, client: (client) => clients.get(client)! }, ports.clock);
  };
  return { name, hidesInputs: true, sum };
}
