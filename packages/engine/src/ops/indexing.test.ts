import { expect, it } from "vitest";
import type { Tensor } from "../graph/graph.ts";
import { checkExecutor, checkGradients, host, sample } from "../testing/check.ts";
import { gather, gatherLast, oneHot, scatterAdd } from "./indexing.ts";
import { cast } from "./selection.ts";

const x = sample([4, 3, 2]);
const indices = host("int32", [2, 3], [0, 3, 3, 1, 0, 3]);
const small = host("int32", [2], [2, 0]);
type Fn = (i: Record<string, Tensor>) => Tensor;

it.each([0, 1, 2, -1])("gather along axis %d", async (axis) => {
  const i = axis === 0 ? indices : host("int32", [2], [1, 0]);
  const fn: Fn = ({ x, i }) => gather(x!, i!, axis);
  checkGradients(`gather ${axis}`, fn, { x, i });
  await checkExecutor(`gather ${axis}`, fn, { x, i });
  await checkExecutor(`gather ${axis}, symbolic`, fn, { x, i }, { shapes: { x: ["N", 3, 2] } });
});

it("gathers bytes with symbolic indices, as a minibatch is", async () => {
  const data = host("uint8", [4, 2], [1, 2, 3, 4, 5, 6, 255, 0]);
  const fn: Fn = ({ data, small }) => cast(gather(data!, small!), "float");
  const shapes = { data: ["N", 2], small: ["B"] };
  await checkExecutor("gather bytes", fn, { data, small }, { shapes, gradients: false });
});

it("scatterAdd adds up equal indices", async () => {
  const updates = sample([2, 3, 2], { seed: 6 });
  const fn: Fn = ({ indices, updates }) => scatterAdd(indices!, updates!, 5);
  checkGradients("scatterAdd", fn, { indices, updates });
  await checkExecutor("scatterAdd", fn, { indices, updates });
  const shapes = { indices: ["B", 3], updates: ["B", 3, 2] };
  await checkExecutor("scatterAdd, symbolic", fn, { indices, updates }, { shapes });
});

it("gather and scatter along symbolic batch and trailing axes", async () => {
  const fn: Fn = ({ x, indices }) => gather(x!, indices!);
  const shapes = { x: [4, "T", 2], indices: ["B", 3] };
  await checkExecutor("gather, symbolic rest", fn, { x, indices }, { shapes });
});

it("gatherLast picks one class of each row", async () => {
  const labels = host("int32", [4, 3], [0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0]);
  const fn: Fn = ({ x, labels }) => gatherLast(x!, labels!);
  checkGradients("gatherLast", fn, { x, labels });
  await checkExecutor("gatherLast", fn, { x, labels });
  await checkExecutor("gatherLast, symbolic", fn, { x, labels }, { shapes: { x: ["N", "T", 2], labels: ["N", "T"] } });
});

it("oneHot", async () => {
  await checkExecutor("oneHot", ({ indices }) => oneHot(indices!, 5), { indices });
  await checkExecutor(
    "oneHot, symbolic",
    ({ indices }) => oneHot(indices!, 4),
    { indices },
    { shapes: { indices: ["N", 3] } },
  );
});

it("refuses float indices and indices out of range", () => {
  expect(() => checkGradients("refused", ({ x }) => gather(x!, x!), { x })).toThrow(/indices must be int32/);
  const outside = host("int32", [1], [4]);
  expect(() => checkGradients("refused", ({ x, outside }) => gather(x!, outside!), { x, outside })).toThrow(
    /out of range/,
  );
});
