import { describe, expect, it } from "vitest";
import { groupFairness } from "./group-metrics.ts";

/** Two clients with two groups each; who is of class 1 depends on the group. */
function examples(predict: (group: number, label: number, client: number) => number) {
  const rows = [0, 1].flatMap((client) =>
    [0, 1].flatMap((group) =>
      Array.from({ length: 20 }, (_, i) => ({ client, group, label: i < (group === 1 ? 16 : 6) ? 1 : 0 })),
    ),
  );
  return {
    clients: rows.map(({ client }) => client),
    clientCount: 2,
    groups: rows.map(({ group }) => group),
    groupCount: 2,
    labels: rows.map(({ label }) => label),
    predictions: rows.map(({ group, label, client }) => predict(group, label, client)),
    classes: 2,
  };
}

describe("group fairness", () => {
  it("of a perfect model has the rates of the labels, and reaches the limit", () => {
    const { accuracy, groups, disparity, limits } = groupFairness(examples((_, label) => label));
    expect(accuracy).toBe(1);
    expect(groups[0]).toEqual({ examples: 40, accuracy: 1, predicted: [0.7, 0.3], recall: [1, 1] });
    expect(groups[1]).toEqual({ examples: 40, accuracy: 1, predicted: [expect.closeTo(0.2), 0.8], recall: [1, 1] });
    // I(Z; Y) by hand: H(0.55) - (H(0.3) + H(0.8)) / 2
    const h = (p: number) => -p * Math.log2(p) - (1 - p) * Math.log2(1 - p);
    expect(disparity.global).toBeCloseTo(h(0.55) - (h(0.3) + h(0.8)) / 2, 10);
    expect(disparity.local).toBeCloseTo(disparity.global, 10);
    expect(limits!.at(-1)!.accuracy).toBeCloseTo(1, 3);
    // without any disparity both groups get one decision: the published value for this distribution is 0.75
    expect(limits![0]).toMatchObject({ global: 0, local: 0, accuracy: expect.closeTo(0.75, 3) });
    const accuracies = limits!.map((point) => point.accuracy);
    expect(accuracies).toEqual([...accuracies].sort((a, b) => a - b));
  });

  it("of a model that predicts the group has one bit, and of a constant none", () => {
    expect(groupFairness(examples((group) => group)).disparity).toMatchObject({ global: 1, local: 1 });
    const constant = groupFairness(examples(() => 1));
    expect(constant.disparity.global).toBeCloseTo(0, 12);
    expect(constant.accuracy).toBe(0.55);
    expect(constant.groups[0]).toMatchObject({ accuracy: 0.3, predicted: [0, 1], recall: [0, 1] });
  });

  it("never finds a model above the limit at its own disparities", () => {
    const models = [
      (group: number, label: number, client: number) => (client === 0 ? label : group),
      (group: number, label: number) => (group === 0 ? 0 : label),
      (group: number, _label: number, client: number) => group ^ client,
    ];
    for (const model of models) {
      const { accuracy, limits } = groupFairness(examples(model));
      expect(limits!.at(-1)!.accuracy).toBeGreaterThanOrEqual(accuracy - 2e-3);
    }
  });

  it("has no rates of an empty group, and no limit over too many clients", () => {
    const one = examples((_, label) => label);
    const { groups } = groupFairness({ ...one, groupCount: 3 });
    expect(groups[2]).toEqual({
      examples: 0,
      accuracy: Number.NaN,
      predicted: [Number.NaN, Number.NaN],
      recall: [Number.NaN, Number.NaN],
    });
    expect(groupFairness({ ...one, clientCount: 51 }).limits).toBeUndefined();
  });
});
