import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "./virtual-clock.ts";

const told = (clock: VirtualClock<string>) => {
  const events: string[] = [];
  for (let event = clock.next(); event !== undefined; event = clock.next()) {
    events.push(`${event.at} ${event.kind === "arrival" ? event.work : event.name}`);
  }
  return events;
};

describe("simulated time", () => {
  it("tells arrivals of an instant before its timers, and each in order of creation", () => {
    const clock = new VirtualClock<string>();
    clock.setTimer("tick", 5);
    clock.expect("b", 5);
    clock.expect("a", 5);
    clock.expect("early", 2);
    clock.setTimer("tock", 5);
    expect(clock.peek()).toMatchObject({ work: "early" });
    expect(told(clock)).toEqual(["2 early", "5 b", "5 a", "5 tick", "5 tock"]);
    expect([clock.now, clock.peek(), clock.next()]).toEqual([5, undefined, undefined]);
  });

  it("counts durations from the event told last", () => {
    const clock = new VirtualClock<string>(100);
    clock.expect("a", 10);
    clock.next();
    clock.expect("b", 10);
    expect(told(clock)).toEqual(["120 b"]);
  });

  it("is a sort by time that keeps the order of equals", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 200 }), (durations) => {
        const clock = new VirtualClock<string>();
        for (const [i, duration] of durations.entries()) clock.expect(`${i}`, duration);
        const sorted = [...durations.entries()].sort(([, a], [, b]) => a - b);
        expect(told(clock)).toEqual(sorted.map(([i, duration]) => `${duration} ${i}`));
      }),
      { numRuns: 200 },
    );
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])("refuses %d as a duration", (duration) => {
    expect(() => new VirtualClock<string>().expect("a", duration)).toThrow(
      expect.objectContaining({ code: "clock/time" }),
    );
  });

  it("refuses a timer in the past", () => {
    const clock = new VirtualClock<string>(10);
    expect(() => clock.setTimer("late", 9)).toThrow(expect.objectContaining({ code: "clock/time" }));
  });
});
