import { describe, expect, it } from "vitest";
import type { Exchange } from "../algorithms/algorithm.ts";
import { encodeVector } from "../codecs/index.ts";
import { layout, subLayout } from "../params/layout.ts";
import type { Update } from "../protocol/message.ts";
import { decoded, decodingFault } from "./decode.ts";

const whole = layout(["a", "b"].map((name) => ({ name, shape: [4, 6], role: "matrix", block: name })));
const part = subLayout(whole, ({ name }) => name === "b");
const codec = { name: "truncated-svd", share: 0.5 } as const;
const up: Exchange["up"] = {
  delta: { layout: whole, aggregation: "weightedMean" },
  momentum: { layout: whole, aggregation: "uniformMean", codec },
};

/** Matrices of rank 1. */
const matrices = (count: number) =>
  Float64Array.from({ length: 24 * count }, (_, i) => (1 + (i % 6)) * (2 + (i % 24 < 12 ? 1 : 0)));

function update(momentum: Float64Array, part?: number): Update {
  const numbers = { examples: 1, steps: 1, weight: 1, loss: 0, ...(part === undefined ? {} : { part }) };
  const vectors = { delta: matrices(1), momentum };
  return { round: 1, client: 0, layoutHash: whole.hash, vectors, public: numbers };
}

describe("decoded", () => {
  it("rebuilds the vectors with a codec and leaves the others", () => {
    const sent = update(encodeVector(codec, whole, matrices(2)));
    expect(sent.vectors["momentum"]!.length).toBe(2 * 11);
    const { vectors, ...rest } = decoded(sent, { down: {}, up, client: {} });
    expect(rest.public).toBe(sent.public);
    expect(vectors["delta"]).toBe(sent.vectors["delta"]);
    for (const [i, value] of matrices(2).entries()) expect(vectors["momentum"]![i]).toBeCloseTo(value, 12);
  });

  it("takes a part of the exchange by its own layout", () => {
    const parts = [{ delta: part, momentum: part }];
    const sent = update(encodeVector(codec, part, matrices(1)), 0);
    const { vectors } = decoded(sent, { down: {}, up, client: {}, parts });
    for (const [i, value] of matrices(1).entries()) expect(vectors["momentum"]![i]).toBeCloseTo(value, 12);
  });
});

describe("decodingFault", () => {
  it("finds factors whose product is not finite", () => {
    const exchange = { down: {}, up, client: {} };
    const sent = update(encodeVector(codec, whole, matrices(2)));
    expect(decodingFault(decoded(sent, exchange), exchange)).toBeUndefined();
    const huge = update(sent.vectors["momentum"]!.map((x) => x * 1e200) as Float64Array);
    expect(decodingFault(decoded(huge, exchange), exchange)).toMatchObject({ code: "update/codec" });
  });
});
