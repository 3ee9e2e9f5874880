import { constant, evaluate, nn, type Tensor } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { layout } from "../params/layout.ts";
import { withBottlenecks } from "./bottlenecks.ts";
import { charTransformer } from "./char-transformer.ts";
import { logistic } from "./logistic.ts";
import { mlp } from "./mlp.ts";
import type { Model } from "./model.ts";
import { vit } from "./vit.ts";

const wave = (seed: number, size: number) =>
  Array.from({ length: size }, (_, i) => Math.sin(2.7 * i + 1.3 * seed * i + seed));

/** Values of all parameters, as lists and as tensors. */
function valuesOf({ parameters }: Pick<Model, "parameters">) {
  const { entries } = layout(parameters);
  const lists = Object.fromEntries(entries.map(({ name, size }, seed) => [name, wave(seed + 1, size)]));
  const tensors = Object.fromEntries(entries.map(({ name, shape }) => [name, constant(lists[name]!, shape)]));
  return { lists, tensors };
}

const numbers = (tensor: Tensor) => Array.from(evaluate(tensor).data);

/** x W + b for one example. */
const affine = (x: readonly number[], weight: readonly number[], bias: readonly number[]) =>
  bias.map((start, j) => x.reduce((sum, value, i) => sum + value * weight[i * bias.length + j]!, start));
const relu = (x: readonly number[]) => x.map((value) => Math.max(0, value));

describe("bottleneck adapters", () => {
  const base = mlp({ input: [4], inputType: "float", hidden: [5, 3], classes: 2 });
  const model = withBottlenecks(base, { units: 2 });
  const inputs = [wave(9, 4), wave(20, 4)];
  const x = constant(inputs.flat(), [2, 4]);

  it("are what loops over examples compute", () => {
    const { lists, tensors } = valuesOf(model);
    const outputs = numbers(model.forward(tensors, x, {}));
    const adapted = (layer: string, y: readonly number[]) => {
      const of = (part: string) => lists[`${layer}.adapter.${part}`]!;
      const narrow = relu(affine(y, of("down.weight"), of("down.bias")));
      return affine(narrow, of("up.weight"), of("up.bias")).map((value, i) => y[i]! + value);
    };
    const expected = inputs.flatMap((input) => {
      const first = relu(adapted("dense1", affine(input, lists["dense1.weight"]!, lists["dense1.bias"]!)));
      const second = relu(adapted("dense2", affine(first, lists["dense2.weight"]!, lists["dense2.bias"]!)));
      return affine(second, lists["dense3.weight"]!, lists["dense3.bias"]!);
    });
    expect(outputs).toEqual(expected.map((value) => expect.closeTo(value, 12)));
  });

  it("start as the model that they adapt", () => {
    const { tensors } = valuesOf(base);
    const start = Object.fromEntries(
      model.parameters
        .filter(({ block }) => block.endsWith(".adapter"))
        .map(({ name, shape, initialize }) => {
          const values = initialize.kind === "zeros" ? shape.map(() => 0) : wave(3, 1);
          const size = shape.reduce((a, b) => a * b, 1);
          return [
            name,
            constant(
              Array.from({ length: size }, (_, i) => values[i % values.length]!),
              [...shape],
            ),
          ];
        }),
    );
    expect(numbers(model.forward({ ...tensors, ...start }, x))).toEqual(numbers(base.forward(tensors, x)));
  });

  it("follow the layers that targets name, and not the head", () => {
    const blocks = (targets: string | string[]) =>
      withBottlenecks(base, { units: 2, targets }).bottlenecks!.layers.map(({ layer, width }) => [layer, width]);
    expect(blocks([])).toEqual([
      ["dense1", 5],
      ["dense2", 3],
    ]);
    expect(blocks("dense2")).toEqual([["dense2", 3]]);
    expect(() => blocks("dense3.weight")).toThrow(expect.objectContaining({ code: "adapters/target" }));
    expect(() => blocks("dense1.bias")).toThrow(expect.objectContaining({ code: "adapters/target" }));
    expect(() => withBottlenecks(logistic({ input: [4], classes: 2 }), { units: 1 })).toThrow(
      expect.objectContaining({ code: "adapters/target" }),
    );
  });

  it.each([
    vit({ input: [1, 4, 4], inputType: "float", patch: 2, width: 4, depth: 1, heads: 2, classes: 3 }),
    charTransformer({ input: [6], classes: 5, width: 4, depth: 1, heads: 2 }),
  ])("reach every layer of a transformer: $name", (transformer) => {
    const adapted = withBottlenecks(transformer, { units: 2, targets: ["*.output", "*.dense2"] });
    expect(adapted.bottlenecks!.layers.map(({ layer }) => layer)).toEqual(["block1.attention.output", "block1.dense2"]);
    const { tensors } = valuesOf(adapted);
    const { shape, dtype } = adapted.features;
    const size = shape.reduce((a, b) => a * b, 1);
    const values = dtype === "float" ? wave(1, size) : Array.from({ length: size }, (_, i) => i % 5);
    const example = constant(values, [1, ...shape], dtype);
    const outputs = numbers(adapted.forward(tensors, example, {}));
    for (const { layer } of adapted.bottlenecks!.layers) {
      const name = `${layer}.adapter.up.bias`;
      const moved = adapted.forward({ ...tensors, [name]: constant([1, -1, 2, 0.5], [4]) }, example, {});
      expect(numbers(moved)).not.toEqual(outputs);
    }
  });

  it("refuse an own model that keeps its context from a layer", () => {
    const layer = nn.dense("own", 4, 3);
    const head = nn.dense("out", 3, 2, { head: true });
    const own: Model = {
      ...base,
      parameters: [...layer.parameters, ...head.parameters],
      forward: (p, features) => head.apply(p, layer.apply(p, features)),
    };
    const hidden = withBottlenecks(own, { units: 2 });
    expect(() => hidden.forward(valuesOf(hidden).tensors, x, {})).toThrow(/layer own.*context/s);
  });
});
