import { constant, evaluate, type Tensor } from "@anabranch/engine";
import { checkExecutor, sample } from "@anabranch/engine/testing";
import { describe, expect, it } from "vitest";
import { entryView, initialParameters, layout } from "../params/index.ts";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import { charTransformer } from "./char-transformer.ts";
import { countedPositions } from "./counted-positions.ts";
import { classification } from "./model.ts";

const logits = constant([2, 0, 1, 0, 3, 1, 1, 1, 5, 0, 0, 4], [2, 2, 3]);
const labels = (values: number[]) => constant(values, [2, 2], "int32");
const numbers = (tensor: Tensor) => Array.from(evaluate(tensor).data);
const rule = (score: "share" | "exact", ignoredLabel?: number) => countedPositions({ classes: 3, ignoredLabel, score });

describe("positions that count", () => {
  it("alone make the loss, as a mean over them", () => {
    const all = numbers(classification(3).losses(logits, labels([0, 1, 1, 2])));
    const same = numbers(rule("share").losses(logits, labels([0, 1, 1, 2])));
    for (const [i, loss] of same.entries()) expect(loss).toBeCloseTo(all[i]!, 6);
    const [first, second] = numbers(rule("share", 0).losses(logits, labels([0, 1, 0, 0])));
    expect(first).toBeCloseTo(Math.log(1 + Math.exp(-3) + Math.exp(-2)), 6);
    expect(second).toBe(0);
  });

  it("are right in part, or all of them", () => {
    const given = labels([2, 1, 2, 2]);
    expect(numbers(rule("share").scores(logits, given))).toEqual([0.5, 1]);
    expect(numbers(rule("exact").scores(logits, given))).toEqual([0, 1]);
    expect(numbers(rule("exact", 0).scores(logits, labels([0, 1, 0, 0])))).toEqual([1, 0]);
  });

  it("run on onnxruntime-node, with gradients of the loss", async () => {
    const target = constant([0, 1, 2, 3, 0, 0, 4, 4, 1, 0, 2, 0], [4, 3], "int32");
    const { losses, scores } = countedPositions({ classes: 5, ignoredLabel: 0, score: "exact" });
    const inputs = { logits: sample([4, 3, 5], { scale: 2 }) };
    await checkExecutor("losses", ({ logits: outputs }) => losses(outputs!, target), inputs);
    await checkExecutor("scores", ({ logits: outputs }) => scores(outputs!, target), inputs, { gradients: false });
  });
});

/** Tokens 1 and 2 and padding 0: answers of two tokens behind prompts of three. */
describe("the score of exact answers", () => {
  const [length, prompt, examples] = [5, 3, 24];
  const model = charTransformer({
    ...{ input: [length], classes: 3, width: 8, depth: 2, heads: 2 },
    ...{ ignoredLabel: 0, score: "exact" },
  });
  const all = layout(model.parameters);
  const values = initialParameters(model.parameters, rootKey(3)).map((value) => 20 * value);
  const parameters = Object.fromEntries(
    all.entries.map((entry) => [entry.name, constant(entryView(values, entry), entry.shape)]),
  );
  const outputs = (tokens: number[]) =>
    model.forward(parameters, constant(tokens, [tokens.length / length, length], "uint8"));

  /** Writes token after token, each the most likely one after the text so far. */
  function decode(start: readonly number[]): number[] {
    const text = [...start];
    while (text.length < prompt + 2) {
      const row = evaluate(outputs([...text, ...Array(length - text.length).fill(0)])).data;
      const next = Array.from(row.slice(3 * (text.length - 1), 3 * text.length));
      text.push(next.indexOf(Math.max(...next)));
    }
    return text.slice(prompt);
  }

  it("is that of greedy decoding", () => {
    const stream = randomStream(deriveKey(rootKey(1), "texts"));
    const texts = Array.from({ length: examples }, () => Array.from({ length: length }, () => 1 + stream.below(2)));
    const target = texts.map((text) => [0, 0, text[3]!, text[4]!, 0]);
    const scores = numbers(
      model.scores(
        outputs(texts.flatMap((text) => [...text.slice(0, 4), 0])),
        constant(target.flat(), [examples, length], "uint8"),
      ),
    );
    const matches = texts.map((text) => Number(decode(text.slice(0, prompt)).join() === text.slice(prompt).join()));
    expect(scores).toEqual(matches);
    expect(new Set(matches)).toEqual(new Set([0, 1]));
  });
});
