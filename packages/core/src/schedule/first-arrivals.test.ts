import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firstArrivals } from "./first-arrivals.ts";

const times = [30, 10, 70, 20, 20];
const cohort = [0, 1, 2, 3, 4];
const of = (options: { keep?: number; deadline?: number }) =>
  firstArrivals({ ...options, duration: (client) => times[client]! });
const open = (options: { keep?: number; deadline?: number }) => of(options).open({}, { round: 1, time: 100, cohort });
const clients = ({ requests }: { requests: readonly { client: number }[] }) => requests.map(({ client }) => client);

describe("rounds of the first arrivals", () => {
  it("give work to those that will be first, in the order of the cohort", () => {
    const opened = open({ keep: 3 });
    expect(clients(opened)).toEqual([1, 3, 4]);
    expect(opened.unused).toEqual([0, 2]);
  });

  it("end with the last that they keep, or at the deadline where fewer come", () => {
    const end = (options: { keep?: number; deadline?: number }) => {
      const schedule = of(options);
      let step = open(options);
      for (const client of clients(step))
        step = schedule.arrived(step.state, { client, time: 100, failed: false, staleness: 0 });
      expect(step.complete).toBe(false);
      return step.timers;
    };
    expect(end({ keep: 3 })).toEqual([{ name: "end", at: 120 }]);
    expect(end({ deadline: 40 })).toEqual([{ name: "end", at: 140 }]);
    expect(end({})).toEqual([{ name: "end", at: 170 }]);
    expect(end({ keep: 2, deadline: 40 })).toEqual([{ name: "end", at: 120 }]);
  });

  it("wait until the deadline where nobody comes", () => {
    expect(open({ deadline: 5 })).toMatchObject({ requests: [], complete: false, timers: [{ at: 105 }] });
  });

  it("replace a client that fails by the next one that is in time", () => {
    const schedule = of({ keep: 2, deadline: 40 });
    const opened = schedule.open({}, { round: 1, time: 0, cohort });
    expect(clients(opened)).toEqual([1, 3]);
    const failed = schedule.arrived(opened.state, { client: 1, time: 0, failed: true, staleness: 0 });
    expect(clients(failed)).toEqual([4]);
    const second = schedule.arrived(failed.state, { client: 3, time: 0, failed: true, staleness: 0 });
    expect(clients(second)).toEqual([0]);
    const third = schedule.arrived(second.state, { client: 4, time: 0, failed: false, staleness: 0 });
    const last = schedule.arrived(third.state, { client: 0, time: 0, failed: true, staleness: 0 });
    expect(last.timers).toEqual([{ name: "end", at: 40 }]);
    expect(schedule.timer(last.state, "end", 40)).toEqual({ state: {}, requests: [], complete: true });
  });

  it("are those of the whole cohort without a limit", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 9 }), (durations) => {
        const schedule = firstArrivals({ duration: (client) => durations[client]! });
        const everyone = [...durations.keys()];
        expect(clients(schedule.open({}, { round: 1, time: 0, cohort: everyone }))).toEqual(everyone);
      }),
      { numRuns: 50 },
    );
  });

  it("asks how long each client's part takes, also of one that replaces another", () => {
    const asked: (number | undefined)[] = [];
    const duration = (client: number, _round: number, _at: number, part?: number) => {
      asked.push(part);
      return client + 10 * (part ?? 0);
    };
    const schedule = firstArrivals({ keep: 1, duration });
    const parts = new Map([
      [1, 2],
      [2, 1],
    ]);
    const opened = schedule.open({}, { round: 1, time: 0, cohort: [1, 2], parts });
    expect(opened.requests).toEqual([{ client: 2, visit: 0 }]);
    const failed = schedule.arrived(opened.state, { client: 2, time: 0, failed: true, staleness: 0 });
    expect(failed.requests).toEqual([{ client: 1, visit: 0 }]);
    const last = schedule.arrived(failed.state, { client: 1, time: 0, failed: false, staleness: 0 });
    expect(last.timers).toEqual([{ name: "end", at: 21 }]);
    expect(asked).toEqual([2, 1, 2]);
  });
});
