import type { ConfigInput } from "@anabranch/core";
import { simulate } from "@anabranch/node";
import { describe, expect, it } from "vitest";

/** Each kind of model goes through a whole run: data, partition, local training, aggregation, evaluation. */
const text: ConfigInput["data"] = { dataset: "tiny-shakespeare", clients: 20, partition: { scheme: "natural" } };
const images: ConfigInput["data"] = {
  dataset: "synthetic",
  clients: 20,
  synthetic: { shape: [3, 32, 32], examples: 8, testExamples: 40 },
};
const small: ConfigInput["data"] = {
  dataset: "synthetic",
  clients: 20,
  synthetic: { shape: [1, 28, 28], examples: 8, testExamples: 40 },
};

describe("one or two rounds of", () => {
  it.each<[string, ConfigInput["data"], ConfigInput["model"]]>([
    [
      "the character transformer on a speaker's lines",
      text,
      { name: "char-transformer", width: 16, depth: 1, heads: 2 },
    ],
    ["a vision transformer", images, { name: "vit", patch: 8, width: 16, depth: 1, heads: 2 }],
    [
      "a transformer over an image and a question",
      { dataset: "image-questions", clients: 5, partition: { scheme: "natural" } },
      { name: "vilt", width: 16, depth: 1, heads: 2 },
    ],
    ["LeNet-5", images, { name: "lenet5" }],
    ["ResNet-8", images, { name: "resnet8" }],
    ["the CNN for 28 x 28", small, { name: "cnn-28x28" }],
    ["logistic regression", small, { name: "logistic" }],
  ])("%s", async (_what, data, model) => {
    const result = await simulate(
      {
        rounds: 2,
        data,
        model,
        training: { localSteps: 2, batchSize: 4, learningRate: 0.05, gradientClip: 1 },
        sampler: { cohort: 2 },
        evaluation: { every: 2, batch: 64 },
      },
      { workers: 0 },
    );
    expect(result.stopped).toBe("finished");
    expect(result.history.map(({ clients }) => clients)).toEqual([2, 2]);
    for (const { loss } of result.history) expect(loss).toBeGreaterThan(0);
    const { testLoss, testAccuracy } = result.history[1]!;
    expect(testLoss).toBeLessThan(10);
    expect(testAccuracy).toBeGreaterThanOrEqual(0);
    expect(testAccuracy).toBeLessThanOrEqual(1);
  });
});
