import { describe, expect, it } from "vitest";
import { deriveKey, randomStream, rootKey } from "../../random/index.ts";
import { portableCurves } from "./curves.ts";
import { secureEntropy } from "./entropy.ts";
import { plain } from "./plain-protocol.ts";
import {
  bytesPerClient,
  moduloOf,
  type SecureAggregationInput,
  type SecureAggregationProtocol,
  type SecureAggregationRequest,
} from "./protocol.ts";
import { bonawitz, lightsecagg, secaggPlus } from "./protocols.ts";
import { dequantizeMean, levels, type Quantization, quantize } from "./quantization.ts";
import { cachedCurves, plainSum, testPorts } from "./testing/rounds.ts";

const ports = testPorts(cachedCurves());
const all: readonly SecureAggregationProtocol[] = [
  plain(ports),
  bonawitz(ports),
  secaggPlus(ports, { corrupted: 0, dropped: 0, degree: 6, threshold: 4 }),
  lightsecagg(ports, { threshold: 7, privacy: 2 }),
];
const refusal = (code: string) => expect.objectContaining({ code: `secure-aggregation/${code}` });

function request(
  clients: number,
  length: number,
  maximum: number,
  given: Partial<SecureAggregationRequest> = {},
): SecureAggregationRequest {
  const inputs = Array.from({ length: clients }, (_, client): SecureAggregationInput => {
    const stream = randomStream(deriveKey(rootKey(length), "input", client));
    return { client, values: Uint32Array.from({ length }, () => stream.below(maximum + 1)) };
  });
  const cohort = (given.inputs ?? inputs).map(({ client }) => client);
  return { round: 1, cohort, present: cohort, length, inputs, maximum, ...given };
}

describe.each(all)("$name", (protocol) => {
  it("gives the exact sum and counts the bytes of every client at every stage", async () => {
    const asked = request(10, 33, 65535, { dropOuts: new Map([[4, "mask"]]) });
    const outcome = await protocol.sum(asked);
    if (!("sum" in outcome)) throw new Error(outcome.failure.message);
    expect(outcome.survivors).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9]);
    expect([...outcome.sum]).toEqual(plainSum(asked.inputs, outcome.survivors));
    for (const { stage, up, down } of outcome.cost.stages) {
      expect(up.length).toBe(10);
      expect(up[4]! === 0).toBe(!["advertise", "share"].includes(stage));
      expect(up[0]).toBeGreaterThan(0);
      expect(down[0]! > 0).toBe(protocol.name !== "plain");
    }
    const again = await protocol.sum(asked);
    expect(again.cost).toEqual(outcome.cost);
  });

  it("refuses values above the maximum, sums that do not fit and vectors of different lengths", async () => {
    await expect(protocol.sum(request(10, 4, 2 ** 30))).rejects.toThrow(refusal("overflow"));
    await expect(protocol.sum({ ...request(10, 4, 100), maximum: 50 })).rejects.toThrow(refusal("overflow"));
    const uneven = [...request(3, 4, 9).inputs, { client: 9, values: new Uint32Array(5) }];
    await expect(protocol.sum(request(3, 4, 9, { inputs: uneven }))).rejects.toThrow(refusal("inputs"));
    await expect(protocol.sum(request(1, 4, 9))).rejects.toThrow(refusal("inputs"));
  });

  it("wraps around a modulus where one is asked for", async () => {
    const modulus = moduloOf(protocol.name, 8);
    const asked = request(10, 7, modulus - 1, { modulus });
    const outcome = await protocol.sum(asked);
    if (!("sum" in outcome)) throw new Error(outcome.failure.message);
    const exact = Array.from({ length: 7 }, (_, i) => asked.inputs.reduce((sum, { values }) => sum + values[i]!, 0));
    expect(Math.max(...exact)).toBeGreaterThan(modulus);
    expect([...outcome.sum]).toEqual(exact.map((value) => value % modulus));
    await expect(protocol.sum({ ...asked, modulus: modulus - 1 })).rejects.toThrow(refusal("overflow"));
  });

  it("refuses a modulus that its masks do not have", async () => {
    const sum = protocol.sum({ ...request(10, 7, 99, { modulus: 100 }) });
    if (protocol.name === "plain") await expect(sum).resolves.toHaveProperty("sum");
    else await expect(sum).rejects.toThrow(refusal("overflow"));
  });

  it("lets clients hide in no fewer than they ask for", async () => {
    const outcome = await protocol.sum(request(10, 4, 9, { smallestSum: 10, dropOuts: new Map([[4, "mask"]]) }));
    expect("sum" in outcome).toBe(!protocol.hidesInputs);
    if (protocol.hidesInputs) expect(outcome.refusals.length).toBe(9);
  });

  it("ends with a reason when all but one drop out, and works in the next round", async () => {
    const stage = protocol.name === "lightsecagg" ? "recover" : "unmask";
    const silent = new Map(
      Array.from({ length: 10 }, (_, i) => [i, protocol.name === "plain" ? "mask" : stage] as const),
    );
    const outcome = await protocol.sum(request(10, 4, 100, { dropOuts: silent }));
    expect(outcome).toHaveProperty("failure.code", "secure-aggregation/too-few");
    expect(await protocol.sum(request(10, 4, 100, { round: 2 }))).toHaveProperty("sum");
  });

  it("carries a weighted mean of real vectors, weights inside the sum", async () => {
    const rule: Quantization = { range: 1, bits: 16, maxWeight: 100, rounding: "stochastic" };
    const stream = randomStream(rootKey(8));
    const vectors = Array.from({ length: 10 }, () => Float64Array.from({ length: 20 }, () => 2 * stream.float() - 1));
    const weights = vectors.map((_, k) => 10 * (k + 1));
    const inputs = vectors.map((vector, k) => ({ client: k, values: quantize(vector, weights[k]!, rule, stream) }));
    const outcome = await protocol.sum(request(10, 21, levels(rule), { inputs, dropOuts: new Map([[3, "mask"]]) }));
    if (!("sum" in outcome)) throw new Error(outcome.failure.message);
    const { mean, weight } = dequantizeMean(outcome.sum, outcome.survivors.length, rule);
    const total = 550 - 40;
    expect(Math.abs(weight - total)).toBeLessThan(0.02);
    for (let i = 0; i < 20; i++) {
      const exact = outcome.survivors.reduce((sum, k) => sum + vectors[k]![i]! * weights[k]!, 0) / total;
      expect(Math.abs(mean[i]! - exact)).toBeLessThan(2e-4);
    }
  });
});

describe("bytes", () => {
  const up = async (protocol: SecureAggregationProtocol, asked: SecureAggregationRequest) =>
    bytesPerClient((await protocol.sum(asked)).cost).up;
  const asked = request(10, 4000, 65535);

  it("of plain are 16 bits a value", async () => {
    expect(await up(plain(ports), asked)).toBe(8000);
  });

  it("of pairwise masks are those worked out by hand", async () => {
    // Heads 5 x 26; keys 64 + 64; commitment 32, count 4, 9 boxes of 4 + 66 + 16; 20 bits a value (10 x 65535 < 2^20);
    // a signature; count 4 and 10 shares of 4 + 1 + 33.
    const shares = 130 + 128 + 36 + 9 * 86 + 64 + 4 + 10 * 38;
    expect(await up(bonawitz(ports), asked)).toBe(shares + (4000 * 20) / 8);
  });

  it.each(all.slice(1))("of the agreement are those of whoever is there: $name", async (protocol) => {
    const dropOuts = new Map([
      [2, "mask"],
      [5, "consistency"],
    ] as const);
    const { stages } = (await protocol.sum(request(10, 33, 99, { dropOuts }))).cost;
    const [agreed, revealed] = stages.slice(3) as [(typeof stages)[number], (typeof stages)[number]];
    expect([agreed.stage, revealed.stage]).toEqual([
      "consistency",
      protocol.name === "lightsecagg" ? "recover" : "unmask",
    ]);
    const present = (gone: readonly number[], bytes: number) =>
      Array.from({ length: 10 }, (_, client) => (gone.includes(client) ? 0 : bytes));
    expect([...agreed.up]).toEqual(present([2, 5], 26 + 64));
    expect([...agreed.down]).toEqual(present([2], 26 + 2));
    // 7 others have signed; in the sparse graph those of them that are neighbours
    if (protocol.name !== "secagg+") expect([...revealed.down]).toEqual(present([2, 5], 26 + 4 + 7 * (4 + 64)));
  });

  it("of coded masks are (N - 1) L + d + L elements of 26 bits, and heads", async () => {
    // U = 7, T = 2: L = 800 elements, 2,600 bytes. Heads 5 x 26; keys 32 + 64; commitment 32, count 4, 9 boxes; a signature.
    const heads = 130 + 96 + 36 + 9 * (4 + 16) + 64;
    expect(await up(lightsecagg(ports, { threshold: 7, privacy: 2 }), asked)).toBe(heads + 9 * 2600 + 13_000 + 2600);
  });
});

it("works with the platform's random source and with portable curves", async () => {
  const live = { ...ports, serverEntropy: secureEntropy, clientEntropy: secureEntropy, curves: portableCurves() };
  expect(secureEntropy().kind).toBe("secure");
  const bytes = secureEntropy().bytes(70_000);
  expect(bytes.slice(65_536).some((byte) => byte !== 0)).toBe(true);
  const asked = request(3, 5, 1000, { dropOuts: new Map([[1, "unmask"]]) });
  const outcome = await bonawitz(live, { threshold: 2 }).sum(asked);
  expect("sum" in outcome && [...outcome.sum]).toEqual(plainSum(asked.inputs, [0, 1, 2]));
});
