import { expect, it } from "vitest";
import { input } from "../graph/sources.ts";
import { checkExecutor, checkGradients, sample } from "../testing/check.ts";
import { mul } from "./elementwise.ts";
import { groupNorm, layerNorm, standardize } from "./normalization.ts";

it.each([
  { shape: [3, 5], axis: -1 },
  { shape: [2, 3, 4], axis: 1 },
  { shape: [2, 2, 2, 3], axis: 2 },
  { shape: [7], axis: 0 },
])("standardize $shape from axis $axis", async ({ shape, axis }) => {
  const x = sample(shape, { scale: 2, shift: 0.5 });
  checkGradients("standardize", (i) => standardize(i["x"]!, axis), { x });
  // weights: a plain sum of squares of a standardized value is constant, and its gradient nothing but rounding
  const inputs = { x, w: sample(shape, { seed: 4 }) };
  const shapes = shape.length > 1 ? { x: ["N", ...shape.slice(1)], w: ["N", ...shape.slice(1)] } : {};
  await checkExecutor("standardize", (i) => mul(standardize(i["x"]!, axis), i["w"]!), inputs, { shapes });
});

it("standardize with a large epsilon", () => {
  checkGradients("standardize, epsilon 0.3", (i) => standardize(i["x"]!, -1, 0.3), { x: sample([2, 4]) });
});

it("layerNorm", async () => {
  const inputs = { x: sample([2, 3, 6]), gamma: sample([6], { shift: 1 }), beta: sample([6], { seed: 2 }) };
  checkGradients("layerNorm", (i) => layerNorm(i["x"]!, i["gamma"]!, i["beta"]!), inputs);
  const shapes = { x: ["N", 3, 6] };
  await checkExecutor("layerNorm", (i) => layerNorm(i["x"]!, i["gamma"]!, i["beta"]!), inputs, { shapes });
});

it.each([1, 2, 4])("groupNorm with %i groups", async (groups) => {
  const inputs = { x: sample([2, 4, 3, 2]), gamma: sample([4], { shift: 1 }), beta: sample([4], { seed: 2 }) };
  checkGradients("groupNorm", (i) => groupNorm(i["x"]!, groups, i["gamma"]!, i["beta"]!), inputs);
  const shapes = { x: ["N", 4, 3, 2], w: ["N", 4, 3, 2] };
  await checkExecutor(
    "groupNorm",
    (i) => mul(groupNorm(i["x"]!, groups, i["gamma"]!, i["beta"]!), i["w"]!),
    { ...inputs, w: sample([2, 4, 3, 2], { seed: 4 }) },
    { shapes },
  );
});

it("refuses groups that do not divide the channels", () => {
  const x = input("x", { dtype: "float", shape: ["N", 6, 2, 2] });
  const c = input("c", { dtype: "float", shape: [6] });
  expect(() => groupNorm(x, 4, c, c)).toThrow(/do not divide/);
});
