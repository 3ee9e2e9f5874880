import { describe, expect, it } from "vitest";
import { report } from "./report.ts";
import { parseRun } from "./run-data.ts";
import { syntheticRun } from "./synthetic-run.ts";

/** A run of two tasks with one round each. */
function stream() {
  const texts = syntheticRun({ rounds: 2 });
  const tasks = [
    { accuracies: [0.625], mean: 0.625 },
    { accuracies: [0.125, 0.75], mean: 0.4375, forgetting: 0.5 },
  ];
  const events = texts.events.replaceAll(
    /"type":"evaluation",("at":"[^"]*"),"round":(\d)/g,
    (text, _at, round) => `${text},"tasks":${JSON.stringify(tasks[Number(round) - 1])}`,
  );
  return parseRun({ ...texts, events });
}

describe("a report", () => {
  it("has the accuracy on each task after each of them, where there is a stream of tasks", () => {
    const page = report(stream());
    for (const text of ["Accuracy by task", "forgetting 50.0", "62.5", "12.5", "75.0"]) expect(page).toContain(text);
    expect(report(parseRun(syntheticRun({ rounds: 2 })))).not.toContain("Accuracy by task");
  });
});
