import { describe, expect, it } from "vitest";
import { feedbackLayouts, parseLink } from "../compression/index.ts";
import { layout } from "../params/index.ts";
import type { InvalidUpdate, Update } from "../protocol/index.ts";
import { rootKey } from "../random/index.ts";
import { compressionStage } from "./compression-stage.ts";
import type { UploadCompression } from "./settings.ts";

const model = layout([{ name: "w", shape: [40], role: "vector", block: "w" }]);
const [given, other] = [rootKey(1), rootKey(2)];

/** What a server has of a client that was given one key and drew by another one. */
function arrived(up: string, drawn: typeof given, feedback: UploadCompression["feedback"] = "none") {
  const settings = {
    up: [parseLink(up)],
    scope: "model",
    feedback,
    momentum: 0,
    nesterov: false,
    masking: true,
  } as const;
  const stage = compressionStage(
    { layoutHash: model.hash, upload: { delta: model }, codecs: {} },
    { ...settings, vectors: ["delta"] },
    (length) => new Float64Array(length),
  );
  const update: Update = {
    ...{ round: 1, client: 0, layoutHash: model.hash, vectors: { delta: new Float64Array(40).fill(1) } },
    public: { examples: 1, steps: 1, weight: 1, loss: 1 },
  };
  const keep = () => {};
  const kept = Object.entries(feedbackLayouts(settings, { delta: model }));
  const state = Object.fromEntries(kept.map(([name, { size }]) => [name, new Float64Array(size)]));
  const keys = { compression: drawn };
  const sent = stage.client!(update, { scalars: {}, layouts: { delta: model }, keys, state, keep });
  return stage.receive!(sent, { scalars: {}, part: undefined, keys: { compression: given } });
}

describe("a compressed upload", () => {
  it.each(["count-sketch size=0.3", "rand-k density=0.3", "top-k density=0.3"])("of %s arrives", (up) => {
    expect(arrived(up, given)).toHaveProperty("vectors.delta");
  });

  it.each([
    ["count-sketch size=0.3", "none"],
    ["srht size=0.3", "none"],
    ["rand-k density=0.3", "none"],
    ["rand-k density=0.3 scaled=false", "ef14"],
    ["rand-k density=0.3 scaled=false", "ef21+"],
  ] as const)("of %s with feedback %s is refused where the client chose its draws", (up, feedback) => {
    expect(arrived(up, given, feedback)).not.toHaveProperty("code");
    expect((arrived(up, other, feedback) as InvalidUpdate).message).toMatch(/draws are not those/);
  });
});
