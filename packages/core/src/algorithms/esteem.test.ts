import { describe, expect, it } from "vitest";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import { layout } from "../params/layout.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import { complete, fixedTopology, mixingRows } from "../topology/index.ts";
import { decentralised, NODES } from "./decentralised.ts";
import { bristle, fedavg, rffl } from "./methods.ts";

describe("rffl", () => {
  const everyone = [0, 1, 2, 3];
  const alike = {
    ...HETEROGENEOUS,
    a: everyone.map(() => [1, 2, 3]),
    b: everyone.map(() => [1, -1, 2]),
    cohorts: everyone.map(() => everyone),
  };

  it.each([
    ["in full", false, 2],
    ["but for what they weighed", true, 2 - 1 / 4],
  ])("gives clients that are all alike the aggregate %s beside their own update", async (_what, subtractOwn, twice) => {
    const ours = await traceFederation(rffl({ norm: 100, subtractOwn }), alike);
    const plain = await traceFederation(fedavg({ serverLearningRate: twice }), alike);
    for (const [k, round] of ours.rounds.entries())
      for (const [j, value] of round.entries()) expect(value).toBeCloseTo(plain.rounds[k]![j]!, 10);
  });
});

describe("bristle", () => {
  const output = layout([
    { name: "output.bias", shape: [2], role: "head", block: "output" },
    { name: "output.weight", shape: [1, 2], role: "head", block: "output" },
  ]);
  const topology = fixedTopology("complete", mixingRows(complete(3), "metropolis"));
  const among = decentralised(bristle(), { topology });
  const start = among.init(new Float64Array(4), output);
  const delta = Float64Array.from({ length: 12 }, (_, i) => i + 1);
  const round = {
    ...{ round: 1, cohortSize: 3, population: 3, learningRate: 0.1, localSteps: 1, weightedSteps: 1 },
    ...{ clients: [0, 1, 2], layout: output },
  };

  it("asks each node for its own model and those of its neighbours, and keeps what nobody else does better", () => {
    const questions = among.questions!(start, { delta }, round);
    expect(questions.map(({ client }) => client)).toEqual([0, 1, 2, 0, 0, 1, 1, 2, 2]);
    expect(Array.from(questions[1]!.model)).toEqual([5, 6, 7, 8]);
    const scores = questions.map((_, k) => new Map([[0, k < 3 ? 1 : 0]]));
    const next = among.update(start, { delta }, { ...round, scores });
    expect(Array.from(next.vectors[NODES]!)).toEqual(Array.from(delta));
  });
});
