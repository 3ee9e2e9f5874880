import { CodedClient } from "./coded-client.ts";
import { CodedServer } from "./coded-server.ts";
import { identityPublicKey } from "./curves.ts";
import { FIELD_BITS, FIELD_PRIME } from "./field.ts";
import { PairwiseClient } from "./pairwise-client.ts";
import { PairwiseServer } from "./pairwise-server.ts";
import { chooseGraph, codedParameters, completeThreshold, type GraphDemand } from "./parameters.ts";
import type { SecureClient } from "./party.ts";
import { NONCE_BYTES, type SecurePlan } from "./plan.ts";
import { KEY_BYTES } from "./public-key.ts";
import { modulusBits } from "./quantization.ts";
import { refuse } from "./refusal.ts";
import { simulateRound } from "./simulate.ts";
import { checkInputs, type Summation, type SummationPorts, type SumOutcome, type SumRequest } from "./summation.ts";

/** The part of a plan that the protocol and the size of a cohort decide. */
type Rule = (request: SumRequest) => Pick<SecurePlan, "protocol" | "degree" | "threshold" | "privacy" | "bits">;

/** Bonawitz et al. 2017: every client shares masks with every other. `threshold` by default more than 2/3. */
export function bonawitz(ports: SummationPorts, options: { readonly threshold?: number } = {}): Summation {
  return secure("bonawitz", ports, ({ inputs, maximum }) => ({
    ...{ protocol: "pairwise", degree: inputs.length - 1, privacy: 0, bits: modulusBits(inputs.length, maximum) },
    threshold: options.threshold ?? completeThreshold(inputs.length),
  }));
}

/** Bell et al. 2020: clients share masks with neighbours in a random graph, laid out for the given rates. */
export function secaggPlus(
  ports: SummationPorts,
  options: Omit<GraphDemand, "clients"> & { readonly degree?: number; readonly threshold?: number },
): Summation {
  return secure("secagg+", ports, ({ inputs, maximum }) => {
    const fixed = options.degree !== undefined && options.threshold !== undefined;
    const { degree, threshold } = fixed
      ? { degree: options.degree, threshold: options.threshold }
      : chooseGraph({ ...options, clients: inputs.length });
    return { protocol: "pairwise", degree, threshold, privacy: 0, bits: modulusBits(inputs.length, maximum) };
  });
}

/** So et al. 2022: `threshold` (U) answers decode the masks of all, `privacy` (T) clients together learn nothing. */
export function lightsecagg(
  ports: SummationPorts,
  options: { readonly threshold?: number; readonly privacy?: number } = {},
): Summation {
  return secure("lightsecagg", ports, ({ inputs, maximum }) => {
    const clients = inputs.length;
    if (clients * maximum >= FIELD_PRIME) {
      refuse("overflow", "the sum of a cohort does not fit the field", {
        received: `${clients} clients with values up to ${maximum}`,
        expected: `values up to ${Math.floor((FIELD_PRIME - 1) / clients)}`,
        advice: "Choose fewer bits for a value or a smaller cohort.",
      });
    }
    const chosen = { ...codedParameters(clients), ...options };
    return { protocol: "coded", degree: clients - 1, bits: FIELD_BITS, ...chosen };
  });
}

function secure(name: Summation["name"], ports: SummationPorts, rule: Rule): Summation {
  const sum = async (request: SumRequest): Promise<SumOutcome> => {
    checkInputs(request);
    const { run, round, inputs } = request;
    const cohort = inputs.map(({ client }) => client);
    const nonce = ports.serverEntropy(round).bytes(NONCE_BYTES);
    const plan: SecurePlan = { run, round, nonce, cohort, length: inputs[0]!.values.length, ...rule(request) };
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
          { client, run, round, values },
          { curves, directory, entropy: entropies.get(client)!, identity: identities.get(client)! },
        ),
      ]),
    );
    const server = new Server(plan, { curves, directory });
    return simulateRound(request, { server, client: (client) => clients.get(client)! }, ports.clock);
  };
  return { name, hidesInputs: true, sum };
}
