import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RoundTotals } from "./round-totals.ts";

type Step = ["add" | "evaluate" | "dropAfter", round: number, value: number | null];

/** The same by definition: from the rounds that are there, in the order in which they first came. */
function byDefinition(steps: readonly Step[]) {
  const rounds = new Map<number, { bytes: number; accuracy: number | null }>();
  for (const [kind, round, value] of steps) {
    if (kind === "add") rounds.set(round, { bytes: value ?? 0, accuracy: null });
    else if (kind === "dropAfter") for (const known of [...rounds.keys()]) if (known > round) rounds.delete(known);
    const entry = rounds.get(round);
    if (kind === "evaluate" && entry !== undefined) entry.accuracy = value;
  }
  const accuracies = [...rounds.values()].flatMap(({ accuracy }) => accuracy ?? []);
  const bytes = [...rounds.values()].reduce((sum, entry) => sum + entry.bytes, 0);
  return {
    ...{ bytesDown: bytes, bytesUp: 2 * bytes, seconds: bytes, lastRound: Math.max(0, ...rounds.keys()) },
    finalAccuracy: accuracies.at(-1) ?? null,
    bestAccuracy: accuracies.length === 0 ? null : Math.max(...accuracies),
    finalRmse: accuracies.length === 0 ? null : accuracies.at(-1)! / 2,
    finalR2: accuracies.length === 0 ? null : -accuracies.at(-1)!,
  };
}

/** Errors that go with an accuracy, so that the oracle knows them. */
const errorsOf = (value: number | null) => (value === null ? {} : { rmse: value / 2, r2: -value });

describe("round totals", () => {
  it("are those of the rounds at any time, also of rounds that come again", () => {
    const step = fc.tuple(
      fc.constantFrom("add", "add", "evaluate", "dropAfter"),
      fc.integer({ min: 1, max: 6 }),
      fc.option(fc.integer({ min: 0, max: 9 })),
    ) as fc.Arbitrary<Step>;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const totals = new RoundTotals();
        steps.forEach(([kind, round, value], i) => {
          if (kind === "add")
            totals.add(round, { bytesDown: value ?? 0, bytesUp: 2 * (value ?? 0), seconds: value ?? 0 });
          else if (kind === "evaluate") totals.evaluate(round, value, errorsOf(value));
          else totals.dropAfter(round);
          expect(totals.totals).toEqual(byDefinition(steps.slice(0, i + 1)));
        });
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});
