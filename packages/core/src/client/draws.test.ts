import { input, type TensorTree, trace } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { logistic } from "../models/index.ts";
import { layout } from "../params/layout.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { type DrawSpecs, drawInputs, drawnShare, drawTypes, stepDraws } from "./draws.ts";

const model = logistic({ input: [3], inputType: "float", classes: 4 });
const modelLayout = layout(model.parameters);
const names = modelLayout.entries.map(({ name }) => name);

/** The host's inputs for 5 steps of batch 6. */
function drawn(draws: DrawSpecs, key = deriveKey(rootKey(1), "draws", 1, 0), float: "float32" | "float64" = "float64") {
  const types = drawTypes(draws, model, modelLayout, 6);
  const graph = trace((inputs) => inputs as TensorTree, { steps: { draws: types } });
  const inputs = graph.inputs.map(({ name, tensor }) => ({ name, ...tensor }));
  return drawInputs({ program: { inputs }, draws, float }, 5, key, { round: 1, client: 0, vectors: {} });
}

const row = (data: ArrayLike<number>, step: number) =>
  Array.from({ length: data.length / 5 }, (_, i) => data[(step * data.length) / 5 + i]!);

describe("drawInputs", () => {
  it("gives bits for each parameter and numbers in [0, 1) for each label", () => {
    const inputs = drawn({ probe: { kind: "signs" }, labels: { kind: "uniform" } });
    expect(Object.keys(inputs).sort()).toEqual(["steps/draws/labels", ...names.map((n) => `steps/draws/probe/${n}`)]);
    expect(inputs["steps/draws/probe/linear.weight"]).toMatchObject({ dtype: "uint8", shape: [5, 2] }); // 12 signs
    const { data, shape } = inputs["steps/draws/labels"]!;
    expect(shape).toEqual([5, 6]);
    expect(Array.from(data).every((v) => v >= 0 && v < 1)).toBe(true);
    expect(new Set(data).size).toBe(30);
    const single = drawn({ labels: { kind: "uniform" } }, undefined, "float32")["steps/draws/labels"]!;
    expect(Array.from(single.data)).toEqual(Array.from(data)); // no rounding, hence never 1
  });

  it("draws only every so many steps, and the same numbers in those", () => {
    for (const kind of ["signs", "uniform"] as const) {
      const all = drawn({ probe: { kind } });
      const some = drawn({ probe: { kind, every: 2 } });
      for (const [name, { data }] of Object.entries(some)) {
        for (const step of [0, 2, 4]) expect(row(data, step)).toEqual(row(all[name]!.data, step));
        for (const step of [1, 3]) expect(row(data, step).every((v) => v === 0)).toBe(true);
      }
    }
  });

  it("depends on the key, the name and the step", () => {
    const uniform = (name: string, client: number) =>
      drawn({ [name]: { kind: "uniform" } }, deriveKey(rootKey(1), "draws", 1, client))[`steps/draws/${name}`]!.data;
    expect(uniform("a", 0)).toEqual(uniform("a", 0));
    expect(uniform("a", 1)).not.toEqual(uniform("a", 0));
    expect(uniform("b", 0)).not.toEqual(uniform("a", 0));
    expect(row(uniform("a", 0), 1)).not.toEqual(row(uniform("a", 0), 0));
  });
});

it("a step may look only at declared draws", () => {
  const slice = { labels: input("labels", { dtype: "float", shape: [6] }) };
  const draws = stepDraws({ labels: { kind: "uniform" } }, slice, modelLayout);
  expect(draws.uniform("labels")).toBe(slice.labels);
  expect(() => draws.signs("labels")).toThrow(/does not declare.*signs named "labels".*uniform "labels"/);
  expect(() => draws.uniform("other")).toThrow(/uniform named "other"/);
});

it("the share of steps with draws", () => {
  expect(drawnShare({})).toBe(1);
  expect(drawnShare({ a: { kind: "signs", every: 10 }, b: { kind: "uniform", every: 5 } })).toBe(0.2);
});
