import { describe, expect, it } from "vitest";
import type { RunData } from "../report/run-data.ts";
import { reputationLines } from "./reputation-lines.ts";

const roundsOf = (...aggregations: object[]) =>
  aggregations.map((aggregation, i) => ({ round: i + 1, aggregation })) as unknown as RunData["rounds"];

describe("reputations of a run", () => {
  it("are those after its last round, with the round in which a client was removed", () => {
    const trust = (last: number): [number, number][] => [
      [0, 1 - last],
      [1, last],
    ];
    const rounds = roundsOf(
      { rule: "reputation", trust: trust(0.25) },
      { rule: "reputation", trust: trust(0), dropped: [1] },
      { rule: "reputation", trust: trust(0) },
    );
    const [, first, second] = reputationLines({ rounds }, 80);
    expect(first).toMatch(/^ *0 +1\.0*$/);
    expect(second).toMatch(/^ *1 +0\.0* +round 2$/);
  });

  it("are none where a rule has other trust", () => {
    expect(reputationLines({ rounds: roundsOf({ rule: "fltrust", trust: [[0, 1]] }) }, 80)).toEqual([]);
    expect(reputationLines({ rounds: roundsOf({}) }, 80)).toEqual([]);
  });
});
