import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import { arrivalWeights, tickWeights } from "./client-weights.ts";
import { ticks } from "./ticks.ts";

const schedule = ticks({ period: 100, concurrency: 3, weight: (client) => client + 1 });
const instant = (time: number, unavailable: number[] = []) => ({
  round: 1,
  time,
  population: 3,
  outstanding: unavailable.length,
  unavailable: new Set(unavailable),
  key: rootKey(1),
});

describe("rounds of ticks", () => {
  it("end at the next multiple of the period", () => {
    expect(schedule.open({}, { round: 1, time: 0, cohort: [] }).timers).toEqual([{ name: "tick", at: 100 }]);
    expect(schedule.open({}, { round: 4, time: 300, cohort: [] }).timers).toEqual([{ name: "tick", at: 400 }]);
    expect(schedule.timer({ given: [1] }, "tick", 100)).toEqual({ state: {}, requests: [], complete: true });
  });

  it("give work to who is idle when they begin, and to nobody later", () => {
    const { state, requests } = schedule.settle!({}, instant(0, [1]));
    expect(requests.map(({ client }) => client)).toEqual([0, 2]);
    const arrived = schedule.arrived(state, { client: 1, time: 40, failed: false, staleness: 0 });
    expect(arrived).toMatchObject({ fold: true, factor: 2, complete: false });
    expect(schedule.settle!(arrived.state, instant(40)).requests).toEqual([]);
  });

  it("leave out a client that failed", () => {
    expect(schedule.arrived({}, { client: 1, time: 4, failed: true, staleness: 0 })).toMatchObject({ fold: false });
  });
});

describe("weights of clients", () => {
  const known = { times: [1, 1.5, 4], importance: [0.2, 0.3, 0.5] };

  it("make up for the ticks between two updates", () => {
    expect(tickWeights("unbiased", known, 1.5)).toEqual([0.2, 0.3, 1.5].map((d) => expect.closeTo(3 * d, 12)));
    expect(tickWeights("identical", known, 1.5)).toEqual([0.2, 0.3, 0.5].map((d) => expect.closeTo(3 * d, 12)));
  });

  it("make up for the rate at which a client arrives", () => {
    const weights = arrivalWeights("unbiased", known);
    // arrivals per time, times d_i, are as p_i
    const pulls = weights.map((weight, i) => weight / known.times[i]!);
    const total = pulls.reduce((sum, pull) => sum + pull, 0);
    expect(pulls.map((pull) => pull / total)).toEqual(known.importance.map((p) => expect.closeTo(p, 12)));
    expect(arrivalWeights("identical", known)).toEqual([3, 3, 3]);
  });
});
