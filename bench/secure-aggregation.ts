import { createCipheriv } from "node:crypto";
import { deriveKey, randomStream, rootKey } from "@anabranch/core";
import {
  addMasks,
  bestCurves,
  bonawitz,
  bytesPerClient,
  codedParameters,
  lightsecagg,
  modulusBits,
  type ProtocolPorts,
  plain,
  type SecureAggregationProtocol,
  type SecureAggregationRequest,
  type StageName,
  secaggPlus,
  seededEntropy,
} from "@anabranch/core/secure-aggregation";
import { type BenchCheck, type BenchOptions, type BenchResult, type BenchRow, count, median } from "./lib/result.ts";

const MAXIMUM = 2 ** 16 - 1;
/** Share of the cohort that drops out after sharing keys: the most work for the server. */
const DROPPED = 0.1;

/**
 * Secure aggregation of `--clients` (default 100) vectors of `--values` (1,000,000) 16-bit values, 10 % of the clients dropping
 * out before they upload: bytes up of a client that stays beside the plain encodings, time of the server, and the rate
 * of mask expansion beside the platform's AES. LightSecAgg runs with `--light-values` (20,000), because its clients code
 * masks in JavaScript; its bytes are compared with its formula at that size.
 */
export async function run(options: BenchOptions): Promise<BenchResult> {
  const clients = count(options, "clients", 100);
  const values = count(options, "values", 1_000_000);
  const lightValues = count(options, "light-values", Math.min(values, 20_000));
  const key = rootKey(1);
  const ports: ProtocolPorts = {
    run: new Uint8Array(16),
    serverEntropy: (round) => seededEntropy(deriveKey(key, "server", round)),
    clientEntropy: (round, client) => seededEntropy(deriveKey(key, "client", round, client)),
    curves: await bestCurves(),
    clock: () => performance.now(),
  };
  const measured = [
    await measure(plain(ports), clients, values),
    await measure(bonawitz(ports), clients, values),
    await measure(secaggPlus(ports, { corrupted: 0.1, dropped: 2 * DROPPED }), clients, values),
    await measure(lightsecagg(ports), clients, lightValues),
  ];
  const [, complete, sparse] = measured as [Measured, Measured, Measured, Measured];
  const rates = await expansionRates(values);
  const formula = lightFormula(clients, lightValues);
  const checks: BenchCheck[] = [
    { name: "bonawitz: bytes up / plain 16-bit", value: complete.ratio16, target: 1.75, better: "smaller" },
    { name: "secagg+: bytes up / plain 16-bit", value: sparse.ratio16, target: 1.75, better: "smaller" },
    { name: "bonawitz: server seconds", value: complete.serverSeconds, target: 5, better: "smaller" },
    { name: "secagg+: server seconds", value: sparse.serverSeconds, target: 5, better: "smaller" },
  ];
  return {
    name: `secure-aggregation: ${clients} clients x ${values} values of 16 bits, ${dropped(clients)} drop out`,
    rows: [
      ...measured.map(({ row }) => row),
      {
        label: "lightsecagg after its formula",
        values: { "KB up": formula / 1e3, "x 16 bit": formula / (2 * lightValues) },
      },
      ...rates,
    ],
    checks,
    notes: [
      "every sum equals the plain sum of the survivors",
      `sums are taken mod 2^${modulusBits(clients, MAXIMUM)}; a mod 2^32 sum would leave ${32 - modulusBits(clients, 1)} bits a value`,
      `lightsecagg with ${lightValues} values; formula (N - 1) L + d + L elements of 26 bits, without heads and keys`,
      "server time is the time in its calls, while the clients of this process wait",
    ],
  };
}

interface Measured {
  readonly row: BenchRow;
  readonly ratio16: number;
  readonly serverSeconds: number;
}

const dropped = (clients: number) => Math.floor(DROPPED * clients);

async function measure(protocol: SecureAggregationProtocol, clients: number, values: number): Promise<Measured> {
  const asked = request(clients, values);
  const outcome = await protocol.sum(asked);
  if (!("sum" in outcome)) throw new Error(outcome.failure.message);
  const expected = new Uint32Array(values);
  const stayed = new Set(outcome.survivors);
  if (stayed.size !== clients - dropped(clients)) throw new Error(`${stayed.size} survivors`);
  for (const input of asked.inputs) {
    if (stayed.has(input.client)) for (let i = 0; i < values; i++) expected[i]! += input.values[i]!;
  }
  if (outcome.sum.some((value, i) => value !== expected[i])) throw new Error(`${protocol.name}: the sum is wrong`);
  const survivor = outcome.survivors[0]!;
  const up = outcome.cost.stages.reduce((sum, stage) => sum + stage.up[survivor]!, 0);
  const serverSeconds = outcome.cost.serverMs / 1e3;
  const row = {
    label: protocol.name,
    values: {
      "KB up": up / 1e3,
      "KB down": bytesPerClient(outcome.cost).down / 1e3,
      "x 16 bit": up / (2 * values),
      "x 32 bit": up / (4 * values),
      "server s": serverSeconds,
      "clients s": (outcome.cost.clientsMs ?? 0) / 1e3,
    },
  };
  return { row, ratio16: up / (2 * values), serverSeconds };
}

function request(clients: number, values: number): SecureAggregationRequest {
  const inputs = Array.from({ length: clients }, (_, client) => {
    const words = new Uint32Array(values);
    randomStream(deriveKey(rootKey(2), "input", client)).uint32s(words);
    for (let i = 0; i < values; i++) words[i]! >>>= 16;
    return { client, values: words };
  });
  const dropOuts = new Map(
    Array.from({ length: dropped(clients) }, (_, i): [number, StageName] => [i * 10 + 5, "mask"]),
  );
  const cohort = inputs.map(({ client }) => client);
  const shape = { cohort, present: cohort, length: values, maximum: MAXIMUM };
  return { round: 1, inputs, dropOuts, ...shape };
}

/** Bytes up of LightSecAgg after its paper, in elements of 26 bits. */
function lightFormula(clients: number, values: number): number {
  const { threshold, privacy } = codedParameters(clients);
  const coded = Math.ceil(values / (threshold - privacy));
  return (((clients - 1) * coded + values + coded) * 26) / 8;
}

/** GB/s of masks added to a vector, and of the platform's AES-128-CTR alone, in turns; medians of 9. */
async function expansionRates(values: number): Promise<BenchRow[]> {
  const terms = Array.from({ length: 8 }, (_, i) => ({ key: new Uint8Array(16).fill(i), sign: 1 as const }));
  const vector = new Int32Array(values);
  const zeros = new Uint8Array(4 * values);
  const ours: number[] = [];
  const platform: number[] = [];
  for (let turn = 0; turn < 10; turn++) {
    const start = performance.now();
    await addMasks(vector, terms);
    const middle = performance.now();
    for (const { key } of terms) createCipheriv("aes-128-ctr", key, new Uint8Array(16)).update(zeros);
    const end = performance.now();
    if (turn === 0) continue;
    ours.push(middle - start);
    platform.push(end - middle);
  }
  const rate = (ms: number) => (8 * 4 * values) / ms / 1e6;
  return [
    { label: "masks expanded and added", values: { "GB/s": rate(median(ours)) } },
    { label: "AES-128-CTR of node:crypto alone", values: { "GB/s": rate(median(platform)) } },
  ];
}
