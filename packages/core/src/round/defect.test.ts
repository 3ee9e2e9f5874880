import { describe, expect, it } from "vitest";
import { layout, subLayout } from "../params/layout.ts";
import type { Update } from "../protocol/message.ts";
import { defectOf } from "./defect.ts";

const model = layout([{ name: "x", shape: [3], role: "vector", block: "x" }]);
const plan = {
  layout: model,
  exchange: { down: {}, up: { delta: { layout: model, aggregation: "weightedMean" as const } }, client: {} },
};
const update: Update = {
  round: 1,
  client: 0,
  layoutHash: model.hash,
  vectors: { delta: new Float32Array(3) },
  public: { examples: 1, steps: 1, weight: 1, loss: 0 },
};
const weighing = (weight: number): Update => ({ ...update, public: { ...update.public, weight } });

const wide = layout(["x", "y"].map((name) => ({ name, shape: [3], role: "vector", block: name })));
const halves = ["x", "y"].map((only) => ({ delta: subLayout(wide, ({ name }) => name === only) }));
const parted = {
  layout: wide,
  exchange: { ...plan.exchange, up: { delta: { layout: wide, aggregation: "weightedMean" as const } }, parts: halves },
};
const half = (part: number, length = 3): Update => ({
  ...update,
  layoutHash: wide.hash,
  vectors: { delta: new Float32Array(length) },
  public: { ...update.public, part },
});

describe("defectOf", () => {
  it("finds nothing wrong with what fits", () => {
    expect(defectOf(update, plan)).toBeUndefined();
    expect(defectOf(weighing(0), plan)).toBeUndefined();
  });

  it.each<[string, Update, string]>([
    ["another layout", { ...update, layoutHash: "0" }, "update/layout"],
    ["a missing vector", { ...update, vectors: {} }, "update/shape"],
    ["a vector of another length", { ...update, vectors: { delta: new Float32Array(2) } }, "update/shape"],
    ["a negative weight", weighing(-1), "update/weight"],
    ["an infinite weight", weighing(Number.POSITIVE_INFINITY), "update/weight"],
    ["a weight that is no number", weighing(Number.NaN), "update/weight"],
  ])("finds %s", (_what, wrong, code) => {
    expect(defectOf(wrong, plan)?.code).toBe(code);
  });

  it("measures an encoded vector by its codec", () => {
    const matrix = layout([{ name: "x", shape: [6, 9], role: "matrix", block: "x" }]);
    const codec = { name: "truncated-svd", energy: 0.9 } as const;
    const up = { delta: { layout: matrix, aggregation: "weightedMean" as const, codec } };
    const encoding = { layout: matrix, exchange: { ...plan.exchange, up } };
    const sending = (...values: number[]): Update => {
      return { ...update, layoutHash: matrix.hash, vectors: { delta: Float32Array.from(values) } };
    };
    // rank 2 and two triples of 16
    expect(defectOf(sending(2, ...new Array<number>(32).fill(0)), encoding)).toBeUndefined();
    expect(defectOf(sending(3, ...new Array<number>(32).fill(0)), encoding)?.code).toBe("update/codec");
    expect(defectOf(sending(...new Array<number>(54).fill(0)), encoding)?.code).toBe("update/codec");
    expect(defectOf({ ...sending(), vectors: {} }, encoding)?.code).toBe("update/shape");
  });

  it("measures a partial update by the part that its client was given", () => {
    expect(defectOf(half(1), parted, 1)).toBeUndefined();
    expect(defectOf(half(1, 6), parted, 1)?.code).toBe("update/shape");
    expect(defectOf(half(0), parted, 1)?.code).toBe("update/part");
    expect(defectOf({ ...update, layoutHash: wide.hash }, parted, 1)?.code).toBe("update/part");
    expect(defectOf({ ...update, public: { ...update.public, part: 0 } }, plan)?.code).toBe("update/part");
  });
});
