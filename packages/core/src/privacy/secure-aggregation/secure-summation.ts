import { CodedClient } from "./coded-client.ts";
import { CodedServer } from "./coded-server.ts";
import { identityPublicKey } from "./curves.ts";
import { PairwiseClient } from "./pairwise-client.ts";
import { PairwiseServer } from "./pairwise-server.ts";
import { chooseGraph, codedParameters, completeThreshold, type GraphDemand } from "./parameters.ts";
import type { SecureClient } from "./party.ts";
import { NONCE_BYTES, type SecurePlan } from "./plan.ts";
import { FIELD_BITS, FIELD_PRIME } from "./prime.ts";
import { KEY_BYTES } from "./public-key.ts";
import { modulusBits } from "./quantization.ts";
import { refuse } from "./refusal.ts";
import { simulateRound } from "./simulate.ts";
import { checkInputs, type Summation, type SummationPorts, type SumOutcome, type SumRequest } from "./summation.ts";

/** The part of a plan that the protocol and the size of a cohort decide. */
type Rule = (request: SumRequest) => Pick<SecurePlan, "protocol" | "degree" | "threshold" | "privacy" | "bits">;

/** Bonawitz et al. 2017: every client shares masks with every other. `threshold` by default more than 2/3. */
export function bonawitz(ports: SummationPorts, options: { readonly threshold?: number } = {}): Summation {
  return secure("bonawitz", ports, ({ inputs, ...range }) => ({
    ...{ protocol: "pairwise", degree: inputs.length - 1, privacy: 0, bits: pairwiseBits(inputs.length, range) },
    threshold: options.threshold ?? completeThreshold(inputs.length),
  }));
}

/** Bell et al. 2020: clients share masks with neighbours in a random graph, laid out for the given rates. */
export function secaggPlus(
  ports: SummationPorts,
  options: Omit<GraphDemand, "clients"> & { readonly degree?: number; readonly threshold?: number },
): Summation {
  return secure("secagg+", ports, ({ inputs, ...range }) => {
    const fixed = options.degree !== undefined && options.threshold !== undefined;
    const { degree, threshold } = fixed
      ? { degree: options.degree, threshold: options.threshold }
      : chooseGraph({ ...options, clients: inputs.length });
    return { protocol: "pairwise", degree, threshold, privacy: 0, bits: pairwiseBits(inputs.length, range) };
  });
}

/** So et al. 2022: `threshold` (U) answers decode the masks of all, `privacy` (T) clients together learn nothing. */
export function lightsecagg(
  ports: SummationPorts,
  options: { readonly threshold?: number; readonly privacy?: number } = {},
): Summation {
  return secure("lightsecagg", ports, ({ inputs, maximum, modulus }) => {
    const clients = inputs.length;
    if (modulus !== undefined && modulus !== FIELD_PRIME) refuseModulus(modulus, `${FIELD_PRIME}`);
    if (modulus === undefined && clients * maximum >= FIELD_PRIME) {
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

/** Bits of the modulus of pairwise masks. Refuses (`overflow`) one that is no power of two up to 2^32. */
function pairwiseBits(clients: number, { maximum, modulus }: Pick<SumRequest, "maximum" | "modulus">): number {
  if (modulus === undefined) return modulusBits(clients, maximum);
  const bits = Math.log2(modulus);
  if (!(Number.isInteger(bits) && bits >= 1 && bits <= 32)) refuseModulus(modulus, "a power of two up to 2^32");
  return bits;
}

function refuseModulus(modulus: number, expected: string): never {
  refuse("overflow", "sums of this protocol cannot be taken modulo this", { received: `${modulus}`, expected });
}

function secure(name: Summation["name"], ports: SummationPorts, rule: Rule): Summation {
  const sum = async (request: SumRequest): Promise<SumOutcome> => {
    checkInputs(request);
    const { run, round, inputs, smallestSum } = request;
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
