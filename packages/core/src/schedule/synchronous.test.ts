import { describe, expect, it } from "vitest";
import { synchronous } from "./synchronous.ts";

const start = (cohort: number[]) => synchronous.open(synchronous.initial, { round: 1, time: 0, cohort });
const arrival = (client: number, failed = false) => ({ client, time: 0, failed, staleness: 0 });

describe("synchronous rounds", () => {
  it("give work to the whole cohort and end when all have answered or failed", () => {
    const opened = start([4, 7, 9]);
    expect(opened.requests).toEqual([4, 7, 9].map((client) => ({ client, visit: 0 })));
    const first = synchronous.arrived(opened.state, arrival(7));
    const second = synchronous.arrived(first.state, arrival(4, true));
    const last = synchronous.arrived(second.state, arrival(9));
    expect([opened, first, second, last].map(({ complete }) => complete)).toEqual([false, false, false, true]);
    expect(last.state).toEqual(synchronous.initial);
    expect([first, second, last].every(({ fold, factor }) => fold && factor === 1)).toBe(true);
  });

  it("are over at once without a cohort", () => {
    expect(start([])).toEqual({ state: synchronous.initial, requests: [], complete: true });
  });
});
