import { expect, it } from "vitest";
import type { Tensor } from "../graph/graph.ts";
import { checkExecutor, checkGradients, host, sample } from "../testing/check.ts";
import { ranks } from "./sorting.ts";

const places = ({ x }: Record<string, Tensor>) => ranks(x!);

it("ranks values, equal ones by their index", async () => {
  const ties = host("float", [8], [2, -1, 2, 0, -1, 5, 2, 0]);
  await checkExecutor("ranks with ties", places, { x: ties }, { gradients: false });
  await checkExecutor("ranks", places, { x: sample([1000]) }, { gradients: false });
});

it("refuses matrices and unknown lengths", () => {
  expect(() => checkGradients("refused", places, { x: sample([2, 3]) })).toThrow(/a vector of known length/);
});
