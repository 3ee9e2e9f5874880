import { deriveKey, randomStream, rootKey } from "../../../random/index.ts";
import type { SecurePlan } from "../check-plan.ts";
import { CodedClient } from "../coded-client.ts";
import { CodedServer } from "../coded-server.ts";
import { type Curves, identityPublicKey, platformCurves } from "../curves.ts";
import { type Entropy, seededEntropy } from "../entropy.ts";
import { PairwiseClient } from "../pairwise-client.ts";
import { PairwiseServer } from "../pairwise-server.ts";
import { codedParameters, completeThreshold } from "../parameters.ts";
import type { ClientPorts, Directory, SecureClient, SecureServer } from "../party.ts";
import { FIELD_BITS } from "../prime.ts";
import type { ProtocolPorts, SecureAggregationInput } from "../protocol.ts";

/** Everything of a round, open to a test. */
export interface TestRound {
  readonly plan: SecurePlan;
  readonly server: SecureServer;
  readonly clients: ReadonlyMap<number, SecureClient>;
  readonly inputs: readonly SecureAggregationInput[];
  readonly ports: ReadonlyMap<number, ClientPorts>;
  readonly directory: Directory;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** The platform's curves with every answer remembered: rounds of one seed ask the same again and again. */
export function cachedCurves(): Curves {
  const curves = platformCurves();
  const answers = new Map<string, Promise<unknown>>();
  const once = <A extends Uint8Array[], R>(name: string, ask: (...inputs: A) => Promise<R>) => {
    return (...inputs: A): Promise<R> => {
      const key = `${name} ${inputs.map(hex).join(" ")}`;
      let answer = answers.get(key) as Promise<R> | undefined;
      if (answer === undefined) {
        answer = ask(...(inputs.map((input) => input.slice()) as unknown as A));
        answers.set(key, answer);
      }
      return answer;
    };
  };
  return {
    name: "platform",
    publicKey: once("public", curves.publicKey),
    sharedSecret: once("shared", curves.sharedSecret),
    sign: once("sign", curves.sign),
    verify: once("verify", curves.verify),
  };
}

/** Clients below this number are enrolled. */
const ENROLLED = 900;

const identities = new Map<number, { secret: Uint8Array; publicKey: Uint8Array }>();

/** Keys of a client of the tests, whether or not it is in a cohort. */
export function identityOf(client: number) {
  let identity = identities.get(client);
  if (identity === undefined) {
    const secret = seededEntropy(deriveKey(rootKey(11), "identity", client)).bytes(32);
    identity = { secret, publicKey: identityPublicKey(secret) };
    identities.set(client, identity);
  }
  return identity;
}

/** A plan of clients 10, 13, 16, ... with what is usual unless given. */
export function testPlan(clients: number, given: Partial<SecurePlan> = {}): SecurePlan {
  const coded = given.protocol === "coded";
  return {
    protocol: "pairwise",
    run: new Uint8Array(16).fill(7),
    round: 3,
    nonce: seededEntropy(rootKey(clients)).bytes(32),
    cohort: Array.from({ length: clients }, (_, i) => 10 + 3 * i),
    degree: clients - 1,
    threshold: completeThreshold(clients),
    privacy: 0,
    length: 5,
    bits: 20,
    ...(coded ? { bits: FIELD_BITS, ...codedParameters(clients) } : {}),
    ...given,
  };
}

/** What a client of a test draws its secrets from: its secret keys first. */
export function entropyOf(client: number, seed = 1): Entropy {
  return seededEntropy(deriveKey(rootKey(seed), "entropy", client));
}

/** Opens a round with random inputs; the same seed gives the same parties, keys and inputs. */
export function openRound(plan: SecurePlan, curves: Curves, seed = 1): TestRound {
  const top = Math.floor((2 ** plan.bits - 6) / plan.cohort.length);
  const inputs = plan.cohort.map((client) => {
    const stream = randomStream(deriveKey(rootKey(seed), "input", client));
    return { client, values: Uint32Array.from({ length: plan.length }, () => stream.below(top)) };
  });
  const directory: Directory = (client) => (client < ENROLLED ? identityOf(client).publicKey : undefined);
  const ports = new Map<number, ClientPorts>();
  const clients = new Map<number, SecureClient>();
  for (const { client, values } of inputs) {
    const entropy = entropyOf(client, seed);
    const { secret } = identityOf(client);
    const own = { curves, directory, entropy, sign: (text: Uint8Array) => curves.sign(secret, text) };
    const participation = { client, run: plan.run, round: plan.round, values };
    ports.set(client, own);
    const Client = plan.protocol === "pairwise" ? PairwiseClient : CodedClient;
    clients.set(client, new Client(participation, own));
  }
  const Server = plan.protocol === "pairwise" ? PairwiseServer : CodedServer;
  return { plan, server: new Server(plan, { curves, directory }), clients, inputs, ports, directory };
}

/** The plain sum over some clients, mod 2^32. */
export function plainSum(inputs: readonly SecureAggregationInput[], over: readonly number[]): number[] {
  const sum = new Uint32Array(inputs[0]!.values.length);
  for (const { client, values } of inputs)
    if (over.includes(client)) for (const [i, v] of values.entries()) sum[i]! += v;
  return [...sum];
}

/** Ports of a protocol with seeded keys and a clock that stands still. */
export function testPorts(curves: Curves, seed = 1): ProtocolPorts {
  return {
    run: new Uint8Array(16),
    serverEntropy: (round) => seededEntropy(deriveKey(rootKey(seed), "server", round)),
    clientEntropy: (round, client) => seededEntropy(deriveKey(rootKey(seed), "client", round, client)),
    curves,
    clock: () => 0,
  };
}
