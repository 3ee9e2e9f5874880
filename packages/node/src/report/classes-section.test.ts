import { describe, expect, it } from "vitest";
import { classScores, macroF1 } from "./classes-section.ts";
import { report } from "./report.ts";
import { parseRun } from "./run-data.ts";
import { syntheticRun } from "./synthetic-run.ts";

const metrics = {
  round: 30,
  examples: 10,
  classNames: ["cat", "<b>dog</b>", "none"],
  confusion: [
    [3, 1, 0],
    [2, 4, 0],
    [0, 0, 0],
  ],
};

describe("classScores", () => {
  it("are accuracy, precision and F1 of each class, and their mean over the classes of the test set", () => {
    const scores = classScores(metrics);
    // cat: 3 of 4, 3 of 5 taken for it, 6 / 9; dog: 4 of 6, 4 of 5, 8 / 11
    expect(scores[0]).toMatchObject({ name: "cat", examples: 4, accuracy: 0.75, precision: 0.6 });
    expect(scores[0]!.f1).toBeCloseTo(2 / 3, 12);
    expect(scores[1]!.f1).toBeCloseTo(8 / 11, 12);
    expect(macroF1(scores)).toBeCloseTo((2 / 3 + 8 / 11) / 2, 12);
  });
});

describe("a report", () => {
  it("has the confusion matrix and the metrics by class, where they are known", () => {
    const page = report(parseRun({ ...syntheticRun({ rounds: 3 }), classMetrics: JSON.stringify(metrics) }));
    expect(page).toContain("Confusion matrix");
    expect(page).toContain("Macro F1 0.6970");
    expect(page).toContain("&lt;b&gt;dog&lt;/b&gt;");
    expect(page).not.toContain("<b>dog");
    expect(report(parseRun(syntheticRun({ rounds: 3 })))).not.toContain("Confusion matrix");
    const broken = parseRun({ ...syntheticRun({ rounds: 3 }), classMetrics: '{"round": 1}' });
    expect(report(broken)).not.toContain("Confusion matrix");
  });
});
