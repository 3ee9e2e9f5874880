import { describe, expect, it } from "vitest";
import type { FoldRule } from "../../aggregation/index.ts";
import { taskKeys, type Update } from "../../protocol/index.ts";
import { rootKey } from "../../random/index.ts";
import { discreteMechanism } from "../integers/index.ts";
import { cutShare, decodeIntegers, encodeIntegers, integerKeys } from "./encoding.ts";
import { INTEGERS, type IntegerEncoding, integerCount, type SecureAggregationSettings } from "./settings.ts";

const settingsOf = (
  encoding: IntegerEncoding,
  size: number,
  aggregation: FoldRule = "sum",
): SecureAggregationSettings => ({
  ...{ protocol: "plain", vector: "delta", size, aggregation, encoding, fewest: 2 },
  ...{ corrupted: 0, dropped: 0, integers: "uploaded", source: { kind: "seeded" } },
});
const update = (values: readonly number[], weight = 1, round = 1, client = 0): Update => ({
  ...{ round, client, layoutHash: "", vectors: { delta: Float64Array.from(values) } },
  public: { examples: 1, steps: 1, weight, loss: 0 },
});
const keysOf = (settings: SecureAggregationSettings, { round, client }: Update) =>
  taskKeys(rootKey(5), integerKeys(settings), round)(client, 0);
const integersOf = (settings: SecureAggregationSettings, of: Update) =>
  encodeIntegers(settings, of, 1, keysOf(settings, of)).vectors[INTEGERS]!;

/** Range 127.5 and 8 bits: a step of the grid is 1, so that halves of odd numbers lie on it and no rounding is left. */
const onGrid = { kind: "quantized", rule: { range: 127.5, bits: 8, maxWeight: 3, rounding: "stochastic" } } as const;

describe("rounded updates", () => {
  it.each<[FoldRule, readonly number[]]>([
    // of (1.5, -4.5) with weight 1 and (-2.5, 7.5) with weight 3
    ["weightedMean", [(1.5 - 3 * 2.5) / 4, (-4.5 + 3 * 7.5) / 4]],
    ["uniformMean", [-0.5, 1.5]],
    ["sum", [-1, 3]],
  ])("come to their %s", (aggregation, expected) => {
    const settings = settingsOf(onGrid, 2, aggregation);
    const [a, b] = [integersOf(settings, update([1.5, -4.5], 1)), integersOf(settings, update([-2.5, 7.5], 3))];
    const sum = Uint32Array.from(a, (value, i) => value + b[i]!);
    const out = new Float64Array(2);
    decodeIntegers(settings, sum, { survivors: 2, clipNorm: undefined, rotation: rootKey(0) }, out);
    for (const [i, value] of expected.entries()) expect(out[i]).toBeCloseTo(value, 10);
  });

  it("carry the share of their values that were cut", () => {
    const settings = settingsOf(onGrid, 5);
    const [a, b] = [
      integersOf(settings, update([128, -500, 127.5, 0, 1])),
      integersOf(settings, update([0, 0, 0, 0, 0])),
    ];
    expect(a.length).toBe(integerCount(settings));
    const sum = Uint32Array.from(a, (value, i) => value + b[i]!);
    expect(cutShare(settings, sum, 2)).toBe(0.2);
  });
});

it("noise is another one in each round and of each client", () => {
  const size = 64;
  const demand = { size, modulus: 2 ** 20, noiseMultiplier: 1, survivors: 2, cohort: 2 };
  const mechanism = discreteMechanism({ ...demand, distribution: "discrete-gaussian" });
  const settings = settingsOf({ kind: "noised", mechanism }, size);
  const nothing = Array<number>(size).fill(0);
  const noise = (round: number, client: number) => integersOf(settings, update(nothing, 1, round, client)).join();
  expect(noise(1, 0)).toBe(noise(1, 0));
  expect(new Set([noise(1, 0), noise(1, 1), noise(2, 0), noise(2, 1)]).size).toBe(4);
  expect(cutShare(settings, new Uint32Array(size), 2)).toBeUndefined();
});
