import { describe, expect, it } from "vitest";
import { layout, subLayout } from "../params/layout.ts";
import type { Update } from "../protocol/message.ts";
import { messageStage, plainLengths } from "./message-stage.ts";
import type { Uploads } from "./settings.ts";

const model = layout([{ name: "x", shape: [3], role: "vector", block: "x" }]);
const plain: Uploads = { upload: { delta: model }, codecs: {}, layoutHash: model.hash };
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
const parted: Uploads = { upload: { delta: wide }, parts: halves, codecs: {}, layoutHash: wide.hash };
const half = (part: number, length = 3): Update => ({
  ...update,
  layoutHash: wide.hash,
  vectors: { delta: new Float32Array(length) },
  public: { ...update.public, part },
});

/** The code of what is wrong with an update, undefined where it fits. */
function faultOf(received: Update, uploads: Uploads = plain, part?: number): string | undefined {
  const checked = messageStage(uploads, plainLengths(uploads, {})).receive!(received, { scalars: {}, part });
  return "code" in checked ? checked.code : undefined;
}

describe("a message that arrived", () => {
  it("passes where it fits", () => {
    expect(faultOf(update)).toBeUndefined();
    expect(faultOf(weighing(0))).toBeUndefined();
  });

  it.each<[string, Update, string]>([
    ["another layout", { ...update, layoutHash: "0" }, "update/layout"],
    ["a missing vector", { ...update, vectors: {} }, "update/shape"],
    ["a vector of another length", { ...update, vectors: { delta: new Float32Array(2) } }, "update/shape"],
    ["a negative weight", weighing(-1), "update/weight"],
    ["an infinite weight", weighing(Number.POSITIVE_INFINITY), "update/weight"],
    ["a weight that is no number", weighing(Number.NaN), "update/weight"],
  ])("is refused for %s", (_what, wrong, code) => {
    expect(faultOf(wrong)).toBe(code);
  });

  it("leaves the length of an encoded vector to its codec, but not whether it is there", () => {
    const encoding: Uploads = { ...plain, codecs: { delta: { name: "truncated-svd", energy: 0.9 } } };
    expect(faultOf({ ...update, vectors: { delta: new Float32Array(33) } }, encoding)).toBeUndefined();
    expect(faultOf({ ...update, vectors: {} }, encoding)).toBe("update/shape");
  });

  it("is measured by the part that its client was given", () => {
    expect(faultOf(half(1), parted, 1)).toBeUndefined();
    expect(faultOf(half(1, 6), parted, 1)).toBe("update/shape");
    expect(faultOf(half(0), parted, 1)).toBe("update/part");
    expect(faultOf({ ...update, layoutHash: wide.hash }, parted, 1)).toBe("update/part");
    expect(faultOf({ ...update, public: { ...update.public, part: 0 } })).toBe("update/part");
  });
});
