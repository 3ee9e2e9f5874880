import { describe, expect, it } from "vitest";
import type { Tensor } from "../graph/graph.ts";
import type { Shape } from "../graph/types.ts";
import { checkExecutor, checkGradients, host, sample } from "../testing/check.ts";
import { broadcastTo } from "./broadcast.ts";
import { mul } from "./elementwise.ts";
import { matmul } from "./matmul.ts";
import { concat, pad, slice } from "./pieces.ts";
import { expandDims, flatten, reshape, squeeze, transpose } from "./shape.ts";

const x = sample([2, 3, 4]);
const y = sample([2, 2, 4], { seed: 3 });
type Fn = (i: Record<string, Tensor>) => Tensor;
const cases: Record<string, Fn> = {
  "reshape [6, 4]": (i) => reshape(i["x"]!, [6, 4]),
  "reshape [24]": (i) => reshape(i["x"]!, [24]),
  flatten: (i) => flatten(i["x"]!),
  expandDims: (i) => expandDims(i["x"]!, -1),
  squeeze: (i) => squeeze(expandDims(i["x"]!, 1), 1),
  "transpose [2, 0, 1]": (i) => transpose(i["x"]!, [2, 0, 1]),
  "transpose [0, 2, 1]": (i) => transpose(i["x"]!, [0, -1, 1]),
  "broadcastTo [5, 2, 3, 4]": (i) => broadcastTo(i["x"]!, [5, 2, 3, 4]),
  "broadcastTo of ones": (i) => broadcastTo(expandDims(i["x"]!, 1), [2, 2, 3, 4]),
  slice: (i) => slice(i["x"]!, [0, 1, 2], [1, 3, 4]),
  "slice one axis": (i) => slice(i["x"]!, [0, 0, 1], [2, 3, 3]),
  pad: (i) => pad(i["x"]!, [0, 1, 2], [1, 0, 3]),
  "concat 1": (i) => concat([i["x"]!, i["y"]!, mul(i["x"]!, 2)], 1),
  "concat -1": (i) => concat([i["x"]!, i["x"]!], -1),
};

describe.each(Object.entries(cases))("%s", (name, fn) => {
  it("agrees with differences and on executors", async () => {
    const inputs = name === "concat 1" ? { x, y } : { x };
    checkGradients(name, fn, inputs);
    await checkExecutor(name, fn, inputs);
  });
});

const symbolic: Record<string, { fn: Fn; shape: Shape }> = {
  "merge a symbol": { fn: (i) => reshape(i["x"]!, ["3*N", 4]), shape: ["N", 3, 4] },
  "merge all": { fn: (i) => reshape(i["x"]!, ["12*N"]), shape: ["N", 3, 4] },
  "merge and split": { fn: (i) => reshape(reshape(i["x"]!, ["3*N", 4]), ["N", 12]), shape: ["N", 3, 4] },
  "keep two symbols": { fn: (i) => reshape(i["x"]!, ["K", "N", 2, 2]), shape: ["K", "N", 4] },
  "ones around two symbols": { fn: (i) => reshape(i["x"]!, [1, "K", 1, "N", 4]), shape: ["K", "N", 4] },
  flatten: { fn: (i) => flatten(i["x"]!), shape: ["N", 3, 4] },
  transpose: { fn: (i) => transpose(i["x"]!, [1, 0, 2]), shape: ["K", "N", 4] },
  broadcastTo: { fn: (i) => broadcastTo(i["bias"]!, i["x"]!.shape, i["x"]!), shape: ["K", "N", 4] },
  slice: { fn: (i) => slice(i["x"]!, [0, 1, 1], ["N", 3, 3]), shape: ["N", 3, 4] },
  pad: { fn: (i) => pad(i["x"]!, [0, 1, 1], [0, 0, 2]), shape: ["N", 3, 4] },
  concat: { fn: (i) => concat([i["x"]!, i["x"]!], 1), shape: ["N", 3, 4] },
};

it.each(Object.entries(symbolic))("symbolic: %s", async (name, { fn, shape }) => {
  const inputs = name === "broadcastTo" ? { x, bias: sample([4], { seed: 9 }) } : { x };
  await checkExecutor(`${name}, symbolic`, fn, inputs, { shapes: { x: shape } });
});

it("moves other element types", async () => {
  for (const dtype of ["int32", "uint8", "bool"] as const) {
    const n = host(dtype, [2, 3], [1, 0, 1, 1, 1, 0]);
    const fn = ({ n }: Record<string, Tensor>) => ({
      reshape: reshape(n!, [6]),
      transpose: transpose(n!, [1, 0]),
      broadcastTo: broadcastTo(n!, [2, 2, 3]),
      slice: slice(n!, [0, 1], [2, 3]),
      pad: pad(n!, [1, 0], [0, 1]),
      concat: concat([n!, n!], 0),
    });
    await checkExecutor(`shapes of ${dtype}`, fn, { n });
  }
});

it("refuses what does not fit", () => {
  const fails = (fn: Fn) => () => checkGradients("refused", fn, { x });
  expect(fails((i) => reshape(i["x"]!, [5, 5]))).toThrow(/number of elements changes/);
  expect(fails((i) => transpose(i["x"]!, [0, 1, 1]))).toThrow(/not a permutation/);
  expect(fails((i) => slice(i["x"]!, [0, 0, 0], [2, 3, 5]))).toThrow(/range does not fit/);
  expect(fails((i) => broadcastTo(i["x"]!, [3, 4]))).toThrow(/does not broadcast/);
  expect(fails((i) => concat([i["x"]!, flatten(i["x"]!)], 0))).toThrow(/do not fit together/);
  expect(fails((i) => squeeze(i["x"]!, 0))).toThrow(/another extent/);
  expect(fails((i) => slice(i["x"]!, [0, 0.5, 0], [2, 3, 4]))).toThrow(/range does not fit/);
  expect(fails((i) => pad(i["x"]!, [0, 0], [0, 0]))).toThrow(/padding does not fit/);
});

it("empty tensors keep their shapes, batches of no example too", async () => {
  const none = { x: sample([0, 6]), w: sample([6, 2]) };
  await checkExecutor("empty, static", (i) => reshape(transpose(i["x"]!, [1, 0]), [2, 0, 3]), none);
  const shapes = { x: ["N", 6] };
  const fn: Fn = (i) => {
    const y = expandDims(matmul(i["x"]!, i["w"]!), 1);
    return flatten(concat([y, y], 1));
  };
  await checkExecutor("empty, symbolic", fn, none, { shapes });
});
