import { constant, evaluate, type Tensor } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { layout } from "../params/layout.ts";
import { charTransformer } from "./char-transformer.ts";
import { cnn28x28 } from "./cnn-28x28.ts";
import { withPool } from "./instance-pool.ts";
import { linear } from "./linear.ts";
import { logistic } from "./logistic.ts";
import { mlp } from "./mlp.ts";
import type { Model } from "./model.ts";
import { vit } from "./vit.ts";

const wave = (seed: number, size: number) =>
  Array.from({ length: size }, (_, i) => Math.sin(2.7 * i + 1.3 * seed * i + seed));

/** Values of all parameters, as lists and as tensors. */
function valuesOf(model: Model) {
  const lists = Object.fromEntries(
    layout(model.parameters).entries.map(({ name, size }, seed) => [name, wave(seed + 1, size)]),
  );
  const tensors = Object.fromEntries(
    layout(model.parameters).entries.map(({ name, shape }) => [name, constant(lists[name]!, shape)]),
  );
  return { lists, tensors };
}

const rowsOf = (tensor: Tensor, width: number): number[][] => {
  const { data } = evaluate(tensor);
  return Array.from({ length: data.length / width }, (_, n) => Array.from(data.slice(n * width, (n + 1) * width)));
};

const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
const softmaxOf = (z: readonly number[]) => {
  const powers = z.map((value) => Math.exp(value - Math.max(...z)));
  return powers.map((value) => value / powers.reduce((a, b) => a + b, 0));
};

/** Example by example and set by set: probabilities and the sum of the chosen cosines. */
function byHand(
  lists: Record<string, number[]>,
  features: readonly number[],
  sets: number,
  top: number,
  classes: number,
) {
  const d = features.length;
  const of = (name: string, q: number, size = d) => lists[`pool.${name}`]!.slice(q * size, (q + 1) * size);
  const cosines = Array.from({ length: sets }, (_, q) => {
    const key = of("keys", q);
    return dot(features, key) / Math.sqrt(dot(features, features) * dot(key, key));
  });
  const order = cosines.map((_, q) => q).sort((p, q) => cosines[q]! - cosines[p]! || p - q);
  const chosen = order.slice(0, top);
  const meanOf = (rows: readonly number[][]) =>
    rows[0]!.map((_, i) =>
      dot(
        rows.map((row) => row[i]!),
        rows.map(() => 1 / top),
      ),
    );
  const gamma = meanOf(chosen.map((q) => of("gamma", q)));
  const beta = meanOf(chosen.map((q) => of("beta", q)));
  const head = meanOf(chosen.map((q) => of("heads", q, classes * d)));
  const hidden = features.map((value, i) => (1 + gamma[i]!) * value + beta[i]!);
  const logits = Array.from({ length: classes }, (_, c) => dot(head.slice(c * d, (c + 1) * d), hidden));
  return { chosen, probabilities: softmaxOf(logits), near: chosen.reduce((sum, q) => sum + cosines[q]!, 0) };
}

describe("a pool", () => {
  const base = mlp({ input: [4], inputType: "float", hidden: [5], classes: 3 });
  const inputs = [wave(9, 4), wave(20, 4), wave(31, 4)];
  const x = constant(inputs.flat(), [3, 4]);
  const labels = constant([2, 0, 1], [3], "uint8");

  /** relu(x W + b), the last features of the model. */
  const featuresOf = (lists: Record<string, number[]>, input: readonly number[]) =>
    Array.from({ length: 5 }, (_, j) => {
      const column = input.map((_, i) => lists["dense1.weight"]![i * 5 + j]!);
      return Math.max(0, dot(input, column) + lists["dense1.bias"]![j]!);
    });

  it.each([
    [1, 1],
    [4, 1],
    [4, 3],
    [2, 3],
  ])("of %i sets, of which examples choose %i, is what loops over examples compute", (sets, most) => {
    const model = withPool(base, { sets, top: most, keyWeight: 0.3 });
    const top = Math.min(sets, most);
    const { lists, tensors } = valuesOf(model);
    const outputs = model.forward(tensors, x, {});
    const losses = evaluate(model.losses(outputs, labels)).data;
    for (const [n, row] of rowsOf(outputs, 3).entries()) {
      const hand = byHand(lists, featuresOf(lists, inputs[n]!), sets, top, 3);
      expect(softmaxOf(row)).toEqual(hand.probabilities.map((value) => expect.closeTo(value, 10)));
      const crossEntropy = -Math.log(hand.probabilities[[2, 0, 1][n]!]!);
      expect(losses[n]).toBeCloseTo(0.7 * crossEntropy + 0.3 * (1 - hand.near), 10);
    }
  });

  it("has examples that choose differently", () => {
    const { lists } = valuesOf(withPool(base, { sets: 6, top: 1 }));
    const many = Array.from({ length: 12 }, (_, seed) => featuresOf(lists, wave(seed, 4)));
    expect(new Set(many.map((features) => byHand(lists, features, 6, 1, 3).chosen[0])).size).toBeGreaterThan(1);
  });

  it("adds its sets to the parameters, and keeps those of the model", () => {
    const model = withPool(base, { sets: 6 });
    expect(model.base).toBe(base);
    const added = layout(model.parameters).size - layout(base.parameters).size;
    expect(added).toBe(6 * (5 + 5 + 5 + 3 * 5));
  });

  it("does not depend on the model's own classifier", () => {
    const model = withPool(base, { sets: 3 });
    const { tensors } = valuesOf(model);
    const other = { ...tensors, "dense2.weight": constant(wave(99, 15), [5, 3]) };
    expect(rowsOf(model.forward(other, x, {}), 3)).toEqual(rowsOf(model.forward(tensors, x, {}), 3));
  });

  it.each([
    logistic({ input: [4], inputType: "float", classes: 3 }),
    cnn28x28({ inputType: "float", hidden: 8 }),
    vit({ input: [1, 4, 4], inputType: "float", patch: 2, width: 4, depth: 1, heads: 2, classes: 3 }),
  ])("fits $name", (model) => {
    const pooled = withPool(model, { sets: 2 });
    const example = constant(wave(1, 2 * model.features.shape.reduce((a, b) => a * b, 1)), [
      2,
      ...model.features.shape,
    ]);
    const outputs = rowsOf(pooled.forward(valuesOf(pooled).tensors, example, {}), model.classes);
    expect(outputs).toHaveLength(2);
    expect(outputs.flat().every(Number.isFinite)).toBe(true);
  });

  it.each([
    charTransformer({ input: [8], classes: 5 }),
    linear({ input: [4], inputType: "float", labelType: "float" }),
  ])("refuses $name, which gives no single class", (model) => {
    expect(() => withPool(model, { sets: 2 })).toThrow(expect.objectContaining({ code: "adapters/pool" }));
  });
});
