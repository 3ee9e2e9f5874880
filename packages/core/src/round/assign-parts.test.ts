import { expect, it } from "vitest";
import { fedavg } from "../algorithms/fedavg.ts";
import { fedbcgd } from "../algorithms/fedbcgd.ts";
import { layout } from "../params/layout.ts";
import { assignParts } from "./assign-parts.ts";

const model = layout(["a", "b", "c"].map((name) => ({ name, shape: [2], role: "vector", block: name })));
const planOf = (algorithm: ReturnType<typeof fedavg>) => ({ algorithm, payloads: algorithm.payloads(model), seed: 1 });

it("gives each client a part, by seed, round and cohort alone", () => {
  const plan = planOf(fedbcgd());
  const first = assignParts(plan, 1, [7, 3, 9])!;
  expect([...first.keys()]).toEqual([7, 3, 9]);
  expect([...first.values()].sort()).toEqual([0, 1, 2]);
  expect(assignParts(plan, 1, [7, 3, 9])).toEqual(first);
  const others = [2, 3, 4, 5].map((round) => [...assignParts(plan, round, [7, 3, 9])!.values()].join());
  expect(new Set([...others, [...first.values()].join()]).size).toBeGreaterThan(1);
});

it("gives none where everyone sends everything", () => {
  expect(assignParts(planOf(fedavg()), 1, [0, 1])).toBeUndefined();
});

it("follows a method's own assignment, if it fits", () => {
  const scripted = (parts: readonly number[]) => planOf({ ...fedbcgd(), assign: () => parts });
  expect(assignParts(scripted([2, 2]), 1, [4, 5])).toEqual(
    new Map([
      [4, 2],
      [5, 2],
    ]),
  );
  for (const wrong of [[0], [0, 3], [0, -1], [0, 0.5]])
    expect(() => assignParts(scripted(wrong), 1, [4, 5])).toThrow(expect.objectContaining({ code: "round/parts" }));
});
