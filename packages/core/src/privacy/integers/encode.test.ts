import { describe, expect, it } from "vitest";
import { norm2, type Vector } from "../../params/index.ts";
import { deriveKey, type RandomKey, randomStream, rootKey } from "../../random/index.ts";
import { type DiscreteMechanism, discreteMechanism, type IntegerNoise } from "./discrete-mechanism.ts";
import { decodeSum, encodeNoisedUpdate } from "./encode.ts";
import { paddedSize } from "./rotation.ts";

const kinds: readonly IntegerNoise[] = ["discrete-gaussian", "skellam"];
const key = rootKey(71);

function randomness(round: RandomKey, client: number) {
  const streamOf = (purpose: string) => randomStream(deriveKey(round, purpose, client));
  return { rotation: deriveKey(round, "rotation"), rounding: streamOf("rounding"), noise: streamOf("noise") };
}

/** What the server makes of vectors that are encoded, added modulo m, and decoded. */
function sumOf(vectors: readonly Vector[], clipNorm: number, mechanism: DiscreteMechanism, round: RandomKey = key) {
  const sum = new Uint32Array(paddedSize(mechanism.size));
  vectors.forEach((vector, client) => {
    encodeNoisedUpdate(vector, clipNorm, mechanism, randomness(round, client)).forEach((value, i) => {
      sum[i] = (sum[i]! + value) % mechanism.modulus;
    });
  });
  const out = new Float64Array(mechanism.size);
  decodeSum(sum, clipNorm, mechanism, deriveKey(round, "rotation"), out);
  return out;
}

function vectorOf(size: number, norm: number, seed: number): Float64Array {
  const stream = randomStream(rootKey(seed));
  const vector = Float64Array.from({ length: size }, () => stream.normal());
  return vector.map((value) => (value * norm) / norm2(vector));
}

function difference(a: Vector, b: Vector): number {
  return norm2(Float64Array.from(a, (value, i) => value - b[i]!));
}

describe.each(kinds)("a sum with %s noise", (distribution) => {
  it.each([
    [2 ** 32, 100],
    [2 ** 31 - 1, 64],
    [2 ** 24, 1000],
    [65_521, 1],
  ])("modulo %i, of vectors of %i values, is theirs within rounding and hardly any noise", (modulus, size) => {
    const cohort = 5;
    const mechanism = discreteMechanism({ distribution, size, modulus, noiseMultiplier: 1e-12, survivors: 4, cohort });
    const vectors = [1, 0.5, 1, 0, 0.9].map((norm, i) => vectorOf(size, 3 * norm, 80 + i));
    const truth = vectors[0]!.map((_, i) => vectors.reduce((sum, vector) => sum + vector[i]!, 0));
    const decoded = sumOf(vectors, 3, mechanism);
    // Shares of variance 1/4: no single one moves a coordinate by more than 9, rounding by no more than 1.
    const largest = cohort * 10 * mechanism.granularity * 3 * Math.sqrt(paddedSize(size));
    expect(mechanism.variance).toBe(0.25);
    expect(difference(decoded, truth)).toBeLessThan(largest);
    expect(largest).toBeLessThan(modulus > 1e6 ? 0.02 : 0.2);
  });

  it("has the noise that z says, in every clip norm", () => {
    const size = 3000;
    const survivors = 6;
    for (const [noiseMultiplier, clipNorm] of [
      [0.7, 1],
      [4, 0.01],
    ] as const) {
      const demand = { distribution, size, modulus: 2 ** 20, noiseMultiplier, survivors, cohort: 6 };
      const zeros = Array.from({ length: survivors }, () => new Float32Array(size));
      const decoded = sumOf(zeros, clipNorm, discreteMechanism(demand));
      const ratio = norm2(decoded) ** 2 / size / (noiseMultiplier * clipNorm) ** 2;
      // Five standard errors of the mean of 3,000 squared normal variates: 6e-7.
      expect(Math.abs(ratio - 1)).toBeLessThan(5 * Math.sqrt(2 / size));
      const mean = decoded.reduce((sum, value) => sum + value, 0) / size / (noiseMultiplier * clipNorm);
      expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(size));
    }
  });

  it("is the sum of the vectors on average", () => {
    const size = 50;
    const demand = { distribution, size, modulus: 2 ** 14, noiseMultiplier: 0.5, survivors: 2, cohort: 2 };
    const mechanism = discreteMechanism(demand);
    const vectors = [vectorOf(size, 1, 91), vectorOf(size, 1, 92)];
    const rounds = 400;
    const mean = new Float64Array(size);
    for (let round = 0; round < rounds; round++) {
      sumOf(vectors, 1, mechanism, deriveKey(key, round)).forEach((value, i) => {
        mean[i]! += value / rounds;
      });
    }
    const truth = vectors[0]!.map((value, i) => value + vectors[1]![i]!);
    // |mean - truth|^2 is sigma^2 / rounds times chi-square of 50, below 50 + 2 sqrt(50 t) + 2 t but for e^-t, t = ln 1e6.
    const spread = 0.5 ** 2 + 2 * mechanism.granularity ** 2 * (0.25 + 1 / 16);
    expect((difference(mean, truth) ** 2 * rounds) / spread).toBeLessThan(131);
  });
});

describe("what a client sends", () => {
  const mechanism = discreteMechanism({
    distribution: "discrete-gaussian",
    size: 300,
    modulus: 65_521,
    noiseMultiplier: 1,
    survivors: 8,
    cohort: 10,
  });
  const vector = vectorOf(300, 2, 95);

  it("is whole, below the modulus, and the same for the same streams alone", () => {
    const sent = encodeNoisedUpdate(vector, 2, mechanism, randomness(key, 0));
    expect(sent).toHaveLength(512);
    expect(sent.every((value) => Number.isInteger(value) && value >= 0 && value < 65_521)).toBe(true);
    expect(sent.some((value) => Object.is(value, -0))).toBe(false);
    expect(sent.some((value) => value > 40_000)).toBe(true);
    expect(encodeNoisedUpdate(vector, 2, mechanism, randomness(key, 0))).toEqual(sent);
    expect(encodeNoisedUpdate(vector, 2, mechanism, randomness(key, 1))).not.toEqual(sent);
    const otherNoise = { ...randomness(key, 0), noise: randomness(key, 1).noise };
    expect(encodeNoisedUpdate(vector, 2, mechanism, otherNoise)).not.toEqual(sent);
  });

  it("is the same for a vector beyond the norm as for that vector at the norm, as if clipped", () => {
    const tenfold = vector.map((value) => 8 * value);
    expect(encodeNoisedUpdate(tenfold, 2, mechanism, randomness(key, 0))).toEqual(
      encodeNoisedUpdate(vector, norm2(vector), mechanism, randomness(key, 0)),
    );
    const hair = Float32Array.from(vector, (value) => value * (1 + 1e-7));
    expect(() => encodeNoisedUpdate(hair, 2, mechanism, randomness(key, 0))).not.toThrow();
  });

  it("is nothing for what cannot be encoded", () => {
    const refusal = (wrong: Vector, clipNorm = 2) => {
      try {
        encodeNoisedUpdate(wrong, clipNorm, mechanism, randomness(key, 0));
      } catch (error) {
        return (error as { code: string }).code;
      }
      return undefined;
    };
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(refusal(vector.map((x, i) => (i === 17 ? value : x)))).toBe("privacy/not-finite");
    }
    expect(refusal(new Float64Array(299))).toBe("privacy/size");
    for (const clipNorm of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(refusal(vector, clipNorm)).toBe("privacy/clip-norm");
    }
    const sized = (values: number, size: number) => () =>
      decodeSum(new Uint32Array(values), 2, mechanism, key, new Float64Array(size));
    expect(sized(300, 300)).toThrow(expect.objectContaining({ code: "privacy/size" }));
    expect(sized(512, 512)).toThrow(expect.objectContaining({ code: "privacy/size" }));
  });
});

describe("a clip norm whose square is 0 in float64", () => {
  it.each([0, 1e-170])("is refused whatever the update, here of values %d", (value) => {
    const mechanism = discreteMechanism({
      ...{ distribution: "skellam", size: 4, modulus: 2 ** 24 },
      ...{ noiseMultiplier: 1, survivors: 2, cohort: 2 },
    });
    const encode = () => encodeNoisedUpdate(new Float64Array(4).fill(value), 1e-200, mechanism, randomness(key, 0));
    expect(encode).toThrow(expect.objectContaining({ code: "privacy/clip-norm" }));
  });
});

describe("a sum beyond its range", () => {
  it("wraps around: it is wrong by whole multiples of m steps", () => {
    const demand = { distribution: "skellam", size: 1, modulus: 2 ** 16, noiseMultiplier: 1e-9 } as const;
    // Made for two clients, whose sum of 2 C is half a deviation of four: the range ends at 8 C.
    const mechanism = discreteMechanism({ ...demand, survivors: 2, cohort: 2 });
    const turn = mechanism.granularity * mechanism.modulus;
    expect(turn / 2).toBeCloseTo(8, 2);
    const clients = (count: number, value: number) => Array.from({ length: count }, () => Float64Array.of(value));
    const error = 20 * 10 * mechanism.granularity;
    expect(Math.abs(sumOf(clients(7, 1), 1, mechanism)[0]! - 7)).toBeLessThan(error);
    expect(Math.abs(sumOf(clients(7, -1), 1, mechanism)[0]! + 7)).toBeLessThan(error);
    expect(Math.abs(sumOf(clients(12, 1), 1, mechanism)[0]! - 12 + turn)).toBeLessThan(error);
    expect(Math.abs(sumOf(clients(20, 1), 1, mechanism)[0]! - 20 + turn)).toBeLessThan(error);
  });

  it("does not happen within four deviations: as often as a normal variate is beyond four, in all coordinates", () => {
    const size = 4096;
    const demand = { distribution: "discrete-gaussian", size, modulus: 2 ** 12, noiseMultiplier: 1 } as const;
    const wrapped = (deviations: number) => {
      const mechanism = discreteMechanism({ ...demand, survivors: 4, cohort: 4, deviations });
      const zeros = Array.from({ length: 4 }, () => new Float64Array(size));
      const decoded = sumOf(zeros, 1, mechanism);
      // Each wrapped coordinate of the rotated sum brings an error of about m steps, all others one of about z.
      return norm2(decoded) ** 2 / size;
    };
    expect(wrapped(4)).toBeLessThan(1.2);
    // Beyond one deviation lies a third of all: the noise is cut to a uniform of variance below 1.
    expect(wrapped(1)).toBeLessThan(0.6);
  });
});
