import { constant, evaluate, gradients, mean, nn, type Tensor } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { entryView, layout } from "../params/layout.ts";
import { cnn28x28 } from "./cnn-28x28.ts";
import { withAdapters } from "./low-rank-adapters.ts";
import { mergeAdapters } from "./merge-adapters.ts";
import { mlp } from "./mlp.ts";
import type { Model } from "./model.ts";
import { resnet8 } from "./resnet.ts";
import { shardOptions, withShards } from "./shards.ts";
import { vit } from "./vit.ts";

const wave = (length: number, seed: number) =>
  Float64Array.from({ length }, (_, i) => Math.sin(3.7 * (i + 1) + 1.3 * seed) / 3);

const tensorsOf = (model: Model, values: Float64Array): Record<string, Tensor> =>
  Object.fromEntries(
    layout(model.parameters).entries.map((entry) => [
      entry.name,
      constant(Array.from(entryView(values, entry)), entry.shape),
    ]),
  );

function inputs(model: Model): Tensor {
  const shape = [2, ...model.features.shape];
  const size = shape.reduce((product, extent) => product * extent, 1);
  return constant(Array.from(wave(size, 9)), shape);
}

const outputs = (model: Model, values: Float64Array) =>
  evaluate(model.forward(tensorsOf(model, values), inputs(model))).data as Float64Array;
const farthest = (x: ArrayLike<number>, y: ArrayLike<number>) =>
  Array.from(x).reduce((most, value, i) => Math.max(most, Math.abs(value - y[i]!)), 0);

const models: Record<string, Model> = {
  mlp: mlp({ input: [6], inputType: "float", hidden: [6, 6, 4], classes: 3 }),
  vit: vit({ input: [1, 4, 4], inputType: "float", patch: 2, width: 4, depth: 2, heads: 2, classes: 3 }),
  "cnn-28x28": cnn28x28({ input: [8, 8], inputType: "float", hidden: 5, classes: 3 }),
  resnet8: resnet8({ input: [3, 8, 8], inputType: "float", classes: 3 }),
};

/** The weights of the base with what loops over single shards add to them. */
function byHand(model: Model, values: Float64Array) {
  const places = new Map(layout(model.parameters).entries.map((entry) => [entry.name, entry]));
  const base = layout(model.base!.parameters);
  const made = new Float64Array(base.size);
  for (const entry of base.entries) {
    const weight = entryView(values, places.get(entry.name)!);
    const into = entryView(made, entry);
    into.set(weight);
    const pair = model.adapters!.pairs.find((one) => one.weight === entry.name);
    if (pair === undefined) continue;
    const isDense = entry.shape.length === 2;
    const inputs = isDense ? entry.shape[0]! : entry.size / entry.shape[0]!;
    const outputs = entry.size / inputs;
    const element = (pool: string, index: readonly number[], vector: number, at: number) => {
      const { shape } = places.get(pool)!;
      const [length, width] = [shape[1]!, pool === pair.a ? inputs : outputs];
      const shard = index[(vector * width) / length + Math.floor(at / length)]!;
      return entryView(values, places.get(pool)!)[shard * length + (at % length)]!;
    };
    const rank = (pair.shards!.a.length * places.get(pair.a)!.shape[1]!) / inputs;
    for (let i = 0; i < inputs; i++)
      for (let o = 0; o < outputs; o++) {
        let sum = 0;
        for (let r = 0; r < rank; r++)
          sum += element(pair.a, pair.shards!.a, r, i) * element(pair.b, pair.shards!.b, r, o);
        into[isDense ? i * outputs + o : o * inputs + i]! += model.adapters!.scale * sum;
      }
  }
  return made;
}

describe.each(Object.entries(models))("adapters from shards of %s", (_, base) => {
  const model = withShards(base, { rank: 3, pool: 2, pieces: 2, alpha: 4 });
  const whole = layout(model.parameters);
  const values = wave(whole.size, 1);

  it("compute and merge to what loops over shards give", () => {
    const expected = byHand(model, values);
    const merged = mergeAdapters(model.adapters!, whole, values);
    expect(merged.layout.hash).toBe(layout(base.parameters).hash);
    expect(farthest(merged.values, expected)).toBeLessThan(1e-12);
    expect(farthest(outputs(model, values), outputs(base, expected))).toBeLessThan(1e-9);
  });

  it("train as many numbers as LoRA of the rank of the pool, at any number of pieces", () => {
    const numbers = nn.countParameters(withAdapters(base, { rank: 2 }).parameters);
    for (const pieces of [1, 2, 4, 1000])
      expect(nn.countParameters(withShards(base, { rank: 3, pool: 2, pieces }).parameters)).toBe(numbers);
  });

  it("are LoRA bit for bit, with its gradients, where nothing is shared", () => {
    const rank = 2;
    const lora = withAdapters(base, { rank, alpha: 3 });
    const alone = withShards(base, { rank, pool: rank, private: rank, pieces: 2, alpha: 3 });
    const given = wave(layout(alone.parameters).size, 4);
    // the same numbers at the places of LoRA's factors
    const places = new Map(layout(alone.parameters).entries.map((entry) => [entry.name, entry]));
    const target = layout(lora.parameters);
    const copied = new Float64Array(target.size);
    const sources = new Map<string, Float64Array>();
    for (const { weight, a, b, shards } of alone.adapters!.pairs) {
      const shape = places.get(weight)!.shape;
      const rows = (pool: string, index: readonly number[]) => {
        const [entry, length] = [places.get(pool)!, places.get(pool)!.shape[1]!];
        return index.flatMap((shard) =>
          Array.from(entryView(given, entry).subarray(shard * length, (shard + 1) * length)),
        );
      };
      const flip = (x: number[], r: number) => x.map((_, i) => x[(i % r) * (x.length / r) + Math.floor(i / r)]!);
      const [first, second] = [rows(a, shards!.a), rows(b, shards!.b)];
      const isDense = shape.length === 2;
      const inputs = isDense ? shape[0]! : places.get(weight)!.size / shape[0]!;
      const r = first.length / inputs;
      sources.set(`${weight}.lora.a`, Float64Array.from(isDense ? flip(first, r) : first));
      sources.set(`${weight}.lora.b`, Float64Array.from(isDense ? second : flip(second, r)));
    }
    for (const entry of target.entries)
      entryView(copied, entry).set(sources.get(entry.name) ?? entryView(given, places.get(entry.name)!));
    expect(Array.from(outputs(alone, given))).toEqual(Array.from(outputs(lora, copied)));
    const slopes = (of: Model, at: Float64Array, isTrained: (name: string) => boolean) => {
      const tensors = tensorsOf(of, at);
      const labels = constant([0, 2], [2], "int32");
      const loss = mean(of.losses(of.forward(tensors, inputs(of)), labels));
      const trained = Object.fromEntries(Object.entries(tensors).filter(([name]) => isTrained(name)));
      const found = Object.values(gradients(loss, trained) as Record<string, Tensor>);
      return found.flatMap((gradient) => Array.from(evaluate(gradient).data)).sort((x, y) => x - y);
    };
    expect(slopes(alone, given, (name) => name.startsWith("shards."))).toEqual(
      slopes(lora, copied, (name) => name.includes(".lora.")),
    );
  });
});

describe("the choice of shards", () => {
  const base = mlp({ input: [8], inputType: "float", hidden: [8, 8, 8], classes: 8 });
  const options = { rank: 3, pool: 2, pieces: 4 } as const;
  const { adapters, parameters } = withShards(base, options);
  const { pairs } = adapters!;

  it("has pools for each width, of which every weight has some vectors alone", () => {
    const pools = parameters.filter(({ block }) => block === "shards").map(({ name, shape }) => [name, ...shape]);
    expect(pools).toEqual([
      ["shards.a8", 4 * 2 * 4, 2],
      ["shards.b8", 4 * 2 * 4, 2],
    ]);
    for (const side of ["a", "b"] as const) {
      const used = pairs.map(({ shards }) => shards![side]);
      for (const index of used) expect(new Set(index).size).toBe(3 * 4);
      const own = used.map((index) => index.slice(0, 4));
      expect(new Set(own.flat()).size).toBe(16);
      for (const [i, index] of used.entries())
        for (const [j, others] of own.entries())
          if (i !== j) expect(index.some((shard) => others.includes(shard))).toBe(false);
    }
  });

  it("differs between weights, between A and B, and between seeds, and not otherwise", () => {
    const lists = (seed: number) =>
      withShards(base, { ...options, seed }).adapters!.pairs.flatMap(({ shards }) => [
        shards!.a.slice(4).join(),
        shards!.b.slice(4).join(),
      ]);
    expect(new Set([...lists(0), ...lists(1)]).size).toBe(16);
    expect(lists(0)).toEqual(lists(0));
  });

  it("takes all shards again where a weight needs more than there are", () => {
    const [pair] = withShards(base, { rank: 7, pool: 2, private: 0, targets: "dense1", pieces: 1 }).adapters!.pairs;
    expect(pair!.shards!.a).toHaveLength(7);
    for (const shard of [0, 1]) expect(pair!.shards!.a.filter((one) => one === shard).length).toBeGreaterThanOrEqual(3);
  });

  it("has pieces that divide the width", () => {
    const lengths = (pieces: number) =>
      withShards(mlp({ input: [6], inputType: "float", hidden: [10], classes: 3 }), { rank: 2, pool: 1, pieces })
        .parameters.filter(({ block }) => block === "shards")
        .map(({ name, shape }) => [name, shape[1]]);
    expect(lengths(4)).toEqual([
      ["shards.a6", 2],
      ["shards.a10", 5],
      ["shards.b10", 5],
      ["shards.b3", 1],
    ]);
  });

  it("starts as the model, with B zero", () => {
    const starts = parameters.filter(({ block }) => block === "shards").map(({ initialize }) => initialize);
    expect(starts).toEqual([nn.kaimingUniform(8), nn.zeros]);
  });

  it.each([
    { rank: 2, pool: 3 },
    { rank: 3, pool: 2, private: 2 },
    { rank: 3, pool: 2, private: 3 },
    { rank: 3, pool: 1, private: 1 },
  ])("is refused with %o", (given) => {
    expect(shardOptions.safeParse(given).success).toBe(false);
    expect(() => withShards(base, { rank: 9, pool: 1 })).toThrow(/adapters\.shards\b/);
  });
});
