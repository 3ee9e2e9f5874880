import { describe, expect, it } from "vitest";
import type { RunData } from "../run-data.ts";
import { deviceTimeline } from "./device-timeline.ts";
import { stalenessHistogram } from "./staleness.ts";

/** Two clients: client 0 is in rounds 1 and 2, client 1 comes in round 2 with the first version. */
const rounds = [
  { round: 1, simulatedSeconds: 10, updates: [[0, 1, 0]] },
  {
    round: 2,
    simulatedSeconds: 40,
    updates: [
      [1, 1, 0],
      [0, 2, 0],
    ],
  },
];
const groups = (given: readonly object[]) =>
  [{ name: "run", runs: [{ rounds: given, evaluations: [] } as unknown as RunData] }] as never;

describe("charts of asynchronous runs", () => {
  it("count updates by staleness", () => {
    const { marks } = stalenessHistogram.plot(groups(rounds))!;
    expect(marks).toMatchObject([{ kind: "bars", values: [2, 1] }]);
    expect(stalenessHistogram.caption(groups(rounds))).toContain("mean 0.33");
  });

  it("show when each client had work", () => {
    const [cells] = deviceTimeline.plot(groups(rounds))!.marks as unknown as readonly {
      cells: [number, number, number][];
    }[];
    const busy = (client: number) => cells!.cells.filter(([, y]) => y === client).reduce((sum, [, , v]) => sum + v, 0);
    // 80 columns of half a second each
    expect([busy(0), busy(1)]).toEqual([expect.closeTo(80, 6), expect.closeTo(80, 6)]);
  });

  it("are left out of synchronous runs", () => {
    const plain = rounds.map(({ updates: _updates, ...round }) => round);
    expect([stalenessHistogram.plot(groups(plain)), deviceTimeline.plot(groups(plain))]).toEqual([
      undefined,
      undefined,
    ]);
  });
});
