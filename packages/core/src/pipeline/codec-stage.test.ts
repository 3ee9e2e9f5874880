import { describe, expect, it } from "vitest";
import { encodeVector } from "../codecs/index.ts";
import { layout, subLayout } from "../params/layout.ts";
import type { Update } from "../protocol/message.ts";
import { codecStage } from "./codec-stage.ts";

const whole = layout(["a", "b"].map((name) => ({ name, shape: [4, 6], role: "matrix", block: name })));
const part = subLayout(whole, ({ name }) => name === "b");
const codec = { name: "truncated-svd", share: 0.5 } as const;

/** Matrices of rank 1. */
const matrices = (count: number) =>
  Float64Array.from({ length: 24 * count }, (_, i) => (1 + (i % 6)) * (2 + (i % 24 < 12 ? 1 : 0)));

function update(momentum: Float64Array, part?: number): Update {
  const numbers = { examples: 1, steps: 1, weight: 1, loss: 0, ...(part === undefined ? {} : { part }) };
  const vectors = { delta: matrices(1), momentum };
  return { round: 1, client: 0, layoutHash: whole.hash, vectors, public: numbers };
}

const uploads = { upload: { delta: whole, momentum: whole }, codecs: { momentum: codec }, layoutHash: whole.hash };
const stage = codecStage(uploads);
const receive = (sent: Update, part?: number) => stage.receive!(sent, { scalars: {}, part }) as Update;

describe("an update with encoded vectors", () => {
  it("is rebuilt at the server, and its other vectors are left", () => {
    const sent = update(encodeVector(codec, whole, matrices(2)));
    expect(sent.vectors["momentum"]!.length).toBe(2 * 11);
    const { vectors, ...rest } = receive(sent);
    expect(rest.public).toBe(sent.public);
    expect(vectors["delta"]).toBe(sent.vectors["delta"]);
    for (const [i, value] of matrices(2).entries()) expect(vectors["momentum"]![i]).toBeCloseTo(value, 12);
  });

  it("takes a part of the payloads by its own layout", () => {
    const parts = [{ delta: part, momentum: part }];
    const sent = update(encodeVector(codec, part, matrices(1)), 0);
    const { vectors } = codecStage({ ...uploads, parts }).receive!(sent, { scalars: {}, part: 0 }) as Update;
    for (const [i, value] of matrices(1).entries()) expect(vectors["momentum"]![i]).toBeCloseTo(value, 12);
  });

  it("is refused where the product of its factors is not finite, or its ranks do not explain it", () => {
    const sent = encodeVector(codec, whole, matrices(2));
    expect(receive(update(sent))).not.toHaveProperty("code");
    expect(receive(update(sent.map((x) => x * 1e200) as Float64Array))).toMatchObject({ code: "update/codec" });
    expect(receive(update(sent.subarray(1)))).toMatchObject({ code: "update/codec" });
  });

  it("is encoded at the client as it will be decoded", () => {
    const layouts = { delta: whole, momentum: whole };
    const sent = stage.client!(update(matrices(2)), { scalars: {}, layouts, keys: {} });
    expect(sent.vectors["momentum"]).toEqual(encodeVector(codec, whole, matrices(2)));
  });
});
