import { expect, it } from "vitest";
import { evaluateGraph } from "../executor/interpreter.ts";
import { input } from "../graph/sources.ts";
import { trace } from "../graph/trace.ts";
import { checkExecutor, checkGradients, sample } from "../testing/check.ts";
import { attention } from "./attention.ts";

it.each([false, true])("derivatives and executor, causal %s", async (causal) => {
  const inputs = {
    q: sample([2, 2, 3, 4], { seed: 1 }),
    k: sample([2, 2, 3, 4], { seed: 2 }),
    v: sample([2, 2, 3, 2], { seed: 3 }),
  };
  const shapes = { q: ["N", 2, 3, 4], k: ["N", 2, 3, 4], v: ["N", 2, 3, 2] };
  checkGradients("attention", (i) => attention(i["q"]!, i["k"]!, i["v"]!, { causal }), inputs);
  await checkExecutor("attention", (i) => attention(i["q"]!, i["k"]!, i["v"]!, { causal }), inputs, { shapes });
});

it("a causal position sees no later one", () => {
  const type = { dtype: "float", shape: [3, 2] } as const;
  const graph = trace(({ q, k, v }) => attention(q, k, v, { causal: true }), { q: type, k: type, v: type });
  const run = (last: number) => {
    const v = sample([3, 2], { seed: 3 });
    v.data.fill(last, 4);
    return evaluateGraph(graph, [sample([3, 2], { seed: 2 }), sample([3, 2]), v])[0]!;
  };
  expect(run(5).data.slice(0, 4)).toEqual(run(-5).data.slice(0, 4));
  expect(run(5).data[5]).not.toEqual(run(-5).data[5]);
});

it("refuses batches that differ", () => {
  const q = input("q", { dtype: "float", shape: [2, 3, 4] });
  const k = input("k", { dtype: "float", shape: [3, 3, 4] });
  expect(() => attention(q, k, k)).toThrow(/do not fit/);
  const one = input("one", { dtype: "float", shape: [2, 1, 4] });
  expect(() => attention(q, one, one, { causal: true })).toThrow(/a key for each query/);
});
