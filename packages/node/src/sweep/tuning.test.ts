import { describe, expect, it } from "vitest";
import { parseRun } from "../report/run-data.ts";
import { bestOf, scoreOf } from "./tuning.ts";

/** A run with these accuracies, evaluated every round. */
function run(...accuracies: readonly number[]) {
  const lines = accuracies.map((accuracy, i) => ({ type: "evaluation", round: i + 1, split: "test", accuracy }));
  return parseRun({ events: lines.map((line) => JSON.stringify(line)).join("\n") });
}

describe("a tuning", () => {
  it("judges by the mean of the last three evaluations, or by the last one", () => {
    expect(scoreOf("finished", run(0.1, 0.5, 0.6, 0.7), "recentAccuracy")).toBeCloseTo(0.6, 12);
    expect(scoreOf("finished", run(0.4, 0.6), "recentAccuracy")).toBeCloseTo(0.5, 12);
    expect(scoreOf("finished", run(0.9, 0.6), "accuracy")).toBe(0.6);
  });

  it("gives no score to a run that diverged, failed or was never evaluated", () => {
    expect(scoreOf("diverged", run(0.9, 0.9), "recentAccuracy")).toBeUndefined();
    expect(scoreOf("failed", undefined, "recentAccuracy")).toBeUndefined();
    expect(scoreOf("finished", run(), "accuracy")).toBeUndefined();
  });

  it("judges runs that predict numbers by their errors, of which the lowest is best", () => {
    const errors = (...values: readonly number[]) => {
      const start = { type: "run.started", predicts: "numbers", rounds: values.length };
      const lines = values.map((rmse, i) => ({
        type: "evaluation",
        round: i + 1,
        split: "test",
        accuracy: null,
        rmse,
      }));
      return parseRun({ events: [start, ...lines].map((line) => JSON.stringify(line)).join("\n") });
    };
    const runs = [errors(9, 5, 4, 3), errors(2, 3)];
    expect(runs.map((run) => scoreOf("finished", run, "recentAccuracy"))).toEqual([4, 2.5]);
    const scores = runs.map((run) => scoreOf("finished", run, "accuracy"));
    expect(scores).toEqual([3, 3]);
    expect(bestOf(scores, runs)).toBe(0);
    expect(bestOf([4, 2.5], runs)).toBe(1);
    expect(bestOf([undefined, 2.5, 3], runs)).toBe(1);
  });

  it("chooses the highest score, the first of equals, and nothing where all have lost", () => {
    expect(bestOf([0.3, undefined, 0.5, 0.5])).toBe(2);
    expect(bestOf([undefined, 0])).toBe(1);
    expect(bestOf([undefined, undefined])).toBeUndefined();
  });
});
