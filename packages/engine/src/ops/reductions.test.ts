import { describe, expect, it } from "vitest";
import { gradients } from "../autodiff/gradient.ts";
import type { Tensor } from "../graph/graph.ts";
import { checkExecutor, checkGradients, host, sample } from "../testing/check.ts";
import { sum, sumTo } from "./broadcast.ts";
import { add, mul, square } from "./elementwise.ts";
import { argmax, globalNorm, max, mean } from "./reductions.ts";

const x = sample([2, 3, 4], { scale: 2 });

describe.each(Object.entries({ sum, mean, max }))("%s", (name, fn) => {
  it.each([
    { axes: undefined, keepDims: false },
    { axes: [1], keepDims: false },
    { axes: [-1, 0], keepDims: true },
    { axes: [0], keepDims: false },
    { axes: [], keepDims: false },
  ])("over $axes, keepDims $keepDims", async ({ axes, keepDims }) => {
    const reduce = (i: Record<string, Tensor>) => fn(square(i["x"]!), axes, keepDims);
    const label = `${name} over ${axes}`;
    checkGradients(label, reduce, { x });
    await checkExecutor(label, reduce, { x });
    await checkExecutor(`${label}, symbolic`, reduce, { x }, { shapes: { x: ["N", 3, 4] } });
    await checkExecutor(`${label}, two symbols`, reduce, { x }, { shapes: { x: ["K", "N", 4] } });
  });
});

it("ties of a maximum share the gradient", async () => {
  const tied = host("float", [2, 4], [1, 3, 3, 2, 5, 5, 5, 5]);
  const by = ({ x }: Record<string, Tensor>) => gradients(sum(mul(max(x!, [1]), 6)), x!);
  await checkExecutor("max gradient with ties", by, { x: tied }, { gradients: false });
  await checkExecutor("max with ties", ({ x }) => max(x!, [1]), { x: tied });
});

it("argmax is the first maximum", async () => {
  const tied = host("float", [2, 4], [1, 3, 3, 2, 5, 5, 5, 5]);
  await checkExecutor("argmax", ({ x }) => ({ last: argmax(x!, -1), first: argmax(x!, 0) }), { x: tied });
  await checkExecutor("argmax, symbolic", ({ x }) => argmax(x!, 1), { x: tied }, { shapes: { x: ["N", 4] } });
});

it("sums of int32", async () => {
  const n = host("int32", [2, 3], [1, 2, 3, 4, 5, 6]);
  await checkExecutor("int32 sum", ({ n }) => ({ all: sum(n!), rows: sum(n!, [0]), max: max(n!, [1]) }), { n });
});

it.each([[[]], [[4]], [[1, 4]], [[3, 1]], [[2, 1, 4]], [[1, 1, 1]]])("sumTo %j undoes broadcasting", async (shape) => {
  const fn = (i: Record<string, Tensor>) => sumTo(i["x"]!, shape);
  checkGradients(`sumTo ${shape}`, fn, { x });
  await checkExecutor(`sumTo ${shape}`, fn, { x });
});

it("sumTo refuses another shape", () => {
  expect(() => checkGradients("refused", (i) => sumTo(i["x"]!, [3]), { x })).toThrow(/does not broadcast/);
});

it("the global norm is one number over all leaves", async () => {
  const fn = (i: Record<string, Tensor>) => globalNorm({ a: i["x"]!, b: { c: add(i["y"]!, 1) } });
  const inputs = { x, y: sample([3], { seed: 4 }) };
  checkGradients("globalNorm", fn, inputs);
  await checkExecutor("globalNorm", fn, inputs);
});
