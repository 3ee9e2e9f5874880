import { describe, expect, it } from "vitest";
import { input } from "../graph/sources.ts";
import { checkExecutor, checkGradients, host, sample } from "../testing/check.ts";
import { logSoftmax, softmax, softmaxCrossEntropy } from "./softmax.ts";

describe("softmax", () => {
  const x = sample([2, 3, 4], { scale: 3 });
  it.each([-1, 0, 1])("derivatives and executor along axis %i", async (axis) => {
    checkGradients(`softmax ${axis}`, (i) => softmax(i["x"]!, axis), { x });
    checkGradients(`logSoftmax ${axis}`, (i) => logSoftmax(i["x"]!, axis), { x });
    await checkExecutor(`softmax ${axis}`, (i) => softmax(i["x"]!, axis), { x }, { shapes: { x: ["N", 3, 4] } });
    await checkExecutor(`logSoftmax ${axis}`, (i) => logSoftmax(i["x"]!, axis), { x }, { shapes: { x: ["N", 3, 4] } });
  });

  it("stays finite for large values", async () => {
    const large = host("float", [2, 3], [1000, 999, -1000, -3e4, -3e4, -3e4]);
    await checkExecutor("softmax, large", (i) => softmax(i["x"]!), { x: large });
    await checkExecutor("logSoftmax, large", (i) => logSoftmax(i["x"]!), { x: large });
  });
});

describe("softmaxCrossEntropy", () => {
  it.each([
    { logits: [3, 4], labels: [0, 3, 2] },
    { logits: [2, 3, 5], labels: [0, 4, 2, 1, 1, 3] },
  ])("derivatives and executor on $logits", async (example) => {
    const inputs = {
      logits: sample(example.logits, { scale: 3 }),
      labels: host("int32", example.logits.slice(0, -1), example.labels),
    };
    const shapes = { logits: ["N", ...example.logits.slice(1)], labels: ["N", ...example.logits.slice(1, -1)] };
    checkGradients("softmaxCrossEntropy", (i) => softmaxCrossEntropy(i["logits"]!, i["labels"]!), inputs);
    await checkExecutor("softmaxCrossEntropy", (i) => softmaxCrossEntropy(i["logits"]!, i["labels"]!), inputs, {
      shapes,
    });
  });

  it("is stable, and 0 for a certain and right answer; bytes are labels too", async () => {
    const inputs = { logits: host("float", [2, 2], [2000, -2000, -2000, 2000]), labels: host("uint8", [2], [0, 0]) };
    await checkExecutor("softmaxCrossEntropy, large", (i) => softmaxCrossEntropy(i["logits"]!, i["labels"]!), inputs);
  });

  it("refuses a label out of range on the interpreter", () => {
    const inputs = { logits: sample([1, 3]), labels: host("int32", [1], [3]) };
    expect(() => checkGradients("label", (i) => softmaxCrossEntropy(i["logits"]!, i["labels"]!), inputs)).toThrow(
      /index is out of range \(softmaxCrossEntropy\); received 3/,
    );
  });

  it("refuses labels of another shape", () => {
    const logits = input("logits", { dtype: "float", shape: ["N", 10] });
    const labels = input("labels", { dtype: "int32", shape: ["N", 1] });
    expect(() => softmaxCrossEntropy(logits, labels)).toThrow(/int32\[N\]/);
  });
});
